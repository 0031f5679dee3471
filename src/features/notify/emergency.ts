import { asking, concerned, idLine, partOf, people, requestOf, textIn, textsIn, windowOf, type About } from './facts.js';
import type { Message, Phrase } from './notice.js';
import { name, names, say, words } from './phrase.js';

/** Somebody has taken access without review. */
export function glassBroken(about: About): Message {
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
    // Those who were passed over are to know first.
    people: people(...concerned(request, by), ...skipped),
    groups: people(...reviewers, ...groups),
    headline: say`BREAK-GLASS: ${name(by)} has taken ${scopes} without review`,
    details: [
      request === undefined || request.subject === by ? undefined : say`for: ${name(request.subject)}`,
      ...asking(request),
      windowOf(about),
      some('skipped groups', groups),
      some('skipped people', skipped),
      say`review due by: ${time(afterReview['reviewBy'])}`,
      some('to be given by one of', reviewers),
      idLine('request', entry.requestId),
    ],
  };
}

/** The review of break-glass access is overdue. */
export function reviewMissed(about: About): Message {
  const { entry, request, time } = about;
  const afterReview = partOf(entry.data, 'afterReview');
  const reviewers = textsIn(afterReview, 'reviewers');
  return {
    kind: 'break_glass_overdue',
    people: concerned(request),
    groups: people(...reviewers),
    headline: say`${requestOf(about)}, by break-glass, has not been reviewed`,
    details: [
      request?.afterReview?.breakGlassReview && say`nothing to do: it has been reviewed by now`,
      say`was due by: ${time(afterReview['reviewBy'])}`,
      some('to be given by one of', reviewers),
      ...asking(request),
      idLine('request', entry.requestId),
    ],
  };
}

const some = (what: string, ids: readonly string[]): Phrase | undefined =>
  ids.length === 0 ? undefined : say`${words(what)}: ${names(ids)}`;
