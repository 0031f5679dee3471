import { DeadlineError, EndedError, LimitError } from '../core/errors.js';
import { invalid } from '../core/parse.js';
import { digestOf } from '../journal/link.js';
import type { ScopeMatcher } from '../core/ports.js';
import {
  askedIn,
  earliestStart,
  makeRequest,
  makeReuse,
  toJson,
  UNDECIDED,
  type AccessRequest,
  type Extension,
  type Grant,
  type Subject,
} from '../records/index.js';
import { refuseIfSteppedBack } from '../core/clock.js';
import { formatDuration } from '../core/duration.js';
import { chainLimitMet, type ChainContext } from './chain-limits.js';
import { lockableOf, locksAsRead, refuseIfLocked } from './lock.js';
import { hasEnded, hasPassed, type GrantUse } from './status.js';
import { asRead, entryOf, nextVersion, noChange, type EntryDraft, type Moment, type Transition } from './transition.js';
import { beyondLimits, refuseUnmet, type ValueLimits } from './requirements.js';
import { digestOfAsk, type Ask, type Extended } from './ask.js';
import { unbrokenCover } from './cover.js';
import { refuseIfDenied } from './same-ask.js';
import {
  countsAgainst,
  duplicateRefused,
  findDuplicate,
  grantLimitMet,
  touchSubject,
  type Duplicate,
  type SubjectContext,
  type SubjectLimits,
} from './subject.js';
import { latestReview } from './window.js';

export interface RequestLimits extends SubjectLimits, ValueLimits {
  readonly reviewWithinMs: number;
  readonly retryMs: number;
  /** For how long a denial stands against the same ask; `undefined`: it does not stand. */
  readonly askAgainAfterMs: number | undefined;
}

/**
 * The records by which {@link openRequest} judges. The rows of the subject and the requester are read before the lists, so that a
 * concurrent change makes the commit conflict.
 */
export interface OpeningContext extends SubjectContext, ChainContext {
  /**
   * The subject's requests without a recorded end, also those that time has ended. The request that the new one replaces is not
   * among them, nor in {@link openedForOthers}: it ends in the same commit, so it does not count.
   */
  readonly open: readonly AccessRequest[];
  /** The subject's requests that were denied; needed only if `askAgainAfterMs` is set. */
  readonly denied: readonly AccessRequest[];
  /** The row of a requester who is not the subject; `undefined`: it has none yet, or the subject asks itself. */
  readonly requester: Subject | undefined;
  /** The requests that this row lists as opened for others, and that have no recorded end. */
  readonly openedForOthers: readonly AccessRequest[];
  readonly overlaps: ScopeMatcher['overlaps'];
  /** The grants that the request may extend: the named one, or those of the named request without a live extension. */
  readonly origins: readonly GrantUse[];
}

/**
 * The request as it would be recorded, if its values lie within the engine's limits.
 *
 * @throws RequirementsError that lists every limit that a value exceeds
 */
export function limitedRequest(...draft: Parameters<typeof draftRequest>): AccessRequest {
  const request = draftRequest(...draft);
  refuseUnmet(request, beyondLimits(request, draft[2]));
  return request;
}

/**
 * The request as it would be recorded, also if its values exceed the engine's limits: the approver judges it before anything is
 * recorded, so that the requester gets all problems at once.
 */
export function draftRequest(ask: Ask, id: string, limits: RequestLimits, origins: readonly GrantUse[], moment: Moment): AccessRequest {
  refuseIfSteppedBack(moment);
  const createdAt = moment.now;
  const { extends: extended, ttlMs, until, startsAt } = ask;
  const end = until ?? (startsAt === undefined ? Infinity : startsAt + (ttlMs as number));
  if (hasPassed(end, moment)) throw new DeadlineError(undefined, end);
  const grants = extended === undefined ? undefined : grantsToExtend(ask.scopes, extended, origins, moment);
  const extension = grants && extensionOf(extended as Extended, grants, limits);
  const start = earliestStart({ createdAt, startsAt, extension });
  if (until !== undefined && until <= start) throw invalid('until', `an instant after ${nameOfStart(extension)}`, until);
  // `makeRequest` takes only the fields of a request. An object made without `extends` would be slow to copy.
  const drafted = {
    ...ask,
    scopes: grants === undefined ? ask.scopes : grants.map(({ scope }) => scope),
    id,
    version: nextVersion(),
    ttlMs: until === undefined ? (ttlMs as number) : until - start,
    extension,
    createdAt,
    askAgainAt: createdAt + limits.retryMs,
    ...UNDECIDED,
  };
  const reviewBy = Math.min(createdAt + limits.reviewWithinMs, latestReview(drafted, limits.minTtlMs));
  return makeRequest({ ...drafted, reviewBy });
}

/** Grants that have ended cannot be extended: that needs a new request. @returns at least one grant */
function grantsToExtend(scopes: readonly string[], extended: Extended, origins: readonly GrantUse[], moment: Moment): readonly Grant[] {
  const isAsked = ({ grant }: GrantUse): boolean => scopes.length === 0 || scopes.includes(grant.scope);
  const grants = origins.filter((origin) => isAsked(origin) && !hasEnded(origin, moment)).map(({ grant }) => grant);
  if (grants.length > 0) return grants;
  if (typeof extended === 'string') throw new EndedError(extended, origins[0]?.grant.end);
  throw new EndedError(undefined, undefined, extended.requestId);
}

/** The start that a requested end must follow, in words. Without an extension it is a requested one: a past end was refused before. */
function nameOfStart(extension: Extension | undefined): string {
  if (extension === undefined) return 'startsAt';
  const { grantIds, requestId } = extension;
  return requestId === undefined ? `the end of grant ${grantIds.join()}` : `the end of the grants of request ${requestId}`;
}

/** @param grants all of one request, so they have one window */
function extensionOf(extended: Extended, grants: readonly Grant[], { maxTotalMs }: RequestLimits): Extension {
  const { expiresAt: from, firstStartsAt, breakGlass } = grants[0] as Grant;
  const until = firstStartsAt + maxTotalMs;
  if (until <= from) {
    const message = `this extension chain has used all of limits.maxTotal (${formatDuration(maxTotalMs)}); request access instead`;
    throw new LimitError('maxTotal', maxTotalMs, from - firstStartsAt, message);
  }
  const requestId = typeof extended === 'string' ? undefined : extended.requestId;
  return { grantIds: grants.map(({ id }) => id), requestId, from, firstStartsAt, until, breakGlass };
}

/**
 * Records a request, unless it only repeats a request or the grants of the subject. Then, if the caller gave a key, it records
 * that the key names the repeated request.
 *
 * @returns the id of the new or the repeated request
 */
export function openRequest(
  ask: Ask,
  id: string,
  isKeyed: boolean,
  limits: RequestLimits,
  context: OpeningContext,
  moment: Moment,
): Transition<string> {
  const request = limitedRequest(ask, id, limits, context.origins, moment);
  refuseIfLocked(context.locks, lockableOf(request, moment.actor), moment);
  const duplicate = findDuplicate(request, context.open, context, moment);
  if (duplicate !== undefined) {
    if (limits.duplicates === 'return') return isKeyed ? reuseRequest(ask, id, duplicate, moment) : noChange(duplicate.requestId);
    throw duplicateRefused(duplicate);
  }
  return recordRequest(request, isKeyed, limits, context, moment);
}

/**
 * Records a request, with the rows that enforce the limits. An amended request is judged like any other: otherwise its requester
 * could void a denial by amending (L44).
 *
 * @returns its id
 * @throws LimitError
 */
export function recordRequest(
  request: AccessRequest,
  isKeyed: boolean,
  limits: RequestLimits,
  context: OpeningContext,
  moment: Moment,
): Transition<string> {
  const { id } = request;
  const { askAgainAfterMs } = limits;
  if (askAgainAfterMs !== undefined) refuseIfDenied(request, context.denied, askAgainAfterMs, context.overlaps, moment);
  const met = limitMet(request, limits, context, moment);
  if (met !== undefined) throw met;
  const subject = touchSubject(request.subject, context.subject);
  const opened = openedForOther(request, context);
  return {
    result: id,
    put: [request, subject, ...(opened === undefined ? [] : [opened.requester])],
    entries: [createdEntry(request, { subjectVersion: subject.version, ...opened?.written }, moment.actor)],
    creates: true,
    dependsOn: [
      locksAsRead(context.locks),
      // Conflicts with an end of an extended grant, and with another use of the key.
      ...context.origins.filter(({ grant }) => request.extension?.grantIds.includes(grant.id)).map(({ grant }) => asRead(grant)),
      ...(isKeyed ? [{ kind: 'reuse', id, version: 0 }] : []),
    ],
  };
}

/**
 * The limit that a request would exceed; `undefined`: none. Of the subject's records, only those count that the same requester or
 * the subject itself asked for. So other callers cannot use up these limits (L44).
 */
export function limitMet(
  request: AccessRequest,
  limits: RequestLimits,
  context: Omit<OpeningContext, 'origins' | 'denied' | 'requester'>,
  moment: Moment,
): LimitError | undefined {
  const { requestedBy, subject } = request;
  const { maxOpenRequests, maxTotalMs, minTtlMs } = limits;
  const ofChain = chainLimitMet(request, context);
  if (ofChain !== undefined) return ofChain;
  const open = context.open.filter((other) => countsAgainst(request, other.requestedBy));
  if (open.length >= maxOpenRequests) return new LimitError('maxOpenRequests', maxOpenRequests, open.length + 1);
  const forOthers = context.openedForOthers.length;
  if (requestedBy !== subject && forOthers >= maxOpenRequests) {
    const message = `limits.maxOpenRequests allows each requester at most ${maxOpenRequests} open requests for others; ${requestedBy} has ${forOthers}`;
    return new LimitError('maxOpenRequests', maxOpenRequests, forOthers + 1, message);
  }
  const tooMany = grantLimitMet(limits, request, context, false);
  if (tooMany !== undefined) return tooMany;
  const live = context.live.filter(({ grant }) => countsAgainst(request, context.given.get(grant.requestId)?.requestedBy));
  const coverMs = unbrokenCover(request, open, live, context.overlaps, minTtlMs, moment);
  if (coverMs <= maxTotalMs) return undefined;
  const message = `limits.maxTotal allows at most ${formatDuration(maxTotalMs)} without a break, adjoining grants and open requests included; got ${formatDuration(coverMs)}`;
  return new LimitError('maxTotal', maxTotalMs, coverMs, message);
}

/** The row of a requester who is not the subject. This request is added to its open requests, and ended requests are removed. */
function openedForOther({ id, subject, requestedBy }: AccessRequest, { requester: before, openedForOthers }: OpeningContext) {
  if (requestedBy === subject) return undefined;
  const stillOpen = openedForOthers.map((request) => request.id);
  const ended = (before?.openedForOthers ?? []).filter((other) => !stillOpen.includes(other));
  const requester = touchSubject(requestedBy, before, { openedForOthers: [...stillOpen, id] });
  return { requester, written: { requesterVersion: requester.version, ...(ended.length === 0 ? {} : { ended }) } };
}

/** Records which request a key names, so that the same key always returns the same request (L11). */
function reuseRequest(ask: Ask, id: string, { requestId }: Duplicate, moment: Moment): Transition<string> {
  const { subject } = ask;
  const reuse = makeReuse({ id, version: nextVersion(), subject, requestId, askDigest: digestOfAsk(ask, ask.extends) });
  const data = toJson({ reuseId: id, subject, askDigest: reuse.askDigest });
  const entry = { type: 'request.reused', at: moment.now, actor: moment.actor, requestId, data } as const;
  return { result: requestId, put: [reuse], entries: [entry], dependsOn: [{ kind: 'request', id, version: 0 }] };
}

/** The entry contains only the hash of the metadata, because metadata may contain anything (L27, L29). */
export function createdEntry(
  request: AccessRequest,
  rows: { readonly subjectVersion: number; readonly requesterVersion?: number; readonly ended?: readonly string[] },
  actor: string,
): EntryDraft {
  const { kind: _kind, id: _id, metadata, createdAt, reviewBy, askAgainAt, ...asked } = askedIn(request);
  const written = { ...asked, metadataHash: metadata && digestOf(metadata), createdAt, reviewBy, askAgainAt, reviews: [], ...rows };
  return entryOf(request, 'request.created', createdAt, actor, written);
}
