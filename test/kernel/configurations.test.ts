import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  reviewers,
  type GrantStore,
  type JitEngineOptions,
} from '../../src/index.js';
import { verifyStore } from '../../src/journal.js';
import { FaultyStore, ManualClock, throws } from '../../src/testing.js';
import { yieldToOthers } from '../../src/core/turns.js';
import { HOUR, MAYA, MINUTE, SAM } from '../engine/an-engine.js';

const payments = reviewers({ members: ['user:cfo'], name: 'cfo-and-cto' });
const wiki = reviewers({ members: [SAM], name: 'wiki-editors' });

/** One database, as two services would share it. */
function shared(durability: GrantStore['durability'] = 'server') {
  const clock = new ManualClock();
  const store = new FaultyStore(new MemoryGrantStore({ namespace: 'shop' }));
  Object.defineProperty(store, 'durability', { value: durability });
  const service = (approver: JitEngineOptions['approver'], more: Partial<JitEngineOptions> = {}) => {
    const told: string[] = [];
    const onError = (error: unknown) => void told.push((error as Error).message);
    return { engine: new JitEngine({ approver, store, clock, onError, ...more }), told };
  };
  return { clock, store, service };
}

let asks = 0;
/** Commits a request, and lets the background work end. */
async function commit(engine: JitEngine): Promise<void> {
  await engine.requestAccess({ subject: MAYA, scope: `db:${(asks += 1)}`, ttl: '30m' });
  for (let turn = 0; turn < 20; turn++) await yieldToOthers();
}
const rowsIn = async (store: GrantStore) => (await store.find({ kind: 'engine', limit: 100 })).items;

describe('two services in one namespace', () => {
  it('are reported by each engine that sees the other, if the approver differs [M10]', async () => {
    const { service, clock } = shared();
    const [one, two] = [service(payments), service(wiki)];
    await commit(one.engine);
    await commit(two.engine);
    expect(two.told).toEqual([
      'store.namespace must be that of one service: shop is used by approver "wiki-editors" with scopes "exact", and within a day by; got approver "cfo-and-cto" with scopes "exact"',
    ]);
    expect(one.told).toEqual([]);
    await clock.advance(HOUR);
    await commit(one.engine);
    expect(one.told.join()).toContain('got approver "wiki-editors" with scopes "exact"');
  });

  it('are reported if only the matcher differs [M10]', async () => {
    const { service } = shared('process');
    await commit(service(payments).engine);
    const two = service(payments, { scopes: patternScopes });
    await commit(two.engine);
    expect(two.told.join()).toContain('got approver "cfo-and-cto" with scopes "exact"');
  });

  it('are reported next to a row that cannot be read, which is reported too [M10]', async () => {
    const { store, service } = shared();
    await commit(service(payments).engine);
    const row = { kind: 'engine', id: 'later', version: 1, open: true, body: { laterField: 1 } };
    const columns = {
      subject: undefined,
      scope: undefined,
      createdAt: 0,
      from: undefined,
      until: undefined,
      dueAt: undefined,
      sortAt: undefined,
    };
    await store.commit({ id: 'later', expect: [], put: [{ ...columns, ...row }], append: [] });
    const { engine, told } = service(wiki);
    await commit(engine);
    expect(told.filter((text) => text.includes('wiki-editors') && text.includes('cfo-and-cto'))).toHaveLength(1);
    expect(told.filter((text) => text.includes('stored engine'))).toHaveLength(1);
  });

  it('are reported once an hour, and the row of each is written once an hour [M10]', async () => {
    const { service, clock, store } = shared();
    await commit(service(wiki).engine);
    const { engine, told } = service(payments);
    for (let minute = 0; minute < 60; minute += 10) {
      await commit(engine);
      await clock.advance(10 * MINUTE);
    }
    expect(told).toHaveLength(1);
    expect((await rowsIn(store)).map(({ version }) => version)).toEqual([1, 1]);
    await commit(engine);
    expect(told).toHaveLength(2);
    expect((await rowsIn(store)).map(({ version }) => version).sort()).toEqual([1, 2]);
  });

  it('processes of one service, with any limits, report nothing and share a row', async () => {
    const { service, store } = shared();
    const [one, two] = [service(payments), service(payments, { limits: { maxTtl: '1h' } })];
    await commit(one.engine);
    await commit(two.engine);
    expect([...one.told, ...two.told]).toEqual([]);
    expect((await rowsIn(store)).map(({ version }) => version)).toEqual([2]);
  });

  it('L26 the rows are not a difference for verifyStore, are never due, and are purged after a day of silence', async () => {
    const { service, store, clock } = shared();
    const [one, two] = [service(payments), service(wiki)];
    await commit(one.engine);
    await clock.advance(20 * HOUR);
    await commit(two.engine);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
    expect((await store.due({ at: clock.now(), limit: 100 })).items.map(({ kind }) => kind)).not.toContain('engine');
    await clock.advance(5 * HOUR);
    await purge(two.engine, { before: clock.now() - 30 * 24 * HOUR, by: SAM });
    expect((await rowsIn(store)).map(({ body }) => body['approver'])).toEqual(['wiki-editors']);
    two.told.length = 0;
    await commit(two.engine);
    expect(two.told).toEqual([]);
  });

  it('L38 a store that fails on the row fails no verb: the failure is reported to onError, and the write is tried again', async () => {
    const { service, store, clock } = shared();
    const { engine, told } = service(autoApprove(() => true));
    const find = store.find.bind(store);
    const failing = throws(new Error('down'));
    store.find = async (query) => (query.kind === 'engine' ? failing() : find(query));
    const granted = await engine.requestAccess({ subject: MAYA, scope: 'db', ttl: '30m' });
    for (let turn = 0; turn < 20; turn++) await yieldToOthers();
    expect(granted.outcome).toBe('granted');
    expect(told).toHaveLength(1);
    store.find = find;
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    await clock.advance(MINUTE);
    await commit(engine);
    expect(told).toHaveLength(1);
    expect(await rowsIn(store)).toHaveLength(1);
  });

  it('L38 a revoke resolves while the store hangs on the row', async () => {
    const { service, store } = shared();
    const { engine } = service(autoApprove(() => true));
    const get = store.get.bind(store);
    store.get = (keys) => (keys.some(({ kind }) => kind === 'engine') ? new Promise(() => undefined) : get(keys));
    await engine.requestAccess({ subject: MAYA, scope: 'db', ttl: '30m' });
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    expect(await engine.isAllowed(MAYA, 'db')).toBe(false);
  });

  it('no row is written to a store in memory, which only its own process can share', async () => {
    const { service, store } = shared('memory');
    await commit(service(payments).engine);
    expect(await rowsIn(store)).toEqual([]);
  });
});
