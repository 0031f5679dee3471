import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from './docs/pages.js';
import { matching } from './mutation/globs.js';
import { excludedFrom, TIERS } from './tiers.js';

const files = (readdirSync(`${root}test`, { recursive: true }) as string[])
  .map((path) => `test/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.test.ts'));
const taken = (globs: readonly string[]): string[] => globs.flatMap((glob) => matching(glob, files));

describe('the tiers of the tests', () => {
  it('have each test file in exactly one', () => {
    const found = TIERS.flatMap((tier) => {
      const others = new Set(taken(excludedFrom(tier)));
      return taken(tier.include).filter((file) => !others.has(file));
    });
    expect(found.sort()).toEqual([...files].sort());
  });

  it.each(TIERS.flatMap(({ name, include }) => include.map((glob) => [name, glob] as const)))('%s has files under %s', (_, glob) => {
    expect(matching(glob, files)).not.toEqual([]);
  });
});
