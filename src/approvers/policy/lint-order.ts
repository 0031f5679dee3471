import { alwaysHolds, neverHolds } from '../calendar/hours.js';
import type { Compiled, Emergency, Giving, RuleCore } from './compile.js';
import { finding } from './finding.js';
import { includes, isForNobody, mayMeet, nobodyMayAsk } from './lint-subjects.js';
import type { Parts } from './rule-scopes.js';
import type { Relations } from './relations.js';
import type { Finding } from './types.js';

/** Finds rules that never decide, and rules whose wide pattern decides a scope of a later rule. */
export function lintOrder(policy: Compiled, rules: readonly (Giving | Emergency)[], relations: Relations): Finding[] {
  const { denying, groups } = policy;
  const strict = rules.filter(isStrictAtTimes);
  return rules.flatMap((rule, i) => {
    const find = (code: Finding['code'], message: string) => [finding(code, { rule: rule.id }, message)];
    if (isForNobody(rule, groups)) {
      return find('never_matches', `rule ${rule.id} matches no subject: its groups are empty. Add people to them, or remove the rule`);
    }
    if (rule.when !== undefined && neverHolds(rule.when)) return find('never_matches', neverInTime(rule));
    const denied = coveredBy(rule, (scope) => relations.covering(denying, scope), policy);
    if (denied !== undefined) {
      return find(
        'never_matches',
        `rule ${rule.id} never decides: ${names(denied)} ${deny(denied)} everything that it covers, and deny rules come first. Narrow the denial, or remove rule ${rule.id}`,
      );
    }
    const before = new Set(rules.slice(0, i));
    const shadows = coveredBy(rule, (scope) => relations.covering(rules, scope).filter((one) => before.has(one)), policy);
    // If a rule gives a scope pattern, all rules for scopes under that pattern apply, in any order. So a shadowed rule may apply, too.
    const isHeld = () =>
      rule.scopes.some((scope) =>
        relations.overlapping(rules, scope).some((one) => one.patterns && one !== rule && mayMeet(one, rule, groups)),
      );
    if (shadows !== undefined && !isHeld()) {
      return find(
        'shadowed',
        `rule ${rule.id} never decides: the earlier ${names(shadows)} ${cover(shadows)} all its scopes for all its subjects. Move rule ${rule.id} up, or remove it`,
      );
    }
    // Such a rule still decides, and refuses. Without it, the rules after it would decide.
    if (nobodyMayAsk(rule, groups)) {
      return find('never_matches', `rule ${rule.id} accepts no request: the groups of its requesters are empty. Add people to them`);
    }
    // Compares the subjects last, because the comparison of groups is slow.
    const found: Finding[] = [];
    for (const { earlier, wide, narrow } of relations.wider(rules, i)) {
      if (found.length === MAX_WIDER) break;
      // A rule with a calendar comes first on purpose: at other times the later rule decides.
      if (earlier.when === undefined && mayMeet(earlier, rule, groups)) found.push(isWider(earlier, wide, rule, narrow));
    }
    const stricter =
      strict.length > 0 && isMild(rule)
        ? rule.scopes.flatMap((scope) => relations.overlapping(strict, scope)).find((one) => before.has(one) && mayMeet(one, rule, groups))
        : undefined;
    return stricter === undefined ? found : [...found, outlasts(rule, stricter)];
  });
}

/** A rule that approves at once, at any time. */
const isMild = (rule: Giving | Emergency): boolean => 'review' in rule && rule.review === undefined && isAlwaysInTime(rule);

const isStrictAtTimes = (rule: Giving | Emergency): boolean => 'review' in rule && rule.review !== undefined && !isAlwaysInTime(rule);

/** The rule that holds at the start of the access decides, and access that it gives runs on into the hours of the other. */
function outlasts({ id }: RuleCore, stricter: RuleCore): Finding {
  const message = `rule ${id} approves at once, and its access may last into the hours in which rule ${stricter.id} needs a review. Give rule ${id} a \`when\` for the other hours: its access then ends with them`;
  return finding('milder_outlasts', { rule: id }, message);
}

/** The greatest number of wider rules reported for a rule: the advice for all of them is to move it up. */
const MAX_WIDER = 50;

/** The finding for a wide pattern that decides a scope before the rule that is written for it. */
function isWider(earlier: RuleCore, wide: Parts, later: RuleCore, narrow: Parts): Finding {
  const message = `rule ${earlier.id} comes before rule ${later.id}, and its ${wide.text} is wider than ${narrow.text}. It decides for every subject of both rules. Move rule ${later.id} up, or narrow ${wide.text}`;
  return finding('wide_pattern', { rule: earlier.id }, message);
}

/** Finds redundant deny rules, from the last to the first. It compares a rule only with rules that stay, so all can be removed together. */
export function lintDenials(policy: Compiled, relations: Relations): Finding[] {
  const { denying, groups } = policy;
  const needed = new Set(denying);
  return denying.toReversed().flatMap((rule) => {
    const find = (code: Finding['code'], message: string) => [finding(code, { rule: rule.id }, message)];
    if (isForNobody(rule, groups)) {
      return find('never_matches', `rule ${rule.id} denies no subject: its groups are empty. Add people to them, or remove the rule`);
    }
    if (rule.when !== undefined && neverHolds(rule.when)) return find('never_matches', neverInTime(rule));
    if (rule.when !== undefined && alwaysHolds(rule.when)) {
      return find(
        'always_holds',
        `rule ${rule.id} always denies: its \`when\` omits no time of the week. Give it dates or shorter hours, or remove \`when\``,
      );
    }
    needed.delete(rule);
    const others = coveredBy(rule, (scope) => relations.covering(denying, scope).filter((one) => needed.has(one)), policy);
    if (others === undefined) {
      needed.add(rule);
      return [];
    }
    return find(
      'shadowed',
      `rule ${rule.id} is redundant: ${names(others)} ${deny(others)} all its scopes for all its subjects. Remove it`,
    );
  });
}

const isAlwaysInTime = ({ when }: RuleCore): boolean => when === undefined || alwaysHolds(when);

const neverInTime = ({ id }: RuleCore): string =>
  `rule ${id} holds at no time: none of its \`days\` lies between firstDay and lastDay. Correct \`when\`, or remove the rule`;

/** The greatest number of rules that are combined to cover a scope. */
const MAX_TOGETHER = 64;

/** A minimal list of rules that together cover each scope of this rule for all of its subjects. `undefined`: there is none. */
function coveredBy<Rule extends RuleCore>(
  rule: RuleCore,
  coveringOf: (scope: Parts) => readonly Rule[],
  { groups }: Compiled,
): readonly Rule[] | undefined {
  const covering = new Set<Rule>();
  const inOrder: Rule[] = [];
  for (const scope of rule.scopes) {
    const together: Rule[] = [];
    const isEnough = (some: readonly Rule[]) => includes(allSubjects(some), rule.subjects, groups);
    // A rule for agents alone does not cover their runs, which this rule reaches.
    // A rule that holds at some times only leaves the other times to this rule.
    const candidates = coveringOf(scope).filter(
      (other) => (!rule.runs || other.runs || other.subjects === undefined) && isAlwaysInTime(other),
    );
    const found = candidates.slice(0, MAX_TOGETHER).some((other) => {
      together.push(other);
      return isEnough(together);
    });
    if (!found) return undefined;
    for (const one of together.toReversed()) {
      const without = together.filter((other) => other !== one);
      if (without.length > 0 && isEnough(without)) together.splice(together.indexOf(one), 1);
    }
    for (const one of together) covering.add(one);
  }
  inOrder.push(...covering);
  return inOrder;
}

const allSubjects = (rules: readonly RuleCore[]): RuleCore['subjects'] =>
  rules.some((rule) => rule.subjects === undefined) ? undefined : rules.flatMap((rule) => rule.subjects ?? []);

const names = (rules: readonly RuleCore[]): string =>
  `${rules.length === 1 ? 'rule' : 'rules'} ${rules.map((rule) => rule.id).join(' and ')}`;
const deny = (rules: readonly RuleCore[]): string => (rules.length === 1 ? 'denies' : 'deny');
const cover = (rules: readonly RuleCore[]): string => (rules.length === 1 ? 'covers' : 'cover');
