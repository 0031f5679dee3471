import type { Requestable } from '../../../../explain.js';
import { patternScopes } from '../../../../index.js';

/** The emergency item that applies to a scope: the first that covers it, as `requestable` says. `undefined`: none, or it is refused now. */
export function emergencyFor(items: readonly Requestable[], scope: string): Requestable | undefined {
  const item = items.find((one) => one.outcome === 'break_glass' && (one.scope === scope || patternScopes.covers(one.scope, scope)));
  if (item === undefined || item.locked || (scope.includes('*') && !item.patterns)) return undefined;
  return item.except.some((pattern) => patternScopes.overlaps(pattern, scope)) ? undefined : item;
}

/** A scope that can be taken. */
export interface Choice {
  readonly scope: string;
  readonly title: string | undefined;
}

/** The scopes that can be taken and contain each of the words: the written one first, then the listed ones. */
export function choicesOf(items: readonly Requestable[], search: string): readonly Choice[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const written = search.trim();
  const listed = new Map<string, Choice>();
  for (const { scope, title } of items) {
    // Of two items with one scope, the first says more: the list has what people ask for before emergencies.
    if (!listed.has(scope) && emergencyFor(items, scope) !== undefined) listed.set(scope, { scope, title });
  }
  const own = written !== '' && !/\s/.test(written) && !listed.has(written) && emergencyFor(items, written) !== undefined;
  return [
    ...(own ? [{ scope: written, title: undefined }] : []),
    ...[...listed.values()].filter(({ scope, title = '' }) => words.every((word) => `${scope} ${title}`.toLowerCase().includes(word))),
  ];
}
