import { describe, expect, it } from 'vitest';
import { Alarm } from '../../src/effects/alarm.js';
import { Nap } from '../../src/effects/nap.js';
import type { GrantStore } from '../../src/index.js';
import { ManualClock, START_AT } from '../../src/testing.js';
import { settle } from './at-work.js';

/** An alarm over a store that is watched by hand. */
function anAlarm(over: Pick<GrantStore, 'watch'> = {}) {
  const wakes = new Set<() => void>();
  const told: unknown[] = [];
  const watch = (wake: () => void) => {
    wakes.add(wake);
    return () => wakes.delete(wake);
  };
  const alarm = new Alarm({ watch, ...over }, (error, during) => told.push([during, error]));
  return { alarm, wakes, told };
}

describe('Alarm', () => {
  it('watches the store from the first listener to the last, once', () => {
    const { alarm, wakes } = anAlarm();
    expect(wakes.size).toBe(0);
    const [first, second] = [alarm.listen(() => undefined), alarm.listen(() => undefined)];
    expect(wakes.size).toBe(1);
    first();
    first();
    expect(wakes.size).toBe(1);
    second();
    expect(wakes.size).toBe(0);
    second();
    alarm.listen(() => undefined);
    expect(wakes.size).toBe(1);
  });

  it('tells every listener there is, whoever rings', () => {
    const { alarm, wakes } = anAlarm();
    const heard: string[] = [];
    const leave = alarm.listen(() => heard.push('a'));
    alarm.listen(() => heard.push('b'));
    for (const wake of wakes) wake();
    expect(heard).toEqual(['a', 'b']);
    leave();
    alarm.ring();
    expect(heard).toEqual(['a', 'b', 'b']);
  });

  it('lets a listener leave, or come, while it rings', () => {
    const { alarm } = anAlarm();
    const heard: string[] = [];
    const leave = alarm.listen(() => {
      leave();
      alarm.listen(() => heard.push('new'));
      heard.push('old');
    });
    alarm.ring();
    expect(heard).toEqual(['old']);
    alarm.ring();
    expect(heard).toEqual(['old', 'new']);
  });

  it('does without a watch, and with one that fails: it is told', () => {
    const { alarm, told } = anAlarm({ watch: undefined as never });
    const heard: string[] = [];
    alarm.listen(() => heard.push('a'))();
    expect(told).toEqual([]);

    const problem = new Error('no watch');
    const fail = () => {
      throw problem;
    };
    const failing = anAlarm({ watch: fail });
    failing.alarm.listen(() => heard.push('b'));
    failing.alarm.ring();
    expect(heard).toEqual(['b']);
    expect(failing.told).toEqual([['watch', problem]]);

    const stuck = anAlarm({ watch: () => fail });
    stuck.alarm.listen(() => undefined)();
    expect(stuck.told).toEqual([['watch', problem]]);
  });
});

describe('Nap', () => {
  it('says whether it was cut short', async () => {
    const clock = new ManualClock();
    const nap = new Nap(clock);
    const slept = nap.until(START_AT + 10);
    await clock.advance(10);
    expect(await slept).toBe(false);
    const cut = nap.until(START_AT + 20);
    nap.wake();
    expect(await cut).toBe(true);
    expect(clock.sleepers).toBe(0);
  });

  it('is cut short by a call from before it, once', async () => {
    const clock = new ManualClock();
    const nap = new Nap(clock);
    nap.wake();
    nap.wake();
    expect(await nap.until(START_AT + 10)).toBe(true);
    const next = nap.until(START_AT + 10);
    expect(clock.sleepers).toBe(1);
    await clock.advance(10);
    expect(await next).toBe(false);
  });

  it('lets others run where the clock does not let it sleep', async () => {
    const nap = new Nap({ now: () => START_AT, sleep: async () => undefined });
    let naps = 0;
    const napping = (async () => {
      while (naps < 1_000) {
        await nap.until(START_AT + 10);
        naps += 1;
      }
    })();
    await settle();
    expect(naps).toBeLessThan(100);
    naps = 1_000;
    await napping;
  });
});
