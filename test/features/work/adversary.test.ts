import { waitFor, watchAccess, withAccess } from 'jit-access/work';
import { explain } from 'jit-access/explain';
import { purge } from 'jit-access/retention';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { JitEngine, MemoryGrantStore, type AccessResult, type Clock, type GrantStore, type JitEngineOptions } from '../../../src/index.js';
import type { Row } from '../../../src/store.js';
import { FaultyStore, hangs, inTurn, ManualClock, ScriptedApprover, START_AT, throws, type ApproverScript } from '../../../src/testing.js';
import { decideAgain } from '../../engine/decide-again.js';

const MINUTE = 60_000;
const SUBJECT = 'user:maya';
const SCOPE = 'db-prod:write';
const REVIEW = { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } } as const;

function setUp(script: ApproverScript = { decide: { outcome: 'approve' } }, over: Partial<JitEngineOptions> = {}) {
  const clock = new ManualClock();
  const memory = new MemoryGrantStore();
  const faulty = new FaultyStore(memory);
  const errors: [unknown, string][] = [];
  const approver = new ScriptedApprover(script);
  const options = { approver, clock, store: faulty as GrantStore, onError: (e: unknown, d: string) => void errors.push([e, d]), ...over };
  return { clock, memory, faulty, errors, approver, options, engine: new JitEngine(options) };
}

/** The same store without a hint of what is new. */
const unwatched = (store: GrantStore): GrantStore => ({
  namespace: store.namespace,
  durability: store.durability,
  in: (namespace) => unwatched(store.in(namespace)),
  get: (keys) => store.get(keys),
  live: (query) => store.live(query),
  find: (query) => store.find(query),
  due: (query) => store.due(query),
  commit: (change) => store.commit(change),
  journal: (query) => store.journal(query),
});

async function macro(n = 20): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

const granted = async (engine: JitEngine, over: object = {}): Promise<AccessResult & { outcome: 'granted' }> =>
  (await engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '30m', ...over })) as AccessResult & { outcome: 'granted' };

describe('watch', () => {
  afterEach(() => void vi.useRealTimers());

  it('issue 4, fail closed: a clock that steps back during a read does not stop the polls (real timers)', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: START_AT });
    let offset = 0;
    const clock: Clock = { now: () => Date.now() + offset }; // like systemClock: no sleep of its own
    const memory = new MemoryGrantStore();
    const faulty = new FaultyStore(unwatched(memory));
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
    const engine = new JitEngine({ approver, clock, store: faulty });
    const other = new JitEngine({ approver, clock: { now: () => Date.now() }, store: memory });
    const { grants } = await granted(engine, { ttl: '8h' });
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    const watch = await watchAccess(engine, SUBJECT, SCOPE);
    const gated = gate();
    faulty.inject('live', { fault: 'malformed', answer: async (rows: Row[]) => (await gated.opened, rows) }, 1);
    await vi.advanceTimersByTimeAsync(1_000); // the poll's read is in flight
    offset = -3_600_000; // NTP sets the clock back by an hour in the meantime
    gated.open();
    await vi.advanceTimersByTimeAsync(10);
    await other.revoke(grants[0]!.id, { by: 'user:sam' });
    await vi.advanceTimersByTimeAsync(60_000); // one minute: poll is one second, maxUnconfirmed five
    expect(await engine.isAllowed(SUBJECT, SCOPE)).toBe(false);
    const { aborted } = watch.signal;
    await engine.close();
    expect(aborted).toBe(true);
  });

  it('issue 4: a step back does not end work whose access is still confirmed, and a revoke is noticed within poll', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: START_AT });
    let offset = 0;
    const clock: Clock = { now: () => Date.now() + offset };
    const memory = new MemoryGrantStore();
    const faulty = new FaultyStore(unwatched(memory));
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
    const engine = new JitEngine({ approver, clock, store: faulty });
    const other = new JitEngine({ approver, clock: { now: () => Date.now() }, store: memory });
    const { grants } = await granted(engine, { ttl: '8h' });
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    const watch = await watchAccess(engine, SUBJECT, SCOPE);
    const gated = gate();
    faulty.inject('live', { fault: 'malformed', answer: async (rows: Row[]) => (await gated.opened, rows) }, 1);
    await vi.advanceTimersByTimeAsync(1_000);
    offset = -3_600_000;
    gated.open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(watch.signal.aborted).toBe(false);
    await other.revoke(grants[0]!.id, { by: 'user:sam' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(watch.signal.reason).toMatchObject({ code: 'ERR_JIT_DENIED' });
    await engine.close();
  });

  it('issue 4, fail closed: the watch also ends where the store then fails for a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: START_AT });
    let offset = 0;
    const clock: Clock = { now: () => Date.now() + offset };
    const faulty = new FaultyStore(new MemoryGrantStore());
    const engine = new JitEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' } }), clock, store: faulty });
    await granted(engine, { ttl: '8h' });
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    const watch = await watchAccess(engine, SUBJECT, SCOPE);
    const gated = gate();
    faulty.inject('live', { fault: 'malformed', answer: async (rows: Row[]) => (await gated.opened, rows) }, 1);
    await vi.advanceTimersByTimeAsync(1_000);
    offset = -3_600_000;
    gated.open();
    await vi.advanceTimersByTimeAsync(10);
    faulty.inject('all', { fault: 'reject' });
    await vi.advanceTimersByTimeAsync(60_000);
    const { aborted } = watch.signal;
    await engine.close();
    expect(aborted).toBe(true);
  });

  it('issue 4: after a step back that this engine has noticed, a clock with its own sleep still wakes every watch', async () => {
    const { clock, memory, options, errors } = setUp();
    const engine = new JitEngine({ ...options, store: unwatched(memory) });
    const other = new JitEngine({ ...options, store: memory });
    const { grants } = await granted(engine);
    const watch = await watchAccess(engine, SUBJECT, SCOPE);
    await clock.advance('20m');
    await clock.set(START_AT + 10 * MINUTE);
    expect(await engine.isAllowed(SUBJECT, SCOPE)).toBe(true); // the engine has read the clock, and reported the step back to onError
    await macro();
    expect(errors.map(([, during]) => during)).toContain('clock');
    await other.revoke(grants[0]!.id, { by: 'user:sam' });
    await clock.advance('5m'); // 300 polls
    expect(await engine.isAllowed(SUBJECT, SCOPE)).toBe(false);
    const { aborted } = watch.signal;
    await engine.close();
    expect(aborted).toBe(true);
  });

  it('issue 4, fail closed: small steps back do not stretch the time without confirmation', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: START_AT });
    let offset = 0;
    const clock: Clock = { now: () => Date.now() + offset };
    const faulty = new FaultyStore(new MemoryGrantStore());
    const engine = new JitEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' } }), clock, store: faulty });
    await granted(engine);
    const watch = await watchAccess(engine, SUBJECT, SCOPE);
    faulty.inject('live', { fault: 'reject' });
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(2_000);
      offset -= 1_900; // each step is too small to be noticed against `begunAt`
    }
    const { aborted } = watch.signal;
    await engine.close();
    expect(aborted).toBe(true); // 20 s of failing reads
  });

  it('issue 4: withAccess does not start work whose access has already ended', async () => {
    const begunAborted: number[] = [];
    for (let k = 0; k < 60; k++) {
      const { engine } = setUp();
      await granted(engine);
      const running = withAccess(engine, SUBJECT, SCOPE, (signal) => void (signal.aborted && begunAborted.push(k)));
      for (let i = 0; i < k; i++) await Promise.resolve();
      void engine.close();
      await running.catch(() => undefined);
    }
    expect(begunAborted).toEqual([]);
  });

  it('issue 4, watch: a revoke that commits while the first read is answered is noticed by the hint, not by the next poll', async () => {
    const { engine, faulty, memory, options } = setUp();
    const other = new JitEngine({ ...options, store: memory });
    const { grants } = await granted(engine);
    const gated = gate();
    faulty.inject('live', { fault: 'malformed', answer: async (rows: Row[]) => (await gated.opened, rows) }, 1);
    // With a store that can be watched, a service may poll seldom.
    const leasing = watchAccess(engine, SUBJECT, SCOPE, { poll: '10m', maxUnconfirmed: '20m' });
    await macro();
    await other.revoke(grants[0]!.id, { by: 'user:sam' });
    await macro();
    gated.open();
    const aborted = await leasing.then(
      async (watch) => (await macro(), watch.signal.aborted),
      () => true,
    );
    expect(await engine.isAllowed(SUBJECT, SCOPE)).toBe(false);
    await engine.close();
    expect(aborted).toBe(true);
  });

  it('hostile durations: null is no duration', async () => {
    const { engine } = setUp();
    const { request } = await granted(engine);
    const watch = (options: object) =>
      watchAccess(engine, SUBJECT, SCOPE, options).then(
        (l) => (l.stop(), 'accepted'),
        (e: { code?: string }) => e.code,
      );
    expect([
      await watch({ poll: null }),
      await watch({ maxUnconfirmed: null }),
      await waitFor(engine, request.id, { poll: null } as never).then(
        () => 'accepted',
        (e: { code?: string }) => e.code,
      ),
    ]).toEqual(['ERR_JIT_INVALID_ARGUMENT', 'ERR_JIT_INVALID_ARGUMENT', 'ERR_JIT_INVALID_ARGUMENT']);
  });

  it('cost: commits about other subjects do not make every watch read the store', async () => {
    const { engine, faulty } = setUp();
    const watches = [];
    for (let i = 0; i < 20; i++) {
      await granted(engine, { subject: `user:l${i}` });
      watches.push(await watchAccess(engine, `user:l${i}`, SCOPE));
    }
    await macro();
    const before = faulty.called('live');
    const commits = faulty.called('commit');
    for (let i = 0; i < 50; i++) {
      await granted(engine, { subject: `user:o${i}`, scope: 'other:x' });
      await macro(2);
    }
    const reads = faulty.called('live') - before;
    for (const watch of watches) watch.stop();
    expect(reads).toBeLessThan(20 * (faulty.called('commit') - commits));
  });

  it('an async store.watch that rejects is reported to onError, without an unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', hear);
    try {
      const { memory, options, errors } = setUp();
      const store = { ...unwatched(memory), watch: (async () => Promise.reject(new Error('LISTEN failed'))) as never };
      const engine = new JitEngine({ ...options, store });
      await granted(engine);
      const watch = await watchAccess(engine, SUBJECT, SCOPE);
      await macro();
      watch.stop();
      await macro();
      expect({ unhandled: unhandled.length, told: errors.length > 0 }).toEqual({ unhandled: 0, told: true });
    } finally {
      process.off('unhandledRejection', hear);
    }
  });

  it('a store.watch that failed is tried again for the next watch', async () => {
    const { memory, options } = setUp();
    let calls = 0;
    const store: GrantStore = {
      ...unwatched(memory),
      watch: (wake) => {
        if (++calls === 1) throw new Error('not connected yet');
        return memory.watch(wake);
      },
    };
    const engine = new JitEngine({ ...options, store });
    const other = new JitEngine({ ...options, store: memory });
    const { grants } = await granted(engine);
    const first = await watchAccess(engine, SUBJECT, SCOPE);
    const second = await watchAccess(engine, SUBJECT, SCOPE);
    await other.revoke(grants[0]!.id, { by: 'user:sam' });
    await macro();
    const { aborted } = second.signal;
    first.stop();
    second.stop();
    expect(aborted).toBe(true);
  });
});

describe('waitFor', () => {
  const reviewed: ApproverScript = { decide: REVIEW, groupsOf: ['g'] };

  it('issue 4: a slow read that began before the decision does not report an approved request as expired', async () => {
    const { clock, engine, faulty, memory, options } = setUp(reviewed, { limits: { reviewWithin: '10m' } });
    const other = new JitEngine({ ...options, store: memory });
    const { request } = await engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '30m' });
    const waiting = waitFor(engine, request.id, { poll: 5_000 }).then(({ outcome }) => outcome);
    await clock.advance(10 * MINUTE - 6_000);
    const gated = gate();
    faulty.inject('get', { fault: 'malformed', answer: async (rows: Row[]) => (await gated.opened, rows) }, 1);
    await clock.advance(5_000); // a poll has read the row, its reply is slow
    await other.approve(request.id, { by: 'user:sam' }); // in time, and committed
    await clock.advance(1_000); // the deadline
    gated.open();
    await macro();
    expect(await waiting).toBe('granted');
    expect((await decideAgain(engine, request.id)).outcome).toBe('granted');
  });

  it('decide: a slow read does not report an approved request as expired', async () => {
    const { clock, engine, faulty, memory, options } = setUp(reviewed, { limits: { reviewWithin: '10m' } });
    const other = new JitEngine({ ...options, store: memory });
    const { request } = await engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '30m' });
    await clock.advance(10 * MINUTE - 1_000);
    const gated = gate();
    faulty.inject('get', { fault: 'malformed', answer: async (rows: Row[]) => (await gated.opened, rows) }, 1);
    const deciding = decideAgain(engine, request.id);
    await macro();
    await other.approve(request.id, { by: 'user:sam' });
    await clock.advance(1_000);
    gated.open();
    expect((await deciding).outcome).toBe('granted');
  });

  it('explain: a slow read does not report a request that was denied in time as expired', async () => {
    const { clock, engine, faulty, memory, options } = setUp(reviewed, { limits: { reviewWithin: '10m' } });
    const other = new JitEngine({ ...options, store: memory });
    const { request } = await engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '30m' });
    await clock.advance(10 * MINUTE - 1_000);
    const gated = gate();
    const explaining = explain(engine, SUBJECT, SCOPE);
    faulty.inject('find', { fault: 'malformed', answer: async (page: unknown) => (await gated.opened, page) });
    await macro();
    await other.deny(request.id, { by: 'user:sam', reason: 'no' });
    await clock.advance(1_000);
    faulty.clear();
    gated.open();
    expect((await explaining).reason).not.toBe('expired');
  });

  it('bad input: a signal that lacks a method is refused as an argument', async () => {
    const { engine } = setUp(reviewed);
    const { request } = await engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '30m' });
    const like = { aborted: false, addEventListener: () => undefined };
    const error: unknown = await waitFor(engine, request.id, { signal: like as never }).catch((e: unknown) => e);
    await engine.close();
    expect(error).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });

  it('bad input: a signal without removeEventListener does not stop a wait from settling', async () => {
    const { engine, clock } = setUp(reviewed);
    const { request } = await engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '30m' });
    const like = { aborted: false, addEventListener: () => undefined, throwIfAborted: () => undefined };
    let told: unknown = 'nothing';
    void waitFor(engine, request.id, { signal: like as never }).then(
      ({ outcome }) => (told = outcome),
      (error: unknown) => (told = (error as { code?: string }).code),
    );
    await macro();
    await engine.approve(request.id, { by: 'user:sam' });
    await macro();
    const left = clock.sleepers;
    await Promise.resolve(engine.close()).catch(() => undefined);
    expect(told).not.toBe('nothing');
    expect(left).toBe(0);
  });
});

describe('explain and status', () => {
  it('L33: purge does not make explain report an older, wrong reason', async () => {
    const { engine, clock } = setUp({
      decide: { outcome: 'approve' },
      breakGlass: { outcome: 'approve', reviewWithinMs: 60 * MINUTE },
      mayReviewBreakGlass: true,
    });
    await engine.breakGlass({ subject: SUBJECT, scope: SCOPE, ttl: '5m', justification: 'fire' });
    await clock.advance('10m');
    await engine.sweep();
    const { grants } = await granted(engine);
    await clock.advance('1m');
    await engine.revoke(grants[0]!.id, { by: 'user:sam', reason: 'abuse' });
    await clock.advance('1m');
    const before = (await explain(engine, SUBJECT, SCOPE)).reason;
    await engine.flushAudit();
    await purge(engine, { before: clock.now(), by: 'user:ops', force: true });
    const after = (await explain(engine, SUBJECT, SCOPE)).reason;
    expect(before).toBe('revoked');
    expect(['revoked', 'purged']).toContain(after);
  });

  it('status.changesAt: a grant that waits for its activation expires by time alone', async () => {
    const { engine, clock } = setUp({
      decide: { outcome: 'approve' },
      isEligible: (_, when) => (when === 'start' ? throws(new Error('LDAP'))() : true),
    });
    const { grants } = await granted(engine, { startsAt: START_AT + MINUTE });
    await clock.advance(2 * MINUTE);
    const status = await engine.status(SUBJECT);
    expect(status.scheduled).toHaveLength(1);
    const { changesAt } = status;
    await clock.set(grants[0]!.expiresAt);
    expect((await engine.status(SUBJECT)).scheduled).toHaveLength(0); // time alone has changed it
    expect(changesAt).toBe(grants[0]!.expiresAt);
  });

  it('status.held: lists the grant that ends first first, also where it ends by its idle limit', async () => {
    const { engine } = setUp({
      decide: inTurn({ outcome: 'approve' }, { outcome: 'approve', terms: { idleTtlMs: MINUTE } }),
    });
    await granted(engine, { scope: 'a:1', ttl: '20m' });
    await granted(engine, { scope: 'a:2', ttl: '30m' });
    const { held, changesAt } = await engine.status(SUBJECT);
    expect(changesAt).toBe(START_AT + MINUTE);
    expect(held.map(({ scope }) => scope)).toEqual(['a:2', 'a:1']);
  });

  it('L6: check, status and explain agree on a grant that has ended by the leeway', async () => {
    const { engine, clock } = setUp({ decide: { outcome: 'approve' } }, { leewayMs: 6 * MINUTE });
    await granted(engine, { ttl: '5m', startsAt: START_AT + 10 * MINUTE });
    await clock.advance('9m'); // the grant's start is after its end by the leeway: it can never be used
    const check = await engine.check(SUBJECT, SCOPE);
    const told = await explain(engine, SUBJECT, SCOPE);
    const status = await engine.status(SUBJECT);
    expect([told.reason, check.reason, check.validUntil, status.scheduled.length]).toEqual(['expired', 'no_grant', undefined, 0]);
  });

  it('L1: explain does not report access of a grant that ended while its request was read', async () => {
    const { engine, clock, faulty } = setUp({ decide: { outcome: 'approve' } });
    await granted(engine, { ttl: '5m' });
    await clock.advance(5 * MINUTE - 1_000);
    // The check cannot see the grant; the read of the records can.
    faulty.inject('live', { fault: 'malformed', answer: [] }, 1);
    faulty.inject('get', { fault: 'hang' }, 1);
    let told: { allowed: boolean } | undefined;
    void explain(engine, SUBJECT, SCOPE).then((answer) => (told = answer));
    await macro();
    expect(told).toBeUndefined();
    await clock.advance(10 * MINUTE);
    faulty.release();
    await macro();
    expect(told?.allowed).toBe(false);
  });

  it('filterAllowed: an approver that hangs does not delay an allow that needs no activation, as in a check', async () => {
    const { engine, clock } = setUp({ decide: { outcome: 'approve' }, isEligible: (_, when) => (when === 'start' ? hangs()() : true) });
    await granted(engine, { ttl: '2h' });
    await granted(engine, { ttl: '3h', startsAt: START_AT + MINUTE });
    await clock.advance(2 * MINUTE);
    expect(await engine.isAllowed(SUBJECT, SCOPE)).toBe(true);
    let told: readonly string[] | undefined;
    void engine.filterAllowed(SUBJECT, [SCOPE]).then((list) => (told = list));
    await macro();
    expect(told).toEqual([SCOPE]);
  });

  it('explain: an approved request whose grant is unreadable rejects, instead of no_request', async () => {
    const { engine, faulty } = setUp();
    await granted(engine);
    const broken = (row: Row) => (row.kind === 'grant' ? { ...row, body: {} } : row);
    faulty.inject('live', { fault: 'malformed', answer: (rows: Row[]) => rows.map(broken) });
    faulty.inject('find', { fault: 'malformed', answer: (page: { items: Row[] }) => ({ ...page, items: page.items.map(broken) }) });
    // Only that grant could give the reason: any other reason would be wrong.
    expect(await explain(engine, SUBJECT, SCOPE).catch((e: unknown) => e)).toMatchObject({ code: 'ERR_JIT_CORRUPT', kind: 'request' });
  });
});
