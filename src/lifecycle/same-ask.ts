import { LimitError } from '../core/errors.js';
import type { ScopeMatcher } from '../core/ports.js';
import type { AccessRequest, Subject } from '../records/index.js';
import { formatDuration } from '../core/duration.js';
import { isBase, TOLERANCE_MS } from '../core/tolerance.js';
import type { RequestWithGrants } from './grant.js';
import type { Moment, Transition } from './transition.js';
import { countsAgainst, isPending, touchSubject } from './subject.js';

/*
 * Two requests are the same ask if reviewers would decide the same question twice: the same subject, overlapping scopes and
 * overlapping windows. A denial of one stands against the other, and reviewers see both (L44).
 */

type Windowed = Pick<AccessRequest, 'subject' | 'scopes' | 'ttlMs' | 'until' | 'startsAt' | 'extension'>;

/** The window in which a request could give access. Without a start and an end, the decision sets it and may come at any later instant. */
function windowAsked({ startsAt, ttlMs, until = Infinity, extension }: Windowed, now: number): readonly [from: number, until: number] {
  if (extension !== undefined) return [Math.max(extension.from, now), Math.min(extension.until, until)];
  return startsAt === undefined ? [now, until] : [Math.max(startsAt, now), startsAt + ttlMs];
}

/** Whether two requests are the same ask. @param now epoch milliseconds; the part of a window before it does not count */
function isSameAsk(a: Windowed, b: Windowed, overlaps: ScopeMatcher['overlaps'], now: number): boolean {
  const [fromA, untilA] = windowAsked(a, now);
  const [fromB, untilB] = windowAsked(b, now);
  return (
    a.subject === b.subject &&
    Math.max(fromA, fromB) < Math.min(untilA, untilB) &&
    a.scopes.some((scope) => b.scopes.some((other) => overlaps(scope, other)))
  );
}

/** A denial of a request, by a reviewer or by the approver. */
export interface Denial {
  /** The reviewer that denied, or `system:approver`. */
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The reason of the denial. `undefined`: none was given. */
  readonly reason: string | undefined;
}

/**
 * The denials of a request, the latest last: those of its reviewers and that of the approver. A reviewer's denial counts even if
 * the request then expired or was cancelled. An approved request has no denials: its quorum outvoted them. A refusal by a limit
 * is no denial.
 */
function denialsOf({ reviews, end }: Pick<AccessRequest, 'reviews' | 'end'>): readonly Denial[] {
  if (end?.status === 'approved') return [];
  const said = reviews.filter(({ verdict }) => verdict === 'deny').map(({ reviewer: by, at, reason }) => ({ by, at, reason }));
  const isOfApprover = end?.status === 'denied' && end.cause !== 'quorum' && end.cause !== 'limit';
  return [...said, ...(isOfApprover ? [{ by: end.by, at: end.at, reason: end.reason }] : [])].sort((a, b) => a.at - b.at);
}

/**
 * The instant from which the age of a denial is counted. If a wrong clock stamped the denial, it is the creation of the request
 * (L47). If both lie ahead, either clock may be the wrong one, this process's too. The denial then stands, but one further ahead
 * than `keptMs` counts as old. So two clocks that differ lose no denial, and none stands longer than twice `keptMs`.
 */
function deniedSince(
  { createdAt }: Pick<AccessRequest, 'createdAt'>,
  { at }: Pick<Denial, 'at'>,
  keptMs: number,
  { forEnds }: Moment,
): number {
  const since = [at, createdAt].find((instant) => isBase(instant, forEnds)) ?? Math.min(at, createdAt);
  return since <= forEnds + Math.max(keptMs, TOLERANCE_MS) ? since : -Infinity;
}

/** A denial of the same ask, as reviewers see it. */
export interface RecentDenial extends Denial {
  /** The request that was denied. */
  readonly requestId: string;
  /** The caller that asked. */
  readonly requestedBy: string;
  /** The scopes of the denied request. */
  readonly scopes: readonly string[];
}

/**
 * The denials of the same ask that reviewers should see, the latest first.
 *
 * @param denied the requests that the subject's row names as denied
 * @param shownMs denials older than this are omitted
 */
export function recentDenials(
  request: AccessRequest,
  denied: readonly AccessRequest[],
  shownMs: number,
  overlaps: ScopeMatcher['overlaps'],
  moment: Moment,
): readonly RecentDenial[] {
  const { now } = moment;
  return denied
    .filter((other) => other.id !== request.id && isSameAsk(request, other, overlaps, now))
    .flatMap((other) => {
      const { id: requestId, requestedBy, scopes } = other;
      const shown = denialsOf(other).filter((denial) => now < deniedSince(other, denial, shownMs, moment) + shownMs);
      return shown.map((denial) => ({ requestId, requestedBy, scopes, ...denial }));
    })
    .sort((a, b) => b.at - a.at);
}

/** For how long reviewers see a denial, unless `limits.askAgainAfter` is longer. */
export const DENIALS_SHOWN_MS = 86_400_000;

/** The most denied requests that a subject's row names, so that the row does not grow without bound (L42). */
export const MAX_DENIED = 100;

/**
 * Refuses a request against which a denial stands. The denied request must be the same ask, made by the same requester or by the
 * subject itself. So no other caller can block a subject's own requests (L44). Against an extension stand only the denials of
 * extensions: who holds access may ask to keep it, although more of it was denied.
 *
 * @param denied the requests that the subject's row names as denied
 */
export function refuseIfDenied(
  asked: AccessRequest,
  denied: readonly AccessRequest[],
  askAgainAfterMs: number,
  overlaps: ScopeMatcher['overlaps'],
  moment: Moment,
): void {
  const { now } = moment;
  const standing = denied
    .filter((request) => asked.extension === undefined || request.extension !== undefined)
    .filter((request) => countsAgainst(asked, request.requestedBy) && isSameAsk(asked, request, overlaps, now))
    .flatMap((request) =>
      denialsOf(request).map((denial) => ({ id: request.id, at: deniedSince(request, denial, askAgainAfterMs, moment) })),
    )
    .sort((a, b) => a.at - b.at)
    .at(-1);
  if (standing === undefined) return;
  const retryAt = standing.at + askAgainAfterMs;
  if (now >= retryAt) return;
  const pause = `limits.askAgainAfter refuses the same ask for ${formatDuration(askAgainAfterMs)} after a denial`;
  const message = `${pause}: request ${standing.id} was denied ${formatDuration(Math.max(1, now - standing.at))} ago`;
  throw new LimitError('askAgainAfter', askAgainAfterMs, now - standing.at, message, retryAt);
}

/** The subject's row before a denial is noted on it. */
export interface DenialContext {
  readonly subject: Subject | undefined;
  /** The requests that the subject's row names as denied. Needed only if the row is full. */
  readonly denied: readonly AccessRequest[];
}

/**
 * Notes a denial on the subject's row, in the same commit. Without a context the transition stays unchanged: an unreadable
 * subject's row must not prevent a denial.
 *
 * @param keptMs denials older than this are the first to leave a full row, in milliseconds
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
 * The requests to remove from a full row: those that are missing, or too old and denied only by the approver, which would deny them
 * again. If there are none, one is removed: the first that only the approver denied, or else one that is too old, or else the first. So
 * a flood of requests that a rule denies cannot displace the reviewers' denials, and a clock that is ahead removes one of them at most.
 */
function denialsToForget(ids: readonly string[], denied: readonly AccessRequest[], keptMs: number, moment: Moment): readonly string[] {
  const known = new Map(denied.map((request) => [request.id, request]));
  const isOld = (id: string): boolean => {
    const request = known.get(id);
    return (
      request === undefined || !denialsOf(request).some((denial) => moment.now < deniedSince(request, denial, keptMs, moment) + keptMs)
    );
  };
  const isOfPeople = (id: string): boolean => known.get(id)?.reviews.some(({ verdict }) => verdict === 'deny') === true;
  const others = ids.filter((id) => !isOfPeople(id));
  const old = others.filter(isOld);
  return old.length > 0 ? old : [others[0] ?? ids.find(isOld) ?? (ids[0] as string)];
}

/** The other open requests that are the same ask, for a reviewer who decides one of them. */
export const twinsOf = (
  request: AccessRequest,
  open: readonly AccessRequest[],
  overlaps: ScopeMatcher['overlaps'],
  moment: Moment,
): readonly AccessRequest[] =>
  open.filter((other) => other.id !== request.id && isPending(other, moment) && isSameAsk(request, other, overlaps, moment.now));
