import type { Compiled, Giving } from './compile.js';
import { finding } from './finding.js';
import { isForNobody } from './lint-subjects.js';
import type { Relations } from './relations.js';
import type { Finding } from './types.js';

/** The greatest number of rules that a finding names. */
const MAX_NAMED = 5;

/** Finds rules that can give a scope of a rule with `maxHolders` without the same limit: each rule counts only its own holders. */
export function lintHolders({ giving, groups }: Compiled, relations: Relations): Finding[] {
  return giving.flatMap((rule) => {
    const { id, maxHolders } = rule;
    if (maxHolders === undefined) return [];
    const isOther = (one: Giving) => one !== rule && one.maxHolders !== maxHolders && !isForNobody(one, groups);
    const others = new Set(rule.scopes.flatMap((scope) => relations.overlapping(giving, scope).filter(isOther)));
    if (others.size === 0) return [];
    const names = [...others].slice(0, MAX_NAMED).map((one) => one.id);
    const more = others.size > MAX_NAMED ? ' and others' : '';
    const message = `rule ${id} limits its holders to ${maxHolders}, and ${names.join(', ')}${more} can give an overlapping scope without that limit. Each rule counts only its own holders: set the same limit there, or give the scope by one rule`;
    return [finding('other_limit', { rule: id }, message)];
  });
}
