import { purge, removeSink } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { autoApprove, MemoryGrantStore, type JitEngine } from '../../../src/index.js';
import type { Row } from '../../../src/store.js';
import { verifyJournal } from '../../../src/journal.js';
import { FaultyStore, RecordingSink, ScriptedApprover } from '../../../src/testing.js';
import { aGranted, anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from '../../engine/an-engine.js';
import { CONFLICT } from '../../commit-answers.js';

const CISO = 'user:ciso';

/** Grants that end at different times, some by expiry, some by revoke; a request that is denied, and one that stays open. */
async function aPast(audit?: RecordingSink) {
  const made = anEngine({ audit, limits: { reviewWithin: '100h' } });
  const { engine, clock } = made;
  await aGranted(engine, { ttl: 1000, scope: 'a' });
  const kept = await aPending(engine, { scope: 'kept' });
  await clock.set(at(1500));
  await aGranted(engine, { ttl: 1000, scopes: ['a', 'b'] });
  const revoked = await aGranted(engine, { ttl: '1h', scope: 'c' });
  await clock.set(at(2000));
  await engine.revoke(revoked.id, { by: CISO });
  const denied = await aPending(engine, { scope: 'd' });
  await engine.deny(denied.id, { by: SAM });
  const long = await aGranted(engine, { ttl: '2h', scope: 'long' });
  await clock.set(at(10_000));
  await engine.sweep();
  await engine.flushAudit();
  return { ...made, kept, long, revoked };
}

async function answersAt(engine: JitEngine, t: number): Promise<unknown> {
  const scopes = ['a', 'b', 'c', 'd', 'long', 'kept'];
  const who = await Promise.all(scopes.map(async (scope) => (await engine.whoHadAccess({ scope, at: t })).items));
  return [who, (await engine.listGrants({ during: { from: t, to: at(10_000) } })).items];
}

describe('JitEngine', () => {
  describe('purge()', () => {
    for (const horizon of [at(999), at(1000), at(1001), at(1999), at(2000), at(2001), at(2500), at(2501), at(10_000)]) {
      it(`L33 with a horizon ${horizon - at(0)} ms in, past checks at or after the horizon are unchanged, earlier ones are refused`, async () => {
        const { engine, store } = await aPast();
        const instants = [at(0), at(999), at(1000), at(1500), at(1999), at(2000), at(2400), at(2499), at(2500), at(5000), at(9_999)];
        const before = new Map<number, unknown>();
        for (const t of instants) before.set(t, await answersAt(engine, t));
        const report = await purge(engine, { before: horizon, by: CISO, force: true });
        expect(report.horizon).toBe(horizon);
        for (const t of instants) {
          if (t >= horizon) expect(await answersAt(engine, t)).toEqual(before.get(t));
          else expect(await refusal(answersAt(engine, t), 'ERR_JIT_PURGED')).toMatchObject({ horizon });
        }
        const { start, head } = await store.journal({ after: 0, limit: 1 });
        expect(start.seq).toBe(report.journalStart);
        expect(await verifyJournal(await entriesOf(store), { start, head })).toMatchObject({ ok: true });
      });
    }

    it('L33 keeps unreadable rows and all that belongs to them, and removes the rest', async () => {
      for (const kind of ['request', 'grant']) {
        const { engine, store, revoked, told } = await aPast();
        const id = kind === 'grant' ? revoked.id : revoked.requestId;
        const [row] = await store.get([{ kind, id }]);
        if (row === undefined) throw new Error('the record is there');
        const bent: Row = { ...row, version: row.version + 1, body: { ...row.body, more: 1 } };
        await store.commit({ id: 'bend', expect: [{ kind, id, version: row.version }], put: [bent], append: [] });
        expect(await purge(engine, { before: at(10_000), by: CISO, force: true })).toMatchObject({ requests: 3, grants: 3 });
        expect(told.map((one) => (one.error as { code?: string }).code)).toContain('ERR_JIT_CORRUPT');
        const keys = [
          { kind: 'request', id: revoked.requestId },
          { kind: 'grant', id: revoked.id },
        ];
        expect(await store.get(keys)).toMatchObject(keys);
      }
    });

    it('L33 removes what ended before the horizon, and keeps what is open or ended since', async () => {
      const { engine, kept, long, store } = await aPast();
      expect(await purge(engine, { before: at(2400), by: CISO, force: true })).toMatchObject({ requests: 3, grants: 2 });
      expect((await engine.listRequests()).items.map((request) => request.scopes).sort()).toEqual([['a', 'b'], ['kept'], ['long']]);
      expect(await engine.isAllowed(MAYA, 'long')).toBe(true);
      expect((await engine.approve(kept.id, { by: SAM })).outcome).toBe('granted');
      expect((await engine.revoke(long.id, { by: CISO })).end?.status).toBe('revoked');
      expect((await store.find({ kind: 'grant', limit: 100 })).items).toHaveLength(4);
    });

    it('L33 keeps a request for as long as one of its grants is kept', async () => {
      const { engine, clock } = anEngine();
      const [first] = (
        (await engine.approve((await aPending(engine, { scopes: ['a', 'b'] })).id, { by: SAM })) as unknown as {
          grants: { id: string; requestId: string }[];
        }
      ).grants;
      await clock.set(at(1000));
      await engine.revoke(first?.id ?? '', { by: CISO });
      await clock.set(at(2000));
      expect(await purge(engine, { before: at(2000), by: CISO, force: true })).toMatchObject({ requests: 0, grants: 0 });
      expect((await engine.getRequest(first?.requestId ?? ''))?.grants).toHaveLength(2);
    });

    it('L33 keeps a grant whose end is not recorded yet', async () => {
      const { engine, clock } = anEngine();
      const grant = await aGranted(engine);
      await clock.set(at(HOUR));
      expect(await purge(engine, { before: at(HOUR), by: CISO, force: true })).toMatchObject({ requests: 0, grants: 0 });
      await engine.sweep();
      expect(await purge(engine, { before: at(HOUR), by: CISO, force: true })).toMatchObject({ requests: 1, grants: 1 });
      expect(await engine.getRequest(grant.requestId)).toBeUndefined();
    });

    it('L33 records who purged, the horizon, and what was removed', async () => {
      const { engine, store } = await aPast();
      await purge(engine, { before: at(2400), by: CISO, force: true });
      const purged = (await entriesOf(store)).filter((entry) => entry.type === 'journal.purged');
      expect(purged.every((entry) => entry.actor === CISO)).toBe(true);
      const removed = purged.flatMap((entry) => (entry.data['removed'] ?? []) as unknown as { kind: string }[]);
      expect(removed.map((one) => one.kind).sort()).toEqual(['grant', 'grant', 'request', 'request', 'request']);
    });

    it('L33 keeps the journal from the first entry of any kept record', async () => {
      const { engine, store, kept } = await aPast();
      await purge(engine, { before: at(10_000), by: CISO, force: true });
      const entries = await entriesOf(store);
      expect(entries[0]).toMatchObject({ type: 'request.created', requestId: kept.id });
    });

    it('L33 keeps the journal for a shared sink that is behind, also one that has never delivered', async () => {
      const slow = new RecordingSink({ name: 'slow' });
      slow.fail(1_000);
      const { engine, store, kept } = await aPast(slow);
      await engine.cancel(kept.id, { by: MAYA });
      expect((await purge(engine, { before: at(10_000), by: CISO, force: true })).journalStart).toBe(0);
      slow.fail(0);
      await engine.flushAudit();
      expect(slow.entries.map((entry) => entry.seq)).toEqual((await entriesOf(store)).map((entry) => entry.seq));
      expect((await purge(engine, { before: at(10_000), by: CISO, force: true })).journalStart).toBeGreaterThan(0);
    });

    it('L33 keeps the journal for the cursor of a sink that this engine does not have, until removeSink()', async () => {
      const { engine: other, store, clock, kept } = await aPast(new RecordingSink({ name: 'elsewhere' }));
      const gone = anEngine({ store, clock, audit: new RecordingSink({ name: 'gone' }) });
      await gone.engine.flushAudit();
      await gone.engine.close();
      const reached = (await journalHead(other)).seq;
      const { engine } = anEngine({ store, clock });
      await clock.set(at(20_000));
      await engine.revokeAll({ subject: MAYA }, { by: CISO });
      await clock.set(at(30_000));
      await other.flushAudit();
      expect(kept.end).toBeUndefined();
      expect((await purge(engine, { before: at(30_000), by: CISO, force: true })).journalStart).toBe(reached);
      await other.flushAudit();
      await removeSink(engine, 'gone');
      expect((await purge(engine, { before: at(30_000), by: CISO, force: true })).journalStart).toBeGreaterThan(reached);
      expect(await refusal(removeSink(engine, 'gone'), 'ERR_JIT_NOT_FOUND')).toMatchObject({ kind: 'follower', id: 'gone' });
    });

    it('refuses to remove a sink that this engine uses', async () => {
      const { engine } = anEngine({ audit: new RecordingSink({ name: 'mine' }) });
      await engine.flushAudit();
      expect(await refusal(removeSink(engine, 'mine'), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'name' });
    });

    it('L33 never moves the horizon back', async () => {
      const { engine } = await aPast();
      await purge(engine, { before: at(5000), by: CISO, force: true });
      expect((await purge(engine, { before: at(1000), by: CISO, force: true })).horizon).toBe(at(5000));
      expect(await refusal(engine.whoHadAccess({ scope: 'a', at: at(4999) }), 'ERR_JIT_PURGED')).toMatchObject({ horizon: at(5000) });
      expect((await engine.whoHadAccess({ scope: 'long', at: at(5000) })).items).toHaveLength(1);
    });

    it('L33 refuses a question about the past during a purge, instead of answering from half of the rows', async () => {
      const { engine, store } = await aPast();
      store.inject('find', { fault: 'hang' }, 1);
      const asking = refusal(engine.whoHadAccess({ scope: 'a', at: at(1) }), 'ERR_JIT_PURGED');
      await purge(engine, { before: at(5000), by: CISO, force: true });
      store.release();
      await asking;
    });

    it('L33 concurrent purges remove each record once', async () => {
      const { engine, store, clock } = await aPast();
      store.inject('all', { fault: 'yield', seed: 4 });
      const others = [engine, anEngine({ store, clock }).engine, anEngine({ store, clock }).engine];
      const reports = await Promise.all(others.map((one) => purge(one, { before: at(5000), by: CISO, force: true })));
      expect(reports.reduce((sum, report) => sum + report.requests, 0)).toBe(4);
      store.clear();
      const { start } = await store.journal({ after: 0, limit: 1 });
      expect(await verifyJournal(await entriesOf(store), { start })).toMatchObject({ ok: true });
    });

    it('L30 rejects after a bounded number of conflicts', async () => {
      const inner = new MemoryGrantStore();
      let commits = 0;
      const store = new FaultyStore(inner);
      store.commit = async () => {
        if (++commits > 100_000) throw new Error('purge would have tried for ever');
        return CONFLICT;
      };
      const { engine, clock } = anEngine({ store });
      await clock.set(at(1000));
      await purge(engine, { before: at(500), by: CISO, force: true }).catch(() => undefined);
      expect(commits).toBeLessThan(30_000);
    });

    it('L33 keeps the pending break-glass review of a requester who asks only for others', async () => {
      const approver = new ScriptedApprover({
        breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
        mayReviewBreakGlass: (reviewer) => reviewer === SAM,
      });
      const { engine, clock, store } = anEngine({ approver });
      const emergency = (subject: string) =>
        engine.breakGlass({ subject, requestedBy: 'agent:7', scope: SCOPE, ttl: 1000, justification: 'it burns' });
      const { request } = await emergency(MAYA);
      await clock.set(at(MINUTE));
      await engine.sweep();
      await clock.set(at(2 * HOUR));
      await purge(engine, { before: clock.now(), by: CISO, force: true });
      expect(await refusal(emergency('user:bob'), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'maxUnreviewed' });
      await engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'justified' });
      await clock.advance(1);
      await purge(engine, { before: clock.now(), by: CISO, force: true });
      for (const kind of ['request', 'grant']) expect((await store.find({ kind, limit: 9 })).items).toEqual([]);
      await emergency('user:bob');
    });

    it("L33 keeps every subject's row, so that a write based on an earlier read conflicts", async () => {
      const { engine, clock, store } = anEngine();
      await aGranted(engine, { ttl: 1 });
      await clock.set(at(MINUTE));
      await engine.sweep();
      await clock.set(at(2 * MINUTE));
      const before = await store.get([{ kind: 'subject', id: MAYA }]);
      expect(before).toMatchObject([{ version: 2 }]);
      expect(await purge(engine, { before: clock.now(), by: CISO, force: true })).toMatchObject({ requests: 1, grants: 1 });
      expect(await store.get([{ kind: 'subject', id: MAYA }])).toEqual(before);
      await aPending(engine);
      expect(await store.get([{ kind: 'subject', id: MAYA }])).toMatchObject([{ version: 3 }]);
    });

    it('L11 L33 keeps an idempotency key for as long as its request, and no longer', async () => {
      const { engine, clock, store } = anEngine();
      const grant = await aGranted(engine, { ttl: HOUR });
      const keyed = { ttl: HOUR, idempotencyKey: 'k' };
      expect(await ask(engine, keyed)).toMatchObject({ reused: true, request: { id: grant.requestId } });
      const reuses = async () => (await store.find({ kind: 'reuse', limit: 9 })).items;
      expect(await reuses()).toMatchObject([{ version: 1, subject: MAYA, body: { requestId: grant.requestId } }]);
      await clock.set(at(2 * HOUR));
      await engine.sweep();
      await purge(engine, { before: at(MINUTE), by: CISO, force: true });
      expect(await ask(engine, keyed)).toMatchObject({ reused: true, request: { id: grant.requestId } });
      await clock.advance(1);
      await purge(engine, { before: clock.now(), by: CISO, force: true });
      expect(await reuses()).toEqual([]);
      const purged = (await entriesOf(store)).filter(({ type }) => type === 'journal.purged');
      const removed = purged.flatMap(({ data }) => (data['removed'] ?? []) as unknown as { kind: string }[]);
      expect(removed.map(({ kind }) => kind).sort()).toEqual(['grant', 'request', 'reuse']);
      expect(await ask(engine, keyed)).toMatchObject({ outcome: 'pending', reused: false });
    });

    it('L12 L33 keeps the first grant of an extension chain until the chain has ended, then purges the chain at once', async () => {
      const { engine, clock } = anEngine({ approver: autoApprove(() => true) });
      const first = await aGranted(engine, { ttl: 10 * MINUTE });
      const extended = await engine.extend(first.id, { requestedBy: MAYA, ttl: 10 * MINUTE });
      const end = at(20 * MINUTE);
      for (const now of [at(10 * MINUTE) + 1, end - 1]) {
        await clock.set(now);
        await engine.sweep();
        expect(await purge(engine, { before: now, by: CISO, force: true })).toMatchObject({ requests: 0, grants: 0 });
        expect((await engine.getRequest(first.requestId))?.grants).toHaveLength(1);
      }
      await clock.set(end);
      await engine.sweep();
      expect(await purge(engine, { before: end, by: CISO, force: true })).toMatchObject({ requests: 2, grants: 2 });
      expect(await engine.getRequest(extended.request.id)).toBeUndefined();
    });

    it('purges more than a page of rows', async () => {
      const { engine, clock, store } = anEngine();
      for (let i = 0; i < 130; i++) await aGranted(engine, { ttl: 1, scope: `s${i}` });
      await clock.set(at(MINUTE));
      await engine.sweep();
      await clock.set(at(2 * MINUTE));
      expect(await purge(engine, { before: at(2 * MINUTE), by: CISO, force: true })).toMatchObject({ requests: 130, grants: 130 });
      expect((await store.find({ kind: 'request', limit: 1 })).items).toEqual([]);
      expect((await entriesOf(store)).every((entry) => entry.type === 'journal.purged')).toBe(true);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  });
});
