import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import type { Change } from 'jit-access/store';
import { verifyJournal } from 'jit-access/journal';
import { sqlGrantStore } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nameIn } from '../../../src/stores/sql/statement.js';
import { outcomesOf } from '../../commit-answers.js';
import { poolsOfTest } from './pools-of-test.js';
import { kyselyOn, Postgres } from './postgres.js';

/** Long enough for any machine: nothing here may end because of its limit. */
const PATIENT = 120_000;

let postgres: Postgres;
beforeAll(async () => {
  postgres = await Postgres.migrated();
});
afterAll(() => postgres.stop());

const poolOf = poolsOfTest(() => postgres);

/** The store of a process of its own, and the names of the statements that its commits have sent. */
function processOf(namespace: string, options: pg.PoolConfig = {}) {
  const sent: string[] = [];
  const db = kyselyOn(poolOf(options), undefined, ({ level, query: { sql } }) => {
    const name = nameIn(sql)?.replace(/^jit_access_(\w+)_[0-9a-f]{8}$/, '$1');
    if (level === 'query' && name !== undefined && !['notify', 'schema', 'get', 'journal'].includes(name)) sent.push(name);
  });
  const store = sqlGrantStore({ db, dialect: 'postgres', namespace, timeoutMs: PATIENT });
  return { store, sent: () => sent.splice(0) };
}

const changeOf = (id: string, over: Partial<Change> = {}): Change =>
  aChange({ id, put: [aRow({ id })], append: [anEntry({ id: `${id}.1` })], ...over });
/** Puts the next version of a row. */
const next = (id: string, rowId: string, version: number, over: Partial<Change> = {}): Change =>
  changeOf(id, { put: [aRow({ id: rowId, version })], ...over });
/** Commits a change whose entries belong to this namespace. */
const commit = (store: GrantStore, change: Change) =>
  store.commit({ ...change, append: change.append.map(({ id }) => anEntry({ namespace: store.namespace, id })) });

/** A process that has committed twice, so that it guesses what the next transaction finds. */
async function guessing(namespaces: readonly string[] = [randomUUID()], options?: pg.PoolConfig) {
  const [first] = namespaces as [string];
  const { store, sent } = processOf(first, options);
  const stores = namespaces.map((name) => store.in(name)) as [GrantStore, ...GrantStore[]];
  for (const id of ['one', 'two']) {
    const answers = await Promise.all(stores.map((each) => commit(each, changeOf(id))));
    expect(outcomesOf(answers)).toEqual(stores.map(() => 'committed'));
  }
  sent();
  return { stores, store: stores[0], sent };
}

/** The ids of the entries of a journal, which must be whole. */
async function idsIn(store: GrantStore): Promise<readonly string[]> {
  const { entries, start, head } = await store.journal({ after: 0, limit: 1_000 });
  expect(await verifyJournal(entries, { after: start, head })).toMatchObject({ ok: true });
  return entries.map(({ id }) => id);
}

const GUESSED = ['probe', 'begin', 'guessed_put_append_head', 'commit'];

describe('commits to a namespace to which only this process commits', () => {
  it('are compared and written by one statement, from the third on (L25 L32)', async () => {
    const { store, sent } = await guessing();
    expect(await commit(store, changeOf('c'))).toMatchObject({ outcome: 'committed', head: { seq: 3 } });
    expect(sent()).toEqual(GUESSED);
    const knows = (await store.journal({ after: 0, limit: 1 })).head;
    const batch = [
      next('v2', 'c', 2, { knows }),
      next('v3', 'c', 3),
      next('stale', 'c', 3),
      changeOf('two rows', { put: [aRow({ id: 'x' }), aRow({ id: 'y' })] }),
    ];
    const answers = await Promise.all(batch.map((change) => commit(store, change)));
    expect(outcomesOf(answers)).toEqual(['committed', 'committed', 'conflict', 'committed']);
    expect(sent()).toEqual(GUESSED);
    expect(await commit(store, changeOf('r', { put: [], remove: [aRow({ id: 'x' })], append: [] }))).toMatchObject({
      outcome: 'committed',
    });
    expect(sent()).toEqual(['probe', 'begin', 'guessed_remove_head', 'commit']);
    expect(await idsIn(store)).toEqual(['one.1', 'two.1', 'c.1', 'v2.1', 'v3.1', 'two rows.1']);
    expect(await store.get([aRow({ id: 'c' }), aRow({ id: 'x' }), aRow({ id: 'y' })])).toEqual([
      aRow({ id: 'c', version: 3 }),
      undefined,
      aRow({ id: 'y' }),
    ]);
  });

  it.each<[what: string, change: Change, outcome: string]>([
    ['a version is not the expected one', next('c', 'one', 5), 'conflict'],
    ['a row that should be absent is there', changeOf('c', { put: [aRow({ id: 'one' })] }), 'conflict'],
    ['a row that should be there is absent', next('c', 'absent', 2), 'conflict'],
    ['a record that is only read has changed', changeOf('c', { expect: [aRow({ id: 'two', version: 2 })] }), 'conflict'],
    ['the change was applied before', changeOf('one'), 'committed'],
    ['the caller knows another entry', changeOf('c', { knows: { seq: 1, hash: 'f'.repeat(64) } }), 'behind'],
    ['the caller knows a later entry', changeOf('c', { knows: { seq: 3, hash: 'f'.repeat(64) } }), 'behind'],
    [
      'a row would change its createdAt',
      next('c', 'one', 2, { put: [{ ...aRow({ id: 'one', version: 2 }), createdAt: 1 }] }),
      'ERR_JIT_STORE',
    ],
  ])('write nothing where %s (L32 L40)', async (_, change, outcome) => {
    const { store, sent } = await guessing();
    const [answer] = await Promise.allSettled([commit(store, change)]);
    expect(answer.status === 'fulfilled' ? answer.value.outcome : (answer.reason as { code: string }).code).toBe(outcome);
    expect(sent()).toContain('begin');
    expect(await idsIn(store)).toEqual(['one.1', 'two.1']);
    expect(await store.get([aRow({ id: 'one' }), aRow({ id: 'two' })])).toEqual([aRow({ id: 'one' }), aRow({ id: 'two' })]);
    expect(await commit(store, next('after', 'one', 2))).toMatchObject({ outcome: 'committed', head: { seq: 3 } });
  });

  it('write nothing to a namespace that has moved to another store (L41)', async () => {
    const { stores, store, sent } = await guessing([randomUUID(), randomUUID()]);
    const other = stores[1] as GrantStore;
    await postgres.sql(`update jit_heads set moved = 'a new place' where namespace = '${store.namespace}'`);
    const [refused, taken] = await Promise.allSettled([commit(store, changeOf('c')), commit(other, changeOf('c'))]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'ERR_JIT_MOVED', to: 'a new place' } });
    expect(taken).toMatchObject({ status: 'fulfilled', value: { outcome: 'committed', head: { seq: 3 } } });
    expect(sent()).toEqual(GUESSED);
    await postgres.sql(`update jit_heads set moved = null where namespace = '${store.namespace}'`);
    expect(await idsIn(store)).toEqual(['one.1', 'two.1']);
    expect(await store.get([aRow({ id: 'c' })])).toEqual([undefined]);
  });

  it('continue in the same transaction where another process has committed, and guess again once it does no more', async () => {
    const { store, sent } = await guessing();
    const other = processOf(store.namespace).store;
    await commit(other, next('theirs', 'one', 2));
    expect(await commit(store, next('late', 'one', 2))).toMatchObject({ outcome: 'conflict' });
    expect(sent()).toEqual(['probe', 'begin', 'guessed_put_append_head', 'commit']);
    await commit(other, changeOf('theirs, too'));
    expect(await commit(store, next('c', 'one', 3))).toMatchObject({ outcome: 'committed' });
    expect(sent()).toEqual(['probe', 'begin', 'hold_free', 'put_append_head', 'commit']);
    for (const id of ['d', 'e']) {
      expect(await commit(store, changeOf(id))).toMatchObject({ outcome: 'committed' });
      expect(sent()).toEqual(['probe', 'begin', 'hold_free', 'put_append_head', 'commit']);
    }
    expect(await commit(store, changeOf('f'))).toMatchObject({ outcome: 'committed' });
    expect(sent()).toEqual(GUESSED);
    expect(await idsIn(store)).toEqual(['one.1', 'two.1', 'theirs.1', 'theirs, too.1', 'c.1', 'd.1', 'e.1', 'f.1']);
  });

  it('find what another process wrote without an entry, although the head has the same hash (L32)', async () => {
    const { store, sent } = await guessing();
    await commit(processOf(store.namespace).store, next('theirs', 'one', 2, { append: [] }));
    expect(await commit(store, next('late', 'one', 2))).toMatchObject({ outcome: 'conflict' });
    expect(sent()).toEqual(['probe', 'begin', 'guessed_put_append_head', 'commit']);
    expect(await commit(store, next('mine', 'one', 3))).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(store)).toEqual(['one.1', 'two.1', 'mine.1']);
  });

  it('find a journal that was trimmed, and one that went back (L40)', async () => {
    const { store } = await guessing();
    const before = (await store.journal({ after: 0, limit: 1 })).head;
    await commit(processOf(store.namespace).store, changeOf('trims', { trimJournalTo: 2 }));
    expect(await commit(store, changeOf('c', { knows: before }))).toMatchObject({ outcome: 'committed', head: { seq: 4 } });
    await commit(store, changeOf('d'));
    const { head } = await commit(store, changeOf('e'));
    expect(await idsIn(store)).toEqual(['trims.1', 'c.1', 'd.1', 'e.1']);
    // A restore from a backup.
    const isOurs = `namespace = '${store.namespace}'`;
    await postgres.sql(`delete from jit_journal where ${isOurs} and seq > 4`);
    await postgres.sql(`update jit_heads set seq = 4, hash = (select hash from jit_journal where ${isOurs} and seq = 4) where ${isOurs}`);
    expect(await commit(store, changeOf('f', { knows: head }))).toMatchObject({ outcome: 'behind', head: { seq: 4 } });
    expect(await commit(store, changeOf('g'))).toMatchObject({ outcome: 'committed', head: { seq: 5 } });
    expect(await idsIn(store)).toEqual(['trims.1', 'c.1', 'g.1']);
  });

  it('find what another process wrote between its snapshot and its lock, although the head has the same hash (L32)', async () => {
    // A policy of the table makes the statement wait after its snapshot, and before it locks the head.
    const server = await Postgres.migrated({ own: true });
    await server.sql(`create function gate() returns boolean language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(7); return true; end $$`);
    await server.sql('create role app; grant all on all tables in schema public to app');
    await server.sql('create policy gate on jit_heads to app using (gate()) with check (true)');
    await server.sql('alter table jit_heads enable row level security');
    const gate = await server.heardPool({ max: 1 }).connect();
    const { store, sent } = await guessing([randomUUID()], { connectionString: server.url, options: '-c role=app' });
    const other = processOf(store.namespace, { connectionString: server.url }).store;
    await gate.query('select pg_advisory_lock(7)');
    const late = commit(store, next('late', 'one', 2));
    await vi.waitFor(async () => {
      const waiting = await server.sql(`select 1 from pg_stat_activity where wait_event = 'advisory' and query like '%guessed%'`);
      expect(waiting).toHaveLength(1);
    }, PATIENT);
    expect(await commit(other, next('theirs', 'one', 2, { append: [] }))).toMatchObject({ outcome: 'committed' });
    await gate.query('select pg_advisory_unlock(7)');
    expect(await late).toMatchObject({ outcome: 'conflict' });
    expect(sent()).toEqual(['probe', 'begin', 'guessed_put_append_head', 'hold_free', 'commit']);
    expect(await idsIn(other)).toEqual(['one.1', 'two.1']);
    gate.release();
    await server.stop();
  });
});

describe('commits to several namespaces, to some of which other processes commit', () => {
  const names = () => Array.from({ length: 6 }, () => randomUUID());

  it('write wrong guesses after what they find next to right ones (L32)', async () => {
    const { stores, sent } = await guessing(names());
    const [a, b, c, d, e] = stores as [GrantStore, GrantStore, GrantStore, GrantStore, GrantStore, GrantStore];
    const other = processOf('other').store;
    await commit(other.in(b.namespace), changeOf('theirs'));
    await commit(other.in(c.namespace), next('theirs', 'one', 2, { append: [] }));
    const fresh = a.in(randomUUID());
    const answers = await Promise.all([
      ...stores.map((store) => commit(store, next('c', 'one', 2))),
      commit(d, next('again', 'one', 3)),
      commit(e, changeOf('one')),
      commit(fresh, changeOf('c')),
    ]);
    const expected = ['committed', 'committed', 'conflict', 'committed', 'committed', 'committed', 'committed', 'committed', 'committed'];
    expect(outcomesOf(answers)).toEqual(expected);
    const apart = ['probe', 'begin', 'hold', 'found', 'hold', 'put_append_head', 'commit'];
    expect(sent()).toEqual(['probe', 'begin', 'guessed_put_append_head', 'put_append_head', 'commit', ...apart]);
    expect(await Promise.all([...stores, fresh].map(idsIn))).toEqual([
      ['one.1', 'two.1', 'c.1'],
      ['one.1', 'two.1', 'theirs.1', 'c.1'],
      ['one.1', 'two.1'],
      ['one.1', 'two.1', 'c.1', 'again.1'],
      ['one.1', 'two.1', 'c.1'],
      ['one.1', 'two.1', 'c.1'],
      ['c.1'],
    ]);
    const versions = await Promise.all(stores.map(async (store) => (await store.get([aRow({ id: 'one' })]))[0]?.version));
    expect(versions).toEqual([2, 2, 2, 3, 2, 2]);
  });

  it('omit a locked head, and do not delay the others (L38)', async () => {
    const { stores, sent } = await guessing(names());
    const [locked, ...free] = stores;
    const holder = await poolOf({ max: 1 }).connect();
    await holder.query('begin');
    await holder.query('select 1 from jit_heads where namespace = $1 for update', [locked.namespace]);
    let isAnswered = false;
    const waiting = commit(locked, changeOf('c')).finally(() => (isAnswered = true));
    expect(outcomesOf(await Promise.all(free.map((store) => commit(store, changeOf('c')))))).toEqual(free.map(() => 'committed'));
    expect(sent().slice(0, GUESSED.length)).toEqual(GUESSED);
    expect(isAnswered).toBe(false);
    await holder.query('rollback');
    holder.release();
    expect(await waiting).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(locked)).toEqual(['one.1', 'two.1', 'c.1']);
  });
});
