import { concerned, idLine, people, remarkLine, requestOf, textIn, type About } from './about.js';
import { alreadyEnded } from './asked.js';
import type { Message } from './notice.js';
import { name, say } from './phrase.js';

/** Passes a comment on to the subject, the requester and the reviewers, except its author. */
export function requestCommented(about: About): Message {
  const { entry, request } = about;
  const reviewers = request?.reviews.map(({ reviewer }) => reviewer) ?? [];
  const standIns = request?.escalatedAt === undefined ? undefined : request.quorum?.escalation?.group;
  return {
    kind: 'commented',
    people: people(...concerned(request, textIn(entry.data, 'subject')), ...reviewers).filter((id) => id !== entry.actor),
    groups: people(...(request?.quorum?.groups.map(({ name: group }) => group) ?? []), standIns),
    headline: say`${name(entry.actor)} commented on ${requestOf(about)}`,
    details: [remarkLine('comment', textIn(entry.data, 'text')), alreadyEnded(request), idLine('request', entry.requestId)],
  };
}
