import { DeadlineError, DecidedError, DeniedError, EndedError, LimitError } from '../errors.js';
import { digestOf } from '../journal/link.js';
import { makeEnd, makeRequest, type AccessRequest, type EntryType, type Extension, type RequestEnd, type Terms } from '../records.js';
import { refuseIfSteppedBack } from '../time.js';
import { issueGrants, reasonNotToIssue, type IssueFacts, type Settled } from './grant.js';
import { isGone, isOver, type Held } from './status.js';
import { APPROVER, asRead, entryOf, nextVersion, stamp, SWEEPER, unchanged, type EntryDraft, type Moment, type Step } from './step.js';
import { findDuplicate, refuseTooMany, touchSubject, type Duplicate, type SubjectFacts, type SubjectLimits } from './subject.js';
import type { ReadVerdict } from './verdict.js';
import { latestEnd } from './window.js';

/** What is asked, checked and in canonical form. */
export type Ask = Pick<
  AccessRequest,
  'subject' | 'requestedBy' | 'scopes' | 'ttlMs' | 'startsAt' | 'justification' | 'ticket' | 'metadata'
> & {
  /** The grant to extend. */
  readonly extends: string | undefined;
};

export interface RequestLimits extends SubjectLimits {
  readonly maxTtlMs: number;
  readonly maxTotalMs: number;
  readonly maxStartAheadMs: number;
  readonly reviewWithinMs: number;
  readonly retryMs: number;
}

/** What opening a request needs to know. */
export interface OpenFacts extends SubjectFacts {
  /** The subject's requests that have no recorded end. */
  readonly open: readonly AccessRequest[];
  /** The grant that is to be extended. */
  readonly origin: Held | undefined;
}

/** A new request, or what it would only repeat. */
export type Opened = { readonly request: AccessRequest } | { readonly duplicate: Duplicate };

/** The request as it would be: for the approver to say whether it may be asked at all. */
export function draftRequest(ask: Ask, id: string, limits: RequestLimits, origin: Held | undefined, moment: Moment): AccessRequest {
  // An over-long window is refused, never cut (L3).
  if (ask.ttlMs > limits.maxTtlMs) throw new LimitError('maxTtl', limits.maxTtlMs, ask.ttlMs);
  refuseIfSteppedBack(moment);
  const createdAt = moment.now;
  if (ask.startsAt !== undefined) {
    const ahead = ask.startsAt - createdAt;
    if (ahead > limits.maxStartAheadMs) throw new LimitError('maxStartAhead', limits.maxStartAheadMs, ahead);
    if (isOver(ask.startsAt + ask.ttlMs, moment)) throw new DeadlineError(undefined, ask.startsAt + ask.ttlMs);
  }
  const { extends: _grantId, ...asked } = ask;
  const draft = {
    ...asked,
    id,
    version: nextVersion(),
    extension: ask.extends === undefined ? undefined : extensionOf(ask.extends, origin, limits, moment),
    createdAt,
    reviewBy: createdAt + limits.reviewWithinMs,
    askAgainAt: createdAt + limits.retryMs,
    approver: undefined,
    rule: undefined,
    terms: undefined,
    assignedAt: undefined,
    quorum: undefined,
    escalatedAt: undefined,
    reviews: [],
    end: undefined,
    owed: undefined,
  };
  const request = makeRequest(draft);
  return makeRequest({ ...draft, reviewBy: Math.min(draft.reviewBy, latestEnd(request)) });
}

/** Asking to extend what has ended is refused: that is a fresh request. */
function extensionOf(grantId: string, origin: Held | undefined, { maxTotalMs }: RequestLimits, moment: Moment): Extension {
  if (origin === undefined || isGone(origin, moment)) throw new EndedError(grantId, origin?.grant.end);
  const { expiresAt: from, firstStartsAt, breakGlass } = origin.grant;
  const until = firstStartsAt + maxTotalMs;
  if (until <= from) throw new LimitError('maxTotal', maxTotalMs, from - firstStartsAt);
  return { grantId, from, firstStartsAt, until, breakGlass };
}

/** Puts a request on record, unless it only repeats what the subject has. */
export function openRequest(ask: Ask, id: string, limits: RequestLimits, facts: OpenFacts, moment: Moment): Step<Opened> {
  const request = draftRequest(ask, id, limits, facts.origin, moment);
  const duplicate = findDuplicate(request, facts.open, facts.live, moment);
  if (duplicate !== undefined) {
    if (limits.duplicates === 'return') return unchanged({ duplicate });
    const what = duplicate.what === 'request' ? 'is open' : 'gives this already';
    throw new LimitError('duplicates', 1, 2, `limits.duplicates refuses the same ask twice: request ${duplicate.requestId} ${what}`);
  }
  refuseTooMany(limits, request, facts.open, facts.live, moment);
  const subject = touchSubject(request.subject, facts.subject);
  return {
    result: { request },
    put: [request, subject],
    entries: [createdEntry(request, subject.version, moment.actor)],
    // So that nobody asks to extend what has just been ended.
    relies: facts.origin === undefined ? [] : [asRead(facts.origin.grant)],
  };
}

/** Metadata is the caller's and may be anything: only its hash goes on record (L27, L29). */
export function createdEntry(request: AccessRequest, subjectVersion: number, actor: string): EntryDraft {
  const { subject, requestedBy, scopes, ttlMs, startsAt, extension, justification, ticket, metadata } = request;
  const { createdAt, reviewBy, askAgainAt } = request;
  const asked = { subject, requestedBy, scopes, ttlMs, startsAt, extension, justification, ticket };
  const written = { ...asked, metadataHash: metadata && digestOf(metadata), createdAt, reviewBy, askAgainAt, reviews: [], subjectVersion };
  return entryOf(request, 'request.created', createdAt, actor, written);
}

/** Stands for all that was asked (L11, L18). */
export function digestOfAsk(asked: Omit<Ask, 'extends'>, grantId: string | undefined): string {
  const { subject, requestedBy, scopes, ttlMs, startsAt, justification, ticket, metadata } = asked;
  return digestOf([subject, requestedBy, scopes, ttlMs, startsAt, grantId, justification, ticket, metadata]);
}

/** Whether a repeated ask with the same idempotency key asks for the same (L11). */
export const asksForTheSame = (request: AccessRequest, ask: Ask): boolean =>
  digestOfAsk(request, request.extension?.grantId) === digestOfAsk(ask, ask.extends);

/** What a transition may write on a request. What was asked is not among it (L18). */
type Amendment = Partial<
  Pick<AccessRequest, 'approver' | 'rule' | 'terms' | 'assignedAt' | 'quorum' | 'reviewBy' | 'escalatedAt' | 'reviews' | 'end' | 'owed'>
>;

export function amend(request: AccessRequest, amendment: Amendment): AccessRequest {
  return makeRequest({ ...request, ...amendment, version: nextVersion(request) });
}

/** How a request ends, but for the instant. */
export type Ending = Omit<RequestEnd, 'at'>;

/** Ends a request without giving anything. */
export function endRequest(request: AccessRequest, ending: Ending, moment: Moment, amendment: Amendment = {}): Step<Settled> {
  const at = stamp(moment, request);
  const end = makeEnd({ ...ending, at } as RequestEnd);
  const next = amend(request, { ...amendment, end });
  const type: EntryType = `request.${ending.status}`;
  return {
    result: { request: next, grants: [] },
    put: [next],
    entries: [entryOf(next, type, at, ending.by, { ...amendment, end })],
  };
}

/**
 * Ends a request as approved, and issues exactly one grant for each scope in the same step (L10); or, where there is
 * nothing that it may give, ends it otherwise.
 */
export function approveRequest(
  request: AccessRequest,
  { cause, by, reason }: Pick<Ending, 'cause' | 'by' | 'reason'>,
  moment: Moment,
  amendment: Amendment,
  facts: IssueFacts,
): Step<Settled> {
  refuseIfSteppedBack(moment);
  if (request.extension !== undefined && (facts.origin === undefined || facts.origin.end?.status === 'revoked')) {
    // One that the revoke could not see yet.
    return endRequest(request, { status: 'cancelled', cause: 'origin_ended', by, reason: undefined }, moment, amendment);
  }
  const against = reasonNotToIssue(amend(request, amendment), facts, moment);
  if (against !== undefined) return endRequest(request, { status: 'denied', cause: 'limit', by, reason: against }, moment, amendment);
  const at = stamp(moment, request, facts.origin);
  const written = { ...amendment, end: makeEnd({ status: 'approved', cause, at, by, reason } as RequestEnd) };
  const next = amend(request, written);
  const subject = touchSubject(request.subject, facts.subject);
  const issued = issueGrants(next, at, by, facts);
  return {
    result: { request: next, grants: issued.result },
    put: [next, ...issued.put, subject],
    entries: [entryOf(next, 'request.approved', at, by, { ...written, subjectVersion: subject.version }), ...issued.entries],
  };
}

/** No decision commits at or after the deadline, even if no sweep has run (L13). */
export function refuseIfLate(request: AccessRequest, moment: Moment): void {
  if (isOver(request.reviewBy, moment)) throw new DeadlineError(request.id, request.reviewBy);
}

/** Whether an approver still has to say something to this request. */
export const isUndecided = (request: AccessRequest): boolean => request.end === undefined && request.approver === undefined;

/** Applies what the approver said. A request that has been decided, or has its quorum, stays as it is. */
export function settle(request: AccessRequest, answer: ReadVerdict, facts: IssueFacts | undefined, moment: Moment): Step<Settled> {
  if (!isUndecided(request)) return unchanged({ request, grants: undefined });
  refuseIfLate(request, moment);
  const { verdict, approver, rule } = answer;
  if (verdict.outcome === 'abstain') {
    const ending = { status: 'denied', cause: 'abstained', by: APPROVER, reason: 'no approver had an opinion' } as const;
    return endRequest(request, ending, moment, { approver, rule });
  }
  if (verdict.outcome === 'deny') return deny(request, verdict.reason, moment, { approver, rule });
  const { terms } = verdict;
  if (verdict.outcome === 'review') return assign(request, { approver, rule, terms }, verdict, moment);
  if (request.extension?.breakGlass === true) {
    // Whatever the approver says: what was taken without review is not prolonged without one.
    return deny(request, 'access that was taken by break-glass is extended only by people', moment, { approver, rule });
  }
  if (facts === undefined) throw new TypeError('an approval needs its facts');
  return approveRequest(request, { cause: 'approver', by: APPROVER, reason: verdict.reason }, moment, { approver, rule, terms }, facts);
}

const deny = (request: AccessRequest, reason: string | undefined, moment: Moment, amendment: Amendment): Step<Settled> =>
  endRequest(request, { status: 'denied', cause: 'approver', by: APPROVER, reason }, moment, amendment);

/** Names the people who must decide, and freezes the numbers. */
function assign(
  request: AccessRequest,
  amendment: { readonly approver: string; readonly rule: string | undefined; readonly terms: Terms },
  { quorum, reviewWithinMs }: Extract<ReadVerdict['verdict'], { outcome: 'review' }>,
  moment: Moment,
): Step<Settled> {
  const assignedAt = stamp(moment, request);
  const reviewBy = Math.min(
    reviewWithinMs === undefined ? request.reviewBy : assignedAt + reviewWithinMs,
    latestEnd({ ...request, terms: amendment.terms }),
  );
  const written = { ...amendment, assignedAt, quorum, reviewBy };
  const next = amend(request, written);
  return {
    result: { request: next, grants: [] },
    put: [next],
    entries: [entryOf(next, 'request.assigned', assignedAt, APPROVER, written)],
  };
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
