import { Fragment, type JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { InboxItem } from '../../../../../engine/answers.js';
import { now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useKey } from '../../frame/use-key.js';
import { useRead } from '../../frame/use-read.js';
import { Button } from '../../parts/button.js';
import { isStale } from '../../parts/decision-terms.js';
import { TextField } from '../../parts/field.js';
import { Name } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';

/** The reviews and comments so far, who can still act, and a field for a comment. Closed at first. */
export function Discussion({ item, canComment }: { readonly item: InboxItem; readonly canComment: boolean }): JSX.Element {
  const { request, comments } = item;
  const [isOpen, setOpen] = useState(false);
  const count = request.reviews.length + comments.length;
  return (
    <details class="discussion" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {t('inbox.more')} {count > 0 && <span class="count">{count}</span>}
      </summary>
      {isOpen && (
        <div class="discussion-body">
          <Said item={item} />
          <Reviewers requestId={request.id} />
          {canComment && <CommentField requestId={request.id} />}
        </div>
      )}
    </details>
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
  const { client } = useConsole();
  const { value } = useRead(
    (signal) => client.getReviewers(requestId, { signal, people: true }),
    [requestId],
    (change) => change.requestId === requestId,
  );
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
          <ul class="excluded">
            {excluded.map(({ reviewer, why }) => (
              <li key={reviewer}>
                <Text k={`inbox.why.${why}`} with={{ who: <Name id={reviewer} /> }} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function CommentField({ requestId }: { readonly requestId: string }): JSX.Element {
  const { announce, client, drafts } = useConsole();
  const name = `comment:${requestId}`;
  const [text, setText] = useState(() => (drafts.read(name) ?? '') as string);
  const [error, setError] = useState<unknown>();
  const key = useKey(text);
  const change = (next: string) => {
    setText(next);
    drafts.write(name, next === '' ? undefined : next);
  };
  const send = async () => {
    setError(undefined);
    try {
      await client.comment(requestId, { text: text.trim() }, { idempotencyKey: key });
      change('');
      announce(t('inbox.comment.sent'));
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <div class="form">
      <TextField label={t('inbox.comment.label')} hint={t('inbox.comment.hint')} lines={2} value={text} onValue={change} />
      {error !== undefined && <Problem error={error} />}
      <p class="actions">
        <Button small disabled={text.trim() === ''} onPress={send}>
          {t('inbox.comment.send')}
        </Button>
      </p>
    </div>
  );
}
