import { describe, expect, it } from 'vitest';
import { isEnding, viewOf, type BadgeWindow } from '../../src/elements/view.js';

const AT = 1_767_225_600_000;
const MINUTE = 60_000;
const window = (scope: string, startsAt: number, endsAt: number): BadgeWindow => ({ scope, startsAt: AT + startsAt, endsAt: AT + endsAt });
const view = (windows: readonly BadgeWindow[], early = 0, late = early, label: string | null = null) => {
  const { held, forMs } = viewOf(windows, AT + early, AT + late, label);
  return { held: [...held], forMs };
};

describe('viewOf()', () => {
  it.each([
    [-1, [], 1],
    [0, [['db:write', 10 * MINUTE]], 5 * MINUTE],
    [1, [['db:write', 10 * MINUTE - 1]], 5 * MINUTE - 1],
    [10 * MINUTE - 1, [['db:write', 1]], 1],
    [10 * MINUTE, [], Infinity],
    [10 * MINUTE + 1, [], Infinity],
  ])('shows a window as held from its start on, and never at its end: %d ms after its start (L1, L2)', (at, held, forMs) => {
    expect(view([window('db:write', 0, 10 * MINUTE)], at)).toEqual({ held, forMs });
  });

  it('judges ends by the later of two clocks and starts by the given one, so that neither shows too much (L1, L2)', () => {
    expect(view([window('db:write', 0, MINUTE)], 0, MINUTE).held).toEqual([]);
    expect(view([window('db:write', 1, MINUTE)], 0, MINUTE - 1).held).toEqual([]);
  });

  it.each([
    [5 * MINUTE + 1, 1],
    [5 * MINUTE, 1_000],
    [5 * MINUTE - 1, 999],
    [1_001, 1],
    [1_000, 1_000],
    [1, 1],
  ])('stays the same until the countdown begins, then for a second at a time: %d ms before the end', (left, forMs) => {
    expect(view([window('db:write', -MINUTE, left)]).forMs).toBe(forMs);
    expect(isEnding(left)).toBe(left <= 5 * MINUTE);
  });

  it('shows the longest time of grants with the same name, and stays the same until the first of them changes', () => {
    const windows = [window('a', 0, 20 * MINUTE), window('b', 0, 10 * MINUTE), window('c', MINUTE, 30 * MINUTE)];
    expect(view(windows, 0, 0, 'admin')).toEqual({ held: [['admin', 20 * MINUTE]], forMs: MINUTE });
    expect(view(windows, 0, 0, '').held.map(([name]) => name)).toEqual(['a', 'b']);
  });

  it.each([
    ['a scope that is not a string', { ...window('a', 0, MINUTE), scope: 7 }],
    ['a start that is not an integer', { ...window('a', 0, MINUTE), startsAt: NaN }],
    ['an end that is null, as JSON writes NaN', { ...window('a', 0, MINUTE), endsAt: null }],
    ['an end that is text, which would compare above every number', { ...window('a', 0, MINUTE), endsAt: 'soon' }],
  ])('refuses a whole status with %s (L30)', (_, bad) => {
    expect(() => view([window('b', 0, MINUTE), bad as unknown as BadgeWindow])).toThrow(TypeError);
  });

  it('refuses a clock that is not a number (L30)', () => {
    expect(() => view([window('a', 0, MINUTE)], NaN, 0)).toThrow(TypeError);
    expect(() => view([window('a', 0, MINUTE)], 0, NaN)).toThrow(TypeError);
  });
});

describe('jit-access/elements without custom elements, as on a server', () => {
  it('can be imported, and defines no element', async () => {
    expect('HTMLElement' in globalThis).toBe(false);
    const { defineJitBadge } = await import('jit-access/elements');
    expect(() => defineJitBadge()).not.toThrow();
  });
});
