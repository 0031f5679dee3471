import { RequirementsError } from '../core/errors.js';
import type { AskProblem } from '../core/ask-problem.js';
import { formatDuration } from '../core/duration.js';
import type { AccessRequest, Granted, Review } from '../records/index.js';
import { stamp, type Moment } from './transition.js';

/*
 * A reviewer may narrow a request: less time, or fewer of the requested scopes. The terms are frozen on the review. Of all
 * approvals that count, the least time and the common scopes apply, so no grant gives more than each of them allows (L18).
 */

/** The terms to which an approval narrows a request. `undefined`: as requested. */
export type Narrowing = Pick<Review, 'ttlMs' | 'scopes'>;

/** The terms of an approval that takes nothing away. */
export const AS_REQUESTED: Narrowing = /* @__PURE__ */ Object.freeze({ ttlMs: undefined, scopes: undefined });

/** The most characters of scopes that the reviews of a request name in all, as JSON: one change writes all of them (L42). */
export const MAX_NARROWED_SCOPES = 100_000;

/**
 * The narrowing in its only form, so that equal terms are recorded and compared as equal: terms that take nothing away are
 * `undefined`, and scopes have the order of the request.
 */
export function narrowingOf(request: Asked, { ttlMs, scopes }: Narrowing): Narrowing {
  const kept = scopes && request.scopes.filter((scope) => scopes.includes(scope));
  return {
    ttlMs: ttlMs === request.ttlMs ? undefined : ttlMs,
    scopes: kept?.length === request.scopes.length ? undefined : kept,
  };
}

type Asked = Pick<AccessRequest, 'scopes' | 'ttlMs'>;

export const isNarrowed = ({ ttlMs, scopes }: Narrowing): boolean => ttlMs !== undefined || scopes !== undefined;

/** Whether two narrowings in their only form are the same. */
export const areSameTerms = (a: Narrowing, b: Narrowing): boolean => a.ttlMs === b.ttlMs && a.scopes?.join() === b.scopes?.join();

/** The access that all of these approvals allow: the least time, and the scopes that each of them has. */
export const leastOf = ({ scopes, ttlMs }: Asked, approvals: readonly Narrowing[]): Granted => ({
  scopes: scopes.filter((scope) => approvals.every((approval) => approval.scopes?.includes(scope) ?? true)),
  ttlMs: Math.min(ttlMs, ...approvals.map((approval) => approval.ttlMs ?? Infinity)),
});

/** How many characters these reviews need for the scopes that they name. */
export const narrowedSize = (reviews: readonly Narrowing[]): number => reviews.reduce((sum, { scopes }) => sum + sizeOf(scopes), 0);

/** With the quotes and the comma of JSON. */
const sizeOf = (scopes: readonly string[] | undefined = []): number => scopes.reduce((sum, { length }) => sum + length + 3, 0);

/** A term that cannot be accepted, with its text. */
export interface Refused {
  readonly problem: AskProblem;
  readonly text: string;
}

/**
 * Refuses an approval whose terms are not less than what was requested, or that leaves nothing together with the other approvals.
 * So a quorum that completes always has something to grant.
 *
 * @param given the terms of the approval, in any form
 * @param others the other recorded approvals that are fresh, also those that may not count now: they may count again
 * @param further other reasons to refuse the approval
 * @throws RequirementsError that lists all problems
 */
export function refuseNarrowing(
  request: AccessRequest,
  given: Narrowing,
  others: readonly Narrowing[],
  minTtlMs: number,
  moment: Moment,
  further: readonly Refused[] = [],
): void {
  const own = [...timeProblems(request, given, minTtlMs, moment), ...scopeProblems(request, given)];
  const all = [...further, ...(own.length > 0 ? own : nothingLeft(request, narrowingOf(request, given), others, moment))];
  if (all.length === 0) return;
  const problems = Object.freeze(all.map(({ problem }) => problem));
  throw new RequirementsError(request.subject, request.scopes, problems, all.map(({ text }) => text).join('; '), request.id);
}

function timeProblems(request: AccessRequest, { ttlMs }: Narrowing, minTtlMs: number, moment: Moment): readonly Refused[] {
  if (ttlMs === undefined || ttlMs === request.ttlMs) return [];
  if (ttlMs > request.ttlMs) {
    const text = `the request asks for ${formatDuration(request.ttlMs)}; got ${formatDuration(ttlMs)}`;
    return [refused('ttl', 'too_long', request.ttlMs, ttlMs, text)];
  }
  // Of a window that has begun, only the rest can be granted.
  const left = ttlMs + Math.min(0, (request.startsAt ?? moment.now) - moment.now);
  if (left >= minTtlMs) return [];
  const text = `limits.minTtl allows no window shorter than ${formatDuration(minTtlMs)}; got ${left > 0 ? formatDuration(left) : 'none'}`;
  return [refused('ttl', 'too_short', minTtlMs, left, text)];
}

const scopeProblems = (request: AccessRequest, { scopes = [] }: Narrowing): readonly Refused[] =>
  scopes
    .filter((scope) => !request.scopes.includes(scope))
    .map((scope) => refused('scopes', 'not_allowed', listed(request.scopes), scope, `${scope} was not requested`));

function nothingLeft(request: AccessRequest, own: Narrowing, others: readonly Narrowing[], moment: Moment): readonly Refused[] {
  const [left, common] = [leastOf(request, others), leastOf(request, [...others, own])];
  const problems: Refused[] = [];
  if (common.scopes.length === 0) {
    const text = `it leaves no scope in common with the other approvals, which leave ${listed(left.scopes)}`;
    problems.push(refused('scopes', 'nothing_left', listed(left.scopes), listed(own.scopes ?? request.scopes), text));
  }
  // Only narrowed time can pass before the review deadline.
  const endsAt = common.ttlMs < request.ttlMs ? (request.startsAt ?? Infinity) + common.ttlMs : Infinity;
  if (endsAt <= Math.max(moment.forEnds, stamp(moment, request))) {
    const text = `the approvals leave ${formatDuration(common.ttlMs)} from its start, and that time has passed`;
    problems.push(refused('ttl', 'nothing_left', left.ttlMs, own.ttlMs ?? request.ttlMs, text));
  }
  return problems;
}

const listed = (scopes: readonly string[]): string => scopes.join(', ');

export const refused = (
  field: string,
  code: AskProblem['code'],
  limit: number | string,
  got: number | string | undefined,
  text: string,
): Refused => ({
  problem: Object.freeze({ rule: undefined, field, code, limit, got }),
  text,
});
