import { purge } from 'jit-access/retention';
import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { autoApprove, type AccessAsk, type JitEngine } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { aGranted, anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';

const AGENT = 'agent:7';
const KEYED = { idempotencyKey: 'k' } as const;
const anybody = autoApprove(() => true);

const reusesOf = async ({ store }: ReturnType<typeof anEngine>) => (await store.find({ kind: 'reuse', limit: 100 })).items;

/** Two engines on one store, as two processes would be. */
function aFleet(options: Parameters<typeof anEngine>[0] = {}) {
  const first = anEngine(options);
  const second = anEngine({ ...options, store: first.store, clock: first.clock }).engine;
  return { ...first, engines: [first.engine, second] as const };
}

describe('an idempotency key under which an ask returned an existing request', () => {
  it('L11 keeps naming that request after its decision and its end, and nothing more is written', async () => {
    const made = anEngine();
    const { engine, store, clock } = made;
    const { id } = await aPending(engine);
    expect(await ask(engine, KEYED)).toMatchObject({ outcome: 'pending', reused: true, request: { id } });
    const again = async (outcome: string) => {
      const before = await wholeStore(store);
      expect(await ask(engine, KEYED)).toMatchObject({ outcome, reused: true, request: { id } });
      expect(await preview(engine, { subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE, ...KEYED })).toMatchObject({
        outcome,
        reused: true,
        dryRun: true,
        request: { id },
      });
      expect(await wholeStore(store)).toEqual(before);
    };
    await clock.set(at(MINUTE));
    await again('pending');
    await engine.approve(id, { by: SAM });
    await again('granted');
    await engine.revoke(`${id}.1`, { by: SAM });
    // The key gives no new access: a new request needs another key.
    await again('ended');
    expect(await engine.isAllowed(MAYA, 'db-prod:write')).toBe(false);
    expect(await reusesOf(made)).toHaveLength(1);
  });

  it('L11 keeps naming a request that was cancelled, was denied or has expired, too', async () => {
    for (const [outcome, end] of [
      ['cancelled', (engine: JitEngine, id: string) => engine.cancel(id, { by: MAYA })],
      ['denied', (engine: JitEngine, id: string) => engine.deny(id, { by: SAM })],
      ['expired', () => Promise.resolve()],
    ] as const) {
      const { engine, clock } = anEngine({ limits: { reviewWithin: HOUR } });
      const { id } = await aPending(engine);
      await ask(engine, KEYED);
      await end(engine, id);
      await clock.set(at(HOUR));
      expect(await ask(engine, KEYED)).toMatchObject({ outcome, reused: true, request: { id } });
    }
  });

  it('L11 keeps naming reused live grants, also after they have ended', async () => {
    const { engine, store, clock } = anEngine({ approver: anybody });
    const { requestId } = await aGranted(engine);
    expect(await ask(engine, KEYED)).toMatchObject({ outcome: 'granted', reused: true, request: { id: requestId } });
    await clock.set(at(MINUTE));
    // First less than the requested time is left, and then none.
    expect(await ask(engine, KEYED)).toMatchObject({ reused: true, request: { id: requestId } });
    await clock.set(at(HOUR));
    expect(await ask(engine, KEYED)).toMatchObject({ reused: true, request: { id: requestId } });
    expect((await typesOf(store)).filter((type) => type === 'request.created')).toHaveLength(1);
  });

  it('L25 L27 is recorded in one commit: the request, its subject and a digest of the ask, and never the key', async () => {
    const made = anEngine();
    const { id } = await aPending(made.engine, { requestedBy: AGENT, metadata: { secret: 'hunter2' } });
    await made.clock.set(at(5));
    await ask(made.engine, { idempotencyKey: 'hunter2', requestedBy: AGENT, metadata: { secret: 'hunter2' } });
    const entries = await entriesOf(made.store);
    const [row] = await reusesOf(made);
    expect(entries.at(-1)).toMatchObject({
      type: 'request.reused',
      at: at(5),
      actor: AGENT,
      requestId: id,
      data: { reuseId: row?.id, subject: MAYA, askDigest: row?.body['askDigest'] },
    });
    expect(row).toMatchObject({ version: 1, open: false });
    expect(row?.body['askDigest']).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify([entries, await made.store.get([{ kind: 'reuse', id: row?.id ?? '' }])])).not.toContain('hunter2');
    await expectReplayed(made.store);
  });

  const others: readonly (readonly [string, Partial<AccessAsk>])[] = [
    ['scope', { scope: 'other' }],
    ['list of scopes', { scopes: ['db-prod:write', 'b'] }],
    ['ttl', { ttl: 1 }],
    ['start', { startsAt: at(HOUR) }],
    ['justification', { justification: 'other' }],
    ['ticket', { ticket: 'T' }],
    ['metadata', { metadata: { a: 2 } }],
    ['subject', { subject: 'user:bob', requestedBy: MAYA }],
  ];
  for (const [what, over] of others) {
    it(`L11 is refused for another ${what}, and nothing is written but the attempt`, async () => {
      const { engine, store } = anEngine();
      const { id } = await aPending(engine);
      await ask(engine, { ...KEYED, metadata: { a: 1 } });
      const before = await wholeStore(store);
      const error = await refusal(ask(engine, { ...KEYED, metadata: { a: 1 }, ...over }), 'ERR_JIT_IDEMPOTENCY');
      expect(error.recordId).toBe(id);
      await engine.flushAudit();
      expect(await wholeStore(store)).toEqual(before);
    });
  }

  it('L11 L24 is separate for each requester, and for each verb', async () => {
    const made = anEngine();
    const { engine } = made;
    const grant = await aGranted(engine);
    const first = await ask(engine, KEYED);
    expect(first).toMatchObject({ reused: true, request: { id: grant.requestId } });
    const own = await aPending(engine, { requestedBy: AGENT, scope: 'other' });
    const again = await ask(engine, { ...KEYED, requestedBy: AGENT, scope: 'other', justification: 'mine' });
    expect(again).toMatchObject({ reused: true, request: { id: own.id }, differs: ['justification'] });
    const extension = await engine.extend(grant.id, { requestedBy: MAYA, ttl: MINUTE });
    expect(await engine.extend(grant.id, { requestedBy: MAYA, ttl: MINUTE, ...KEYED })).toMatchObject({
      reused: true,
      request: { id: extension.request.id },
    });
    expect(await reusesOf(made)).toHaveLength(3);
    await engine.cancel(extension.request.id, { by: MAYA });
    expect(await engine.extend(grant.id, { requestedBy: MAYA, ttl: MINUTE, ...KEYED })).toMatchObject({
      outcome: 'cancelled',
      reused: true,
    });
    await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: MINUTE + 1, ...KEYED }), 'ERR_JIT_IDEMPOTENCY');
    await expectReplayed(made.store);
  });

  it('is not stored if duplicates are refused: the key is still free', async () => {
    const made = anEngine({ limits: { duplicates: 'refuse' } });
    const { id } = await aPending(made.engine);
    await refusal(ask(made.engine, KEYED), 'ERR_JIT_LIMIT');
    expect(await reusesOf(made)).toEqual([]);
    await made.engine.cancel(id, { by: MAYA });
    const { request, reused } = await ask(made.engine, KEYED);
    expect([reused, request.id === id]).toEqual([false, false]);
  });

  it('L33 is purged with the request that it names, and not before', async () => {
    const made = anEngine({ approver: anybody });
    const { requestId } = await aGranted(made.engine);
    await ask(made.engine, KEYED);
    await made.clock.set(at(HOUR));
    await purge(made.engine, { before: at(HOUR), by: SAM, force: true });
    expect(await reusesOf(made)).toHaveLength(1);
    await made.engine.sweep();
    await made.clock.set(at(2 * HOUR));
    expect(await purge(made.engine, { before: at(2 * HOUR), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
    expect(await reusesOf(made)).toEqual([]);
    const { request, reused } = await ask(made.engine, KEYED);
    expect([reused, request.id === requestId]).toEqual([false, false]);
  });

  it('asks again an approver that has not decided, like any repetition', async () => {
    const approver = new ScriptedApprover({ decide: () => Promise.reject(new Error('down')) });
    const { engine } = anEngine({ approver });
    const { requestId } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
    expect((await refusal(ask(engine, KEYED), 'ERR_JIT_APPROVER')).requestId).toBe(requestId);
    approver.script.decide = { outcome: 'approve' };
    expect(await ask(engine, KEYED)).toMatchObject({ outcome: 'granted', reused: true, request: { id: requestId } });
  });

  for (const first of ['request.created', 'request.reused'] as const) {
    it(`L11 names one request if the reused one is cancelled in between, where ${first} commits first`, async () => {
      const { engine, store, clock } = anEngine();
      const { id: repeated } = await aPending(engine);
      const [sees, asks] = [anEngine({ store, clock }).engine, anEngine({ store, clock }).engine];
      // One process still sees the open request; the other, asked with the same key, finds it cancelled.
      const commit = store.commit.bind(store);
      const waiting = new Map<string, () => void>();
      store.commit = async (change) => {
        const type = change.append[0]?.type ?? '';
        if (type === 'request.created' || type === 'request.reused') await new Promise<void>((resolve) => waiting.set(type, resolve));
        return commit(change);
      };
      const soon = () => new Promise((resolve) => setImmediate(resolve));
      const seeing = ask(sees, KEYED);
      while (!waiting.has('request.reused')) await soon();
      await engine.cancel(repeated, { by: MAYA });
      const asking = ask(asks, KEYED);
      while (!waiting.has('request.created')) await soon();
      store.commit = commit;
      const results = { 'request.reused': seeing, 'request.created': asking };
      waiting.get(first)?.();
      const won = (await results[first]).request.id;
      for (const letGo of waiting.values()) letGo();
      expect(won === repeated).toBe(first === 'request.reused');
      expect([(await seeing).request.id, (await asking).request.id, (await ask(engine, KEYED)).request.id]).toEqual([won, won, won]);
      await expectReplayed(store);
    });
  }

  for (const seed of [1, 2, 3]) {
    it(`L9 L11 is recorded once by 64 concurrent asks, which all get the same request (interleaving ${seed})`, async () => {
      const { engine, engines, store } = aFleet();
      const { id } = await aPending(engine);
      store.inject('all', { fault: 'yield', seed });
      const results = await Promise.all(Array.from({ length: 64 }, (_, i) => ask(engines[i % 2] as JitEngine, KEYED)));
      store.clear();
      expect(new Set(results.map(({ request, reused }) => `${reused} ${request.id}`))).toEqual(new Set([`true ${id}`]));
      expect((await typesOf(store)).filter((type) => type === 'request.reused')).toHaveLength(1);
      await expectReplayed(store);
    });

    it(`L9 L11 names one request, created under it or under another key at the same time (interleaving ${seed})`, async () => {
      for (const approver of [undefined, anybody]) {
        const { engines, store } = aFleet(approver && { approver });
        store.inject('all', { fault: 'yield', seed });
        const keys = [undefined, 'k', 'l', 'm'];
        const asked = Array.from({ length: 64 }, (_, i) => keys[i % 4]);
        const results = await Promise.all(asked.map((idempotencyKey, i) => ask(engines[i % 2] as JitEngine, { idempotencyKey })));
        store.clear();
        expect((await typesOf(store)).filter((type) => type === 'request.created')).toHaveLength(1);
        expect(new Set(results.map(({ request }) => request.id)).size).toBe(1);
        const before = await wholeStore(store);
        for (const idempotencyKey of ['k', 'l', 'm']) await ask(engines[0], { idempotencyKey });
        expect(await wholeStore(store)).toEqual(before);
        await expectReplayed(store);
      }
    });
  }
});
