import { holdsAt } from '../calendar/hours.js';
import type { Compiled, Denying, RuleCore } from './compile.js';
import { agentOf } from '../../records/index.js';
import { inOrder, PatternIndex } from './pattern-index.js';
import { namesOf, speaksAlone, type Selector } from './selectors.js';
import type { MaybePromise } from '../../core/ports.js';
import type { Question } from './question.js';
import { waitFor, type Steps } from './steps.js';
import type { Parts, RuleScopes } from './rule-scopes.js';

/**
 * Whether the selectors match a person. It asks live groups.
 *
 * @param runs whether they also match a run by its agent
 */
export function* speaksOf(selectors: readonly Selector[] | undefined, person: string, runs: boolean, question: Question): Steps<boolean> {
  if (selectors === undefined) return true;
  const names = namesOf(person, runs);
  // Selectors without a group first: a directory that is down must not affect people who match otherwise.
  for (const selector of selectors) {
    if (names.some((name) => speaksAlone(selector, name, runs))) return true;
    if (selector.kind === 'self' && isOneself(person, question)) return true;
  }
  for (const selector of selectors) {
    if (selector.kind !== 'group') continue;
    for (const name of names) if (yield* waitFor(question.has(selector.group, name))) return true;
  }
  return false;
}

/** `self` includes the agent of a run, because a run asks through its agent. */
const isOneself = (person: string, { request: { subject } }: Question): boolean => person === subject || person === agentOf(subject);

export const isFor = (rule: RuleCore, question: Question): Steps<boolean> =>
  speaksOf(rule.subjects, question.request.subject, rule.runs, question);

export const coversScope = (rule: RuleCore, scope: Parts, reach: RuleScopes): boolean =>
  rule.scopes.some((pattern) => reach.covers(pattern, scope));

export const overlapsScope = (rule: RuleCore, scope: Parts, reach: RuleScopes): boolean =>
  rule.scopes.some((pattern) => reach.overlaps(pattern, scope));

/** The index of a list of rules, made at its first use. */
const indexes = new WeakMap<readonly RuleCore[], PatternIndex>();

export function indexOf(rules: readonly RuleCore[]): PatternIndex {
  const index = indexes.get(rules) ?? new PatternIndex(rules);
  indexes.set(rules, index);
  return index;
}

/** The rules that cover a scope, in order: by the index, or, with a custom matcher, by a comparison with each rule. */
export function allCovering<Rule extends RuleCore>(
  rules: readonly Rule[],
  scope: Parts,
  question: Question,
): MaybePromise<readonly Rule[]> {
  if (!question.reach.mayReachFurther)
    return pick(
      rules,
      inOrder(
        indexOf(rules)
          .covering(scope)
          .map(({ rule }) => rule),
      ),
    );
  return among(rules, question, (rule) => coversScope(rule, scope, question.reach));
}

/** The rules that overlap a scope, in order. */
export function allOverlapping<Rule extends RuleCore>(
  rules: readonly Rule[],
  scope: Parts,
  question: Question,
): MaybePromise<readonly Rule[]> {
  if (!question.reach.mayReachFurther) return pick(rules, indexOf(rules).overlapping(scope));
  return among(rules, question, (rule) => overlapsScope(rule, scope, question.reach));
}

const pick = <Rule>(rules: readonly Rule[], places: readonly number[]): readonly Rule[] => places.map((place) => rules[place] as Rule);

/** Whether the rules judge this request without a group of code and without a custom matcher. */
export const asksNobody = ({ asking }: Compiled, { scopes, reach }: Question): boolean =>
  !reach.mayReachFurther && scopes.every((scope) => indexOf(asking).overlapping(scope).length === 0);

/** Yields to the event loop at intervals: a large policy with a custom matcher must not block it (L42). */
async function among<Rule extends RuleCore>(
  rules: readonly Rule[],
  question: Question,
  holds: (rule: Rule) => boolean,
): Promise<readonly Rule[]> {
  const found: Rule[] = [];
  for (const rule of rules) {
    if (holds(rule)) found.push(rule);
    await question.spend(rule.scopes.length);
  }
  return found;
}

/** Whether a rule holds at the start of the access. */
export const isInTime = ({ when }: RuleCore, { at }: Question): boolean => when === undefined || holdsAt(when, at);

/**
 * The first deny rule for this subject that overlaps a requested scope and holds. It takes precedence over every other rule, in any
 * order. A rule that always holds comes first: no other start would help.
 */
export function* findDenial({ denying }: Compiled, question: Question): Steps<Denying | undefined> {
  const overlapping = new Set<Denying>();
  for (const scope of question.scopes)
    for (const rule of yield* waitFor(allOverlapping(denying, scope, question))) if (isInTime(rule, question)) overlapping.add(rule);
  let atThisTime: Denying | undefined;
  for (const rule of denying) {
    if (!overlapping.has(rule) || (rule.when !== undefined && atThisTime !== undefined) || !(yield* isFor(rule, question))) continue;
    if (rule.when === undefined) return rule;
    atThisTime = rule;
  }
  return atThisTime;
}

/** The first rule for this subject that covers a scope and holds. */
export function* findCovering<Rule extends RuleCore>(
  rules: readonly Rule[],
  scope: Parts,
  question: Question,
  when: 'at the start' | 'at any time' = 'at the start',
): Steps<Rule | undefined> {
  for (const rule of yield* waitFor(allCovering(rules, scope, question)))
    if ((when === 'at any time' || isInTime(rule, question)) && (yield* isFor(rule, question))) return rule;
  return undefined;
}

/**
 * Whether a rule is about a part of the requested scope. A granted pattern allows every scope under it, so the conditions of a rule
 * for a part apply to the whole. With `patternScopes`, a pattern that overlaps a plain scope also covers it. A custom matcher may
 * have plain scopes that reach further than themselves.
 */
export const isAboutPart = (rule: RuleCore, scope: Parts, reach: RuleScopes): boolean =>
  scope.isWide
    ? overlapsScope(rule, scope, reach)
    : reach.mayReachFurther && overlapsScope(rule, scope, reach) && !coversScope(rule, scope, reach);

/** The rules that apply to a request. */
export interface Holding<Rule> {
  /** For each requested scope, the rule that decides it. `undefined`: no rule covers it. */
  readonly deciding: readonly { readonly scope: Parts; readonly rule: Rule | undefined }[];
  /** The deciding rules, and every rule about a part of a requested scope, in order; also if no rule covers the whole of it. */
  readonly holding: readonly Rule[];
}

export function* findHolding<Rule extends RuleCore>(rules: readonly Rule[], question: Question): Steps<Holding<Rule>> {
  const deciding: { readonly scope: Parts; readonly rule: Rule | undefined }[] = [];
  const holding = new Set<Rule>();
  for (const scope of question.scopes) {
    const decides = yield* findCovering(rules, scope, question);
    deciding.push({ scope, rule: decides });
    if (decides !== undefined) holding.add(decides);
    if (!scope.isWide && !question.reach.mayReachFurther) continue;
    for (const rule of yield* waitFor(allOverlapping(rules, scope, question))) {
      if (isAboutPart(rule, scope, question.reach) && isInTime(rule, question) && !holding.has(rule) && (yield* isFor(rule, question)))
        holding.add(rule);
    }
  }
  return { deciding, holding: rules.filter((rule) => holding.has(rule)) };
}
