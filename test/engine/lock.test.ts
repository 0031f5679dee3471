import { describe, expect, it } from 'vitest';
import { createChecker } from '../../src/check.js';
import { explain } from '../../src/explain.js';
import {
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  reviewers,
  runSubject,
  type GrantStore,
  type JitEngineOptions,
} from '../../src/index.js';
import { readJournal, replay, verifyStore } from '../../src/journal.js';
import { purge } from '../../src/retention.js';
import { aChange, aRow, FaultyStore, ManualClock, ScriptedApprover, START_AT, throws } from '../../src/testing.js';
import { watchAccess } from '../../src/work.js';
import {
  ANA,
  aGranted,
  anEngine,
  aPending,
  ask,
  at,
  confirmNow,
  fillLocks,
  entriesOf,
  grantsOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
  typesOf,
} from './an-engine.js';
import { decideAgain } from './decide-again.js';

const OPS = 'user:ops';
const lockOf = (over: object = {}) => ({ by: OPS, reason: 'INC-9', ...over });

/** An engine over a store that another engine, on the same clock, shares. */
function twoEngines(options: Partial<JitEngineOptions> = {}) {
  const clock = new ManualClock();
  const shared = new MemoryGrantStore();
  const store = new FaultyStore(shared);
  return { clock, store, one: anEngine({ ...options, clock, store: shared }).engine, other: anEngine({ ...options, clock, store }).engine };
}

/** Resolves once a further call of this method is in flight. */
async function untilCalled(store: FaultyStore, method: 'commit' | 'find'): Promise<void> {
  const before = store.called(method);
  while (store.called(method) === before) await Promise.resolve();
}

/** The store, whose commits fail after the first. */
function afterFirst(store: GrantStore): GrantStore {
  let commits = 0;
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name === 'commit')
        return (change: Parameters<GrantStore['commit']>[0]) =>
          ++commits > 1 ? Promise.reject(new Error('killed')) : target.commit(change);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe('lock({ subject })', () => {
  it('denies every check of the subject with reason locked, by an engine and by a checker, and of no other subject', async () => {
    const { engine, store, clock } = anEngine();
    await aGranted(engine);
    await aGranted(engine, { subject: 'user:noor' });
    const { lock } = await engine.lock({ subject: MAYA }, lockOf());
    for (const asked of [engine, createChecker({ store, clock })]) {
      expect(await asked.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await asked.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', grant: undefined, validUntil: undefined });
      expect((await refusal(asked.assertAllowed(MAYA, SCOPE), 'ERR_JIT_DENIED')).decision?.reason).toBe('locked');
      expect(await asked.filterAllowed(MAYA, [SCOPE])).toEqual([]);
      expect(await asked.isAllowed('user:noor', SCOPE)).toBe(true);
    }
    expect(lock).toMatchObject({ subject: MAYA, scope: undefined, by: OPS, at: START_AT, completedAt: START_AT, status: 'open' });
  });

  it('ends its pending requests, scheduled grants and live grants with cause locked', async () => {
    const { engine } = anEngine();
    const live = await aGranted(engine);
    const scheduled = await aGranted(engine, { scope: 'db:later', startsAt: at(HOUR) });
    const pending = await aPending(engine, { scope: 'db:other' });
    const { ended } = await engine.lock({ subject: MAYA }, lockOf());
    expect(ended.requests.map(({ id }) => id)).toEqual([pending.id]);
    expect(ended.grants.map(({ id }) => id).sort()).toEqual([live.id, scheduled.id].sort());
    for (const { id } of [live, scheduled]) {
      expect((await engine.getGrant(id))?.end).toMatchObject({ status: 'revoked', cause: 'locked', by: OPS, reason: undefined });
    }
    expect((await engine.getRequest(pending.id))?.request.end).toMatchObject({ status: 'cancelled', cause: 'locked', by: OPS });
  });

  it('refuses asks, extensions, break-glass and uses with ERR_JIT_LOCKED, and records each attempt', async () => {
    const approver = {
      name: 'lenient',
      decide: () => ({ outcome: 'approve' as const }),
      breakGlass: () => ({ outcome: 'approve' as const, reviewWithinMs: HOUR }),
    };
    const { engine, store } = anEngine({ approver });
    await engine.lock({ subject: MAYA }, lockOf());
    const error = await refusal(ask(engine), 'ERR_JIT_LOCKED');
    expect(error).toMatchObject({ subject: MAYA, scope: undefined, until: undefined });
    expect(error.message).toContain(MAYA);
    expect(error.message).not.toContain('INC-9');
    await refusal(engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '5m', justification: 'fire' }), 'ERR_JIT_LOCKED');
    expect((await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED')).decision?.reason).toBe('locked');
    await engine.flushAudit();
    const refused = (await entriesOf(store)).filter(({ type }) => type === 'attempt.refused').map(({ data }) => data['code']);
    expect(refused).toEqual(['ERR_JIT_LOCKED', 'ERR_JIT_LOCKED', 'ERR_JIT_DENIED']);
    expect((await engine.listRequests()).items).toEqual([]);
  });

  it('does not refuse an ask for another subject, or the ask of another subject for another scope', async () => {
    const { engine } = anEngine();
    await engine.lock({ subject: MAYA }, lockOf());
    expect((await ask(engine, { subject: 'user:noor' })).outcome).toBe('pending');
  });

  it('reaches the runs of a locked agent (L43)', async () => {
    const { engine } = anEngine();
    const run = { agent: 'agent:support-7', operator: MAYA };
    const asked = await engine.requestAccess({ run, scope: SCOPE, ttl: '15m' });
    await engine.approve(asked.request.id, { by: SAM });
    expect(await engine.isAllowed(runSubject(run), SCOPE)).toBe(true);
    await engine.lock({ subject: 'agent:support-7' }, lockOf());
    expect(await engine.check(runSubject(run), SCOPE)).toMatchObject({ allowed: false, reason: 'locked' });
    await refusal(engine.requestAccess({ run, scope: SCOPE, ttl: '15m' }), 'ERR_JIT_LOCKED');
    expect((await refusal(engine.unlock((await engine.listLocks())[0]!.id, { by: runSubject(run) }), 'ERR_JIT_DENIED')).actor).toBe(
      runSubject(run),
    );
  });

  it('refuses new runs for a locked operator', async () => {
    const { engine } = anEngine();
    await engine.lock({ subject: MAYA }, lockOf());
    await refusal(engine.requestAccess({ run: { agent: 'agent:a', operator: MAYA }, scope: SCOPE, ttl: '15m' }), 'ERR_JIT_LOCKED');
  });
});

describe('lock() on the id of a reviewer or a requester', () => {
  it('refuses its approval, and takes its denial', async () => {
    const { engine } = anEngine();
    const { id } = await aPending(engine);
    await engine.lock({ subject: SAM }, lockOf());
    await refusal(engine.approve(id, { by: SAM }), 'ERR_JIT_LOCKED');
    expect((await engine.deny(id, { by: SAM })).outcome).toBe('denied');
  });

  it('does not count an earlier approval of a locked reviewer, and counts it again after the unlock', async () => {
    const { engine } = anEngine({ approver: reviewers({ members: [SAM, ANA, LEE], approvals: 2 }) });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: SAM });
    const { lock } = await engine.lock({ subject: SAM }, lockOf());
    expect((await engine.approve(id, { by: ANA })).outcome).toBe('pending');
    await engine.unlock(lock.id, { by: OPS });
    expect((await engine.approve(id, { by: ANA })).outcome).toBe('granted');
  });

  it('marks the items of the inbox that it keeps from being approved', async () => {
    const { engine } = anEngine();
    const run = { agent: 'agent:a', operator: LEE };
    await engine.requestAccess({ run, scope: SCOPE, ttl: '15m' });
    await aPending(engine, { subject: 'user:noor' });
    const lockedFor = async (reviewer: string) =>
      Object.fromEntries((await engine.inbox(reviewer)).items.map(({ request, locked }) => [request.subject, locked]));
    expect(await lockedFor(SAM)).toEqual({ [runSubject(run)]: false, 'user:noor': false });
    await engine.lock({ subject: LEE }, lockOf());
    expect(await lockedFor(SAM)).toEqual({ [runSubject(run)]: true, 'user:noor': false });
    await engine.lock({ subject: SAM }, lockOf());
    expect(await lockedFor(SAM)).toEqual({ [runSubject(run)]: true, 'user:noor': true });
    expect(await lockedFor(ANA)).toEqual({ [runSubject(run)]: true, 'user:noor': false });
  });

  it('refuses asks that it makes on behalf of another subject', async () => {
    const { engine } = anEngine();
    await engine.lock({ subject: SAM }, lockOf());
    await refusal(ask(engine, { requestedBy: SAM }), 'ERR_JIT_LOCKED');
  });

  it('cancels the requests that it has made for other subjects, so that no approval of them counts after the unlock', async () => {
    const { engine } = anEngine({ approver: reviewers({ members: [SAM, ANA], approvals: 2 }) });
    const { id } = await aPending(engine, { requestedBy: LEE });
    await engine.approve(id, { by: SAM });
    const { lock, ended } = await engine.lock({ subject: LEE }, lockOf());
    expect(ended).toMatchObject({ matched: true, requests: [{ id, end: { cause: 'locked' } }] });
    await engine.unlock(lock.id, { by: OPS });
    await refusal(engine.approve(id, { by: ANA }), 'ERR_JIT_DECIDED');
  });

  it('refuses the approval of a request of a run that names it as its operator', async () => {
    const { engine } = anEngine();
    const { request } = await engine.requestAccess({ run: { agent: 'agent:a', operator: LEE }, scope: SCOPE, ttl: '15m' });
    await engine.lock({ subject: LEE }, lockOf());
    await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_LOCKED');
  });

  it('refuses it as the reviewer of break-glass access, and that review stays pending', async () => {
    const approver = {
      ...reviewers({ members: [SAM, ANA] }),
      breakGlass: () => ({ outcome: 'approve' as const, reviewWithinMs: HOUR }),
      mayReviewBreakGlass: () => true,
    };
    const { engine } = anEngine({ approver });
    const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '5m', justification: 'fire' });
    await engine.lock({ subject: SAM }, lockOf());
    await refusal(engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'justified' }), 'ERR_JIT_LOCKED');
    expect((await engine.listRequests({ afterReview: 'pending' })).items).toHaveLength(1);
    await engine.reviewBreakGlass(request.id, { by: ANA, verdict: 'justified' });
  });
});

describe('lock({ scope })', () => {
  it('ends each grant and request that overlaps the pattern, whole, with every matcher', async () => {
    for (const scopes of [undefined, patternScopes]) {
      const { engine } = anEngine(scopes === undefined ? {} : { scopes });
      const inside = await grantsOf(engine, { scopes: ['db-prod:write', 'wiki:read'] });
      const outside = await aGranted(engine, { scope: 'db-test:write' });
      const pending = await aPending(engine, { subject: 'user:noor', scopes: ['db-prod:read', 'wiki:edit'] });
      const { ended } = await engine.lock({ scope: 'db-prod:**' }, lockOf());
      expect(ended.grants.map(({ scope }) => scope)).toEqual(['db-prod:write']);
      expect(ended.requests.map(({ id }) => id)).toEqual([pending.id]);
      expect(await engine.check(MAYA, 'db-prod:write')).toMatchObject({ reason: 'locked' });
      expect(await engine.check('user:eve', 'db-prod:anything')).toMatchObject({ reason: 'locked' });
      expect(await engine.isAllowed(MAYA, 'wiki:read')).toBe(true);
      expect(await engine.isAllowed(MAYA, outside.scope)).toBe(true);
      expect((await engine.getGrant(inside[1]!.id))?.status).toBe('active');
      await refusal(ask(engine, { scopes: ['wiki:edit', 'db-prod:read'] }), 'ERR_JIT_LOCKED');
    }
  });

  it('ends a granted pattern that overlaps the locked scope', async () => {
    const { engine } = anEngine({ scopes: patternScopes, approver: reviewers({ members: [SAM], patterns: true }) });
    const grant = await aGranted(engine, { scope: 'db-prod:*' });
    await engine.lock({ scope: 'db-prod:write' }, lockOf());
    expect((await engine.getGrant(grant.id))?.end?.cause).toBe('locked');
  });

  it('reports a scope that matches no open record as perhaps misspelt', async () => {
    const { engine } = anEngine();
    await aGranted(engine);
    const { ended } = await engine.lock({ scope: 'db-prod' }, lockOf());
    expect(ended).toMatchObject({ matched: false, similar: ['db-prod:write'] });
  });
});

describe('until of a lock', () => {
  it('ends the lock at its instant, never early, and gives no ended access back', async () => {
    const { engine, clock } = anEngine({ leewayMs: 1_000 });
    await aGranted(engine);
    await engine.lock({ subject: MAYA }, lockOf({ until: at(MINUTE) }));
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ reason: 'locked', validUntil: at(MINUTE) });
    await clock.set(at(MINUTE) - 1);
    expect((await refusal(ask(engine), 'ERR_JIT_LOCKED')).until).toBe(at(MINUTE));
    await clock.set(at(MINUTE));
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'no_grant' });
    expect(await engine.listLocks()).toEqual([]);
    expect((await ask(engine)).outcome).toBe('pending');
  });

  it('L39 is recorded by a sweep once the journal confirms it, once for each lock', async () => {
    const { engine, clock, store } = anEngine();
    await engine.lock({ subject: MAYA }, lockOf({ until: at(MINUTE) }));
    await engine.lock({ scope: SCOPE }, lockOf({ until: at(MINUTE) }));
    await engine.lock({ scope: SCOPE }, lockOf({ until: at(HOUR) }));
    await clock.set(at(MINUTE));
    await engine.sweep();
    expect(await typesOf(store)).not.toContain('lock.expired');
    await confirmNow(engine, 8);
    // The journal is asked again after ten minutes.
    await clock.advance(10 * MINUTE);
    await engine.sweep();
    await engine.sweep();
    expect((await typesOf(store)).filter((type) => type === 'lock.expired')).toHaveLength(2);
    expect(await engine.listLocks()).toMatchObject([{ until: at(HOUR) }]);
    expect((await verifyStore(store)).differences).toEqual([]);
  });

  it('must lie in the future', async () => {
    const { engine, store } = anEngine();
    expect((await refusal(engine.lock({ subject: MAYA }, lockOf({ until: START_AT })), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('until');
    expect(await typesOf(store)).toEqual([]);
  });
});

describe('an unfinished lock', () => {
  /** A lock whose process died after its first commit: every later commit fails. */
  async function unfinished(until?: number) {
    const clock = new ManualClock();
    const store = new FaultyStore(new MemoryGrantStore());
    const { engine } = anEngine({ clock, store });
    const grant = await aGranted(engine);
    const dying = anEngine({ clock, store: afterFirst(store) }).engine;
    const error = await refusal(dying.lock({ subject: MAYA }, lockOf({ until })), 'ERR_JIT_PARTIAL');
    return { engine, clock, store, grant, lockId: error.lockId as string, error };
  }

  it('rejects with ERR_JIT_PARTIAL that names the lock, and still denies', async () => {
    const { engine, error, grant, lockId } = await unfinished();
    expect(error.message).toContain(lockId);
    expect(error.failures.length).toBeGreaterThan(0);
    expect((await engine.getGrant(grant.id))?.end).toBeUndefined();
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', validUntil: undefined });
    expect(await engine.listLocks()).toMatchObject([{ id: lockId, completedAt: undefined }]);
  });

  it('is finished by the sweep of any process', async () => {
    const { engine, store, clock, grant } = await unfinished();
    // The process that set it has ten seconds to finish it alone.
    await clock.set(at(9_999));
    await engine.sweep();
    expect((await engine.getGrant(grant.id))?.end).toBeUndefined();
    await clock.set(at(10_000));
    await engine.sweep();
    expect((await engine.getGrant(grant.id))?.end).toMatchObject({ cause: 'locked', by: OPS });
    expect(await engine.listLocks()).toMatchObject([{ completedAt: at(10_000) }]);
    expect(await typesOf(store)).toContain('lock.completed');
    expect((await verifyStore(store)).differences).toEqual([]);
  });

  it('lets no sweep record the start of a grant that it has not ended yet', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore(new MemoryGrantStore());
    const { engine } = anEngine({ clock, store });
    const grant = await aGranted(engine, { startsAt: at(MINUTE) });
    await refusal(anEngine({ clock, store: afterFirst(store) }).engine.lock({ subject: MAYA }, lockOf()), 'ERR_JIT_PARTIAL');
    await clock.set(at(MINUTE));
    await engine.sweep();
    expect(await typesOf(store)).not.toContain('grant.activated');
    expect((await engine.getGrant(grant.id))?.end?.cause).toBe('locked');
  });

  it('is finished although the approver hangs for every place of the questions of a sweep (L38)', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore(new MemoryGrantStore());
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
    const { engine } = anEngine({ clock, store, approver, limits: { maxOpenRequests: 100 } });
    const { request } = await ask(engine);
    approver.script.decide = throws(new Error('down'));
    for (let i = 0; i < 30; i++) await refusal(ask(engine, { subject: 'user:noor', scope: `db:${i}` }), 'ERR_JIT_APPROVER');
    await refusal(anEngine({ clock, store: afterFirst(store) }).engine.lock({ subject: MAYA }, lockOf()), 'ERR_JIT_PARTIAL');
    approver.script.decide = () => new Promise(() => undefined);
    await clock.set(at(MINUTE));
    void engine.sweep();
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect((await engine.getRequest(request.id))?.grants[0]?.end?.cause).toBe('locked');
  });

  it('is not ended by its until before it is complete', async () => {
    const { engine, clock, grant } = await unfinished(at(MINUTE));
    await clock.set(at(2 * MINUTE));
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked' });
    await engine.sweep();
    expect((await engine.getGrant(grant.id))?.end?.cause).toBe('locked');
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'no_grant' });
    expect(await engine.listLocks()).toEqual([]);
  });

  it('is finished by unlock before it is lifted', async () => {
    const { engine, grant, lockId } = await unfinished();
    expect(await engine.unlock(lockId, { by: OPS })).toMatchObject({ status: 'lifted' });
    expect((await engine.getGrant(grant.id))?.end?.cause).toBe('locked');
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('is finished by a repeat under its key', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore(new MemoryGrantStore());
    const { engine } = anEngine({ clock, store });
    await aGranted(engine);
    const options = lockOf({ idempotencyKey: 'k1' });
    await refusal(anEngine({ clock, store: afterFirst(store) }).engine.lock({ subject: MAYA }, options), 'ERR_JIT_PARTIAL');
    const again = await engine.lock({ subject: MAYA }, options);
    expect(again).toMatchObject({ reused: true, lock: { completedAt: START_AT } });
    expect(again.ended.grants).toHaveLength(1);
    expect(await engine.listLocks()).toHaveLength(1);
  });
});

describe('the passes of a lock', () => {
  it('end no access that was given after another process has finished and lifted the lock', async () => {
    const { one, other, store } = twoEngines();
    await aGranted(one);
    store.inject('find', { fault: 'hang' }, 1);
    const locking = other.lock({ subject: MAYA }, lockOf());
    await untilCalled(store, 'find');
    const [open] = await one.listLocks();
    await one.unlock(open!.id, { by: OPS });
    const later = await aGranted(one);
    store.release();
    expect((await locking).lock.status).toBe('lifted');
    expect((await one.getGrant(later.id))?.status).toBe('active');
  });
});

describe('idempotencyKey of lock()', () => {
  it('returns the first lock, open or ended, and sets no second one (L11)', async () => {
    const { engine, store } = anEngine();
    const options = lockOf({ idempotencyKey: 'k1' });
    const first = await engine.lock({ subject: MAYA }, options);
    const again = await engine.lock({ subject: MAYA }, options);
    expect(again).toMatchObject({ reused: true, lock: { id: first.lock.id, status: 'open' } });
    await engine.unlock(first.lock.id, { by: OPS });
    expect(await engine.lock({ subject: MAYA }, options)).toMatchObject({ reused: true, lock: { id: first.lock.id, status: 'lifted' } });
    expect((await typesOf(store)).filter((type) => type === 'lock.set')).toHaveLength(1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect((await ask(engine)).outcome).toBe('pending');
  });

  it('refuses another lock under the same key', async () => {
    const { engine } = anEngine();
    await engine.lock({ subject: MAYA }, lockOf({ idempotencyKey: 'k1' }));
    await refusal(engine.lock({ subject: SAM }, lockOf({ idempotencyKey: 'k1' })), 'ERR_JIT_IDEMPOTENCY');
    await refusal(engine.lock({ subject: MAYA }, lockOf({ idempotencyKey: 'k1', until: at(HOUR) })), 'ERR_JIT_IDEMPOTENCY');
    expect((await engine.lock({ subject: SAM }, lockOf({ by: ANA, idempotencyKey: 'k1' }))).reused).toBe(false);
  });
});

describe('unlock()', () => {
  it('ends exactly one lock: the target stays locked while another is open', async () => {
    const { engine } = anEngine();
    const [first, second] = [await engine.lock({ subject: MAYA }, lockOf()), await engine.lock({ subject: MAYA }, lockOf())];
    await engine.unlock(first.lock.id, { by: OPS, reason: 'half' });
    expect((await engine.check(MAYA, SCOPE)).reason).toBe('locked');
    await engine.unlock(second.lock.id, { by: OPS });
    expect((await engine.check(MAYA, SCOPE)).reason).toBe('no_grant');
    expect((await ask(engine)).outcome).toBe('pending');
  });

  it('is refused to the locked subject, and recorded', async () => {
    const { engine } = anEngine();
    const { lock } = await engine.lock({ subject: MAYA }, lockOf());
    expect((await refusal(engine.unlock(lock.id, { by: MAYA }), 'ERR_JIT_DENIED')).actor).toBe(MAYA);
    expect(await engine.listLocks()).toHaveLength(1);
  });

  it('is recorded once when repeated, and rejects for an unknown id', async () => {
    const { engine, store } = anEngine();
    const { lock } = await engine.lock({ subject: MAYA }, lockOf());
    await engine.unlock(lock.id, { by: OPS });
    expect(await engine.unlock(lock.id, { by: OPS })).toMatchObject({ status: 'lifted' });
    expect((await typesOf(store)).filter((type) => type === 'lock.lifted')).toHaveLength(1);
    await refusal(engine.unlock('nothing', { by: OPS }), 'ERR_JIT_NOT_FOUND');
  });
});

describe('a lock against a concurrent change', () => {
  it('has one order with an approval: the grant is refused, or it is ended', async () => {
    for (const first of ['lock', 'approve'] as const) {
      const { one, other } = twoEngines();
      const { id } = await aPending(one);
      const calls = {
        lock: () => one.lock({ subject: MAYA }, lockOf()),
        approve: () => other.approve(id, { by: SAM }).catch(() => undefined),
      };
      await Promise.all(first === 'lock' ? [calls.lock(), calls.approve()] : [calls.approve(), calls.lock()]);
      expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
      const grants = (await one.listGrants({ subject: MAYA })).items;
      expect(grants.every(({ end }) => end !== undefined)).toBe(true);
      expect((await one.getRequest(id))?.request.status).not.toBe('pending');
    }
  });

  it('refuses an approval that read the locks before the lock was set', async () => {
    const { one, other, store } = twoEngines();
    const { request } = await one.requestAccess({ run: { agent: 'agent:a', operator: LEE }, scope: SCOPE, ttl: '15m' });
    const { id } = request;
    // The lock on the operator cancels nothing: only the compared row refuses the approval.
    store.inject('commit', { fault: 'hang' }, 1);
    const approval = refusal(other.approve(id, { by: SAM }), 'ERR_JIT_LOCKED');
    await untilCalled(store, 'commit');
    await one.lock({ subject: LEE }, lockOf());
    store.release();
    await approval;
    expect((await one.listGrants()).items).toEqual([]);
  });

  it('refuses the verdict of an approver of a run whose operator is locked', async () => {
    const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
    const { engine } = anEngine({ approver });
    const asked = engine.requestAccess({ run: { agent: 'agent:a', operator: LEE }, scope: SCOPE, ttl: '15m' });
    const { requestId } = await refusal(asked, 'ERR_JIT_APPROVER');
    await engine.lock({ subject: LEE }, lockOf());
    approver.script.decide = { outcome: 'approve' };
    await refusal(decideAgain(engine, requestId as string), 'ERR_JIT_LOCKED');
    expect((await engine.listGrants()).items).toEqual([]);
  });

  it('refuses an approval whose reviewers are locked while the approver answers (L9, L17)', async () => {
    for (const locked of [ANA, SAM]) {
      const clock = new ManualClock();
      const store = new MemoryGrantStore();
      let whileAsked: (() => Promise<unknown>) | undefined;
      const approver = {
        ...reviewers({ members: [SAM, ANA, LEE], approvals: 2 }),
        isEligible: async (_request: unknown, when: string) => {
          const call = when === 'approval' ? whileAsked : undefined;
          whileAsked = undefined;
          await call?.();
          return true;
        },
      };
      const { engine } = anEngine({ clock, store, approver });
      const { id } = await aPending(engine);
      await engine.approve(id, { by: SAM });
      whileAsked = () => engine.lock({ subject: locked }, lockOf());
      const approval = engine.approve(id, { by: ANA });
      if (locked === ANA) await refusal(approval, 'ERR_JIT_LOCKED');
      else expect((await approval).outcome).toBe('pending');
      expect((await engine.listGrants()).items).toEqual([]);
    }
  });

  it('has one order with a start that a sweep records', async () => {
    const { one, other, clock } = twoEngines();
    const grant = await aGranted(one, { startsAt: at(MINUTE) });
    await clock.set(at(MINUTE));
    await Promise.all([one.lock({ subject: MAYA }, lockOf()), other.sweep()]);
    expect((await one.getGrant(grant.id))?.end?.cause).toBe('locked');
    expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('aborts running work at its first commit', async () => {
    const { engine, clock } = anEngine();
    await aGranted(engine);
    const watch = await watchAccess(engine, MAYA, SCOPE, { poll: '1h', maxUnconfirmed: '2h' });
    await engine.lock({ subject: MAYA }, lockOf());
    await engine.flushAudit();
    await clock.advance(1);
    expect(watch.signal.aborted).toBe(true);
    expect(watch.signal.reason).toMatchObject({ code: 'ERR_JIT_DENIED' });
  });
});

describe('a use under a key, repeated under a lock', () => {
  it('is denied, although its last use has ended the grant (L36)', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 1 } } });
    const { engine } = anEngine({ approver });
    await ask(engine);
    await engine.consume(MAYA, SCOPE, { idempotencyKey: 'k1' });
    expect((await engine.consume(MAYA, SCOPE, { idempotencyKey: 'k1' })).reused).toBe(true);
    await engine.lock({ subject: MAYA }, lockOf());
    const error = await refusal(engine.consume(MAYA, SCOPE, { idempotencyKey: 'k1' }), 'ERR_JIT_DENIED');
    expect(error).toMatchObject({ reused: true, decision: { reason: 'locked' } });
  });
});

describe('a repeated ask under an unfinished lock', () => {
  it('returns its record, and says that no grant allows now (L36)', async () => {
    const clock = new ManualClock();
    const store = new FaultyStore(new MemoryGrantStore());
    const { engine } = anEngine({ clock, store });
    await aGranted(engine, { idempotencyKey: 'k1' });
    expect(await ask(engine, { idempotencyKey: 'k1' })).toMatchObject({ reused: true, outcome: 'granted', allowed: true });
    await refusal(anEngine({ clock, store: afterFirst(store) }).engine.lock({ subject: MAYA }, lockOf()), 'ERR_JIT_PARTIAL');
    expect(await ask(engine, { idempotencyKey: 'k1' })).toMatchObject({ reused: true, outcome: 'granted', allowed: false });
  });
});

describe('a lock that ends its access and is lifted during a call', () => {
  /** A grant under an unfinished lock. From {@link arm} on, the lock ends it and is lifted just before the locks are read. */
  async function lifting(options: Partial<JitEngineOptions> = {}) {
    const shared = new MemoryGrantStore();
    const { engine: other, clock } = anEngine({ ...options, store: shared });
    let lift: (() => Promise<unknown>) | undefined;
    class Store extends FaultyStore {
      override get: GrantStore['get'] = async (keys) => {
        const before = keys.some(({ kind }) => kind === 'lock') ? lift : undefined;
        if (before !== undefined) lift = undefined;
        await before?.();
        return super.get(keys);
      };
    }
    const { engine } = anEngine({ ...options, clock, store: new Store(shared) });
    const arm = async () => {
      const dying = anEngine({ clock, store: afterFirst(shared) }).engine;
      const { lockId } = await refusal(dying.lock({ subject: MAYA }, lockOf()), 'ERR_JIT_PARTIAL');
      lift = () => other.unlock(lockId as string, lockOf());
    };
    return { engine, arm };
  }

  it('leaves no repeated ask that allows (L12, L36)', async () => {
    const { engine, arm } = await lifting();
    await aGranted(engine, { idempotencyKey: 'k1' });
    await arm();
    expect(await ask(engine, { idempotencyKey: 'k1' })).toMatchObject({ reused: true, allowed: false });
  });

  it('leaves no repeated use that allows (L12, L36)', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 2 } } });
    const { engine, arm } = await lifting({ approver });
    await ask(engine);
    await engine.consume(MAYA, SCOPE, { idempotencyKey: 'k1' });
    await arm();
    expect(await refusal(engine.consume(MAYA, SCOPE, { idempotencyKey: 'k1' }), 'ERR_JIT_DENIED')).toMatchObject({ reused: true });
  });

  it('leaves no holder (L12)', async () => {
    const { engine, arm } = await lifting();
    await aGranted(engine);
    await arm();
    expect((await engine.whoHadAccess({ scope: SCOPE })).items).toEqual([]);
  });
});

describe('standing access under a lock', () => {
  const standing = { [MAYA]: ['wiki:**'] };

  it('is not denied by default, because it needs no store', async () => {
    const { engine, store } = anEngine({ standing });
    await engine.lock({ subject: MAYA }, lockOf());
    store.inject('live', { fault: 'reject' });
    expect(await engine.check(MAYA, 'wiki:read')).toMatchObject({ allowed: true, reason: 'standing' });
  });

  it('is denied with standingObeysLocks, by an engine and by a checker', async () => {
    const { engine, store, clock } = anEngine({ standing, standingObeysLocks: true });
    const checker = createChecker({ store, clock, standing, standingObeysLocks: true });
    for (const asked of [engine, checker]) {
      expect(await asked.check(MAYA, 'wiki:read')).toMatchObject({ allowed: true, reason: 'standing' });
      expect(await asked.filterAllowed(MAYA, ['wiki:read', 'db:x'])).toEqual(['wiki:read']);
    }
    await engine.lock({ scope: 'wiki:read' }, lockOf());
    for (const asked of [engine, checker]) {
      expect(await asked.check(MAYA, 'wiki:read')).toMatchObject({ allowed: false, reason: 'locked' });
      expect(await asked.isAllowed(MAYA, 'wiki:edit')).toBe(true);
      expect(await asked.filterAllowed(MAYA, ['wiki:read', 'wiki:edit'])).toEqual(['wiki:edit']);
    }
    expect((await engine.status(MAYA)).standing).toEqual(['wiki:**']);
    await engine.lock({ subject: MAYA }, lockOf());
    expect((await engine.status(MAYA)).standing).toEqual([]);
  });

  it('is denied with standingObeysLocks where the store fails (L30)', async () => {
    const { engine, store } = anEngine({ standing, standingObeysLocks: true });
    store.inject('live', { fault: 'reject' });
    await refusal(engine.isAllowed(MAYA, 'wiki:read'), 'ERR_JIT_STORE');
  });
});

describe('status(), explain() and the past under a lock', () => {
  it('L5 status names the end of an expired lock that is open again for a clock that has gone back', async () => {
    const { engine, clock } = anEngine();
    await engine.lock({ scope: SCOPE }, lockOf({ until: at(MINUTE) }));
    await clock.set(at(HOUR));
    const grant = await aGranted(engine);
    await clock.step(-2 * HOUR);
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', validUntil: at(MINUTE) });
    expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [], changesAt: at(MINUTE) });
    await clock.set(at(MINUTE));
    expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [{ id: grant.id }], changesAt: at(HOUR) });
  });

  it('[C2] status names the end of a lock on the subject as the next instant at which it changes', async () => {
    const { engine, clock } = anEngine({ standing: () => ['wiki:*'], standingObeysLocks: true });
    await engine.lock({ subject: MAYA }, lockOf({ until: at(2 * MINUTE) }));
    await engine.lock({ subject: MAYA }, lockOf({ until: at(MINUTE) }));
    await engine.lock({ subject: 'user:noor' }, lockOf({ until: at(1) }));
    expect(await engine.status(MAYA)).toMatchObject({ standing: [], changesAt: at(MINUTE) });
    await clock.set(at(MINUTE));
    expect(await engine.status(MAYA)).toMatchObject({ standing: [], changesAt: at(2 * MINUTE) });
    await clock.set(at(2 * MINUTE));
    const after = await engine.status(MAYA);
    expect(after).toMatchObject({ locks: [], changesAt: undefined });
    expect(after.standing).not.toEqual([]);
  });

  it('says that nothing is held, and names the lock', async () => {
    const { engine } = anEngine();
    await aGranted(engine);
    const { lock } = await engine.lock({ subject: MAYA }, lockOf());
    const status = await engine.status(MAYA);
    expect(status).toMatchObject({ held: [], scheduled: [], windows: [], changesAt: undefined });
    expect(status.locks.map(({ id }) => id)).toEqual([lock.id]);
    expect((await engine.status('user:noor')).locks).toEqual([]);
    expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', changesAt: undefined });
  });

  it('L26 L27 the journal rebuilds the row of locks, and whoHadAccess ends at the lock', async () => {
    const { engine, store, clock } = anEngine();
    await aGranted(engine);
    await clock.advance(MINUTE);
    const { lock } = await engine.lock({ subject: MAYA }, lockOf({ until: at(HOUR) }));
    const replayed = await replay(readJournal(store));
    expect(replayed.locks?.locks).toEqual([{ ...lock, status: undefined }].map(({ status: _status, ...rest }) => rest));
    expect((await verifyStore(store)).differences).toEqual([]);
    await clock.advance(MINUTE);
    expect((await engine.whoHadAccess({ scope: SCOPE, at: at(0) })).items).toHaveLength(1);
    expect((await engine.whoHadAccess({ scope: SCOPE, at: at(MINUTE) })).items).toEqual([]);
  });

  it('L26 names a row of locks that was edited outside', async () => {
    const { engine, store } = anEngine();
    const { lock } = await engine.lock({ subject: MAYA }, lockOf());
    const [row] = await store.get([{ kind: 'lock', id: 'open' }]);
    await store.commit(
      aChange({
        expect: [{ kind: 'lock', id: 'open', version: row!.version }],
        put: [{ ...row!, version: row!.version + 1, open: false, body: { locks: [], ended: [] } }],
      }),
    );
    expect(await engine.listLocks()).toEqual([]);
    const { differences } = await verifyStore(store);
    expect(differences).toMatchObject([{ kind: 'lock', id: 'open' }]);
    expect(lock.status).toBe('open');
  });

  it('L33 a purge keeps the entries from the oldest open lock on', async () => {
    const { engine, store, clock } = anEngine();
    const { lock } = await engine.lock({ subject: MAYA }, lockOf());
    await clock.advance(48 * HOUR);
    await purge(engine, { before: clock.now(), by: OPS, force: true });
    expect((await typesOf(store))[0]).toBe('lock.set');
    await engine.unlock(lock.id, { by: OPS });
    await clock.advance(HOUR);
    await purge(engine, { before: clock.now(), by: OPS, force: true });
    expect(await typesOf(store)).not.toContain('lock.set');
    expect((await verifyStore(store)).differences).toEqual([]);
  });
});

describe('the bounds and the faults of locks', () => {
  it('L42 [FE8] allows at most 256 open locks in a namespace, one for each of many accounts', async () => {
    const { engine } = anEngine();
    for (let i = 0; i < 256; i++) await engine.lock({ subject: `user:${i}` }, { by: OPS });
    expect((await refusal(engine.lock({ subject: MAYA }, lockOf()), 'ERR_JIT_LIMIT')).limit).toBe('locks');
    await engine.unlock((await engine.listLocks())[0]!.id, { by: OPS });
    expect((await engine.lock({ subject: MAYA }, lockOf())).lock.status).toBe('open');
    for (const { id } of await engine.listLocks()) await engine.unlock(id, { by: OPS });
    expect(await engine.listLocks()).toEqual([]);
  });

  it('L30 an unreadable row of locks denies every check and creates nothing, and revoke continues', async () => {
    const { engine, store, clock, told } = anEngine({ standing: { [MAYA]: ['wiki:read'] } });
    const grant = await aGranted(engine);
    const pending = await aPending(engine, { scope: 'db:other' });
    const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
    const row = aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: [{ subject: 'user:eve' }], ended: [] } });
    await store.commit(aChange({ put: [row] }));
    for (const asked of [engine, createChecker({ store, clock })]) {
      expect(await asked.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', validUntil: clock.now() });
    }
    expect(told.map(({ error }) => error)).toContainEqual(expect.objectContaining({ code: 'ERR_JIT_CORRUPT' }));
    expect(await engine.isAllowed(MAYA, 'wiki:read')).toBe(true);
    expect((await engine.status(MAYA)).held).toEqual([]);
    await refusal(ask(engine, { scope: 'db:third' }), 'ERR_JIT_CORRUPT');
    await refusal(engine.approve(pending.id, { by: SAM }), 'ERR_JIT_CORRUPT');
    expect((await engine.deny(pending.id, { by: SAM })).outcome).toBe('denied');
    expect((await engine.revoke(grant.id, { by: OPS })).status).toBe('revoked');
  });

  it('L39 locks whose until has passed do not refuse a new one where no sweep runs, once the journal confirms it', async () => {
    const { engine, store, clock } = anEngine();
    await engine.lock({ subject: SAM }, { by: OPS, until: at(MINUTE) });
    await fillLocks(store);
    await confirmNow(engine, 4);
    await clock.set(at(MINUTE));
    const { message } = await refusal(engine.lock({ subject: MAYA }, lockOf()), 'ERR_JIT_LIMIT');
    expect(await engine.listLocks()).toEqual([]);
    // The text names a lock that a person can lift.
    const [named = ''] = /(?<=: lock )\w+/.exec(message) ?? [];
    expect((await engine.unlock(named, { by: OPS })).status).toBe('lifted');
    expect((await engine.lock({ subject: MAYA }, lockOf())).lock.status).toBe('open');
    await refusal(engine.lock({ subject: LEE }, lockOf()), 'ERR_JIT_LIMIT');
    await confirmNow(engine, 12);
    expect((await engine.lock({ subject: LEE }, lockOf())).lock.status).toBe('open');
    expect((await engine.listLocks()).map(({ subject }) => subject)).toEqual([MAYA, LEE]);
  });

  it('L30 L38 an unreadable row of locks lets a sweep record everything but starts', async () => {
    const { engine, store, clock, told } = anEngine({ leewayMs: 0 });
    await aGranted(engine, { startsAt: at(MINUTE) });
    const ending = await aGranted(engine, { scope: 'db:short', ttl: MINUTE });
    const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
    await store.commit(aChange({ put: [aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: 7 } })] }));
    await clock.set(at(MINUTE));
    expect(await engine.sweep()).toMatchObject({ ended: 1, started: 0 });
    expect((await engine.getGrant(ending.id))?.end?.cause).toBe('time');
    expect(told.map(({ error }) => error)).toContainEqual(expect.objectContaining({ code: 'ERR_JIT_CORRUPT' }));
  });

  it('a store that fails rejects lock() before anything is recorded', async () => {
    const { engine, store } = anEngine();
    store.inject('get', { fault: 'reject' });
    await refusal(engine.lock({ subject: MAYA }, lockOf()), 'ERR_JIT_STORE');
    store.clear();
    expect(await engine.listLocks()).toEqual([]);
  });

  const cases: readonly (readonly [string, unknown, unknown, string])[] = [
    ['no target', undefined, lockOf(), 'target'],
    ['both fields', { subject: MAYA, scope: SCOPE }, lockOf(), 'target'],
    ['neither field', {}, lockOf(), 'target'],
    ['another field', { subject: MAYA, requestId: 'r1' }, lockOf(), 'target'],
    ['a malformed scope', { scope: 'db prod' }, lockOf(), 'target.scope'],
    ['a reserved subject', { subject: 'system:sweeper' }, lockOf(), 'target.subject'],
    ['no caller', { subject: MAYA }, {}, 'by'],
    ['a reason that is no text', { subject: MAYA }, lockOf({ reason: 7 }), 'reason'],
    ['an until that is no instant', { subject: MAYA }, lockOf({ until: '1h' }), 'until'],
    ['an empty key', { subject: MAYA }, lockOf({ idempotencyKey: '' }), 'idempotencyKey'],
    ['an unknown option', { subject: MAYA }, lockOf({ untill: 7 }), 'options'],
  ];
  it.each(cases)('refuses %s, naming the argument, and stores nothing', async (_what, target, options, argument) => {
    const { engine, store } = anEngine();
    const error = await refusal(engine.lock(target as { subject: string }, options as { by: string }), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error.argument).toBe(argument);
    expect(await typesOf(store)).toEqual([]);
  });

  it('every change that gives access compares the row of locks', async () => {
    const clock = new ManualClock();
    const inner = new MemoryGrantStore();
    const compared: [string, boolean][] = [];
    const store = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'commit')
          return (change: Parameters<GrantStore['commit']>[0]) => {
            const isCompared = change.expect.some(({ kind, id }) => kind === 'lock' && id === 'open');
            for (const { type } of change.append) compared.push([type, isCompared]);
            return target.commit(change);
          };
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const approver = {
      ...reviewers({ members: [SAM] }),
      decide: () => ({ outcome: 'review' as const, quorum: { groups: [{ name: 'reviewers', approvals: 1 }] }, terms: { maxUses: 2 } }),
      breakGlass: () => ({ outcome: 'approve' as const, reviewWithinMs: HOUR }),
      isEligible: () => true,
    };
    const engine = new JitEngine({ approver, store, clock, limits: { minTtl: 1 } });
    const now = await aGranted(engine);
    await engine.extend(now.id, { ttl: '5m', requestedBy: MAYA });
    await engine.consume(MAYA, SCOPE);
    await engine.breakGlass({ subject: MAYA, scope: 'db:glass', ttl: '5m', justification: 'fire' });
    await aGranted(engine, { scope: 'db:later', startsAt: at(MINUTE) });
    await clock.set(at(MINUTE));
    await engine.sweep();
    const gives = ['request.created', 'request.approved', 'grant.issued', 'grant.activated', 'grant.used', 'request.reviewed'];
    const seen = compared.filter(([type]) => gives.includes(type));
    expect(new Set(seen.map(([type]) => type))).toEqual(new Set(gives));
    expect(seen.filter(([, isCompared]) => !isCompared)).toEqual([]);
  });
});
