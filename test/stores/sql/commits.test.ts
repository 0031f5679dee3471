import { randomUUID } from 'node:crypto';
import type { AuditEntry, GrantStore } from 'jit-access';
import { link } from 'jit-access/store';
import { sqlGrantStore } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { CompiledQuery } from 'kysely';
import type { Kysely, Logger } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';
import { outcomesOf } from '../../commit-answers.js';

/** Long enough for any machine; a test whose limit must expire sets its own. */
const PATIENT = 30_000;

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

const open = {
  postgres: (log?: Logger) => kyselyOn(postgres.pool({ max: 4 }), undefined, log),
  sqlite: (log?: Logger) => file.kysely(undefined, log),
};

const changeOf = (store: GrantStore, id: string, over: Parameters<typeof aRow>[0] = { id }) =>
  aChange({ id, put: [aRow(over)], append: [anEntry({ namespace: store.namespace, id: `${id}.1` })] });

const idsIn = async (store: GrantStore): Promise<readonly string[]> =>
  (await store.journal({ after: 0, limit: 1_000 })).entries.map(({ id }) => id);

/** A promise, and the function that resolves it. */
function gate() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((open) => (resolve = open));
  return { promise, resolve };
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(['postgres', 'sqlite'] as const)('commits on %s', (dialect) => {
  const stores = (timeoutMs = PATIENT) => {
    const namespace = randomUUID();
    const db = open[dialect]();
    return { db, namespace, store: sqlGrantStore({ db, dialect, namespace, timeoutMs }), options: { dialect, namespace, timeoutMs } };
  };
  const revisionOf = async (db: Kysely<unknown>, namespace: string) => {
    const { rows } = await db.executeQuery(CompiledQuery.raw(`select revision from jit_heads where namespace = '${namespace}'`));
    return Number((rows[0] as { revision: unknown }).revision);
  };

  /** Locks the head of a namespace as another transaction does, until it is released. */
  const hold = async (db: Kysely<unknown>, namespace: string) => {
    const [held, free] = [gate(), gate()];
    const holding = db.connection().execute(async (connection) => {
      const run = (sql: string) => connection.executeQuery(CompiledQuery.raw(sql));
      await run(dialect === 'postgres' ? 'begin' : 'begin immediate');
      await run(`update jit_heads set seq = seq where namespace = '${namespace}'`);
      held.resolve();
      await free.promise;
      await run('rollback');
    });
    await held.promise;
    return () => {
      free.resolve();
      return holding;
    };
  };

  it('change the sum of the revisions of all heads, so that one question shows whether any namespace has a new commit', async () => {
    const { db, store } = stores();
    const sums: string[] = [];
    const look = async () => {
      const { rows } = await db.executeQuery(CompiledQuery.raw('select count(*) as heads, sum(revision) as revisions from jit_heads'));
      sums.push(JSON.stringify(rows[0]));
    };
    await look();
    const entry = (id: string) => anEntry({ namespace: store.namespace, id });
    for (const over of [
      { append: [entry('a')] },
      { put: [aRow({ id: 'x' })] },
      { append: [entry('b')], trimJournalTo: 2 },
      { append: [entry('c')] },
    ]) {
      await store.commit(aChange(over));
      await look();
    }
    await store.in(randomUUID()).commit(aChange({ put: [aRow({ id: 'x' })] }));
    await look();
    expect(new Set(sums).size).toBe(6);
  });

  it('share a transaction: 100 concurrent commits take one', async () => {
    const { db, namespace, store } = stores();
    await store.commit(changeOf(store, 'first'));
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, i) => store.commit(changeOf(store, `c${i}`))));
    expect(new Set(outcomesOf(outcomes))).toEqual(new Set(['committed']));
    expect(await revisionOf(db, namespace)).toBe(2);
    expect(await idsIn(store)).toEqual(['first.1', ...Array.from({ length: 100 }, (_, i) => `c${i}.1`)]);
  });

  it('are judged separately: a conflict, a malformed entry or an error of the database does not affect the others', async () => {
    const { store } = stores();
    await store.commit(changeOf(store, 'first'));
    const good = Array.from({ length: 6 }, (_, i) => changeOf(store, `c${i}`));
    const broken = aChange({ id: 'broken', put: [aRow({ id: 'b' })], append: [anEntry({ digest: 'none' })] });
    // Between good changes: each is in the middle of a shared transaction.
    const given = [
      ...good.slice(0, 2),
      changeOf(store, 'conflict', { id: 'first' }),
      broken,
      changeOf(store, 'refused', { id: 'refused', until: 8.64e15 + 1 }),
      ...good.slice(2),
    ];
    const settled = await Promise.allSettled(given.map((change) => store.commit(change)));
    expect(settled.map((one) => (one.status === 'fulfilled' ? one.value.outcome : (one.reason as { code: string }).code))).toEqual([
      'committed',
      'committed',
      'conflict',
      'ERR_JIT_INVALID_ARGUMENT',
      'ERR_JIT_STORE',
      ...Array<string>(4).fill('committed'),
    ]);
    expect(await idsIn(store)).toEqual(['first.1', ...good.map(({ id }) => `${id}.1`)]);
    expect(await store.get([aRow({ id: 'b' }), aRow({ id: 'refused' })])).toEqual([undefined, undefined]);
  });

  it('build on each other inside one transaction, as if each had come alone', async () => {
    const { store } = stores();
    const row = (version: number) => aRow({ id: 'x', version, body: { version } });
    const step = (version: number) =>
      aChange({ id: `s${version}`, put: [row(version)], append: [anEntry({ namespace: store.namespace, id: `s${version}.1` })] });
    const removal = aChange({ id: 'removal', expect: [row(3)], remove: [row(3)] });
    const outcomes = await Promise.all([
      store.commit(changeOf(store, 'first')),
      ...[step(1), step(1), step(2), step(2), step(3), { ...step(3), id: 'stale' }, removal, { ...step(1), id: 'again' }].map((change) =>
        store.commit(change),
      ),
    ]);
    expect(outcomesOf(outcomes).join()).toBe('committed,committed,committed,committed,committed,committed,conflict,committed,committed');
    expect(outcomes.map(({ head }) => head.seq)).toEqual([1, 2, 2, 3, 3, 4, 4, 4, 5]);
    expect(await store.get([row(1)])).toEqual([row(1)]);
  });

  it('compare what each caller knows also with the entries of the same transaction', async () => {
    const { store } = stores();
    const [first, second] = [changeOf(store, 'first'), changeOf(store, 'second')];
    const [, entry] = link({ seq: 0, hash: '0'.repeat(64) }, [...first.append, ...second.append]) as [AuditEntry, AuditEntry];
    const knowing = (id: string, hash: string) => store.commit({ ...changeOf(store, id), knows: { seq: 2, hash } });
    // They share one transaction.
    const answers = await Promise.all([store.commit(first), store.commit(second), knowing('c', entry.hash), knowing('d', 'f'.repeat(64))]);
    expect(outcomesOf(answers)).toEqual(['committed', 'committed', 'committed', 'behind']);
    expect(answers[1]?.head).toEqual({ seq: 2, hash: entry.hash });
    expect(await idsIn(store)).toEqual(['first.1', 'second.1', 'c.1']);
  });

  it('wait for the holder of the namespace without blocking reads or other namespaces, and continue when it is free', async () => {
    const { db, namespace, store, options } = stores();
    await store.commit(changeOf(store, 'first'));
    const busy = gate();
    // Each statement waits this long; the call, three times as long.
    const timeoutMs = 1_500;
    const other = sqlGrantStore({ ...options, timeoutMs, db: open[dialect]((event) => void (event.level === 'error' && busy.resolve())) });
    await other.get([aRow()]);
    const release = await hold(db, namespace);
    const committed = other.commit(changeOf(other, 'c1'));
    expect(await other.get([aRow({ id: 'first' })])).toHaveLength(1);
    // After the database was busy, it tries again.
    await busy.promise;
    expect(await other.get([aRow({ id: 'first' })])).toHaveLength(1);
    await release();
    expect(await committed).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(other)).toEqual(['first.1', 'c1.1']);
  });

  it('reject within their limit and write nothing while the namespace stays locked', async () => {
    const { db, namespace, store, options } = stores();
    await store.commit(changeOf(store, 'first'));
    const other = sqlGrantStore({ ...options, timeoutMs: 60, db: open[dialect]() });
    const release = await hold(db, namespace);
    await expect(other.commit(changeOf(other, 'c1'))).rejects.toMatchObject({ code: 'ERR_JIT_STORE', operation: 'commit' });
    await release();
    expect(await idsIn(store)).toEqual(['first.1']);
    expect(await eventually(() => other.commit(changeOf(other, 'c2')))).toMatchObject({ outcome: 'committed' });
  });
});

describe('commits on PostgreSQL under other settings', () => {
  it.each(['serializable', 'repeatable read'])('lose nothing where transactions are %s by default', async (level) => {
    const namespace = randomUUID();
    const pools = [1, 2].map(() => postgres.pool({ options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` }));
    const [a, b] = pools.map((pool) => sqlGrantStore({ db: kyselyOn(pool), dialect: 'postgres', namespace, read: pool })) as [
      GrantStore,
      GrantStore,
    ];
    const changes = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? a : b).commit(changeOf(a, `c${i}`)));
    expect(new Set(outcomesOf(await Promise.all(changes)))).toEqual(new Set(['committed']));
    expect(await idsIn(a)).toHaveLength(40);
  });

  it('refuse an encoding with another order of ids', async () => {
    await postgres.sql(`create database latin encoding 'LATIN1' template template0 locale 'C'`);
    const latin = new URL(postgres.url);
    latin.pathname = '/latin';
    latin.search = '';
    const db = kyselyOn(postgres.pool({ connectionString: latin.href }));
    await db.executeQuery(CompiledQuery.raw('create table jit_schema (version bigint not null, readable_from bigint not null)'));
    await db.executeQuery(CompiledQuery.raw('insert into jit_schema values (1, 1)'));
    const store = sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments' });
    await expect(store.get([aRow()])).rejects.toThrow(/must be UTF-8; it is LATIN1/);
  });
});

describe('checks on SQLite', () => {
  it('are answered synchronously on a separate read handle, from committed rows only', async () => {
    const namespace = randomUUID();
    const db = file.kysely();
    const store = sqlGrantStore({ db, dialect: 'sqlite', namespace, read: file.handle() });
    await store.commit(changeOf(store, 'first'));
    const query = { subject: 'user:maya', at: 0 };
    expect(store.live(query)).toEqual([aRow({ id: 'first' })]);
    await db.connection().execute(async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('begin immediate'));
      await connection.executeQuery(CompiledQuery.raw(`delete from jit_rows where namespace = '${namespace}'`));
      expect(store.live(query)).toEqual([aRow({ id: 'first' })]);
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    });
  });

  it('wait while the given handle is inside a transaction, so that no check sees an uncommitted row', async () => {
    const namespace = randomUUID();
    const handle = file.handle();
    const db = file.kysely(handle);
    const store = sqlGrantStore({ db, dialect: 'sqlite', namespace, read: handle });
    await store.commit(changeOf(store, 'first'));
    let during: unknown;
    await db.connection().execute(async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('begin immediate'));
      await connection.executeQuery(CompiledQuery.raw(`delete from jit_rows where namespace = '${namespace}'`));
      during = store.live({ subject: 'user:maya', at: 0 });
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    });
    expect(during).toBeInstanceOf(Promise);
    expect(await during).toEqual([aRow({ id: 'first' })]);
  });

  it('continue while a driver waits for locks, as a commit sets its busy timeout to zero', async () => {
    const namespace = randomUUID();
    const handle = file.handle();
    handle.exec('pragma busy_timeout = 20000');
    const store = sqlGrantStore({ db: file.kysely(handle), dialect: 'sqlite', namespace, timeoutMs: 5_000 });
    await store.get([aRow()]);
    const holder = file.handle();
    holder.exec('begin immediate');
    const committed = store.commit(changeOf(store, 'c1'));
    // If the driver waited, this timer would run only after twenty seconds, and the commit would fail after fifteen.
    await later(20);
    holder.exec('rollback');
    expect(await committed).toMatchObject({ outcome: 'committed' });
    expect(handle.prepare('pragma busy_timeout').all([])).toMatchObject([{ timeout: 20_000 }]);
  });
});
