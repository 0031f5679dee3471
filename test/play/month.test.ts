import { describe, expect, it } from 'vitest';
import { doorsOf, liveAMonth, standingDoorMs, WIDTHS } from '../../docs/play/month/live-a-month.js';
import { DOORS, FROM, TO, workOfTheMonth } from '../../docs/play/month/work.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('workOfTheMonth()', () => {
  it('is the same each time, in order, inside the month, and gives no person two pieces of work at a time', () => {
    const work = workOfTheMonth();
    expect(workOfTheMonth()).toEqual(work);
    expect(work.length).toBeGreaterThan(100);
    const freeAt = new Map<string, number>();
    for (const { person, door, from, until } of work) {
      expect(DOORS).toContain(door);
      expect(from).toBeGreaterThanOrEqual(Math.max(FROM, freeAt.get(person) ?? 0));
      expect(until).toBeGreaterThan(from);
      expect(until).toBeLessThanOrEqual(TO);
      freeAt.set(person, until);
    }
  });
});

describe('liveAMonth()', () => {
  it('counts a request for each window that a piece of work needs, where no two pieces share one', async () => {
    // Each piece takes longer than five minutes, so with windows of one minute each minute of work needs its own.
    const { requests, cutOff, heldDoorMs, workedMs } = await liveAMonth(5 * MINUTE, 'part');
    const work = workOfTheMonth();
    const windows = work.map(({ from, until }) => Math.ceil((until - from) / (5 * MINUTE)));
    const needed = windows.reduce((sum, count) => sum + count, 0);
    expect(requests).toBe(needed);
    expect(cutOff).toBe(needed - work.length);
    expect(heldDoorMs).toBe(needed * 5 * MINUTE);
    expect(workedMs).toBe(work.reduce((sum, { from, until }) => sum + until - from, 0));
  });

  it('makes fewer requests and holds more access with longer windows, and never more than standing access', async () => {
    for (const width of WIDTHS) {
      const months = [];
      for (const ttl of [15 * MINUTE, HOUR, 4 * HOUR, 8 * HOUR]) months.push(await liveAMonth(ttl, width));
      const requests = months.map((month) => month.requests);
      const held = months.map((month) => month.heldDoorMs);
      expect(requests).toEqual([...requests].sort((a, b) => b - a));
      expect(held).toEqual([...held].sort((a, b) => a - b));
      expect(held[0]).toBeGreaterThanOrEqual(months[0]!.workedMs);
      expect(held.at(-1)).toBeLessThan(standingDoorMs);
    }
  });

  it('makes fewer requests and holds more access with wider scopes', async () => {
    const months = [];
    for (const width of WIDTHS) months.push(await liveAMonth(2 * HOUR, width));
    const [part, system, everything] = months;
    expect(part!.requests).toBeGreaterThan(system!.requests);
    expect(system!.requests).toBeGreaterThanOrEqual(everything!.requests);
    expect(part!.heldDoorMs).toBeLessThan(system!.heldDoorMs);
    expect(system!.heldDoorMs).toBeLessThan(everything!.heldDoorMs);
  });

  it('measures width by the matcher of checks', () => {
    expect(['shop:orders:write', 'shop:*:write', '*:*:write'].map(doorsOf)).toEqual([1, 4, 12]);
  });
});
