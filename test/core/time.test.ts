import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isJitError, type ClockError } from '../../src/core/errors.js';
import type { Clock } from '../../src/core/ports.js';
import { refuseIfSteppedBack, systemClock, EngineClock } from '../../src/core/clock.js';
import { isThenable } from '../../src/core/thenable.js';
import { nap, sleepUntil, whyNoLastingTimers, within } from '../../src/core/timers.js';
import { nextTurn, TurnBudget, yieldToOthers } from '../../src/core/turns.js';
import { epochOf, inWindow, isInstant, readInstant } from '../../src/core/instant.js';
import { formatDuration, isDuration, parseDuration, readDuration, readWarnBefore } from '../../src/core/duration.js';

const LAST = 8.64e15;
const LONGEST = 1e12;
const T0 = Date.UTC(2026, 2, 14, 2, 16, 7);

/** Values that must never count as an instant or a duration, from hostile-inputs. */
const neither: readonly [string, unknown][] = [
  ['-1', -1],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['1.5', 1.5],
  ['1e-7', 1e-7],
  ['2**53', 2 ** 53],
  ['past the last date', LAST + 1],
  ['10n', 10n],
  ['null', null],
  ['undefined', undefined],
  ['[60]', [60]],
  ['an empty list', []],
  ['a Number object', new Number(60)],
  ['an object whose value changes', { valueOf: () => Math.random() }],
  ['a Date', new Date(60)],
  ['true', true],
  ['a symbol', Symbol('60')],
  ['a function', () => 60],
];

const raise = (error: Error): never => {
  throw error;
};

const refused = (argument: string) => expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error;

afterEach(() => {
  // In this order: the spies were set on the fake timers, and restore those.
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('isInstant() and readInstant()', () => {
  it.each([0, 1, T0, 2 ** 31, LAST])('L3 accepts %s', (at) => {
    expect(isInstant(at)).toBe(true);
    expect(readInstant('at', at)).toBe(at);
  });

  it.each([...neither, ['a string', '0'], ['an ISO date', '2026-03-14'], ['an empty string', '']])('L3 refuses %s', (_, at) => {
    expect(isInstant(at)).toBe(false);
    if (!(at instanceof Date)) expect(() => readInstant('startsAt', at)).toThrow(refused('startsAt'));
  });

  it('reads a Date, also one of another realm', () => {
    expect(readInstant('startsAt', new Date(T0))).toBe(T0);
    expect(readInstant('startsAt', runInNewContext(`new Date(${T0})`))).toBe(T0);
  });

  it.each([
    ['an invalid Date', new Date(NaN)],
    ['a Date before 1970', new Date(-1)],
    ['an object made of the prototype of Date', Object.create(Date.prototype)],
    ['an object with getTime', { getTime: () => T0 }],
  ])('L3 refuses %s, naming the argument', (_, at) => {
    expect(() => readInstant('startsAt', at)).toThrow(refused('startsAt'));
  });
});

describe('epochOf()', () => {
  it.each([null, undefined, 'soon', T0, {}, [T0]])('returns a value that is not a Date unchanged: %j', (value) => {
    expect(epochOf(value)).toBe(value);
  });
});

describe('inWindow()', () => {
  it.each([
    [T0 - 1, false],
    [T0, true],
    [T0 + 999, true],
    [T0 + 1_000, false],
    [T0 + 1_001, false],
  ])('L1 L2 is half-open: %s inside %s', (at, inside) => {
    expect(inWindow(at, T0, T0 + 1_000)).toBe(inside);
  });

  it('contains nothing when it is empty or reversed', () => {
    expect(inWindow(T0, T0, T0)).toBe(false);
    expect(inWindow(T0, T0 + 1, T0 - 1)).toBe(false);
  });

  it.each([...neither, ['a string', '9'], ['an empty string', '']])('L30 contains nothing if a bound or the instant is %s', (_, bad) => {
    const hostile = bad as number;
    expect(inWindow(T0, hostile, T0 + 1)).toBe(false);
    expect(inWindow(T0, T0, hostile)).toBe(false);
    expect(inWindow(T0, hostile, hostile)).toBe(false);
  });

  it.each([
    ['NaN', NaN],
    ['undefined', undefined],
    ['an object', {}],
    ['text', 'soon'],
  ])('L30 contains no instant that is %s', (_, at) => {
    expect(inWindow(at as number, 0, LAST)).toBe(false);
  });
});

describe('readDuration()', () => {
  it.each<[number | string, number]>([
    [1, 1],
    [900_000, 900_000],
    [2 ** 31, 2 ** 31],
    [LONGEST, LONGEST],
    ['1ms', 1],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['8h', 28_800_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['1d5ms', 86_400_005],
    ['0h1m', 60_000],
    ['007m', 420_000],
    ['11574d1h46m40s', LONGEST],
  ])('reads %s as %s ms', (value, ms) => {
    expect(readDuration('ttl', value)).toBe(ms);
  });

  it.each([
    ...neither,
    ['0', 0],
    ['-0', -0],
    ['1e12 + 1', LONGEST + 1],
    ['the last date', LAST],
    ...[
      '',
      ' ',
      ' 60 ',
      '60',
      '3600',
      '0m',
      '0d0h0m0s0ms',
      '-30m',
      '+30m',
      '1.5h',
      '1,5h',
      '0x10',
      '1e3',
      '1e3ms',
      'P1M',
      'PT30M',
      '30 m',
      ' 30m',
      '30m ',
      '30m\n',
      '30M',
      '30min',
      '30minutes',
      '1w',
      '1y',
      'm',
      'ms',
      '30m1h',
      '1h1h',
      '1h30',
      '30m30m',
      'Infinity',
      'NaN',
      'forever',
      '٣m',
      '１m',
      '1000000000d',
      '100000000d',
      '11574d1h46m40s1ms',
      `${'9'.repeat(1_048_576)}m`,
      `${'1'.repeat(10)}ms`,
    ].map((text): [string, unknown] => [JSON.stringify(text.slice(0, 20)), text]),
    ['a String object', new String('30m')],
    ['a list', ['30m']],
    ['an object that converts to a duration', { toString: () => '30m' }],
  ])('L3 refuses %s: never zero, never a fraction, never forever', (_, value) => {
    expect(() => readDuration('ttl', value)).toThrow(refused('ttl'));
  });

  it('names the argument, the rule and the shortened value', () => {
    expect(() => readDuration('limits.maxTtl', '0m')).toThrow(
      `limits.maxTtl must be a whole number of milliseconds from 1 to 1e12, or a string like '30m' or '1h30m'; got "0m"`,
    );
    expect(() => readDuration('ttl', 'x'.repeat(1_048_576))).toThrow(/got "x{60}"\.\.\. \(1048576\)$/);
  });

  it('reads every accepted text as the sum of its parts', () => {
    const upTo = (max: number) => fc.option(fc.nat({ max }), { nil: undefined });
    fc.assert(
      fc.property(upTo(9_999), upTo(9_999), upTo(99_999), upTo(99_999), upTo(999_999_999), (d, h, m, s, ms) => {
        const text = [d, h, m, s, ms].map((count, i) => (count === undefined ? '' : `${count}${['d', 'h', 'm', 's', 'ms'][i]}`)).join('');
        const sum = ((((d ?? 0) * 24 + (h ?? 0)) * 60 + (m ?? 0)) * 60 + (s ?? 0)) * 1_000 + (ms ?? 0);
        if (sum > 0) expect(readDuration('ttl', text)).toBe(sum);
        else expect(() => readDuration('ttl', text)).toThrow(refused('ttl'));
      }),
    );
  });
});

describe('parseDuration()', () => {
  it.each([
    ['30m', 30 * 60_000],
    ['1h30m', 90 * 60_000],
    ['7d', 7 * 86_400_000],
    ['250ms', 250],
  ])('L3 returns the milliseconds of %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['undefined, as from a variable that is not set', undefined],
    ['an empty text', ''],
    ['a text without a unit', '60'],
    ['a text with a space', '30m '],
    ['a unit that does not exist', '2w'],
    ['zero', '0m'],
    ['a number', 60],
    ['an object that converts to a duration', { toString: () => '30m' }],
  ])('L3 refuses %s, and names the argument that its caller gives', (_, text) => {
    expect(() => parseDuration(text as string, 'MAX_TTL')).toThrow(refused('MAX_TTL'));
    expect(() => parseDuration(text as string)).toThrow(refused('text'));
  });
});

describe('readWarnBefore()', () => {
  const TEN = Array.from({ length: 10 }, (_, i) => 60_001 + i);

  it('L3 reads one duration, or 1 to 10 different durations, the longest first', () => {
    expect(readWarnBefore('warnBefore', '5m')).toEqual([300_000]);
    expect(readWarnBefore('warnBefore', ['1m', '10m', '5ms'])).toEqual([600_000, 60_000, 5]);
    expect(readWarnBefore('warnBefore', TEN)).toEqual([...TEN].reverse());
  });

  it.each<[string, unknown, string]>([
    ...[0, -1, 'soon', NaN, null, Infinity].map((value): [string, unknown, string] => [String(value), value, 'warnBefore']),
    ['an object', {}, 'warnBefore'],
    ['a list with 0', ['5m', 0], 'warnBefore[1]'],
    ['a list with a text that is no duration', ['5m', 'soon'], 'warnBefore[1]'],
    ['a list in a list', [['5m']], 'warnBefore[0]'],
    ['an empty list', [], 'warnBefore'],
    ['eleven durations', [...TEN, 60_011], 'warnBefore'],
    ['one duration in two forms', ['60m', '1h'], 'warnBefore'],
    ['one duration as a number and as a text', [60_000, '1m'], 'warnBefore'],
  ])('L3 refuses %s', (_, value, argument) => {
    expect(() => readWarnBefore('warnBefore', value)).toThrow(refused(argument));
  });
});

describe('isDuration()', () => {
  it.each([1, 900_000, LONGEST])('L3 accepts %s', (ms) => {
    expect(isDuration(ms)).toBe(true);
  });

  it.each([...neither, ['0', 0], ['-0', -0], ['1e12 + 1', LONGEST + 1], ['a string', '30m']])('L3 refuses %s', (_, ms) => {
    expect(isDuration(ms)).toBe(false);
  });
});

describe('systemClock', () => {
  it('measures durations on a clock that never goes back', () => {
    const first = systemClock.elapsed?.() as number;
    expect(first).toBeGreaterThanOrEqual(0);
    expect(systemClock.elapsed?.()).toBeGreaterThanOrEqual(first);
  });

  it('reads the clock of the machine in whole milliseconds, and sleeps with real timers', () => {
    vi.useFakeTimers({ now: T0 });
    expect(systemClock.now()).toBe(T0);
    expect(isInstant(systemClock.now())).toBe(true);
    expect(systemClock.sleep).toBeUndefined();
    expect(Object.isFrozen(systemClock)).toBe(true);
  });
});

describe('EngineClock', () => {
  const script = (readings: readonly unknown[], leewayMs = 0) => {
    let i = 0;
    return new EngineClock({ now: () => readings[i++] as number }, leewayMs);
  };

  it('L5 judges starts at its reading, and ends at the highest reading', () => {
    const keeper = script([T0, T0 + 5_000, T0 + 4_500, T0 + 5_001]);
    expect(keeper.highWater).toBe(0);
    expect(keeper.read()).toEqual({ now: T0, highWater: T0, forEnds: T0, steppedBack: false });
    expect(keeper.read()).toEqual({ now: T0 + 5_000, highWater: T0 + 5_000, forEnds: T0 + 5_000, steppedBack: false });
    expect(keeper.read()).toEqual({ now: T0 + 4_500, highWater: T0 + 5_000, forEnds: T0 + 5_000, steppedBack: false });
    expect(keeper.highWater).toBe(T0 + 5_000);
    expect(keeper.read()).toEqual({ now: T0 + 5_001, highWater: T0 + 5_001, forEnds: T0 + 5_001, steppedBack: false });
  });

  it.each([
    [0, false],
    [999, false],
    [1_000, false],
    [1_001, true],
    [86_400_000, true],
  ])('L5 a clock that is %s ms below an earlier reading has stepped back: %s', (back, steppedBack) => {
    const keeper = script([T0, T0 - back, T0]);
    keeper.read();
    expect(keeper.read()).toEqual({ now: T0 - back, highWater: T0, forEnds: T0, steppedBack });
    expect(keeper.read().steppedBack, 'until it has caught up').toBe(false);
  });

  describe('with a high-water mark that all clocks over one source share', () => {
    const aSource = () => {
      const source = { at: T0, now: () => source.at };
      return source;
    };
    const shared = (source: Clock, onStepBack = () => undefined as void) => new EngineClock(source, 0, onStepBack, true);

    it('L1 L5 knows the readings of all of them, also those before it was created', () => {
      const source = aSource();
      new EngineClock(source).read();
      source.at = T0 - 5_000;
      expect(shared(source).highWater).toBe(T0);
      expect(shared(source).read()).toEqual({ now: T0 - 5_000, highWater: T0, forEnds: T0, steppedBack: true });
      expect(shared(aSource()).highWater).toBe(0);
    });

    it('L5 reports a step back that its first reading shows', () => {
      const source = aSource();
      shared(source).read();
      source.at = T0 - 5_000;
      const told = vi.fn();
      const checker = shared(source, told);
      checker.read();
      checker.read();
      expect(told).toHaveBeenCalledTimes(1);
    });

    it('L5 is not lowered by a clock with its own mark, which knows no step back before its first reading', () => {
      const source = aSource();
      shared(source).read();
      source.at = T0 - 5_000;
      const own = new EngineClock(source);
      expect(own.read()).toEqual({ now: T0 - 5_000, highWater: T0 - 5_000, forEnds: T0 - 5_000, steppedBack: false });
      expect(shared(source).highWater).toBe(T0);
    });
  });

  it('L6 tolerance ends things early and starts nothing early', () => {
    expect(script([T0], 250).read()).toEqual({ now: T0, highWater: T0, forEnds: T0 + 250, steppedBack: false });
    const keeper = script([T0, T0 - 100], 250);
    keeper.read();
    expect(keeper.read()).toEqual({ now: T0 - 100, highWater: T0, forEnds: T0 + 250, steppedBack: false });
  });

  it('L5 knows no step back before the first reading', () => {
    expect(script([0]).read()).toEqual({ now: 0, highWater: 0, forEnds: 0, steppedBack: false });
  });

  it('L3 refuses a clock so far ahead that an instant plus two durations would not be an instant', () => {
    const keeper = script([LAST - 2 * LONGEST, LAST - 2 * LONGEST + 1]);
    expect(isInstant(keeper.read().now + 2 * LONGEST)).toBe(true);
    expect(() => keeper.read()).toThrow(expect.objectContaining({ code: 'ERR_JIT_CLOCK' }));
  });

  it.each([...neither, ['a string', String(T0)]])('L30 refuses a clock that returns %s, and ignores that reading', (_, reading) => {
    const keeper = script([T0, reading, T0 + 1]);
    keeper.read();
    expect(() => keeper.read()).toThrow(expect.objectContaining({ code: 'ERR_JIT_CLOCK' }));
    expect(keeper.highWater).toBe(T0);
    expect(keeper.read().now).toBe(T0 + 1);
  });

  it('L30 refuses a clock that throws, with its error as the cause', () => {
    const cause = new Error('no such device');
    const keeper = new EngineClock(
      {
        now: () => {
          throw cause;
        },
      },
      0,
    );
    try {
      keeper.read();
      expect.unreachable();
    } catch (error) {
      expect(isJitError(error) && error.code).toBe('ERR_JIT_CLOCK');
      expect((error as ClockError).cause).toBe(cause);
    }
  });

  it('L5 reports a step back once, until the clock has caught up', () => {
    const told: unknown[] = [];
    const readings = [T0, T0 - 5_000, T0 - 4_000, T0 - 500, T0 - 2_000, T0 + 1];
    let i = 0;
    const keeper = new EngineClock({ now: () => readings[i++]! }, 0, (error) => told.push(error));
    const counts = readings.map(() => {
      keeper.read();
      return told.length;
    });
    expect(counts).toEqual([0, 1, 1, 1, 2, 2]);
    expect(told[0]).toMatchObject({ code: 'ERR_JIT_CLOCK' });
  });

  it('reads the clock once for each reading, as a method', () => {
    class Steps implements Clock {
      calls = 0;
      now() {
        return T0 + this.calls++;
      }
    }
    const clock = new Steps();
    const keeper = new EngineClock(clock, 0);
    keeper.read();
    keeper.read();
    expect(clock.calls).toBe(2);
    expect(keeper.source).toBe(clock);
  });

  it('L5 judges ends at an instant that never goes back, for any readings', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1e12 }), { minLength: 1 }), fc.nat({ max: 10_000 }), (readings, leewayMs) => {
        const keeper = script(readings, leewayMs);
        let before = 0;
        for (const reading of readings) {
          const { now, forEnds } = keeper.read();
          expect(now).toBe(reading);
          expect(forEnds).toBeGreaterThanOrEqual(Math.max(before, now + leewayMs));
          before = forEnds;
        }
      }),
    );
  });
});

describe('refuseIfSteppedBack()', () => {
  it('L5 refuses while the clock has stepped back', () => {
    expect(() => refuseIfSteppedBack({ now: T0, highWater: T0, forEnds: T0, steppedBack: false })).not.toThrow();
    expect(() => refuseIfSteppedBack({ now: T0, highWater: T0 + 5_000, forEnds: T0 + 5_000, steppedBack: true })).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_CLOCK' }),
    );
  });
});

describe('sleepUntil()', () => {
  const never = new AbortController().signal;
  /** Whether a promise has settled, after all due tasks have run. */
  const watch = (promise: Promise<unknown>) => {
    const state = { settled: false };
    promise.then(
      () => (state.settled = true),
      () => (state.settled = true),
    );
    return state;
  };

  describe('with real timers', () => {
    beforeEach(() => {
      vi.useFakeTimers({ now: T0 });
    });

    it('wakes at the instant, not before', async () => {
      const sleeping = watch(sleepUntil(systemClock, T0 + 1_000, never));
      await vi.advanceTimersByTimeAsync(999);
      expect(sleeping.settled).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(sleeping.settled).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    });

    it.each([0, -1, -86_400_000, NaN])('does not sleep when %s ms are left', async (left) => {
      await sleepUntil(systemClock, T0 + left, never);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('L7 sleeps longer than the maximum of a timer, in several timers', async () => {
      const timers = vi.spyOn(globalThis, 'setTimeout');
      const long = 2 ** 31 * 2 + 5_000;
      const sleeping = watch(sleepUntil(systemClock, T0 + long, never));
      await vi.advanceTimersByTimeAsync(10);
      expect(sleeping.settled, 'a timer of 2^31 ms would fire at once').toBe(false);
      await vi.advanceTimersByTimeAsync(long - 11);
      expect(sleeping.settled).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(sleeping.settled).toBe(true);
      expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 5_002]);
    });

    it('wakes early, without an error, when it is aborted, and leaves no timer and no listener', async () => {
      const stop = new AbortController();
      const remove = vi.spyOn(stop.signal, 'removeEventListener');
      const sleeping = sleepUntil(systemClock, T0 + 2 ** 33, stop.signal);
      await vi.advanceTimersByTimeAsync(2 ** 31 + 5);
      expect(vi.getTimerCount()).toBe(1);
      stop.abort();
      await sleeping;
      expect(vi.getTimerCount()).toBe(0);
      expect(remove).toHaveBeenCalledTimes(2);
    });

    it('does not sleep when it is aborted already', async () => {
      await sleepUntil(systemClock, T0 + 1_000, AbortSignal.abort());
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  it.each([
    [true, 1],
    [false, 0],
    [undefined, 0],
  ])('keeps the process alive unless it is in the background: %s', async (background, times) => {
    const unref = vi.fn();
    vi.stubGlobal('setTimeout', (wake: () => void) => {
      queueMicrotask(wake);
      return { unref };
    });
    vi.stubGlobal('clearTimeout', () => {});
    await sleepUntil({ now: () => T0 }, T0 + 1, never, background);
    expect(unref).toHaveBeenCalledTimes(times);
  });

  it('sleeps in the background also where timers are numbers', async () => {
    vi.stubGlobal('setTimeout', (wake: () => void) => {
      queueMicrotask(wake);
      return 7;
    });
    const clear = vi.fn();
    vi.stubGlobal('clearTimeout', clear);
    await sleepUntil({ now: () => T0 }, T0 + 1, never, true);
    expect(clear).toHaveBeenCalledWith(7);
  });

  it('uses the sleep of the clock if it has one', async () => {
    vi.useFakeTimers();
    const clock = { now: vi.fn(() => T0), sleep: vi.fn(() => Promise.resolve()) };
    await sleepUntil(clock, T0 + 5, never);
    expect(clock.sleep).toHaveBeenCalledWith(T0 + 5, never);
    expect(clock.now).not.toHaveBeenCalled();
    await sleepUntil(clock, T0 + 5, AbortSignal.abort());
    expect(clock.sleep).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects when the clock rejects', async () => {
    await expect(sleepUntil({ now: () => T0, sleep: () => Promise.reject(new Error('broken')) }, T0, never)).rejects.toThrow('broken');
  });
});

describe('yieldToOthers()', () => {
  it('lets a timer run that was already due', async () => {
    let ran = false;
    setTimeout(() => (ran = true), 0);
    await yieldToOthers();
    expect(ran).toBe(true);
  });
});

describe('within()', () => {
  const late = () => new Error('too late');
  const unhandled = vi.fn();

  it('creates no timeout error for work that was in time', async () => {
    const timeout = vi.fn(late);
    const clock: Clock = {
      now: () => T0,
      sleep: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    };
    expect(await within(clock, 1000, () => Promise.resolve('done'), timeout)).toBe('done');
    await new Promise((resolve) => setImmediate(resolve));
    expect(timeout).not.toHaveBeenCalled();
  });

  beforeEach(() => {
    unhandled.mockClear();
    process.on('unhandledRejection', unhandled);
    vi.useFakeTimers({ now: T0, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    // Node reports an unhandled rejection after the microtasks.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('resolves at once, without a timer or a clock reading, if the work is synchronous', async () => {
    const clock = { now: vi.fn(() => T0) };
    expect(await within(clock, 1_000, () => 5, late)).toBe(5);
    expect(await within(clock, 1_000, () => undefined, late)).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
    expect(clock.now).not.toHaveBeenCalled();
  });

  it('rejects with the error that the work throws', async () => {
    const work = () => {
      throw new Error('refused');
    };
    await expect(within(systemClock, 1_000, work, late)).rejects.toThrow('refused');
  });

  it('resolves with the result of a promise in time, and leaves no timer', async () => {
    const answer = within(systemClock, 1_000, () => new Promise((resolve) => setTimeout(resolve, 999, 'yes')), late);
    await vi.advanceTimersByTimeAsync(999);
    expect(await answer).toBe('yes');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects with the error of a promise that rejects in time', async () => {
    await expect(within(systemClock, 1_000, () => Promise.reject(new Error('refused')), late)).rejects.toThrow('refused');
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['object', { then: (resolve: (value: string) => void) => resolve('yes') }],
    ['function', Object.assign(() => {}, { then: (resolve: (value: string) => void) => resolve('yes') })],
  ])('treats any thenable as a promise: %s', async (_, thenable) => {
    expect(await within(systemClock, 1_000, () => thenable as unknown as PromiseLike<string>, late)).toBe('yes');
  });

  it.each([
    ['object', { then: () => {} }],
    ['function', Object.assign(() => {}, { then: () => {} })],
  ])('waits for a thenable that never settles no longer than for a promise: %s', async (_, thenable) => {
    const answer = expect(within(systemClock, 1_000, () => thenable as unknown as PromiseLike<string>, late)).rejects.toThrow('too late');
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
  });

  it('rejects with the timeout at the end of the time', async () => {
    let settled = false;
    const answer = within(systemClock, 1_000, () => new Promise(() => {}), late);
    answer.catch(() => (settled = true));
    await vi.advanceTimersByTimeAsync(999);
    expect(settled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await expect(answer).rejects.toThrow('too late');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('L7 waits longer than the longest timer of the runtimes', async () => {
    const ms = 2 * 2_147_483_647 + 5;
    const answer = within(systemClock, ms, () => new Promise(() => {}), late);
    let settled = false;
    answer.catch(() => (settled = true));
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect([settled, vi.getTimerCount()]).toEqual([false, 1]);
    await vi.advanceTimersByTimeAsync(1);
    await expect(answer).rejects.toThrow('too late');
  });

  it('L42 leaves no timer where the work settles in the turn in which a part of a long time ends', async () => {
    let finish: (value: string) => void = () => {};
    const timeout = vi.fn(late);
    const answer = within(systemClock, 2 * 2_147_483_647, () => new Promise<string>((resolve) => (finish = resolve)), timeout);
    const timers = vi.spyOn(globalThis, 'clearTimeout').mockImplementationOnce(() => undefined);
    finish('yes');
    await vi.advanceTimersByTimeAsync(2_147_483_647);
    expect(await answer).toBe('yes');
    timers.mockRestore();
    expect([vi.getTimerCount(), timeout.mock.calls]).toEqual([0, []]);
  });

  it('makes no signal for a clock without `sleep`: an abort costs more than the wait', async () => {
    const made = vi.spyOn(globalThis, 'AbortController');
    expect(await within(systemClock, 1_000, () => Promise.resolve('yes'), late)).toBe('yes');
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
  });

  it('handles a promise that rejects after the timeout, and reports nothing', async () => {
    let fail: (error: Error) => void = () => {};
    const work = () =>
      new Promise((_, reject) => {
        fail = reject;
      });
    const answer = expect(within(systemClock, 1_000, work, late)).rejects.toThrow('too late');
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    fail(new Error('much later'));
  });

  it('handles a promise that rejects if the clock fails first', async () => {
    const clock: Clock = {
      now: () => {
        throw new Error('no clock');
      },
    };
    await expect(within(clock, 1_000, () => Promise.reject(new Error('refused')), late)).rejects.toThrow();
    await expect(within(clock, 1_000, () => new Promise((_, reject) => setTimeout(reject, 5, new Error('late'))), late)).rejects.toThrow(
      'the clock failed',
    );
    await vi.advanceTimersByTimeAsync(5);
  });

  it.each<[string, Clock]>([
    ['reading throws', { now: () => raise(new Error('no clock')) }],
    ['reading is NaN', { now: () => NaN }],
    ['sleep rejects', { now: () => T0, sleep: () => Promise.reject(new Error('no timer')) }],
  ])('[WF9] rejects with ClockError where its %s, and never with the timeout', async (_, clock) => {
    const never = () => new Promise(() => {});
    await expect(within(clock, 1_000, never, late)).rejects.toMatchObject({ code: 'ERR_JIT_CLOCK' });
  });

  it('measures the timeout by the sleep of the clock', async () => {
    const clock: Clock = { now: () => T0, sleep: vi.fn((_until: number, _signal: AbortSignal) => Promise.resolve()) };
    await expect(within(clock, 1_000, () => new Promise(() => {}), late)).rejects.toThrow('too late');
    expect(clock.sleep).toHaveBeenCalledWith(T0 + 1_000, expect.any(AbortSignal));
  });

  it('ends the sleep when the result has come', async () => {
    let signal: AbortSignal | undefined;
    const clock: Clock = {
      now: () => T0,
      sleep: (_, given) => {
        signal = given;
        return new Promise((resolve) => given.addEventListener('abort', () => resolve()));
      },
    };
    expect(await within(clock, 1_000, () => Promise.resolve('yes'), late)).toBe('yes');
    expect(signal?.aborted).toBe(true);
  });
});

describe('isThenable()', () => {
  it.each([
    ['a promise', Promise.resolve(), true],
    ['an object with then', { then: () => {} }, true],
    ['a function with then', Object.assign(() => {}, { then: () => {} }), true],
    ['an object whose then is not a function', { then: true }, false],
    ['an object', {}, false],
    ['null', null, false],
    ['undefined', undefined, false],
    ['a number', 5, false],
    ['text', 'then', false],
  ])('%s: %s', (_, value, thenable) => {
    expect(isThenable(value)).toBe(thenable);
  });
});

describe('nap()', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('uses the sleep of the clock', async () => {
    const sleep = vi.fn((_until: number, _signal: AbortSignal) => Promise.resolve());
    await nap({ now: () => 5, sleep }, 5, 120_000, new AbortController().signal);
    expect(sleep).toHaveBeenCalledWith(120_005, expect.any(AbortSignal));
  });

  it.each([
    ['has no sleep', undefined],
    ['has a sleep that fails', () => Promise.reject(new Error('broken'))],
  ])('sleeps a minute at most if the clock %s', async (_, sleep) => {
    const woken = vi.fn();
    void nap({ now: () => 5, ...(sleep && { sleep }) }, 5, 120_000, new AbortController().signal).then(woken);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(woken).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(woken).toHaveBeenCalled();
  });
});

describe('formatDuration()', () => {
  it.each([
    [0, '0'],
    [1, '1ms'],
    [90_000, '1m30s'],
    [90_000_000, '1d1h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('nextTurn()', () => {
  it.each([
    ['setImmediate', []],
    ['a message', ['setImmediate']],
    ['a timer', ['setImmediate', 'MessageChannel']],
  ])('yields to the event loop by %s, if the runtime has no %j (L42)', async (_, missing) => {
    for (const name of missing) vi.stubGlobal(name, undefined);
    try {
      let turns = 0;
      const timer = setTimeout(() => (turns += 1), 0);
      while (turns === 0) await nextTurn();
      clearTimeout(timer);
      expect(turns).toBe(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('nextTurn() with messages only', () => {
  it('waits for no timer (L42)', async () => {
    vi.stubGlobal('setImmediate', undefined);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await nextTurn();
    expect(timers).not.toHaveBeenCalled();
  });
});

describe('TurnBudget', () => {
  it.each([
    [[256], 0],
    [[255, 1], 0],
    [[256, 1], 1],
    [[257], 1],
    [[256, 256], 1],
    [[256, 1, 255], 1],
    [[256, 1, 255, 1], 2],
  ])('yields to the event loop before rows that exceed the budget of a turn: of %j rows %i (L42)', async (spent, count) => {
    const turns = vi.spyOn(globalThis, 'setImmediate');
    const budget = new TurnBudget();
    for (const rows of spent) await budget.spend(rows);
    expect(turns).toHaveBeenCalledTimes(count);
  });

  it('lets concurrent callers share the rows of one turn (L42)', async () => {
    const budget = new TurnBudget();
    const perTurn: number[] = [0];
    let isCounting = true;
    const begin = (): void => {
      perTurn.push(0);
      if (isCounting) setImmediate(begin);
    };
    setImmediate(begin);
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        await budget.spend(100);
        perTurn[perTurn.length - 1] = (perTurn.at(-1) ?? 0) + 100;
      }),
    );
    isCounting = false;
    expect(perTurn.reduce((sum, rows) => sum + rows)).toBe(2_000);
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(256);
  });

  it('yields before a commit that needs a turn of its own, and before the next row (L42)', async () => {
    const turns = vi.spyOn(globalThis, 'setImmediate');
    const budget = new TurnBudget();
    await budget.spend(1);
    await budget.spendAll();
    expect(turns).toHaveBeenCalledTimes(1);
    await budget.spend(1);
    expect(turns).toHaveBeenCalledTimes(2);
  });
});

describe('whyNoLastingTimers()', () => {
  const throws = () => {
    throw new Error('not in this scope');
  };
  it.each([
    ['setTimeout', undefined, 'this runtime has no setTimeout'],
    ['navigator', { userAgent: 'Cloudflare-Workers' }, 'Workers end a timer with its handler'],
    ['setTimeout', throws, 'this runtime sets none here (not in this scope)'],
    ['navigator', undefined, undefined],
    ['navigator', { userAgent: 'Node.js/20' }, undefined],
  ])('with %s as %o, returns %o', (name, value, why) => {
    vi.stubGlobal(name, value);
    expect(whyNoLastingTimers()).toBe(why);
  });

  it('leaves no timer', () => {
    vi.useFakeTimers();
    expect(whyNoLastingTimers()).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});
