import { changeAfter, holdsAt } from '../calendar/hours.js';
import type { Compiled, RuleCore } from './compile.js';
import { allOverlapping, findCovering, isFor } from './matching.js';
import type { Question } from './question.js';
import { waitFor, type Steps } from './steps.js';

/** A calendar takes about as long as so many comparisons of scopes, up to a hundred times longer if it never changes. */
export const COMPARISONS_OF_A_CALENDAR = 1_000;

/** An instant, and the rule that sets it. */
export interface Limit {
  readonly rule: RuleCore;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * The first instant after the start of the access at which one of its rules no longer holds, or at which a deny rule begins to hold.
 * `undefined`: there is none.
 */
export function* endOf(policy: Compiled, holding: readonly RuleCore[], question: Question): Steps<Limit | undefined> {
  if (!policy.hasCalendar) return undefined;
  const limits = holding.map((rule) => ({ rule, at: rule.when === undefined ? Infinity : changeAfter(rule.when, question.at) }));
  // A rule that overlaps several scopes is judged once: its calendar costs up to milliseconds.
  const judged = new Set<RuleCore>();
  for (const scope of question.scopes) {
    for (const rule of yield* waitFor(allOverlapping(policy.denying, scope, question))) {
      if (judged.has(rule)) continue;
      judged.add(rule);
      if (rule.when === undefined || holdsAt(rule.when, question.at)) continue;
      yield* waitFor(question.spend(COMPARISONS_OF_A_CALENDAR));
      const at = changeAfter(rule.when, question.at);
      // Asks a live group only if the answer matters.
      if (at < Infinity && (yield* isFor(rule, question))) limits.push({ rule, at });
    }
  }
  const first = limits.reduce<Limit | undefined>((least, limit) => (limit.at < (least?.at ?? Infinity) ? limit : least), undefined);
  return first;
}

/** A rule that would cover a scope at another time, and the instant at which it next holds. `undefined`: no rule would. */
export function* nextToCover<Rule extends RuleCore>(rules: readonly Rule[], scope: string, question: Question): Steps<Limit | undefined> {
  const parts = question.scopes.find(({ text }) => text === scope);
  const rule = parts && (yield* findCovering(rules, parts, question, 'at any time'));
  return rule?.when === undefined ? undefined : { rule, at: changeAfter(rule.when, question.at) };
}
