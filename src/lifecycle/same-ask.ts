import { LimitError } from '../core/errors.js';
import type { ScopeMatcher } from '../core/ports.js';
import type { AccessRequest, Subject } from '../records/index.js';
import { formatDuration } from '../core/duration.js';
import type { RequestWithGrants } from './grant.js';
import type { Moment, Transition } from './transition.js';
import { countsAgainst, isPending, touchSubject } from './subject.js';

/*
 * Two asks are the same ask where reviewers would decide the same thing twice: the same subject, scopes that overlap, and
 * windows that meet. A denial stands against it, and reviewers see both (L44).
 */

type Windowed = Pick<AccessRequest, 'subject' | 'scopes' | 'ttlMs' | 'startsAt' | 'extension'>;

/** When it could give access. Without a start the decision sets the window, which may come at any instant from now on. */
function windowAsked({ startsAt, ttlMs, extension }: Windowed, now: number): readonly [from: number, until: number] {
  if (extension !== undefined) return [Math.max(extension.from, now), extension.until];
  return startsAt === undefined ? [now, Infinity] : [Math.max(startsAt, now), startsAt + ttlMs];
}

/** Whether two asks are the same ask. @param now epoch milliseconds: what has passed of a window doesn't count */
function isSameAsk(a: Windowed, b: Windowed, overlaps: ScopeMatcher['overlaps'], now: number): boolean {
  const [fromA, untilA] = windowAsked(a, now);
  const [fromB, untilB] = windowAsked(b, now);
  return (
    a.subject === b.subject &&
    Math.max(fromA, fromB) < Math.min(untilA, untilB) &&
    a.scopes.some((scope) => b.scopes.some((other) => overlaps(scope, other)))
  );
}

/** A denial of a request: a reviewer's, or that of the approver. */
export interface Denial {
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason: string | undefined;
}

/**
 * The denials of a request, the latest last: those of its reviewers, however it ended, and that of the approver. An approved
 * request has none, and neither has one that only a limit refused.
 */
function denialsOf({ reviews, end }: Pick<AccessRequest, 'reviews' | 'end'>): readonly Denial[] {
  if (end?.status === 'approved') return [];
  const said = reviews.filter(({ verdict }) => verdict === 'deny').map(({ reviewer: by, at, reason }) => ({ by, at, reason }));
  const isOfApprover = end?.status === 'denied' && end.cause !== 'quorum' && end.cause !== 'limit';
  return [...said, ...(isOfApprover ? [{ by: end.by, at: end.at, reason: end.reason }] : [])].sort((a, b) => a.at - b.at);
}

/** A denial of the same ask, as it is shown to reviewers. */
export interface RecentDenial extends Denial {
  readonly requestId: string;
  readonly requestedBy: string;
  readonly scopes: readonly string[];
}

/** The denials of the same ask that reviewers should know of, the latest first. @param denied requests that were denied */
export function recentDenials(
  request: AccessRequest,
  denied: readonly AccessRequest[],
  shownMs: number,
  overlaps: ScopeMatcher['overlaps'],
  { now }: Moment,
): readonly RecentDenial[] {
  return denied
    .filter((other) => other.id !== request.id && isSameAsk(request, other, overlaps, now))
    .flatMap((other) => {
      const { id: requestId, requestedBy, scopes } = other;
      return denialsOf(other).map((denial) => ({ requestId, requestedBy, scopes, ...denial }));
    })
    .filter(({ at }) => now < at + shownMs)
    .sort((a, b) => b.at - a.at);
}

/** For how long reviewers see a denial, where `limits.askAgainAfter` is no longer. */
export const DENIALS_SHOWN_MS = 24 * 3_600_000;

/** How many denied requests a subject's row names. */
export const MAX_DENIED = 100;

/**
 * Refuses an ask against which a denial stands: one of the same ask, of the same requester, or of an ask that the subject
 * made itself. So no other caller can silence a subject (L44).
 *
 * @param denied requests of the subject that were denied
 */
export function refuseIfDenied(
  asked: AccessRequest,
  denied: readonly AccessRequest[],
  askAgainAfterMs: number,
  overlaps: ScopeMatcher['overlaps'],
  { now }: Moment,
): void {
  const standing = denied
    .filter((request) => countsAgainst(asked, request.requestedBy) && isSameAsk(asked, request, overlaps, now))
    .flatMap((request) => denialsOf(request).map(({ at }) => ({ id: request.id, at })))
    .sort((a, b) => a.at - b.at)
    .at(-1);
  if (standing === undefined) return;
  const retryAt = standing.at + askAgainAfterMs;
  if (now >= retryAt) return;
  const pause = `limits.askAgainAfter refuses the same ask for ${formatDuration(askAgainAfterMs)} after a denial`;
  const message = `${pause}: request ${standing.id} was denied ${formatDuration(Math.max(1, now - standing.at))} ago`;
  throw new LimitError('askAgainAfter', askAgainAfterMs, now - standing.at, message, retryAt);
}

/** What noting a denial needs to know. */
export interface DenialContext {
  readonly subject: Subject | undefined;
  /** The requests that its row names as denied, where it names as many as it may; otherwise they are not looked at. */
  readonly denied: readonly AccessRequest[];
}

/**
 * Notes a denial on the subject's row, in the same commit. Without a context the transition stays as it is: an unreadable
 * subject's row must prevent no denial.
 *
 * @param keptMs denials that are older than this make room
 */
export function noteDenial(
  step: Transition<RequestWithGrants>,
  context: DenialContext | undefined,
  keptMs: number,
  moment: Moment,
): Transition<RequestWithGrants> {
  const { request } = step.result;
  const before = context?.subject?.denied ?? [];
  const isWritten = step.put.some((record) => record.kind === 'request' && record.id === request.id);
  if (context === undefined || !isWritten || denialsOf(request).length === 0 || before.includes(request.id)) return step;
  const forgotten = before.length < MAX_DENIED ? [] : denialsToForget(before, context.denied, keptMs, moment);
  const denied = [...before.filter((id) => !forgotten.includes(id)), request.id];
  const subject = touchSubject(request.subject, context.subject, { denied });
  const written = { subjectVersion: subject.version, ...(forgotten.length === 0 ? {} : { forgotten }) };
  const last = step.entries.length - 1;
  const entries = step.entries.map((entry, i) => (i === last ? { ...entry, data: { ...entry.data, ...written } } : entry));
  return { ...step, put: [...step.put, subject], entries };
}

/**
 * Those that are gone or too old. Where all are recent, one more has to go: the first that only the approver denied,
 * which it would deny again; where people denied them all, the first. So no flood of asks that a rule denies makes
 * reviewers' denials disappear.
 */
function denialsToForget(ids: readonly string[], denied: readonly AccessRequest[], keptMs: number, { now }: Moment): readonly string[] {
  const known = new Map(denied.map((request) => [request.id, request]));
  const isKept = (id: string): boolean => {
    const last = denialsOf(known.get(id) ?? NO_REQUEST).at(-1);
    return last !== undefined && now < last.at + keptMs;
  };
  const old = ids.filter((id) => !isKept(id));
  if (old.length > 0) return old;
  const isOfPeople = (id: string): boolean => known.get(id)?.reviews.some(({ verdict }) => verdict === 'deny') === true;
  return [ids.find((id) => !isOfPeople(id)) ?? (ids[0] as string)];
}

const NO_REQUEST = { reviews: [], end: undefined };

/** The other open requests that are the same ask: a reviewer who decides one should know of them. */
export const twinsOf = (
  request: AccessRequest,
  open: readonly AccessRequest[],
  overlaps: ScopeMatcher['overlaps'],
  moment: Moment,
): readonly AccessRequest[] =>
  open.filter((other) => other.id !== request.id && isPending(other, moment) && isSameAsk(request, other, overlaps, moment.now));
