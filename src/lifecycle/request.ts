import { DeadlineError, EndedError, LimitError } from '../errors.js';
import { digestOf } from '../journal/link.js';
import { makeRequest, makeReuse, toJson, UNSAID, type AccessRequest, type Extension } from '../records.js';
import { formatDuration, refuseIfSteppedBack } from '../time.js';
import { MAX_SUCCESSORS } from './grant.js';
import { isGone, isOver, type Held } from './status.js';
import { asRead, entryOf, nextVersion, unchanged, type EntryDraft, type Moment, type Step } from './step.js';
import { findDuplicate, refuseTooMany, touchSubject, type Duplicate, type SubjectFacts, type SubjectLimits } from './subject.js';
import { latestEnd } from './window.js';

/** What is asked, checked and in canonical form. */
export type Ask = Pick<
  AccessRequest,
  'subject' | 'requestedBy' | 'agent' | 'operator' | 'scopes' | 'ttlMs' | 'startsAt' | 'justification' | 'ticket' | 'metadata'
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

/** The request as it would be: for the approver to say whether it may be asked at all. */
export function draftRequest(ask: Ask, id: string, limits: RequestLimits, origin: Held | undefined, moment: Moment): AccessRequest {
  // An over-long window is refused, never cut (L3).
  if (ask.ttlMs > limits.maxTtlMs) throw tooLong('maxTtl', limits.maxTtlMs, ask.ttlMs);
  if (ask.ttlMs > limits.maxTotalMs) throw tooLong('maxTotal', limits.maxTotalMs, ask.ttlMs);
  refuseIfSteppedBack(moment);
  const createdAt = moment.now;
  if (ask.startsAt !== undefined) {
    const ahead = ask.startsAt - createdAt;
    if (ahead > limits.maxStartAheadMs) throw tooLong('maxStartAhead', limits.maxStartAheadMs, ahead);
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
    ...UNSAID,
  };
  const request = makeRequest(draft);
  return makeRequest({ ...draft, reviewBy: Math.min(draft.reviewBy, latestEnd(request)) });
}

const tooLong = (limit: string, maxMs: number, gotMs: number): LimitError =>
  new LimitError(limit, maxMs, gotMs, `limits.${limit} allows at most ${formatDuration(maxMs)}; got ${formatDuration(gotMs)}`);

const TOO_MANY = `a grant can be extended ${MAX_SUCCESSORS} times; ask for access anew`;

/** Asking to extend what has ended is refused: that is a fresh request. */
function extensionOf(grantId: string, origin: Held | undefined, { maxTotalMs }: RequestLimits, moment: Moment): Extension {
  if (origin === undefined || isGone(origin, moment)) throw new EndedError(grantId, origin?.grant.end);
  const { expiresAt: from, firstStartsAt, breakGlass, successors } = origin.grant;
  if (successors.length >= MAX_SUCCESSORS) throw new LimitError('extensions', MAX_SUCCESSORS, successors.length + 1, TOO_MANY);
  const until = firstStartsAt + maxTotalMs;
  if (until <= from) {
    const message = `this line of extensions has used all of limits.maxTotal (${formatDuration(maxTotalMs)}); ask for access anew`;
    throw new LimitError('maxTotal', maxTotalMs, from - firstStartsAt, message);
  }
  return { grantId, from, firstStartsAt, until, breakGlass };
}

/**
 * Puts a request on record, unless it only repeats what the subject has; then, under a key, that the key stands for that.
 *
 * @returns the id of the request that there is now
 */
export function openRequest(ask: Ask, id: string, isKeyed: boolean, limits: RequestLimits, facts: OpenFacts, moment: Moment): Step<string> {
  const request = draftRequest(ask, id, limits, facts.origin, moment);
  const duplicate = findDuplicate(request, facts.open, facts.live, moment);
  if (duplicate !== undefined) {
    if (limits.duplicates === 'return') return isKeyed ? reuseRequest(ask, id, duplicate, moment) : unchanged(duplicate.requestId);
    const what = duplicate.what === 'request' ? 'is open' : 'gives this already';
    throw new LimitError('duplicates', 1, 2, `limits.duplicates refuses the same ask twice: request ${duplicate.requestId} ${what}`);
  }
  refuseTooMany(limits, request, facts.open, facts.live, moment);
  const subject = touchSubject(request.subject, facts.subject);
  return {
    result: id,
    put: [request, subject],
    entries: [createdEntry(request, subject.version, moment.actor)],
    relies: [
      // So that nobody asks to extend what has just been ended; and so that a key stands for one thing.
      ...(facts.origin === undefined ? [] : [asRead(facts.origin.grant)]),
      ...(isKeyed ? [{ kind: 'reuse', id, version: 0 }] : []),
    ],
  };
}

/** Remembers what a key has come to stand for: the same key gives the same request ever after (L11). */
function reuseRequest(ask: Ask, id: string, { requestId }: Duplicate, moment: Moment): Step<string> {
  const { subject } = ask;
  const reuse = makeReuse({ id, version: nextVersion(), subject, requestId, askDigest: digestOfAsk(ask, ask.extends) });
  const data = toJson({ reuseId: id, subject, askDigest: reuse.askDigest });
  const entry = { type: 'request.reused', at: moment.now, actor: moment.actor, requestId, data } as const;
  return { result: requestId, put: [reuse], entries: [entry], relies: [{ kind: 'request', id, version: 0 }] };
}

/** Metadata is the caller's and may be anything: only its hash goes on record (L27, L29). */
export function createdEntry(request: AccessRequest, subjectVersion: number, actor: string): EntryDraft {
  const { subject, requestedBy, agent, operator, scopes, ttlMs, startsAt, extension, justification, ticket, metadata } = request;
  const { createdAt, reviewBy, askAgainAt } = request;
  const asked = { subject, requestedBy, agent, operator, scopes, ttlMs, startsAt, extension, justification, ticket };
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
