import { describe, expect, it, vi } from 'vitest';
import { JitEngine, MemoryGrantStore, startSweeper, type Clock, type SweeperOptions } from '../../src/index.js';
import { RecordingSink } from '../../src/testing.js';
import { yieldToOthers } from '../../src/core/turns.js';
import { aGranted, anEngine, at, MAYA, MINUTE, refusal, SCOPE, typesOf } from './an-engine.js';

async function turns(n = 20): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('startSweeper()', () => {
  it('makes its first pass at once, then one after each wait', async () => {
    const { engine, clock, store } = anEngine();
    const sweeper = startSweeper(engine, { every: '30s' });
    await turns();
    expect(store.called('due')).toBe(1);
    await clock.advance(29_999);
    expect(store.called('due')).toBe(1);
    await clock.advance(1);
    await turns();
    expect(store.called('due')).toBe(2);
    await sweeper.stop();
    expect(clock.sleepers).toBe(0);
  });

  it('records ends as time passes', async () => {
    const { engine, clock, store } = anEngine();
    await aGranted(engine);
    const sweeper = startSweeper(engine, { every: 1000 });
    await turns();
    await clock.advance('16m');
    await turns();
    expect(await typesOf(store)).toContain('grant.expired');
    await sweeper.stop();
  });

  it('delivers entries to the sinks', async () => {
    const sink = new RecordingSink();
    const { engine, clock } = anEngine({ audit: sink });
    sink.fail(1);
    await aGranted(engine);
    await turns();
    const sweeper = startSweeper(engine, { every: 1000 });
    await clock.advance(1000);
    await turns();
    expect(sink.entries).toHaveLength(5);
    await sweeper.stop();
  });

  it('L7 is not needed for an end: access ends on time while it hangs', async () => {
    const { engine, clock, store } = anEngine();
    await aGranted(engine);
    store.inject('due', { fault: 'hang' });
    const sweeper = startSweeper(engine, { every: 1000 });
    await clock.set(at(15 * MINUTE - 1));
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    await clock.set(at(15 * MINUTE));
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    store.release();
    await sweeper.stop();
  });

  it('makes one pass at a time, and stops only after the pass has ended', async () => {
    const { engine, clock, store } = anEngine();
    store.inject('due', { fault: 'hang' }, 1);
    const sweeper = startSweeper(engine, { every: 1000 });
    await turns();
    await clock.advance(10_000);
    await turns();
    expect(store.called('due')).toBe(1);
    let stopped = false;
    const stopping = sweeper.stop().then(() => (stopped = true));
    await turns();
    expect(stopped).toBe(false);
    store.release();
    await stopping;
    expect(store.called('due')).toBe(1);
  });

  it('makes no burst after a pass that took longer than the wait', async () => {
    const { engine, clock, store } = anEngine();
    store.inject('due', { fault: 'hang' }, 1);
    const sweeper = startSweeper(engine, { every: 1000 });
    await turns();
    await clock.advance(10_000);
    store.release();
    // A late pass follows at once, after a turn of the event loop; then the full wait applies again.
    for (let turn = 0; turn < 100 && store.called('due') < 2; turn++) await yieldToOthers();
    await turns();
    expect(store.called('due')).toBe(2);
    await clock.advance(999);
    expect(store.called('due')).toBe(2);
    await clock.advance(1);
    await turns();
    expect(store.called('due')).toBe(3);
    await sweeper.stop();
  });

  it('catches up after a pause with one pass, not a burst', async () => {
    let now = at(0);
    const wakers: (() => void)[] = [];
    const clock: Clock = {
      now: () => now,
      sleep: (_, signal) =>
        new Promise((resolve) => {
          wakers.push(resolve);
          signal.addEventListener('abort', () => resolve());
        }),
    };
    const { engine, store } = anEngine({ clock: clock });
    const sweeper = startSweeper(engine, { every: 1000 });
    await turns();
    now = at(60 * MINUTE);
    wakers.shift()?.();
    await turns();
    expect(store.called('due')).toBe(2);
    expect(wakers).toHaveLength(1);
    await sweeper.stop();
  });

  it('continues after a store that throws, and reports it to onError', async () => {
    const { engine, clock, store } = anEngine();
    await aGranted(engine);
    await clock.set(at(15 * MINUTE));
    const told: unknown[] = [];
    const clear = store.inject('due', { fault: 'throw' });
    const sweeper = startSweeper(engine, { every: 1000, onError: (error) => told.push(error) });
    await turns();
    await clock.advance(2000);
    await turns();
    expect(told).toMatchObject([{ code: 'ERR_JIT_STORE' }, { code: 'ERR_JIT_STORE' }, { code: 'ERR_JIT_STORE' }]);
    clear();
    await clock.advance(1000);
    await turns();
    expect(await typesOf(store)).toContain('grant.expired');
    await sweeper.stop();
  });

  it('continues after an onError that throws or rejects', async () => {
    for (const onError of [
      () => {
        throw new Error('the logger is down');
      },
      // As a listener written as an async function does.
      (() => Promise.reject(new Error('the logger is down'))) as () => void,
    ]) {
      const { engine, clock, store } = anEngine();
      store.inject('due', { fault: 'reject' });
      const sweeper = startSweeper(engine, { every: 1000, onError });
      await turns();
      await clock.advance(1000);
      await turns();
      expect(store.called('due')).toBeGreaterThanOrEqual(2);
      await sweeper.stop();
    }
  });

  it('sweeps several engines, and one that fails delays no other', async () => {
    const [broken, well] = [anEngine(), anEngine()];
    broken.store.inject('due', { fault: 'reject' });
    const told: unknown[] = [];
    const sweeper = startSweeper([broken.engine, well.engine], { every: 1000, onError: (error) => told.push(error) });
    await turns();
    expect(well.store.called('due')).toBe(1);
    expect(told).toHaveLength(1);
    await sweeper.stop();
  });

  it('continues, and does not spin, while the clock fails', async () => {
    const { engine, clock, store } = anEngine();
    const told: unknown[] = [];
    const real = clock.now.bind(clock);
    const timers: (() => void)[] = [];
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void) => {
      timers.push(run);
      return { unref: () => undefined };
    }) as unknown as typeof setTimeout);
    try {
      vi.spyOn(clock, 'now').mockImplementation(() => {
        throw new Error('no clock');
      });
      const sweeper = startSweeper(engine, { every: 1000, onError: (error) => told.push(error) });
      await turns();
      expect(timers).toHaveLength(1);
      expect(store.called('due')).toBe(0);
      vi.spyOn(clock, 'now').mockImplementation(real);
      timers[0]?.();
      await turns();
      expect(store.called('due')).toBe(1);
      expect(told.length).toBeGreaterThan(0);
      await sweeper.stop();
    } finally {
      vi.restoreAllMocks();
    }
  });

  for (const now of [NaN, undefined, -1]) {
    it(`does not spin while the clock returns ${String(now)}, which is not an instant`, async () => {
      let readings = 0;
      const clock = {
        now: () => {
          // A loop that never pauses would hold this test for ever.
          if (++readings > 1_000) throw new Error('read too often');
          return now as number;
        },
      };
      const { engine } = anEngine({ clock });
      const told: unknown[] = [];
      const timers = vi
        .spyOn(globalThis, 'setTimeout')
        .mockImplementation((() => ({ unref: () => undefined })) as unknown as typeof setTimeout);
      try {
        startSweeper(engine, { every: 1000, onError: (error) => told.push(error) });
        await turns();
        expect(readings).toBeLessThan(10);
        expect(timers.mock.calls.filter(([, ms]) => ms === 1000)).toHaveLength(1);
        expect(told.every((error) => (error as { code?: unknown }).code === 'ERR_JIT_CLOCK')).toBe(true);
      } finally {
        vi.restoreAllMocks();
      }
    });
  }

  it('does not keep the process alive: it unrefs its timer', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: { name: 'x', decide: () => ({ outcome: 'abstain' }) } });
    let unrefs = 0;
    const spy = vi
      .spyOn(globalThis, 'setTimeout')
      .mockImplementation((() => ({ unref: () => (unrefs += 1) })) as unknown as typeof setTimeout);
    try {
      const sweeper = startSweeper(engine, { every: '40d' });
      await turns();
      expect(unrefs).toBe(1);
      // L7: a longer timer would fire after a millisecond.
      expect(Number(spy.mock.calls[0]?.[1])).toBeLessThan(2 ** 31);
      await sweeper.stop();
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('stops at once while it waits, and may be stopped twice', async () => {
    const { engine, clock, store } = anEngine();
    const sweeper = startSweeper(engine, { every: 1000 });
    await turns();
    await sweeper.stop();
    await sweeper.stop();
    expect(clock.sleepers).toBe(0);
    await clock.advance(5000);
    expect(store.called('due')).toBe(1);
  });

  it('stops at the end of an await using block', async () => {
    const { engine, clock } = anEngine();
    {
      await using sweeper = startSweeper(engine, { every: 1000 });
      await turns();
      expect(clock.sleepers).toBe(1);
      expect(Object.keys(sweeper)).not.toContain('undefined');
    }
    expect(clock.sleepers).toBe(0);
  });

  for (const [argument, engines, options] of [
    ['engines', [], { every: 1000 }],
    ['engines', undefined, { every: 1000 }],
    ['engines', null, { every: 1000 }],
    ['engines', {}, { every: 1000 }],
    ['engines', [undefined], { every: 1000 }],
    ['engines', 'good+undefined', { every: 1000 }],
    ['options', 'good', undefined],
    ['options', 'good', { every: 1000, onerror: () => 1 }],
    ['every', 'good', {}],
    ['every', 'good', { every: 0 }],
    ['every', 'good', { every: '30' }],
    ['every', 'good', { every: Infinity }],
    ['onError', 'good', { every: 1000, onError: 'log' }],
  ] as const) {
    it(`refuses a bad ${argument}: ${JSON.stringify(engines)}, ${JSON.stringify(options)}`, async () => {
      const { engine } = anEngine();
      const given: unknown = engines === 'good' ? engine : engines === 'good+undefined' ? [engine, undefined] : engines;
      const error = await refusal(() => {
        const sweeper = startSweeper(given as JitEngine, options as unknown as SweeperOptions);
        return sweeper.stop();
      }, 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toMatch(new RegExp(`^${argument}`));
    });
  }
});
