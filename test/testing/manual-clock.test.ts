import { InvalidArgumentError } from '../../src/core/errors.js';
import { ManualClock, START_AT } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { sleepUntil } from '../../src/core/timers.js';
import { yieldToOthers } from '../../src/core/turns.js';

const never = new AbortController().signal;

/** Sleeps repeatedly, and records when it woke. */
async function ticking(clock: ManualClock, everyMs: number, woke: number[], signal: AbortSignal, work = async () => {}): Promise<void> {
  for (;;) {
    await clock.sleep(clock.now() + everyMs, signal);
    if (signal.aborted) return;
    woke.push(clock.now() - START_AT);
    await work();
  }
}

describe('ManualClock', () => {
  it('[FE6] wakes a poll once for each move, at its end, in order with the other sleepers', async () => {
    const clock = new ManualClock(0);
    const { signal } = new AbortController();
    const woken: string[] = [];
    const loop = async (name: string, every: number, isPoll: boolean) => {
      for (;;) {
        await clock.sleep(clock.now() + every, signal, isPoll);
        woken.push(`${name} ${clock.now()}`);
      }
    };
    void loop('poll', 10, true);
    void loop('sweep', 400, false);
    await clock.advance(1_000);
    expect(woken).toEqual(['sweep 400', 'sweep 800', 'poll 1000']);
    await clock.advance(9);
    expect(woken).toHaveLength(3);
    await clock.advance(1);
    expect(woken.at(-1)).toBe('poll 1010');
  });

  it('stays at its first reading', async () => {
    const clock = new ManualClock();
    await yieldToOthers();
    expect(clock.now()).toBe(START_AT);
    expect(new ManualClock(0).now()).toBe(0);
  });

  it.each([NaN, -1, 1.5, Infinity, 8.64e15 + 1, '1', null, new Date(NaN)])('refuses to start at %s', (startMs) => {
    expect(() => new ManualClock(startMs as number)).toThrow(InvalidArgumentError);
  });

  describe('advance()', () => {
    it('moves forward by milliseconds or by a duration string', async () => {
      const clock = new ManualClock();
      await clock.advance(1);
      await clock.advance('1h30m');
      expect(clock.now()).toBe(START_AT + 1 + 90 * 60_000);
    });

    it('has moved when it returns if no sleeper wakes inside the span', () => {
      const clock = new ManualClock();
      void clock.advance(10);
      void clock.advance(10);
      expect(clock.now()).toBe(START_AT + 20);
    });

    it.each([0, -0, -1, 1.5, NaN, Infinity, '', '0m', '-1m', ' 1m', null, undefined, [60], 10n])(
      'refuses %s and does not move',
      async (by) => {
        const clock = new ManualClock();
        await expect(clock.advance(by as number)).rejects.toThrow(InvalidArgumentError);
        expect(clock.now()).toBe(START_AT);
      },
    );

    it('refuses to leave the range of valid instants', async () => {
      const clock = new ManualClock(8.64e15 - 5);
      await expect(clock.advance(6)).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'by' });
      await clock.advance(5);
      expect(clock.now()).toBe(8.64e15);
    });

    it('wakes sleepers in the order of their instants, each at its own, and equal ones in the order in which they fell asleep', async () => {
      const clock = new ManualClock();
      const woke: string[] = [];
      for (const [name, ms] of Object.entries({ c: 30, a: 10, b1: 20, b2: 20, d: 41 })) {
        void clock.sleep(START_AT + ms, never).then(() => woke.push(`${name}@${clock.now() - START_AT}`));
      }
      await clock.advance(40);
      expect(woke).toEqual(['a@10', 'b1@20', 'b2@20', 'c@30']);
      expect(clock.sleepers).toBe(1);
      await clock.advance(1);
      expect(woke.at(-1)).toBe('d@41');
      expect(clock.sleepers).toBe(0);
    });

    it('wakes a loop at each of its sleeps inside the span', async () => {
      const clock = new ManualClock();
      const stop = new AbortController();
      const [fast, slow]: [number[], number[]] = [[], []];
      const loops = [ticking(clock, 10, fast, stop.signal), ticking(clock, 25, slow, stop.signal)];
      await clock.advance(55);
      expect(fast).toEqual([10, 20, 30, 40, 50]);
      expect(slow).toEqual([25, 50]);
      expect(clock.now()).toBe(START_AT + 55);
      stop.abort();
      await Promise.all(loops);
      expect(clock.sleepers).toBe(0);
    });

    it('waits for a woken loop that needs a few turns of the event loop before its next sleep', async () => {
      const clock = new ManualClock();
      const stop = new AbortController();
      const woke: number[] = [];
      const loop = ticking(clock, 10, woke, stop.signal, async () => {
        for (let turn = 0; turn < 4; turn++) await yieldToOthers();
      });
      await clock.advance(30);
      expect(woke).toEqual([10, 20, 30]);
      stop.abort();
      await loop;
    });

    it('does not wait for work that a sleeper does after it woke', async () => {
      const clock = new ManualClock();
      let woke = false;
      void clock.sleep(START_AT + 10, never).then(() => {
        woke = true;
        return new Promise(() => undefined);
      });
      await clock.advance(20);
      expect(woke).toBe(true);
      expect(clock.now()).toBe(START_AT + 20);
    });

    it('starts a second move where the first has ended', async () => {
      const clock = new ManualClock();
      const stop = new AbortController();
      const woke: number[] = [];
      const loop = ticking(clock, 10, woke, stop.signal);
      await Promise.all([clock.advance(20), clock.advance(20), clock.set(START_AT + 55)]);
      expect(woke).toEqual([10, 20, 30, 40, 50]);
      expect(clock.now()).toBe(START_AT + 55);
      stop.abort();
      await loop;
    });

    it('can be called by a sleeper that it woke', async () => {
      const clock = new ManualClock();
      const moved = clock.sleep(START_AT + 10, never).then(() => clock.advance(100));
      await clock.advance(20);
      await moved;
      expect(clock.now()).toBe(START_AT + 120);
    });
  });

  describe('set()', () => {
    it('moves forward as advance() does', async () => {
      const clock = new ManualClock();
      const woke: number[] = [];
      void clock.sleep(START_AT + 10, never).then(() => woke.push(clock.now()));
      await clock.set(START_AT + 10);
      expect(woke).toEqual([START_AT + 10]);
    });

    it('may step back; sleepers keep sleeping', async () => {
      const clock = new ManualClock();
      let woke = false;
      void clock.sleep(START_AT + 10, never).then(() => (woke = true));
      await clock.set(0);
      expect(clock.now()).toBe(0);
      await clock.set(START_AT + 9);
      expect(woke).toBe(false);
      await clock.set(START_AT + 10);
      expect(woke).toBe(true);
    });

    it.each([NaN, -1, 0.5, '0', null, undefined])('refuses %s and does not move', async (instant) => {
      const clock = new ManualClock();
      await expect(clock.set(instant as number)).rejects.toThrow(InvalidArgumentError);
      expect(clock.now()).toBe(START_AT);
    });
  });

  describe('sleep()', () => {
    it.each([-1, 0])('resolves at once for an instant %i ms from now', async (ms) => {
      const clock = new ManualClock();
      await clock.sleep(START_AT + ms, never);
      expect(clock.sleepers).toBe(0);
    });

    it('resolves without an error when it is aborted, and is removed', async () => {
      const clock = new ManualClock();
      const stop = new AbortController();
      const slept = clock.sleep(START_AT + 10, stop.signal);
      expect(clock.sleepers).toBe(1);
      stop.abort(new Error('not to be seen'));
      expect(clock.sleepers).toBe(0);
      await expect(slept).resolves.toBeUndefined();
      await expect(clock.sleep(START_AT + 10, stop.signal)).resolves.toBeUndefined();
    });

    it('removes its listener from the signal', async () => {
      const clock = new ManualClock();
      let listeners = 0;
      const { signal } = new AbortController();
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners += 1;
        add(...args);
      };
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        listeners -= 1;
        remove(...args);
      };
      const slept = clock.sleep(START_AT + 10, signal);
      expect(listeners).toBe(1);
      await clock.advance(10);
      await slept;
      expect(listeners).toBe(0);
    });

    it('is not woken when another sleeper of the same instant aborts it', async () => {
      const clock = new ManualClock();
      const stop = new AbortController();
      const woke: string[] = [];
      void clock.sleep(START_AT + 10, never).then(() => {
        woke.push('first');
        stop.abort();
      });
      void clock.sleep(START_AT + 10, stop.signal).then(() => woke.push(stop.signal.aborted ? 'aborted' : 'second'));
      await clock.advance(10);
      expect(woke).toEqual(['first', 'aborted']);
    });

    it.each([NaN, -1, 1.5, Infinity, null])('rejects %s', async (until) => {
      const clock = new ManualClock();
      await expect(clock.sleep(until as number, never)).rejects.toThrow(InvalidArgumentError);
      expect(clock.sleepers).toBe(0);
    });

    it('is used by sleepUntil() of this package', async () => {
      const clock = new ManualClock();
      let woke = false;
      void sleepUntil(clock, START_AT + 60_000, never).then(() => (woke = true));
      await clock.advance('59s');
      expect(woke).toBe(false);
      await clock.advance('1s');
      expect(woke).toBe(true);
    });
  });

  describe('elapsed()', () => {
    it('counts the time that advance() and set() to a later instant pass', async () => {
      const clock = new ManualClock();
      expect(clock.elapsed()).toBe(0);
      await clock.advance(10);
      await clock.set(START_AT + 25);
      expect(clock.elapsed()).toBe(25);
    });

    it('moves with the clock while the clock wakes sleepers', async () => {
      const clock = new ManualClock();
      const woke: number[] = [];
      void clock.sleep(START_AT + 5, never).then(() => woke.push(clock.elapsed()));
      await clock.advance(10);
      expect([woke, clock.elapsed()]).toEqual([[5], 10]);
    });

    it('never goes back with the clock, and continues from its last value', async () => {
      const clock = new ManualClock();
      await clock.advance(10);
      await clock.set(START_AT - 1_000);
      expect(clock.elapsed()).toBe(10);
      await clock.set(START_AT);
      expect(clock.elapsed()).toBe(1_010);
    });
  });

  describe('step()', () => {
    it.each([-1_000, 1_000])('sets the clock by %i ms without passing time', async (by) => {
      const clock = new ManualClock();
      await clock.advance(10);
      await clock.step(by);
      expect([clock.now(), clock.elapsed()]).toEqual([START_AT + 10 + by, 10]);
      await clock.advance(5);
      expect([clock.now(), clock.elapsed()]).toEqual([START_AT + 15 + by, 15]);
    });

    it.each([-1_000, 1_000])('does not change how long a sleeper sleeps, set by %i ms', async (by) => {
      const clock = new ManualClock();
      let woke: number | undefined;
      void clock.sleep(START_AT + 100, never).then(() => (woke = clock.elapsed()));
      await clock.step(by);
      await clock.advance(99);
      expect(woke).toBeUndefined();
      await clock.advance(1);
      expect(woke).toBe(100);
    });

    it.each([NaN, 0.5, -START_AT - 1, Infinity])('refuses %s and does not move', async (by) => {
      const clock = new ManualClock();
      await expect(clock.step(by)).rejects.toThrow(InvalidArgumentError);
      expect([clock.now(), clock.elapsed()]).toEqual([START_AT, 0]);
    });
  });
});
