import { Fragment, type JSX } from 'preact';
import type { InboxItem } from '../../../../index.js';
import { now } from '../../frame/clock.js';
import { addMessages, t } from '../../frame/messages.js';
import { useQuery } from '../../frame/use-query.js';
import { CommentField } from '../../parts/comment-field.js';
import { isStale } from '../../parts/decision-terms.js';
import { Excluded } from '../../parts/excluded.js';
import { Name } from '../../parts/person.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';
import { reviewersQuery } from '../request/read.js';
import { discussion } from './discussion-body.messages.js';

addMessages(discussion);

export interface DiscussionProps {
  readonly item: InboxItem;
  readonly canComment: boolean;
}

/** The reviews and comments so far, who can still act, and a field for a comment. */
export function DiscussionBody({ item, canComment }: DiscussionProps): JSX.Element {
  const { id } = item.request;
  return (
    <div class="discussion-body">
      <Said item={item} />
      <Reviewers requestId={id} />
      {canComment && <CommentField requestId={id} />}
    </div>
  );
}

/** What reviewers and others have said, the oldest first. */
function Said({ item: { request, comments } }: { readonly item: InboxItem }): JSX.Element {
  const reviews = request.reviews.map((review) => ({
    at: review.at,
    line: (
      <>
        <Text
          k={review.verdict === 'approve' ? 'inbox.review.approve' : 'inbox.review.deny'}
          with={{ who: <Name id={review.reviewer} />, groups: review.as ?? review.groups.join(', ') }}
        />
        {isStale(review, request, now()) && <span class="chip wait">{t('inbox.review.stale')}</span>}
      </>
    ),
    texts: [review.reason, review.comment],
  }));
  const said = comments.map(({ at, by, text }) => ({
    at,
    line: <Text k="inbox.comment" with={{ who: <Name id={by} /> }} />,
    texts: [text],
  }));
  return (
    <ol class="said">
      {[...reviews, ...said]
        .sort((a, b) => a.at - b.at)
        .map(({ at, line, texts }, i) => (
          <li key={i}>
            <p>
              {line}{' '}
              <span class="quiet">
                <Time at={at} />
              </span>
            </p>
            {texts.map(
              (text, j) =>
                text !== undefined && (
                  <blockquote key={j} dir="auto">
                    {text}
                  </blockquote>
                ),
            )}
          </li>
        ))}
    </ol>
  );
}

/** Who can still act, and why the others do not count. */
function Reviewers({ requestId }: { readonly requestId: string }): JSX.Element | null {
  const { value } = useQuery(reviewersQuery(requestId));
  const { reviewers = [], excluded = [] } = value ?? {};
  return (
    <>
      {reviewers.length > 0 && (
        <p>
          <Text
            k="inbox.canAct"
            with={{
              who: reviewers.map((id, i) => (
                <Fragment key={id}>
                  {i > 0 && ', '}
                  <Name id={id} />
                </Fragment>
              )),
            }}
          />
        </p>
      )}
      {excluded.length > 0 && (
        <div>
          <p>{t('inbox.cannotAct')}</p>
          <Excluded of={excluded} />
        </div>
      )}
    </>
  );
}
