import { watchAccess, withAccess } from 'jit-access/work';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, patternScopes, type DeniedError, type JitEngineOptions, type StoreError } from '../../../src/index.js';
import type { AccessWatch, WatchOptions } from '../../../src/features/work/options.js';
import { FaultyStore, hangs, ManualClock, ScriptedApprover } from '../../../src/testing.js';
import { aGranted, anEngine, at, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from '../../engine/an-engine.js';
import { endOf, QuietStore, SECOND, settle, SteppingClock, watched } from './at-work.js';

const TTL = MINUTE;
const ENDS = at(TTL);

/** A granted scope, and a watch on it. */
async function leased(options: Partial<JitEngineOptions> = {}, terms: WatchOptions = {}) {
  const made = anEngine(options);
  const grant = await aGranted(made.engine, { ttl: TTL });
  const watch = await watchAccess(made.engine, MAYA, SCOPE, terms);
  return { ...made, grant, watch };
}

/** Another engine on the same store, without watches. */
const another = ({ store, clock }: { store: FaultyStore; clock: ManualClock }) => anEngine({ store, clock }).engine;

const decide = { outcome: 'approve' } as const;

const decisionOf = ({ signal }: AccessWatch) => (signal.reason as DeniedError).decision;

describe('watch()', () => {
  describe('at the start', () => {
    it('L20 rejects with the decision where nothing allows the access, and leaves no timer', async () => {
      const { engine, clock, store } = anEngine();
      const error = await refusal(watchAccess(engine, MAYA, SCOPE), 'ERR_JIT_DENIED');
      expect(error.decision).toMatchObject({ allowed: false, reason: 'no_grant', subject: MAYA, scope: SCOPE });
      expect(clock.sleepers).toBe(0);
      store.inject('live', { fault: 'reject' }, 1);
      await refusal(watchAccess(engine, MAYA, SCOPE), 'ERR_JIT_STORE');
    });

    it('returns the subject, the scope, and the instant until which access is known to last', async () => {
      const { watch, engine } = await leased();
      expect(watch).toMatchObject({ subject: MAYA, scope: SCOPE, until: ENDS });
      expect(watch.signal.aborted).toBe(false);
      expect(await watchAccess(engine, MAYA, { scope: SCOPE })).toMatchObject({ scope: SCOPE });
    });

    // test/features/work/options.test.ts has every other option that is refused.
    it.each([
      [{ poll: 0 }, 'poll'],
      ['1s', 'options'],
    ])('refuses %j: it names %s', async (options, argument) => {
      const { engine } = anEngine();
      expect((await refusal(watchAccess(engine, MAYA, SCOPE, options as object), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
      expect(
        (
          await refusal(
            withAccess(engine, MAYA, SCOPE, () => 1, options as object),
            'ERR_JIT_INVALID_ARGUMENT',
          )
        ).argument,
      ).toBe(argument);
    });

    it('rejects when the first read takes longer than maxUnconfirmed', async () => {
      const { engine, clock, store } = anEngine();
      await aGranted(engine);
      store.inject('live', { fault: 'hang' }, 1);
      const asked = refusal(watchAccess(engine, MAYA, SCOPE), 'ERR_JIT_STORE');
      await clock.advance(5 * SECOND);
      store.release();
      expect((await asked).cause).toBeUndefined();
      expect(clock.sleepers).toBe(0);
    });

    it('L2 does not wait for an activation where an active grant covers the scope', async () => {
      const hang = hangs();
      const approver = new ScriptedApprover({ decide, isEligible: (_, when) => (when === 'start' ? hang() : true) });
      const { engine, clock } = await leased({ approver });
      await aGranted(engine, { startsAt: at(20 * SECOND), ttl: TTL });
      await clock.set(at(20 * SECOND));
      expect((await watchAccess(engine, MAYA, SCOPE)).until).toBe(ENDS);
      const closing = engine.close();
      await clock.advance('10s');
      await closing;
    });

    it('L2 waits for the activation where only a due start covers the scope, and counts maxUnconfirmed from then on', async () => {
      const approver = new ScriptedApprover({ decide, isEligible: (_, when) => (when === 'start' ? asked : true) });
      let answer: (may: boolean) => void = () => undefined;
      const asked = new Promise<boolean>((resolve) => (answer = resolve));
      const { engine, clock } = anEngine({ approver });
      await aGranted(engine, { startsAt: at(HOUR), ttl: TTL });
      await clock.set(at(HOUR));
      const asking = watchAccess(engine, MAYA, SCOPE);
      await clock.advance(8 * SECOND);
      answer(true);
      const watch = await asking;
      expect(watch.until).toBe(at(HOUR + TTL));
      // The activation was committed during the read, so it reads once more.
      await settle();
      await clock.advance(TTL - 8 * SECOND - 1);
      expect(endOf(watch)).toBeUndefined();
    });
  });

  describe('at the end of the window', () => {
    it('L1 aborts at that instant, not before it, without a read of the store', async () => {
      const { watch, clock, store, told } = await leased();
      await clock.set(ENDS - 1);
      expect(watch.signal.aborted).toBe(false);
      const asked = store.calls.length;
      await clock.set(ENDS);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      expect(decisionOf(watch)).toMatchObject({ allowed: false, reason: 'no_grant', at: ENDS });
      expect(store.calls).toHaveLength(asked);
      expect(watch.until).toBe(ENDS);
      expect(clock.sleepers).toBe(0);
      expect(told).toEqual([]);
    });

    it('L6 aborts early by the leeway, and until includes the leeway', async () => {
      const { watch, clock } = await leased({ leewayMs: 2 * SECOND });
      expect(watch.until).toBe(ENDS - 2 * SECOND);
      await clock.set(ENDS - 2 * SECOND - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(ENDS - 2 * SECOND);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L1 aborts while a read hangs', async () => {
      const { watch, clock, store } = await leased();
      await clock.set(ENDS - 2 * SECOND);
      store.inject('live', { fault: 'hang' });
      await clock.set(ENDS - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(ENDS);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L1 continues past the end where an extension was granted and read before', async () => {
      const { engine, watch, clock, grant } = await leased();
      const more = await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      await engine.approve(more.request.id, { by: SAM });
      await settle();
      expect(watch.until).toBe(ENDS + TTL);
      await clock.set(ENDS + TTL - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(ENDS + TTL);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L1 aborts at the end where an extension was granted before it but not read', async () => {
      const store = new FaultyStore(new QuietStore());
      const { watch, clock, grant } = await leased({ store });
      const other = another({ store, clock });
      const more = await other.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      await clock.set(ENDS - 1);
      await other.approve(more.request.id, { by: SAM });
      expect(await other.check(MAYA, SCOPE)).toMatchObject({ allowed: true });
      expect(watch.until).toBe(ENDS);
      await clock.set(ENDS);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      // A new watch can start at once.
      expect((await watchAccess(other, MAYA, SCOPE)).until).toBe(ENDS + TTL);
    });

    it('L1 aborts at the end although a read in flight would have returned an extension', async () => {
      const store = new FaultyStore(new QuietStore());
      const { watch, clock, grant } = await leased({ store });
      const other = another({ store, clock });
      const more = await other.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      await clock.set(ENDS - SECOND - 1);
      await other.approve(more.request.id, { by: SAM });
      store.inject('live', { fault: 'hang' }, 1);
      await clock.set(ENDS);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      store.release();
      await settle();
      expect(watch).toMatchObject({ until: ENDS });
      expect(clock.sleepers).toBe(0);
    });

    it('L1 reports not_started where another grant starts after a gap', async () => {
      const { engine, watch, clock } = await leased();
      await aGranted(engine, { startsAt: ENDS + 1 });
      await clock.set(ENDS);
      expect(decisionOf(watch)).toMatchObject({ reason: 'not_started', validUntil: ENDS + 1 });
    });

    it('L1 covers a scope by patterns, and by one grant after another', async () => {
      const { engine, clock } = anEngine({
        scopes: patternScopes,
        approver: new ScriptedApprover({ decide }),
      });
      await aGranted(engine, { scope: 'db-prod:*', ttl: TTL });
      await aGranted(engine, { startsAt: ENDS, ttl: TTL });
      const watch = await watchAccess(engine, MAYA, SCOPE);
      expect(watch.until).toBe(ENDS + TTL);
      await clock.set(ENDS + TTL - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(ENDS + TTL);
      expect(watch.signal.aborted).toBe(true);
    });

    it('L1 aborts with the last use where uses are counted', async () => {
      const approver = new ScriptedApprover({ decide: { ...decide, terms: { maxUses: 2 } } });
      const { engine, watch } = await leased({ approver });
      await engine.consume(MAYA, SCOPE);
      await settle();
      expect(watch.signal.aborted).toBe(false);
      await engine.consume(MAYA, SCOPE);
      await settle();
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L1 moves until with each use where the grant has an idle limit, never past its window', async () => {
      const approver = new ScriptedApprover({ decide: { ...decide, terms: { idleTtlMs: 40 * SECOND } } });
      const { engine, watch, clock } = await leased({ approver });
      expect(watch.until).toBe(at(40 * SECOND));
      await clock.set(at(10 * SECOND));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      await settle();
      expect(watch.until).toBe(at(50 * SECOND));
      await clock.set(at(50 * SECOND) - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(at(50 * SECOND));
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });
  });

  describe('on a revoke or a release', () => {
    for (const verb of ['revoke', 'release'] as const) {
      it(`L12 aborts at once on this engine's own ${verb}, with no watch`, async () => {
        const { engine, watch, grant } = await leased({ store: new FaultyStore(new QuietStore()) });
        await engine[verb](grant.id, { by: MAYA });
        await settle();
        expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
        expect(decisionOf(watch)).toMatchObject({ reason: 'no_grant', at: at(0) });
      });

      it(`L12 aborts at once on another engine's ${verb} where the store has watch`, async () => {
        const made = await leased();
        await another(made)[verb](made.grant.id, { by: MAYA });
        await settle();
        expect(endOf(made.watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      });

      it(`L12 aborts within poll on another engine's ${verb} where the store has no watch`, async () => {
        const made = await leased({ store: new FaultyStore(new QuietStore()) });
        await made.clock.advance(300);
        await another(made)[verb](made.grant.id, { by: MAYA });
        await made.clock.set(at(SECOND) - 1);
        expect(made.watch.signal.aborted).toBe(false);
        await made.clock.set(at(SECOND));
        expect(endOf(made.watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      });
    }

    it('L12 aborts within the given poll where the hint is lost', async () => {
      const made = await leased({ store: new FaultyStore(new QuietStore(undefined, () => () => undefined)) }, { poll: 200 });
      await another(made).revoke(made.grant.id, { by: SAM });
      await made.clock.set(at(199));
      expect(made.watch.signal.aborted).toBe(false);
      await made.clock.set(at(200));
      expect(made.watch.signal.aborted).toBe(true);
    });

    it('L12 L19 continues while another grant still covers the scope, and only then', async () => {
      const approver = new ScriptedApprover({ decide });
      const { engine, watch, grant, clock } = await leased({ approver, scopes: patternScopes });
      const other = await aGranted(engine, { scope: 'db-prod:*', ttl: '30s' });
      await engine.revoke(grant.id, { by: SAM });
      await settle();
      expect(watch).toMatchObject({ until: other.expiresAt, signal: { aborted: false } });
      await engine.revoke(other.id, { by: SAM });
      await settle();
      expect(watch.signal.aborted).toBe(true);
      expect(clock.sleepers).toBe(0);
    });

    it('L1 L12 aborts at the end of the shorter grant, to the millisecond, once the longer one is revoked', async () => {
      const approver = new ScriptedApprover({ decide });
      const { engine, watch, grant, clock } = await leased({ approver, scopes: patternScopes });
      const shorter = await aGranted(engine, { scope: 'db-prod:*', ttl: 30_500 });
      await clock.set(at(30 * SECOND) + 200);
      await engine.revoke(grant.id, { by: SAM });
      await clock.set(shorter.expiresAt - 1);
      expect(watch).toMatchObject({ until: shorter.expiresAt, signal: { aborted: false } });
      await clock.set(shorter.expiresAt);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L12 reads once more when a hint arrives during a read', async () => {
      const inner = new FaultyStore(new MemoryGrantStore());
      const { engine, watch, clock, store, grant } = await leased({ store: new FaultyStore(inner) });
      const before = await inner.live({ subject: MAYA, scope: SCOPE, at: at(0) });
      store.inject('live', { fault: 'hang' }, 1);
      await clock.advance(SECOND);
      await engine.revoke(grant.id, { by: SAM });
      inner.inject('live', { fault: 'malformed', answer: before }, 1);
      store.release();
      await settle();
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L12 notices a commit during its first read', async () => {
      for (const isWatched of [true, false]) {
        const inner = new FaultyStore(isWatched ? new MemoryGrantStore() : new QuietStore());
        const { engine, store, clock } = anEngine({ store: new FaultyStore(inner) });
        const grant = await aGranted(engine, { ttl: HOUR });
        const before = await inner.live({ subject: MAYA, scope: SCOPE, at: at(0) });
        store.inject('live', { fault: 'hang' }, 1);
        const asking = watchAccess(engine, MAYA, SCOPE, { poll: '10m', maxUnconfirmed: '20m' });
        await settle();
        await engine.revoke(grant.id, { by: SAM });
        inner.inject('live', { fault: 'malformed', answer: before }, 1);
        store.release();
        const watch = await asking;
        await settle();
        expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
        expect(clock.sleepers).toBe(0);
      }
    });

    it('L34 reads nothing for commits about other subjects, and once for a commit about its own', async () => {
      const memory = new FaultyStore(new MemoryGrantStore());
      const approver = new ScriptedApprover({ decide: { ...decide, terms: { maxUses: 9 } } });
      const { watch, store, clock } = await leased({ approver, store: new FaultyStore(memory) }, { poll: '10s', maxUnconfirmed: '50s' });
      const { engine: other } = anEngine({ approver, store: memory, clock });
      const readsFor = async (act: () => Promise<unknown>) => {
        const before = store.called('live');
        await act();
        await settle();
        return store.called('live') - before;
      };
      const ask = (subject: string, scope: string) => () => other.requestAccess({ subject, scope, ttl: '1m' });
      // The first hint says nothing about earlier commits.
      expect(await readsFor(ask('user:other', SCOPE))).toBeGreaterThan(0);
      expect(await readsFor(() => other.consume('user:other', SCOPE))).toBe(0);
      expect(await readsFor(() => other.revokeAll({ subject: 'user:other' }, { by: SAM }))).toBe(0);
      expect(await readsFor(ask('user:third', SCOPE))).toBe(0);
      expect(await readsFor(ask(MAYA, 'other'))).toBe(1);
      expect(await readsFor(() => other.consume(MAYA, SCOPE))).toBe(1);
      expect(await readsFor(() => other.consume(MAYA, 'other'))).toBe(0);
      watch.stop();
    });

    it('L12 aborts on a revoke while an approver hangs at the activation of another start', async () => {
      const hang = hangs();
      const approver = new ScriptedApprover({ decide, isEligible: (_, when) => (when === 'start' ? hang() : true) });
      const { engine, watch, clock, grant } = await leased({ approver, scopes: patternScopes });
      await aGranted(engine, { scope: SCOPE, startsAt: at(20 * SECOND), ttl: TTL });
      await clock.set(at(40 * SECOND));
      expect(approver.questions).toContainEqual(expect.objectContaining({ when: 'start' }));
      expect(watch.signal.aborted).toBe(false);
      await engine.revoke(grant.id, { by: SAM });
      await settle();
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      expect(decisionOf(watch)).toMatchObject({ reason: 'not_activated' });
      const closing = engine.close();
      await clock.advance('10s');
      await closing;
    });
  });

  describe('when reads fail', () => {
    for (const fault of ['reject', 'throw', 'hang'] as const) {
      it(`L30 aborts 5 s after the start of the last read that succeeded, where reads ${fault}`, async () => {
        const { watch, clock, store, told } = await leased();
        await clock.set(at(10 * SECOND) + 500);
        store.inject('live', { fault });
        await clock.set(at(15 * SECOND) - 1);
        expect(watch.signal.aborted).toBe(false);
        await clock.set(at(15 * SECOND));
        expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE', operation: 'live' });
        if (fault === 'hang') expect(told).toEqual([]);
        else {
          expect(told.map(({ during }) => during)).toEqual(['watchAccess', 'watchAccess', 'watchAccess', 'watchAccess']);
          expect((watch.signal.reason as StoreError).cause).toBe(told.at(-1)?.error);
        }
        expect(clock.sleepers).toBe(0);
      });
    }

    it('L30 has one read in flight, and dates an answer by the start of its read', async () => {
      const { watch, clock, store } = await leased();
      const before = store.called('live');
      store.inject('live', { fault: 'hang' }, 1);
      await clock.set(at(4 * SECOND));
      expect(store.called('live')).toBe(before + 1);
      store.inject('live', { fault: 'hang' });
      store.release();
      await settle();
      // Read at 1 s: good until 6 s, though it was answered at 4 s.
      await clock.set(at(6 * SECOND) - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(at(6 * SECOND));
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
    });

    it('L30 continues where the store recovers in time', async () => {
      const { watch, clock, store } = await leased();
      const clear = store.inject('live', { fault: 'reject' });
      await clock.set(at(4 * SECOND) - 1);
      clear();
      await clock.set(at(MINUTE) - 1);
      expect(watch.signal.aborted).toBe(false);
    });

    it('L30 does not report an earlier failure as the cause of a later timeout', async () => {
      const { watch, clock, store } = await leased();
      store.inject('live', { fault: 'reject' }, 1);
      await clock.set(at(3 * SECOND));
      store.inject('live', { fault: 'hang' });
      await clock.set(at(8 * SECOND));
      expect(endOf(watch)?.code).toBe('ERR_JIT_STORE');
      expect(endOf(watch)?.cause).toBeUndefined();
    });

    it('L30 aborts after the given maxUnconfirmed', async () => {
      const { watch, clock, store } = await leased({}, { maxUnconfirmed: '40s', poll: '10s' });
      store.inject('live', { fault: 'malformed', answer: undefined });
      await clock.set(at(40 * SECOND) - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(at(40 * SECOND));
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
    });

    it('L30 an unreadable grant row does not count as a grant', async () => {
      const { watch, clock, store, told } = await leased();
      store.inject('live', { fault: 'malformed', answer: [{ kind: 'grant', id: 'x', subject: MAYA, scope: SCOPE }] });
      await clock.set(at(SECOND));
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      expect(told.map(({ during }) => during)).toEqual(['check']);
    });

    it('continues for the whole window over a slow store', async () => {
      const { watch, clock, store } = await leased();
      store.inject('all', { fault: 'yield', seed: 7 });
      await clock.set(ENDS - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(ENDS);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });
  });

  describe('when the clock is set', () => {
    it('L5 ahead: access that has expired by then ends, and access that was unconfirmed for too long ends', async () => {
      const clock = new SteppingClock();
      const ended = await leased({ clock: clock as unknown as ManualClock });
      clock.step(TTL);
      await clock.pass(SECOND);
      expect(endOf(ended.watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });

      const suspended = await leased({ clock: clock as unknown as ManualClock });
      clock.step(4 * SECOND - 1);
      await clock.pass(SECOND);
      expect(suspended.watch.signal.aborted).toBe(false);
      clock.step(4 * SECOND);
      await clock.pass(SECOND);
      expect(endOf(suspended.watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
    });

    it('L1 L5 ahead during a read: an extension in its answer was not read before the end', async () => {
      const clock = new SteppingClock();
      const store = new FaultyStore(new QuietStore());
      const { watch, grant } = await leased({ clock: clock as unknown as ManualClock, store }, { maxUnconfirmed: '1h' });
      const other = another({ store, clock: clock as unknown as ManualClock });
      const more = await other.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      await other.approve(more.request.id, { by: SAM });
      store.inject('live', { fault: 'hang' }, 1);
      await clock.pass(SECOND);
      clock.step(TTL);
      // Its own timer has not fired yet.
      expect(watch.signal.aborted).toBe(false);
      store.release();
      await settle();
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L5 back: continues while access is confirmed, and until stays the same', async () => {
      const clock = new SteppingClock();
      const { watch } = await leased({ clock: clock as unknown as ManualClock });
      await clock.pass(30 * SECOND);
      clock.step(-20 * SECOND);
      await clock.pass(50 * SECOND - 1);
      expect(watch.until).toBe(ENDS);
      expect(watch.signal.aborted).toBe(false);
      await clock.pass(1);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('L5 back: an expiry that the engine has noticed stays', async () => {
      const clock = new SteppingClock();
      const { engine, watch } = await leased({ clock: clock as unknown as ManualClock });
      clock.step(TTL);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      clock.step(-TTL);
      await clock.pass(SECOND);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it.each([-20 * SECOND, -2 * SECOND])('L30 by %i ms while reads fail: aborts after maxUnconfirmed', async (by) => {
      const clock = new SteppingClock();
      const { watch, store, told } = await leased({ clock: clock as unknown as ManualClock });
      await clock.pass(30 * SECOND);
      store.inject('live', { fault: 'reject' });
      clock.step(by);
      await clock.pass(5 * SECOND - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.pass(1);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE', cause: { code: 'ERR_JIT_STORE' } });
      expect(told.map(({ during }) => during)).toContain('watchAccess');
    });

    it('L30 back while a read hangs: aborts after maxUnconfirmed by its timer', async () => {
      const clock = new SteppingClock();
      const { watch, store } = await leased({ clock: clock as unknown as ManualClock });
      await clock.pass(20 * SECOND);
      store.inject('live', { fault: 'hang' });
      clock.step(-20 * SECOND);
      await clock.pass(5 * SECOND - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.pass(1);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
    });

    it('L30 back a little while a read hangs: aborts after maxUnconfirmed by its timer, without an error of the clock', async () => {
      const clock = new SteppingClock();
      const { watch, store } = await leased({ clock: clock as unknown as ManualClock });
      await clock.pass(20 * SECOND);
      store.inject('live', { fault: 'hang' });
      clock.step(-10);
      await clock.pass(5 * SECOND - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.pass(1);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
    });

    it('L30 back repeatedly while reads hang, and noticed each time: the times add up to maxUnconfirmed', async () => {
      const clock = new SteppingClock();
      const { engine, watch, store } = await leased({ clock: clock as unknown as ManualClock });
      await clock.pass(10 * SECOND);
      const passes = async (ms: number) => {
        store.inject('live', { fault: 'hang' });
        await clock.pass(ms);
        store.clear();
        await engine.isAllowed('user:other', SCOPE);
      };
      for (let i = 0; i < 4; i++) {
        await passes(1_100);
        clock.step(-1_050);
        await engine.isAllowed('user:other', SCOPE);
      }
      await passes(599);
      expect(watch.signal.aborted).toBe(false);
      await passes(1);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
    });

    it('L30 back, and it sleeps by the clock: the engine wakes it when it notices the step', async () => {
      const { engine, watch, clock, store, told } = await leased({}, { poll: '20s', maxUnconfirmed: '30s' });
      await clock.advance(21 * SECOND);
      await clock.set(at(5 * SECOND));
      expect(clock.sleepers).toBe(2);
      store.inject('live', { fault: 'hang' });
      await refusal(engine.requestAccess({ subject: MAYA, scope: 'x', ttl: '1m' }), 'ERR_JIT_CLOCK');
      expect(told.map(({ during }) => during)).toEqual(['clock']);
      // Confirmed one second before the clock was set: 29 s are left from 5 s on.
      await clock.set(at(34 * SECOND) - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.set(at(34 * SECOND));
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
      expect(clock.sleepers).toBe(0);
    });

    it('L30 back during a read: its answer counts from the start of the read', async () => {
      const clock = new SteppingClock();
      const { watch, store, grant } = await leased({ clock: clock as unknown as ManualClock });
      await clock.pass(10 * SECOND + 500);
      store.inject('live', { fault: 'hang' }, 1);
      await clock.pass(SECOND);
      clock.step(-8 * SECOND);
      // The read that follows at once, because the clock was set back.
      store.inject('live', { fault: 'hang' });
      store.release();
      // Read half a second before the clock was set.
      await clock.pass(4_500 - 1);
      expect(watch.signal.aborted).toBe(false);
      await clock.pass(1);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_STORE' });
      expect(watch.until).toBe(grant.expiresAt);
    });

    it('L30 a clock that throws at now or sleep aborts it', async () => {
      for (const break_ of ['now', 'sleep'] as const) {
        const clock = new ManualClock();
        const { watch } = await leased({ clock });
        const problem = new Error('no clock');
        const broken = () => {
          throw problem;
        };
        const mend = clock[break_].bind(clock);
        const later = clock.set(at(SECOND));
        clock[break_] = broken;
        await later;
        clock[break_] = mend as () => never;
        expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_CLOCK', cause: problem });
      }
    });

    it('L30 a clock that fails during a read aborts it', async () => {
      for (const fault of ['hang', 'lose reply'] as const) {
        const { watch, clock, store } = await leased();
        store.inject('live', { fault: 'hang' }, 1);
        await clock.advance(SECOND);
        store.inject('live', fault === 'hang' ? { fault } : { fault: 'reject' });
        clock.now = () => NaN;
        store.release();
        await settle();
        expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_CLOCK' });
      }
    });
  });

  describe('with standing access', () => {
    it('makes no call to the store and has no until while the standing access lasts', async () => {
      let patterns: readonly string[] = ['db-prod:**'];
      const { engine, clock, store } = anEngine({ standing: () => patterns });
      store.inject('all', { fault: 'reject' });
      const watch = await watchAccess(engine, MAYA, SCOPE);
      expect(watch.until).toBeUndefined();
      await clock.advance(MINUTE);
      expect(watch.signal.aborted).toBe(false);
      expect(store.calls).toEqual([]);
      store.clear();
      patterns = [];
      await clock.advance(SECOND);
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    });

    it('moves to a grant when the standing access ends, and back', async () => {
      let patterns: readonly string[] = [SCOPE];
      const { engine, clock } = anEngine({ standing: () => patterns });
      const watch = await watchAccess(engine, MAYA, SCOPE);
      await aGranted(engine, { ttl: TTL });
      patterns = [];
      await clock.advance(SECOND);
      expect(watch.until).toBe(ENDS);
      patterns = [SCOPE];
      await clock.advance(SECOND);
      expect(watch.until).toBeUndefined();
      await clock.set(ENDS + TTL);
      expect(watch.signal.aborted).toBe(false);
      watch.stop();
    });
  });

  describe('when it is stopped', () => {
    it('aborts with AbortError, and leaves no timer and no watcher', async () => {
      const { store, watchers } = watched();
      const { engine, watch, clock } = await leased({ store: new FaultyStore(store) });
      expect(watchers.now).toBe(1);
      expect(clock.sleepers).toBe(2);
      watch.stop();
      expect(endOf(watch)?.name).toBe('AbortError');
      expect(watchers.now).toBe(0);
      expect(clock.sleepers).toBe(0);
      const { reason } = watch.signal as { readonly reason: unknown };
      watch.stop();
      await engine.close();
      expect(watch.signal.reason).toBe(reason);
    });

    it('is stopped at the end of its await using block', async () => {
      const made = await leased();
      let signal: AbortSignal;
      {
        await using watch = await watchAccess(made.engine, MAYA, SCOPE);
        signal = watch.signal;
        expect(signal.aborted).toBe(false);
      }
      expect(signal.aborted).toBe(true);
      expect(made.watch.signal.aborted).toBe(false);
    });

    it('lists its fields without the dispose method', async () => {
      const { watch } = await leased();
      expect(Object.keys(watch)).toEqual(['subject', 'scope', 'signal', 'until', 'stop']);
    });

    it('ignores the answer or the failure of a read in flight', async () => {
      for (const fails of [false, true]) {
        const inner = new FaultyStore(new MemoryGrantStore());
        const { watch, clock, store, told } = await leased({ store: new FaultyStore(inner) });
        store.inject('live', { fault: 'hang' }, 1);
        await clock.advance(SECOND);
        watch.stop();
        if (fails) inner.inject('live', { fault: 'reject' });
        store.release();
        await settle();
        expect(told).toEqual([]);
        expect(clock.sleepers).toBe(0);
      }
    });

    it('ends with ERR_JIT_CLOSED when the engine closes, as does a watch after close', async () => {
      const { engine, watch, clock, store } = await leased();
      const others = await Promise.all([watchAccess(engine, MAYA, SCOPE), watchAccess(engine, MAYA, SCOPE)]);
      store.inject('live', { fault: 'hang' }, 1);
      const late = refusal(watchAccess(engine, MAYA, SCOPE), 'ERR_JIT_CLOSED');
      await engine.close();
      for (const one of [watch, ...others]) expect(endOf(one)).toMatchObject({ code: 'ERR_JIT_CLOSED' });
      store.release();
      await late;
      await refusal(watchAccess(engine, MAYA, SCOPE), 'ERR_JIT_CLOSED');
      await refusal(
        withAccess(engine, MAYA, SCOPE, () => 1),
        'ERR_JIT_CLOSED',
      );
      expect(clock.sleepers).toBe(0);
    });

    it('an abort listener may stop it again, and other watches', async () => {
      const { engine, watch, grant } = await leased();
      const other = await watchAccess(engine, MAYA, SCOPE);
      watch.signal.addEventListener('abort', () => [watch, other].forEach((one) => one.stop()));
      await engine.revoke(grant.id, { by: SAM });
      await settle();
      expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
      expect(other.signal.aborted).toBe(true);
    });
  });

  it('60 watches share one store.watch, and each ends with its own grant', async () => {
    const { store, watchers } = watched();
    const { engine, clock } = anEngine({ store: new FaultyStore(store) });
    const watches = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const subject = `user:${i}`;
        const grant = await aGranted(engine, { subject, ttl: (i % 20) * MINUTE + MINUTE });
        return { grant, watch: await watchAccess(engine, subject, SCOPE, { poll: '30s', maxUnconfirmed: '2m' }) };
      }),
    );
    expect(watchers).toEqual({ now: 1, ever: 1 });
    const revoked = watches.filter((_, i) => i % 20 === 19);
    for (const { grant } of revoked) await engine.revoke(grant.id, { by: SAM });
    for (let minute = 1; minute <= 20; minute++) {
      await clock.set(at(minute * MINUTE));
      for (const { grant, watch } of watches.filter((one) => !revoked.includes(one))) {
        expect(watch.signal.aborted).toBe(grant.expiresAt <= clock.now());
      }
    }
    for (const { watch } of watches) expect(endOf(watch)).toMatchObject({ code: 'ERR_JIT_DENIED' });
    expect(watchers).toEqual({ now: 0, ever: 1 });
    expect(clock.sleepers).toBe(0);
  });
});
