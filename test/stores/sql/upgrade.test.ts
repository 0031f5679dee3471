import { randomUUID } from 'node:crypto';
import { migrate, sqlGrantStore } from 'jit-access/sql';
import type { SqlDatabase, SqlDialect } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { CompiledQuery, type Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

/** A database through which each statement is seen before it is sent. */
function watched(db: SqlDatabase, onStatement: (sql: string, over: SqlDatabase) => Promise<void> | void): SqlDatabase {
  return {
    withoutPlugins: () => watched(db.withoutPlugins(), onStatement),
    async executeQuery<R>(query: CompiledQuery<R>) {
      await onStatement(query.sql, db);
      return db.executeQuery(query);
    },
    connection: () => ({ execute: (callback) => db.connection().execute((connection) => callback(watched(connection, onStatement))) }),
  };
}

let server: Postgres;
beforeAll(async () => {
  server = await Postgres.start();
});
afterAll(() => server.stop());

/** Layout 0 is a made-up one before this version: its rows have the number 0, and its processes may use the data. */
describe.each(['sqlite', 'postgres'] as const)('the contract on %s', (dialect: SqlDialect) => {
  let db: Kysely<unknown>;
  let stop: () => Promise<void> | void;
  beforeEach(async () => {
    if (dialect === 'sqlite') {
      const file = new SqliteFile();
      [db, stop] = [file.kysely(), () => file.remove()];
    } else {
      const postgres = await server.empty();
      [db, stop] = [kyselyOn(postgres.pool()), () => postgres.stop()];
    }
    await migrate({ db, dialect });
    await run('update jit_schema set readable_from = 0');
  });
  afterEach(() => stop());

  const run = async (sql: string) => (await db.executeQuery(CompiledQuery.raw(sql))).rows as Record<string, unknown>[];
  const store = (namespace = 'payments') => sqlGrantStore({ db, dialect, namespace });
  const rowsOf = (count: number) => Array.from({ length: count }, (_, i) => aRow({ id: `r${i}`, version: 3 }));
  const expectations = (count: number) => rowsOf(count).map(({ kind, id }) => ({ kind, id, version: 0 }));
  /** Rows of the earlier layout. */
  const older = async (namespace: string, count: number) => {
    const change = aChange({ put: rowsOf(count), expect: expectations(count), append: [anEntry({ namespace, id: randomUUID() })] });
    expect(await store(namespace).commit(change)).toMatchObject({ outcome: 'committed' });
    await run(`update jit_rows set layout = 0 where namespace like '%${namespace}'`);
  };
  const left = async () => Number((await run('select count(*) as n from jit_rows where layout = 0'))[0]?.['n']);

  it('rewrites the rows of earlier layouts, and raises the number without an entry', async () => {
    await older('payments', 300);
    await older('～tenant', 20);
    const { head } = await store().journal({ after: 0, limit: 1 });
    expect(await migrate({ db, dialect })).toEqual({ version: 1, readableFrom: 0, rewritten: 0 });
    expect(await migrate({ db, dialect, contract: true })).toEqual({ version: 1, readableFrom: 1, rewritten: 320 });
    expect(await left()).toBe(0);
    expect(await store().get([aRow({ id: 'r7' })])).toEqual([aRow({ id: 'r7', version: 3 })]);
    expect((await store().journal({ after: 0, limit: 1 })).head).toEqual(head);
    expect(await migrate({ db, dialect, contract: true })).toEqual({ version: 1, readableFrom: 1, rewritten: 0 });
    const indexes = dialect === 'sqlite' ? 'select name from sqlite_master' : 'select indexname as name from pg_indexes';
    expect(JSON.stringify(await run(indexes))).not.toContain('jit_rows_before');
  });

  it('rewrites rows that together are larger than a change (L42)', async () => {
    const large = (i: number) => aRow({ id: `r${i}`, version: 3, body: { text: 'x'.repeat(40_000) } });
    for (let i = 0; i < 300; i += 100) {
      const put = Array.from({ length: 100 }, (_, n) => large(i + n));
      const expectNone = put.map(({ kind, id }) => ({ kind, id, version: 0 }));
      expect(await store().commit(aChange({ id: `c${i}`, put, expect: expectNone, append: [] }))).toMatchObject({ outcome: 'committed' });
    }
    await run('update jit_rows set layout = 0');
    expect(await migrate({ db, dialect, contract: true })).toEqual({ version: 1, readableFrom: 1, rewritten: 300 });
    expect(await store().get([large(7)])).toEqual([large(7)]);
  });

  it('rewrites the rows of a namespace that has moved, too', async () => {
    await older('payments', 300);
    await run(`update jit_heads set moved = 'postgres://new'`);
    expect(await migrate({ db, dialect, contract: true })).toEqual({ version: 1, readableFrom: 1, rewritten: 300 });
    expect(await left()).toBe(0);
  });

  it('overwrites no row of a part that arrives while it runs (L32)', async () => {
    await older('payments', 2);
    await run(`update jit_heads set moved = ''`);
    let hasArrived = false;
    // After the rows are read, and before the first transaction that may write them.
    const busy = watched(db, async (sql, over) => {
      if (hasArrived || !/^(\/\*.*\*\/ )?begin/.test(sql)) return;
      hasArrived = true;
      await over.executeQuery(CompiledQuery.raw(`update jit_rows set layout = 1, version = 9 where id = 'r0'`));
    });
    expect(await migrate({ db: busy, dialect, contract: true })).toMatchObject({ rewritten: 1 });
    expect(await run(`select version from jit_rows where id = 'r0'`)).toMatchObject([{ version: dialect === 'sqlite' ? 9 : '9' }]);
    expect(await left()).toBe(0);
  });

  it('continues where it was interrupted', async () => {
    await older('payments', 600);
    let commits = 0;
    const failing = watched(db, (sql) => {
      if (/^(\/\*.*\*\/ )?commit$/.test(sql) && ++commits === 2) throw new Error('interrupted');
    });
    await expect(migrate({ db: failing, dialect, contract: true })).rejects.toThrow();
    expect(await run('select readable_from from jit_schema')).toEqual([{ readable_from: dialect === 'sqlite' ? 0 : '0' }]);
    const remaining = await left();
    expect(remaining).toBeGreaterThan(0);
    expect(remaining).toBeLessThan(600);
    expect(await migrate({ db, dialect, contract: true })).toEqual({ version: 1, readableFrom: 1, rewritten: remaining });
    expect(await left()).toBe(0);
  });

  it('[A24] reports its progress after each page, and no listener stops it', async () => {
    await older('payments', 600);
    await run(`update jit_rows set layout = 1 where id < 'r2'`);
    const old = await left();
    const seen: { read: number; rewritten: number }[] = [];
    const onProgress = (progress: { read: number; rewritten: number }) => {
      seen.push(progress);
      throw new Error('a listener that fails');
    };
    expect(await migrate({ db, dialect, contract: true, onProgress })).toMatchObject({ rewritten: old });
    expect(seen.map(({ read }) => read).slice(0, 3)).toEqual([256, 512, 600]);
    expect(seen.every(({ rewritten }, i) => rewritten >= (seen[i - 1]?.rewritten ?? 0))).toBe(true);
    expect(seen.at(-1)).toEqual({ read: 600, rewritten: old });
    await expect(migrate({ db, dialect, onProgress: 'log' as never })).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });

  it('[A24] reports the rows that its last transaction rewrites', async () => {
    await older('payments', 10);
    let hasWritten = false;
    const busy = watched(db, async (sql) => {
      if (hasWritten || !sql.startsWith('create index')) return;
      hasWritten = true;
      await run(`update jit_rows set layout = 0 where id in ('r1', 'r2')`);
    });
    const seen: unknown[] = [];
    await migrate({ db: busy, dialect, contract: true, onProgress: (progress) => void seen.push(progress) });
    expect(seen[0]).toEqual({ read: 10, rewritten: 10 });
    expect(seen.at(-1)).toEqual({ read: 10, rewritten: 12 });
  });

  const indexes = async () =>
    JSON.stringify(await run(dialect === 'sqlite' ? 'select name from sqlite_master' : 'select indexname as name from pg_indexes'));

  it('[A22] drops its index also where an earlier call was interrupted before it could', async () => {
    await older('payments', 10);
    const failing = watched(db, (sql) => {
      if (sql.startsWith('drop index')) throw new Error('interrupted');
    });
    await expect(migrate({ db: failing, dialect, contract: true })).rejects.toThrow('interrupted');
    expect(await indexes()).toContain('jit_rows_before');
    expect(await migrate({ db, dialect, contract: true })).toEqual({ version: 1, readableFrom: 1, rewritten: 0 });
    expect(await indexes()).not.toContain('jit_rows_before');
  });

  it('[A23] resolves where another contract runs as a whole before any of its statements', async () => {
    for (let place = 0, isPast = false; !isPast; place++) {
      await older(`payments-${place}`, 3);
      await run('update jit_schema set readable_from = 0');
      let [statements, isOpen] = [0, false];
      let other: Promise<unknown> = Promise.resolve();
      const interrupted = watched(db, async (sql) => {
        // The other one would wait for a transaction of this one.
        if (/^(\/\*.*\*\/ )?begin/.test(sql)) isOpen = true;
        else if (/^(\/\*.*\*\/ )?(commit|rollback)/.test(sql)) isOpen = false;
        else if (
          !isOpen &&
          !sql.includes('busy_timeout') &&
          !sql.includes('_probe') &&
          !sql.includes('statement_timestamp') &&
          statements++ === place
        )
          await (other = migrate({ db, dialect, contract: true }));
      });
      expect(await migrate({ db: interrupted, dialect, contract: true })).toMatchObject({ version: 1, readableFrom: 1 });
      // A store does not wait for its notification. Where the other contract begins before one, it may end after this one.
      await other;
      expect([await left(), (await indexes()).includes('jit_rows_before')]).toEqual([0, false]);
      isPast = statements <= place;
    }
  });

  it('[A23] drops its index again where another contract does at the same time', async () => {
    await older('payments', 3);
    let tries = 0;
    const busy = watched(db, (sql) => {
      if (sql.startsWith('drop index') && ++tries === 1) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    });
    expect(await migrate({ db: busy, dialect, contract: true })).toEqual({ version: 1, readableFrom: 1, rewritten: 3 });
    expect(tries).toBe(2);
  });

  it('finds the rows that a process of the earlier layout writes until the last moment', async () => {
    await older('payments', 10);
    let writes = 0;
    // The transaction of the contract holds the only connection of SQLite.
    const most = dialect === 'sqlite' ? 2 : 3;
    const busy = watched(db, async (sql) => {
      // Before the index, before the remaining rows are read, and before the lock.
      if (!/^create index|^select namespace, r|^lock table/.test(sql) || ++writes > most) return;
      await run(`update jit_rows set layout = 0 where id in ('r1', 'r2')`);
    });
    const { rewritten } = await migrate({ db: busy, dialect, contract: true });
    expect(writes).toBeGreaterThan(most);
    expect(rewritten).toBe(dialect === 'sqlite' ? 12 : 14);
    expect(await left()).toBe(0);
  });
});

describe('the contract on PostgreSQL', () => {
  it('waits for a commit that has compared the numbers, and then finds the row that it wrote', async () => {
    const postgres = await server.empty();
    const old = await postgres.heardPool({ max: 1 }).connect();
    try {
      const db = kyselyOn(postgres.pool());
      await migrate({ db, dialect: 'postgres' });
      const store = sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments' });
      await store.commit(aChange({ put: [aRow()] }));
      await postgres.sql('update jit_schema set readable_from = 0');
      // As a commit of the earlier layout: it locks its head and compares the numbers, and writes in its next statement.
      await old.query('begin');
      await old.query(`select readable_from, (select seq from jit_heads where namespace = 'payments' for update) from jit_schema`);
      let tries = 0;
      let hasTried: () => void = () => undefined;
      const triedTwice = new Promise<void>((resolve) => (hasTried = resolve));
      const contracting = migrate({
        db: watched(db, (sql) => {
          if (sql.startsWith('lock table') && ++tries === 2) hasTried();
        }),
        dialect: 'postgres',
        contract: true,
      });
      await Promise.race([triedTwice, contracting]);
      expect(await postgres.sql('select readable_from from jit_schema')).toEqual([{ readable_from: '0' }]);
      await old.query(`update jit_rows set layout = 0`);
      await old.query(`update jit_heads set revision = revision + 1`);
      await old.query('commit');
      expect(await contracting).toEqual({ version: 1, readableFrom: 1, rewritten: 1 });
      expect(await postgres.sql('select count(*)::int as n from jit_rows where layout = 0')).toEqual([{ n: 0 }]);
    } finally {
      old.release(true);
      await postgres.stop();
    }
  });
});
