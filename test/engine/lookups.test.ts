import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { autoApprove, patternScopes, reviewers, type GrantQuery, type GrantStatus } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, at, entriesOf, grantsOf, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

const END = 15 * MINUTE;

describe('JitEngine', () => {
  describe('requestAccess()', () => {
    it('stores every field of the ask', async () => {
      const { engine } = anEngine();
      const { request } = await ask(engine, {
        scopes: ['a', 'b'],
        ttl: '1h30m',
        justification: 'the primary rejects writes',
        ticket: 'INC-4711',
        requestedBy: 'agent:7',
        metadata: { pager: [1, { x: null }] },
      });
      expect(request).toEqual({
        kind: 'request',
        status: 'pending',
        id: request.id,
        version: 2,
        subject: MAYA,
        requestedBy: 'agent:7',
        scopes: ['a', 'b'],
        ttlMs: 5_400_000,
        startsAt: undefined,
        extension: undefined,
        justification: 'the primary rejects writes',
        ticket: 'INC-4711',
        metadata: { pager: [1, { x: null }] },
        createdAt: at(0),
        reviewBy: at(24 * 60 * MINUTE),
        askAgainAt: at(30_000),
        approver: 'reviewers',
        rule: undefined,
        terms: { warnBeforeMs: undefined, idleTtlMs: undefined, maxUses: undefined, maxTotalMs: undefined },
        assignedAt: at(0),
        quorum: { groups: [{ name: 'reviewers', approvals: 1 }], denials: 1, approvalTtlMs: undefined, escalation: undefined },
        escalatedAt: undefined,
        reviews: [],
        end: undefined,
        afterReview: undefined,
      });
      expect((await engine.getRequest(request.id))?.request).toEqual(request);
    });

    it('L11 returns the current request for the same key and body, and writes nothing', async () => {
      const { engine } = anEngine();
      const asked = { idempotencyKey: 'k', metadata: { b: 1, a: 2 }, justification: 'x' };
      const first = await aPending(engine, asked);
      const head = await journalHead(engine);
      expect(await aPending(engine, { ...asked, metadata: { a: 2, b: 1 } })).toEqual(first);
      expect(await journalHead(engine)).toEqual(head);
      await engine.approve(first.id, { by: SAM });
      const granted = await ask(engine, asked);
      expect(granted).toMatchObject({ outcome: 'granted', grants: [{ id: `${first.id}.1` }] });
      await engine.revoke(`${first.id}.1`, { by: SAM });
      expect(await ask(engine, asked)).toMatchObject({ outcome: 'ended', allowed: false, grants: [{ end: { cause: 'revoked' } }] });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L11 returns the current status of a cancelled, a denied and an expired request', async () => {
      const { engine, clock } = anEngine({ limits: { reviewWithin: 1000 } });
      const asked = (idempotencyKey: string) => ({ idempotencyKey, scope: `s:${idempotencyKey}` });
      const [cancelled, denied] = [await aPending(engine, asked('c')), await aPending(engine, asked('d'))];
      await aPending(engine, asked('e'));
      await engine.cancel(cancelled.id, { by: MAYA });
      await engine.deny(denied.id, { by: SAM, reason: 'no' });
      await clock.set(at(1000));
      expect((await ask(engine, asked('c'))).outcome).toBe('cancelled');
      expect(await ask(engine, asked('d'))).toMatchObject({ outcome: 'denied', reason: 'no' });
      expect((await ask(engine, asked('e'))).outcome).toBe('expired');
    });

    for (const [what, over] of [
      ['scope', { scope: 'other' }],
      ['list of scopes', { scopes: [SCOPE, 'b'] }],
      ['ttl', { ttl: 1 }],
      ['justification', { justification: 'other' }],
      ['ticket', { ticket: 'T' }],
      ['metadata', { metadata: { a: 2 } }],
      ['subject', { subject: 'user:bob', requestedBy: MAYA }],
    ] as const) {
      it(`L11 refuses the same key with another ${what}`, async () => {
        const { engine } = anEngine();
        const first = await aPending(engine, { idempotencyKey: 'k', metadata: { a: 1 } });
        expect(await refusal(ask(engine, { idempotencyKey: 'k', metadata: { a: 1 }, ...over }), 'ERR_JIT_IDEMPOTENCY')).toMatchObject({
          recordId: first.id,
        });
        expect((await engine.listRequests()).items).toHaveLength(1);
      });
    }

    it('L11 L24 keys are separate for each requester, key and namespace', async () => {
      const { engine, store, clock } = anEngine();
      // Each request is cancelled before the next ask, which would otherwise reuse it.
      const made = async (over: object, of = engine) => {
        const { id } = await aPending(of, over);
        await of.cancel(id, { by: MAYA });
        return id;
      };
      const ids = [
        await made({ idempotencyKey: 'k' }),
        await made({ idempotencyKey: 'k2' }),
        await made({ idempotencyKey: 'k', requestedBy: 'agent:7' }),
        await made({ idempotencyKey: 'b:c', requestedBy: 'a' }),
        await made({ idempotencyKey: 'c', requestedBy: 'a:b' }),
        await made({ idempotencyKey: 'k' }, anEngine({ store: store.in('other'), clock }).engine),
        await made({}),
        await made({}),
      ];
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('L29 neither metadata nor the idempotency key enters the journal', async () => {
      const { engine, store } = anEngine();
      const grant = await aGranted(engine, { metadata: { secret: 'hunter2' }, idempotencyKey: 'a-key-of-mine' });
      await engine.revoke(grant.id, { by: SAM });
      await refusal(ask(engine, { metadata: { secret: 'hunter3' }, idempotencyKey: 'a-key-of-mine' }), 'ERR_JIT_IDEMPOTENCY');
      await engine.flushAudit();
      const text = JSON.stringify(await entriesOf(store));
      expect(text).not.toContain('hunter');
      expect(text).not.toContain('a-key-of-mine');
      expect(text).toContain('metadataHash');
    });
  });

  describe('getRequest()', () => {
    it('returns a request with its grants, and undefined for an unknown id', async () => {
      const { engine, store, clock } = anEngine();
      const grants = await grantsOf(engine, { scopes: ['a', 'b'] });
      expect((await engine.getRequest(grants[0]?.requestId ?? ''))?.grants).toEqual(grants);
      expect(await engine.getRequest('nothing')).toBeUndefined();
      expect(await anEngine({ store: store.in('other'), clock }).engine.getRequest(grants[0]?.requestId ?? '')).toBeUndefined();
      expect((await engine.getRequest((await aPending(engine)).id))?.grants).toEqual([]);
    });
  });

  describe('getGrant()', () => {
    it('gives a grant with its status at the clock reading, whether or not a sweep has recorded it', async () => {
      const { engine, store, clock } = anEngine();
      const grant = await aGranted(engine, { ttl: 5 * MINUTE });
      expect(await engine.getGrant(grant.id)).toEqual(grant);
      expect(grant).toMatchObject({ status: 'active' });
      await clock.set(grant.expiresAt - 1);
      expect((await engine.getGrant(grant.id))?.status).toBe('active');
      await clock.set(grant.expiresAt);
      expect(await engine.getGrant(grant.id)).toEqual({ ...grant, status: 'expired' });
      expect(await engine.getGrant('nothing')).toBeUndefined();
      expect(await anEngine({ store: store.in('other'), clock }).engine.getGrant(grant.id)).toBeUndefined();
    });

    it('counts an end early by leewayMs (L6)', async () => {
      const { engine, clock } = anEngine({ leewayMs: 1_000 });
      const grant = await aGranted(engine, { ttl: 5 * MINUTE });
      await clock.set(grant.expiresAt - 1_001);
      expect((await engine.getGrant(grant.id))?.status).toBe('active');
      await clock.set(grant.expiresAt - 1_000);
      expect((await engine.getGrant(grant.id))?.status).toBe('expired');
    });
  });

  describe('listGrants()', () => {
    it('gives the grants of a subject, of exactly a scope, or with a status, the newest first', async () => {
      const { engine, clock } = anEngine();
      const first = await aGranted(engine, { scope: 'a', ttl: 5 * MINUTE });
      await clock.advance(1);
      const second = await aGranted(engine, { scope: 'b', ttl: 20 * MINUTE });
      await clock.advance(1);
      const revoked = await aGranted(engine, { scope: 'c' });
      await engine.revoke(revoked.id, { by: SAM });
      await clock.set(first.expiresAt);
      const found = async (query: GrantQuery) => (await engine.listGrants(query)).items.map(({ id, status }) => [id, status]);
      const [a, b, c] = [
        [first.id, 'expired'],
        [second.id, 'active'],
        [revoked.id, 'revoked'],
      ];
      expect(await found({})).toEqual([c, b, a]);
      expect(await found({ subject: MAYA })).toEqual([c, b, a]);
      expect(await found({ subject: 'user:eve' })).toEqual([]);
      expect(await found({ scope: 'b' })).toEqual([b]);
      expect(await found({ scope: '*' })).toEqual([]);
      for (const record of [a, b, c]) expect(await found({ status: record?.[1] as GrantStatus })).toEqual([record]);
      expect(await found({ status: 'scheduled' })).toEqual([]);
    });

    it('pages through all of them', async () => {
      const { engine, clock } = anEngine();
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        ids.push((await aGranted(engine, { scope: `s${i}` })).id);
        await clock.advance(1);
      }
      const seen: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await engine.listGrants({ limit: 3, after });
        seen.push(...page.items.map(({ id }) => id));
        if (page.next === undefined) break;
        after = page.next;
      }
      expect(seen).toEqual(ids.reverse());
    });
  });

  describe('listRequests()', () => {
    it('pages through all of them, the newest first', async () => {
      const { engine, clock } = anEngine();
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        ids.push((await aPending(engine, { scope: `s${i}` })).id);
        await clock.advance(1);
      }
      const seen: string[] = [];
      let after: string | undefined;
      let pages = 0;
      do {
        const page = await engine.listRequests({ limit: 3, after });
        seen.push(...page.items.map((request) => request.id));
        after = page.next;
        pages += 1;
      } while (after !== undefined);
      expect(seen).toEqual([...ids].reverse());
      expect(pages).toBe(3);
    });

    it('filters by subject and by status, judged now', async () => {
      const { engine, clock } = anEngine({ limits: { reviewWithin: 1000 } });
      const grant = await aGranted(engine);
      const denied = await aPending(engine, { scope: 'denied' });
      await engine.deny(denied.id, { by: SAM });
      const pending = await aPending(engine, { scope: 'pending' });
      const bob = await aPending(engine, { subject: 'user:bob' });
      const ids = async (query: Parameters<typeof engine.listRequests>[0]) =>
        (await engine.listRequests(query)).items.map((request) => request.id);
      expect(await ids({ status: 'approved' })).toEqual([grant.requestId]);
      expect(await ids({ status: 'denied' })).toEqual([denied.id]);
      expect(await ids({ status: 'pending', subject: MAYA })).toEqual([pending.id]);
      expect(await ids({ subject: 'user:bob' })).toEqual([bob.id]);
      await clock.set(at(1000));
      expect(await ids({ status: 'pending' })).toEqual([]);
      expect(await ids({ status: 'expired', subject: 'user:bob' })).toEqual([bob.id]);
    });

    it('fills a page from as many pages of the store as needed', async () => {
      const { engine } = anEngine();
      for (let i = 0; i < 12; i++) {
        const request = await aPending(engine, { scope: `s${i}` });
        if (i % 4 !== 0) await engine.cancel(request.id, { by: MAYA });
      }
      const first = await engine.listRequests({ status: 'pending', limit: 2 });
      expect(first.items).toHaveLength(2);
      const rest = await engine.listRequests({ status: 'pending', limit: 2, after: first.next });
      expect(rest).toMatchObject({ items: [{}], next: undefined });
      expect((await engine.listRequests({ status: 'pending', limit: 3 })).next).toBeUndefined();
    });
  });

  describe('inbox()', () => {
    it('lists what this reviewer may act on and has not yet, with the groups', async () => {
      const { engine } = anEngine({ approver: reviewers({ members: [SAM, ANA, LEE], approvals: 2, denials: 2 }) });
      const [mine, approved, denied, decided] = [
        await aPending(engine, { scope: 'mine' }),
        await aPending(engine, { scope: 'approved' }),
        await aPending(engine, { scope: 'denied' }),
        await aPending(engine, { scope: 'decided' }),
      ];
      await aPending(engine, { subject: SAM });
      await aPending(engine, { requestedBy: SAM });
      await engine.approve(approved.id, { by: SAM });
      await engine.deny(denied.id, { by: SAM });
      await engine.cancel(decided.id, { by: MAYA });
      expect((await engine.inbox(SAM)).items.map((item) => [item.request.id, item.groups])).toEqual([[mine.id, ['reviewers']]]);
      expect((await engine.inbox('user:eve')).items).toEqual([]);
      expect((await engine.inbox(ANA)).items).toHaveLength(5);
    });

    it('L17 is asked live: a reviewer who has left the group sees nothing', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
        groupsOf: ['ops'],
      });
      const { engine } = anEngine({ approver });
      await aPending(engine);
      expect((await engine.inbox(SAM)).items).toHaveLength(1);
      approver.script.groupsOf = ['other'];
      expect((await engine.inbox(SAM)).items).toEqual([]);
    });

    it('L28 L30 lists the other requests if the approver fails about one, and reports the failure', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
        groupsOf: (_, { scopes }) => (scopes[0] === 'broken' ? Promise.reject(new Error('LDAP')) : ['ops']),
      });
      const { engine, told } = anEngine({ approver });
      const one = await aPending(engine, { scope: 'one' });
      await aPending(engine, { scope: 'broken' });
      const two = await aPending(engine, { scope: 'two' });
      expect((await engine.inbox(SAM)).items.map(({ request }) => request.id).sort()).toEqual([one.id, two.id].sort());
      expect(told).toMatchObject([{ error: { code: 'ERR_JIT_APPROVER' }, during: 'inbox' }]);
    });

    it('reads more than one page of the store', async () => {
      const { engine } = anEngine({ limits: { maxOpenRequests: 120 } });
      for (let i = 0; i < 120; i++) await aPending(engine, { scope: `s${i}` });
      expect((await engine.inbox(SAM, { limit: 120 })).items).toHaveLength(120);
    });
  });

  describe('whoHadAccess()', () => {
    for (const [t, held] of [
      [-1, false],
      [0, true],
      [END - 1, true],
      [END, false],
    ] as const) {
      it(`L27 ${held ? 'names' : 'does not name'} a grant ${t} ms after its start, swept or not`, async () => {
        const { engine, clock } = anEngine();
        await clock.set(at(1000));
        const grant = await aGranted(engine);
        await clock.set(at(END + 5000));
        const query = { scope: SCOPE, at: at(1000 + t) };
        for (let swept = 0; swept < 2; swept++) {
          expect((await engine.whoHadAccess(query)).items.map((one) => one.id)).toEqual(held ? [grant.id] : []);
          await engine.sweep();
        }
      });
    }

    for (const [t, held] of [
      [499, true],
      [500, false],
      [501, false],
    ] as const) {
      it(`L27 ${held ? 'names' : 'does not name'} at ${t} ms a grant that was revoked at 500 ms`, async () => {
        const { engine, clock } = anEngine();
        const grant = await aGranted(engine);
        await clock.set(at(500));
        await engine.revoke(grant.id, { by: SAM });
        await clock.set(at(1000));
        expect((await engine.whoHadAccess({ scope: SCOPE, at: at(t) })).items).toHaveLength(held ? 1 : 0);
      });
    }

    it('L27 does not name a grant that was revoked at the instant it began', async () => {
      const { engine, clock } = anEngine();
      const grant = await aGranted(engine);
      await engine.revoke(grant.id, { by: SAM });
      await clock.set(at(1));
      expect((await engine.whoHadAccess({ scope: SCOPE, at: at(0) })).items).toEqual([]);
      expect((await engine.listGrants({ during: { from: 0, to: at(1000) } })).items).toEqual([]);
    });

    it('matches scopes with the matcher of the engine, and pages', async () => {
      const { engine } = anEngine({ scopes: patternScopes, approver: autoApprove(() => true, { patterns: true }) });
      for (const scope of ['db:*', 'db:write', 'db:read', '**', 'web:write']) await aGranted(engine, { scope });
      const first = await engine.whoHadAccess({ scope: 'db:write', at: at(0), limit: 2 });
      const rest = await engine.whoHadAccess({ scope: 'db:write', at: at(0), limit: 2, after: first.next });
      expect([...first.items, ...rest.items].map((grant) => grant.scope).sort()).toEqual(['**', 'db:*', 'db:write']);
      expect(rest.next).toBeUndefined();
    });
  });

  describe('listGrants({ during })', () => {
    it('lists the grants that were held at some time in [from, to)', async () => {
      const { engine, clock } = anEngine();
      await clock.set(at(1000));
      const early = await aGranted(engine, { ttl: 1000 });
      await clock.set(at(5000));
      const late = await aGranted(engine, { ttl: 1000, scope: 'b', subject: 'user:bob' });
      await clock.set(at(9000));
      const ids = async ({ from, to, ...query }: { from: number; to: number; subject?: string; covering?: string }) =>
        (await engine.listGrants({ ...query, during: { from, to } })).items.map((grant) => grant.id).sort();
      expect(await ids({ from: at(0), to: at(9000) })).toEqual([early.id, late.id].sort());
      expect(await ids({ from: at(0), to: at(1000) })).toEqual([]);
      expect(await ids({ from: at(0), to: at(1001) })).toEqual([early.id]);
      expect(await ids({ from: at(1999), to: at(2000) })).toEqual([early.id]);
      expect(await ids({ from: at(2000), to: at(5000) })).toEqual([]);
      expect(await ids({ from: at(0), to: at(9000), subject: 'user:bob' })).toEqual([late.id]);
      expect(await ids({ from: at(0), to: at(9000), covering: SCOPE })).toEqual([early.id]);
    });
  });

  describe('journalHead(engine)', () => {
    it('is the newest entry, or 64 zeros in an empty journal', async () => {
      const { engine, store } = anEngine();
      expect(await journalHead(engine)).toEqual({ seq: 0, hash: '0'.repeat(64) });
      await aGranted(engine);
      const last = (await entriesOf(store)).at(-1);
      expect(await journalHead(engine)).toEqual({ seq: last?.seq, hash: last?.hash });
    });
  });

  describe('namespaces', () => {
    it('L24 keep all records separate', async () => {
      const { engine, store, clock } = anEngine();
      const other = anEngine({ store: store.in('other'), clock }).engine;
      const grant = await aGranted(engine);
      expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
      await refusal(other.revoke(grant.id, { by: SAM }), 'ERR_JIT_NOT_FOUND');
      expect(await other.revokeAll({ scope: SCOPE }, { by: SAM })).toEqual({ grants: [], requests: [], matched: false, similar: [] });
      expect((await other.listRequests()).items).toEqual([]);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });
  });
});
