import { purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  firstDecisive,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  type Approver,
  type AuditEntry,
  type Clock,
  type Page,
  type ScopeMatcher,
} from '../../src/index.js';
import type { Change, Row } from '../../src/store.js';
import { FaultyStore, ManualClock, RecordingSink } from '../../src/testing.js';
import { aGranted, anEngine, aPending, at, MAYA, refusal, SAM, SCOPE } from './an-engine.js';

/** One case for each defect that an attacker found from the design alone. */
describe('JitEngine', () => {
  describe('under attack', () => {
    it('L28 L33 a purge trims no entry that a shared sink of another engine has not received', async () => {
      const store = new MemoryGrantStore();
      const clock = new ManualClock();
      const delivered: AuditEntry[] = [];
      const slow = { name: 'siem', write: () => Promise.reject(new Error('down')) };
      const withSink = new JitEngine({ approver: autoApprove(() => true), store, clock, audit: slow });
      const grant = await aGranted(withSink);
      await withSink.revoke(grant.id, { by: SAM });
      await clock.advance('1h');
      const purger = new JitEngine({ approver: autoApprove(() => true), store, clock });
      expect(await purge(purger, { before: clock.now(), by: 'user:ciso', force: true })).toMatchObject({ requests: 1, journalStart: 0 });
      await withSink.close();
      const well = { name: 'siem', write: (entries: readonly AuditEntry[]) => void delivered.push(...entries) };
      await new JitEngine({ approver: autoApprove(() => true), store, clock, audit: well }).flushAudit();
      expect(delivered.map((entry) => entry.seq)).toEqual(Array.from({ length: delivered.length }, (_, i) => i + 1));
      expect(delivered[0]?.type).toBe('request.created');
    });

    it('L28 L33 a purge looks for cursors again if a cursor is created during its search', async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      const clock = new ManualClock();
      const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
      await engine.revoke((await aGranted(engine)).id, { by: SAM });
      await clock.advance('1h');
      const other = new JitEngine({
        approver: autoApprove(() => true),
        store: new MemoryGrantStoreView(store),
        clock,
        audit: { name: 'siem', write: () => Promise.reject(new Error('down')) },
      });
      const find = store.find.bind(store);
      let raced = false;
      store.find = async (query) => {
        const page = await find(query);
        if (query.kind === 'cursor' && !raced) {
          raced = true;
          await other.flushAudit();
        }
        return page;
      };
      const { journalStart } = await purge(engine, { before: clock.now(), by: 'user:ciso', force: true });
      expect(raced).toBe(true);
      expect(journalStart).toBe(0);
    });

    it('L28 a cursor before the start of the journal is reported to onError, and delivery does not skip the missing entries', async () => {
      const sink = new RecordingSink();
      const { engine, store, told } = anEngine({ audit: sink });
      await aPending(engine);
      await engine.flushAudit();
      const [row] = await store.get([{ kind: 'cursor', id: sink.name }]);
      if (row === undefined) throw new Error('there is a cursor');
      await aPending(engine, { scope: 'another' });
      await engine.flushAudit();
      const [now] = await store.get([{ kind: 'cursor', id: sink.name }]);
      const back: Row = { ...row, version: (now?.version ?? 0) + 1 };
      const change: Change = { id: 'x', expect: [{ kind: 'cursor', id: sink.name, version: now?.version ?? 0 }], put: [back], append: [] };
      await store.commit({ ...change, trimJournalTo: (await journalHead(engine)).seq });
      expect((await engine.flushAudit()).caughtUp).toBe(false);
      expect(told.map((one) => (one.error as { code?: string }).code)).toContain('ERR_JIT_CORRUPT');
    });

    it.each<[string, unknown]>([
      ['a promise', async () => false],
      ['a truthy value', () => 'no'],
      [
        'a throw',
        () => {
          throw new Error('matcher down');
        },
      ],
    ])('L20 L30 a matcher that answers with %s allows nothing, and lets revokeAll end the grant', async (_, answer) => {
      const scopes = { name: 'odd', exact: false, isWide: () => false, covers: answer, overlaps: answer } as ScopeMatcher;
      const { engine, told } = anEngine({ scopes, approver: autoApprove(() => true) });
      await aGranted(engine);
      expect(await engine.isAllowed(MAYA, 'totally:different')).toBe(false);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(told.length).toBeGreaterThan(0);
      expect((await engine.revokeAll({ scope: 'other' }, { by: SAM })).grants).toHaveLength(1);
    });

    it('L20 refuses a matcher whose exact is not a boolean', () => {
      const scopes = { name: 'odd', exact: 'false', covers: () => false, overlaps: () => false } as unknown as ScopeMatcher;
      expect(() => new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), scopes })).toThrow(/scopes\.exact/);
    });

    it('L12 revokeAll terminates while its subject keeps requesting access', async () => {
      const { engine, store, clock } = anEngine({ approver: autoApprove(() => true) });
      await aGranted(engine);
      const find = store.find.bind(store);
      let asked = 0;
      let asking = false;
      store.find = async (query) => {
        const page = await find(query);
        // A request also looks for open requests.
        if (query.kind === 'request' && !asking && asked < 50) {
          asking = true;
          asked += 1;
          await clock.advance(1);
          await aGranted(engine, { scope: `again:${asked}` });
          asking = false;
        }
        return page;
      };
      const report = await engine.revokeAll({ subject: MAYA }, { by: SAM });
      expect(asked).toBeLessThan(10);
      expect(report.grants.length).toBeGreaterThanOrEqual(1);
    });

    it('L12 revokeAll ends the other grants if one cannot be ended, and rejects with the failure', async () => {
      const { engine, store } = anEngine({ approver: autoApprove(() => true) });
      const grants = [await aGranted(engine), await aGranted(engine, { scope: 'b' }), await aGranted(engine, { scope: 'c' })];
      const commit = store.commit.bind(store);
      const poison = grants.map((grant) => grant.id).sort()[0];
      store.commit = (change) => (change.put.some((row) => row.id === poison) ? Promise.reject(new Error('disk')) : commit(change));
      const { failures } = await refusal(engine.revokeAll({ subject: MAYA }, { by: SAM }), 'ERR_JIT_PARTIAL');
      expect(failures).toMatchObject([{ kind: 'grant', id: poison, error: { code: 'ERR_JIT_OUTCOME_UNKNOWN' } }]);
      const live = await engine.status(MAYA);
      expect(live.held.map((grant) => grant.id)).toEqual([poison]);
    });

    it('L5 resolves as granted if the clock fails after the commit', async () => {
      let isGiven = false;
      const clock: Clock = {
        now: () => {
          if (isGiven) throw new Error('no clock');
          return at(0);
        },
      };
      class Giving extends MemoryGrantStore {
        override async commit(change: Change) {
          const outcome = await super.commit(change);
          isGiven ||= change.append.some(({ type }) => type === 'grant.issued');
          return outcome;
        }
      }
      const { engine } = anEngine({ clock, store: new Giving(), approver: autoApprove(() => true) });
      const outcome = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 1000 }).catch((error: unknown) => error);
      expect(outcome).toMatchObject({ outcome: 'granted' });
    });

    it('L5 L16 a clock that steps back while the approver decides leaves the request pending, and the error names it', async () => {
      const clock = new ManualClock();
      const stepping: Approver = {
        name: 'stepping',
        decide: async () => {
          await clock.set(clock.now() - 5000);
          return { outcome: 'approve' };
        },
      };
      const { engine } = anEngine({ clock, approver: stepping });
      const error = await refusal(engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 1000 }), 'ERR_JIT_CLOCK');
      const found = await engine.getRequest(error.requestId ?? 'none');
      expect(found?.request).toMatchObject({ id: error.requestId, subject: MAYA, end: undefined });
    });

    it('L17 only the approver that named the quorum decides who may review, in a chain or not', async () => {
      const store = new MemoryGrantStore();
      const security = anEngine({ store, approver: reviewers({ members: [SAM], name: 'security' }) });
      const request = await aPending(security.engine);
      for (const approver of [
        reviewers({ members: ['user:dev'], name: 'dev' }),
        firstDecisive(reviewers({ members: ['user:dev'], name: 'dev' })),
      ]) {
        const other = anEngine({ store, approver: { ...approver, groupsOf: () => ['security'] } });
        await refusal(other.engine.approve(request.id, { by: 'user:dev' }), 'ERR_JIT_NOT_REVIEWER');
      }
      expect((await security.engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
    });

    it('L16 a verdict in the name of an unknown approver is an approver failure', async () => {
      const approver: Approver = { name: 'a', decide: () => ({ outcome: 'approve', approver: 'b' }) };
      await refusal(anEngine({ approver }).engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 1000 }), 'ERR_JIT_APPROVER');
    });

    it('L17 an approver cannot lower a frozen quorum, even if the store returns rows that are not frozen', async () => {
      const groups = [
        { name: 'a', approvals: 1 },
        { name: 'b', approvals: 1 },
      ];
      const approver: Approver = {
        name: 'mean',
        decide: () => ({ outcome: 'review', quorum: { groups } }),
        groupsOf: (_, request) => {
          (request.quorum?.groups as unknown as unknown[]).pop();
          return ['a'];
        },
      };
      const { engine } = anEngine({ store: new MemoryGrantStoreView(new MemoryGrantStore()), approver });
      const request = await aPending(engine);
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_APPROVER');
      expect((await engine.getRequest(request.id))?.request.quorum?.groups).toHaveLength(2);
    });

    it('L14 a repeated approval completes the quorum once an earlier reviewer is back in the group', async () => {
      let away = '';
      const approver: Approver = {
        name: 'team',
        decide: () => ({ outcome: 'review', quorum: { groups: [{ name: 'team', approvals: 2 }] } }),
        groupsOf: (reviewer) => (reviewer === away ? [] : ['team']),
      };
      const { engine, store } = anEngine({ approver });
      const request = await aPending(engine);
      await engine.approve(request.id, { by: SAM });
      away = SAM;
      expect((await engine.approve(request.id, { by: 'user:ana' })).outcome).toBe('pending');
      away = '';
      expect((await engine.approve(request.id, { by: 'user:ana' })).outcome).toBe('granted');
      const { entries } = await store.journal({ after: 0, limit: 100 });
      expect(entries.filter((entry) => entry.type === 'request.reviewed')).toHaveLength(2);
    });

    it('L14 a reviewer who is back in the group completes the quorum by repeating the approval', async () => {
      let away = '';
      const approver: Approver = {
        name: 'team',
        decide: () => ({ outcome: 'review', quorum: { groups: [{ name: 'team', approvals: 2 }] } }),
        groupsOf: (reviewer) => (reviewer === away ? [] : ['team']),
      };
      const { engine } = anEngine({ approver });
      const { id } = await aPending(engine);
      await engine.approve(id, { by: SAM });
      away = SAM;
      expect((await engine.approve(id, { by: 'user:ana' })).outcome).toBe('pending');
      away = '';
      expect((await engine.approve(id, { by: SAM })).outcome).toBe('granted');
    });

    it('L30 refuses a page whose next cursor repeats or is not a cursor, instead of reading without end', async () => {
      for (const next of [null, '', 7, 'same']) {
        const { engine, store } = anEngine();
        await aPending(engine);
        const bent = async () => ({ items: [], next }) as unknown as Page<Row>;
        store.due = bent;
        store.find = bent;
        if (next !== '' && next !== 'same') await refusal(engine.sweep(), 'ERR_JIT_STORE');
        else await refusal(engine.sweep(), 'ERR_JIT_STORE');
        await refusal(engine.listRequests(), 'ERR_JIT_STORE');
      }
    });

    it('L14 L30 a row with one reviewer twice, or with a quorum but no approver, is malformed', async () => {
      for (const bend of [
        (body: Row['body']) => ({ ...body, reviews: [...(body['reviews'] as []), ...(body['reviews'] as [])] }),
        ({ approver: _, ...body }: Row['body']) => body,
      ]) {
        const { engine, store } = anEngine({ approver: reviewers({ members: [SAM, 'user:ana', 'user:lee'], approvals: 3 }) });
        const request = await aPending(engine);
        await engine.approve(request.id, { by: SAM });
        const [row] = await store.get([{ kind: 'request', id: request.id }]);
        if (row === undefined) throw new Error('there is a request');
        const put: Row[] = [{ ...row, version: row.version + 1, body: bend(row.body) }];
        await store.commit({ id: 'bend', expect: [{ kind: 'request', id: request.id, version: row.version }], put, append: [] });
        await refusal(engine.approve(request.id, { by: 'user:ana' }), 'ERR_JIT_CORRUPT');
      }
    });

    it('L33 a request that is purged between two reads counts as missing, not as corrupt', async () => {
      const { engine, store, clock } = anEngine();
      // With more than four scopes, the other grants are read after the request.
      const grant = await aGranted(engine, { ttl: 1000, scopes: ['a', 'b', 'c', 'd', 'e'] });
      await clock.advance('1h');
      await engine.sweep();
      const get = store.get.bind(store);
      let purged = false;
      store.get = async (keys) => {
        const rows = await get(keys);
        if (!purged && keys.some((key) => key.kind === 'request')) {
          purged = true;
          await purge(engine, { before: clock.now(), by: SAM, force: true });
        }
        return rows;
      };
      expect(await engine.getRequest(grant.requestId)).toBeUndefined();
    });

    it('L28 a local sink receives what other engines commit after the first call of its own engine', async () => {
      const store = new MemoryGrantStore();
      const sink = new RecordingSink({ name: 'console', follow: 'local' });
      const idle = anEngine({ store, audit: sink });
      await idle.engine.flushAudit();
      await aPending(anEngine({ store }).engine);
      await idle.engine.flushAudit();
      expect(sink.entries.map((entry) => entry.seq)[0]).toBe(1);
    });

    it('L20 filterAllowed answers for standing scopes without the store', async () => {
      const { engine, store } = anEngine({ standing: { [MAYA]: ['*:read'] } });
      store.inject('live', { fault: 'reject' });
      expect(await engine.filterAllowed(MAYA, ['db:read', 'logs:read'])).toEqual(['db:read', 'logs:read']);
      await refusal(engine.filterAllowed(MAYA, ['db:read', 'db:write']), 'ERR_JIT_STORE');
    });
  });
});

/** A store that returns rows as JSON would: not frozen, not shared. It has no `watch`. */
class MemoryGrantStoreView {
  readonly durability = 'memory';
  readonly namespace: string;
  readonly #inner: MemoryGrantStore | FaultyStore;

  constructor(inner: MemoryGrantStore | FaultyStore) {
    this.#inner = inner;
    this.namespace = inner.namespace;
  }

  in(): never {
    throw new Error('not needed here');
  }
  async get(...args: Parameters<MemoryGrantStore['get']>) {
    return structuredClone(await this.#inner.get(...args));
  }
  async live(...args: Parameters<MemoryGrantStore['live']>) {
    return structuredClone(await this.#inner.live(...args));
  }
  async find(...args: Parameters<MemoryGrantStore['find']>) {
    return structuredClone(await this.#inner.find(...args));
  }
  async due(...args: Parameters<MemoryGrantStore['due']>) {
    return structuredClone(await this.#inner.due(...args));
  }
  async commit(...args: Parameters<MemoryGrantStore['commit']>) {
    return this.#inner.commit(...args);
  }
  async journal(...args: Parameters<MemoryGrantStore['journal']>) {
    return structuredClone(await this.#inner.journal(...args));
  }
}
