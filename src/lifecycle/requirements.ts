import { formatDuration } from '../core/duration.js';
import { IneligibleError, RequirementsError } from '../core/errors.js';
import type { AskProblem } from '../core/ask-problem.js';
import type { AccessRequest, Terms } from '../records/index.js';

/** The limits of the engine on the values of an ask. */
export interface ValueLimits {
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly maxTotalMs: number;
  readonly maxStartAheadMs: number;
}

/** A problem of an ask, with its text. */
export interface Unmet {
  readonly problem: AskProblem;
  readonly text: string;
}

/** The values of a new request that exceed the engine's limits. An over-long window is refused, never cut (L3). */
export function beyondLimits(request: AccessRequest, limits: ValueLimits): readonly Unmet[] {
  const { ttlMs, until, startsAt, createdAt: now, extension } = request;
  const { minTtlMs, maxTtlMs, maxTotalMs, maxStartAheadMs } = limits;
  const field = fieldOfLength(request);
  const ahead = startsAt === undefined ? 0 : startsAt - now;
  // An extension with a length is cut at this limit instead: its length counts from an end that may come later.
  const inAllMs = extension === undefined || until === undefined ? ttlMs : until - extension.firstStartsAt;
  // Of a window that has begun, only the rest can be granted.
  const leftMs = ttlMs + Math.min(0, ahead);
  return [
    ...(ttlMs > maxTtlMs ? [unmet('maxTtl', field, 'too_long', maxTtlMs, ttlMs)] : []),
    ...(inAllMs > maxTotalMs ? [unmet('maxTotal', field, 'too_long', maxTotalMs, inAllMs)] : []),
    // With an end, the review deadline is `minTtl` before it: at exactly `minTtl` no instant would be left to decide.
    ...(leftMs < minTtlMs || (until !== undefined && until - minTtlMs <= now)
      ? [unmet('minTtl', field, 'too_short', minTtlMs, leftMs)]
      : []),
    ...(ahead > maxStartAheadMs ? [unmet('maxStartAhead', 'startsAt', 'too_far_ahead', maxStartAheadMs, ahead)] : []),
  ];
}

/** The field of an ask that sets the length of its window. */
const fieldOfLength = ({ until }: Pick<AccessRequest, 'until'>): 'ttl' | 'until' => (until === undefined ? 'ttl' : 'until');

/** The terms of a rule that bound the first window: `maxTotal`, and `endBy`. */
export function beyondTerms(
  request: AccessRequest,
  rule: string | undefined,
  { maxTotalMs = Infinity, endBy = Infinity }: Terms,
): readonly Unmet[] {
  const { ttlMs, createdAt } = request;
  const field = fieldOfLength(request);
  const end = request.until ?? createdAt + ttlMs;
  const found: Unmet[] = [];
  if (ttlMs > maxTotalMs) {
    const text = `its rule gives at most ${formatDuration(maxTotalMs)} in all (maxTotal); got ${formatDuration(ttlMs)}`;
    found.push({ problem: problemOf(rule, field, 'too_long', maxTotalMs, ttlMs), text });
  }
  if (end > endBy) {
    const text = `its rule gives access until ${new Date(endBy).toISOString()} (endBy); got ${new Date(end).toISOString()}`;
    found.push({ problem: problemOf(rule, field, 'outside_hours', endBy, end), text });
  }
  return found;
}

/** An approver's refusal of an ask. `problems` are the values that prevent the access; without any, the subject has no right to it. */
export interface Refusal {
  readonly reason: string | undefined;
  readonly problems: readonly AskProblem[];
}

/** The error of a request that the approver refuses. A missing right comes first: without it, no value could be corrected. */
export function refusalOf(request: AccessRequest, { reason, problems }: Refusal, limits: ValueLimits): IneligibleError | RequirementsError {
  const { subject, scopes } = request;
  if (problems.length === 0) return new IneligibleError(subject, scopes, reason);
  const text = reason ?? problems.map(({ field, code }) => `${field}: ${code}`).join('; ');
  return requirementsError(request, beyondLimits(request, limits), problems, [text]);
}

/** @throws RequirementsError that lists all problems, unless there is none */
export function refuseUnmet(ask: Asked, own: readonly Unmet[]): void {
  if (own.length > 0) throw requirementsError(ask, own, [], []);
}

type Asked = Pick<AccessRequest, 'subject' | 'scopes'>;

function requirementsError(
  { subject, scopes }: Asked,
  own: readonly Unmet[],
  problems: readonly AskProblem[],
  texts: readonly string[],
): RequirementsError {
  const all = Object.freeze([...own.map(({ problem }) => problem), ...problems]);
  return new RequirementsError(subject, scopes, all, [...own.map(({ text }) => text), ...texts].join('; '));
}

function unmet(limit: string, field: string, code: AskProblem['code'], bound: number, got: number): Unmet {
  const rule = code === 'too_short' ? 'no window shorter than' : 'at most';
  const text = `limits.${limit} allows ${rule} ${formatDuration(bound)}; got ${formatDuration(got)}`;
  return { problem: problemOf(undefined, field, code, bound, got), text };
}

const problemOf = (rule: string | undefined, field: string, code: AskProblem['code'], limit: number, got: number): AskProblem =>
  Object.freeze({ rule, field, code, limit, got });
