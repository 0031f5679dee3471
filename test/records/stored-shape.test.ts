import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LAYOUT } from '../../src/core/layout.js';
import { list, oneOf, optional, struct, text, variants, type RecordTable } from '../../src/records/fields.js';
import { newValues, silent, since } from '../../src/records/marks.js';
import { postgresTables } from '../../src/stores/sql/dialect/postgres.js';
import { expansionsOf } from '../../src/stores/sql/expansions.js';
import { LAYOUTS } from '../stores/released/layouts.js';
import { marks, marksOf, shapeOf, storedShape, type StoredShape } from './stored-shape.js';

/** The SHA-256 of the file of each released layout. Processes of these releases run, so what they read and write does not change. */
const RELEASED: Readonly<Record<number, string>> = {
  1: '3af76e9fe844c11ceea17082565b189cbffed89bbd7f1d6ae8abaa142c21d8c5',
};

const fileOf = (layout: number): string => fileURLToPath(new URL(`../fixtures/stored/${layout}.json`, import.meta.url));
const readFile = (layout: number): string => readFileSync(fileOf(layout), 'utf8');
const readShape = (layout: number): StoredShape => JSON.parse(readFile(layout)) as StoredShape;
const earlier = Array.from({ length: LAYOUT - 1 }, (_, i) => i + 1);

describe('the stored shape', () => {
  it('L30 of a released layout is never edited', () => {
    const hashes = Object.keys(RELEASED).map((layout) => [
      layout,
      createHash('sha256')
        .update(readFile(Number(layout)))
        .digest('hex'),
    ]);
    expect(Object.fromEntries(hashes)).toEqual(RELEASED);
    expect(new Set(Object.keys(RELEASED).map(Number))).toEqual(new Set(Object.values(LAYOUTS)));
  });

  it('L30 is that of its file: mark each addition with a layout that no release has, and `npm run generate` writes its file', () => {
    expect(storedShape()).toEqual(readShape(LAYOUT));
    expect(existsSync(fileOf(LAYOUT + 1))).toBe(false);
  });

  it.each(earlier)('L30 of layout %i has lost nothing, and what it lacks has a mark', (layout) => {
    const [{ entries, ...rows }, is] = [readShape(layout), storedShape(layout)];
    expect(is).toMatchObject(rows);
    expect({ kinds: is.kinds, bookmarks: is.bookmarks }).toEqual(rows);
    expect(is.entries).toMatchObject(entries);
  });
});

describe('the marks of the tables', () => {
  it('are each of a place that may have one', () => {
    expect(marks().filter(({ problem }) => problem !== undefined)).toEqual([]);
  });

  it('L30 and the expansions name LAYOUT as the highest layout', () => {
    const named = [...marks(), ...expansionsOf(postgresTables)].map(({ layout }) => layout);
    expect(Math.max(...named)).toBe(LAYOUT);
  });
});

/** A made-up table with a mark at each place that may have one, and at some that may not. */
const TABLE = {
  level: newValues({ high: 2 }, oneOf('low', 'high')),
  parts: list(struct<{ readonly text: string | undefined }>()({ text: since(3, optional(text)) })),
  end: variants<{ readonly status: 'done' } | { readonly status: 'frozen' }>()('status')({ done: {}, frozen: {} }),
  label: silent(2, list(text)),
} as const satisfies RecordTable;

describe('shapeOf()', () => {
  it('has what each layout of a table has', () => {
    const table = { ...TABLE, end: newValues({ frozen: 3 }, TABLE.end) };
    const [one, two, three] = [1, 2, 3].map((layout) => shapeOf(table, layout));
    expect(one).toEqual({ level: 'one of low', parts: 'list', 'parts[]': 'object', end: 'union', 'end=done.status': 'one of done' });
    expect(two).toEqual({ ...one, level: 'one of low, high', label: 'list; silent', 'label[]': 'text' });
    expect(three).toEqual({ ...two, 'parts[].text': 'text; optional', 'end=frozen.status': 'one of frozen' });
  });

  it('refuses a check without a name', () => {
    const nameless = struct<{ readonly is: number }>()({ is: { is: (value) => value === 7 } });
    expect(() => shapeOf({ seven: nameless }, 1)).toThrow('the check of seven.is has no name');
  });
});

describe('marksOf()', () => {
  it('finds every mark, and those that say nothing', () => {
    const found = Object.entries({
      ...TABLE,
      required: since(2, text),
      of: { ...since(2, optional(text)), column: 'subject' },
      typo: newValues({ hihg: 2 }, oneOf('low', 'high')),
    } satisfies RecordTable).flatMap(([name, field]) => [...marksOf(name, field)]);
    expect(found.map(({ at, layout, problem }) => `${at} ${layout} ${problem ?? ''}`.trim())).toEqual([
      'level=high 2',
      'parts[].text 3',
      'label 2',
      'required 2 a row of an earlier layout lacks it',
      'of 2 a column has no mark',
      'typo=hihg 2 it has no such value',
    ]);
  });
});
