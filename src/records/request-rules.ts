import type { Granted, Quorum, Review } from '../model/review.js';
import type { AccessRequest, Extension } from '../model/request.js';
import { earliestStart } from './derived.js';
import { alternativesOf, MAX_REMINDERS } from './quorum.js';
import { agentOf } from './run.js';

/** Whether a store could hold a request with these fields. */
export const isSoundRequest = (request: AccessRequest): boolean => isConsistent(request) && isUpToItsEnd(request) && namesItsAgent(request);

/** With a requested end, the length is that of the longest window up to it. */
const isUpToItsEnd = ({ until, ttlMs, ...request }: AccessRequest): boolean =>
  until === undefined || ttlMs === until - earliestStart(request);

/** The request of a run names its agent, also as `requestedBy`. No other request names an agent or an operator. */
function namesItsAgent({ subject, agent, operator, requestedBy }: AccessRequest): boolean {
  if (agent !== agentOf(subject)) return false;
  return agent === undefined ? operator === undefined : requestedBy === agent;
}

/**
 * Whether the fields of a request agree with each other:
 *
 * - Each reviewer has one review.
 * - A request with a quorum has the approver that named it, and the instant of the assignment.
 * - A quorum has one form, and names each group once in a step.
 * - `escalatedAt` needs an escalation, and `begunSteps` and the steps of a review need steps that can have begun.
 * - A request has `reminders` and `remindedAt` together, and only as many as its quorum allows by then.
 * - A review, and the end of an approved request, narrow what was requested: fewer scopes, in the same order, or less time.
 * - Exactly an amended or overtaken request has `replacedBy`.
 * - Exactly a break-glass request has `afterReview`.
 * - An extension starts below its cap, its request has no `startsAt`, and it names one grant for each scope.
 */
function isConsistent(request: AccessRequest): boolean {
  const { reviews, quorum, approver, assignedAt, escalatedAt, begunSteps, end: ended, replacedBy, afterReview, extension } = request;
  const isAssigned = approver !== undefined && assignedAt !== undefined;
  return (
    areDifferent(reviews.map((review) => review.reviewer)) &&
    (quorum === undefined ? escalatedAt === undefined && begunSteps === undefined : isAssigned && isSound(quorum, request)) &&
    areReminders(request) &&
    (ended?.cause === 'amended' || ended?.cause === 'overtaken') === (replacedBy !== undefined) &&
    (ended?.cause === 'break_glass') === (afterReview !== undefined) &&
    reviews.every((review) => isNarrowing(request, review)) &&
    (ended?.status !== 'approved' || isWithin(request, ended.granted)) &&
    (extension === undefined || isExtensionOf(extension, request))
  );
}

const areDifferent = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

/** Whether a quorum has one form, and the progress of its request is possible. */
function isSound(quorum: Quorum, { escalatedAt, begunSteps = [], reviews }: AccessRequest): boolean {
  const alternatives = alternativesOf(quorum);
  const steps = alternatives.flatMap((alternative) => alternative.steps);
  return (
    [quorum, ...(quorum.anyOf ?? [])].every(hasOneForm) &&
    steps.every(({ groups }) => areDifferent(groups.map(({ name }) => name))) &&
    (escalatedAt === undefined || steps.some(({ escalation }) => escalation !== undefined)) &&
    // Steps begin one after the other. Their instants may go back: a wrong clock may have stamped one of them (L47).
    begunSteps.every(({ alternative, step }, i) => {
      const before = begunSteps.slice(0, i);
      const isNext = step === before.filter((one) => one.alternative === alternative).length + 1;
      return isNext && step < (alternatives[alternative]?.steps.length ?? 0);
    }) &&
    reviews.every((review) => (review.steps ?? 0) <= begunSteps.length && (review.steps === undefined || review.verdict === 'approve'))
  );
}

/** Whether each recorded reminder has an interval of its own. */
function areReminders({ quorum, assignedAt, reminders, remindedAt }: AccessRequest): boolean {
  if (reminders === undefined || remindedAt === undefined) return reminders === remindedAt;
  const everyMs = quorum?.remindEveryMs;
  if (everyMs === undefined || assignedAt === undefined) return false;
  return reminders <= MAX_REMINDERS && reminders <= Math.floor((remindedAt - assignedAt) / everyMs);
}

const hasOneForm = ({ groups, steps, anyOf }: { readonly [Form in 'groups' | 'steps' | 'anyOf']?: unknown }): boolean =>
  [groups, steps, anyOf].filter((form) => form !== undefined).length === 1;

/** Whether the terms of a review narrow the request: only an approval has terms, in the form that `narrowingOf` gives them. */
function isNarrowing({ ttlMs, scopes }: AccessRequest, review: Review): boolean {
  if (review.ttlMs === undefined && review.scopes === undefined) return true;
  return (
    review.verdict === 'approve' &&
    (review.ttlMs === undefined || review.ttlMs < ttlMs) &&
    (review.scopes === undefined || (review.scopes.length < scopes.length && isPart(review.scopes, scopes)))
  );
}

const isWithin = ({ ttlMs, scopes }: AccessRequest, granted: Granted): boolean => granted.ttlMs <= ttlMs && isPart(granted.scopes, scopes);

/** Whether a list is the other without some of its items. */
function isPart(part: readonly string[], whole: readonly string[]): boolean {
  let from = 0;
  return part.every((item) => (from = whole.indexOf(item, from) + 1) > 0);
}

const isExtensionOf = ({ grantIds, requestId, firstStartsAt, from, until }: Extension, { scopes, startsAt }: AccessRequest): boolean =>
  firstStartsAt < from &&
  from < until &&
  startsAt === undefined &&
  grantIds.length === scopes.length &&
  new Set(grantIds).size === grantIds.length &&
  (requestId !== undefined || grantIds.length === 1);
