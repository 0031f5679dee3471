import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Stopwatch } from '../../src/kernel/stopwatch.js';
import { InterruptibleSleep } from '../../src/kernel/interruptible-sleep.js';
import { START_AT } from '../../src/testing.js';
import { EngineClock } from '../../src/core/time.js';
import { SteppingClock } from '../features/work/at-work.js';

function counting() {
  const clock = new SteppingClock();
  const keeper = new EngineClock(clock);
  const elapsed = new Stopwatch(keeper);
  elapsed.restart(clock.now(), keeper.read());
  /** How much has passed, by what is known now. */
  const passed = () => elapsed.read().now - elapsed.at(0);
  return { clock, keeper, elapsed, passed };
}

describe('Elapsed', () => {
  it('is what the clock says while it goes forward, a step ahead included', async () => {
    const { clock, elapsed, passed } = counting();
    await clock.pass(300);
    expect(passed()).toBe(300);
    clock.step(5_000);
    expect([passed(), elapsed.setBackMs, elapsed.at(6_000)]).toEqual([5_300, 0, START_AT + 6_000]);
  });

  it('counts on over a step back that it sees', async () => {
    const { clock, elapsed, passed } = counting();
    await clock.pass(300);
    expect(passed()).toBe(300);
    clock.step(-10_000);
    expect([passed(), elapsed.setBackMs, elapsed.at(0)]).toEqual([300, 10_000, START_AT - 10_000]);
    await clock.pass(50);
    expect(passed()).toBe(350);
  });

  it('counts on over a step back that somebody else saw the clock before', async () => {
    const { clock, keeper, passed } = counting();
    for (const ms of [300, 600, 900]) {
      await clock.pass(300);
      keeper.read();
      clock.step(-200);
      expect(passed()).toBe(ms);
      expect(passed()).toBe(ms);
    }
    // Below what it said once, and so as far as it is seen here.
    clock.step(-10_000);
    await clock.pass(50);
    keeper.read();
    expect(passed()).toBe(900);
  });

  it('counts what was slept, whatever the clock says, and what was not slept by the clock', async () => {
    const { clock, elapsed, passed } = counting();
    const nap = new InterruptibleSleep(clock);
    const slept = elapsed.sleep(nap, START_AT + 1_000);
    await clock.pass(500);
    clock.step(-20_000);
    await clock.pass(500);
    expect((await slept).now).toBe(START_AT - 19_000);
    expect([passed(), elapsed.setBackMs]).toEqual([1_000, 20_000]);

    const woken = elapsed.sleep(nap, START_AT);
    await clock.pass(500);
    nap.wake();
    await woken;
    expect(passed()).toBe(1_500);
  });

  it('counts a step once that two who sleep find', async () => {
    const { clock, elapsed, passed } = counting();
    const sleepers = [
      elapsed.sleep(new InterruptibleSleep(clock), START_AT + 1_000),
      elapsed.sleep(new InterruptibleSleep(clock), START_AT + 3_000),
    ];
    await clock.pass(100);
    clock.step(-400);
    await clock.pass(2_900);
    await Promise.all(sleepers);
    expect([passed(), elapsed.setBackMs]).toEqual([3_000, 400]);
  });

  it('begins with the answer where the clock was set back before it came', () => {
    const { elapsed } = counting();
    const at = (ms: number) => ({ now: START_AT + ms, highWater: START_AT, forEnds: START_AT, steppedBack: false });
    elapsed.restart(START_AT, at(-5_000));
    expect([elapsed.at(0), elapsed.setBackMs]).toEqual([START_AT - 5_000, 5_000]);
    elapsed.restart(START_AT - 5_000, at(0));
    expect([elapsed.at(0), elapsed.setBackMs]).toEqual([START_AT - 5_000, 0]);
  });

  it('is never less than what was slept on end, however often the clock is set back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: -5_000, max: 0 })), { maxLength: 8 }),
        async (naps) => {
          const { clock, elapsed, passed } = counting();
          const nap = new InterruptibleSleep(clock);
          let total = 0;
          for (const [ms, step] of naps) {
            const slept = elapsed.sleep(nap, clock.now() + ms);
            clock.step(step);
            await clock.pass(ms);
            await slept;
            total += ms;
          }
          expect(passed()).toBe(total);
        },
      ),
      { numRuns: 50 },
    );
  });
});
