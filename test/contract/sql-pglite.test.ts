import { randomUUID } from 'node:crypto';
import { PGlite } from '@electric-sql/pglite';
import { autoApprove, JitEngine } from 'jit-access';
import { fromPglite, migrate, schemaSql, sqlGrantStore, resilientPool } from 'jit-access/sql';
import type { ResilientPoolTarget, SqlDatabase } from 'jit-access/sql';
import { ManualClock, storeContract } from 'jit-access/testing';
import { Kysely, PostgresDialect } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const TABLES = ['jit_rows', 'jit_journal', 'jit_heads'];

let pglite: PGlite;
let pool: ResilientPoolTarget;
let db: Kysely<unknown>;
beforeAll(async () => {
  pglite = new PGlite();
  pool = fromPglite(pglite);
  db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: resilientPool(pool) }) });
  await migrate({ db, dialect: 'postgres' });
});
afterAll(() => db.destroy());

const ways = {
  'through Kysely alone': (namespace: string) => sqlGrantStore({ db, dialect: 'postgres', namespace }),
  'with reads through the pool': (namespace: string) => sqlGrantStore({ db, dialect: 'postgres', namespace, read: pool }),
};

describe.each(Object.entries(ways))('sqlGrantStore on PGlite, %s', (name, open) => {
  storeContract(
    { describe, it },
    {
      name,
      create: () => open(randomUUID()),
      reopen: (store) => open(store.namespace),
      async breakBackend() {
        for (const table of TABLES) await pglite.exec(`alter table ${table} rename to ${table}_gone`);
        return async () => {
          for (const table of TABLES) await pglite.exec(`alter table ${table}_gone rename to ${table}`);
        };
      },
    },
  );
});

describe('a commit on a PGlite inside a transaction of the caller', () => {
  it('L25 [ST2] is refused after a write, however coarse its clock is', async () => {
    const own = new PGlite();
    const run = async (sql: string, values: readonly unknown[]) =>
      ({ rows: (values.length > 0 ? await own.query(sql, [...values]) : (await own.exec(sql)).at(-1))?.rows ?? [] }) as never;
    const direct: SqlDatabase = {
      withoutPlugins: () => direct,
      executeQuery: ({ sql, parameters }) => run(sql, parameters),
      connection: () => ({ execute: (callback) => callback(direct) }),
    };
    await own.exec(`${schemaSql('postgres')}; create table orders (id int)`);
    const store = sqlGrantStore({ db: direct, dialect: 'postgres', namespace: 'n' });
    for (let i = 0; i < 20; i++) {
      await own.exec('begin; insert into orders values (1)');
      const change = { id: `c${i}`, expect: [], put: [], append: [] };
      await expect(store.commit(change)).rejects.toMatchObject({
        code: 'ERR_JIT_STORE',
        message: expect.stringMatching(/inside a transaction/) as string,
      });
      await own.exec('rollback');
    }
    expect((await own.query('select * from orders')).rows).toEqual([]);
    await own.close();
  });
});

describe('fromPglite()', () => {
  const waited = () => new Promise((resolve) => setImmediate(resolve));

  it('runs no query inside the transaction of another client', async () => {
    const client = await pool.connect();
    await client.query('begin');
    await client.query('create table in_transaction (n integer)');
    let isAnswered = false;
    const outside = pool
      .query({ name: 'outside', text: "select to_regclass('in_transaction') as found", values: [], query_timeout: 1_000 })
      .finally(() => (isAnswered = true));
    for (let i = 0; i < 20; i++) await waited();
    expect(isAnswered).toBe(false);
    await client.query('rollback');
    client.release();
    expect((await outside).rows).toEqual([{ found: null }]);
  });

  it('rolls back the open transaction of a client that is released as broken', async () => {
    const client = await pool.connect();
    await client.query('begin');
    await client.query('create table left_open (n integer)');
    client.release(true);
    const { rows } = await pool.query({
      name: 'after',
      text: "select to_regclass('left_open') as found",
      values: [],
      query_timeout: 1_000,
    });
    expect(rows).toEqual([{ found: null }]);
  });

  it('watches next to commits and checks, on the only connection', async () => {
    const namespace = randomUUID();
    const store = sqlGrantStore({ db, dialect: 'postgres', namespace, read: pool });
    const engine = new JitEngine({ store, approver: autoApprove(() => true), clock: new ManualClock() });
    let heard = 0;
    const stop = store.watch?.(() => heard++) as () => void;
    // The first wake-up shows that it listens.
    await vi.waitFor(() => expect(heard).toBe(1), 120_000);
    await engine.requestAccess({ subject: 'user:maya', scope: 'db:write', ttl: '1h' });
    await vi.waitFor(() => expect(heard).toBeGreaterThan(1), 120_000);
    expect(await engine.isAllowed('user:maya', 'db:write')).toBe(true);
    stop();
    await engine.close();
  });

  it('names what is missing in an invalid argument', () => {
    expect(() => fromPglite({ query() {}, close() {} } as never)).toThrow(/pglite must be .*missing: exec, onNotification/);
    expect(() => fromPglite(undefined as never)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT' }) as Error);
  });
});
