import { asking, concerned, idLine, partOf, people, requestOf, textIn, textsIn, windowOf, type NoticeRecords } from './notice-texts.js';
import type { Message, Phrase } from './notice.js';
import { name, names, say, words } from './phrase.js';

/** Says that a subject has taken access without review. */
export function breakGlassUsed(about: NoticeRecords): Message {
  const { entry, request, time } = about;
  const afterReview = partOf(entry.data, 'afterReview');
  const [reviewers, groups, skipped] = [
    textsIn(afterReview, 'reviewers'),
    textsIn(afterReview, 'skippedGroups'),
    textsIn(afterReview, 'skippedPeople'),
  ];
  const by = textIn(partOf(entry.data, 'end'), 'by') ?? entry.actor;
  const scopes = request === undefined ? say`access` : names(request.scopes);
  return {
    kind: 'break_glass_used',
    // The people and groups whose review was skipped must learn of it.
    people: people(...concerned(request, by), ...skipped),
    groups: people(...reviewers, ...groups),
    headline: say`BREAK-GLASS: ${name(by)} has taken ${scopes} without review`,
    details: [
      request === undefined || request.subject === by ? undefined : say`for: ${name(request.subject)}`,
      ...asking(request),
      windowOf(about),
      namesLine('skipped groups', groups),
      namesLine('skipped people', skipped),
      say`review due by: ${time(afterReview['reviewBy'])}`,
      namesLine('reviewers', reviewers),
      idLine('request', entry.requestId),
    ],
  };
}

/** Says that the review of break-glass access is overdue. */
export function breakGlassOverdue(about: NoticeRecords): Message {
  const { entry, request, time } = about;
  const afterReview = partOf(entry.data, 'afterReview');
  const reviewers = textsIn(afterReview, 'reviewers');
  return {
    kind: 'break_glass_overdue',
    people: concerned(request),
    groups: people(...reviewers),
    headline: say`The break-glass review of ${requestOf(about)} is overdue`,
    details: [
      request?.afterReview?.breakGlassReview && say`no action needed: it has been reviewed`,
      say`was due by: ${time(afterReview['reviewBy'])}`,
      namesLine('reviewers', reviewers),
      ...asking(request),
      idLine('request', entry.requestId),
    ],
  };
}

const namesLine = (what: string, ids: readonly string[]): Phrase | undefined =>
  ids.length === 0 ? undefined : say`${words(what)}: ${names(ids)}`;
