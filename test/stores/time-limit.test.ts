import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeLimit } from '../../src/stores/time-limit.js';

describe('TimeLimit', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([0, 1, 99, 100, 250])('ends a call between its limit and a quarter more, when it begins %i ms after another', async (ms) => {
    const limit = new TimeLimit(400);
    limit.begin(() => undefined);
    await vi.advanceTimersByTimeAsync(ms);
    let isOver = false;
    limit.begin(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(399);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(101);
    expect(isOver).toBe(true);
  });

  it('does not end a completed call, and has no timer while no call is in flight', async () => {
    const limit = new TimeLimit(400);
    const end = limit.begin(() => expect.unreachable('it has ended'));
    expect(vi.getTimerCount()).toBe(1);
    limit.begin(() => undefined)();
    expect(vi.getTimerCount()).toBe(1);
    end();
    await vi.advanceTimersByTimeAsync(100);
    expect(vi.getTimerCount()).toBe(0);
    let isOver = false;
    limit.begin(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(500);
    expect(isOver).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('L42 [ST2] keeps the process alive while a call is in flight, and not longer', () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const limit = new TimeLimit(400);
    const ends = [limit.begin(() => undefined), limit.begin(() => undefined)];
    const timer = timers.mock.results[0]?.value as NodeJS.Timeout;
    expect(timer.hasRef()).toBe(true);
    ends[0]?.();
    ends[0]?.();
    expect(timer.hasRef()).toBe(true);
    ends[1]?.();
    expect(timer.hasRef()).toBe(false);
    limit.begin(() => undefined);
    expect(timer.hasRef()).toBe(true);
    timers.mockRestore();
  });

  it('ends no call because the clock was set', async () => {
    const limit = new TimeLimit(400);
    let isOver = false;
    limit.begin(() => (isOver = true));
    for (const jump of [3_600_000, -7_200_000]) {
      await vi.advanceTimersByTimeAsync(150);
      vi.setSystemTime(Date.now() + jump);
    }
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(isOver).toBe(true);
  });
});
