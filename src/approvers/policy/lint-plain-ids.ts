import { isDenying, type Compiled, type RuleCore } from './compile.js';
import { finding } from './finding.js';
import type { Selector } from './selectors.js';
import { listOf } from './question.js';
import type { Finding } from './types.js';

/** Finds ids that read like a group, a pattern or `self`. Each matches only itself, so a deny rule that names one denies no person. */
export function lintPlainIds(policy: Compiled): Finding[] {
  const { groups } = policy;
  const ofRules = [...policy.rules, ...policy.breakGlass].flatMap((rule) => {
    const self = idsIn(requestersOf(rule)).includes('self')
      ? ['the id self, which is no keyword. Write { "self": true } for the subject itself']
      : [];
    const others = [...idsIn(rule.subjects), ...idsIn(requestersOf(rule))].flatMap((id) => {
      if (groups.has(id)) return [`the id ${id}, which is also a group. Write { "group": "${id}" } for its members`];
      return id.includes('*') ? [`the id ${id}, in which * is no wildcard. Write { "like": "..." } with one * for several ids`] : [];
    });
    return [...self, ...others].map((misread) => finding('misread_id', { rule: rule.id }, `rule ${rule.id} names ${misread}`));
  });
  const ofGroups = [...groups.keys()].flatMap((group) =>
    [...(listOf(groups, group) ?? [])].flatMap((id) => {
      const why = groups.has(id) ? 'which is also a group' : id.includes('*') ? 'in which * is no wildcard' : undefined;
      return why === undefined ? [] : [finding('misread_id', { group }, `group ${group} lists the id ${id}, ${why}. List each person`)];
    }),
  );
  return [...ofRules, ...ofGroups];
}

const requestersOf = (rule: RuleCore): readonly Selector[] | undefined =>
  !isDenying(rule) && 'requesters' in rule ? (rule.requesters as readonly Selector[]) : undefined;

const idsIn = (selectors: readonly Selector[] | undefined): readonly string[] =>
  (selectors ?? []).flatMap((selector) => (selector.kind === 'id' ? [selector.id] : []));
