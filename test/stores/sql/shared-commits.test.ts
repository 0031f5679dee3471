import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import type { Change } from 'jit-access/store';
import { schemaSql, sqlGrantStore } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import type { Logger } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomesOf } from '../../commit-answers.js';
import { attempts } from '../eventually.js';
import { Proxy } from '../proxy.js';
import { poolsOfTest } from './pools-of-test.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

/** Long enough for any machine, also a quarter of it: so long a transaction waits for a locked head. */
const PATIENT = 120_000;
/** A quarter of it expires in the test of a locked record. All of it is longer than a busy machine needs for a commit. */
const SHORT = 4_000;

let postgres: Postgres;
let file: SqliteFile;
beforeAll(async () => {
  postgres = await Postgres.migrated();
  file = await SqliteFile.migrated();
});
afterAll(async () => {
  file.remove();
  await postgres.stop();
});

const poolOf = poolsOfTest(() => postgres);

/** Stores of several new namespaces in one process, each with one commit, and the number of transactions since. */
async function tenants(
  dialect: 'postgres' | 'sqlite',
  count: number,
  { timeoutMs = PATIENT, url = postgres.url, options = '', max = 10 } = {},
) {
  let begun = 0;
  const log: Logger = ({ level, query: { sql } }) => void (level === 'query' && /\bbegin (isolation|immediate)/.test(sql) && (begun += 1));
  const db =
    dialect === 'postgres' ? kyselyOn(poolOf({ connectionString: url, max, options }), undefined, log) : file.kysely(undefined, log);
  const name = randomUUID();
  const store = sqlGrantStore({ db, dialect, namespace: name, timeoutMs });
  const stores = Array.from({ length: count }, (_, i) => store.in(`${name}.${i}`));
  expect(await commitAll(stores, 'first')).toEqual(stores.map(() => 'committed'));
  const transactions = () => {
    const since = begun;
    begun = 0;
    return since;
  };
  transactions();
  return { stores, transactions };
}

const changeOf = ({ namespace }: GrantStore, id: string, over: Parameters<typeof aRow>[0] = { id }): Change =>
  aChange({ id, put: [aRow(over)], append: [anEntry({ namespace, id: `${id}.1` })] });

/** One change to each, all at once. */
const commitAll = async (stores: readonly GrantStore[], id: string) =>
  outcomesOf(await Promise.all(stores.map((store) => store.commit(changeOf(store, id)))));

const entriesIn = async (store: GrantStore) => (await store.journal({ after: 0, limit: 1_000 })).entries;
const idsIn = async (store: GrantStore): Promise<readonly string[]> => (await entriesIn(store)).map(({ id }) => id);

/** A client with an open transaction that has run `text`, until it is released. */
async function holding(text: string, values: readonly unknown[]): Promise<{ readonly release: () => Promise<void> }> {
  const client: pg.PoolClient = await poolOf({ max: 1 }).connect();
  await client.query('begin');
  await client.query(text, [...values]);
  return {
    async release() {
      await client.query('rollback');
      client.release();
    },
  };
}
const holdHead = ({ namespace }: GrantStore) => holding('select 1 from jit_heads where namespace = $1 for update', [namespace]);

describe.each(['postgres', 'sqlite'] as const)('commits of several namespaces on %s', (dialect) => {
  it('share a transaction: 100 namespaces take two, and each keeps its own journal (L25 L26)', async () => {
    const { stores, transactions } = await tenants(dialect, 100);
    expect(await commitAll(stores, 'c')).toEqual(stores.map(() => 'committed'));
    expect(transactions()).toBe(2);
    for (const store of stores) {
      const entries = await entriesIn(store);
      expect(entries.map(({ seq, id, namespace }) => [seq, id, namespace])).toEqual([
        [1, 'first.1', store.namespace],
        [2, 'c.1', store.namespace],
      ]);
      expect(entries[1]?.prevHash).toBe(entries[0]?.hash);
      expect(await store.get([aRow({ id: 'c' })])).toEqual([aRow({ id: 'c' })]);
    }
  });

  it('are judged separately: a conflict, a stale caller or a malformed entry does not affect the others (L32)', async () => {
    const { stores, transactions } = await tenants(dialect, 6);
    const [a, b, c, d, e, f] = stores as [GrantStore, GrantStore, GrantStore, GrantStore, GrantStore, GrantStore];
    const settled = await Promise.allSettled([
      a.commit(changeOf(a, 'a')),
      b.commit(changeOf(b, 'b', { id: 'first' })),
      c.commit({ ...changeOf(c, 'c'), knows: { seq: 1, hash: 'f'.repeat(64) } }),
      d.commit(aChange({ id: 'd', put: [aRow({ id: 'd' })], append: [anEntry({ digest: 'none' })] })),
      // Applied before: it is committed, and writes nothing.
      e.commit(changeOf(e, 'first')),
      f.commit(aChange({ id: 'f', expect: [aRow({ id: 'first' })], remove: [aRow({ id: 'first' })], append: [anEntry()] })),
      a.commit(changeOf(a, 'a2', { id: 'a', version: 2 })),
    ]);
    expect(settled.map((one) => (one.status === 'fulfilled' ? one.value.outcome : (one.reason as { code: string }).code))).toEqual([
      'committed',
      'conflict',
      'behind',
      'ERR_JIT_INVALID_ARGUMENT',
      'committed',
      'committed',
      'committed',
    ]);
    expect(transactions()).toBe(1);
    expect(await Promise.all(stores.map(async (store) => (await idsIn(store)).length))).toEqual([3, 1, 1, 1, 1, 2]);
    expect(await a.get([aRow({ id: 'a' })])).toEqual([aRow({ id: 'a', version: 2 })]);
    const rows = await Promise.all(stores.map(async (store) => (await store.get([aRow({ id: 'first' })]))[0]?.version));
    expect(rows).toEqual([1, 1, 1, 1, 1, undefined]);
  });

  it('take a transaction of their own where a change trims the journal, or is too large to share one (L42)', async () => {
    const { stores, transactions } = await tenants(dialect, 5);
    const [a, b, c, d, e] = stores as [GrantStore, GrantStore, GrantStore, GrantStore, GrantStore];
    const many = Array.from({ length: 300 }, (_, i) => aRow({ id: `many-${i}` }));
    const large = aRow({ id: 'large', body: { text: 'x'.repeat(1_100_000) } });
    const answers = await Promise.all([
      a.commit(changeOf(a, 'a')),
      b.commit(aChange({ id: 'b', put: many, append: [anEntry({ namespace: b.namespace, id: 'b.1' })] })),
      c.commit({ ...changeOf(c, 'c'), trimJournalTo: 1 }),
      d.commit(changeOf(d, 'd')),
      e.commit(aChange({ id: 'e', put: [large] })),
      a.commit({ ...changeOf(a, 'trim'), trimJournalTo: 1 }),
      a.commit(changeOf(a, 'after')),
    ]);
    expect(outcomesOf(answers)).toEqual(answers.map(() => 'committed'));
    // a and d; b; c; e; the trim of a; what came after it.
    expect(transactions()).toBe(6);
    expect(await e.get([large])).toEqual([large]);
    expect(await Promise.all(stores.map(idsIn))).toEqual([
      ['a.1', 'trim.1', 'after.1'],
      ['first.1', 'b.1'],
      ['c.1'],
      ['first.1', 'd.1'],
      ['first.1'],
    ]);
  });

  it('fail only in the namespace whose data the database refuses, which then shares none for 64 transactions', async () => {
    const { stores, transactions } = await tenants(dialect, 8);
    const [bad, ...good] = stores as [GrantStore, ...GrantStore[]];
    const refused = () => bad.commit(changeOf(bad, randomUUID(), { id: 'refused', until: 8.64e15 + 1 }));
    const [first, ...others] = await Promise.allSettled([refused(), ...good.map((store) => store.commit(changeOf(store, 'c')))]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ERR_JIT_STORE', operation: 'commit' } });
    expect(others.map(({ status }) => status)).toEqual(good.map(() => 'fulfilled'));
    // The one that they shared, and one for each.
    expect(transactions()).toBe(9);
    for (let left = 64; left > 0; left -= 1) {
      expect(await commitAll(stores.slice(0, 3), `left-${left}`)).toEqual(['committed', 'committed', 'committed']);
      expect(transactions()).toBe(2);
    }
    expect(await commitAll(stores.slice(0, 3), 'shared again')).toEqual(['committed', 'committed', 'committed']);
    expect(transactions()).toBe(1);
    await expect(refused()).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    expect(await bad.get([aRow({ id: 'refused' })])).toEqual([undefined]);
  });

  it('begin the journals of new namespaces once where two processes commit to the same ones at once (L26)', async () => {
    const [one, two] = [await tenants(dialect, 1), await tenants(dialect, 1)];
    const names = Array.from({ length: 20 }, () => randomUUID());
    const all = [one, two].map(({ stores: [store] }) => names.map((name) => (store as GrantStore).in(name)));
    const answers = await Promise.all(all.map((stores, i) => commitAll(stores, `by-${i}`)));
    expect(answers.flat()).toEqual(Array<string>(40).fill('committed'));
    for (const store of all[0] ?? []) expect([...(await idsIn(store))].sort()).toEqual(['by-0.1', 'by-1.1']);
  });
});

describe('commits of several namespaces on PostgreSQL', () => {
  it('do not wait for a head that another process holds; that namespace waits on its own, and is committed when it is free', async () => {
    const { stores, transactions } = await tenants('postgres', 12);
    const [locked, ...free] = stores as [GrantStore, ...GrantStore[]];
    const holder = await holdHead(locked);
    let isAnswered = false;
    const waiting = locked.commit(changeOf(locked, 'c')).finally(() => (isAnswered = true));
    expect(await commitAll(free, 'c')).toEqual(free.map(() => 'committed'));
    expect(await commitAll(free, 'd')).toEqual(free.map(() => 'committed'));
    expect(isAnswered).toBe(false);
    await holder.release();
    expect(await waiting).toMatchObject({ outcome: 'committed' });
    expect(transactions()).toBe(3);
    expect(await idsIn(locked)).toEqual(['first.1', 'c.1']);
  });

  it('do not wait for others in transactions of their own where twenty heads are held (L38)', async () => {
    const { stores } = await tenants('postgres', 40, { max: 40 });
    const [held, free] = [stores.slice(0, 20), stores.slice(20)];
    const [trims, large, bad, ...good] = free as [GrantStore, GrantStore, GrantStore, ...GrantStore[]];
    const holder = await holding('select 1 from jit_heads where namespace = any($1) for update', [held.map(({ namespace }) => namespace)]);
    let isAnswered = false;
    const waiting = commitAll(held, 'c').finally(() => (isAnswered = true));
    expect(await commitAll(free, 'c')).toEqual(free.map(() => 'committed'));
    const many = Array.from({ length: 300 }, (_, i) => aRow({ id: `many-${i}` }));
    const apart = [
      commitAll([trims.in(randomUUID())], 'first of a new namespace'),
      trims.commit({ ...changeOf(trims, 'trim'), trimJournalTo: 1 }),
      large.commit(aChange({ id: 'large', put: many })),
    ];
    await Promise.all(apart);
    const refused = bad.commit(changeOf(bad, 'refused', { id: 'refused', until: 8.64e15 + 1 }));
    const [beside] = await Promise.all([commitAll(good, 'd'), expect(refused).rejects.toMatchObject({ code: 'ERR_JIT_STORE' })]);
    expect(beside).toEqual(good.map(() => 'committed'));
    expect(isAnswered).toBe(false);
    await holder.release();
    expect(await waiting).toEqual(held.map(() => 'committed'));
  });

  it.each([
    ['a damaged page', 'XX001', 'after'],
    ['an error of the disk', '58030', 'after'],
    ['no memory', '53200', 'after'],
    ['an error of the application', 'E0001', 'after'],
    ['a constraint that is checked at COMMIT', '23514', 'deferred'],
    ['a trigger that raises at COMMIT', 'P0001', 'deferred'],
  ])('fail only in the namespace with %s (%s)', async (_, code, when) => {
    const server = await postgres.empty();
    await server.sql(schemaSql('postgres'));
    const body = `begin if new.id like '%boom' then raise exception 'boom' using errcode = '${code}'; end if; return null; end`;
    await server.sql(`create function boom() returns trigger language plpgsql as $$ ${body} $$`);
    const kind =
      when === 'deferred'
        ? 'create constraint trigger boom after insert on jit_rows deferrable initially deferred'
        : 'create trigger boom after insert on jit_rows';
    await server.sql(`${kind} for each row execute function boom()`);
    const { stores, transactions } = await tenants('postgres', 6, { url: server.url });
    const [bad, ...good] = stores as [GrantStore, ...GrantStore[]];
    const refused = expect(bad.commit(changeOf(bad, 'boom'))).rejects.toMatchObject({ code: 'ERR_JIT_STORE', operation: 'commit' });
    expect(await commitAll(good, 'c')).toEqual(good.map(() => 'committed'));
    await refused;
    expect(transactions()).toBe(7);
    expect(await idsIn(bad)).toEqual(['first.1']);
    await server.stop();
  });

  it('fail at most once where the connection of a shared transaction is lost, and then only in the namespace that causes it', async () => {
    const server = await postgres.empty();
    await server.sql(schemaSql('postgres'));
    const body = `begin if new.id like '%boom' then perform pg_terminate_backend(pg_backend_pid()); end if; return null; end`;
    await server.sql(`create function boom() returns trigger language plpgsql as $$ ${body} $$`);
    await server.sql('create trigger boom after insert on jit_rows for each row execute function boom()');
    const { stores } = await tenants('postgres', 6, { url: server.url });
    const [bad, ...good] = stores as [GrantStore, ...GrantStore[]];
    const outcomes = await Promise.all([
      Promise.allSettled([bad.commit(changeOf(bad, 'boom'))]),
      ...good.map((store) => attempts(store, changeOf(store, 'c'))),
    ]);
    expect(outcomes.slice(1)).toEqual(good.map(() => ['ERR_JIT_STORE', 'committed']));
    for (const id of ['d', 'e']) {
      const refused = expect(bad.commit(changeOf(bad, `bad ${id}`, { id: 'boom' }))).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
      expect(await commitAll(good, id)).toEqual(good.map(() => 'committed'));
      await refused;
    }
    expect(await idsIn(bad)).toEqual(['first.1']);
    await server.stop();
  });

  it('do not wait for a record that another process has locked; only its namespace fails', async () => {
    const { stores } = await tenants('postgres', 5);
    const other = sqlGrantStore({ db: kyselyOn(poolOf({})), dialect: 'postgres', namespace: 'other', timeoutMs: SHORT });
    const [locked, ...free] = stores.map(({ namespace }) => other.in(namespace)) as [GrantStore, ...GrantStore[]];
    const holder = await holding('select 1 from jit_rows where namespace = $1 for update', [locked.namespace]);
    let isAnswered = false;
    const waiting = attempts(locked, changeOf(locked, 'c', { id: 'first', version: 2 })).finally(() => (isAnswered = true));
    for (const id of ['a', 'b', 'c']) {
      // On a machine that stalls, their limit may expire, too.
      const answers = await Promise.all(free.map((store) => attempts(store, changeOf(store, id))));
      expect(answers.map((outcomes) => outcomes.at(-1))).toEqual(free.map(() => 'committed'));
    }
    expect(isAnswered).toBe(false);
    await holder.release();
    expect((await waiting).at(-1)).toBe('committed');
    expect(await idsIn(stores[0] as GrantStore)).toEqual(['first.1', 'c.1']);
  });

  it('have an unknown outcome in each namespace where the answer to COMMIT is lost, and are recorded once (L31)', async () => {
    const proxy = await Proxy.to(postgres.url);
    const { stores, transactions } = await tenants('postgres', 6, { url: proxy.url });
    proxy.atCommit('cut the reply');
    const answers = await Promise.all(stores.map((store) => attempts(store, changeOf(store, 'c'))));
    expect(answers).toEqual(stores.map(() => ['ERR_JIT_OUTCOME_UNKNOWN', 'committed']));
    // One of them may have been the reason, so each was committed again in a transaction of its own.
    expect(transactions()).toBe(7);
    expect(await commitAll(stores, 'd')).toEqual(stores.map(() => 'committed'));
    expect(transactions()).toBe(1);
    for (const store of stores) expect(await idsIn(store)).toEqual(['first.1', 'c.1', 'd.1']);
    await proxy.close();
  });

  it('lose no update where two processes write to the same rows of the same namespaces (L32)', async () => {
    const { stores } = await tenants('postgres', 15);
    const others = (await tenants('postgres', 1)).stores.flatMap((other) => stores.map(({ namespace }) => other.in(namespace)));
    const add = async (store: GrantStore, id: string): Promise<void> => {
      for (;;) {
        const [row] = await store.get([aRow({ id: 'first' })]);
        const version = (row?.version ?? 0) + 1;
        const { outcome } = await store.commit(changeOf(store, `${id}.${version}`, { id: 'first', version }));
        if (outcome === 'committed') return;
      }
    };
    await Promise.all([...stores, ...others].flatMap((store, i) => [1, 2, 3, 4].map((n) => add(store, `${i}.${n}`))));
    for (const store of stores) {
      expect((await store.get([aRow({ id: 'first' })]))[0]?.version).toBe(9);
      expect((await entriesIn(store)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  it.each(['serializable', 'repeatable read'])('lose nothing where transactions are %s by default', async (level) => {
    const options = `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`;
    const { stores } = await tenants('postgres', 20, { options });
    const others = (await tenants('postgres', 1, { options })).stores.flatMap((other) =>
      stores.map(({ namespace }) => other.in(namespace)),
    );
    const answers = await Promise.all([commitAll(stores, 'a'), commitAll(others, 'b')]);
    expect(answers.flat()).toEqual(Array<string>(40).fill('committed'));
    for (const store of stores) expect([...(await idsIn(store))].sort()).toEqual(['a.1', 'b.1', 'first.1']);
  });

  it('work on tables that are partitioned by namespace', async () => {
    const server = await postgres.empty();
    const partitioned = schemaSql('postgres').replaceAll(
      /(create table jit_(?:rows|journal|heads) [^;]*);/g,
      '$1 partition by hash (namespace);',
    );
    const partitions = ['rows', 'journal', 'heads'].flatMap((table) =>
      [0, 1, 2].map((n) => `create table jit_${table}_${n} partition of jit_${table} for values with (modulus 3, remainder ${n});`),
    );
    await server.sql(`${partitioned}\n${partitions.join('\n')}`);
    const { stores, transactions } = await tenants('postgres', 30, { url: server.url });
    expect(await commitAll(stores, 'c')).toEqual(stores.map(() => 'committed'));
    const removal = aChange({ id: 'removal', expect: [aRow({ id: 'c' })], remove: [aRow({ id: 'c' })] });
    expect(outcomesOf(await Promise.all(stores.map((store) => store.commit(removal))))).toEqual(stores.map(() => 'committed'));
    expect(transactions()).toBe(2);
    for (const store of stores) {
      expect(await idsIn(store)).toEqual(['first.1', 'c.1']);
      expect(await store.get([aRow({ id: 'first' }), aRow({ id: 'c' })])).toEqual([aRow({ id: 'first' }), undefined]);
    }
    const [{ count } = {}] = await server.sql<{ count: number }>('select count(distinct tableoid)::int as count from jit_heads');
    expect(count).toBe(3);
    await server.stop();
  });
});
