import { stats } from 'jit-access/explain';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import type { AuditSink } from '../../../src/index.js';
import type { Row } from '../../../src/store.js';
import { aChange, aRow, ScriptedApprover } from '../../../src/testing.js';
import { ANA, aGranted, anEngine, aPending, ask, HOUR, MAYA, MINUTE, refusal, SAM } from '../../engine/an-engine.js';

const none = { value: 0, atLeast: false };
const exactly = (value: number) => ({ value, atLeast: false });
const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };

describe('stats()', () => {
  it('is all zero where nothing is recorded, and sends its reads together', async () => {
    const { engine, store, clock } = anEngine();
    const before = store.called('find');
    expect(await stats(engine)).toEqual({
      at: clock.now(),
      pendingRequests: none,
      breakGlassReviews: none,
      overdueEnds: none,
      sweepLagMs: none,
      followers: [],
      observed: { allowed: 0, unauthenticated: 0, 'invalid-scope': 0, 'access-required': 0, unavailable: 0, failed: 0 },
      openLocks: 0,
    });
    expect([store.called('find') - before, store.called('due'), store.called('get'), store.called('commit')]).toEqual([2, 1, 1, 0]);
  });

  it('counts pending requests until their deadline, and pending reviews of break-glass', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
      breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
      mayReviewBreakGlass: true,
    });
    const { engine, clock } = anEngine({ approver, limits: { reviewWithin: HOUR } });
    await aPending(engine);
    const { request } = await engine.breakGlass({ subject: MAYA, scope: 'b', ttl: '5m', justification: 'it burns' });
    expect(await stats(engine)).toMatchObject({ pendingRequests: exactly(1), breakGlassReviews: exactly(1), overdueEnds: none });
    await clock.advance('1h');
    expect(await stats(engine)).toMatchObject({ pendingRequests: none, breakGlassReviews: exactly(1), overdueEnds: exactly(2) });
    await engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'justified' });
    expect(await stats(engine)).toMatchObject({ breakGlassReviews: none });
  });

  it('counts the ends that no sweep has recorded, and how long the oldest due record has waited', async () => {
    const { engine, clock } = anEngine({ warnBefore: '5m' });
    await aGranted(engine, { ttl: 15 * MINUTE });
    await aPending(engine, { scope: 'other' });
    await clock.advance('12m');
    // A warning is due, and it is no end.
    expect(await stats(engine)).toMatchObject({ overdueEnds: none, sweepLagMs: exactly(2 * MINUTE) });
    await clock.advance('4m');
    expect(await stats(engine)).toMatchObject({ overdueEnds: exactly(1), sweepLagMs: exactly(6 * MINUTE) });
    await engine.sweep();
    expect(await stats(engine)).toMatchObject({ overdueEnds: none, sweepLagMs: none });
  });

  it('counts a grant once that is due with its usage row, and an idle end', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: 20 * MINUTE } } });
    const { engine, clock } = anEngine({ approver });
    await ask(engine, { ttl: 15 * MINUTE });
    await ask(engine, { ttl: HOUR, scope: 'idle' });
    await clock.advance('16m');
    expect((await stats(engine)).overdueEnds).toEqual(exactly(1));
    await clock.advance('5m');
    expect((await stats(engine)).overdueEnds).toEqual(exactly(2));
  });

  it('says how far each shared sink is behind the journal, and omits local sinks and holds', async () => {
    let isDown = true;
    const slow: AuditSink = {
      name: 'slow',
      write: () => {
        if (isDown) throw new Error('down');
      },
    };
    const quick: AuditSink = { name: 'quick', write: () => undefined };
    const local: AuditSink = { name: 'local', follow: 'local', write: () => undefined };
    const { engine, store } = anEngine({ audit: [quick, slow, local] });
    await aPending(engine);
    await engine.flushAudit();
    const { seq } = await journalHead(engine);
    const behind = async () => Object.fromEntries((await stats(engine)).followers.map((one) => [one.name, one.behind]));
    expect(await behind()).toEqual({ quick: 0, slow: seq });
    isDown = false;
    await engine.flushAudit();
    expect(await behind()).toEqual({ quick: 0, slow: 0 });
    const rows = [
      aRow({ kind: 'cursor', id: 'hold:c', createdAt: 0, ...empty, open: false, body: { seq: 0, sinks: ['new'] } }),
      aRow({ kind: 'cursor', id: 'odd', createdAt: 0, ...empty, open: false, body: { seq: 'far' } }),
    ];
    await store.commit(aChange({ put: rows }));
    expect(await behind()).toEqual({ quick: 0, slow: 0, odd: seq });
  });

  it('counts open locks until they end, and does not fail where the locks are unreadable', async () => {
    const { engine, clock } = anEngine();
    await engine.lock({ subject: MAYA }, { by: ANA });
    const { lock } = await engine.lock({ scope: 'a' }, { by: ANA });
    await engine.lock({ scope: 'b' }, { by: ANA, until: clock.now() + HOUR });
    expect((await stats(engine)).openLocks).toBe(3);
    await engine.unlock(lock.id, { by: ANA });
    await clock.advance('1h');
    expect((await stats(engine)).openLocks).toBe(1);
    const broken = anEngine();
    await broken.store.commit(aChange({ put: [aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: 'gone' } })] }));
    expect((await stats(broken.engine)).openLocks).toBeUndefined();
    expect(broken.told.map(({ during }) => during)).toContain('stats');
  });

  it('L42 says "at least" where a read reaches 1,000 rows', async () => {
    const { engine, store, clock } = anEngine({ limits: { reviewWithin: HOUR } });
    await aPending(engine);
    const [row] = (await store.find({ kind: 'request', limit: 1 })).items;
    const copies = Array.from({ length: 1_000 }, (_, i) => ({ ...(row as Row), id: `copy-${i}`, version: 1 }));
    await store.commit(aChange({ put: copies }));
    const most = { value: 1_000, atLeast: true };
    expect(await stats(engine)).toMatchObject({ pendingRequests: most, breakGlassReviews: { value: 0, atLeast: true }, overdueEnds: none });
    await clock.advance('2h');
    expect(await stats(engine)).toMatchObject({
      overdueEnds: most,
      sweepLagMs: exactly(HOUR),
      pendingRequests: { value: 0, atLeast: true },
    });
  });

  it('does not count the rows of features, which no sweep of this process handles', async () => {
    const { engine, store, clock } = anEngine();
    const rows = Array.from({ length: 1_001 }, (_, i) =>
      aRow({ kind: 'provisioning', id: `p${i}`, createdAt: 0, ...empty, open: true, dueAt: clock.now() - HOUR, body: {} }),
    );
    await store.commit(aChange({ put: rows.slice(0, 500) }));
    expect(await stats(engine)).toMatchObject({ overdueEnds: none, sweepLagMs: none });
    await store.commit(aChange({ put: rows.slice(500) }));
    const unknown = { value: 0, atLeast: true };
    expect(await stats(engine)).toMatchObject({ overdueEnds: unknown, sweepLagMs: unknown });
  });

  it('rejects where the store fails', async () => {
    const { engine, store } = anEngine();
    store.inject('due', { fault: 'reject' });
    await refusal(stats(engine), 'ERR_JIT_STORE');
  });
});
