import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { autoApprove, JitEngine, MemoryGrantStore, OutcomeUnknownError, StoreError, type Clock } from '../../src/index.js';
import type { Change } from '../../src/store.js';
import { commitResending } from '../../src/kernel/ledger/resend.js';
import { pauseMs } from '../../src/lifecycle/backoff.js';
import { FaultyStore, ManualClock } from '../../src/testing.js';
import { aGranted, anEngine, entriesOf, MAYA, refusal, SAM, SCOPE } from '../engine/an-engine.js';

/** A clock whose sleepers wake at once, at their instant: the time that passes is counted, not waited for. */
class CountedClock extends ManualClock {
  readonly sleeps: number[] = [];
  /** Called with the total of the sleeps so far. */
  onSlept: (ms: number) => void = () => undefined;

  /** Milliseconds that were slept. */
  get slept(): number {
    return this.sleeps.reduce((sum, ms) => sum + ms, 0);
  }

  override async sleep(until: number): Promise<void> {
    this.sleeps.push(until - this.now());
    await this.set(until);
    this.onSlept(this.slept);
  }
}

const lost = new Error('the connection was reset');
const notApplied = () => new StoreError('commit', 'no connection');

/** An engine that holds a grant, over a store whose commits fail from now on. Records how often each change was sent. */
async function failing({ resendMs, clock = new CountedClock() }: { readonly resendMs?: number; readonly clock?: CountedClock } = {}) {
  const store = new FaultyStore(new MemoryGrantStore());
  const { engine } = anEngine({ store, clock, limits: { resendMs } });
  const grant = await aGranted(engine);
  await engine.idle();
  const before = store.called('commit');
  const sent = () =>
    store.calls
      .filter(({ method }) => method === 'commit')
      .slice(before)
      .map(({ argument }) => argument as Change);
  return { engine, store, clock, grant, sent, revoke: () => engine.revoke(grant.id, { by: SAM }) };
}

describe('a change whose reply was lost', () => {
  it('L42 [ST9] pauses on a signal of its own, so that no number of calls in an outage adds listeners to one', async () => {
    const signals: AbortSignal[] = [];
    class SignalClock extends ManualClock {
      override sleep(until: number, signal: AbortSignal): Promise<void> {
        signals.push(signal);
        return super.sleep(until, signal);
      }
    }
    const clock = new SignalClock();
    const store = new FaultyStore(new MemoryGrantStore());
    const change = (id: string): Change => ({ id, expect: [], put: [], append: [] });
    store.inject('commit', { fault: 'lose reply' });
    const calls = Array.from({ length: 15 }, (_, i) =>
      commitResending(store, change(`c${i}`), { clock, resendMs: 1_000, resent: new WeakSet() }),
    );
    while (signals.length < 15) await new Promise(setImmediate);
    expect(signals.map((signal) => getEventListeners(signal, 'abort').length)).toEqual(signals.map(() => 1));
    store.clear();
    await clock.advance('1s');
    await Promise.all(calls);
  });

  it('L31 is resent at once, with the same id and entries, and has one effect', async () => {
    const { store, clock, grant, sent, revoke, engine } = await failing();
    store.inject('commit', { fault: 'lose reply' }, 1);
    expect((await revoke()).end).toMatchObject({ status: 'revoked' });
    expect(sent()).toHaveLength(2);
    expect(sent()[1]).toBe(sent()[0]);
    expect(clock.sleeps).toEqual([]);
    expect((await entriesOf(store)).filter(({ type, grantId }) => type === 'grant.revoked' && grantId === grant.id)).toHaveLength(1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it.each([
    ['every call is refused', () => notApplied()],
    ['every reply is lost', () => lost],
  ])('L31 is resolved after an outage of five seconds in which %s', async (_, error) => {
    const { store, clock, sent, revoke } = await failing();
    store.inject('commit', { fault: 'lose reply' }, 1);
    const end = store.inject('commit', { fault: 'reject', error: error() });
    clock.onSlept = (ms) => void (ms >= 5_000 && end());
    expect((await revoke()).end).toMatchObject({ status: 'revoked' });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(5_000);
    expect(clock.elapsed()).toBeLessThan(6_001);
    expect(new Set(sent().map(({ id }) => id)).size).toBe(1);
  });

  it('L31 is resent after pauses that double up to a second, each between a half and all of that', async () => {
    const made = await failing();
    made.store.inject('commit', { fault: 'reject', error: lost });
    await refusal(made.revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
    const { sleeps } = made.clock;
    for (const [i, ms] of sleeps.entries()) {
      const longest = Math.min(50 * 2 ** i, 1_000);
      expect(ms).toBeGreaterThanOrEqual(longest / 2);
      expect(ms).toBeLessThanOrEqual(longest);
    }
    expect(new Set(sleeps).size).toBeGreaterThan(5);
    // One resend came without a pause.
    expect(made.sent()).toHaveLength(sleeps.length + 2);
  });

  it('L31 derives the jitter of its pauses from its id', async () => {
    const made = await failing();
    made.store.inject('commit', { fault: 'reject', error: lost });
    const { changeId } = await refusal(made.revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
    expect(made.clock.sleeps).toEqual(made.clock.sleeps.map((_, i) => pauseMs(changeId, i + 1, { firstMs: 50, maxMs: 1_000 })));
  });

  it('L31 ends in ERR_JIT_OUTCOME_UNKNOWN with its id and the last failure, after 15 seconds and no later', async () => {
    const { store, clock, sent, revoke } = await failing();
    store.inject('commit', { fault: 'reject', error: lost });
    const error = await refusal(revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
    expect(error).toMatchObject({ changeId: sent()[0]?.id, cause: lost });
    expect(clock.elapsed()).toBeGreaterThan(14_000);
    expect(clock.elapsed()).toBeLessThanOrEqual(15_000);
  });

  it.each([
    [0, 2],
    [50, 3],
  ])('L31 is resent for limits.resendMs: with %i ms, %i times in all', async (resendMs, times) => {
    const { store, clock, sent, revoke } = await failing({ resendMs });
    store.inject('commit', { fault: 'reject', error: lost });
    await refusal(revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
    expect(sent()).toHaveLength(times);
    expect(clock.elapsed()).toBeLessThanOrEqual(resendMs);
  });

  it('L31 counts the budget from the first lost reply: the first attempt does not count', async () => {
    const { store, clock, sent, revoke } = await failing();
    const commit = store.commit.bind(store);
    store.commit = async (change) => {
      const answer = await commit(change);
      if (sent().length === 1) await clock.advance('1h');
      if (clock.slept < 5_000) throw lost;
      return answer;
    };
    expect((await revoke()).end).toMatchObject({ status: 'revoked' });
    expect(clock.elapsed()).toBeGreaterThanOrEqual(3_605_000);
  });

  it('L31 counts the sleeps if `elapsed` of the clock fails, stands still or runs back: no call runs forever', async () => {
    for (const elapsed of [
      () => 0,
      () => NaN,
      () => -performance.now(),
      () =>
        ((): never => {
          throw new Error('no');
        })(),
    ]) {
      const clock = new CountedClock();
      clock.elapsed = elapsed;
      const { store, sent, revoke } = await failing({ clock });
      store.inject('commit', { fault: 'reject', error: lost });
      await refusal(revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
      expect(sent().length).toBeLessThan(40);
    }
  });

  it('L31 is measured by elapsed time: setting the system clock, in either direction, neither ends nor prolongs it', async () => {
    for (const by of [-3_600_000, 3_600_000]) {
      const { store, clock, revoke } = await failing();
      store.inject('commit', { fault: 'reject', error: lost });
      let slept = 0;
      const sleep = clock.sleep.bind(clock);
      clock.sleep = async (until) => {
        if (++slept === 3) {
          await sleep(until);
          await clock.step(by);
        } else await sleep(until);
      };
      await refusal(revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
      expect(clock.elapsed()).toBeGreaterThan(14_000);
      expect(clock.elapsed()).toBeLessThanOrEqual(15_000);
    }
  });

  it('L31 stays unknown if the clock fails in the meantime', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { store, clock, sent, revoke } = await failing();
      store.inject('commit', { fault: 'reject', error: lost });
      store.commit = ((commit) => (change: Change) => {
        clock.now = () => {
          throw new Error('the clock failed');
        };
        return commit(change);
      })(store.commit.bind(store));
      const told = refusal(revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
      await vi.advanceTimersByTimeAsync(20_000);
      expect((await told).changeId).toBe(sent()[0]?.id);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a change that every attempt reports as not applied', () => {
  it('L31 is sent twice, without a pause, and fails with that error: the engine does not wait for a backend that is down', async () => {
    const { store, clock, sent, revoke, engine } = await failing();
    const error = notApplied();
    store.inject('commit', { fault: 'reject', error });
    expect(await refusal(revoke(), 'ERR_JIT_STORE')).toBe(error);
    expect(sent()).toHaveLength(2);
    expect(clock.elapsed()).toBe(0);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
  });

  it('L31 is resent for the whole budget once an attempt in between has an unknown outcome', async () => {
    const { store, clock, sent, revoke } = await failing();
    store.inject('commit', { fault: 'reject', error: notApplied() }, 1);
    store.inject('commit', { fault: 'lose reply' }, 1);
    store.inject('commit', { fault: 'reject', error: notApplied() });
    await refusal(revoke(), 'ERR_JIT_OUTCOME_UNKNOWN');
    expect(sent().length).toBeGreaterThan(10);
    expect(clock.elapsed()).toBeGreaterThan(14_000);
  });
});

describe('limits.resendMs', () => {
  it.each([-1, 1.5, NaN, '15s', null, 3_600_001])('refuses %s', (resendMs) => {
    const limits = { resendMs: resendMs as number };
    expect(() => new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), limits })).toThrow(/limits\.resendMs/);
  });

  it('is measured by performance.now() if the clock has no `elapsed` (L31)', async () => {
    const clock = new CountedClock();
    const plain: Clock = { now: () => clock.now(), sleep: (until) => clock.sleep(until) };
    let now = 1_000;
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now);
    try {
      const store = new FaultyStore(new MemoryGrantStore());
      const { engine } = anEngine({ store, clock: plain, limits: { resendMs: 15_000 } });
      const grant = await aGranted(engine);
      store.inject('commit', { fault: 'reject', error: lost });
      // Each attempt takes five seconds until the store rejects it.
      const commit = store.commit.bind(store);
      let sent = 0;
      store.commit = (change) => ((now += 5_000), (sent += 1), commit(change));
      await expect(engine.revoke(grant.id, { by: SAM })).rejects.toBeInstanceOf(OutcomeUnknownError);
      // The first attempt does not count towards the budget; three more do.
      expect(sent).toBe(4);
    } finally {
      spy.mockRestore();
    }
  });
});
