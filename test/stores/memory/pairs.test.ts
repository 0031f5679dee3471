import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Names, NO_NAME } from '../../../src/stores/memory/names.js';
import { Pairs } from '../../../src/stores/memory/pairs.js';

/** The place of a pair, or -1. */
function placeOf(pairs: Pairs, a: number, b: number): number {
  const cell = pairs.find(a, b);
  return cell < 0 ? -1 : pairs.placeAt(cell);
}

const windowAt = (pairs: Pairs, cell: number) => ({ from: pairs.fromAt(cell), until: pairs.untilAt(cell) });

const small = fc.nat(11);
/** The first number of a pair is not 0. */
const first = fc.integer({ min: 1, max: 12 });
/** Many pairs share few cells: searches are long, and removals close gaps in the middle of them. */
const steps = fc.array(fc.record({ adds: fc.boolean(), a: first, b: small }), { minLength: 1, maxLength: 400 });

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
            pairs.setWindow(pairs.find(a, b), { from: place, until: 8.64e15 - place });
          } else if (!adds && row.delete(b)) pairs.remove(pairs.find(a, b));
        });
        for (let a = 1; a < 13; a++) {
          for (let b = 0; b < 12; b++) {
            const place = plain.get(a)?.get(b);
            expect(placeOf(pairs, a, b)).toBe(place ?? -1);
            if (place !== undefined) expect(pairs.untilAt(pairs.find(a, b))).toBe(8.64e15 - place);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('distinguishes (a, b) from (b, a), and 0 from a missing value (L24)', () => {
    const pairs = new Pairs();
    pairs.add(1, 2, 0);
    expect([placeOf(pairs, 1, 2), placeOf(pairs, 2, 1), placeOf(pairs, 1, 0)]).toEqual([0, -1, -1]);
    pairs.add(1, 0, 7);
    expect([placeOf(pairs, 1, 0), placeOf(pairs, 2, 0), placeOf(pairs, 1, 1)]).toEqual([7, -1, -1]);
  });

  it('finds each of 50,000 pairs, and the rest after every other one was removed', () => {
    const pairs = new Pairs();
    const all = Array.from({ length: 50_000 }, (_, i) => [1 + ((i / 10) | 0), i % 10] as const);
    all.forEach(([a, b], place) => pairs.add(a, b, place));
    const found = () => all.filter(([a, b], place) => placeOf(pairs, a, b) === place).length;
    expect(found()).toBe(50_000);
    for (let i = 0; i < all.length; i += 2) pairs.remove(pairs.find(...(all[i] as [number, number])));
    expect(found()).toBe(25_000);
    expect(all.every(([a, b], i) => i % 2 === 1 || placeOf(pairs, a, b) === -1)).toBe(true);
  });
});

describe('the window of a pair', () => {
  it('is the window that was set, or NaN without one (L1)', () => {
    const pairs = new Pairs();
    pairs.add(3, 4, 5);
    const cell = pairs.find(3, 4);
    const instant = fc.integer({ min: 0, max: 8.64e15 });
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 2 ** 32 - 2 }), (from, length) => {
        pairs.setWindow(cell, { from, until: from + length });
        expect(windowAt(pairs, cell)).toEqual({ from, until: from + length });
      }),
    );
    pairs.setWindow(cell, { from: NaN, until: NaN });
    expect(windowAt(pairs, cell)).toEqual({ from: NaN, until: NaN });
    expect(pairs.placeAt(cell)).toBe(5);
  });

  it('has no start where it lasts 2^32 - 1 ms or longer, or ends before it starts', () => {
    const pairs = new Pairs();
    pairs.add(3, 4, 5);
    const cell = pairs.find(3, 4);
    for (const until of [2 ** 32 - 1, 2 ** 32, 8.64e15]) {
      pairs.setWindow(cell, { from: 0, until });
      expect(windowAt(pairs, cell)).toEqual({ from: NaN, until });
    }
    pairs.setWindow(cell, { from: 5, until: 4 });
    expect(windowAt(pairs, cell)).toEqual({ from: NaN, until: 4 });
  });
});

describe('Names', () => {
  it('numbers a name while it is in use, and reuses the number afterwards', () => {
    const names = new Names(() => true);
    expect([names.take('a'), names.take('b'), names.take('a')]).toEqual([1, 2, 1]);
    names.drop('a', 1);
    expect([names.numberOf('a'), names.numberOf('b'), names.numberOf('c')]).toEqual([1, 2, NO_NAME]);
    names.drop('a', 1);
    expect(names.numberOf('a')).toBe(NO_NAME);
    expect([names.take('c'), names.take('a'), names.numberOf('b')]).toEqual([1, 3, 2]);
  });

  it('numbers undefined, null and the empty string as separate names (L24)', () => {
    const names = new Names(() => true);
    expect([names.take(undefined), names.take('undefined'), names.take(null), names.take('')]).toEqual([1, 2, 3, 4]);
    expect(names.numberOf(undefined)).toBe(1);
  });

  it('gives the number of a name that the rule refuses only to those who accept such names (L23)', () => {
    const names = new Names((name) => name !== 'bad');
    const [good, bad] = [names.take('good'), names.take('bad')];
    expect([names.validNumberOf('good'), names.validNumberOf('bad'), names.validNumberOf('new')]).toEqual([good, NO_NAME, NO_NAME]);
    expect([names.numberOf('good'), names.numberOf('bad'), names.numberOf('new')]).toEqual([good, bad, NO_NAME]);
    expect(names.take('bad')).toBe(bad);
    names.drop('bad', bad);
    expect(names.numberOf('bad')).toBe(bad);
    names.drop('bad', bad);
    expect([names.numberOf('bad'), names.take('new')]).toEqual([NO_NAME, bad]);
  });
});
