import { MAX_WARNINGS } from '../../core/duration.js';
import type { TermsInput } from '../../core/approver-port.js';
import {
  MAX_ALTERNATIVES,
  type AccessRequest,
  type Alternative,
  type Assurance,
  type HolderLimit,
  type QuorumGroup,
  type QuorumStep,
} from '../../records/index.js';
import type { RuleLimits, RuleCore } from './compile.js';
import { formOf, type PolicyQuorum, type ReviewTerms } from './review-terms.js';

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
export function combinedTerms(
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

/** The warnings of all rules, each once. If they exceed the maximum of a grant, the earliest remain. */
function warningsOf(rules: readonly RuleLimits[]): readonly number[] | undefined {
  const warnings = [...new Set(rules.flatMap(({ warnBeforeMs = [] }) => warnBeforeMs))].sort((a, b) => b - a);
  return warnings.length === 0 ? undefined : Object.freeze(warnings.slice(0, MAX_WARNINGS));
}

/**
 * The quorum that satisfies each of several: an alternative of each together, in each group the largest number of approvals, the
 * fewest denials, the shortest times, the most frequent reminders. A step has an escalation only if each rule has one to the same
 * group. The longest of their times then applies.
 */
export function combinedQuorum(reviews: readonly ReviewTerms[], { createdAt, reviewBy }: AccessRequest): PolicyQuorum {
  // A rule without a time to review keeps the request's own deadline. It may be shorter than the time that another rule sets.
  const setsTime = reviews.some((review) => review.reviewWithinMs !== undefined);
  const times = reviews.map((review) => review.reviewWithinMs ?? (setsTime ? Math.max(1, reviewBy - createdAt) : undefined));
  return Object.freeze({
    ...formOf(together(reviews.map(({ alternatives }) => alternatives))),
    denials: Math.min(...reviews.map((review) => review.denials)),
    approvalTtlMs: least(reviews.map((review) => review.approvalTtlMs)),
    reviewWithinMs: least(times),
    assurance: assuranceOf(reviews),
    remindEveryMs: least(reviews.map((review) => review.remindEveryMs)),
  });
}

/** The assurance that satisfies each of several: the common values of `acr`, maybe none, and the least age. */
function assuranceOf(reviews: readonly ReviewTerms[]): Assurance | undefined {
  const all = reviews.flatMap(({ assurance }) => assurance ?? []);
  if (all.length === 0) return undefined;
  const [first, ...others] = all.flatMap(({ acr }) => (acr === undefined ? [] : [acr]));
  return Object.freeze({
    acr: first && Object.freeze(first.filter((acr) => others.every((other) => other.includes(acr)))),
    maxAgeMs: least(all.map(({ maxAgeMs }) => maxAgeMs)),
  });
}

/** Each combination of one alternative of each rule. None if there are more combinations than a quorum may have. */
function together(rules: readonly (readonly Alternative[])[]): readonly Alternative[] {
  if (rules.reduce((count, alternatives) => count * alternatives.length, 1) > MAX_ALTERNATIVES) return [];
  const [first = [], ...others] = rules;
  return others.reduce((combined, alternatives) => combined.flatMap((a) => alternatives.map((b) => joinAlternatives(a, b))), first);
}

/** The alternative that completes both: their first steps together, then their second steps together, and so on. */
function joinAlternatives(a: Alternative, b: Alternative): Alternative {
  const [longer, shorter] = a.steps.length < b.steps.length ? [b.steps, a.steps] : [a.steps, b.steps];
  const steps = longer.map((step, i) => (shorter[i] === undefined ? step : joinSteps(a.steps[i] as QuorumStep, b.steps[i] as QuorumStep)));
  return Object.freeze({ steps: Object.freeze(steps), denials: least([a.denials, b.denials]) });
}

function joinSteps(a: QuorumStep, b: QuorumStep): QuorumStep {
  const groups = new Map<string, QuorumGroup>();
  for (const { name, approvals, denials } of [...a.groups, ...b.groups]) {
    const other = groups.get(name);
    groups.set(
      name,
      Object.freeze({ name, approvals: Math.max(approvals, other?.approvals ?? 0), denials: least([denials, other?.denials]) }),
    );
  }
  const escalation = (a.escalation ?? []).flatMap(({ group, afterMs }) => {
    const other = b.escalation?.find((one) => one.group === group);
    return other === undefined ? [] : [Object.freeze({ group, afterMs: Math.max(afterMs, other.afterMs) })];
  });
  return Object.freeze({
    groups: Object.freeze([...groups.values()]),
    escalation: escalation.length === 0 ? undefined : Object.freeze(escalation),
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
