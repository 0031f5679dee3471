import { describe, expect, it } from 'vitest';
import { readSizes } from './sizes.js';

describe('the table of sizes', () => {
  it('has a measured size for each row of the entries, under a name of its own', () => {
    const rows = readSizes();
    expect(rows.filter(({ measured }) => !Number.isInteger(measured))).toEqual([]);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });
});
