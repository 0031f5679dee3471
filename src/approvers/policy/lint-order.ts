import { patternScopes } from '../../scope.js';
import type { Denying, Emergency, Giving, RuleCore } from './compile.js';
import { finding } from './finding.js';
import type { Groups } from './groups.js';
import { includes, isForNobody, mayMeet } from './lint-subjects.js';
import type { Finding } from './types.js';

/** Rules that others keep from deciding, all or in part. */
export function lintOrder(rules: readonly (Giving | Emergency)[], denying: readonly Denying[], groups: Groups): Finding[] {
  return rules.flatMap((rule, i) => {
    const find = (code: Finding['code'], message: string) => [finding(code, { rule: rule.id }, message)];
    if (isForNobody(rule, groups)) {
      return find('never_matches', `rule ${rule.id} is for nobody: its groups are empty. Put people into them, or take the rule out`);
    }
    const denials = denying.filter((denial) => includes(denial.subjects, rule.subjects, groups));
    const denied = coveredBy(rule, denials);
    if (denied !== undefined) {
      return find(
        'never_matches',
        `rule ${rule.id} can never decide: ${names(denied)} ${deny(denied)} all that it covers, and deny rules come first. Narrow the deny, or take the rule out`,
      );
    }
    const before = rules.slice(0, i);
    const shadows = coveredBy(
      rule,
      before.filter((earlier) => includes(earlier.subjects, rule.subjects, groups)),
    );
    if (shadows !== undefined) {
      return find(
        'shadowed',
        `rule ${rule.id} never decides: ${names(shadows)} before it ${cover(shadows)} all of its scopes for all of its subjects. Move it up, or take it out`,
      );
    }
    // Whether their subjects may meet comes last: going through groups is what takes long.
    return before.flatMap((earlier) => {
      const found = lintWidth(earlier, rule);
      return found.length > 0 && mayMeet(earlier.subjects, rule.subjects, groups) ? found : [];
    });
  });
}

/** A pattern that takes a scope away from a rule that is written for it. */
function lintWidth(earlier: RuleCore, later: RuleCore): Finding[] {
  for (const wide of earlier.scopes) {
    const narrow = later.scopes.find((scope) => patternScopes.covers(wide, scope) && !patternScopes.covers(scope, wide));
    if (narrow === undefined) continue;
    const message = `rule ${earlier.id} stands before rule ${later.id}, and its ${wide} is wider than ${narrow}, so for whoever is subject to both it decides. Move rule ${later.id} up, or narrow ${wide}`;
    return [finding('wide_pattern', { rule: earlier.id }, message)];
  }
  return [];
}

export function lintDenials(denying: readonly Denying[], groups: Groups): Finding[] {
  return denying.flatMap((rule) => {
    if (isForNobody(rule, groups)) {
      return [
        finding(
          'never_matches',
          { rule: rule.id },
          `rule ${rule.id} denies nobody: its groups are empty. Put people into them, or take the rule out`,
        ),
      ];
    }
    const others = denying.filter(
      (other, i) =>
        other !== rule && includes(other.subjects, rule.subjects, groups) && (i < denying.indexOf(rule) || !coversAll(rule, other)),
    );
    const wider = coveredBy(rule, others);
    if (wider === undefined) return [];
    return [
      finding(
        'shadowed',
        { rule: rule.id },
        `rule ${rule.id} denies nothing that ${names(wider)} ${wider.length === 1 ? 'does' : 'do'} not deny anyhow. Take it out`,
      ),
    ];
  });
}

const coversAll = (wide: RuleCore, narrow: RuleCore): boolean =>
  narrow.scopes.every((scope) => wide.scopes.some((pattern) => patternScopes.covers(pattern, scope)));

/** The rules that together cover each scope of this one; `undefined`: they don't. */
function coveredBy<Rule extends RuleCore>(rule: RuleCore, others: readonly Rule[]): readonly Rule[] | undefined {
  const covering = new Set<Rule>();
  for (const scope of rule.scopes) {
    const other = others.find((one) => one.scopes.some((pattern) => patternScopes.covers(pattern, scope)));
    if (other === undefined) return undefined;
    covering.add(other);
  }
  return [...covering];
}

const names = (rules: readonly RuleCore[]): string =>
  `${rules.length === 1 ? 'rule' : 'rules'} ${rules.map((rule) => rule.id).join(' and ')}`;
const deny = (rules: readonly RuleCore[]): string => (rules.length === 1 ? 'denies' : 'deny');
const cover = (rules: readonly RuleCore[]): string => (rules.length === 1 ? 'covers' : 'cover');
