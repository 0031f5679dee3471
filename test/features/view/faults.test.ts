import { purge } from 'jit-access/retention';
import { describe, expect, it, vi } from 'vitest';
import { createChecker } from '../../../src/check.js';
import { JitEngine, LayoutError, MemoryGrantStore, reviewers, StoreError, type AuditEntry } from '../../../src/index.js';
import type { JournalSlice, Row } from '../../../src/store.js';
import { aChange, anEntry, START_AT, type Fault, type StoreMethod } from '../../../src/testing.js';
import { createView, type CreateViewOptions, type LiveView } from '../../../src/view.js';
import { aGranted, ANA, LEE, MAYA, refusal, SAM, SCOPE } from '../../engine/an-engine.js';
import { RewindableStore } from '../../kernel/rewindable-store.js';
import { Dice } from '../../model/dice.js';
import { answer, aView } from './a-view.js';
import { LateStore } from './late-store.js';
import { StepClock, turns } from './step-clock.js';

const MAX_STALE = 1_000;
const POLL = 500;
const OTHER = 'db-prod:read';
const MINUTE = 60_000;

/** Views of one process, each over a store of its own, and an engine of another process. Both read one time. */
class World {
  readonly memory = new MemoryGrantStore({ namespace: 'team' });
  readonly clock = new StepClock();
  readonly engine: JitEngine;
  readonly stores: readonly LateStore[];
  readonly views: readonly LiveView[];
  readonly reported: unknown[] = [];

  constructor(options: Partial<CreateViewOptions> = {}, watch?: (wake: (seq?: never) => void) => unknown) {
    const { memory, clock } = this;
    this.engine = new JitEngine({
      store: new LateStore(memory),
      clock: { now: () => clock.now(), elapsed: () => clock.elapsed() },
      approver: reviewers({ members: [SAM] }),
      limits: { minTtl: 1, resendMs: 0 },
    });
    this.stores = [new LateStore(memory), new LateStore(memory)];
    for (const store of this.stores) Object.defineProperty(store, 'watch', { value: watch });
    const onError = (error: unknown): void => void this.reported.push(error);
    this.views = this.stores.map((store, i) =>
      createView({ store, clock, load: i === 0 ? 'all' : 'asked', maxStaleMs: MAX_STALE, pollMs: POLL, onError, ...options }),
    );
  }

  /** Four grants that the views know: maya has two, one of them on a pair with two rows. */
  async begin(): Promise<this> {
    await aGranted(this.engine, { ttl: '30m' });
    const { id } = await aGranted(this.engine, { scopes: [OTHER], ttl: '30m' });
    await this.extend(id, MAYA);
    const { id: ofLee } = await aGranted(this.engine, { subject: LEE });
    await aGranted(this.engine, { subject: ANA, ttl: '8h' });
    for (const subject of [MAYA, LEE, ANA]) this.allowed(subject, SCOPE);
    await this.refresh();
    expect([...this.allowed(MAYA, SCOPE), ...this.allowed(MAYA, OTHER), ...this.allowed(ANA, SCOPE)]).toEqual(Array(6).fill(true));
    // What makes the views read rows with the next refresh.
    await this.extend(ofLee, LEE);
    return this;
  }

  async extend(id: string, requestedBy: string): Promise<void> {
    const { request } = await this.engine.extend(id, { requestedBy, ttl: '20m' });
    await this.engine.approve(request.id, { by: SAM });
  }

  async refresh(): Promise<void> {
    for (const view of this.views) await view.refresh();
  }

  inject(method: StoreMethod | 'all', fault: Fault): void {
    for (const store of this.stores) store.inject(method, fault);
  }

  clear(): void {
    for (const store of this.stores) {
      store.holds = () => false;
      store.clear();
      store.release();
      store.deliver();
    }
  }

  allowed(subject: string, scope: string): readonly boolean[] {
    return this.views.map((view) => view.isAllowed(subject, scope));
  }

  /** No view allows what maya had: from now on, for a time. */
  async expectDenied(): Promise<void> {
    for (const ms of [0, 1, POLL - 1, POLL, 3 * POLL]) {
      await this.clock.pass(ms);
      expect([...this.allowed(MAYA, SCOPE), ...this.allowed(MAYA, OTHER)]).toEqual(Array(4).fill(false));
    }
  }

  /** After one poll, or two where the view has to load again what it was asked about, each view answers as a check. */
  async expectRecovered(polls = 2): Promise<void> {
    for (let i = 0; i < polls; i++) {
      await this.clock.pass(POLL);
      await turns();
      this.allowed(MAYA, SCOPE);
      this.allowed(ANA, SCOPE);
    }
    await turns();
    const checker = createChecker({ store: this.memory, clock: this.clock });
    for (const subject of [MAYA, ANA]) {
      for (const scope of [SCOPE, OTHER]) {
        const { reason } = await checker.check(subject, scope);
        expect(this.views.map((view) => view.check(subject, scope).reason)).toEqual([reason, reason]);
      }
    }
  }

  async close(): Promise<void> {
    for (const view of this.views) view.close();
    await this.engine.close();
  }
}

type Edit = (slice: JournalSlice) => unknown;
const journalEdit = (edit: Edit): Fault => ({ fault: 'malformed', answer: edit });
const rowsEdit = (edit: (rows: readonly Row[]) => unknown): Fault => ({ fault: 'malformed', answer: edit });
const entriesEdit = (edit: (entry: AuditEntry) => unknown): Fault =>
  journalEdit((slice) => ({ ...slice, entries: slice.entries.map(edit) }));

const ANSWERS: readonly (readonly [string, Fault])[] = [
  ...[undefined, null, 0, 'yes', {}, [], [undefined], [null], ['row'], [{}]].map(
    (answer) => [`answers ${JSON.stringify(answer)}`, { fault: 'malformed', answer }] as const,
  ),
];

const FAILURES: readonly (readonly [string, Fault])[] = [
  ['throws', { fault: 'throw' }],
  ['throws nothing', { fault: 'throw', error: undefined }],
  ['rejects', { fault: 'reject' }],
  ['rejects with nothing', { fault: 'reject', error: undefined }],
  ['hangs', { fault: 'hang' }],
  ['loses the reply', { fault: 'lose reply' }],
];

const FAULTS: Readonly<Record<'get' | 'live' | 'find' | 'journal', readonly (readonly [string, Fault])[]>> = {
  get: [
    ...FAILURES,
    ...ANSWERS,
    ['answers the row of another key', rowsEdit((rows) => rows.map((row) => row && { ...row, kind: 'grant' }))],
  ],
  live: [...FAILURES, ...ANSWERS],
  find: [
    ...FAILURES,
    ...ANSWERS,
    ['answers an empty page', { fault: 'malformed', answer: { items: [], next: undefined } }],
    ['answers a page of nothing', { fault: 'malformed', answer: { items: [undefined, null, 0, {}], next: undefined } }],
    ['answers a page without an end', { fault: 'malformed', answer: { items: [], next: 'the same' } }],
  ],
  journal: [
    ...FAILURES,
    ...ANSWERS,
    ['omits all entries', journalEdit((slice) => ({ ...slice, entries: [] }))],
    ['omits an entry', journalEdit((slice) => ({ ...slice, entries: slice.entries.slice(1) }))],
    ['turns the entries round', journalEdit((slice) => ({ ...slice, entries: slice.entries.toReversed() }))],
    ['answers entries of another chain', entriesEdit((entry) => ({ ...entry, prevHash: 'f'.repeat(64) }))],
    ['answers entries of nothing', entriesEdit(() => undefined)],
    ['answers entries without data', entriesEdit((entry) => ({ ...entry, data: undefined }))],
    ['answers entries of another version', entriesEdit((entry) => ({ ...entry, v: 2 }))],
    ['answers entries of an unknown type', entriesEdit((entry) => ({ ...entry, type: 'grant.transferred' }))],
    ['answers entries of an unknown type without a grant', entriesEdit((entry) => ({ ...entry, type: 'a.b', grantId: undefined }))],
    ['answers entries that name no pair', entriesEdit((entry) => ({ ...entry, data: { ...entry.data, subject: 7, scope: null } }))],
    ['answers a head that goes back', journalEdit((slice) => ({ ...slice, entries: [], head: slice.start }))],
    ['answers the head of another journal', journalEdit((slice) => ({ ...slice, head: { ...slice.head, hash: 'e'.repeat(64) } }))],
    ['answers a journal that begins later', journalEdit((slice) => ({ ...slice, start: slice.head, entries: [] }))],
  ],
};

/** The entries of these may mean anything, so the views load everything again: at most once a minute. */
const LOADS_AGAIN = /without data|another version|unknown type|name no pair/;

/** What another process does. It has resolved when the time of the promise begins. */
const CHANGES: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'a revoke': ({ engine }) => engine.revokeAll({ subject: MAYA }, { by: SAM }),
  'a lock': ({ engine }) => engine.lock({ subject: MAYA }, { by: SAM }),
  'an expiry': async ({ engine, clock }) => {
    clock.block(55 * MINUTE);
    await engine.sweep();
  },
  'a purge': async ({ engine, clock }) => {
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    clock.block(1);
    await purge(engine, { before: clock.now(), by: SAM, force: true });
  },
};

const MATRIX = Object.entries(FAULTS).flatMap(([method, faults]) =>
  faults.map(([what, fault]) => [method as StoreMethod, what, fault] as const),
);

describe('a view whose store fails', () => {
  describe.each(Object.entries(CHANGES))('during %s', (_, change) => {
    it.each(MATRIX)('L45 allows nothing from maxStaleMs on, and recovers with the next poll: %s %s', async (method, what, fault) => {
      const world = await new World().begin();
      world.inject(method, fault);
      await change(world);
      await world.clock.pass(MAX_STALE);
      await world.expectDenied();
      world.clear();
      await turns();
      if (LOADS_AGAIN.test(what)) world.clock.block(MINUTE);
      await world.expectRecovered();
      expect(world.allowed(ANA, SCOPE)).toEqual([true, true]);
      await world.close();
    });

    it.each(['get', 'live', 'find', 'journal'].flatMap((method) => [1, 400, 999, 1_000, 1_700].map((ms) => [method, ms] as const)))(
      'L45 takes the answers of %s that come %i ms late as old',
      async (method, lateMs) => {
        const world = await new World().begin();
        for (const store of world.stores) store.holds = (called) => called === method;
        // The reads have begun: their answers are the state before the change.
        await world.clock.pass(POLL);
        await change(world);
        const passed = Math.min(lateMs, MAX_STALE);
        await world.clock.pass(lateMs);
        for (const store of world.stores) store.deliver();
        await turns();
        await world.clock.pass(MAX_STALE - passed);
        await world.expectDenied();
        world.clear();
        await turns();
        await world.expectRecovered();
        await world.close();
      },
    );
  });
});

/** Each `watch` of a store that fails. */
const WATCHES: Readonly<Record<string, (wake: (seq?: never) => void) => unknown>> = {
  'never wakes': () => () => undefined,
  throws: () => {
    throw new Error('no watch');
  },
  rejects: () => Promise.reject(new Error('no watch')),
  'returns nothing': () => undefined,
  'has no end': () => () => {
    throw new Error('no end');
  },
  'wakes with no number': (wake) => {
    for (const seq of [undefined, NaN, -1, 0, Infinity, '7', {}]) wake(seq as never);
    return () => undefined;
  },
};

describe('a view without notifications', () => {
  it.each(Object.entries(WATCHES))('L45 denies within a poll where watch %s', async (_, watch) => {
    const world = new World({}, watch);
    await world.begin();
    await world.engine.revokeAll({ subject: MAYA }, { by: SAM });
    await world.clock.pass(POLL);
    await world.expectDenied();
    await world.expectRecovered(1);
    await world.close();
  });
});

describe('a view that reads unknown entries', () => {
  const written = (entry: Partial<AuditEntry>, rows: readonly Row[] = []) =>
    aChange({ put: rows, append: [anEntry({ namespace: 'team', id: 'later.1', ...entry })] });
  const ended = (row: Row | undefined): Row => ({ ...(row as Row), version: (row as Row).version + 1, open: false });

  it('L45 reads the rows of a grant that has changed in an unknown way', async () => {
    const world = await new World().begin();
    const { grantId = '' } = world.views[0]?.check(MAYA, SCOPE) ?? {};
    const [row] = await world.memory.get([{ kind: 'grant', id: grantId }]);
    await world.memory.commit(written({ type: 'grant.suspended' as never, grantId }, [ended(row)]));
    await world.refresh();
    expect(world.allowed(MAYA, SCOPE)).toEqual([false, false]);
    expect(world.allowed(ANA, SCOPE)).toEqual([true, true]);
    await world.close();
  });

  it('L45 loads everything again where a grant of such an entry has no rows', async () => {
    const world = await new World().begin();
    const { grantId = '' } = world.views[0]?.check(MAYA, SCOPE) ?? {};
    const key = { kind: 'grant', id: grantId };
    const [row] = await world.memory.get([key]);
    const { version } = row as Row;
    await world.memory.commit({ ...written({ type: 'grant.removed' as never, grantId }), expect: [{ ...key, version }], remove: [key] });
    await world.refresh();
    await world.clock.pass(MAX_STALE);
    expect(world.views.map((view) => view.check(MAYA, SCOPE).reason)).toEqual(['stale_view', 'stale_view']);
    world.clock.block(MINUTE);
    await world.expectRecovered();
    expect(world.allowed(MAYA, SCOPE)).toEqual([false, false]);
    await world.close();
  });

  it.each([{ type: 'lock.paused' }, { type: 'everything.changed' }, { type: 'journal.accepted' }])(
    'L45 answers from maxStaleMs on only after everything is loaded again: $type',
    async ({ type }) => {
      const world = await new World().begin();
      await world.refresh();
      await world.memory.commit(written({ type: type as never, grantId: undefined, requestId: undefined }));
      await world.clock.pass(MAX_STALE);
      expect(world.views.map((view) => view.check(MAYA, SCOPE).reason)).toEqual(['stale_view', 'stale_view']);
      world.clock.block(MINUTE - MAX_STALE);
      await world.expectRecovered();
      await world.close();
    },
  );
});

describe('a view whose layout the store refuses', () => {
  it('L30 L45 [A38] allows nothing from its next question on, with the error of the store', async () => {
    const { engine, view, viewStore } = aView();
    await aGranted(engine);
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    // A contract of a newer version has ended.
    viewStore.journal = () => Promise.reject(new LayoutError(2, 2, 1));
    expect(await refusal(view.refresh(), 'ERR_JIT_LAYOUT')).toMatchObject({ readableFrom: 2 });
    expect(answer(view, MAYA, SCOPE)).toBe('stale_view');
    view.close();
  });
});

describe('a view whose store lies', () => {
  it('L30 allows nothing by rows of another subject or scope', async () => {
    const world = await new World().begin();
    const [row] = (await world.memory.find({ kind: 'grant', subject: ANA, limit: 1 })).items;
    world.inject('live', { fault: 'malformed', answer: [row] });
    world.allowed(SAM, SCOPE);
    await world.refresh();
    expect(world.views.map((view) => view.check(SAM, SCOPE).reason)).toEqual(['no_grant', 'no_grant']);
    expect(world.allowed(LEE, SCOPE)).toEqual([false, false]);
    await world.close();
  });

  it.each([undefined, null, 'lock', {}, { kind: 'lock', id: 'other', open: false }])(
    'L30 takes no answer of get for the row of locks: %j',
    async (row) => {
      const standing = () => [SCOPE];
      const world = await new World({ standing, standingObeysLocks: true }).begin();
      world.allowed(SAM, SCOPE);
      await world.refresh();
      expect(world.allowed(SAM, SCOPE)).toEqual([true, true]);
      world.inject('get', { fault: 'malformed', answer: [row] });
      await world.engine.lock({ scope: SCOPE }, { by: SAM });
      await world.clock.pass(MAX_STALE);
      expect(world.allowed(SAM, SCOPE)).toEqual([false, false]);
      await world.close();
    },
  );

  it('loads a subject also where another one cannot be read', async () => {
    const world = await new World().begin();
    for (const store of world.stores) {
      const live = store.live.bind(store);
      store.live = async (query) =>
        query.subject === 'user:eve' ? Promise.reject(new StoreError('live', 'too large', undefined)) : live(query);
    }
    await aGranted(world.engine, { subject: 'user:noor' });
    for (const subject of ['user:eve', 'user:noor']) world.allowed(subject, SCOPE);
    await world.clock.pass(3 * MAX_STALE);
    expect(world.allowed('user:noor', SCOPE)).toEqual([true, true]);
    expect(world.allowed(ANA, SCOPE)).toEqual([true, true]);
    expect(world.views.map((view) => view.check('user:eve', SCOPE).reason)).toEqual(['no_grant', 'not_loaded']);
    await world.close();
  });
});

describe('a view whose clock is set', () => {
  /** A world whose store fails from now on. Its views have just asked it. */
  async function failing(world: World): Promise<number> {
    const { clock } = world;
    world.clear();
    clock.set(START_AT + clock.elapsed() - clock.now());
    await world.refresh();
    // The view that loads what it is asked about may have begun again, because the clock was before a start.
    world.allowed(ANA, SCOPE);
    await world.refresh();
    expect(world.allowed(ANA, SCOPE)).toEqual([true, true]);
    world.inject('all', { fault: 'reject' });
    return clock.elapsed() + MAX_STALE;
  }

  it.each([true, false])('L45 allows nothing past maxStaleMs of the monotonic clock (blocked: %s)', async (isBlocked) => {
    const world = await new World().begin();
    const { clock } = world;
    for (let seed = 0; seed < (isBlocked ? 300 : 50); seed++) {
      const dice = new Dice(seed);
      const until = await failing(world);
      while (clock.elapsed() < until + MAX_STALE) {
        const byMs = dice.of([0, 0, -1, -10, -300, -900, -5_000, -3_600_000, 1, 300]);
        // Where nothing reads the clock around a step back, and the loop is blocked, the next reading does not show it.
        if (isBlocked && byMs < 0) world.allowed(ANA, SCOPE);
        clock.set(byMs);
        if ((isBlocked && byMs < 0) || dice.once(2)) world.allowed(ANA, SCOPE);
        const ms = dice.of([0, 1, 7, 50, 249, 250, 333, 499]);
        if (isBlocked) clock.block(ms);
        else await clock.pass(ms);
        if (clock.elapsed() >= until) expect([seed, ...world.allowed(ANA, SCOPE)]).toEqual([seed, false, false]);
      }
    }
    await world.close();
  });

  it('L45 allows nothing past maxStaleMs where the clock is set back by half of it, and nothing reads it', async () => {
    const world = await new World().begin();
    for (let byMs = 1; byMs <= MAX_STALE / 2; byMs += 7) {
      for (const at of [0, 100, 499, 500, 600, 999]) {
        await failing(world);
        world.clock.block(at);
        world.clock.set(-byMs);
        world.clock.block(MAX_STALE - at);
        expect([at, byMs, ...world.allowed(ANA, SCOPE)]).toEqual([at, byMs, false, false]);
      }
    }
    await world.close();
  });

  it('L45 allows nothing after a loop that was blocked for maxStaleMs, without another turn of it', async () => {
    const world = await new World().begin();
    await failing(world);
    world.clock.block(MAX_STALE - 1);
    expect(world.allowed(ANA, SCOPE)).toEqual([true, true]);
    world.clock.block(1);
    expect(world.views.map((view) => view.check(ANA, SCOPE).reason)).toEqual(['stale_view', 'stale_view']);
    await world.close();
  });

  it('L45 counts the time in which the monotonic clock stands, as in a device that sleeps', async () => {
    const world = await new World().begin();
    await failing(world);
    world.clock.set(MAX_STALE - 1);
    expect(world.allowed(ANA, SCOPE)).toEqual([true, true]);
    world.clock.set(1);
    expect(world.allowed(ANA, SCOPE)).toEqual([false, false]);
    world.clock.set(-MAX_STALE);
    expect(world.allowed(ANA, SCOPE)).toEqual([false, false]);
    await world.close();
  });

  it.each([-5, -5_000, -3_600_000, 3_600_000])('answers again within a poll after a step of %i ms', async (byMs) => {
    const world = await new World().begin();
    world.clock.block(Math.max(0, -byMs) + MINUTE);
    await world.clock.pass(POLL);
    await turns();
    world.clock.set(byMs);
    await world.expectRecovered(byMs < 0 ? 2 : 1);
    expect(world.allowed(ANA, SCOPE)).toEqual([true, true]);
    await world.close();
  });

  it.each([-5, -5_000])('L2 answers as a check within a poll after a step of %i ms to before a start', async (byMs) => {
    const world = await new World().begin();
    world.clock.set(byMs);
    await world.expectRecovered();
    expect(world.allowed(ANA, SCOPE)).toEqual(byMs > -2 * POLL ? [true, true] : [false, false]);
    await world.close();
  });

  it('reports a clock that fails once, and follows its store again with it', async () => {
    const world = new World({ pollMs: 5 });
    const [view] = world.views as readonly [LiveView];
    await view.refresh();
    let isFailing = true;
    const now = world.clock.now.bind(world.clock);
    world.clock.now = () => {
      if (isFailing) throw new Error('no time');
      return now();
    };
    vi.useFakeTimers();
    void world.clock.pass(5);
    await vi.advanceTimersByTimeAsync(1_000);
    vi.useRealTimers();
    // Each view reports its poll and its run.
    expect(world.reported).toHaveLength(4);
    isFailing = false;
    await view.refresh();
    expect(view.freshAt).toBe(now());
    await world.close();
  });
});

describe('a view over a store that went back', () => {
  async function restored() {
    const store = new RewindableStore();
    const clock = new StepClock();
    const approver = reviewers({ members: [SAM] });
    const engine = new JitEngine({ store, clock: { now: () => clock.now(), elapsed: () => clock.elapsed() }, approver });
    const reported: unknown[] = [];
    const views = (['all', 'asked'] as const).map((load) =>
      createView({ store, clock, load, maxStaleMs: MAX_STALE, pollMs: POLL, onError: (error) => reported.push(error) }),
    );
    const kept = await aGranted(engine);
    await engine.idle();
    const seq = await store.headSeq();
    const lost = await aGranted(engine, { scopes: [OTHER] });
    await engine.revoke(kept.id, { by: SAM });
    await engine.idle();
    const reasons = (scope: string) => views.map((view) => view.check(MAYA, scope).reason);
    const poll = async () => {
      await clock.pass(POLL);
      await turns(10);
    };
    reasons(SCOPE);
    await poll();
    expect([reasons(SCOPE), reasons(OTHER), lost.scope]).toEqual([['no_grant', 'no_grant'], ['granted', 'granted'], OTHER]);
    const head = await store.headSeq();
    await store.goBackTo(seq);
    return { store, engine, views, reasons, poll, reported, head };
  }

  it.each(['is shorter', 'is as long', 'has grown past it'])(
    'L45 answers as a check of it with the next poll, where it %s',
    async (what) => {
      const { store, engine, views, reasons, poll, reported, head } = await restored();
      if (what !== 'is shorter') await store.growTo(head + (what === 'is as long' ? 0 : 5));
      await poll();
      // The view that loads what it is asked about has begun again.
      reasons(SCOPE);
      await poll();
      // The revoke is lost, as for every check of the store (L40 refuses new access there).
      expect([reasons(SCOPE), reasons(OTHER)]).toEqual([
        ['granted', 'granted'],
        ['no_grant', 'no_grant'],
      ]);
      expect(reported).toHaveLength(2);
      expect(reported.every((error) => error instanceof StoreError)).toBe(true);
      for (const view of views) view.close();
      await engine.close();
    },
  );
});
