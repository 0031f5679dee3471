import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { patternScopes, type JitEngine } from '../../src/index.js';
import { verifyStore } from '../../src/journal.js';
import { aChange, aRow, ScriptedApprover } from '../../src/testing.js';

import { expectReplayed } from '../property/fold.js';
import {
  aGranted,
  ANA,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
  typesOf,
} from './an-engine.js';

const NOOR = 'user:noor';
const HELP = 'user:help-desk';
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

const emergency = () =>
  new ScriptedApprover({
    decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
    groupsOf: ['ops'],
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR, maxUnreviewed: 9 },
  });

const burning = (engine: JitEngine, over: object = {}) =>
  engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'it burns', ...over });

describe('a pending request', () => {
  describe('with a correlation', () => {
    it('has it in its record and in request.created, and no repeat changes it (feature 10)', async () => {
      const { engine, store } = anEngine({ approver: emergency() });
      const first = await aPending(engine, { correlation: 'trace-1', idempotencyKey: 'k' });
      expect(first.correlation).toBe('trace-1');
      const again = await ask(engine, { correlation: 'trace-2', idempotencyKey: 'k' });
      expect(again).toMatchObject({ reused: true, differs: [], request: { correlation: 'trace-1' } });
      await engine.approve(first.id, { by: SAM });
      const extended = await engine.extend(`${first.id}.1`, { requestedBy: MAYA, ttl: '5m', correlation: 'trace-3' });
      const taken = await burning(engine, { correlation: 'trace-4' });
      const amended = await engine.amend(extended.request.id, { by: MAYA, ttl: '6m' });
      const other = await engine.amend(amended.request.id, { by: MAYA, ttl: '7m', correlation: 'trace-5' });
      const created = (await entriesOf(store)).filter(({ type }) => type === 'request.created');
      expect(created.map(({ requestId, data }) => [requestId, data['correlation']])).toEqual([
        [first.id, 'trace-1'],
        [extended.request.id, 'trace-3'],
        [taken.request.id, 'trace-4'],
        [amended.request.id, 'trace-3'],
        [other.request.id, 'trace-5'],
      ]);
      await expectReplayed(store);
    });
  });

  describe('by a caller that speaks for the requester', () => {
    const BOT = 'service:bot';

    it('L27 [WF3] has that caller as the actor of its entries, and the requester in its record', async () => {
      const { engine, store } = anEngine({ approver: emergency(), canonicalId: (id) => id.toLowerCase() });
      const by = 'Service:Bot';
      const first = await aPending(engine, { by, idempotencyKey: 'k' });
      expect(first.requestedBy).toBe(MAYA);
      // Who speaks for the requester does not count when two asks are compared.
      expect(await ask(engine, { idempotencyKey: 'k' })).toMatchObject({ reused: true, differs: [], request: { id: first.id } });
      await ask(engine, { by, idempotencyKey: 'k2' });
      await engine.approve(first.id, { by: SAM });
      await engine.extend(`${first.id}.1`, { requestedBy: MAYA, ttl: '5m', by });
      await engine.requestAccess({ run: { agent: 'agent:7', operator: MAYA }, scope: SCOPE, ttl: '5m', by });
      await burning(engine, { by, scope: 'db-prod:read' });
      await preview(engine, { subject: MAYA, scope: 'x', ttl: '5m', by });
      const entries = (await entriesOf(store)).filter(({ actor }) => actor === BOT);
      expect(entries.map(({ type, data }) => [type, data['requestedBy']])).toEqual([
        ['request.created', MAYA],
        ['request.reused', undefined],
        ['request.created', MAYA],
        ['request.created', 'agent:7'],
        ['request.created', MAYA],
        ['request.approved', undefined],
        ['grant.issued', undefined],
        ['attempt.refused', undefined],
      ]);
      await expectReplayed(store);
      expect(await verifyStore(store)).toMatchObject({ ok: true });
    });

    it('is refused while a lock is on that caller, by every verb that asks', async () => {
      const { engine, store } = anEngine({ approver: emergency() });
      const grant = await aGranted(engine);
      await engine.lock({ subject: BOT }, { by: SAM });
      const before = (await entriesOf(store)).length;
      for (const asking of [
        () => ask(engine, { scope: 'x', by: BOT }),
        () => engine.extend(grant.id, { requestedBy: MAYA, ttl: '5m', by: BOT }),
        () => engine.requestAccess({ run: { agent: 'agent:7', operator: MAYA }, scope: SCOPE, ttl: '5m', by: BOT }),
        () => burning(engine, { by: BOT }),
      ])
        await refusal(asking, 'ERR_JIT_LOCKED');
      expect((await entriesOf(store)).slice(before).every(({ type, actor }) => type === 'attempt.refused' && actor === BOT)).toBe(true);
      expect(await preview(engine, { subject: MAYA, scope: 'y', ttl: '5m', by: BOT })).toMatchObject({
        outcome: 'refused',
        code: 'ERR_JIT_LOCKED',
      });
    });
  });

  describe('looked up by its key', () => {
    it.each(['requestAccess', 'extend', 'amend', 'breakGlass'] as const)('L11 is found for %s (feature 10)', async (verb) => {
      const { engine } = anEngine({ approver: emergency() });
      const key = { idempotencyKey: 'k' };
      const made = async () => {
        if (verb === 'requestAccess') return ask(engine, key);
        if (verb === 'breakGlass') return burning(engine, key);
        if (verb === 'amend') return engine.amend((await aPending(engine)).id, { by: MAYA, ttl: '5m', ...key });
        return engine.extend((await aGranted(engine)).id, { requestedBy: MAYA, ttl: '5m', ...key });
      };
      const { request } = await made();
      const found = await engine.getRequest({ requestedBy: MAYA, ...key, verb: verb === 'requestAccess' ? undefined : verb });
      expect(found?.request.id).toBe(request.id);
      expect(await engine.getRequest({ requestedBy: NOOR, ...key, verb })).toBeUndefined();
      expect(await engine.getRequest({ requestedBy: MAYA, idempotencyKey: 'other', verb })).toBeUndefined();
      for (const other of (['requestAccess', 'extend', 'amend', 'breakGlass'] as const).filter((one) => one !== verb))
        expect(await engine.getRequest({ requestedBy: MAYA, ...key, verb: other })).toBeUndefined();
    });

    it('L11 is the request that the ask of the key repeated', async () => {
      const { engine } = anEngine();
      const open = await aPending(engine);
      await ask(engine, { idempotencyKey: 'k' });
      expect((await engine.getRequest({ requestedBy: MAYA, idempotencyKey: 'k' }))?.request.id).toBe(open.id);
    });

    it('is found before anything is judged: under a lock, with an approver that fails, and in another engine', async () => {
      const approver = emergency();
      const { engine, store, clock } = anEngine({ approver });
      const { id } = await aPending(engine, { idempotencyKey: 'k' });
      await engine.lock({ subject: MAYA }, { by: SAM });
      const { engine: other } = anEngine({ store, clock, limits: { maxTtl: 1 }, approver: new ScriptedApprover({}) });
      for (const one of [engine, other]) {
        const found = await one.getRequest({ requestedBy: MAYA, idempotencyKey: 'k' });
        expect(found).toMatchObject({ outcome: 'cancelled', request: { id, end: { cause: 'locked' } } });
      }
      const before = await typesOf(store);
      await engine.getRequest({ requestedBy: MAYA, idempotencyKey: 'unknown' });
      expect(await typesOf(store)).toEqual(before);
    });
  });

  describe('that is cancelled', () => {
    it('says whether this call cancelled it (feature 10)', async () => {
      const { engine, clock } = anEngine();
      const request = await aPending(engine);
      expect(await engine.cancel(request.id, { by: MAYA })).toMatchObject({ cancelled: true, status: 'cancelled' });
      expect(await engine.cancel(request.id, { by: MAYA })).toMatchObject({ cancelled: false, status: 'cancelled' });
      const overdue = await aPending(engine, { scope: 'b' });
      await clock.set(overdue.reviewBy);
      expect(await engine.cancel(overdue.id, { by: MAYA })).toMatchObject({ cancelled: false, status: 'expired' });
    });

    it('L9 is cancelled by exactly one of several callers', async () => {
      for (const seed of SEEDS) {
        const { engine, store, clock } = anEngine();
        const { engine: other } = anEngine({ store, clock });
        const { id } = await aPending(engine, { requestedBy: NOOR });
        store.inject('all', { fault: 'yield', seed });
        const results = await Promise.all([
          engine.cancel(id, { by: MAYA }),
          other.cancel(id, { by: NOOR }),
          other.cancel(id, { by: MAYA }),
        ]);
        expect(results.filter(({ cancelled }) => cancelled)).toHaveLength(1);
      }
    });

    it('is cancelled on behalf of its subject or requester, and the journal names both callers', async () => {
      const { engine, store } = anEngine();
      for (const onBehalfOf of [MAYA, NOOR]) {
        const { id } = await aPending(engine, { requestedBy: NOOR });
        const cancelled = await engine.cancel(id, { by: HELP, onBehalfOf, reason: 'they called' });
        expect(cancelled).toMatchObject({ cancelled: true, end: { by: HELP, cause: 'cancelled', reason: 'they called' } });
        const entry = (await entriesOf(store)).at(-1);
        expect(entry).toMatchObject({ type: 'request.cancelled', actor: HELP, data: { onBehalfOf } });
      }
      await expectReplayed(store);
    });

    it('is not cancelled on behalf of any other id, and not by a stranger', async () => {
      const { engine } = anEngine();
      const { id } = await aPending(engine);
      for (const by of [{ by: MAYA, onBehalfOf: SAM }, { by: HELP, onBehalfOf: SAM }, { by: HELP }]) {
        expect(await refusal(engine.cancel(id, by), 'ERR_JIT_DENIED')).toMatchObject({ actor: by.onBehalfOf ?? HELP });
      }
      expect((await engine.getRequest(id))?.outcome).toBe('pending');
    });
  });

  describe('that break-glass overtakes', () => {
    it('is cancelled in the same commit, and names the break-glass request (feature 10)', async () => {
      const { engine, store } = anEngine({ approver: emergency() });
      const pending = await aPending(engine, { ttl: '2h' });
      const { request } = await burning(engine);
      const before = await engine.getRequest(pending.id);
      expect(before?.request).toMatchObject({ end: { status: 'cancelled', cause: 'overtaken', by: MAYA }, replacedBy: request.id });
      const error = await refusal(engine.approve(pending.id, { by: SAM }), 'ERR_JIT_DECIDED');
      expect(error).toMatchObject({
        replacedBy: request.id,
        message: `request ${pending.id} was overtaken by break-glass: request ${request.id} replaces it`,
      });
      const changes = (await entriesOf(store)).filter(({ type }) => ['request.approved', 'request.cancelled'].includes(type));
      expect(new Set(changes.map(({ id }) => id.slice(0, id.lastIndexOf('.')))).size).toBe(1);
      await expectReplayed(store);
    });

    it('is cancelled for every requester, unless it asks for more, for another subject, or for more time of a grant', async () => {
      const { engine, store } = anEngine({ approver: emergency(), scopes: patternScopes });
      const grant = await aGranted(engine, { scope: 'db-prod:read' });
      const { request: extension } = await engine.extend(grant.id, { requestedBy: MAYA, ttl: '5m' });
      const kept = [
        extension,
        await aPending(engine, { scopes: [SCOPE, 'other'] }),
        await aPending(engine, { scope: 'db-prod:**' }),
        await aPending(engine, { subject: LEE }),
        await aPending(engine, { startsAt: at(3 * HOUR) }),
      ];
      const overtaken = [await aPending(engine), await aPending(engine, { requestedBy: NOOR, scope: 'db-prod:read' })];
      await burning(engine, { scope: 'db-prod:*' });
      for (const { id } of kept) expect((await engine.getRequest(id))?.outcome).toBe('pending');
      for (const { id } of overtaken) expect((await engine.getRequest(id))?.request.end?.cause).toBe('overtaken');
      await expectReplayed(store);
    });

    it('L42 stays pending where one change cannot hold it: large requests do not prevent break-glass', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 50 }] } },
        groupsOf: ['ops'],
        breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
      });
      const { engine, store } = anEngine({ approver, scopes: patternScopes });
      const text = 'x'.repeat(4_000);
      const ids: string[] = [];
      for (let i = 0; i < 24; i++) {
        const { id } = await aPending(engine, { scope: `db-prod:${i}`, justification: text, ticket: text, metadata: { text } });
        for (let by = 0; by < 24; by++) await engine.approve(id, { by: `user:${by}`, reason: text, comment: text });
        ids.push(id);
      }
      const { outcome } = await burning(engine, { scope: 'db-prod:*' });
      expect(outcome).toBe('granted');
      const causes = await Promise.all(ids.map(async (id) => (await engine.getRequest(id))?.request.end?.cause));
      expect(causes.filter((cause) => cause === 'overtaken')).toHaveLength(12);
      await expectReplayed(store);
    });

    it('stays expired where its deadline has passed', async () => {
      const { engine, clock, store } = anEngine({ approver: emergency(), limits: { reviewWithin: '10m' } });
      const { id } = await aPending(engine);
      await clock.advance('10m');
      await burning(engine);
      expect((await engine.getRequest(id))?.outcome).toBe('expired');
      await engine.sweep();
      expect((await engine.getRequest(id))?.request.end?.cause).toBe('time');
      await expectReplayed(store);
    });

    it('L9 has one order with its approval: the later approval is refused, an earlier one leaves its grants', async () => {
      const won = { approval: 0, breakGlass: 0 };
      for (const seed of SEEDS) {
        const { engine, store, clock } = anEngine({ approver: emergency() });
        const { engine: other } = anEngine({ store, clock, approver: emergency() });
        const { id } = await aPending(engine);
        store.inject('all', { fault: 'yield', seed });
        const [approval, taken] = await Promise.allSettled([other.approve(id, { by: ANA }), burning(engine)]);
        expect(taken.status).toBe('fulfilled');
        const { request, grants } = (await engine.getRequest(id)) ?? {};
        if (approval.status === 'fulfilled') {
          won.approval += 1;
          expect(grants).toHaveLength(1);
          expect(request?.replacedBy).toBeUndefined();
        } else {
          won.breakGlass += 1;
          expect((approval.reason as { code: string }).code).toBe('ERR_JIT_DECIDED');
          expect(request?.end?.cause).toBe('overtaken');
        }
        await expectReplayed(store);
      }
      expect(won.approval).toBeGreaterThan(0);
      expect(won.breakGlass).toBeGreaterThan(0);
    });
  });
});

describe('whoHadAccess without an instant', () => {
  const holders = async (engine: JitEngine, scope = SCOPE) =>
    (await engine.whoHadAccess({ scope })).items.map(({ subject }) => subject).sort();

  it('lists the grants that allow now: no grant that is scheduled, ended or used up (feature 10)', async () => {
    const { engine, clock } = anEngine();
    await aGranted(engine);
    await aGranted(engine, { subject: LEE, ttl: '10m' });
    await aGranted(engine, { subject: NOOR, startsAt: clock.now() + MINUTE });
    await engine.revoke((await aGranted(engine, { subject: ANA })).id, { by: SAM });
    await aGranted(engine, { subject: 'user:else', scope: 'other' });
    expect(await holders(engine)).toEqual([LEE, MAYA]);
    await clock.advance(MINUTE);
    expect(await holders(engine)).toEqual([LEE, MAYA, NOOR]);
    await clock.advance(9 * MINUTE);
    expect(await holders(engine)).toEqual([MAYA, NOOR]);
    for (const who of [LEE, MAYA, NOOR]) expect(await engine.isAllowed(who, SCOPE)).toBe((await holders(engine)).includes(who));
  });

  it('finds patterns that cover the scope, and comes in pages', async () => {
    const { engine } = anEngine({ scopes: patternScopes, approver: emergency() });
    for (const subject of [MAYA, LEE, NOOR]) await aGranted(engine, { subject, scope: subject === LEE ? 'db-prod:*' : SCOPE });
    const seen: string[] = [];
    for await (const grant of engine.whoHadAccess({ scope: SCOPE, limit: 1 })) seen.push(grant.subject);
    expect(seen.sort()).toEqual([LEE, MAYA, NOOR]);
    await refusal(engine.whoHadAccess({ scope: 'db-prod:*' }), 'ERR_JIT_INVALID_ARGUMENT');
  });

  it('L30 lists no holder whose check an unfinished lock denies', async () => {
    const { engine, store } = anEngine();
    const grant = await aGranted(engine);
    await aGranted(engine, { subject: LEE });
    // The first commit of the lock denies; the commits that end the access fail.
    const commit = store.commit.bind(store);
    let commits = 0;
    store.commit = async (change) => {
      commits += 1;
      if (commits > 1 && change.put.some(({ id }) => id === grant.id)) throw new Error('down');
      return commit(change);
    };
    await refusal(engine.lock({ subject: MAYA }, { by: SAM }), 'ERR_JIT_PARTIAL');
    expect((await engine.getGrant(grant.id))?.status).toBe('active');
    expect(await holders(engine)).toEqual([LEE]);
  });

  it('L30 lists none while the locks are unreadable', async () => {
    const { engine, store } = anEngine();
    await aGranted(engine);
    const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
    const row = aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: [{ subject: 'user:eve' }], ended: [] } });
    await store.commit(aChange({ put: [row] }));
    expect(await holders(engine)).toEqual([]);
  });
});
