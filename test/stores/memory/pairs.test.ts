import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Names } from '../../../src/stores/memory/names.js';
import { Pairs } from '../../../src/stores/memory/pairs.js';

const small = fc.nat(11);
/** Many pairs share few cells: searches are long, and removals close gaps in the middle of them. */
const steps = fc.array(fc.record({ adds: fc.boolean(), a: small, b: small }), { minLength: 1, maxLength: 400 });

describe('Pairs', () => {
  it('finds what a map of maps finds, after any additions and removals (L24)', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const pairs = new Pairs();
        const plain = new Map<number, Map<number, number>>();
        all.forEach(({ adds, a, b }, place) => {
          const row = plain.get(a) ?? new Map<number, number>();
          plain.set(a, row);
          if (adds && !row.has(b)) {
            row.set(b, place);
            pairs.add(a, b, place);
          } else if (!adds && row.delete(b)) pairs.remove(a, b);
        });
        for (let a = 0; a < 12; a++) for (let b = 0; b < 12; b++) expect(pairs.placeOf(a, b)).toBe(plain.get(a)?.get(b) ?? -1);
      }),
      { numRuns: 1_000 },
    );
  });

  it('distinguishes (a, b) from (b, a), and 0 from a missing value (L24)', () => {
    const pairs = new Pairs();
    pairs.add(1, 2, 0);
    expect([pairs.placeOf(1, 2), pairs.placeOf(2, 1), pairs.placeOf(0, 0)]).toEqual([0, -1, -1]);
    pairs.add(0, 0, 7);
    expect([pairs.placeOf(0, 0), pairs.placeOf(1, 0), pairs.placeOf(0, 1)]).toEqual([7, -1, -1]);
  });

  it('finds each of 50,000 pairs, and the rest after every other one was removed', () => {
    const pairs = new Pairs();
    const all = Array.from({ length: 50_000 }, (_, i) => [(i / 10) | 0, i % 10] as const);
    all.forEach(([a, b], place) => pairs.add(a, b, place));
    const found = () => all.filter(([a, b], place) => pairs.placeOf(a, b) === place).length;
    expect(found()).toBe(50_000);
    for (let i = 0; i < all.length; i += 2) pairs.remove(...(all[i] as [number, number]));
    expect(found()).toBe(25_000);
    expect(all.every(([a, b], i) => i % 2 === 1 || pairs.placeOf(a, b) === -1)).toBe(true);
  });
});

describe('Names', () => {
  it('numbers a name while it is in use, and reuses the number afterwards', () => {
    const names = new Names();
    expect([names.take('a'), names.take('b'), names.take('a')]).toEqual([0, 1, 0]);
    names.drop('a', 0);
    expect([names.numberOf('a'), names.numberOf('b'), names.numberOf('c')]).toEqual([0, 1, -1]);
    names.drop('a', 0);
    expect(names.numberOf('a')).toBe(-1);
    expect([names.take('c'), names.take('a'), names.numberOf('b')]).toEqual([0, 2, 1]);
  });

  it('numbers undefined, null and the empty string as separate names (L24)', () => {
    const names = new Names();
    expect([names.take(undefined), names.take('undefined'), names.take(null), names.take('')]).toEqual([0, 1, 2, 3]);
    expect(names.numberOf(undefined)).toBe(0);
  });
});
