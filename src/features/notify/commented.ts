import { askedGroups } from '../../records/index.js';
import { concerned, idLine, people, remarkLine, requestOf, textIn, type NoticeRecords } from './notice-texts.js';
import { alreadyEnded } from './request-notices.js';
import type { Message } from './notice.js';
import { name, say } from './phrase.js';

/** Passes a comment on to the subject, the requester and the reviewers, except its author. */
export function requestCommented(about: NoticeRecords): Message {
  const { entry, request } = about;
  const reviewers = request?.reviews.map(({ reviewer }) => reviewer) ?? [];
  return {
    kind: 'commented',
    people: people(...concerned(request, textIn(entry.data, 'subject')), ...reviewers).filter((id) => id !== entry.actor),
    groups: request === undefined ? [] : askedGroups(request, request.escalatedAt ?? 0),
    headline: say`${name(entry.actor)} commented on ${requestOf(about)}`,
    details: [remarkLine('comment', textIn(entry.data, 'text')), alreadyEnded(request), idLine('request', entry.requestId)],
  };
}
