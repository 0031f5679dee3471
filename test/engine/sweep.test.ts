import { purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it, vi } from 'vitest';
import { autoApprove, StoreError, type SweepReport } from '../../src/index.js';
import type { Row, RowKey } from '../../src/store.js';
import { hangs, ScriptedApprover, throws } from '../../src/testing.js';
import {
  aGranted,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  grantsOf,
  HOUR,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
  typesOf,
} from './an-engine.js';
import { CONFLICT } from '../commit-answers.js';

const END = 15 * MINUTE;
const NOTHING: SweepReport = {
  ...{ ended: 0, expired: 0, started: 0, warned: 0, escalated: 0, reminded: 0, missed: 0 },
  ...{ asked: 0, skipped: 0, unhandled: 0 },
};

describe('JitEngine', () => {
  describe('sweep()', () => {
    it('records the instant at which access ended, also in a late sweep', async () => {
      const { engine, clock, store } = anEngine();
      const grant = await aGranted(engine);
      await clock.set(at(HOUR));
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 1 });
      expect((await entriesOf(store)).at(-1)).toMatchObject({
        type: 'grant.expired',
        actor: 'system:sweeper',
        at: at(HOUR),
        grantId: grant.id,
        data: { version: 2, end: { status: 'expired', cause: 'time', at: at(END), by: 'system:sweeper' } },
      });
    });

    it('reports what it has recorded where the clock fails right after (L30)', async () => {
      const { engine, clock, store, told } = anEngine();
      await aGranted(engine);
      await clock.set(at(HOUR));
      const commit = store.commit.bind(store);
      vi.spyOn(store, 'commit').mockImplementation(async (change) => {
        const outcome = await commit(change);
        vi.spyOn(clock, 'now').mockImplementation(() => {
          throw new Error('no clock');
        });
        return outcome;
      });
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 1 });
      expect(told.map(({ error }) => (error as { code?: unknown }).code)).toContain('ERR_JIT_CLOCK');
    });

    it('records a deadline that has passed', async () => {
      const { engine, clock, store } = anEngine({ limits: { reviewWithin: 1000 } });
      const request = await aPending(engine);
      await clock.set(at(1000));
      expect(await engine.sweep()).toEqual({ ...NOTHING, expired: 1 });
      expect((await engine.getRequest(request.id))?.request.end).toEqual({
        status: 'expired',
        cause: 'time',
        at: at(1000),
        by: 'system:sweeper',
        reason: undefined,
      });
      expect((await typesOf(store)).at(-1)).toBe('request.expired');
    });

    it('does nothing, and writes nothing, where nothing is due', async () => {
      const { engine, store } = anEngine();
      await aGranted(engine);
      await aPending(engine, { scope: 'asked' });
      const [head, commits] = [await journalHead(engine), store.called('commit')];
      expect(await engine.sweep()).toEqual(NOTHING);
      expect(await journalHead(engine)).toEqual(head);
      expect(store.called('commit')).toBe(commits);
    });

    it('L6 records ends leewayMs early, as checks apply them', async () => {
      const { engine, clock, store } = anEngine({ leewayMs: 500 });
      await aGranted(engine);
      await clock.set(at(END - 501));
      expect((await engine.sweep()).ended).toBe(0);
      await clock.set(at(END - 500));
      expect((await engine.sweep()).ended).toBe(1);
      expect((await entriesOf(store)).at(-1)?.data['end']).toMatchObject({ at: at(END - 500) });
    });

    it('L34 reads pages of due grants, and no live grant', async () => {
      const { engine, clock, store } = anEngine({ approver: autoApprove(() => true), limits: { maxGrants: 250 } });
      for (let i = 0; i < 250; i++) await aGranted(engine, { scope: `s${i}`, ttl: i < 120 ? 1000 : '2h' });
      await clock.set(at(1000));
      const before = store.calls.length;
      expect((await engine.sweep()).ended).toBe(120);
      const methods = store.calls.slice(before).map((call) => call.method);
      expect(new Set(methods)).toEqual(new Set(['due', 'get', 'commit']));
      expect(methods.filter((method) => method === 'due').length).toBeLessThanOrEqual(3);
      const read = store.calls.slice(before).flatMap((call) => (call.method === 'get' ? (call.argument as readonly RowKey[]) : []));
      expect(read.length).toBe(120);
      expect(methods.filter((method) => method === 'commit')).toHaveLength(2);
    });

    it('L34 ends 10,000 grants that are due in the same second, in chunks', async () => {
      const { engine, clock, store } = anEngine({ approver: autoApprove(() => true) });
      for (let i = 0; i < 200; i++)
        await grantsOf(engine, { subject: i === 0 ? MAYA : `user:${i}`, scopes: Array.from({ length: 50 }, (_, n) => `s${i}:${n}`) });
      await clock.set(at(END));
      const commits = store.called('commit');
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 10_000 });
      expect(store.called('commit') - commits).toBe(100);
      expect(await engine.isAllowed('user:7', 's7:7')).toBe(false);
      expect((await engine.sweep()).ended).toBe(0);
    });

    it('a chunk that conflicts is reloaded and recorded', async () => {
      const { engine, clock, store } = anEngine();
      for (let i = 0; i < 10; i++) await aGranted(engine, { scope: `s${i}` });
      await clock.set(at(END));
      store.inject('commit', { fault: 'malformed', answer: CONFLICT }, 1);
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 10 });
    });

    it('a record that always conflicts delays no other record', async () => {
      const { engine, clock, store } = anEngine();
      const grants = [];
      for (let i = 0; i < 10; i++) grants.push(await aGranted(engine, { scope: `s${i}` }));
      await clock.set(at(END));
      const busy = grants[3]?.id;
      const commit = store.commit.bind(store);
      store.commit = (change) => (change.put.some((row) => row.id === busy) ? Promise.resolve(CONFLICT) : commit(change));
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 9, skipped: 1 });
    });

    it('L30 a record that the store refuses to write delays no other, and is reported to onError', async () => {
      const { engine, clock, store, told } = anEngine();
      for (let i = 0; i < 10; i++) await aGranted(engine, { scope: `s${i}` });
      await clock.set(at(END));
      const commit = store.commit.bind(store);
      const refused = new StoreError('commit', 'the row is too large');
      store.commit = (change) => (change.put.some(({ scope }) => scope === 's3') ? Promise.reject(refused) : commit(change));
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 9, skipped: 1 });
      expect(told).toMatchObject([{ during: 'sweep', error: { code: 'ERR_JIT_STORE' } }]);
      store.commit = commit;
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 1 });
    });

    it('L30 ten consecutive records that the store refuses to write, due before all others, delay no other record', async () => {
      const { engine, clock, store } = anEngine({ approver: autoApprove(() => true) });
      const isPoison = ({ scope }: { scope?: string | undefined }) => scope?.startsWith('poison') === true;
      for (let i = 0; i < 10; i++) await aGranted(engine, { scope: `poison${i}` });
      for (let i = 0; i < 150; i++) await aGranted(engine, { scope: `s${i}`, ttl: '16m' });
      await clock.set(at(END + MINUTE));
      const commit = store.commit.bind(store);
      const refused = new StoreError('commit', 'the row is too large');
      store.commit = (change) => (change.put.some(isPoison) ? Promise.reject(refused) : commit(change));
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 150, skipped: 10 });
    });

    for (const [what, count] of [
      ['every record', 3],
      ['more than 24 commits', 60],
    ] as const) {
      it(`L30 fails as a whole where the store refuses ${what}, after a bounded number of tries`, async () => {
        const { engine, clock, store } = anEngine({ approver: autoApprove(() => true) });
        for (let i = 0; i < count; i++) await aGranted(engine, { scope: `s${i}` });
        await clock.set(at(END));
        store.inject('commit', { fault: 'reject' });
        const commits = store.called('commit');
        await refusal(engine.sweep(), 'ERR_JIT_STORE');
        // 25 refusals, each of a commit that was sent twice.
        expect(store.called('commit') - commits).toBeLessThanOrEqual(50);
        store.clear();
        expect(await engine.sweep()).toEqual({ ...NOTHING, ended: count });
      });
    }

    it('L30 rejects if the store fails, and a later sweep records the ends', async () => {
      const { engine, clock, store } = anEngine();
      await aGranted(engine);
      await clock.set(at(END));
      for (const method of ['due', 'commit'] as const) {
        const clear = store.inject(method, { fault: 'reject' });
        await refusal(engine.sweep(), 'ERR_JIT_STORE');
        clear();
      }
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await engine.sweep()).ended).toBe(1);
    });

    it('L30 a poison row in the middle of a batch is reported to onError, counted and skipped', async () => {
      const { engine, clock, store, told } = anEngine();
      for (let i = 0; i < 5; i++) await aGranted(engine, { scope: `s${i}` });
      await clock.set(at(END));
      store.inject('due', {
        fault: 'malformed',
        answer: (page: { items: readonly Row[] }) => ({
          ...page,
          items: page.items.map((row, i) => (i === 2 ? { ...row, version: '1' } : row)),
        }),
      });
      expect(await engine.sweep()).toEqual({ ...NOTHING, ended: 4, skipped: 1 });
      expect(told).toMatchObject([{ during: 'sweep', error: { code: 'ERR_JIT_CORRUPT' } }]);
    });

    it('L16 asks again an approver that has not decided, reports its failure, and continues', async () => {
      const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
      const { engine, clock, told } = anEngine({ approver, limits: { retryAfter: 1000 } });
      for (let i = 0; i < 3; i++) await refusal(ask(engine, { scope: `s${i}` }), 'ERR_JIT_APPROVER');
      await clock.set(at(1000));
      expect(await engine.sweep()).toEqual({ ...NOTHING, asked: 3 });
      expect(told).toHaveLength(3);
      const asked = new Set<string | undefined>();
      approver.script.decide = (request) => {
        asked.add(request.scopes[0]);
        if (request.scopes[0] === 's1') throw new Error('still down');
        return { outcome: 'approve' };
      };
      await engine.sweep();
      expect([...asked].sort()).toEqual(['s0', 's1', 's2']);
      expect((await engine.status(MAYA)).held.map((grant) => grant.scope).sort()).toEqual(['s0', 's2']);
    });

    it('L16 asks about every undecided request within a few passes, even if the approver always fails', async () => {
      const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
      const { engine, clock } = anEngine({ approver, limits: { retryAfter: 1000, maxOpenRequests: 230 } });
      for (let i = 0; i < 230; i++) await refusal(ask(engine, { scope: `s${i}` }), 'ERR_JIT_APPROVER');
      await clock.set(at(1000));
      const seen = new Set<string>();
      approver.script.decide = (request) => {
        seen.add(request.id);
        throw new Error('down');
      };
      for (let pass = 0; pass < 3; pass++) expect((await engine.sweep()).asked).toBeLessThanOrEqual(100);
      expect(seen.size).toBe(230);
    });

    it('records ends before it asks: an approver that hangs delays no end', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
      const { engine, clock, store } = anEngine({ approver, limits: { retryAfter: 1000, approverTimeout: 1000 } });
      await aGranted(engine);
      approver.script.decide = throws(new Error('down'));
      await refusal(ask(engine, { scope: 'asked' }), 'ERR_JIT_APPROVER');
      approver.script.decide = hangs();
      await clock.set(at(END));
      const sweeping = engine.sweep();
      while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
      expect((await typesOf(store)).at(-1)).toBe('grant.expired');
      await clock.advance(1000);
      expect(await sweeping).toMatchObject({ ended: 1, asked: 1 });
    });

    it('reports no failure for a request that is cancelled, or passes its deadline, during the question', async () => {
      const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
      const { engine, clock, told } = anEngine({ approver, limits: { retryAfter: 1000, reviewWithin: 2000 } });
      const { requestId = '' } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
      await refusal(ask(engine, { scope: 'late' }), 'ERR_JIT_APPROVER');
      approver.script.decide = async (request) => {
        if (request.id === requestId) await engine.cancel(requestId, { by: MAYA });
        else await clock.set(at(2000));
        return { outcome: 'approve' };
      };
      await clock.set(at(1000));
      expect(await engine.sweep()).toMatchObject({ asked: 2 });
      expect(told).toEqual([]);
      expect((await engine.status(MAYA)).held).toEqual([]);
    });

    it('L5 refuses an approval while the clock is behind, and reports that to onError', async () => {
      const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
      const { engine, clock, told } = anEngine({ approver, limits: { retryAfter: 1000 } });
      await refusal(ask(engine), 'ERR_JIT_APPROVER');
      await clock.set(at(HOUR));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(0));
      approver.script.decide = { outcome: 'approve' };
      await engine.sweep();
      expect(new Set(told.map((one) => (one.error as { code?: string }).code))).toEqual(new Set(['ERR_JIT_CLOCK']));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('skips a grant that was ended and purged after the page was read', async () => {
      const { engine, clock, store } = anEngine();
      await aGranted(engine, { scope: 'gone' });
      await clock.set(at(1));
      await aGranted(engine, { scope: 'here' });
      await clock.set(at(END + 1000));
      const due = store.due.bind(store);
      store.due = async (query) => {
        const page = await due(query);
        store.due = due;
        const other = anEngine({ store, clock }).engine;
        await other.revokeAll({ scope: 'gone' }, { by: SAM });
        expect(await purge(other, { before: at(END + 1000), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
        return page;
      };
      expect(await engine.sweep()).toMatchObject({ ended: 1 });
    });

    it('leaves a grant unchanged that was revoked after the page was read', async () => {
      const { engine, clock, store } = anEngine();
      const grant = await aGranted(engine);
      await clock.set(at(END));
      const due = store.due.bind(store);
      store.due = async (query) => {
        const page = await due(query);
        store.due = due;
        await anEngine({ store, clock }).engine.revoke(grant.id, { by: SAM });
        return page;
      };
      expect((await engine.sweep()).ended).toBe(0);
      expect((await typesOf(store)).filter((type) => type === 'grant.expired')).toHaveLength(1);
    });
  });
});
