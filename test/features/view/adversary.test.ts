import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type Approver } from '../../../src/index.js';
import type { JournalSlice, LiveQuery } from '../../../src/store.js';
import { EngineClock } from '../../../src/core/clock.js';
import { ChangedRows } from '../../../src/features/view/changed-rows.js';
import { LiveCopy } from '../../../src/features/view/live-copy.js';
import { ManualClock } from '../../../src/testing.js';
import { createView, viewOf } from '../../../src/view.js';
import { aGranted, anEngine, ANA, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from '../../engine/an-engine.js';
import { Dice } from '../../model/dice.js';
import { answer, aView, RemoteStore } from './a-view.js';
import { LateStore } from './late-store.js';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An engine, and a view of another process whose answers a test may hold back. */
function aLateView() {
  const memory = new MemoryGrantStore({ namespace: 'team' });
  const { engine, clock, store: engineStore } = anEngine({ store: new RemoteStore(memory) });
  const store = new LateStore(memory);
  return { engine, clock, store, engineStore, view: createView({ store, clock, load: 'all', maxStaleMs: HOUR, pollMs: HOUR / 2 }) };
}

describe('a view', () => {
  it.each(['ids', 'nothing'] as const)(
    'keeps the next grant of a pair when the expiry of the last one is recorded late (keep %s)',
    async (keep) => {
      const { engine, clock, view } = aView({ keep, maxStaleMs: HOUR, pollMs: HOUR / 2 });
      await aGranted(engine);
      await view.refresh();
      await clock.set(clock.now() + 16 * MINUTE);
      await aGranted(engine, { ttl: '1h' });
      await view.refresh();
      await view.refresh();
      await engine.sweep();
      await view.refresh();
      expect(answer(view, MAYA, SCOPE)).toBe('granted');
      view.close();
    },
  );

  it('L45 applies no late answer of a run that has failed', async () => {
    const { engine, view, store } = aLateView();
    for (const subject of [MAYA, ANA]) {
      const { id } = await aGranted(engine, { subject });
      const { request } = await engine.extend(id, { requestedBy: subject, ttl: '20m' });
      await engine.approve(request.id, { by: SAM });
    }
    await view.refresh();
    for (const subject of [MAYA, ANA]) await aGranted(engine, { subject, ttl: '40m' });
    // The pairs of both subjects are read: one read fails, and the answer to the other one is late.
    store.holds = (method, query) => method === 'live' && (query as LiveQuery).subject === ANA;
    store.inject('live', { fault: 'reject' }, 1);
    const failed = view.refresh().catch((error: unknown) => error);
    await turn();
    expect(store.held).toBe(1);
    store.holds = () => false;
    await engine.revokeAll({ subject: ANA }, { by: SAM });
    const refreshed = view.refresh().catch((error: unknown) => error);
    await turn();
    store.deliver();
    expect(await failed).toBeInstanceOf(Error);
    await refreshed;
    await view.refresh();
    expect(answer(view, ANA, SCOPE)).toBe('no_grant');
    view.close();
  });

  it('L12 L45 takes no row of locks that is newer than its grants', async () => {
    const { engine, view, store, engineStore } = aLateView();
    await view.refresh();
    await aGranted(engine);
    engineStore.inject('find', { fault: 'reject' });
    const { lockId } = await refusal(engine.lock({ subject: MAYA }, { by: SAM }), 'ERR_JIT_PARTIAL');
    engineStore.clear();
    // The answer to this refresh is late. Until it arrives, the lock ends the grant, and is lifted.
    store.holds = (method) => method === 'journal';
    const refreshed = view.refresh();
    await turn();
    store.holds = () => false;
    await engine.unlock(lockId as string, { by: SAM });
    store.deliver();
    await refreshed;
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    view.close();
  });

  it('loads nothing again where a grant begins, and is asked about, during a run', async () => {
    const { engine, clock, view, store } = aLateView();
    const start = clock.now() + MINUTE;
    await aGranted(engine, { startsAt: start });
    await clock.set(start - 1);
    await view.refresh();
    const found = store.called('find');
    store.holds = (method) => method === 'journal';
    const refreshed = view.refresh();
    await turn();
    await clock.set(start);
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    store.deliver();
    store.holds = () => false;
    await refreshed;
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    expect(store.called('find')).toBe(found);
    view.close();
  });

  it('asks its store once about many checks of a subject that is not loaded', async () => {
    const { engine, view, viewStore } = aView({ load: 'asked' });
    await aGranted(engine);
    await view.refresh();
    viewStore.inject('journal', { fault: 'reject' });
    const asked = viewStore.called('journal');
    for (let i = 0; i < 50; i++) {
      expect(answer(view, MAYA, SCOPE)).toBe('not_loaded');
      await turn();
    }
    expect(viewStore.called('journal')).toBe(asked + 1);
    viewStore.clear();
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    view.close();
  });

  it('confirms no start: it allows once an engine has confirmed it', async () => {
    const approver: Approver = { name: 'asked at the start', decide: () => ({ outcome: 'approve' }), isEligible: () => true };
    const { engine, clock, view } = aView({ maxStaleMs: HOUR, pollMs: HOUR / 2 }, { approver });
    await aGranted(engine, { startsAt: clock.now() + MINUTE });
    await view.refresh();
    await clock.set(clock.now() + MINUTE);
    expect(answer(view, MAYA, SCOPE)).toBe('not_activated');
    await engine.check(MAYA, SCOPE);
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    view.close();
  });

  it('follows the uses of counted and idle grants', async () => {
    const approver: Approver = {
      name: 'used',
      decide: ({ scopes }) => ({ outcome: 'approve', terms: scopes.includes('idle') ? { idleTtlMs: MINUTE } : { maxUses: 1 } }),
    };
    const { engine, clock, view } = aView({ maxStaleMs: HOUR, pollMs: HOUR / 2, countedGrants: 'allow' }, { approver });
    await aGranted(engine, { scopes: ['counted'] });
    await aGranted(engine, { scopes: ['idle'] });
    await view.refresh();
    expect([answer(view, MAYA, 'counted'), answer(view, MAYA, 'idle')]).toEqual(['granted', 'granted']);
    await clock.set(clock.now() + MINUTE - 1);
    await engine.check(MAYA, 'idle', { touch: 'wait' });
    await engine.consume(MAYA, 'counted');
    await view.refresh();
    await clock.set(clock.now() + MINUTE - 1);
    expect([answer(view, MAYA, 'counted'), answer(view, MAYA, 'idle')]).toEqual(['no_grant', 'granted']);
    await clock.set(clock.now() + 1);
    expect(answer(view, MAYA, 'idle')).toBe('no_grant');
    view.close();
  });

  it('keeps a grant that begins later, without another load', async () => {
    const { engine, clock, view, viewStore } = aView({ maxStaleMs: HOUR, pollMs: HOUR / 2 });
    await view.refresh();
    const found = viewStore.called('find');
    await aGranted(engine, { startsAt: clock.now() + MINUTE });
    await view.refresh();
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('not_started');
    await clock.set(clock.now() + MINUTE);
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    expect(viewStore.called('find')).toBe(found);
    view.close();
  });

  it('shows no older state of a pair while it applies entries that its rows contain', async () => {
    const { engine, view, store } = aLateView();
    const { id } = await aGranted(engine);
    await view.refresh();
    const { request } = await engine.extend(id, { requestedBy: MAYA, ttl: '20m' });
    await engine.approve(request.id, { by: SAM });
    // The journal answers, and then the rows are read: they are newer.
    store.holds = (method) => method === 'journal';
    const refreshed = view.refresh();
    await turn();
    store.holds = () => false;
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    await engine.revoke((await aGranted(engine)).id, { by: SAM });
    store.deliver();
    await refreshed;
    expect(answer(view, MAYA, SCOPE)).toBe('no_grant');
    // One entry at a time.
    const oneByOne = (slice: JournalSlice) => ({ ...slice, entries: slice.entries.slice(0, 1) });
    store.inject('journal', { fault: 'malformed', answer: oneByOne });
    store.holds = (method) => method === 'journal';
    const next = view.refresh();
    for (let isOver = false, pages = 0; !isOver; pages++) {
      await turn();
      expect([pages, answer(view, MAYA, SCOPE)]).toEqual([pages, 'no_grant']);
      isOver = pages > 0 && store.held === 0;
      store.deliver();
    }
    await next;
    view.close();
  });

  it('resolves a refresh also where the journal grows all the time', async () => {
    const store = new RemoteStore(new MemoryGrantStore({ namespace: 'team' }));
    let wake = () => undefined as unknown;
    Object.defineProperty(store, 'watch', { value: (given: () => void) => (wake = given) });
    const journal = store.journal.bind(store);
    store.journal = async (query) => {
      const slice = await journal(query);
      // A hint during each run, but not for ever: this test must end.
      if (store.called('journal') < 100) wake();
      return slice;
    };
    const view = createView({ store, clock: new ManualClock() });
    await view.refresh();
    expect(store.called('journal')).toBeLessThan(10);
    view.close();
  });
});

describe('viewOf()', () => {
  it('allows nothing from a lock of its engine on, until its row is read', async () => {
    const { engine, store } = aView();
    const view = viewOf(engine);
    await aGranted(engine);
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    store.inject('journal', { fault: 'reject' });
    await engine.lock({ scope: 'other' }, { by: SAM });
    expect(answer(view, MAYA, SCOPE)).toBe('stale_view');
    store.clear();
    await engine.lock({ subject: MAYA }, { by: SAM });
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('locked');
    await engine.close();
  });
});

describe('viewOf() while its runs and the verbs interleave', () => {
  it.each(['all', 'asked'] as const)('L12 allows nothing from the moment on in which a revoke has resolved (load %s)', async (load) => {
    for (let seed = 0; seed < 8; seed++) {
      const dice = new Dice(seed);
      const { engine, store } = anEngine({ store: new RemoteStore(new MemoryGrantStore({ namespace: 'team' })) });
      const view = viewOf(engine, { load, keep: dice.of(['ids', 'nothing']) });
      await view.refresh();
      store.inject('all', { fault: 'yield', seed });
      for (let step = 0; step < 8; step++) {
        const [subject, scope] = [dice.of([MAYA, ANA]), dice.of([SCOPE, 'db-prod:read'])];
        const { grantId } = view.check(subject, scope);
        if (dice.once(3)) store.inject(dice.of(['live', 'journal']), { fault: 'reject' }, 1);
        const refreshed = view.refresh().catch(() => undefined);
        if (dice.once(3)) await refreshed;
        const issued = await aGranted(engine, { subject, scopes: [scope] }).catch(() => undefined);
        for (let turns = dice.roll(6); turns > 0; turns--) await turn();
        if (dice.once(3)) continue;
        if (dice.once(2)) await engine.revokeAll({ subject }, { by: SAM });
        else for (const id of [grantId, issued?.id]) if (id !== undefined) await engine.revoke(id, { by: SAM });
        const isHeld = await engine.isAllowed(subject, scope).catch(() => true);
        if (!isHeld) expect([seed, step, view.isAllowed(subject, scope)]).toEqual([seed, step, false]);
        for (let turns = dice.roll(4); turns > 0; turns--) {
          await turn();
          if (!isHeld) expect([seed, step, turns, view.isAllowed(subject, scope)]).toEqual([seed, step, turns, false]);
        }
      }
      store.clear();
      await view.refresh();
      for (const subject of [MAYA, ANA]) view.isAllowed(subject, SCOPE);
      await view.refresh();
      for (const subject of [MAYA, ANA])
        for (const scope of [SCOPE, 'db-prod:read'])
          expect([seed, view.isAllowed(subject, scope)]).toEqual([seed, await engine.isAllowed(subject, scope)]);
      await engine.close();
    }
  });
});

describe('ChangedRows', () => {
  // The answer of the store is already on its way when this process records the end.
  it.each(range(12))('keeps an end out of the copy that is recorded %i microtasks after an older answer', async (microtasks) => {
    const { engine, clock, memory } = aView();
    const { id: grantId } = await aGranted(engine);
    const rows = memory.live({ subject: MAYA, at: clock.now() });
    for (const isLoaded of [false, true]) {
      const copy = new LiveCopy({ usesCells: true, keepsIds: true });
      const store = { get: () => Promise.resolve([]), live: () => Promise.resolve(rows) };
      const changes = new ChangedRows(copy, { store, clock: new EngineClock(clock), isExact: true, has: () => isLoaded });
      if (isLoaded) changes.markStale({ subject: MAYA, scope: SCOPE });
      const read = isLoaded ? changes.readStale(clock.now()) : changes.readSubject(MAYA, clock.now());
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      changes.applyEnd({ subject: MAYA, scope: SCOPE, grantId });
      await read;
      expect(copy.size).toBe(0);
    }
  });
});
