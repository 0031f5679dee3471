import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { autoApprove, JitEngine } from 'jit-access';
import { resilientPool, sqlGrantStore, type SqlDatabase } from 'jit-access/sql';
import { ManualClock } from 'jit-access/testing';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

const REFUSED = { code: 'ERR_JIT_STORE', message: expect.stringMatching(/inside a transaction of the caller/) as string };
const ASK = { subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' } as const;

let postgres: Postgres;
let file: SqliteFile;
beforeAll(async () => {
  postgres = await Postgres.migrated();
  await postgres.sql('create table orders (id int primary key)');
  file = await SqliteFile.migrated();
  file.handle().exec('create table orders (id int primary key)');
});
afterAll(async () => {
  file.remove();
  await postgres.stop();
});

const clients: pg.PoolClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.release(true);
});
async function aClient(): Promise<pg.PoolClient> {
  const client = await postgres.pool().connect();
  clients.push(client);
  return client;
}

/** The three methods of `SqlDatabase` over the caller's own connection, and the statements that the store sends on it. */
function ownExecutor(run: (sql: string, values: unknown[]) => unknown): { readonly db: SqlDatabase; readonly sent: string[] } {
  const sent: string[] = [];
  const db: SqlDatabase = {
    withoutPlugins: () => db,
    executeQuery: async ({ sql, parameters }) => {
      sent.push(sql.replace(/^\/\*.*?\*\/ /, ''));
      return { rows: (await run(sql, [...parameters])) as never[] };
    },
    connection: () => ({ execute: (callback) => callback(db) }),
  };
  return { db, sent };
}

const engineOn = (db: SqlDatabase, dialect: 'postgres' | 'sqlite', timeoutMs?: number, namespace: string = randomUUID()) =>
  new JitEngine({
    store: sqlGrantStore({ db, dialect, namespace, timeoutMs }),
    approver: autoApprove(() => true),
    clock: new ManualClock(),
    onError: () => undefined,
  });

const CHANGING = /^(begin|start|commit|rollback|set|savepoint|insert|update|delete|with)\b/i;

describe('a commit on a PostgreSQL connection inside a transaction of the caller', () => {
  it.each([
    { after: 'a BEGIN alone', statements: [] },
    { after: 'a read', statements: ['select * from orders'] },
    { after: 'a write', statements: ['insert into orders values (1)'] },
    { after: 'a serializable BEGIN', statements: ['set transaction isolation level serializable', 'select * from orders'] },
    { after: 'a statement that failed', statements: ['select * from missing'] },
  ])('L25 [ST2] is refused by name and sends nothing after that, after $after', async ({ statements }) => {
    const client = await aClient();
    const { db, sent } = ownExecutor(async (sql, values) => (await client.query<object>(sql, values)).rows);
    const engine = engineOn(db, 'postgres');
    // It reads the schema before.
    expect(await engine.isAllowed(ASK.subject, ASK.scope)).toBe(false);
    const isAborted = statements.some((sql) => sql.includes('missing'));
    await client.query('begin');
    for (const sql of statements) await client.query(sql).catch(() => undefined);
    sent.length = 0;
    // The first read of a verb fails too where the transaction is aborted.
    if (isAborted) await expect(engine.requestAccess(ASK)).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    else await expect(engine.requestAccess(ASK)).rejects.toMatchObject(REFUSED);
    expect(sent.filter((sql) => CHANGING.test(sql))).toEqual([]);
    // The transaction is still the caller's, unchanged.
    const { rows } = await client.query('select now() = statement_timestamp() as outside').catch(() => ({ rows: [{ outside: false }] }));
    expect(rows).toEqual([{ outside: false }]);
    await client.query('rollback');
    expect(await postgres.sql('select * from orders')).toEqual([]);
    // Outside of it, the same connection is good.
    expect(await engine.requestAccess(ASK)).toMatchObject({ outcome: 'granted' });
  });

  it("L25 [ST2] leaves the caller's COMMIT to the caller", async () => {
    const client = await aClient();
    const { db } = ownExecutor(async (sql, values) => (await client.query<object>(sql, values)).rows);
    const engine = engineOn(db, 'postgres');
    await client.query('begin');
    await client.query('insert into orders values (2)');
    await expect(engine.requestAccess(ASK)).rejects.toMatchObject(REFUSED);
    expect(await postgres.sql('select * from orders')).toEqual([]);
    await client.query('commit');
    expect(await postgres.sql('select * from orders')).toEqual([{ id: 2 }]);
    await postgres.sql('delete from orders');
  });
});

describe('a commit through resilientPool() on a client inside a transaction of the caller', () => {
  it.each([
    { status: 'known to the driver', isKnown: true },
    { status: 'asked of the server', isKnown: false },
  ])('L25 [ST2] is refused by name, with the status $status', async ({ isKnown }) => {
    const client = await aClient();
    const texts: string[] = [];
    const query = client.query.bind(client) as (text: unknown, values?: unknown[]) => Promise<pg.QueryResult>;
    const only = {
      on: () => undefined,
      release: () => undefined,
      query: (text: string | { readonly text: string }, values?: unknown[]) => (
        texts.push(typeof text === 'string' ? text : text.text),
        query(text, values)
      ),
      ...(isKnown && { getTransactionStatus: () => client.getTransactionStatus() }),
    };
    const pool = { connect: async () => only, on: () => undefined, end: async () => undefined, query: only.query };
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: resilientPool(pool) }) });
    const engine = engineOn(db, 'postgres');
    expect(await engine.isAllowed(ASK.subject, ASK.scope)).toBe(false);
    await client.query('begin');
    await client.query('insert into orders values (4)');
    texts.length = 0;
    await expect(engine.requestAccess(ASK)).rejects.toMatchObject(REFUSED);
    const asked = texts.filter((sql) => sql.includes('statement_timestamp'));
    expect(asked.length === 0).toBe(isKnown);
    await client.query('rollback');
    expect(await postgres.sql('select * from orders')).toEqual([]);
    expect(await engine.requestAccess(ASK)).toMatchObject({ outcome: 'granted' });
  });
});

describe('a commit on a SQLite connection inside a transaction of the caller', () => {
  const executors: Readonly<Record<string, (handle: ReturnType<SqliteFile['handle']>) => SqlDatabase>> = {
    'an own executor': (handle) =>
      ownExecutor((sql, values) => {
        const statement = handle.prepare(sql) as unknown as {
          reader: boolean;
          all(values: unknown[]): unknown[];
          run(values: unknown[]): unknown;
        };
        return statement.reader ? statement.all(values) : (statement.run(values), []);
      }).db,
    Kysely: (handle) => file.kysely(handle),
  };

  describe.each(Object.entries(executors))('through %s', (_, executor) => {
    it.each([
      { after: 'a BEGIN alone', begin: 'begin', statements: [], isBusy: false },
      { after: 'a read', begin: 'begin', statements: ['select * from orders'], isBusy: false },
      { after: 'a read, while another process writes', begin: 'begin', statements: ['select * from orders'], isBusy: true },
      { after: 'a write', begin: 'begin immediate', statements: ['insert into orders values (1)'], isBusy: false },
    ])('L25 [ST2] is refused by name and does not end it, after $after', async ({ begin, statements, isBusy }) => {
      const [handle, other] = [file.handle(), file.handle()];
      handle.exec('pragma busy_timeout = 1234');
      const engine = engineOn(executor(handle), 'sqlite');
      expect(await engine.isAllowed(ASK.subject, ASK.scope)).toBe(false);
      handle.exec(begin);
      for (const sql of statements) handle.exec(sql);
      if (isBusy) other.exec('begin immediate');
      await expect(engine.requestAccess(ASK)).rejects.toMatchObject(REFUSED);
      expect(handle.inTransaction).toBe(true);
      // The refusal has taken no lock either: another process writes.
      if (!isBusy && begin === 'begin') other.exec('begin immediate');
      if (other.inTransaction) other.exec('rollback');
      handle.exec('rollback');
      expect(other.prepare('select * from orders').all([])).toEqual([]);
      expect(handle.prepare('pragma busy_timeout').all([])).toMatchObject([{ timeout: 1234 }]);
      expect(await engine.requestAccess(ASK)).toMatchObject({ outcome: 'granted' });
    });
  });
});

describe("a call inside the caller's db.transaction()", () => {
  const BOTH = /pool may be too small.*inside a transaction of the caller/s;

  const inside = async (db: Kysely<unknown>, dialect: 'postgres' | 'sqlite', timeoutMs: number) =>
    db.transaction().execute(async (trx) => {
      await trx.executeQuery(CompiledQuery.raw('insert into orders values (3)'));
      return engineOn(db, dialect, timeoutMs).requestAccess(ASK);
    });

  it.each([
    { what: 'the time limit of the store', options: { max: 1 } },
    { what: 'the time limit of the pool', options: { max: 1, connectionTimeoutMillis: 50 } },
  ])('[ST2] names both causes of the wait for a connection, by $what', async ({ options }) => {
    const pool = postgres.pool(options);
    // Its limit is for the wait, not for the connection.
    await eventually(() => pool.query('select 1'));
    const db = kyselyOn(pool);
    await expect(inside(db, 'postgres', 100)).rejects.toMatchObject({
      code: 'ERR_JIT_STORE',
      message: expect.stringMatching(BOTH) as string,
    });
    expect(await postgres.sql('select * from orders')).toEqual([]);
  });

  it('[ST2] names both causes on SQLite', async () => {
    await expect(inside(file.kysely(), 'sqlite', 20)).rejects.toMatchObject({
      code: 'ERR_JIT_STORE',
      message: expect.stringMatching(BOTH) as string,
    });
  });

  it('[ST2] keeps the process alive until it has failed, where nothing else does', async () => {
    const folder = fileURLToPath(new URL('.', import.meta.url));
    const root = fileURLToPath(new URL('../../../', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `${folder}inside-sqlite.ts`, file.path], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: 'test/tsconfig.json' },
    });
    expect(stdout).toMatch(BOTH);
  });
});
