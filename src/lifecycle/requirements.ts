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

/**
 * The values of an ask that exceed the engine's limits. An over-long window is refused, never cut (L3).
 *
 * @param now the instant of the request
 */
export function beyondLimits(
  { ttlMs, startsAt }: Pick<AccessRequest, 'ttlMs' | 'startsAt'>,
  { minTtlMs, maxTtlMs, maxTotalMs, maxStartAheadMs }: ValueLimits,
  now: number,
): readonly Unmet[] {
  const ahead = startsAt === undefined ? 0 : startsAt - now;
  // Of a window that has begun, only the rest can be granted.
  const leftMs = ttlMs + Math.min(0, ahead);
  return [
    ...(ttlMs > maxTtlMs ? [unmet('maxTtl', 'ttl', 'too_long', maxTtlMs, ttlMs)] : []),
    ...(ttlMs > maxTotalMs ? [unmet('maxTotal', 'ttl', 'too_long', maxTotalMs, ttlMs)] : []),
    ...(leftMs < minTtlMs ? [unmet('minTtl', 'ttl', 'too_short', minTtlMs, leftMs)] : []),
    ...(ahead > maxStartAheadMs ? [unmet('maxStartAhead', 'startsAt', 'too_far_ahead', maxStartAheadMs, ahead)] : []),
  ];
}

/**
 * The terms of a rule that bound the first window: `maxTotal`, and `endBy`.
 *
 * @param now the instant of the request
 */
export function beyondTerms(
  { ttlMs }: Pick<AccessRequest, 'ttlMs'>,
  rule: string | undefined,
  { maxTotalMs = Infinity, endBy = Infinity }: Terms,
  now: number,
): readonly Unmet[] {
  const found: Unmet[] = [];
  if (ttlMs > maxTotalMs) {
    const text = `its rule gives at most ${formatDuration(maxTotalMs)} in all (maxTotal); got ${formatDuration(ttlMs)}`;
    found.push({ problem: problemOf(rule, 'ttl', 'too_long', maxTotalMs, ttlMs), text });
  }
  if (now + ttlMs > endBy) {
    const text = `its rule gives access until ${new Date(endBy).toISOString()} (endBy); got ${new Date(now + ttlMs).toISOString()}`;
    found.push({ problem: problemOf(rule, 'ttl', 'outside_hours', endBy, now + ttlMs), text });
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
  const { subject, scopes, createdAt } = request;
  if (problems.length === 0) return new IneligibleError(subject, scopes, reason);
  const text = reason ?? problems.map(({ field, code }) => `${field}: ${code}`).join('; ');
  return requirementsError(request, beyondLimits(request, limits, createdAt), problems, [text]);
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
