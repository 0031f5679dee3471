import { describe, expect, it, vi } from 'vitest';
import { Stopwatch } from '../../src/core/stopwatch.js';
import { ManualClock } from '../../src/testing.js';

describe('Stopwatch', () => {
  it('counts the time that passes, and starts at 0 again when it is restarted', async () => {
    const clock = new ManualClock();
    const watch = new Stopwatch(clock);
    await clock.advance(10);
    expect(watch.ms).toBe(10);
    watch.restart();
    expect(watch.ms).toBe(0);
    await clock.advance(5);
    expect(watch.ms).toBe(5);
  });

  it.each([-3_600_000, 3_600_000])('does not move when its clock is set by %i ms', async (by) => {
    const clock = new ManualClock();
    const watch = new Stopwatch(clock);
    await clock.advance(10);
    await clock.step(by);
    expect(watch.ms).toBe(10);
    await clock.advance(10);
    expect(watch.ms).toBe(20);
  });

  it('reads performance.now() where the clock has no `elapsed`', () => {
    let now = 1_000.25;
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now);
    try {
      const watch = new Stopwatch({ now: () => 0 });
      now += 7.5;
      expect(watch.ms).toBe(7.5);
    } finally {
      spy.mockRestore();
    }
  });

  it('keeps its count when the clock fails or runs back, and continues from there', () => {
    const readings: (() => unknown)[] = [
      () => 100,
      () => 110,
      () => {
        throw new Error('no reading');
      },
      () => NaN,
      () => 'late',
      () => 50,
      () => 55,
    ];
    const watch = new Stopwatch({ now: () => 0, elapsed: () => readings.shift()?.() as number });
    expect([watch.ms, watch.ms, watch.ms, watch.ms, watch.ms, watch.ms]).toEqual([10, 10, 10, 10, 10, 15]);
  });

  it('counts from the first good reading, if the first readings fail', () => {
    const readings = [NaN, 100, 103];
    const watch = new Stopwatch({ now: () => 0, elapsed: () => readings.shift() as number });
    expect([watch.ms, watch.ms]).toEqual([0, 3]);
  });
});
