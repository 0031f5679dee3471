import type { Compiled } from './compile.js';
import { finding } from './finding.js';
import type { Relations } from './relations.js';
import type { Finding } from './types.js';

/** Finds scopes of the catalogue that no subject can ask for. */
export function lintCatalogue({ catalogue, giving, breakGlass, denying }: Compiled, relations: Relations): Finding[] {
  return catalogue.flatMap(({ scope }) => {
    if (relations.covering(giving, scope).length === 0 && relations.covering(breakGlass, scope).length === 0) {
      const message = `the catalogue lists ${scope.text}, but no rule gives it. Add a rule for it, or remove it`;
      return [finding('not_given', {}, message)];
    }
    const denies = relations.overlapping(denying, scope).find(({ subjects }) => subjects === undefined);
    if (denies === undefined) return [];
    const message = `the catalogue lists ${scope.text}, but rule ${denies.id} denies it to every subject. Remove it, or narrow rule ${denies.id}`;
    return [finding('not_given', { rule: denies.id }, message)];
  });
}
