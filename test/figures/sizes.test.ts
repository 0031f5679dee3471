import { describe, expect, it } from 'vitest';
import { entries } from '../package/entries.js';
import { isTooBig, limitFor, readSizes, weigh } from './sizes.js';

const rows = readSizes();

describe('the limit of a size', () => {
  it('is the smaller of the measured size plus a twentieth, and the budget', () => {
    expect([limitFor(1_000), limitFor(1_000, 1_040), limitFor(1_000, 2_000), limitFor(1_000, 1_000)]).toEqual([1_050, 1_040, 1_050, 1_000]);
  });

  it('is the measured size where that exceeds the budget: nothing may be added', () => {
    expect(limitFor(1_001, 1_000)).toBe(1_001);
  });

  it.each(rows)('follows that rule in the table: $name', ({ measured, limit, budget }) => {
    expect(measured).toBeGreaterThan(0);
    expect(limit).toBe(limitFor(measured, budget));
  });

  it('is listed for every entry of the package', () => {
    const stated = new Set(rows.map(({ entry }) => entry));
    expect(entries.map(({ name }) => name).filter((name) => !stated.has(name))).toEqual([]);
  });

  it('refuses one byte more', () => {
    const row = { name: 'a feature', entry: 'feature', names: '*', measured: 100, limit: 105 };
    expect([isTooBig(row, 105), isTooBig(row, 106)]).toEqual([false, true]);
  });
});

describe('the weight of a module', () => {
  it('grows with the code that it uses, and not with names, comments or unused code', async () => {
    const plain = await weigh('export const answer = 42;');
    expect(await weigh('/* why */ function unused() { return "unused"; }\nexport const answer = 42;')).toBe(plain);
    expect(await weigh('export const answer = 42, text = "not so small any more";')).toBeGreaterThan(plain);
  });
});
