import { describe, expect, it } from 'vitest';
import { hours, percent } from '../../../src/console/app/views/report/figures.js';
import { sortedBy, type Value } from '../../../src/console/app/views/report/sorted.js';

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
});

describe('the table of a report', () => {
  const rows = [
    { name: 'b', count: 2, ms: undefined },
    { name: 'a', count: 1, ms: 7 },
    { name: 'c', count: 10, ms: 5 },
    { name: 'd', count: 2, ms: undefined },
  ];
  const names = (valueOf: (row: (typeof rows)[number]) => Value, isDescending: boolean) =>
    sortedBy(rows, valueOf, isDescending)
      .map(({ name }) => name)
      .join('');

  it('is sorted by a column, and equal rows keep their order in both directions', () => {
    expect([false, true].map((is) => names(({ count }) => count, is))).toEqual(['abdc', 'cbda']);
    expect([false, true].map((is) => names(({ name }) => name, is))).toEqual(['abcd', 'dcba']);
  });

  it('has rows without a value last in both directions', () => {
    expect([false, true].map((is) => names(({ ms }) => ms, is))).toEqual(['cabd', 'acbd']);
  });
});
