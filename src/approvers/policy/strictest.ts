import { MAX_WARNINGS } from '../../core/duration.js';
import type { QuorumInput, TermsInput } from '../../core/ports.js';
import type { AccessRequest } from '../../records/index.js';
import type { RuleLimits, ReviewTerms, RuleCore } from './compile.js';

const least = (numbers: readonly (number | undefined)[]): number | undefined => extreme(Math.min, numbers);
const most = (numbers: readonly (number | undefined)[]): number | undefined => extreme(Math.max, numbers);

function extreme(pick: (...numbers: number[]) => number, numbers: readonly (number | undefined)[]): number | undefined {
  const set = numbers.filter((number) => number !== undefined);
  return set.length === 0 ? undefined : pick(...set);
}

/** What comes with access that several rules give together: the least of each limit, and the warnings of all. */
export function strictestTerms(rules: readonly RuleLimits[]): TermsInput {
  return Object.freeze({
    warnBeforeMs: warningsOf(rules),
    idleTtlMs: least(rules.map((rule) => rule.idleTtlMs)),
    maxUses: least(rules.map((rule) => rule.maxUses)),
    maxTotalMs: least(rules.map((rule) => rule.maxTotalMs)),
  });
}

/** The warnings of all rules, each once; the earliest where they are more than a grant has. */
function warningsOf(rules: readonly RuleLimits[]): readonly number[] | undefined {
  const warnings = [...new Set(rules.flatMap(({ warnBeforeMs = [] }) => warnBeforeMs))].sort((a, b) => b - a);
  return warnings.length === 0 ? undefined : Object.freeze(warnings.slice(0, MAX_WARNINGS));
}

/**
 * The quorum that satisfies each of several: in each group the largest number, the fewest denials, the shortest times.
 * Somebody may stand in for others only where each of them says so, and names the same group; then after the longest time.
 */
export function strictestQuorum(reviews: readonly ReviewTerms[], { createdAt, reviewBy }: AccessRequest): QuorumInput {
  const approvals = new Map<string, number>();
  for (const { groups } of reviews) for (const [name, count] of groups) approvals.set(name, Math.max(count, approvals.get(name) ?? 0));
  // A rule that sets no time leaves the request its own; next to one that sets more, that is the shorter.
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

/** What a request keeps is an id: 256 characters. */
const MAX_JOINED = 240;

/** The rules that hold, as a request names them: `staging, prod-write`. */
export function joinIds(rules: readonly RuleCore[]): string | undefined {
  let joined: string | undefined;
  for (const { id } of rules) {
    const next: string = joined === undefined ? id : `${joined}, ${id}`;
    if (next.length > MAX_JOINED) return `${joined ?? ''}, ...`;
    joined = next;
  }
  return joined;
}
