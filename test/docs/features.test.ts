import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linksOf, root, textOf } from './pages.js';

const PAGE = 'docs/reference/features.md';

/** The cells of each row of the table. */
const rows = textOf(PAGE)
  .split('\n')
  .filter((line) => /^\| \d+\. /.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));

describe('docs/reference/features.md', () => {
  it('lists the features in the order of their numbers, each once', () => {
    const numbers = rows.map(([feature]) => Number.parseInt(feature as string, 10));
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it.each(rows)('names an existing page, example and test for %s', (_, page, example, tests) => {
    const target = /^\[.+\]\((.+)\)$/;
    expect(target.exec(page)?.[1], 'a link to a page').toMatch(/\.md(#|$)/);
    expect(target.exec(example)?.[1], 'a link to an example').toMatch(/^\.\.\/\.\.\/examples\//);
    for (const link of linksOf(PAGE)) {
      expect(existsSync(root + posix.join('docs/reference', link.split('#')[0] as string)), link).toBe(true);
    }
    const named = [...tests.matchAll(/`(test\/[^`]+)`: `([^`]+)`/g)];
    expect(named.length, 'a test with its title').toBeGreaterThan(0);
    for (const [, file, title] of named) expect(readFileSync(root + (file as string), 'utf8')).toContain(title);
  });
});
