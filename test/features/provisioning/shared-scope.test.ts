import { describe, expect, it } from 'vitest';
import { sharedScope } from '../../../src/features/provisioning/shared-scope.js';
import { patternScopes } from '../../../src/index.js';

const SEGMENTS = ['a', 'b', '*'];
const patterns = (depth: number): string[] =>
  depth === 1
    ? [...SEGMENTS, '**']
    : [...SEGMENTS, '**', ...SEGMENTS.flatMap((first) => patterns(depth - 1).map((rest) => `${first}:${rest}`))];
const scopes = (depth: number): string[] =>
  ['a', 'b', 'c'].flatMap((first) => [first, ...(depth === 1 ? [] : scopes(depth - 1).map((rest) => `${first}:${rest}`))]);

describe('sharedScope()', () => {
  it.each([
    ['db:*', 'db:a', 'db:a'],
    ['db:a', 'db:*', 'db:a'],
    ['db:*', '*:read', 'db:read'],
    ['db:**', '*:*:x', 'db:*:x'],
    ['**', 'db:*', 'db:*'],
    ['db:**', 'db:**', 'db:**'],
    ['db:*', 'billing:*', undefined],
    ['db:**', 'db', undefined],
  ])('L21 of %s and %s is %s', (a, b, shared) => {
    expect(sharedScope(a, b)).toBe(shared);
  });

  it('L21 covers exactly the scopes that both patterns cover', () => {
    const [all, universe] = [patterns(3), scopes(4)];
    for (const a of all) {
      for (const b of all) {
        const shared = sharedScope(a, b);
        const wrong = universe.find(
          (scope) =>
            (patternScopes.covers(a, scope) && patternScopes.covers(b, scope)) !==
            (shared !== undefined && patternScopes.covers(shared, scope)),
        );
        if (wrong !== undefined) expect([a, b, shared, wrong]).toEqual([]);
      }
    }
  });
});
