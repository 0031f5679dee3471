import { dismissChange, failedChanges, provision } from 'jit-access/provisioning';
import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import type { AuditEntry, GrantStore, JitEngine } from '../../../src/index.js';
import { readJournal, verifyJournal } from '../../../src/journal.js';
import { verifyStore } from '../../../src/journal/verify-store.js';
import type { FaultyStore } from '../../../src/testing.js';
import { aGranted, anEngine, at, entriesOf, HOUR, MAYA, SAM, SCOPE } from '../../engine/an-engine.js';
import { expectReplayed } from '../../property/fold.js';
import { changesOf, Roles, rolesTarget, settle, theChange } from './external-system.js';

const CISO = 'user:ciso';

/** Follows with an external system, and keeps the journal whole for a replay, by a sink that accepts no entry. */
function following(over: Parameters<typeof rolesTarget>[1] = {}, keepsJournal = true) {
  const roles = new Roles();
  const sink = { name: 'siem', write: () => Promise.reject(new Error('not now')) };
  const made = anEngine(keepsJournal ? { audit: sink } : {});
  const provisioning = provision(made.engine, rolesTarget(roles, over));
  return { ...made, roles, provisioning };
}

/** Grants and revokes again. The last applied change is a removal, recorded at this instant. */
async function aRemoval(engine: JitEngine, subject: string): Promise<void> {
  const grant = await aGranted(engine, { subject });
  await settle(engine);
  await engine.revoke(grant.id, { by: SAM });
  await settle(engine);
}

const kept = async (store: GrantStore) => (await changesOf(store)).map(({ subject }) => subject).sort();
const leases = async (store: GrantStore) => (await store.find({ kind: 'lease', limit: 100 })).items.map(({ id }) => id);
const purgeBefore = (engine: JitEngine, before: number) => purge(engine, { before, by: CISO, force: true });

/** A store that runs a function before the call of this number, and whether that call was made. */
function beforeCall(inner: FaultyStore, call: number, run: () => Promise<void>) {
  let made = 0;
  const store = new Proxy(inner, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = (value as (...args: readonly unknown[]) => unknown).bind(target);
      if (property === 'watch' || property === 'in') return method;
      return async (...args: readonly unknown[]) => {
        if (made++ === call) await run();
        return method(...args);
      };
    },
  });
  return { store, isReached: () => made > call };
}

async function expectConsistent(store: GrantStore): Promise<void> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  const { start, head } = await store.journal({ after: 0, limit: 1 });
  expect(await verifyJournal(entries, { start, head })).toMatchObject({ ok: true });
  expect(await verifyStore(store)).toMatchObject({ ok: true });
}

describe('purge() and the records of applied changes', () => {
  it.each([
    [0, false],
    [1, true],
  ])('L33 a record of an applied removal is purged %i ms after its instant: %s', async (after, goes) => {
    const { engine, clock, store } = following();
    await aRemoval(engine, MAYA);
    await clock.advance('1h');
    await purgeBefore(engine, at(after));
    expect(await kept(store)).toEqual(goes ? [] : [MAYA]);
    // Its lease is purged too.
    expect(await leases(store)).toHaveLength(goes ? 0 : 1);
    await expectReplayed(store);
    await expectConsistent(store);
  });

  it('L33 keeps what is held, due for a try or stuck; a dismissed change is purged unless it is held', async () => {
    const { engine, clock, store, roles } = following({ tries: 2 });
    await aGranted(engine, { subject: 'user:holds', ttl: '2h' });
    await aRemoval(engine, 'user:gone');
    const failing = (subjects: readonly string[]) => {
      roles.before = (change) => {
        if (subjects.includes(change.subject)) throw new Error('down');
      };
    };
    const grants = new Map<string, string>();
    for (const subject of ['user:stuck', 'user:aside', 'user:tried'])
      grants.set(subject, (await aGranted(engine, { subject, ttl: '2h' })).id);
    await settle(engine);
    // A stuck removal, a dismissed removal, and a dismissed addition.
    failing(['user:stuck', 'user:aside', 'user:asked']);
    await aGranted(engine, { subject: 'user:asked', ttl: '2h' });
    for (const subject of ['user:stuck', 'user:aside']) await engine.revoke(grants.get(subject) as string, { by: SAM });
    await settle(engine);
    await clock.advance('5s');
    await settle(engine);
    for (const { id, subject } of await failedChanges(engine)) {
      if (subject !== 'user:stuck') await dismissChange(engine, id, { by: SAM });
    }
    // And a removal that has failed once.
    failing(['user:tried']);
    await clock.advance('20m');
    await engine.revoke(grants.get('user:tried') as string, { by: SAM });
    await settle(engine);
    const changes = await changesOf(store);
    expect(changes.map(({ subject, held, outcome }) => [subject, held, outcome?.status]).sort()).toEqual([
      ['user:aside', false, 'dismissed'],
      ['user:asked', true, 'dismissed'],
      ['user:gone', false, 'done'],
      ['user:holds', true, 'done'],
      ['user:stuck', false, 'stuck'],
      ['user:tried', false, undefined],
    ]);
    await clock.advance('1ms');
    await purgeBefore(engine, clock.now());
    expect(await kept(store)).toEqual(['user:asked', 'user:holds', 'user:stuck', 'user:tried']);
    const ids = (await changesOf(store)).map(({ id }) => id);
    expect((await leases(store)).sort()).toEqual(ids.sort());
    await expectReplayed(store);
    await expectConsistent(store);
    // Nothing more to purge: only the purge itself is recorded.
    const before = (await entriesOf(store)).length;
    await purgeBefore(engine, clock.now());
    expect((await entriesOf(store)).slice(before).every(({ data }) => data['removed'] === undefined)).toBe(true);
  });

  it('L33 numbers keep growing and ids are new after the record was purged', async () => {
    const { engine, clock, store, roles } = following({}, false);
    for (let life = 0; life < 3; life++) {
      await aRemoval(engine, MAYA);
      await clock.advance('1h');
      await settle(engine);
      await purgeBefore(engine, clock.now());
      expect(await changesOf(store)).toEqual([]);
      await expectConsistent(store);
    }
    const seqs = roles.calls.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(new Set(roles.calls.map(({ id }) => id)).size).toBe(6);
    expect((await store.journal({ after: 0, limit: 1 })).start.seq).toBeGreaterThan(seqs[0] as number);
  });

  it('L33 a stuck change is still applied after its entries were purged, and the store still verifies', async () => {
    const { engine, clock, store, roles, provisioning } = following({ tries: 1 }, false);
    const grant = await aGranted(engine);
    await settle(engine);
    roles.failing = 1;
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    await clock.advance('1d');
    const { journalStart } = await purgeBefore(engine, clock.now());
    expect((await entriesOf(store)).some(({ type }) => type.startsWith('provisioning.'))).toBe(false);
    expect(journalStart).toBeGreaterThan(0);
    await expectConsistent(store);
    expect(await provisioning.resync()).toEqual({ applied: 1, unapplied: [] });
    expect(roles.held.size).toBe(0);
    await expectConsistent(store);
  });

  it('L30 keeps an unreadable record and its lease, reports it, and purges the others', async () => {
    const { engine, clock, store, told } = following();
    await aRemoval(engine, MAYA);
    const bad = await theChange(store);
    const [row] = await store.get([{ kind: 'provisioning', id: bad.id }]);
    if (row === undefined) throw new Error('the record is there');
    const bent = { ...row, version: row.version + 1, body: { ...row.body, more: 1 } };
    await store.commit({ id: 'outside', expect: [{ kind: 'provisioning', id: bad.id, version: row.version }], put: [bent], append: [] });
    await aRemoval(engine, 'user:kim');
    await clock.advance('1h');
    told.length = 0;
    await purgeBefore(engine, clock.now());
    const { items } = await store.find({ kind: 'provisioning', limit: 10 });
    expect(items.map(({ id }) => id)).toEqual([bad.id]);
    expect(await leases(store)).toEqual([bad.id]);
    expect(told.map(({ error }) => (error as { code?: string }).code)).toContain('ERR_JIT_CORRUPT');
  });

  it('L33 keeps the lease of a call that another process begins at any moment of the purge', async () => {
    const endings: unknown[] = [];
    for (let calls = 0, isReached = true; isReached; calls++) {
      const { engine, clock, store, roles } = following({ timeout: '1h' });
      await aRemoval(engine, MAYA);
      await clock.advance('2h');
      const { engine: other } = anEngine({ store, clock });
      provision(other, rolesTarget(roles, { timeout: '1h' }));
      let wake: () => void = () => undefined;
      /** Resolves when the call to the external system is in flight under its lease. */
      const callAgain = async () => {
        const underWay = new Promise<void>((begun) => {
          roles.before = () => {
            begun();
            return new Promise<void>((resolve) => (wake = resolve));
          };
        });
        await aGranted(other);
        await underWay;
      };
      const watched = beforeCall(store, calls, callAgain);
      await purgeBefore(anEngine({ store: watched.store, clock }).engine, clock.now());
      isReached = watched.isReached();
      if (isReached) {
        const [lease] = (await store.find({ kind: 'lease', limit: 9 })).items;
        expect(lease?.body['leasedUntil'] ?? 0, `before call ${calls}`).toBeGreaterThan(clock.now());
        endings.push(lease?.version);
      }
      wake();
      await Promise.all([settle(other), settle(engine)]);
      expect([...roles.held]).toEqual(isReached ? [`${MAYA} ${SCOPE}`] : []);
      if (isReached) expect(await theChange(store)).toMatchObject({ held: true, outcome: { status: 'done' } });
      await expectReplayed(store);
    }
    // The process took the lease both where the purge had kept it and where the purge had removed it.
    expect(new Set(endings).size).toBeGreaterThan(1);
  });

  it('L33 purges more than a page of them, and records each', async () => {
    const { engine, clock, store } = following();
    for (let i = 0; i < 120; i++) await aRemoval(engine, `user:u${i}`);
    expect((await store.find({ kind: 'provisioning', limit: 200 })).items).toHaveLength(120);
    await clock.set(at(HOUR));
    await purgeBefore(engine, clock.now());
    expect(await changesOf(store)).toEqual([]);
    expect(await leases(store)).toEqual([]);
    await expectReplayed(store);
  });
});
