import { DeadlineError, DecidedError, DeniedError, LimitError } from '../errors.js';
import { digestOf } from '../journal/link.js';
import { makeEnd, makeRequest, type AccessRequest, type EntryType, type RequestEnd } from '../records.js';
import { refuseIfSteppedBack } from '../time.js';
import { issueGrants, type Settled } from './grant.js';
import { isOver } from './status.js';
import { APPROVER, entryOf, nextVersion, stamp, SWEEPER, unchanged, type Moment, type Step } from './step.js';
import type { ReadVerdict } from './verdict.js';

/** What is asked, checked and in canonical form. */
export type Ask = Pick<AccessRequest, 'subject' | 'requestedBy' | 'scopes' | 'ttlMs' | 'justification' | 'ticket' | 'metadata'>;

export interface RequestLimits {
  readonly maxTtlMs: number;
  readonly reviewWithinMs: number;
  readonly retryMs: number;
}

/** Puts a request on record. An over-long window is refused, never cut (L3). */
export function openRequest(ask: Ask, id: string, limits: RequestLimits, moment: Moment): Step<AccessRequest> {
  if (ask.ttlMs > limits.maxTtlMs) throw new LimitError('maxTtl', limits.maxTtlMs, ask.ttlMs);
  refuseIfSteppedBack(moment);
  const createdAt = moment.now;
  const dates = { createdAt, reviewBy: createdAt + limits.reviewWithinMs, askAgainAt: createdAt + limits.retryMs };
  const later = { approver: undefined, assignedAt: undefined, quorum: undefined, reviews: [], end: undefined };
  const request = makeRequest({ ...ask, id, version: nextVersion(), ...dates, ...later });
  // Metadata is the caller's and may be anything: only its hash goes on record (L27, L29).
  const { subject, requestedBy, scopes, ttlMs, justification, ticket, metadata } = ask;
  const written = {
    subject,
    requestedBy,
    scopes,
    ttlMs,
    justification,
    ticket,
    metadataHash: metadata && digestOf(metadata),
    ...dates,
    reviews: [],
  };
  return { result: request, put: [request], entries: [entryOf(request, 'request.created', createdAt, moment.actor, written)] };
}

/** Whether a repeated ask with the same idempotency key asks for the same (L11). */
export function asksForTheSame(request: AccessRequest, ask: Ask): boolean {
  const body = ({ subject, requestedBy, scopes, ttlMs, justification, ticket, metadata }: Ask) =>
    digestOf([subject, requestedBy, scopes, ttlMs, justification, ticket, metadata]);
  return body(request) === body(ask);
}

/** What a transition may write on a request. What was asked is not among it (L18). */
type Amendment = Partial<Pick<AccessRequest, 'approver' | 'assignedAt' | 'quorum' | 'reviewBy' | 'reviews' | 'end'>>;

export function amend(request: AccessRequest, amendment: Amendment): AccessRequest {
  return makeRequest({ ...request, ...amendment, version: nextVersion(request) });
}

/** How a request ends, but for the instant. */
export type Ending = Omit<RequestEnd, 'at'>;

/**
 * Ends a request: the one way out of pending. Approved, it issues exactly one grant for each scope in the same step;
 * otherwise none (L10).
 */
export function endRequest(request: AccessRequest, ending: Ending, moment: Moment, amendment: Amendment = {}): Step<Settled> {
  if (ending.status === 'approved') refuseIfSteppedBack(moment);
  const at = stamp(request, moment);
  const written = { ...amendment, end: makeEnd({ ...ending, at } as RequestEnd) };
  const next = amend(request, written);
  const issued = ending.status === 'approved' ? issueGrants(next, at, ending.by) : unchanged([]);
  const type: EntryType = `request.${ending.status}`;
  return {
    result: { request: next, grants: issued.result },
    put: [next, ...issued.put],
    entries: [entryOf(next, type, at, ending.by, { ...amendment, end: written.end }), ...issued.entries],
  };
}

/** No decision commits at or after the deadline, even if no sweep has run (L13). */
export function refuseIfLate(request: AccessRequest, moment: Moment): void {
  if (isOver(request.reviewBy, moment)) throw new DeadlineError(request.id, request.reviewBy);
}

/** Whether an approver still has to say something to this request. */
export const isUndecided = (request: AccessRequest): boolean => request.end === undefined && request.approver === undefined;

/** Applies what the approver said. A request that has been decided, or has its quorum, stays as it is. */
export function settle(request: AccessRequest, { verdict, approver }: ReadVerdict, moment: Moment): Step<Settled> {
  if (!isUndecided(request)) return unchanged({ request, grants: undefined });
  refuseIfLate(request, moment);
  if (verdict.outcome === 'review') {
    const assignedAt = stamp(request, moment);
    const { quorum, reviewWithinMs } = verdict;
    const written = {
      approver,
      assignedAt,
      quorum,
      reviewBy: reviewWithinMs === undefined ? request.reviewBy : assignedAt + reviewWithinMs,
    };
    const next = amend(request, written);
    return {
      result: { request: next, grants: [] },
      put: [next],
      entries: [entryOf(next, 'request.assigned', assignedAt, APPROVER, written)],
    };
  }
  const ending: Ending =
    verdict.outcome === 'abstain'
      ? { status: 'denied', cause: 'abstained', by: APPROVER, reason: 'no approver had an opinion' }
      : { status: verdict.outcome === 'approve' ? 'approved' : 'denied', cause: 'approver', by: APPROVER, reason: verdict.reason };
  return endRequest(request, ending, moment, { approver });
}

/** Takes a request back. Cancelling twice is fine and recorded once. */
export function cancelRequest(
  request: AccessRequest,
  { cause, reason }: { readonly cause: 'cancelled' | 'revoked'; readonly reason: string | undefined },
  moment: Moment,
): Step<Settled> {
  const by = moment.actor;
  // Whoever revokes is vouched for by the embedding service; a cancel is the requester's own.
  if (cause === 'cancelled' && by !== request.subject && by !== request.requestedBy) {
    throw new DeniedError(`only its subject or whoever asked for it may cancel request ${request.id}`, by, undefined);
  }
  // What has run out has nothing left to take back, whether or not a sweep has said so.
  if (request.end?.status === 'cancelled' || request.end?.status === 'expired') return unchanged({ request, grants: [] });
  if (request.end !== undefined) throw new DecidedError(request);
  if (isOver(request.reviewBy, moment)) return expireRequest(request, moment);
  return endRequest(request, { status: 'cancelled', cause, by, reason }, moment);
}

/** Records that a pending request has run out. */
export function expireRequest(request: AccessRequest, moment: Moment): Step<Settled> {
  return endRequest(request, { status: 'expired', cause: 'time', by: SWEEPER, reason: undefined }, moment);
}
