import type { Compiled, Denying, RuleCore } from './compile.js';
import { agentOf } from '../../records/index.js';
import { inOrder, PatternIndex } from './pattern-index.js';
import { namesOf, speaksAlone, type Selector } from './people.js';
import type { Question } from './question.js';
import type { Parts, RuleScopes } from './reach.js';

/**
 * Whether these speak of a person; groups are asked now.
 *
 * @param runs whether they reach a run through its agent
 */
export async function speaksOf(
  selectors: readonly Selector[] | undefined,
  person: string,
  runs: boolean,
  question: Question,
): Promise<boolean> {
  if (selectors === undefined) return true;
  const names = namesOf(person, runs);
  // What needs no question first: a directory that is down holds up only those whom nothing else lets in.
  for (const selector of selectors) {
    if (names.some((name) => speaksAlone(selector, name, runs))) return true;
    if (selector.kind === 'self' && isOneself(person, question)) return true;
  }
  for (const selector of selectors) {
    if (selector.kind !== 'group') continue;
    for (const name of names) if (await question.has(selector.group, name)) return true;
  }
  return false;
}

/** A run asks through its agent. */
const isOneself = (person: string, { request: { subject } }: Question): boolean => person === subject || person === agentOf(subject);

export const isFor = (rule: RuleCore, question: Question): Promise<boolean> =>
  speaksOf(rule.subjects, question.request.subject, rule.runs, question);

export const coversScope = (rule: RuleCore, scope: Parts, reach: RuleScopes): boolean =>
  rule.scopes.some((pattern) => reach.covers(pattern, scope));

export const overlapsScope = (rule: RuleCore, scope: Parts, reach: RuleScopes): boolean =>
  rule.scopes.some((pattern) => reach.overlaps(pattern, scope));

/** The index of a list of rules, made when it is first asked for. */
const indexes = new WeakMap<readonly RuleCore[], PatternIndex>();

export function indexOf(rules: readonly RuleCore[]): PatternIndex {
  const index = indexes.get(rules) ?? new PatternIndex(rules);
  indexes.set(rules, index);
  return index;
}

/** The rules that cover a scope, in order: by the index, or, under a matcher of somebody else's, by asking it about each. */
async function allCovering<Rule extends RuleCore>(rules: readonly Rule[], scope: Parts, question: Question): Promise<readonly Rule[]> {
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
export async function allOverlapping<Rule extends RuleCore>(
  rules: readonly Rule[],
  scope: Parts,
  question: Question,
): Promise<readonly Rule[]> {
  if (!question.reach.mayReachFurther) return pick(rules, indexOf(rules).overlapping(scope));
  return among(rules, question, (rule) => overlapsScope(rule, scope, question.reach));
}

const pick = <Rule>(rules: readonly Rule[], places: readonly number[]): readonly Rule[] => places.map((place) => rules[place] as Rule);

/** Lets others run while a matcher is asked about many: a large policy must not hold the event loop. */
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

/** The first deny rule that overlaps anything asked: it beats everything, wherever it stands. */
export async function findDenial({ denying }: Compiled, question: Question): Promise<Denying | undefined> {
  const overlapping = new Set<Denying>();
  for (const scope of question.scopes) for (const rule of await allOverlapping(denying, scope, question)) overlapping.add(rule);
  for (const rule of denying) if (overlapping.has(rule) && (await isFor(rule, question))) return rule;
  return undefined;
}

/** The first rule for this subject that covers a scope. */
export async function findCovering<Rule extends RuleCore>(
  rules: readonly Rule[],
  scope: Parts,
  question: Question,
): Promise<Rule | undefined> {
  for (const rule of await allCovering(rules, scope, question)) if (await isFor(rule, question)) return rule;
  return undefined;
}

/**
 * Whether a rule is about a part of what is asked. Whoever is given a pattern has everything under it, so whatever a rule
 * asks for a part of it is asked for all. By patterns, what overlaps a scope that is none covers it; another matcher
 * may know scopes that reach further than themselves.
 */
export const isAboutPart = (rule: RuleCore, scope: Parts, reach: RuleScopes): boolean =>
  scope.isWide
    ? overlapsScope(rule, scope, reach)
    : reach.mayReachFurther && overlapsScope(rule, scope, reach) && !coversScope(rule, scope, reach);

/** The rules that hold for what is asked. */
export interface Holding<Rule> {
  /** For each scope asked, the rule that decides it; `undefined`: none. */
  readonly deciding: readonly { readonly scope: Parts; readonly rule: Rule | undefined }[];
  /** These, and every rule that is about a part of what is asked, in order. */
  readonly holding: readonly Rule[];
}

export async function findHolding<Rule extends RuleCore>(rules: readonly Rule[], question: Question): Promise<Holding<Rule>> {
  const deciding: { readonly scope: Parts; readonly rule: Rule | undefined }[] = [];
  const holding = new Set<Rule>();
  for (const scope of question.scopes) {
    const decides = await findCovering(rules, scope, question);
    deciding.push({ scope, rule: decides });
    if (decides === undefined) continue;
    holding.add(decides);
    if (!scope.isWide && !question.reach.mayReachFurther) continue;
    for (const rule of await allOverlapping(rules, scope, question)) {
      if (isAboutPart(rule, scope, question.reach) && !holding.has(rule) && (await isFor(rule, question))) holding.add(rule);
    }
  }
  return { deciding, holding: rules.filter((rule) => holding.has(rule)) };
}
