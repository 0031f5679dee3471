import { createChecker } from 'jit-access/check';
import { createGuard } from 'jit-access/guard';
import { purge } from 'jit-access/retention';
import { watchAccess, withAccess } from 'jit-access/work';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { autoApprove, JitEngine, MemoryGrantStore, type Decision, type GrantStore } from '../../src/index.js';
import type { Change } from '../../src/store.js';
import { replay, verifyStore } from '../../src/journal.js';
import { kernelOf } from '../../src/kernel/kernel-of.js';
import { UseLog } from '../../src/kernel/use-log.js';
import { decodeActivity, type Activity } from '../../src/records/index.js';
import { FaultyStore, ManualClock } from '../../src/testing.js';
import { CONFLICT } from '../commit-answers.js';
import { expectReplayed } from '../property/fold.js';
import { aGranted, anEngine, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

afterEach(() => vi.unstubAllGlobals());

const recording = (over: Parameters<typeof anEngine>[0] = {}) => anEngine({ recordUse: true, ...over });

async function activitiesOf(store: GrantStore): Promise<readonly Activity[]> {
  return (await store.find({ kind: 'activity', limit: 1_000 })).items.map(decodeActivity);
}

const seenIn = async (store: GrantStore) => (await entriesOf(store)).filter(({ type }) => type === 'grant.seen');

/** Records what is due now. */
async function record(engine: JitEngine): Promise<void> {
  await engine.sweep();
  await engine.idle();
}

/** Runs an action once, right before the next commit that records a use. */
class CrossedStore extends MemoryGrantStore {
  cross: (() => Promise<unknown>) | undefined;
  conflicts = 0;

  override async commit(change: Change) {
    if (change.put.some(({ kind }) => kind === 'activity')) {
      const { cross } = this;
      this.cross = undefined;
      await cross?.();
      if (this.conflicts > 0) {
        this.conflicts -= 1;
        return CONFLICT;
      }
    }
    return super.commit(change);
  }
}

describe('the option recordUse (feature 7)', () => {
  it('records the first use within a minute, without a sweep, and leaves the grant unchanged', async () => {
    const { engine, clock, store } = recording();
    const grant = await aGranted(engine);
    await clock.advance(1_000);
    await engine.isAllowed(MAYA, SCOPE);
    await clock.advance(1_000);
    await engine.isAllowed(MAYA, SCOPE);
    expect(await activitiesOf(store)).toEqual([]);
    await clock.advance(MINUTE - 1_000);
    await engine.idle();
    const { subject, scope, id, requestId } = grant;
    const fields = { subject, scope, firstUsedAt: at(1_000), lastUsedAt: at(2_000), count: 2 };
    expect(await activitiesOf(store)).toEqual([{ kind: 'activity', id, version: 1, ...fields }]);
    const [seen, ...more] = await seenIn(store);
    expect(seen).toMatchObject({ actor: 'system:use', requestId, grantId: id, data: { activityVersion: 1, ...fields } });
    expect(more).toEqual([]);
    expect((await engine.getGrant(id))?.version).toBe(grant.version);
    expect(clock.sleepers).toBe(0);
  });

  it('is off by default: a check writes nothing and starts no timer', async () => {
    const { engine, clock, store } = anEngine();
    await aGranted(engine);
    const sleepers = clock.sleepers;
    await engine.check(MAYA, SCOPE, { touch: false });
    await engine.isAllowed(MAYA, SCOPE);
    expect(clock.sleepers).toBe(sleepers);
    await clock.advance(HOUR);
    await record(engine);
    expect(await activitiesOf(store)).toEqual([]);
  });

  it('L34 the row is never open, so that live() and windowOf() do not return it', async () => {
    const store = new MemoryGrantStore();
    const { engine } = recording({ store });
    const { id } = await aGranted(engine);
    await engine.isAllowed(MAYA, SCOPE);
    await record(engine);
    expect(await activitiesOf(store)).toHaveLength(1);
    expect(store.live({ subject: MAYA, at: 0 }).map(({ kind }) => kind)).toEqual(['grant']);
    expect(store.windowOf(MAYA, SCOPE)?.row?.id).toBe(id);
  });

  it.each<[string, (engine: JitEngine) => unknown, number]>([
    ['isAllowed', (engine) => engine.isAllowed(MAYA, SCOPE), 1],
    ['check', (engine) => engine.check(MAYA, SCOPE), 1],
    ['assertAllowed', (engine) => engine.assertAllowed(MAYA, SCOPE), 1],
    ['filterAllowed', (engine) => engine.filterAllowed(MAYA, [SCOPE, 'other:scope']), 1],
    ['check with touch', (engine) => engine.check(MAYA, SCOPE, { touch: 'wait' }), 1],
    ['withAccess', (engine) => withAccess(engine, MAYA, SCOPE, () => true), 1],
    ['watchAccess', async (engine) => (await watchAccess(engine, MAYA, SCOPE)).stop(), 1],
    ['check with recordUse: false', (engine) => engine.check(MAYA, SCOPE, { recordUse: false }), 0],
    ['check of a scope that is not held', (engine) => engine.check(MAYA, 'other:scope'), 0],
    ['check by standing access', (engine) => engine.check('user:root', SCOPE), 0],
    ['status', (engine) => engine.status(MAYA), 0],
    ['consume, which has its own record', (engine) => engine.consume(MAYA, SCOPE), 0],
  ])('counts what it should of %s', async (_verb, call, count) => {
    for (const yields of [false, true]) {
      const { engine, store } = recording({ standing: { 'user:root': [SCOPE] } });
      await aGranted(engine);
      if (yields) store.inject('live', { fault: 'yield' });
      await call(engine);
      await record(engine);
      expect((await activitiesOf(store)).map((one) => one.count)).toEqual(count === 0 ? [] : [count]);
    }
  });

  it('L34 a check that records is one promise, settled at once, and reads the clock once', async () => {
    const { engine, clock } = recording();
    await aGranted(engine);
    const now = vi.spyOn(clock, 'now');
    for (const verb of ['isAllowed', 'check', 'assertAllowed'] as const) {
      now.mockClear();
      await engine[verb](MAYA, SCOPE);
      expect(now).toHaveBeenCalledTimes(1);
    }
  });

  it('a check or a guard turns it on for itself where the engine does not', async () => {
    for (const turnOn of [
      (engine: JitEngine) => engine.check(MAYA, SCOPE, { recordUse: true }),
      (engine: JitEngine) => createGuard(engine, { subject: () => MAYA, scope: SCOPE, recordUse: true })(),
    ]) {
      const { engine, store } = anEngine();
      await aGranted(engine);
      await turnOn(engine);
      await engine.check(MAYA, SCOPE);
      await createGuard(engine, { subject: () => MAYA, scope: SCOPE })();
      await record(engine);
      expect(await activitiesOf(store)).toMatchObject([{ count: 1 }]);
    }
  });

  it('a guard turns it off for its routes, and refuses it over a checker', async () => {
    const { engine, store, clock } = recording();
    await aGranted(engine);
    await createGuard(engine, { subject: () => MAYA, scope: SCOPE, recordUse: false })();
    await record(engine);
    expect(await activitiesOf(store)).toEqual([]);
    const checker = createChecker({ store, clock });
    expect(() => createGuard(checker, { subject: () => MAYA, scope: SCOPE, recordUse: true })).toThrow(
      /recordUse must be false or omitted/,
    );
  });

  it.each([
    ['recordUse', 1],
    ['recordUse', null],
    ['recordUse', 'on'],
    ['recordUse.every', { every: '59s' }],
    ['recordUse.every', { every: 0 }],
    ['recordUse.every', { every: 'often' }],
    ['recordUse', { evry: '15m' }],
  ])('refuses an invalid option, and names %s: %j', (argument, recordUse) => {
    const options = { store: new MemoryGrantStore(), approver: autoApprove(() => true), recordUse } as never;
    expect(() => new JitEngine(options)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error);
  });

  it('L30 refuses an invalid option of a check', async () => {
    const { engine } = recording();
    for (const recordUse of [1, 'true', null])
      expect(await refusal(engine.check(MAYA, SCOPE, { recordUse } as never))).toMatchObject({ argument: 'recordUse' });
  });

  it('writes later uses of a grant at most every 15 minutes over the fleet, and loses none that it keeps', async () => {
    const { engine, clock, store } = recording({ limits: { maxTtl: '3h' } });
    const other = recording({ clock, store }).engine;
    await aGranted(engine, { ttl: '3h' });
    for (let minute = 0; minute < 120; minute++) {
      await (minute % 2 === 0 ? engine : other).isAllowed(MAYA, SCOPE);
      await clock.advance(MINUTE);
    }
    await clock.advance(20 * MINUTE);
    for (const one of [engine, other]) await one.idle();
    const seen = await seenIn(store);
    // The last recorded use decides. After the last use, each process writes the rest that it has counted.
    expect(seen.length).toBeLessThanOrEqual(1 + 140 / 15 + 2);
    expect(await activitiesOf(store)).toMatchObject([{ firstUsedAt: at(0), lastUsedAt: at(119 * MINUTE), count: 120 }]);
  });

  it('writes a later use when the recorded last use is at least `every` old, whichever engine recorded it [FE11]', async () => {
    const { engine, clock, store } = recording({ limits: { maxTtl: '3h' } });
    const fleet = [engine, recording({ clock, store }).engine, recording({ clock, store }).engine];
    await aGranted(engine, { ttl: '3h' });
    for (let minute = 0; minute < 120; minute++) {
      await fleet[minute % 3]?.isAllowed(MAYA, SCOPE);
      await clock.advance(MINUTE);
    }
    for (const one of fleet) await one.idle();
    const seen = await seenIn(store);
    const waited = seen.slice(1).map((entry, i) => entry.at - Number(seen[i]?.data['lastUsedAt']));
    expect(seen.length).toBeGreaterThan(5);
    expect(Math.min(...waited)).toBeGreaterThanOrEqual(15 * MINUTE);
  });

  it('takes the interval from the option', async () => {
    const { engine, clock, store } = recording({ recordUse: { every: '1m' } });
    await aGranted(engine);
    for (let i = 0; i < 10; i++) {
      await engine.isAllowed(MAYA, SCOPE);
      await clock.advance(MINUTE);
    }
    expect((await seenIn(store)).length).toBeGreaterThanOrEqual(5);
  });

  it('L42 writes many grants in one change', async () => {
    const { engine, store, clock } = recording({ approver: autoApprove(() => true), limits: { maxGrants: 300 } });
    const scopes = Array.from({ length: 250 }, (_, i) => `db:${i}`);
    for (let i = 0; i < 250; i += 50) await aGranted(engine, { scopes: scopes.slice(i, i + 50) });
    await engine.filterAllowed(MAYA, scopes);
    await clock.advance(MINUTE);
    await engine.idle();
    const changes = new Set((await seenIn(store)).map(({ id }) => id.slice(0, id.lastIndexOf('.'))));
    expect([await activitiesOf(store).then(({ length }) => length), changes.size]).toEqual([250, 3]);
  });

  it('L27 may follow the end of the grant, names no later instant, and replays', async () => {
    const { engine, clock, store } = recording();
    const grant = await aGranted(engine);
    // Another process, whose clock is a minute behind, ends the grant.
    const behind = anEngine({ store, clock: new ManualClock(at(10_000)) }).engine;
    await clock.advance(MINUTE - 1);
    await engine.isAllowed(MAYA, SCOPE);
    await behind.revoke(grant.id, { by: SAM });
    await record(engine);
    const [{ end }] = [(await engine.getGrant(grant.id)) as { end: { at: number } }];
    expect(await activitiesOf(store)).toMatchObject([{ firstUsedAt: end.at, lastUsedAt: end.at, count: 1 }]);
    const entries = await entriesOf(store);
    expect(entries.findIndex(({ type }) => type === 'grant.seen')).toBeGreaterThan(
      entries.findIndex(({ type }) => type === 'grant.revoked'),
    );
    expect([...(await replay(entries)).activities.values()]).toEqual(await activitiesOf(store));
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
  });

  it('L26 verifyStore() names an activity row that was changed, added or removed', async () => {
    const store = new MemoryGrantStore();
    const { engine } = recording({ store });
    const { id } = await aGranted(engine);
    await engine.isAllowed(MAYA, SCOPE);
    await record(engine);
    const [row] = (await store.find({ kind: 'activity', limit: 1 })).items;
    const change = async (put: Change['put'], remove: Change['remove'], version: number) =>
      store.commit({
        id: `bend-${version}-${put.length}`,
        expect: [{ kind: 'activity', id, version }],
        put,
        append: [],
        ...(remove && { remove }),
      });
    await change([{ ...row!, version: 2, body: { ...row!.body, count: 9 } }], undefined, 1);
    expect((await verifyStore(store)).differences).toMatchObject([{ kind: 'activity', id }]);
    await change([], [{ kind: 'activity', id }], 2);
    expect((await verifyStore(store)).differences).toMatchObject([
      { kind: 'activity', id, problem: expect.stringContaining('is missing') as string },
    ]);
  });

  describe('a write that meets another change', () => {
    const crossed = async () => {
      const store = new CrossedStore();
      const made = recording({ store, approver: autoApprove(() => true) });
      const grant = await aGranted(made.engine);
      await made.engine.isAllowed(MAYA, SCOPE);
      return { ...made, store, grant };
    };

    it('L12 is repeated after a revoke, which never conflicts with it', async () => {
      const { engine, store, grant } = await crossed();
      let revoked: unknown;
      store.cross = async () => (revoked = await engine.revoke(grant.id, { by: SAM }));
      await record(engine);
      expect(revoked).toMatchObject({ status: 'revoked' });
      expect(await activitiesOf(store)).toMatchObject([{ count: 1 }]);
    });

    it('is dropped where a purge has removed the grant', async () => {
      const { engine, store, grant, clock, told } = await crossed();
      store.cross = async () => {
        await engine.revoke(grant.id, { by: SAM });
        await clock.advance(1);
        await purge(engine, { before: clock.now(), by: SAM, force: true });
      };
      await record(engine);
      expect(await store.get([{ kind: 'grant', id: grant.id }])).toEqual([undefined]);
      expect([await activitiesOf(store), await seenIn(store), told]).toEqual([[], [], []]);
    });

    it('is dropped where it conflicts twice, and a later use is recorded', async () => {
      const { engine, store, clock } = await crossed();
      store.conflicts = 2;
      await record(engine);
      await record(engine);
      expect(await activitiesOf(store)).toEqual([]);
      await clock.advance(14 * MINUTE);
      await engine.isAllowed(MAYA, SCOPE);
      await clock.advance(2 * MINUTE);
      await record(engine);
      expect(await activitiesOf(store)).toMatchObject([{ count: 1, firstUsedAt: at(14 * MINUTE) }]);
    });

    it('delays no other grant: a change of several is halved', async () => {
      const { engine, store } = await crossed();
      const others = await Promise.all(['a', 'b', 'c'].map(async (scope) => aGranted(engine, { scope })));
      await engine.filterAllowed(MAYA, [SCOPE, 'a', 'b', 'c']);
      // Each change that contains the first of them conflicts.
      const commit = store.commit.bind(store);
      store.commit = async (change) =>
        change.put.some(({ kind, id }) => kind === 'activity' && id === others[0]?.id) ? CONFLICT : commit(change);
      await record(engine);
      expect((await activitiesOf(store)).map(({ scope }) => scope).sort()).toEqual(['b', 'c', SCOPE]);
    });
  });

  it('L30 reports a row that is unreadable, and drops the use', async () => {
    const { engine, store, told } = recording();
    const { id } = await aGranted(engine);
    const none = { from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
    const row = { kind: 'activity', id, version: 1, subject: MAYA, scope: SCOPE, open: false, createdAt: 0, ...none, body: { count: 0 } };
    await store.commit({ id: 'bent', expect: [], put: [row], append: [] });
    await engine.isAllowed(MAYA, SCOPE);
    await record(engine);
    expect(told).toMatchObject([{ error: { code: 'ERR_JIT_CORRUPT' } }]);
    expect(await seenIn(store)).toEqual([]);
  });

  describe('while the store fails', () => {
    it('keeps what was certainly not written, and reports the failure', async () => {
      const { engine, clock, store, told } = recording();
      await aGranted(engine);
      await engine.isAllowed(MAYA, SCOPE);
      const stop = store.inject('get', { fault: 'reject' });
      await clock.advance(40_000);
      await engine.idle();
      expect(told).toMatchObject([{ during: 'recordUse' }]);
      stop();
      await engine.isAllowed(MAYA, SCOPE);
      await clock.advance(MINUTE);
      await engine.idle();
      expect(await activitiesOf(store)).toMatchObject([{ firstUsedAt: at(0), lastUsedAt: at(40_000), count: 2 }]);
    });

    it('L31 drops a use whose write may have happened, so that the count stays a lower bound', async () => {
      const { engine, clock, store, told } = recording();
      await aGranted(engine);
      await aGranted(engine, { scope: 'other' });
      await engine.filterAllowed(MAYA, [SCOPE, 'other']);
      const stop = store.inject('commit', { fault: 'lose reply' });
      await clock.advance(40_000);
      await engine.idle();
      expect(told).toMatchObject([{ error: { code: 'ERR_JIT_OUTCOME_UNKNOWN' }, during: 'recordUse' }]);
      stop();
      await clock.advance(MINUTE);
      await record(engine);
      expect((await activitiesOf(store)).map(({ count }) => count)).toEqual([1, 1]);
      await expectReplayed(store);
    });

    it('reports a clock that fails, and a later sweep writes', async () => {
      const { engine, clock, store, told } = recording();
      await aGranted(engine);
      clock.sleep = () => Promise.reject(new Error('no timers'));
      await engine.isAllowed(MAYA, SCOPE);
      await vi.waitFor(() => expect(told).toMatchObject([{ error: { message: 'no timers' }, during: 'recordUse' }]));
      const now = clock.now.bind(clock);
      clock.now = () => NaN;
      kernelOf(engine).part(UseLog).flush();
      await vi.waitFor(() => expect(told.slice(1)).toMatchObject([{ error: { code: 'ERR_JIT_CLOCK' }, during: 'recordUse' }]));
      clock.now = now;
      await record(engine);
      expect(await activitiesOf(store)).toHaveLength(1);
    });
  });

  it('counts the uses that arrive while it writes, and writes them later', async () => {
    const { engine, clock, store } = recording({ recordUse: { every: '1m' } });
    await aGranted(engine);
    await engine.isAllowed(MAYA, SCOPE);
    store.inject('commit', { fault: 'hang' }, 1);
    await clock.advance(30_000);
    await engine.isAllowed(MAYA, SCOPE);
    await engine.sweep();
    store.release();
    await engine.idle();
    expect(await activitiesOf(store)).toMatchObject([{ count: 1 }]);
    await clock.advance(2 * MINUTE);
    await engine.idle();
    expect(await activitiesOf(store)).toMatchObject([{ count: 2, lastUsedAt: at(30_000) }]);
    expect(clock.sleepers).toBe(0);
  });

  it('close() writes the first uses, also those that arrived during the last write, and stops the timer', async () => {
    const { engine, clock, store } = recording();
    await aGranted(engine);
    await aGranted(engine, { scope: 'other' });
    await engine.isAllowed(MAYA, SCOPE);
    const before = store.called('commit');
    const hangs = () => store.called('commit') > before;
    store.inject('commit', { fault: 'hang' }, 1);
    await engine.sweep();
    await engine.isAllowed(MAYA, 'other');
    const closed = engine.close();
    await vi.waitFor(() => expect(hangs()).toBe(true));
    store.release();
    await closed;
    expect((await activitiesOf(store)).map(({ scope }) => scope).sort()).toEqual([SCOPE, 'other'].sort());
    expect(clock.sleepers).toBe(0);
  });

  it.each([
    ['drops a use that comes too early for its record', 0, 1],
    ['records a use although the clock has stepped back far beyond the last recorded one', -2 * HOUR, 2],
  ])('close() %s', async (_what, step, count) => {
    const { engine, clock, store } = recording();
    await aGranted(engine, { ttl: '8h' });
    await clock.advance(2 * HOUR);
    await engine.isAllowed(MAYA, SCOPE);
    await record(engine);
    await engine.isAllowed(MAYA, SCOPE);
    await clock.step(step);
    await engine.close();
    expect(await activitiesOf(store)).toMatchObject([{ count, lastUsedAt: count === 1 ? at(2 * HOUR) : at(0) }]);
  });

  it('L46 writes at the check where the runtime has no lasting timers, and idle() waits for it', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    let now = at(0);
    const store = new FaultyStore(new MemoryGrantStore());
    const engine = new JitEngine({ approver: autoApprove(() => true), store, recordUse: true, clock: { now: () => now } });
    await aGranted(engine);
    for (let i = 0; i < 3; i++) await engine.isAllowed(MAYA, SCOPE);
    await engine.idle();
    // The first use was written at once. The others are not due yet.
    expect(await activitiesOf(store)).toMatchObject([{ count: 1 }]);
    now = at(14 * MINUTE);
    await engine.isAllowed(MAYA, SCOPE);
    await engine.idle();
    expect(await seenIn(store)).toHaveLength(1);
  });

  it('L42 keeps at most 10,000 grants: a use of a further grant is not counted until a write makes room', async () => {
    const { engine, clock, store } = recording();
    const grant = await aGranted(engine);
    const uses = kernelOf(engine).part(UseLog);
    const decision = { reason: 'granted', at: clock.now() } as Decision;
    for (let i = 0; i < 10_000; i++) uses.note({ ...decision, grant: { ...grant, id: `gone.${i}` } });
    await engine.isAllowed(MAYA, SCOPE);
    await record(engine);
    expect(await activitiesOf(store)).toEqual([]);
    await record(engine);
    await engine.isAllowed(MAYA, SCOPE);
    await record(engine);
    expect(await activitiesOf(store)).toMatchObject([{ count: 1 }]);
  });

  it('L5 writes what is due although the clock has stepped back', async () => {
    const { engine, clock, store } = recording();
    await aGranted(engine, { ttl: '8h' });
    await clock.advance(2 * HOUR);
    await engine.isAllowed(MAYA, SCOPE);
    await clock.step(-2 * HOUR);
    await record(engine);
    // The present reading: one of the two readings of this clock is wrong (L47).
    expect(await activitiesOf(store)).toMatchObject([{ count: 1, lastUsedAt: at(0) }]);
  });

  describe('purge()', () => {
    const past = async () => {
      const store = new CrossedStore();
      const made = recording({ store });
      const grant = await aGranted(made.engine);
      await made.engine.isAllowed(MAYA, SCOPE);
      return { ...made, store, grant };
    };

    it('L33 removes the recorded use with its grant', async () => {
      const { engine, store, clock } = await past();
      await record(engine);
      await clock.advance(HOUR);
      await engine.sweep();
      expect(await purge(engine, { before: clock.now(), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
      expect(await activitiesOf(store)).toEqual([]);
      expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
    });

    it('L27 drops uses of a grant that it removed, although an ask with the same key has made the same ids again', async () => {
      const store = new CrossedStore();
      const { engine, clock } = recording({ store, approver: autoApprove(() => true) });
      const ask = () => engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '1h', idempotencyKey: 'k' });
      await ask();
      await engine.isAllowed(MAYA, SCOPE);
      await engine.revokeAll({ subject: MAYA }, { by: SAM });
      await clock.advance(1);
      await purge(engine, { before: clock.now(), by: SAM, force: true });
      expect(await ask()).toMatchObject({ outcome: 'granted' });
      await record(engine);
      expect(await activitiesOf(store)).toEqual([]);
      await engine.isAllowed(MAYA, SCOPE);
      await record(engine);
      await clock.advance(HOUR);
      await record(engine);
      expect(await activitiesOf(store)).toMatchObject([{ count: 1, firstUsedAt: at(1) }]);
    });

    it('L33 keeps both where the use is recorded during the purge, and removes them at the next', async () => {
      const { engine, store, clock, grant } = await past();
      await engine.revoke(grant.id, { by: SAM });
      await clock.advance(1);
      const commit = store.commit.bind(store);
      // Right before the purge removes the grant.
      store.commit = async (change) => {
        if (change.remove?.some(({ kind }) => kind === 'grant') === true) {
          store.commit = commit;
          await record(engine);
        }
        return commit(change);
      };
      const before = clock.now();
      expect(await purge(engine, { before, by: SAM, force: true })).toMatchObject({ grants: 0 });
      expect(await activitiesOf(store)).toHaveLength(1);
      expect(await purge(engine, { before, by: SAM, force: true })).toMatchObject({ grants: 1 });
      expect(await activitiesOf(store)).toEqual([]);
      expect(await verifyStore(store)).toMatchObject({ ok: true });
    });
  });
});
