import { patternScopes } from '../../core/scope.js';

/** The pattern that covers exactly the scopes that both patterns cover. `undefined`: they share none. */
export function sharedScope(a: string, b: string): string | undefined {
  if (!patternScopes.overlaps(a, b)) return undefined;
  const [left, right] = [a.split(':'), b.split(':')];
  const shared: string[] = [];
  for (const [i, segment] of left.entries()) {
    // A trailing `**` stands for the rest of the other pattern.
    if (segment === '**') return [...shared, ...right.slice(i)].join(':');
    if (right[i] === '**') return [...shared, ...left.slice(i)].join(':');
    shared.push(segment === '*' ? (right[i] as string) : segment);
  }
  return shared.join(':');
}
