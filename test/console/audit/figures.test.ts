import { describe, expect, it } from 'vitest';
import { hours, largestFirst, percent, stacked } from '../../../src/console/app/views/report/figures.js';

describe('figures of a report', () => {
  it.each([
    [0, '0%'],
    [0.000_01, '< 0.1%'],
    [0.013, '1.3%'],
    [0.129, '13%'],
    [1, '100%'],
  ])('a share of %d', (share, text) => {
    expect(percent(share)).toBe(text);
  });

  it.each([
    [0, '0 hr'],
    [1, '0.1 hr'],
    [5_400_000, '1.5 hr'],
    [360_000_000, '100 hr'],
  ])('%d ms of access', (ms, text) => {
    expect(hours(ms)).toBe(text);
  });

  it('puts the largest first, and keeps the order of equal ones', () => {
    const reports = [
      { scope: 'a', heldMs: 1 },
      { scope: 'b', heldMs: 2 },
      { scope: 'c', heldMs: 1 },
    ];
    expect(largestFirst(reports).map(({ scope }) => scope)).toEqual(['b', 'a', 'c']);
  });

  it('draws parts one after the other, and no part without a sum', () => {
    expect(stacked([1, 0, 3])).toEqual([
      { x: 0, width: 25 },
      { x: 25, width: 0 },
      { x: 25, width: 75 },
    ]);
    expect(stacked([0, 0])).toEqual([
      { x: 0, width: 0 },
      { x: 0, width: 0 },
    ]);
  });
});
