import { describe, expect, it } from 'vitest';
import { reviewers, type JitEngine } from '../../src/index.js';
import type { Row, StoreContext } from '../../src/store.js';
import { ScriptedApprover, throws, type Fault, type FaultyStore } from '../../src/testing.js';
import { aGranted, anEngine, ask, HOUR, MAYA, MINUTE, SAM, SCOPE, typesOf } from './an-engine.js';
import { CONFLICT } from '../commit-answers.js';
import { decideAgain } from './decide-again.js';

const withoutBody = (row: Row | undefined) => (row?.kind === 'subject' ? { ...row, body: {} } : row);

const KEY = { idempotencyKey: 'k' } as const;

/** The error of a call that must fail, with the id that it carries. */
async function failure(work: Promise<unknown>): Promise<{ readonly code: unknown; readonly requestId: unknown; readonly message: string }> {
  const error: unknown = await work.then(
    (value) => new Error(`it resolved to ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  const { code, requestId, message } = error as { code: unknown; requestId: unknown; message: string };
  return { code, requestId, message };
}

/**
 * Injects a fault once the approver is asked to decide: by then the request is recorded. The engine reads nothing that it has just
 * written, so a read fails after a conflict.
 */
function afterTheRecord(store: FaultyStore, method: 'get' | 'context' | 'commit', fault: Fault) {
  let isFirst = true;
  return new ScriptedApprover({
    decide: () => {
      if (isFirst && method !== 'commit') store.inject('commit', LOST_RACE, 1);
      if (isFirst) store.inject(method, fault);
      isFirst = false;
      return { outcome: 'approve' };
    },
  });
}

const LOST_RACE: Fault = { fault: 'malformed', answer: CONFLICT };

const aFailing = (method: 'get' | 'context' | 'commit', fault: Fault) => {
  const { store, clock } = anEngine();
  const { engine } = anEngine({ store, clock, approver: afterTheRecord(store, method, fault) });
  return { engine, store, clock };
};

const recordedId = async (store: FaultyStore) => {
  store.clear();
  return (await store.find({ kind: 'request', limit: 10 })).items.at(-1)?.id;
};

describe('an error after the ask was recorded', () => {
  const faults: readonly (readonly [string, 'get' | 'context' | 'commit', Fault])[] = [
    ['ERR_JIT_STORE', 'context', { fault: 'reject' }],
    ['ERR_JIT_STORE', 'commit', { fault: 'reject' }],
    ['ERR_JIT_OUTCOME_UNKNOWN', 'commit', { fault: 'lose reply' }],
    ['ERR_JIT_CONFLICT', 'commit', { fault: 'malformed', answer: CONFLICT }],
    [
      'ERR_JIT_CORRUPT',
      'context',
      { fault: 'malformed', answer: (answer: StoreContext) => ({ ...answer, rows: answer.rows.map(withoutBody) }) },
    ],
  ];
  for (const [code, method, fault] of faults) {
    it(`carries the id of the request: ${code} by ${method} (L31) [V12]`, async () => {
      const { engine, store } = aFailing(method, fault);
      const { requestId, ...error } = await failure(ask(engine));
      const id = await recordedId(store);
      expect(id).toBeDefined();
      expect({ code: error.code, requestId }).toEqual({ code, requestId: id });
      expect(error.message).toContain(`request ${id}`);
      expect((await typesOf(store)).at(0)).toBe('request.created');
    });
  }

  it('carries the id for extend, too [V12]', async () => {
    const { engine, store, clock } = anEngine();
    const grant = await aGranted(engine);
    const other = anEngine({ store, clock, approver: afterTheRecord(store, 'context', { fault: 'reject' }) }).engine;
    const { code, requestId } = await failure(other.extend(grant.id, { ttl: MINUTE, requestedBy: MAYA }));
    const created = (await (store.clear(), store.find({ kind: 'request', limit: 10 }))).items.map(({ id }) => id);
    expect(code).toBe('ERR_JIT_STORE');
    expect(created.filter((id) => id !== grant.requestId)).toEqual([requestId]);
  });

  it('carries the id for a repeat under a used key, by requestAccess and by breakGlass [V12]', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, breakGlass: { outcome: 'approve', reviewWithinMs: HOUR } });
    const { engine, store } = anEngine({ approver });
    const calls: readonly (() => ReturnType<JitEngine['requestAccess']>)[] = [
      () => ask(engine, KEY),
      () => engine.breakGlass({ subject: MAYA, scope: 'other', ttl: MINUTE, justification: 'down', ...KEY }),
    ];
    for (const call of calls) {
      const { request } = await call();
      const get = store.get.bind(store);
      // Fails only the read of the grants, after the repeat has found its key.
      store.get = async (keys) => {
        if (keys.some(({ kind }) => kind === 'grant')) throw new Error('the primary is down');
        return get(keys);
      };
      expect(await failure(call())).toMatchObject({ code: 'ERR_JIT_STORE', requestId: request.id });
      store.get = get;
    }
  });

  it('lets a later question to the approver continue with the one request [V12]', async () => {
    const { engine, store } = aFailing('context', { fault: 'reject' });
    const { requestId } = await failure(ask(engine));
    store.clear();
    const healed = anEngine({ store, approver: reviewers({ members: [SAM] }) }).engine;
    expect(typeof requestId).toBe('string');
    expect(await decideAgain(healed, requestId as string)).toMatchObject({ outcome: 'pending', request: { id: requestId } });
    expect((await store.find({ kind: 'request', limit: 10 })).items).toHaveLength(1);
  });

  it('is a separate error from the one of the store, which may reject several calls with one error [V12]', async () => {
    const { store, clock } = anEngine();
    const asked = new Set<string>();
    const approver = new ScriptedApprover({
      decide: ({ id }) => {
        if (asked.add(id).size === 2) store.live = () => Promise.reject(shared);
        return { outcome: 'approve' };
      },
    });
    const commit = store.commit.bind(store);
    // Each decision loses a race, so that the engine reads again.
    store.commit = (change) => (change.put.some(({ kind }) => kind === 'grant') ? Promise.resolve(CONFLICT) : commit(change));
    const shared = new Error('the connection was lost');
    const { engine } = anEngine({ store, clock, approver });
    const [one, two] = await Promise.all([failure(ask(engine)), failure(ask(engine, { scope: 'other' }))]);
    const ids = (await store.find({ kind: 'request', limit: 10 })).items.map(({ id }) => id);
    expect([one.requestId, two.requestId].sort()).toEqual(ids.sort());
    expect(Object.keys(shared)).not.toContain('requestId');
  });

  it('carries no id where nothing was recorded [V12]', async () => {
    const { engine, store } = anEngine({ approver: new ScriptedApprover({ isEligible: throws(new Error('down')) }) });
    expect(await failure(ask(engine))).toMatchObject({ code: 'ERR_JIT_APPROVER', requestId: undefined });
    store.inject('context', { fault: 'reject' });
    const plain = anEngine({ store }).engine;
    expect(await failure(plain.requestAccess({ subject: MAYA, scope: SCOPE, ttl: MINUTE }))).toMatchObject({
      code: 'ERR_JIT_STORE',
      requestId: undefined,
    });
    store.clear();
    expect((await store.find({ kind: 'request', limit: 10 })).items).toEqual([]);
  });
});
