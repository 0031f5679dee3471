import { isScope, patternScopes } from '../../scope.js';
import type { Compiled, Denying, RuleCore } from './compile.js';
import type { Memberships } from './groups.js';
import { isLike, type Selector } from './people.js';

/** Whether these speak of a person; groups are asked now. */
export async function speaksOf(selectors: readonly Selector[] | undefined, person: string, memberships: Memberships): Promise<boolean> {
  if (selectors === undefined) return true;
  // What needs no question first: a directory that is down holds up only those whom nothing else lets in.
  for (const selector of selectors) {
    if (selector.kind === 'id' && selector.id === person) return true;
    if (selector.kind === 'like' && isLike(selector, person)) return true;
    if (selector.kind === 'self' && memberships.request.subject === person) return true;
  }
  for (const selector of selectors) {
    if (selector.kind === 'group' && (await memberships.has(selector.group, person))) return true;
  }
  return false;
}

/** Whether this is a pattern. */
export const isWide = (scope: string): boolean => !isScope(scope);

const isFor = (rule: RuleCore, memberships: Memberships): Promise<boolean> =>
  speaksOf(rule.subjects, memberships.request.subject, memberships);

export const coversScope = (rule: RuleCore, scope: string): boolean => rule.scopes.some((pattern) => patternScopes.covers(pattern, scope));

export const overlapsScope = (rule: RuleCore, scope: string): boolean =>
  rule.scopes.some((pattern) => patternScopes.overlaps(pattern, scope));

/** The first deny rule that overlaps anything asked: it beats everything, wherever it stands. */
export async function findDenial({ denying }: Compiled, memberships: Memberships): Promise<Denying | undefined> {
  for (const rule of denying) {
    if (memberships.request.scopes.some((scope) => overlapsScope(rule, scope)) && (await isFor(rule, memberships))) return rule;
  }
  return undefined;
}

/** The first rule for this subject that covers a scope. */
export async function findCovering<Rule extends RuleCore>(
  rules: readonly Rule[],
  scope: string,
  memberships: Memberships,
): Promise<Rule | undefined> {
  for (const rule of rules) if (coversScope(rule, scope) && (await isFor(rule, memberships))) return rule;
  return undefined;
}

/** The rules that hold for what is asked. */
export interface Holding<Rule> {
  /** For each scope asked, the rule that decides it; `undefined`: none. */
  readonly deciding: readonly { readonly scope: string; readonly rule: Rule | undefined }[];
  /** These, and for a pattern every rule that it overlaps, in order. */
  readonly holding: readonly Rule[];
}

export async function findHolding<Rule extends RuleCore>(rules: readonly Rule[], memberships: Memberships): Promise<Holding<Rule>> {
  const deciding: { readonly scope: string; readonly rule: Rule | undefined }[] = [];
  const holding = new Set<Rule>();
  for (const scope of memberships.request.scopes) {
    const decides = await findCovering(rules, scope, memberships);
    deciding.push({ scope, rule: decides });
    if (decides === undefined) continue;
    holding.add(decides);
    if (!isWide(scope)) continue;
    // Whoever is given a pattern has everything under it, so whatever a rule asks for a part of it is asked for all.
    for (const rule of rules) if (overlapsScope(rule, scope) && (await isFor(rule, memberships))) holding.add(rule);
  }
  return { deciding, holding: rules.filter((rule) => holding.has(rule)) };
}
