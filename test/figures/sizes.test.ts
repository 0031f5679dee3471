import { describe, expect, it } from 'vitest';
import { isTooBig, limitFor, readSizes, weigh } from './sizes.js';

describe('the limit of a size', () => {
  it('is the smaller of the measured size plus a twentieth, and the budget', () => {
    expect([limitFor(1_000), limitFor(1_000, 1_040), limitFor(1_000, 2_000), limitFor(1_000, 1_000)]).toEqual([1_050, 1_040, 1_050, 1_000]);
  });

  it('is the measured size where that exceeds the budget: nothing may be added', () => {
    expect(limitFor(1_001, 1_000)).toBe(1_001);
  });

  it('is exceeded by one byte more, and by a size that was never measured', () => {
    expect([105, 106].map((bytes) => isTooBig({ measured: 100, budget: undefined }, bytes))).toEqual([false, true]);
    expect(isTooBig({ measured: undefined, budget: undefined }, 1)).toBe(true);
  });
});

describe('the table of sizes', () => {
  it('has a measured size for each row of the entries, under a name of its own', () => {
    const rows = readSizes();
    expect(rows.filter(({ measured }) => !Number.isInteger(measured))).toEqual([]);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });
});

describe('the weight of a module', () => {
  it('grows with the code that it uses, and not with names, comments or unused code', async () => {
    const plain = await weigh('export const answer = 42;');
    expect(await weigh('/* why */ function unused() { return "unused"; }\nexport const answer = 42;')).toBe(plain);
    expect(await weigh('export const answer = 42, text = "not so small any more";')).toBeGreaterThan(plain);
  });
});
