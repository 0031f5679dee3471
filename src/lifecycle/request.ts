import { DeadlineError, DecidedError, DeniedError, LimitError } from '../errors.js';
import { digestOf } from '../journal/link.js';
import type { JsonObject } from '../ports.js';
import type { AccessRequest, RequestEnd } from '../records.js';
import { issueGrants, type Settled } from './grant.js';
import { isOver } from './status.js';
import { APPROVER, entryOf, nextVersion, refuseIfSteppedBack, stamp, SWEEPER, unchanged, type Moment, type Step } from './step.js';
import type { ReadVerdict } from './verdict.js';

/** What is asked, checked and in canonical form. */
export interface Ask {
  readonly subject: string;
  readonly requestedBy: string;
  readonly scopes: readonly string[];
  readonly ttlMs: number;
  readonly justification: string | undefined;
  readonly ticket: string | undefined;
  readonly metadata: JsonObject | undefined;
}

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
  const request: AccessRequest = Object.freeze({
    kind: 'request',
    id,
    version: nextVersion(undefined),
    subject: ask.subject,
    requestedBy: ask.requestedBy,
    scopes: ask.scopes,
    ttlMs: ask.ttlMs,
    justification: ask.justification,
    ticket: ask.ticket,
    metadata: ask.metadata,
    createdAt,
    reviewBy: createdAt + limits.reviewWithinMs,
    askAgainAt: createdAt + limits.retryMs,
    approver: undefined,
    assignedAt: undefined,
    quorum: undefined,
    reviews: Object.freeze([]),
    end: undefined,
  });
  const { kind: _, id: __, version: ___, metadata, ...fields } = request;
  // Metadata is the caller's and may be anything: only its hash goes on record (L27, L29).
  const written = { ...fields, metadataHash: metadata && digestOf(metadata) };
  return { result: request, put: [request], entries: [entryOf(request, 'request.created', createdAt, moment.actor, written)] };
}

/** Whether a repeated ask with the same idempotency key asks for the same (L11). */
export function asksForTheSame(request: AccessRequest, ask: Ask): boolean {
  const body = ({ subject, requestedBy, scopes, ttlMs, justification, ticket, metadata }: Ask) =>
    digestOf({ subject, requestedBy, scopes, ttlMs, justification, ticket, metadata });
  return body(request) === body(ask);
}

/** The fields of a request that a transition may write. */
type Amendment = Partial<Pick<AccessRequest, 'approver' | 'assignedAt' | 'quorum' | 'reviewBy' | 'reviews' | 'end'>>;

/** The request one version on, built by one literal; what was asked is carried over and can't be amended (L18). */
export function amend(request: AccessRequest, amendment: Amendment): AccessRequest {
  return Object.freeze({
    kind: request.kind,
    id: request.id,
    version: nextVersion(request),
    subject: request.subject,
    requestedBy: request.requestedBy,
    scopes: request.scopes,
    ttlMs: request.ttlMs,
    justification: request.justification,
    ticket: request.ticket,
    metadata: request.metadata,
    createdAt: request.createdAt,
    reviewBy: amendment.reviewBy ?? request.reviewBy,
    askAgainAt: request.askAgainAt,
    approver: amendment.approver ?? request.approver,
    assignedAt: amendment.assignedAt ?? request.assignedAt,
    quorum: amendment.quorum ?? request.quorum,
    reviews: amendment.reviews ?? request.reviews,
    end: amendment.end ?? request.end,
  });
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
  const at = stamp(request, moment);
  switch (verdict.outcome) {
    case 'approve':
      return approveRequest(request, { approver }, { at, by: APPROVER, cause: 'approver', reason: verdict.reason }, moment);
    case 'deny':
      return denyRequest(request, { approver }, { at, by: APPROVER, cause: 'approver', reason: verdict.reason });
    case 'abstain':
      return denyRequest(request, { approver }, { at, by: APPROVER, cause: 'abstained', reason: 'no approver had an opinion' });
    case 'review': {
      const assigned = {
        approver,
        assignedAt: at,
        quorum: verdict.quorum,
        reviewBy: verdict.reviewWithinMs === undefined ? request.reviewBy : at + verdict.reviewWithinMs,
      };
      const next = amend(request, assigned);
      return {
        result: { request: next, grants: [] },
        put: [next],
        entries: [entryOf(next, 'request.assigned', at, APPROVER, assigned)],
      };
    }
  }
}

type EndOf<Status extends RequestEnd['status']> = Omit<Extract<RequestEnd, { status: Status }>, 'status'>;

/** Approves, and issues exactly one grant for each scope, in one step (L10). */
export function approveRequest(request: AccessRequest, amendment: Amendment, end: EndOf<'approved'>, moment: Moment): Step<Settled> {
  refuseIfSteppedBack(moment);
  const { by, ...rest } = end;
  const written = { ...amendment, end: endOf('approved', { by, ...rest }) };
  const next = amend(request, written);
  const issued = issueGrants(next, end.at, by);
  return {
    result: { request: next, grants: issued.result },
    put: [next, ...issued.put],
    entries: [entryOf(next, 'request.approved', end.at, by, written), ...issued.entries],
  };
}

export function denyRequest(request: AccessRequest, amendment: Amendment, end: EndOf<'denied'>): Step<Settled> {
  const written = { ...amendment, end: endOf('denied', end) };
  const next = amend(request, written);
  return {
    result: { request: next, grants: [] },
    put: [next],
    entries: [entryOf(next, 'request.denied', end.at, end.by, written)],
  };
}

function endOf<Status extends RequestEnd['status']>(status: Status, { cause, at, by, reason }: EndOf<Status>): RequestEnd {
  return Object.freeze({ status, cause, at, by, reason }) as RequestEnd;
}

/** Takes a request back. Cancelling twice is fine and recorded once. */
export function cancelRequest(
  request: AccessRequest,
  { cause, reason }: { readonly cause: 'cancelled' | 'revoked'; readonly reason: string | undefined },
  moment: Moment,
): Step<AccessRequest> {
  const by = moment.actor;
  // Whoever revokes is vouched for by the embedding service; a cancel is the requester's own.
  if (cause === 'cancelled' && by !== request.subject && by !== request.requestedBy) {
    throw new DeniedError(`only ${request.subject} or whoever asked for it may cancel request ${request.id}`, by, undefined);
  }
  if (request.end?.status === 'cancelled') return unchanged(request);
  if (request.end !== undefined) throw new DecidedError(request);
  const at = stamp(request, moment);
  const end = endOf('cancelled', { cause, at, by, reason });
  const next = amend(request, { end });
  return { result: next, put: [next], entries: [entryOf(next, 'request.cancelled', at, by, { end })] };
}

/** Records that a pending request has run out. */
export function expireRequest(request: AccessRequest, moment: Moment): Step<AccessRequest> {
  const at = stamp(request, moment);
  const end = endOf('expired', { cause: 'time', at, by: SWEEPER, reason: undefined });
  const next = amend(request, { end });
  return { result: next, put: [next], entries: [entryOf(next, 'request.expired', at, SWEEPER, { end })] };
}
