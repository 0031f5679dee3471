import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { later } from '../../frame/later.js';
import { t } from '../../frame/messages.js';
import type { DiscussionProps } from './discussion-body.js';

const DiscussionBody = later(() => import('./discussion-body.js').then((module) => module.DiscussionBody));

/** What was said about a request, and a field for a comment. Closed at first. */
export function Discussion(props: DiscussionProps): JSX.Element {
  const { request, comments } = props.item;
  const [isOpen, setOpen] = useState(false);
  const count = request.reviews.length + comments.length;
  return (
    <details class="discussion" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {t('inbox.more')} {count > 0 && <span class="count">{count}</span>}
      </summary>
      {isOpen && <DiscussionBody {...props} />}
    </details>
  );
}
