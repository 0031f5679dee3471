import { canAsk, explain, preview, requestable, stats } from 'jit-access/explain';
import { provision } from 'jit-access/provisioning';
import { acceptClock, purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { autoApprove, MemoryGrantStore, type AccessAsk, type Approver, type JitEngine, type JitEngineOptions } from '../../src/index.js';
import { verifyStore } from '../../src/journal.js';
import { definePolicy } from '../../src/policy.js';
import { FaultyStore, ManualClock, ScriptedApprover } from '../../src/testing.js';
import {
  ANA,
  anEngine,
  aGranted,
  ask,
  at,
  confirmNow,
  entriesOf,
  fillLocks,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
} from './an-engine.js';

const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const CISO = { by: 'user:ciso', reason: 'stolen' };

/** A store, and a process with a right clock. `ahead` runs one call of another process whose clock is ahead, and closes it. */
function aFleet(options: Partial<JitEngineOptions> = {}) {
  const store = new FaultyStore(new MemoryGrantStore());
  const right = anEngine({ store, ...options });
  const processOf = (ms: number) => {
    const clock = new ManualClock(right.clock.now() + ms);
    return anEngine({ store, ...options, clock });
  };
  const ahead = async <T>(ms: number, call: (engine: (typeof right)['engine']) => Promise<T>): Promise<T> => {
    const { engine } = processOf(ms);
    const answer = await call(engine);
    await engine.close();
    return answer;
  };
  return { ...right, ahead, processOf };
}

const quorum = (approvals: number, more: object = {}) => ({ groups: [{ name: 'ops', approvals }], ...more });
const reviewed = (over: object, terms: object = {}): Approver =>
  new ScriptedApprover({ decide: { outcome: 'review', quorum: quorum(2, over), terms }, groupsOf: ['ops'], isEligible: true });

/** The leads of a wrong clock, beyond the tolerance. */
const LEADS = [
  ['two minutes', 2 * MINUTE],
  ['3 hours', 3 * HOUR],
  ['a year', YEAR],
] as const;

describe('an approval that a clock ahead has recorded', () => {
  it.each([
    ['3 hours', 3 * HOUR, 2.5 * HOUR],
    ['20 hours', 20 * HOUR, 19 * HOUR],
    ['two minutes', 2 * MINUTE, 1],
  ])('L17 L47 [EN1] is not fresh on a right clock: %s ahead', async (_, ms, later) => {
    const { engine, clock, store, ahead } = aFleet({ approver: reviewed({ approvalTtlMs: 10 * MINUTE }) });
    const { request } = await ask(engine);
    await ahead(ms, (wrong) => wrong.approve(request.id, { by: ANA }));
    await clock.advance(later);
    const { outcome } = await engine.approve(request.id, { by: LEE });
    expect(outcome).toBe('pending');
    // The reviewer approves again by a right clock, and that counts at once.
    expect((await engine.inbox(ANA)).items.map((item) => item.request.id)).toEqual([request.id]);
    const again = await engine.approve(request.id, { by: ANA });
    expect(again.outcome).toBe('granted');
    expect(again).toMatchObject({ grants: [{ startsAt: clock.now() }] });
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('L47 [EN1] is fresh within the tolerance, which `leewayMs` extends', async () => {
    for (const [leewayMs, ms] of [
      [0, MINUTE],
      [5 * MINUTE, 6 * MINUTE],
    ] as const) {
      const { engine, ahead } = aFleet({ approver: reviewed({ approvalTtlMs: HOUR }), leewayMs });
      const { request } = await ask(engine);
      await ahead(ms, (wrong) => wrong.approve(request.id, { by: ANA }));
      expect((await engine.approve(request.id, { by: LEE })).outcome).toBe('granted');
    }
  });

  it('L47 [EN1] completes a step without an instant that goes back: the next step begins by the right clock', async () => {
    const steps = [1, 2, 3].map(() => ({ groups: [{ name: 'ops', approvals: 1 }], escalation: { group: 'lead', afterMs: MINUTE } }));
    const { engine, clock, store, ahead } = aFleet({
      approver: new ScriptedApprover({ decide: { outcome: 'review', quorum: { steps } }, groupsOf: ['ops'], isEligible: true }),
    });
    const { request } = await ask(engine);
    await ahead(3 * HOUR, (wrong) => wrong.approve(request.id, { by: ANA }));
    const { request: next } = await engine.approve(request.id, { by: LEE });
    expect(next.begunSteps?.map((begun) => begun.at)).toEqual([clock.now() + 3 * HOUR, clock.now()]);
    expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });
});

describe('a use that a clock ahead has recorded', () => {
  const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: 4 * HOUR } } });

  it.each([
    ['two minutes', 2 * MINUTE],
    ['3 hours', 3 * HOUR],
  ])('L47 [EN1] is replaced by the next use on a right clock, from which the idle time counts: %s ahead', async (_, ms) => {
    const { engine, clock, ahead } = aFleet({ approver });
    await ask(engine, { ttl: '8h' });
    await ahead(ms, (wrong) => wrong.check(MAYA, SCOPE, { touch: 'wait' }));
    await engine.check(MAYA, SCOPE, { touch: 'wait' });
    await clock.advance(4 * HOUR - 1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    await clock.advance(1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('L47 [EN1] never lets the grant outlive its window', async () => {
    const { engine, clock, ahead } = aFleet({ approver });
    await ask(engine, { ttl: '6h' });
    await ahead(3 * HOUR, (wrong) => wrong.check(MAYA, SCOPE, { touch: 'wait' }));
    await clock.advance(6 * HOUR);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it.each(LEADS.slice(0, 2))('L27 L47 [EN6] does not delay the recorded end of a revoke: %s ahead', async (_, ms) => {
    const { engine, clock, ahead } = aFleet({ approver });
    const { id } = await aGranted(engine, { ttl: '8h' });
    await clock.advance(MINUTE);
    await ahead(ms, (wrong) => wrong.check(MAYA, SCOPE, { touch: 'wait' }));
    const { end } = await engine.revoke(id, CISO);
    expect(end?.at).toBe(clock.now());
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    await clock.advance(1);
    expect((await engine.whoHadAccess({ scope: SCOPE, at: clock.now() - 1 })).items).toEqual([]);
  });

  it('L27 L47 [EN6] does not delay the end of a release and of a lock, nor by seconds, and that of the last use by seconds only', async () => {
    const uses = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: 4 * HOUR, maxUses: 2 } } });
    for (const end of ['release', 'consume', 'lock'] as const) {
      const { engine, clock, ahead } = aFleet({ approver: uses });
      const { id } = await aGranted(engine, { ttl: '8h' });
      await ahead(end === 'consume' ? 2 * MINUTE : 30_000, (wrong) => wrong.consume(MAYA, SCOPE));
      if (end === 'release') await engine.release(id, { by: MAYA });
      if (end === 'consume') await engine.consume(MAYA, SCOPE);
      if (end === 'lock') await engine.lock({ subject: MAYA }, CISO);
      expect((await engine.getGrant(id))?.end?.at, end).toBe(clock.now());
    }
  });

  it.each([
    ['ten minutes', 10 * MINUTE],
    ['3 hours', 3 * HOUR],
  ])('L47 [EN3] stamps no later recorded use, and stops no process that starts afterwards: %s ahead', async (_, ms) => {
    const recordUse = { every: '1m' } as const;
    const { engine, clock, store, ahead, processOf } = aFleet({ approver: autoApprove(() => true), recordUse });
    await ask(engine, { ttl: '8h' });
    await ahead(ms, (wrong) => wrong.isAllowed(MAYA, SCOPE));
    for (let i = 0; i < 5; i++) {
      await clock.advance(MINUTE);
      await engine.isAllowed(MAYA, SCOPE);
      await engine.sweep();
      await engine.idle();
    }
    const [, ...later] = (await entriesOf(store)).filter(({ type }) => type === 'grant.seen');
    expect(later.map((entry) => entry.at)).toEqual([1, 2, 3, 4, 5].map((minute) => at(minute * MINUTE)));
    expect(later.at(-1)?.data['lastUsedAt']).toBe(clock.now());
    expect((await ask(processOf(0).engine, { scope: 'other' })).outcome).toBe('granted');
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });
});

describe('locks of a process whose clock is ahead', () => {
  it.each(LEADS)('L47 [EN2] stamp no later lock, so that each process that starts may create access: %s ahead', async (_, ms) => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, breakGlass: { outcome: 'approve', reviewWithinMs: HOUR } });
    const { engine, clock, store, ahead, processOf } = aFleet({ approver });
    await ahead(ms, async (wrong) => {
      const { lock } = await wrong.lock({ scope: 'x' }, CISO);
      await wrong.unlock(lock.id, CISO);
    });
    for (let hour = 0; hour < 4; hour++) {
      await clock.advance(HOUR);
      const { lock } = await engine.lock({ scope: 'x' }, { ...CISO, until: clock.now() + MINUTE });
      const started = processOf(0);
      expect((await ask(started.engine, { scope: `a:${hour}` })).outcome).toBe('granted');
      expect((await started.engine.breakGlass({ subject: `user:${hour}`, scope: 'b', ttl: '1m', justification: 'x' })).outcome).toBe(
        'granted',
      );
      await clock.advance(2 * MINUTE);
      await engine.sweep();
      await engine.idle();
      if (hour % 2 === 0) await engine.unlock(lock.id, CISO);
      expect((await ask(processOf(0).engine, { scope: `c:${hour}` })).outcome).toBe('granted');
    }
    const own = (await entriesOf(store)).filter((entry) => entry.type.startsWith('lock.')).slice(3);
    expect(own.filter((entry) => entry.at > clock.now())).toEqual([]);
    expect(own.length).toBeGreaterThan(8);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('L47 [EN2] a lock is not stamped ahead by a process whose own clock was ahead once', async () => {
    const { engine, clock, store, processOf } = aFleet({ approver: autoApprove(() => true) });
    await ask(engine);
    await clock.set(at(YEAR));
    const { lock } = await engine.lock({ scope: 'x' }, CISO);
    await clock.set(at(MINUTE));
    await engine.unlock(lock.id, CISO);
    expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'lock.lifted', at: at(MINUTE) });
    const { engine: started } = processOf(0);
    await acceptClock(started, CISO);
    expect((await ask(started)).outcome).toBe('granted');
  });

  it('L47 [EN2] delay the sweep of no later lock whose passes have failed', async () => {
    const { engine, clock, store, ahead } = aFleet({ approver: autoApprove(() => true) });
    await aGranted(engine, { ttl: '8h' });
    await ahead(YEAR, async (wrong) => {
      const { lock } = await wrong.lock({ scope: 'y' }, CISO);
      await wrong.unlock(lock.id, CISO);
    });
    store.inject('find', { fault: 'reject' });
    await refusal(engine.lock({ scope: SCOPE }, { ...CISO, until: clock.now() + HOUR }), 'ERR_JIT_PARTIAL');
    store.clear();
    await clock.advance(11_000);
    await engine.sweep();
    await engine.idle();
    const [lock] = await engine.listLocks();
    expect(lock).toMatchObject({ scope: SCOPE, completedAt: clock.now() });
    await clock.advance(HOUR);
    expect((await ask(engine, { ttl: '10m' })).outcome).toBe('granted');
  });
});

/** The asks before it, what else comes before it, and what each process starts. */
interface WithoutCaller {
  readonly over?: Partial<AccessAsk>;
  readonly prepare?: (fleet: ReturnType<typeof aFleet>) => Promise<void>;
  readonly start?: (engine: JitEngine) => unknown;
}

const follow = (engine: JitEngine): unknown => provision(engine, { name: 'roles', scopes: ['s:*'], apply: () => undefined });

/** Sweeps, and waits for all that follows. */
async function settle(engine: JitEngine, start?: (engine: JitEngine) => unknown): Promise<void> {
  start?.(engine);
  await engine.sweep();
  await engine.idle();
  await engine.flushAudit();
  await engine.idle();
}

describe('the end of a lock', () => {
  const approver = autoApprove(() => true);

  it.each(LEADS.flatMap(([lead, ms]) => (['sweep', 'lock'] as const).map((verb) => [lead, verb, ms] as const)))(
    'L39 L47 [A8] is recorded by no process whose clock is %s ahead: its %s',
    async (_, verb, ms) => {
      const { engine, clock, store, ahead } = aFleet({ approver });
      await ask(engine, { scope: 'other' });
      const until = clock.now() + MINUTE;
      await engine.lock({ subject: MAYA }, { ...CISO, until });
      await engine.lock({ scope: SCOPE }, { ...CISO, until });
      await ahead(ms, async (wrong) => {
        for (let again = 0; again < 3; again++) await (verb === 'sweep' ? wrong.sweep() : wrong.lock({ scope: `x:${again}` }, CISO));
        await wrong.idle();
      });
      expect(await engine.listLocks()).toHaveLength(verb === 'sweep' ? 2 : 5);
      await clock.set(until - 1);
      await refusal(ask(engine), 'ERR_JIT_LOCKED');
      await refusal(ask(engine, { subject: SAM }), 'ERR_JIT_LOCKED');
      // Each process judges the end by its own clock, recorded or not.
      await clock.set(until);
      expect((await ask(engine)).outcome).toBe('granted');
      expect(await verifyStore(store)).toMatchObject({ ok: true });
    },
  );

  it.each(LEADS)('L39 L47 [A8] makes no room in a full row for a lock of a process whose clock is ahead: %s', async (_, ms) => {
    const { engine, clock, store, processOf } = aFleet({ approver });
    await ask(engine, { scope: 'other' });
    const until = clock.now() + ms;
    await engine.lock({ subject: MAYA }, { ...CISO, until });
    await fillLocks(store);
    const wrong = processOf(ms).engine;
    for (let again = 0; again < 3; again++) {
      const refused = await refusal(wrong.lock({ scope: `x:${again}` }, CISO), 'ERR_JIT_LIMIT');
      expect(refused.message).toContain(`ended at ${new Date(until).toISOString()} by this process's clock`);
      await wrong.sweep();
    }
    await wrong.close();
    expect(await engine.listLocks()).toHaveLength(256);
    await clock.set(until - 1);
    await refusal(ask(engine), 'ERR_JIT_LOCKED');
    expect((await refusal(engine.lock({ scope: 'x' }, CISO), 'ERR_JIT_LIMIT')).message).not.toContain('ended');
    await clock.set(until);
    expect((await ask(engine)).outcome).toBe('granted');
    // Entries of callers confirm it, however lately the journal was asked.
    await refusal(engine.lock({ scope: 'x' }, CISO), 'ERR_JIT_LIMIT');
    await confirmNow(engine, 8);
    expect((await engine.lock({ scope: 'x' }, CISO)).lock.status).toBe('open');
    expect(await engine.listLocks()).toHaveLength(1);
  });

  /** What a process with a wrong clock does without a caller, for 600 grants. */
  const WITHOUT_CALLER: Readonly<Record<string, WithoutCaller>> = {
    'a sweep that ends them': {},
    'the external systems to which it reports them': { start: follow },
    'a sweep that asks the approver about their starts': { over: { startsAt: at(HOUR), ttl: 5 * HOUR } },
    'a sweep that ends them for a lock whose process has died': {
      over: { ttl: 5 * HOUR },
      prepare: async ({ engine, store }) => {
        store.inject('find', { fault: 'reject' });
        await refusal(engine.lock({ scope: 's:*' }, CISO), 'ERR_JIT_PARTIAL');
        store.clear();
      },
    },
  };

  it.each(Object.entries(WITHOUT_CALLER))('L39 L47 [A8] [M1] is not confirmed by %s, however many these are', async (_, without) => {
    const { over, prepare, start } = without;
    const asking: Approver = { name: 'p', decide: () => ({ outcome: 'approve' }), isEligible: () => true };
    const fleet = aFleet({ approver: asking, limits: { maxGrants: 50, maxOpenRequests: 50 } });
    const { engine, clock, store, processOf } = fleet;
    for (let i = 0; i < 12; i++)
      await ask(engine, { subject: `user:${i}`, scopes: Array.from({ length: 50 }, (_n, n) => `s:${n}`), ...over });
    await prepare?.(fleet);
    await settle(engine, start);
    const until = clock.now() + 10 * MINUTE;
    await engine.lock({ subject: MAYA }, { ...CISO, until });
    const before = (await entriesOf(store)).length;
    const wrong = processOf(3 * HOUR);
    for (let again = 0; again < 7; again++) {
      await settle(wrong.engine, again === 0 ? start : undefined);
      await wrong.clock.advance(11 * MINUTE);
    }
    expect((await entriesOf(store)).length - before).toBeGreaterThanOrEqual(600);
    await refusal(ask(engine), 'ERR_JIT_LOCKED');
    expect(await engine.listLocks()).toContainEqual(expect.objectContaining({ subject: MAYA }));
    await wrong.engine.close();
  });

  it('L39 [A8] is recorded once entries of callers confirm it, by whichever process', async () => {
    const { engine, clock, store, ahead } = aFleet({ approver });
    await engine.lock({ scope: 'x' }, { ...CISO, until: clock.now() + MINUTE });
    await clock.advance(2 * MINUTE);
    await confirmNow(engine, 4);
    await ahead(3 * HOUR, (wrong) => wrong.sweep().then(() => wrong.idle()));
    expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'lock.expired' });
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('L34 L39 [A8] costs a sweep no page of the journal for ten minutes, if the journal has not confirmed it', async () => {
    const { engine, clock, store } = aFleet({ approver });
    await engine.lock({ scope: 'x' }, { ...CISO, until: clock.now() + MINUTE });
    await clock.advance(MINUTE);
    const pass = async () => {
      const before = store.called('journal');
      await engine.sweep();
      return store.called('journal') - before;
    };
    expect(await pass()).toBeGreaterThan(0);
    for (let i = 0; i < 9; i++) {
      await clock.advance(MINUTE);
      expect(await pass()).toBe(0);
    }
    await clock.advance(MINUTE);
    expect(await pass()).toBeGreaterThan(0);
    // Nor does it wait for an entry of the last day.
    await clock.advance(2 * DAY);
    await pass();
    expect((await stats(engine)).sweepLagMs.value).toBe(0);
  });
});

describe('a start that a clock ahead has confirmed', () => {
  const scheduled = async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { warnBeforeMs: [15 * MINUTE] } }, isEligible: true });
    const made = aFleet({ approver });
    const startsAt = made.clock.now() + 10 * MINUTE;
    const { id } = await aGranted(made.engine, { startsAt, ttl: '20m' });
    return { ...made, approver, id, startsAt };
  };

  it.each([
    ['at its start, ten minutes ahead', 10 * MINUTE, 10 * MINUTE],
    ['before its start, twenty minutes ahead', 5 * MINUTE, 20 * MINUTE],
    ['at its start, 61 seconds ahead', 10 * MINUTE, 61_000],
  ])('L1 L27 L47 [A9] counts as none on a right clock, which asks the approver again: %s', async (_, later, ms) => {
    const { engine, clock, store, ahead, id, startsAt } = await scheduled();
    await clock.advance(later);
    await ahead(ms, (wrong) => wrong.check(MAYA, SCOPE));
    expect((await engine.getGrant(id))?.activatedAt).toBe(clock.now() + ms);
    if (clock.now() < startsAt) {
      await clock.set(startsAt - 1);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'not_started', validUntil: startsAt });
      expect(await engine.status(MAYA)).toMatchObject({ changesAt: startsAt });
      await clock.set(startsAt);
    }
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    expect(await engine.getGrant(id)).toMatchObject({ activatedAt: startsAt, status: 'active' });
    const activated = (await entriesOf(store)).filter(({ type }) => type === 'grant.activated');
    expect(activated.map((entry) => entry.at)).toEqual([at(later) + ms, startsAt]);
    await clock.advance(1);
    expect((await engine.whoHadAccess({ scope: SCOPE, at: startsAt - 1 })).items).toEqual([]);
    expect((await engine.whoHadAccess({ scope: SCOPE, at: startsAt })).items).toHaveLength(1);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('L47 [A9] is asked about by the sweep that finds the grant due, and gives nothing to who may no longer hold it', async () => {
    for (const isEligible of [true, false]) {
      const { engine, clock, ahead, approver, id, startsAt } = await scheduled();
      await clock.set(startsAt);
      await ahead(10 * MINUTE, (wrong) => wrong.sweep());
      approver.script.isEligible = isEligible;
      // Due for the warning, 15 minutes before its end.
      await clock.advance(5 * MINUTE);
      await engine.sweep();
      await engine.sweep();
      const grant = await engine.getGrant(id);
      expect(isEligible ? grant?.activatedAt : grant?.end?.cause).toBe(isEligible ? clock.now() : 'ineligible');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(isEligible);
    }
  });

  it('L27 L47 [A9] counts within the tolerance, and denies until its instant', async () => {
    const { engine, clock, ahead, id, startsAt } = await scheduled();
    await clock.set(startsAt);
    await ahead(MINUTE, (wrong) => wrong.check(MAYA, SCOPE));
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'not_started', validUntil: startsAt + MINUTE });
    await clock.advance(MINUTE);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    expect((await engine.getGrant(id))?.activatedAt).toBe(startsAt + MINUTE);
  });
});

describe('an ask of a process whose clock lies behind the journal', () => {
  it('L5 L39 [A10] is refused with ERR_JIT_CLOCK, and so is each question about it', async () => {
    const { engine, processOf } = aFleet({ approver: autoApprove(() => true) });
    await ask(engine, { scope: 'other' });
    const behind = processOf(-HOUR).engine;
    const questions = [
      () => ask(behind),
      () => preview(behind, { subject: MAYA, scope: SCOPE, ttl: '15m' }),
      () => canAsk(behind, MAYA, SCOPE),
      () => requestable(behind, MAYA),
    ];
    for (const question of questions) await refusal(question, 'ERR_JIT_CLOCK');
    // An explanation leaves the preview out.
    expect(await explain(behind, MAYA, SCOPE)).toMatchObject({ allowed: false, asking: undefined });
    await acceptClock(behind, CISO);
    expect(await Promise.all(questions.slice(1, 3).map((question) => question()))).toMatchObject([
      { outcome: 'granted' },
      { outcome: 'granted' },
    ]);
    expect(await requestable(behind, MAYA)).toMatchObject({ items: expect.any(Array) as unknown });
  });
});

describe('a denial of a process whose clock is ahead', () => {
  it('L44 L47 [EN1] prevents the same ask for `limits.askAgainAfter`, and not until its instant has come', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: quorum(1) }, groupsOf: ['ops'], isEligible: true });
    const { engine, clock, ahead } = aFleet({ approver, limits: { askAgainAfter: '1d' } });
    const { request } = await ask(engine);
    await ahead(20 * HOUR, (wrong) => wrong.deny(request.id, { by: SAM }));
    await clock.advance(DAY - 1);
    await refusal(ask(engine), 'ERR_JIT_LIMIT');
    const other = aFleet({ approver, limits: { askAgainAfter: '1h' } });
    const { request: denied } = await ask(other.engine);
    await other.ahead(20 * HOUR, (wrong) => wrong.deny(denied.id, { by: SAM }));
    await refusal(ask(other.engine), 'ERR_JIT_LIMIT');
    await other.clock.advance(HOUR);
    expect((await ask(other.engine)).outcome).toBe('pending');
  });
});

describe('a denial by a process whose clock is ahead, where a subject has 100 denials', () => {
  it.each(LEADS)('L44 L47 displaces one denial by reviewers at most: %s ahead', async (_, ms) => {
    const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: quorum(1) }, groupsOf: ['ops'], isEligible: true });
    const { engine, store, clock, ahead } = aFleet({ approver, limits: { askAgainAfter: ms } });
    for (let i = 0; i < 100; i++) await engine.deny((await ask(engine, { scope: `s:${i}` })).request.id, { by: SAM });
    await clock.advance(1);
    await ahead(ms, async (wrong) => wrong.deny((await ask(wrong, { scope: 'other' })).request.id, { by: SAM }));
    await refusal(ask(engine, { scope: 's:1' }), 'ERR_JIT_LIMIT');
    const entry = (await entriesOf(store)).findLast(({ type }) => type === 'request.denied');
    expect(entry?.data['forgotten']).toHaveLength(1);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });
});

describe('a denied request that lies wholly ahead of a clock', () => {
  const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: quorum(1) }, groupsOf: ['ops'], isEligible: true });
  const deniedBy = async (engine: ReturnType<typeof anEngine>['engine']) => {
    const { request } = await ask(engine);
    await engine.deny(request.id, { by: SAM });
  };

  it.each(LEADS.slice(0, 2))('L44 L47 is no less denied, but for at most twice `limits.askAgainAfter`: %s ahead', async (_, ms) => {
    const { engine, clock, ahead } = aFleet({ approver, limits: { askAgainAfter: '4h' } });
    await ask(engine, { scope: 'other' });
    await ahead(ms, deniedBy);
    await refusal(ask(engine), 'ERR_JIT_LIMIT');
    await clock.advance(4 * HOUR + ms - 1);
    await refusal(ask(engine), 'ERR_JIT_LIMIT');
    await clock.advance(1);
    expect((await ask(engine)).outcome).toBe('pending');
  });

  it('L44 L47 counts as old where it lies further ahead than `limits.askAgainAfter`', async () => {
    const { engine, ahead } = aFleet({ approver, limits: { askAgainAfter: '4h' } });
    await ask(engine, { scope: 'other' });
    await ahead(4 * HOUR + 1, deniedBy);
    expect((await ask(engine)).outcome).toBe('pending');
  });

  it('L44 L47 is denied also for a process whose clock is behind', async () => {
    const { engine, clock, processOf } = aFleet({ approver, limits: { askAgainAfter: '1d' } });
    const behind = processOf(-HOUR);
    await ask(behind.engine, { scope: 'other' });
    await clock.advance(MINUTE);
    await deniedBy(engine);
    await refusal(ask(behind.engine), 'ERR_JIT_LIMIT');
  });
});

describe('a process whose clock is behind', () => {
  it('L47 replaces no later use by its own: it would end the access for every process', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: 30 * MINUTE } } });
    const { engine, clock, store, processOf } = aFleet({ approver });
    await ask(engine, { ttl: '8h' });
    for (let i = 0; i < 12; i++) {
      await clock.advance(10 * MINUTE);
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
    }
    const behind = processOf(-HOUR);
    const { length } = await entriesOf(store);
    expect((await behind.engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(true);
    expect(await entriesOf(store)).toHaveLength(length);
    expect(behind.told.map(({ error }) => String(error)).join()).toContain("this process's clock shows");
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
  });
});

describe('purge() of a journal with an entry of a clock that is ahead', () => {
  async function aHistory(leads: readonly number[]) {
    const made = aFleet({ approver: autoApprove(() => true) });
    const { engine, clock, ahead } = made;
    for (let day = 0; day < 40; day++) {
      await clock.set(at(day * DAY));
      const { id } = await aGranted(engine, { scope: `a:${day}`, ttl: MINUTE });
      const lead = leads[day] ?? 0;
      await (lead > 0 ? ahead(lead, (wrong) => wrong.revoke(id, CISO)) : engine.revoke(id, CISO));
    }
    return made;
  }
  const startOf = async ({ store }: { readonly store: FaultyStore }) => (await store.journal({ after: 0, limit: 1 })).start.seq;

  it.each(LEADS)('L33 L47 [EN4] trims behind that entry, and keeps every entry of the horizon or later: %s ahead', async (_, ms) => {
    const made = await aHistory([0, 0, 0, 0, 0, 0, 0, 0, ms]);
    await purge(made.engine, { before: at(30 * DAY), by: 'user:ops', force: true });
    expect(await startOf(made)).toBe(30 * 4);
    expect(await verifyStore(made.store)).toMatchObject({ ok: true });
    if (ms === YEAR) expect(made.told.map(({ error }) => String(error)).join()).toContain('one of the two clocks is wrong');
  });

  it('L33 L47 [EN4] also after that instant has passed', async () => {
    const made = await aHistory([0, 0, YEAR]);
    for (const day of [300, 500, 700]) {
      await made.clock.set(at(day * DAY));
      await made.engine.revoke((await aGranted(made.engine, { scope: `b:${day}`, ttl: MINUTE })).id, CISO);
    }
    await purge(made.engine, { before: at(300 * DAY), by: 'user:ops', force: true });
    expect(await startOf(made)).toBe(40 * 4);
  });

  it('L33 L39 L47 [EN4] no clock that is behind makes younger entries old', async () => {
    const made = await aHistory([]);
    // The last entries are those of a process whose clock is behind.
    for (let i = 0; i < 5; i++) await made.ahead(-20 * DAY, (wrong) => wrong.lock({ scope: `x:${i}` }, CISO));
    await purge(made.engine, { before: at(30 * DAY), by: 'user:ops', force: true });
    expect(await startOf(made)).toBe(30 * 4);
  });

  it('L33 L47 [EN4] keeps the reason of an open lock with any instant', async () => {
    const made = await aHistory([]);
    const lagging = aFleet({ approver: autoApprove(() => true) });
    await lagging.ahead(YEAR, (wrong) => wrong.lock({ scope: 'x' }, CISO));
    for (let day = 0; day < 40; day++) {
      await lagging.clock.set(at(day * DAY));
      await lagging.engine.lock({ scope: `y:${day}` }, { ...CISO, until: lagging.clock.now() + MINUTE });
    }
    await purge(lagging.engine, { before: at(30 * DAY), by: 'user:ops', force: true });
    expect(await startOf(lagging)).toBe(0);
    await purge(made.engine, { before: at(30 * DAY), by: 'user:ops', force: true });
    expect(await startOf(made)).toBe(30 * 4);
  });
});

describe('maxHolders on clocks that differ', () => {
  const policy = () => definePolicy({ rules: [{ id: 'one', scopes: ['db:schema'], maxHolders: 1, approve: true }] });

  it.each([
    ['2.9 seconds', 2_900],
    ['the tolerance', MINUTE],
    ['9 minutes', 9 * MINUTE],
  ])('L9 L47 [ST11] a grant keeps its place until it has expired on every clock or its end is recorded: %s', async (_, ms) => {
    const { engine, clock, processOf } = aFleet({ approver: policy() });
    const own = (made: typeof engine, subject: string) => made.requestAccess({ subject, scope: 'db:schema', ttl: '10m' });
    await own(engine, 'user:first');
    await clock.advance(10 * MINUTE - ms);
    const fast = processOf(ms);
    const second = await own(fast.engine, 'user:second');
    expect(second.outcome).toBe('granted');
    if (second.outcome === 'granted') await fast.engine.revoke(second.grants[0]?.id ?? '', CISO);
    expect(await engine.isAllowed('user:first', 'db:schema')).toBe(true);
    await refusal(own(engine, 'user:third'), 'ERR_JIT_LIMIT');
    // An expired grant that no sweep has recorded keeps no new holder out.
    await clock.advance(ms);
    expect((await own(engine, 'user:third')).outcome).toBe('granted');
  });

  it('L9 L47 [A11] a process 20 minutes ahead lets no second holder in beside a live grant', async () => {
    const { engine, clock, store, processOf } = aFleet({ approver: policy() });
    const own = (made: typeof engine, subject: string) => made.requestAccess({ subject, scope: 'db:schema', ttl: '10m' });
    await own(engine, 'user:first');
    const fast = processOf(20 * MINUTE);
    const second = await own(fast.engine, 'user:second');
    if (second.outcome === 'granted') await fast.engine.revoke(second.grants[0]?.id ?? '', CISO);
    expect(await engine.isAllowed('user:first', 'db:schema')).toBe(true);
    await refusal(own(engine, 'user:third'), 'ERR_JIT_LIMIT');
    await clock.advance(10 * MINUTE);
    expect((await own(engine, 'user:third')).outcome).toBe('granted');
    expect(await engine.isAllowed('user:first', 'db:schema')).toBe(false);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it.each(LEADS)('L9 L47 [A11] an ask of a process whose clock is ahead ends no live grant that a long row lists: %s', async (_, ms) => {
    const { engine, clock, store, processOf } = aFleet({ approver: policy() });
    const own = (made: typeof engine, subject: string) => made.requestAccess({ subject, scope: 'db:schema', ttl: '10m' });
    for (let i = 0; i < 31; i++) {
      await own(engine, `user:${i % 3}`);
      await clock.advance(10 * MINUTE);
    }
    await own(engine, 'user:first');
    await clock.advance(9 * MINUTE);
    const fast = processOf(ms);
    expect((await own(fast.engine, 'user:second')).outcome).toBe('granted');
    expect((await entriesOf(store)).filter(({ type }) => type === 'grant.expired')).toHaveLength(16);
    expect(await engine.isAllowed('user:first', 'db:schema')).toBe(true);
    await refusal(own(engine, 'user:third'), 'ERR_JIT_LIMIT');
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('L42 [A11] the row of a rule without a sweeper lists a bounded number of expired grants', async () => {
    const { engine, clock, store } = aFleet({ approver: policy() });
    for (let i = 0; i < 100; i++) {
      expect((await engine.requestAccess({ subject: `user:${i % 3}`, scope: 'db:schema', ttl: '10m' })).outcome).toBe('granted');
      await clock.advance(10 * MINUTE);
    }
    const [row] = (await store.find({ kind: 'holders', limit: 1 })).items;
    expect((row?.body['grantIds'] as readonly string[]).length).toBeLessThanOrEqual(33);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });
});
