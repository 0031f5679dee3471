import { DeadlineError, DecidedError, DeniedError } from '../core/errors.js';
import {
  grantedOf,
  makeRequest,
  makeRequestEnd,
  type AccessRequest,
  type EntryType,
  type Granted,
  type RequestEnd,
  type Terms,
} from '../records/index.js';
import { refuseIfSteppedBack } from '../core/clock.js';
import { issueGrants, reasonNotToIssue, reasonOfTime, type IssueContext, type RequestWithGrants } from './grant.js';
import { holdersWritten, recordHolders } from './holders.js';
import { lockableOf, locksAsRead, refuseIfLocked } from './lock.js';
import { hasPassed } from './status.js';
import { APPROVER, entryOf, nextVersion, stamp, SWEEPER, noChange, type Moment, type Transition } from './transition.js';
import { touchSubject } from './subject.js';
import type { ParsedVerdict } from './verdict.js';
import type { ValueLimits } from './requirements.js';
import { latestReview } from './window.js';

/** The fields of a request that a transition may write. The requested fields are not among them (L18). */
type Amendment = Partial<
  Pick<
    AccessRequest,
    | 'approver'
    | 'rule'
    | 'terms'
    | 'assignedAt'
    | 'quorum'
    | 'reviewBy'
    | 'escalatedAt'
    | 'reminders'
    | 'remindedAt'
    | 'begunSteps'
    | 'reviews'
    | 'end'
    | 'replacedBy'
    | 'afterReview'
  >
>;

export function amend(request: AccessRequest, amendment: Amendment): AccessRequest {
  return makeRequest({ ...request, ...amendment, version: nextVersion(request) });
}

/** The end of a request, without its instant. */
export type Ending = Omit<RequestEnd, 'at'>;

/** Ends a request without a grant. */
export function endRequest(
  request: AccessRequest,
  ending: Ending,
  moment: Moment,
  amendment: Amendment = {},
): Transition<RequestWithGrants> {
  const at = stamp(moment, request);
  const end = makeRequestEnd({ ...ending, at } as RequestEnd);
  const next = amend(request, { ...amendment, end });
  const type: EntryType = `request.${ending.status}`;
  return {
    result: { request: next, grants: [] },
    put: [next],
    entries: [entryOf(next, type, at, ending.by, { ...amendment, end })],
  };
}

/**
 * Ends a request as approved, and issues exactly one grant for each granted scope in the same transition (L10). If it may not
 * issue grants, it ends the request as denied or cancelled. At the limit of `maxHolders` it decides nothing.
 *
 * @param granted the access that the reviewers allow; default: all that was requested
 * @throws LockedError, LimitError
 */
export function approveRequest(
  request: AccessRequest,
  { cause, by, reason, granted = grantedOf(request) }: Pick<Ending, 'cause' | 'by' | 'reason'> & { readonly granted?: Granted },
  moment: Moment,
  amendment: Amendment,
  context: IssueContext,
): Transition<RequestWithGrants> {
  refuseIfSteppedBack(moment);
  if (request.extension !== undefined && context.origins.some((origin) => origin === undefined || origin.end?.status === 'revoked')) {
    // A revoke cancels the extension requests that it can read. It could not yet read this one, so the approval cancels it (L12).
    // All or nothing: one grant that was ended early is enough (L10).
    return endRequest(request, { status: 'cancelled', cause: 'origin_ended', by, reason: undefined }, moment, amendment);
  }
  refuseIfLocked(context.locks, lockableOf(request), moment);
  const at = stamp(moment, request, ...context.origins);
  const written = { ...amendment, end: makeRequestEnd({ status: 'approved', cause, at, by, reason, granted } as RequestEnd) };
  const next = amend(request, written);
  const against = reasonNotToIssue(next, at, context);
  if (against !== undefined) return endRequest(request, { status: 'denied', cause: 'limit', by, reason: against }, moment, amendment);
  const subject = touchSubject(request.subject, context.subject);
  const issued = issueGrants(next, at, by, context);
  const holders = recordHolders(next, issued.result, context.holders, moment, true);
  const rows = { subjectVersion: subject.version, holders: holdersWritten(holders) };
  return {
    result: { request: next, grants: issued.result },
    put: [next, ...issued.put, subject, ...holders],
    entries: [entryOf(next, 'request.approved', at, by, { ...written, ...rows }), ...issued.entries],
    dependsOn: [locksAsRead(context.locks)],
    creates: true,
  };
}

/** No decision commits at or after the deadline, even if no sweep has run (L13). */
export function refuseIfLate(request: AccessRequest, moment: Moment): void {
  if (hasPassed(request.reviewBy, moment)) throw new DeadlineError(request.id, request.reviewBy);
}

/** Whether an approver must still decide this request, or name its quorum. */
export const isUndecided = (request: AccessRequest): boolean => request.end === undefined && request.approver === undefined;

/**
 * Applies the approver's answer. A request that has been decided, or has its quorum, stays unchanged.
 *
 * @param limits the least time that a later decision must leave up to a requested end
 */
export function applyVerdict(
  request: AccessRequest,
  answer: ParsedVerdict,
  context: IssueContext | undefined,
  moment: Moment,
  limits: Pick<ValueLimits, 'minTtlMs'> = { minTtlMs: 1 },
): Transition<RequestWithGrants> {
  if (!isUndecided(request)) return noChange({ request, grants: undefined });
  refuseIfLate(request, moment);
  const { verdict, approver, rule } = answer;
  if (verdict.outcome === 'abstain') {
    const ending = { status: 'denied', cause: 'abstained', by: APPROVER, reason: 'no approver decided' } as const;
    return endRequest(request, ending, moment, { approver, rule });
  }
  if (verdict.outcome === 'deny') return deny(request, verdict.reason, moment, { approver, rule });
  const { terms } = verdict;
  if (verdict.outcome === 'review') return assign(request, { approver, rule, terms }, verdict, moment, limits);
  if (request.extension?.breakGlass === true) {
    // Even if the approver approves: access that was taken without a review is not extended without one.
    return deny(request, 'break-glass access is extended only by reviewers', moment, { approver, rule });
  }
  if (context === undefined) throw new TypeError('an approval needs its context');
  return approveRequest(request, { cause: 'approver', by: APPROVER, reason: verdict.reason }, moment, { approver, rule, terms }, context);
}

const deny = (request: AccessRequest, reason: string | undefined, moment: Moment, amendment: Amendment): Transition<RequestWithGrants> =>
  endRequest(request, { status: 'denied', cause: 'approver', by: APPROVER, reason }, moment, amendment);

/** Copies the quorum onto the request, so that a later edit of a policy changes neither its groups nor its numbers (L17). */
function assign(
  request: AccessRequest,
  amendment: { readonly approver: string; readonly rule: string | undefined; readonly terms: Terms },
  { quorum, reviewWithinMs }: Extract<ParsedVerdict['verdict'], { outcome: 'review' }>,
  moment: Moment,
  { minTtlMs }: Pick<ValueLimits, 'minTtlMs'>,
): Transition<RequestWithGrants> {
  const assignedAt = stamp(moment, request);
  const reviewBy = Math.min(
    reviewWithinMs === undefined ? request.reviewBy : assignedAt + reviewWithinMs,
    latestReview({ ...request, terms: amendment.terms }, minTtlMs),
  );
  // Asks no reviewer about a request that could not be granted.
  const against = reasonOfTime({ ...request, ...amendment }, assignedAt);
  if (against !== undefined)
    return endRequest(request, { status: 'denied', cause: 'limit', by: APPROVER, reason: against }, moment, amendment);
  const written = { ...amendment, assignedAt, quorum, reviewBy };
  const next = amend(request, written);
  return {
    result: { request: next, grants: [] },
    put: [next],
    entries: [entryOf(next, 'request.assigned', assignedAt, APPROVER, written)],
  };
}

/** A cancel. The moment's actor cancels. */
export interface CancelCommand {
  readonly cause: 'cancelled' | 'revoked' | 'locked';
  readonly reason: string | undefined;
  /** The subject or the requester for whom the actor cancels. */
  readonly onBehalfOf?: string | undefined;
}

/** Cancels a request. Cancelling twice is allowed and recorded once. */
export function cancelRequest(
  request: AccessRequest,
  { cause, reason, onBehalfOf }: CancelCommand,
  moment: Moment,
): Transition<RequestWithGrants> {
  const by = moment.actor;
  const owner = onBehalfOf ?? by;
  // The embedding service authorises a revoke. The engine checks a cancel: only the subject or the requester may cancel.
  if (cause === 'cancelled' && owner !== request.subject && owner !== request.requestedBy) {
    throw new DeniedError(`only its subject or its requester may cancel request ${request.id}`, owner, undefined);
  }
  // The access would continue in the request that replaced this one, which a caller that cancels does not know of (L12).
  if (cause === 'cancelled' && request.replacedBy !== undefined) throw new DecidedError(request);
  // A request that has expired stays expired, whether or not a sweep has recorded that.
  if (request.end?.status === 'cancelled' || request.end?.status === 'expired') return noChange({ request, grants: [] });
  if (request.end !== undefined) throw new DecidedError(request);
  if (hasPassed(request.reviewBy, moment)) return expireRequest(request, moment);
  const ended = endRequest(request, { status: 'cancelled', cause, by, reason }, moment);
  if (onBehalfOf === undefined) return ended;
  return { ...ended, entries: ended.entries.map((entry) => ({ ...entry, data: { ...entry.data, onBehalfOf } })) };
}

/** Records that a pending request has expired. */
export function expireRequest(request: AccessRequest, moment: Moment): Transition<RequestWithGrants> {
  return endRequest(request, { status: 'expired', cause: 'time', by: SWEEPER, reason: undefined }, moment);
}
