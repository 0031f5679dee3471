import { MAX_WARNINGS } from '../../core/duration.js';
import type { QuorumInput, TermsInput } from '../../core/ports.js';
import type { AccessRequest, HolderLimit } from '../../records/index.js';
import type { RuleLimits, ReviewTerms, RuleCore } from './compile.js';

export const least = (numbers: readonly (number | undefined)[]): number | undefined => extreme(Math.min, numbers);
export const most = (numbers: readonly (number | undefined)[]): number | undefined => extreme(Math.max, numbers);

function extreme(pick: (...numbers: number[]) => number, numbers: readonly (number | undefined)[]): number | undefined {
  const set = numbers.filter((number) => number !== undefined);
  return set.length === 0 ? undefined : pick(...set);
}

/**
 * The terms of access that several rules give together: the least of each limit, and the warnings of all rules.
 *
 * @param endBy the first instant at which not all of the rules hold
 * @param maxHolders the limits on holders, which apply side by side
 */
export function strictestTerms(
  rules: readonly RuleLimits[],
  endBy: number | undefined,
  maxHolders: readonly HolderLimit[] | undefined,
): TermsInput {
  return Object.freeze({
    warnBeforeMs: warningsOf(rules),
    idleTtlMs: least(rules.map((rule) => rule.idleTtlMs)),
    maxUses: least(rules.map((rule) => rule.maxUses)),
    maxTotalMs: least(rules.map((rule) => rule.maxTotalMs)),
    endBy,
    maxHolders,
  });
}

/** The warnings of all rules, each once. Where they exceed the maximum of a grant, the earliest remain. */
function warningsOf(rules: readonly RuleLimits[]): readonly number[] | undefined {
  const warnings = [...new Set(rules.flatMap(({ warnBeforeMs = [] }) => warnBeforeMs))].sort((a, b) => b - a);
  return warnings.length === 0 ? undefined : Object.freeze(warnings.slice(0, MAX_WARNINGS));
}

/**
 * The quorum that satisfies each of several: in each group the largest number of approvals, the fewest denials, the shortest
 * times. It has an escalation only where each rule has one to the same group. The longest of their times then applies.
 */
export function strictestQuorum(reviews: readonly ReviewTerms[], { createdAt, reviewBy }: AccessRequest): QuorumInput {
  const approvals = new Map<string, number>();
  for (const { groups } of reviews) for (const [name, count] of groups) approvals.set(name, Math.max(count, approvals.get(name) ?? 0));
  // A rule without a time to review keeps the request's own deadline. It may be shorter than the time that another rule sets.
  const setsTime = reviews.some((review) => review.reviewWithinMs !== undefined);
  const times = reviews.map((review) => review.reviewWithinMs ?? (setsTime ? Math.max(1, reviewBy - createdAt) : undefined));
  const standIns = new Set(reviews.map((review) => review.escalation?.group));
  const [group] = standIns;
  const afterMs = most(reviews.map((review) => review.escalation?.afterMs));
  return Object.freeze({
    groups: Object.freeze([...approvals].map(([name, count]) => Object.freeze({ name, approvals: count }))),
    denials: Math.min(...reviews.map((review) => review.denials)),
    approvalTtlMs: least(reviews.map((review) => review.approvalTtlMs)),
    reviewWithinMs: least(times),
    escalation: standIns.size === 1 && group !== undefined && afterMs !== undefined ? Object.freeze({ group, afterMs }) : undefined,
  });
}

/** A request keeps the rules as one id, of at most 256 characters. */
const MAX_JOINED = 240;

/** The ids of the rules that apply, as a request names them: `staging, prod-write`. */
export function joinIds(rules: readonly RuleCore[]): string | undefined {
  let joined: string | undefined;
  for (const { id } of rules) {
    const next: string = joined === undefined ? id : `${joined}, ${id}`;
    if (next.length > MAX_JOINED) return `${joined ?? ''}, ...`;
    joined = next;
  }
  return joined;
}
