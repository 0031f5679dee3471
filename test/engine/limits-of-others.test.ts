import { preview } from 'jit-access/explain';
import { describe, expect, it, vi } from 'vitest';
import {
  autoApprove,
  firstDecisive,
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  type AccessAsk,
  type JitEngineOptions,
} from '../../src/index.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { aPending, ANA, ask, at, HOUR, LEE, MAYA, MINUTE, SAM, SCOPE } from './an-engine.js';

const MALLORY = 'user:mallory';
const ON_CALL = 'user:oncall';

/** An engine with the default limits, unless overridden. */
function anEngine(options: Partial<JitEngineOptions> = {}) {
  const [clock, store] = [new ManualClock(), new MemoryGrantStore()];
  return { clock, store, engine: new JitEngine({ approver: reviewers({ members: [SAM, ANA, LEE] }), ...options, clock, store }) };
}

/** The outcome of an ask; or the code, and the limit, that it is refused with. */
async function outcomeOf(work: Promise<{ readonly outcome: string; readonly reused?: boolean }>): Promise<string> {
  try {
    const { outcome, reused } = await work;
    return reused === true ? `${outcome}, reused` : outcome;
  } catch (error) {
    if (!isJitError(error)) throw error;
    return 'limit' in error ? `${error.code} ${error.limit}` : error.code;
  }
}

const rowsOf = async (store: MemoryGrantStore, subject: string, open?: boolean) =>
  (await store.find({ kind: 'request', subject, open, limit: 2_000 })).items;

/** Requests short windows, each of which ends before the next request. @returns how many were accepted */
async function flood(
  engine: JitEngine,
  clock: { advance(ms: number): Promise<void> },
  count: number,
  over: Partial<AccessAsk>,
): Promise<number> {
  let through = 0;
  for (let i = 0; i < count; i++) {
    const said = await outcomeOf(ask(engine, { scope: `s${i}`, ...over }));
    if (!said.startsWith('ERR_JIT')) through += 1;
    await clock.advance(1);
  }
  return through;
}

describe('limits of a subject', () => {
  it('hold for very short windows too: no request of 1 ms is opened [M4]', async () => {
    const { engine, clock, store } = anEngine({ limits: { maxOpenRequests: 10 } });
    const startsAt = () => clock.now();
    let through = 0;
    for (let i = 0; i < 40; i++) {
      const said = await outcomeOf(ask(engine, { scope: `s${i}`, startsAt: startsAt(), ttl: 1 }));
      if (!said.startsWith('ERR_JIT')) through += 1;
      await clock.advance(1);
    }
    expect(through, 'requests of 1 ms that were opened').toBe(0);
    expect(await rowsOf(store, MAYA)).toHaveLength(0);
  });

  it('hold for the remaining time of a window that has begun: a request with 1 ms left is refused [M4]', async () => {
    const { engine, clock, store } = anEngine({ limits: { maxOpenRequests: 10 } });
    const through = await flood(engine, clock, 40, { startsAt: undefined, ttl: 15 * MINUTE });
    expect(through).toBe(10);
    let late = 0;
    const { engine: other, clock: otherClock } = anEngine({ limits: { maxOpenRequests: 10 } });
    for (let i = 0; i < 40; i++) {
      const said = await outcomeOf(ask(other, { scope: `s${i}`, startsAt: otherClock.now() - 14 * MINUTE - 59_999, ttl: 15 * MINUTE }));
      if (!said.startsWith('ERR_JIT')) late += 1;
      await otherClock.advance(1);
    }
    expect(late, 'requests with 1 ms left that were opened').toBe(0);
    expect(await rowsOf(store, MAYA, true)).toHaveLength(10);
  });

  it('count rows without a recorded end, and an ask at the limit records the expiries that are due and counts again [M4]', async () => {
    const { engine, clock, store } = anEngine({ limits: { maxOpenRequests: 5, reviewWithin: MINUTE } });
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 5; i++) expect(await outcomeOf(ask(engine, { scope: `s${round}-${i}` }))).toBe('pending');
      expect(await outcomeOf(ask(engine, { scope: 'one-more' }))).toBe('ERR_JIT_LIMIT maxOpenRequests');
      await clock.advance(MINUTE);
    }
    // Without a sweeper: no more rows are open than the limit allows, and the subject can still request.
    expect((await rowsOf(store, MAYA, true)).length, 'open rows of one subject').toBeLessThanOrEqual(5);
    expect(await outcomeOf(ask(engine, { scope: 'later' }))).toBe('pending');
  });

  it('count expired grants until their end is recorded, and record it if they would refuse an ask or an approval [M4]', async () => {
    const { engine, clock, store } = anEngine({ approver: autoApprove(() => true), limits: { maxGrants: 4 } });
    const openGrants = async () => (await store.find({ kind: 'grant', subject: MAYA, open: true, limit: 1_000 })).items.length;
    for (let round = 0; round < 6; round++) {
      expect(await outcomeOf(ask(engine, { scopes: ['a', 'b', 'c', 'd'].map((name) => `${name}${round}`) }))).toBe('granted');
      await clock.advance(15 * MINUTE);
    }
    expect(await openGrants(), 'grants without a recorded end').toBeLessThanOrEqual(4);
  });

  it('of one subject cost others nothing: the store looks at no open row of another subject [M4]', async () => {
    const store = new MemoryGrantStore();
    const row = (i: number, kind: string, subject: string) => ({
      ...{ kind, id: `${subject}-${String(i).padStart(6, '0')}`, version: 1, subject, scope: undefined, open: true },
      ...{ createdAt: 0, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined, body: {} },
    });
    for (const kind of ['request', 'provisioning']) {
      const put = Array.from({ length: 4_000 }, (_, i) => row(i, kind, MALLORY));
      const own = Array.from({ length: 3 }, (_, i) => row(i, kind, MAYA));
      const all = [...put, ...own];
      for (let i = 0; i < all.length; i += 1_000) {
        const rows = all.slice(i, i + 1_000);
        await store.commit({ id: `fill-${kind}-${i}`, expect: rows.map(({ id }) => ({ kind, id, version: 0 })), put: rows, append: [] });
      }
      const lookedAt = vi.spyOn(Map.prototype, 'get');
      const page = await store.find({ kind, subject: MAYA, open: true, limit: 100 });
      const count = lookedAt.mock.calls.length;
      lookedAt.mockRestore();
      expect(page.items).toHaveLength(3);
      expect(count, `look-ups to find 3 rows of ${kind} beside 4,000 of another subject`).toBeLessThan(100);
    }
  });
});

describe('other callers', () => {
  it('cannot use up the grants of a subject, nor keep it from break-glass (L44) [M5]', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: HOUR, maxUnreviewed: 9 } as const;
    const policy = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } },
      breakGlass,
      groupsOf: ['g'],
    });
    const staging = autoApprove((request) => request.scopes.every((scope) => scope.startsWith('staging:')));
    const { engine } = anEngine({ approver: firstDecisive(staging, policy) });
    for (let i = 0; i < 4; i++) {
      const scopes = Array.from({ length: 50 }, (_, n) => `staging:s${i}-${n}`);
      expect(await outcomeOf(ask(engine, { subject: ON_CALL, requestedBy: MALLORY, scopes, ttl: '8h' }))).toBe('granted');
    }
    // The caller has no more than the limit for this subject either.
    expect(await outcomeOf(ask(engine, { subject: ON_CALL, requestedBy: MALLORY, scope: 'staging:x' }))).toBe('ERR_JIT_LIMIT maxGrants');
    expect(await outcomeOf(ask(engine, { subject: ON_CALL, scope: 'staging:own' }))).toBe('granted');
    const emergency = engine.breakGlass({ subject: ON_CALL, scope: 'db-prod:write', ttl: '30m', justification: 'down' });
    expect(await outcomeOf(emergency)).toBe('granted');
    const { id } = (await ask(engine, { subject: ON_CALL, scope: 'prod:own' })).request;
    expect((await engine.approve(id, { by: SAM })).outcome).toBe('granted');
  });

  it('cannot fill the change that records expired requests: the ask of the subject records as many as fit (L42) (L44)', async () => {
    const { engine, clock, store } = anEngine();
    const long = { justification: '"'.repeat(4_096), ticket: '"'.repeat(4_096), metadata: { note: '"'.repeat(4_000) } };
    for (const requestedBy of [MALLORY, 'user:trudy', MAYA])
      for (let i = 0; i < 100; i++) await engine.requestAccess({ subject: MAYA, requestedBy, scope: `s${i}`, ttl: '15m', ...long });
    await clock.advance(25 * HOUR);
    expect(await outcomeOf(engine.requestAccess({ subject: MAYA, scope: 'db', ttl: '15m' }))).toBe('pending');
    expect((await rowsOf(store, MAYA, true)).length).toBeLessThan(301);
  });

  it('leave break-glass its reserve: a subject at maxGrants takes 50 more grants in an emergency, and no 51st (L44) [M5]', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: HOUR, maxUnreviewed: 9 } as const;
    const { engine } = anEngine({
      approver: new ScriptedApprover({ decide: { outcome: 'approve' }, breakGlass }),
      limits: { maxGrants: 1 },
    });
    expect(await outcomeOf(ask(engine, { subject: ON_CALL }))).toBe('granted');
    expect(await outcomeOf(ask(engine, { subject: ON_CALL, scope: 'x' }))).toBe('ERR_JIT_LIMIT maxGrants');
    const take = (count: number, from: number) =>
      engine.breakGlass({
        subject: ON_CALL,
        scopes: Array.from({ length: count }, (_, n) => `bg:${from + n}`),
        ttl: '30m',
        justification: 'down',
      });
    expect(await outcomeOf(take(49, 0))).toBe('granted');
    expect(await outcomeOf(take(2, 50))).toBe('ERR_JIT_LIMIT breakGlassGrants');
    expect(await outcomeOf(take(1, 50))).toBe('granted');
    expect(await outcomeOf(take(1, 60))).toBe('ERR_JIT_LIMIT breakGlassGrants');
    // Grants taken by break-glass do not count against maxGrants.
    await engine.release((await engine.status(ON_CALL)).held.find(({ scope }) => scope === 'db-prod:write')?.id as string, { by: ON_CALL });
    expect(await outcomeOf(ask(engine, { subject: ON_CALL, scope: 'y' }))).toBe('granted');
  });

  it('cannot use up the break-glass of a subject by taking it on its behalf (L44) [M5]', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: HOUR } as const;
    const { engine } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' }, breakGlass }) });
    const take = (requestedBy: string, subject: string, scope: string) =>
      engine.breakGlass({ subject, requestedBy, scope, ttl: '30m', justification: 'down' });
    expect(await outcomeOf(take(MALLORY, ON_CALL, 'a'))).toBe('granted');
    expect(await outcomeOf(take(MALLORY, ON_CALL, 'b'))).toBe('ERR_JIT_LIMIT maxUnreviewed');
    expect(await outcomeOf(take(MALLORY, MAYA, 'b'))).toBe('ERR_JIT_LIMIT maxUnreviewed');
    expect(await outcomeOf(take(ON_CALL, ON_CALL, 'b'))).toBe('granted');
    // Break-glass that the subject took itself counts against every caller who takes it for the subject.
    expect(await outcomeOf(take(ON_CALL, ON_CALL, 'c'))).toBe('ERR_JIT_LIMIT maxUnreviewed');
    expect(await outcomeOf(take(SAM, ON_CALL, 'c'))).toBe('ERR_JIT_LIMIT maxUnreviewed');
    expect(await outcomeOf(take(ON_CALL, MAYA, 'c'))).toBe('ERR_JIT_LIMIT maxUnreviewed');
  });

  it('cannot use up the open requests of a subject, and have a limit of their own over all subjects (L44) [M5]', async () => {
    const { engine, clock, store } = anEngine({ limits: { maxOpenRequests: 5, reviewWithin: HOUR } });
    for (let i = 0; i < 5; i++) expect(await outcomeOf(ask(engine, { requestedBy: MALLORY, scope: `s${i}` }))).toBe('pending');
    for (const subject of [MAYA, ON_CALL]) {
      expect(await outcomeOf(ask(engine, { subject, requestedBy: MALLORY, scope: 'one-more' }))).toBe('ERR_JIT_LIMIT maxOpenRequests');
    }
    for (let i = 0; i < 5; i++) expect(await outcomeOf(ask(engine, { scope: `own${i}` }))).toBe('pending');
    expect(await outcomeOf(ask(engine, { scope: 'one-more' }))).toBe('ERR_JIT_LIMIT maxOpenRequests');
    // Requests on behalf of a subject do not count against the open requests of the subject.
    expect(await outcomeOf(ask(engine, { requestedBy: ANA, scope: 'one-more' }))).toBe('ERR_JIT_LIMIT maxOpenRequests');
    expect(await outcomeOf(ask(engine, { subject: MALLORY, scope: 'own' }))).toBe('pending');
    // A request that has ended, decided or expired, frees a place without a sweep.
    const [first] = await rowsOf(store, MAYA, true).then((rows) => rows.filter(({ body }) => body['requestedBy'] === MALLORY));
    await engine.deny(first?.id as string, { by: SAM });
    expect(await outcomeOf(ask(engine, { subject: ON_CALL, requestedBy: MALLORY, scope: 'again' }))).toBe('pending');
    expect(await outcomeOf(ask(engine, { subject: ON_CALL, requestedBy: MALLORY, scope: 'another' }))).toBe(
      'ERR_JIT_LIMIT maxOpenRequests',
    );
    await clock.advance(HOUR);
    expect(await outcomeOf(ask(engine, { subject: ON_CALL, requestedBy: MALLORY, scope: 'another' }))).toBe('pending');
  });

  it('have requests that are not reused for an ask of the subject: it gets its own, with its own justification and length [M6]', async () => {
    const { engine, store } = anEngine();
    const squatted = await aPending(engine, { requestedBy: MALLORY, ttl: '8h', justification: 'tests' });
    const own = await ask(engine, { ttl: '5m', justification: 'INC-1', idempotencyKey: 'k' });
    expect(own.request.id).not.toBe(squatted.id);
    expect(own).toMatchObject({ outcome: 'pending', reused: false, request: { justification: 'INC-1', ttlMs: 5 * MINUTE } });
    await engine.cancel(squatted.id, { by: MALLORY });
    expect((await ask(engine, { ttl: '5m', justification: 'INC-1', idempotencyKey: 'k' })).outcome).toBe('pending');
    expect(await rowsOf(store, MAYA, true)).toHaveLength(1);
  });

  it('aside: a longer request of one requester is not reused for a shorter ask; a shorter one is, with its differences listed [M6]', async () => {
    const { engine } = anEngine();
    const long = await aPending(engine, { ttl: '8h', justification: 'tests' });
    const short = await ask(engine, { ttl: '5m', justification: 'INC-1' });
    expect(short.request.id).not.toBe(long.id);
    const again = await ask(engine, { ttl: '10m', justification: 'INC-2', ticket: 'INC-2' });
    expect(again).toMatchObject({ reused: true, request: { id: short.request.id }, differs: ['ttl', 'justification', 'ticket'] });
    expect(await ask(engine, { ttl: '5m', justification: 'INC-1', metadata: { a: 1 } })).toMatchObject({
      reused: true,
      differs: ['metadata'],
    });
    const scopes = ['a', 'b'];
    await aPending(engine, { scopes: ['a'] });
    expect(await ask(engine, { scopes })).toMatchObject({ reused: false, differs: [] });
    expect(await preview(engine, { subject: MAYA, scopes, ttl: '15m', justification: 'x' })).toMatchObject({
      reused: true,
      differs: ['justification'],
    });
  });

  it('are not given the live grants of a request by another requester [M6]', async () => {
    const { engine } = anEngine({ approver: autoApprove(() => true) });
    const others = await ask(engine, { requestedBy: MALLORY, ttl: '15m' });
    const own = await ask(engine, { ttl: '15m' });
    expect(own.request.id).not.toBe(others.request.id);
    expect(await ask(engine, { ttl: '15m' })).toMatchObject({ reused: true, request: { id: own.request.id } });
  });
});

describe('a denial', () => {
  const day = { askAgainAfter: '24h' } as Record<string, unknown>;
  const paused = (approver = reviewers({ members: [SAM, ANA, LEE] })) => {
    try {
      return anEngine({ approver, limits: day });
    } catch {
      // An engine without the limit: a denial blocks nothing.
      return anEngine({ approver });
    }
  };

  it('is shown to the reviewer of a later request for the same access (L44) [M3]', async () => {
    const { engine } = anEngine();
    const first = await aPending(engine, { startsAt: at(HOUR), ttl: HOUR });
    const twin = await aPending(engine, { startsAt: at(HOUR + 1), ttl: HOUR });
    const wide = await aPending(engine, { scopes: ['db-prod:write', 'other'] });
    const apart = await aPending(engine, { startsAt: at(2 * HOUR + 1), ttl: HOUR });
    const elsewhere = await aPending(engine, { scope: 'elsewhere' });
    const itemOf = async (id: string): Promise<object | undefined> =>
      (await engine.inbox(ANA)).items.find(({ request }) => request.id === id);
    expect(await itemOf(first.id)).toMatchObject({ twins: expect.arrayContaining([twin.id, wide.id]) as unknown, denials: [] });
    expect(await itemOf(elsewhere.id)).toMatchObject({ twins: [], denials: [] });
    await engine.deny(first.id, { by: SAM, reason: 'not now' });
    const denial = { requestId: first.id, requestedBy: MAYA, by: SAM, at: at(0), reason: 'not now', scopes: ['db-prod:write'] };
    for (const { id } of [twin, wide]) expect(await itemOf(id), 'the inbox item of a twin').toMatchObject({ denials: [denial] });
    expect(await itemOf(twin.id)).toMatchObject({ twins: expect.not.arrayContaining([first.id]) as unknown });
    for (const { id } of [apart, elsewhere]) expect(await itemOf(id)).toMatchObject({ denials: [] });
  });

  it('is shown also if its requester cancelled the request or asks through another requester; for a day (L44) [M3]', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 2 }], denials: 2 } },
      groupsOf: ['g'],
    });
    const { engine, clock } = anEngine({ approver, limits: { reviewWithin: '3d' } });
    const first = await aPending(engine);
    await engine.deny(first.id, { by: SAM });
    await engine.cancel(first.id, { by: MAYA });
    const { id } = await aPending(engine, { requestedBy: LEE });
    const denials = async () => (await engine.inbox(ANA)).items.find(({ request }) => request.id === id) as object | undefined;
    expect(await denials()).toMatchObject({ denials: [{ requestId: first.id, by: SAM }] });
    await clock.set(at(24 * HOUR - 1));
    expect(await denials()).toMatchObject({ denials: [{ requestId: first.id }] });
    await clock.set(at(24 * HOUR));
    expect(await denials()).toMatchObject({ denials: [] });
  });

  it('blocks the same ask of its requester for limits.askAgainAfter, and the refusal says until when (L44) [M3]', async () => {
    const { engine, clock } = paused();
    await engine.deny((await aPending(engine)).id, { by: SAM });
    const again: Partial<AccessAsk>[] = [
      {},
      { startsAt: at(HOUR) },
      { scopes: ['db-prod:write', 'x'] },
      { ttl: MINUTE },
      { requestedBy: LEE },
    ];
    for (const over of again) expect(await outcomeOf(ask(engine, over)), JSON.stringify(over)).toBe('ERR_JIT_LIMIT askAgainAfter');
    expect(await preview(engine, { subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE })).toMatchObject({
      outcome: 'refused',
      code: 'ERR_JIT_LIMIT',
    });
    await expect(ask(engine)).rejects.toMatchObject({ limit: 'askAgainAfter', retryAt: at(24 * HOUR) });
    expect(await outcomeOf(ask(engine, { scope: 'other' }))).toBe('pending');
    expect(await outcomeOf(ask(engine, { subject: ANA }))).toBe('pending');
    await clock.set(at(24 * HOUR - 1));
    expect(await outcomeOf(ask(engine))).toBe('ERR_JIT_LIMIT askAgainAfter');
    await clock.set(at(24 * HOUR));
    expect(await outcomeOf(ask(engine))).toBe('pending');
  });

  it('of an ask by another caller does not block the subject (L44) [M3]', async () => {
    const { engine } = paused();
    await engine.deny((await aPending(engine, { requestedBy: MALLORY })).id, { by: SAM });
    expect(await outcomeOf(ask(engine, { requestedBy: MALLORY }))).toBe('ERR_JIT_LIMIT askAgainAfter');
    expect(await outcomeOf(ask(engine, { requestedBy: LEE }))).toBe('pending');
    expect(await outcomeOf(ask(engine))).toBe('pending');
  });

  it('by the approver blocks too, and hundreds of them do not displace the denial by a reviewer (L44) [M3]', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } },
      groupsOf: ['g'],
    });
    const { engine } = paused(approver);
    await engine.deny((await aPending(engine)).id, { by: SAM });
    approver.script.decide = { outcome: 'deny', reason: 'no' };
    expect(await outcomeOf(ask(engine, { scope: 'x' }))).toBe('denied');
    expect(await outcomeOf(ask(engine, { scope: 'x' }))).toBe('ERR_JIT_LIMIT askAgainAfter');
    for (let i = 0; i < 150; i++) expect(await outcomeOf(ask(engine, { scope: `flood-${i}` }))).toBe('denied');
    expect(await outcomeOf(ask(engine))).toBe('ERR_JIT_LIMIT askAgainAfter');
    expect(await outcomeOf(ask(engine, { scope: 'flood-149' }))).toBe('ERR_JIT_LIMIT askAgainAfter');
  });

  it('blocks neither break-glass nor an extension (L44) [M3]', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: HOUR } as const;
    const quorum = { groups: [{ name: 'g', approvals: 1 }] };
    const { engine } = paused(new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['g'], breakGlass }));
    const approved = await engine.approve((await aPending(engine)).id, { by: SAM });
    const [grant] = approved.outcome === 'granted' ? approved.grants : [];
    await engine.deny((await aPending(engine, { scopes: ['db-prod:write', 'x'] })).id, { by: SAM });
    expect(await outcomeOf(ask(engine, { ttl: '16m' }))).toBe('ERR_JIT_LIMIT askAgainAfter');
    expect(await outcomeOf(engine.extend(grant?.id as string, { ttl: '15m', requestedBy: MAYA }))).toBe('pending');
    expect(await outcomeOf(engine.breakGlass({ subject: MAYA, scope: 'db-prod:write', ttl: '15m', justification: 'down' }))).toBe(
      'granted',
    );
  });
});

describe('limits.maxTotal', () => {
  const auto = autoApprove(() => true);

  it('bounds adjoining windows: asks made in one second give no two days of access without a gap [F9]', async () => {
    const { engine } = anEngine({ approver: auto, limits: { maxTtl: '1h', maxTotal: '2h' } });
    const said: string[] = [];
    for (let i = 0; i < 48; i++) said.push(await outcomeOf(ask(engine, { startsAt: at(i * HOUR), ttl: '1h' })));
    // Two hours of access, one hour without, and so on.
    const held = said.map((one) => one === 'granted');
    expect(held.slice(0, 6), said.slice(0, 6).join()).toEqual([true, true, false, true, true, false]);
    expect(held.filter((one) => one)).toHaveLength(32);
    expect(said[2]).toBe('ERR_JIT_LIMIT maxTotal');
  });

  it('counts open requests, overlapping scopes, a window that joins two others, and gaps of 1 ms [F9]', async () => {
    const limits = { maxTtl: '1h', maxTotal: '2h' } as const;
    const { engine } = anEngine({ limits });
    await aPending(engine, { startsAt: at(0), ttl: '1h' });
    await aPending(engine, { startsAt: at(2 * HOUR), ttl: '1h' });
    expect(await outcomeOf(ask(engine, { startsAt: at(HOUR), ttl: '1h' })), 'between two').toBe('ERR_JIT_LIMIT maxTotal');
    expect(await outcomeOf(ask(engine, { startsAt: at(HOUR), ttl: HOUR - 1_000 }))).toBe('pending');
    const { engine: gaps } = anEngine({ limits });
    await aPending(gaps, { startsAt: at(0), ttl: '1h' });
    await aPending(gaps, { startsAt: at(HOUR + 1), ttl: '30m' });
    expect(await outcomeOf(ask(gaps, { startsAt: at(1.5 * HOUR + 2), ttl: '1h' })), 'gaps of 1 ms').toBe('ERR_JIT_LIMIT maxTotal');
    const { engine: bundle } = anEngine({ limits });
    await aPending(bundle, { scopes: ['a', 'b'], startsAt: at(0), ttl: '1h' });
    await aPending(bundle, { scopes: ['b'], startsAt: at(HOUR), ttl: '1h' });
    expect(await outcomeOf(ask(bundle, { scopes: ['b', 'c'], startsAt: at(2 * HOUR), ttl: '1h' }))).toBe('ERR_JIT_LIMIT maxTotal');
    expect(await outcomeOf(ask(bundle, { scopes: ['a', 'c'], startsAt: at(2 * HOUR), ttl: '1h' }))).toBe('pending');
  });

  it('counts neither ended grants, nor past time, nor requests of other callers (L44) [F9]', async () => {
    const { engine, clock } = anEngine({ approver: auto, limits: { maxTtl: '1h', maxTotal: '2h' } });
    const all = [];
    for (let i = 0; i < 2; i++) all.push(await ask(engine, { startsAt: at(i * HOUR), ttl: '1h' }));
    const next = () => outcomeOf(ask(engine, { startsAt: at(2 * HOUR), ttl: '1h' }));
    expect(await next()).toBe('ERR_JIT_LIMIT maxTotal');
    await clock.set(at(HOUR - 1));
    expect(await next()).toBe('ERR_JIT_LIMIT maxTotal');
    await clock.set(at(HOUR));
    expect(await next()).toBe('granted');
    const third = () => outcomeOf(ask(engine, { startsAt: at(3 * HOUR), ttl: '1h' }));
    expect(await third()).toBe('ERR_JIT_LIMIT maxTotal');
    const [, second] = all;
    await engine.release(second?.outcome === 'granted' ? (second.grants[0]?.id as string) : '', { by: MAYA });
    expect(await third()).toBe('granted');
    const others = anEngine({ approver: auto, limits: { maxTtl: '1h', maxTotal: '2h' } }).engine;
    for (let i = 1; i < 3; i++) await ask(others, { requestedBy: MALLORY, startsAt: at(i * HOUR), ttl: '1h' });
    expect(await outcomeOf(ask(others, { requestedBy: MALLORY, startsAt: at(3 * HOUR), ttl: '1h' }))).toBe('ERR_JIT_LIMIT maxTotal');
    expect(await outcomeOf(ask(others, { startsAt: at(0), ttl: '1h' }))).toBe('granted');
    expect(await outcomeOf(ask(others, { startsAt: at(3 * HOUR), ttl: '1h' }))).toBe('granted');
  });
});
