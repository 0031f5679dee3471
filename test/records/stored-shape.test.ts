import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LAYOUT } from '../../src/core/layout.js';
import { optional, struct, type Table } from '../../src/records/fields.js';
import { shapeOf, storedShape, type StoredShape } from './stored-shape.js';

/** The SHA-256 of the file of each released layout. Processes of these releases run, so what they read and write does not change. */
const RELEASED: Readonly<Record<number, string>> = {
  1: '27b3b2f56d43f9718cefbaa4ba270396b5da358ca0b8b9ec052810313800c554',
};

const fileOf = (layout: number): string => fileURLToPath(new URL(`../fixtures/stored/${layout}.json`, import.meta.url));
const readFile = (layout: number): string => readFileSync(fileOf(layout), 'utf8');
const now = storedShape();

describe('the stored shape', () => {
  it('L30 of a released layout is never edited', () => {
    const hashes = Object.keys(RELEASED).map((layout) => [
      layout,
      createHash('sha256')
        .update(readFile(Number(layout)))
        .digest('hex'),
    ]);
    expect(Object.fromEntries(hashes)).toEqual(RELEASED);
  });

  it('L30 is that of a file: a change needs a new layout', async () => {
    const shape = `${JSON.stringify(now, undefined, 2)}\n`;
    // With `-u` this writes the file of a layout in work.
    if (RELEASED[LAYOUT] === undefined) await expect(shape).toMatchFileSnapshot(fileOf(LAYOUT));
    else expect(now).toEqual(JSON.parse(readFile(LAYOUT)) as StoredShape);
    expect(existsSync(fileOf(LAYOUT + 1))).toBe(false);
  });

  it('has no check without a name', () => {
    const nameless = { is: (value: unknown) => value === 7 };
    const table = { seven: optional(struct<{ is: number }>()({ is: nameless })) } as unknown as Table;
    expect(() => shapeOf(table)).toThrow('the check of seven.is has no name');
  });
});
