import { isPattern } from '../../../index.js';

/** What a filter of scopes selects in a list: see `pattern` and `scope` of `GET /grants`. */
export type ScopeSelection = { readonly pattern: readonly string[] } | { readonly scope: string };

/**
 * A scope and everything below it, or what overlaps a pattern. With a matcher of the service's own, exactly the scope.
 *
 * @param hasPatterns `permits('patterns')` of the console
 */
export function selectionOf(scope: string, hasPatterns: boolean): ScopeSelection {
  if (!hasPatterns) return { scope };
  const below = `${scope}:**`;
  // The longest scope has nothing below it, and a pattern says itself what it reaches.
  return { pattern: scope.includes('*') || !isPattern(below) ? [scope] : [scope, below] };
}

/** A scope with those that it lies below: of `a:b:c` also `a:b` and `a`. */
const withParents = (scope: string): readonly string[] => {
  const parts = scope.split(':');
  return parts.map((_, i) => parts.slice(0, i + 1).join(':'));
};

export interface KnownScope {
  readonly scope: string;
  readonly title?: string | undefined;
}

/** The most scopes that are offered. */
const MOST = 20;

/**
 * The scopes that a text may become: those that begin with it first.
 *
 * @param hasParents whether the parents of the known scopes are offered too, for a question about all below them
 */
export function offeredScopes(text: string, known: readonly KnownScope[], hasParents: boolean): readonly KnownScope[] {
  const words = text.toLowerCase().split(/\s+/u);
  const all = new Map<string, KnownScope>();
  for (const one of known) if (all.get(one.scope)?.title === undefined) all.set(one.scope, one);
  if (hasParents)
    for (const { scope } of known) for (const parent of withParents(scope)) if (!all.has(parent)) all.set(parent, { scope: parent });
  const matching = [...all.values()].filter((one) => {
    const read = `${one.scope} ${one.title ?? ''}`.toLowerCase();
    return words.every((word) => read.includes(word));
  });
  const begins = ({ scope }: KnownScope) => scope.toLowerCase().startsWith(text.toLowerCase());
  return matching.sort((a, b) => Number(begins(b)) - Number(begins(a)) || (a.scope < b.scope ? -1 : 1)).slice(0, MOST);
}
