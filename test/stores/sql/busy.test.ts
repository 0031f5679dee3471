import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import { migrate, sqlGrantStore, resilientHandle, resilientPool } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';
import { outcomesOf } from '../../commit-answers.js';

/** Long enough for any machine; a test whose limit must expire sets its own. */
const PATIENT = 30_000;

const changeOf = (store: GrantStore, id: string, row = id) =>
  aChange({ id, put: [aRow({ id: row })], append: [anEntry({ namespace: store.namespace, id: `${id}.1` })] });

const idsIn = async (store: GrantStore): Promise<readonly string[]> =>
  (await store.journal({ after: 0, limit: 1_000 })).entries.map(({ id }) => id);

describe('commits on PostgreSQL that the server rolls back', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await Postgres.migrated();
    // Fails the given number of times, with the given code; a rollback does not reset the sequence.
    await postgres.sql(`create sequence tries`);
    await postgres.sql(`create table trouble (code text, times bigint)`);
    await postgres.sql(`insert into trouble values ('', 0)`);
    await postgres.sql(`create function cause_trouble() returns trigger language plpgsql as $$
      declare wanted record;
      begin
        select * into wanted from trouble;
        if wanted.code <> '' and nextval('tries') <= wanted.times then
          raise exception 'as it was told' using errcode = wanted.code;
        end if;
        return new;
      end $$`);
    await postgres.sql(
      `create trigger at_once before insert on jit_journal for each row when (new.id like 'at-once%') execute function cause_trouble()`,
    );
    await postgres.sql(
      `create constraint trigger at_commit after insert on jit_journal deferrable initially deferred for each row when (new.id like 'at-commit%') execute function cause_trouble()`,
    );
  });
  afterAll(() => postgres.stop());

  /** @returns how often the server has failed since */
  const fail = async (code: string, times: number) => {
    await postgres.sql(`select setval('tries', 1, false)`);
    await postgres.sql(`update trouble set code = '${code}', times = ${times}`);
    return async () =>
      Number((await postgres.sql<{ n: string }>(`select case when is_called then last_value else 0 end as n from tries`))[0]?.n);
  };
  const open = (timeoutMs = PATIENT, namespace: string = randomUUID()) =>
    sqlGrantStore({ db: kyselyOn(postgres.pool({ max: 2 })), dialect: 'postgres', namespace, timeoutMs });

  const codes = ['40P01', '40001', '55P03'];
  describe.each(codes)('with %s', (code) => {
    it.each(['at-once', 'at-commit'])('are repeated, and committed once: %s', async (when) => {
      const store = open();
      const tries = await fail(code, 3);
      expect(await store.commit(changeOf(store, when))).toMatchObject({ outcome: 'committed' });
      expect(await tries()).toBe(4);
      expect(await idsIn(store)).toEqual([`${when}.1`]);
    });
  });

  it.each([
    ['at-once', /^ERR_JIT_STORE$/],
    // The limit may also expire while COMMIT is in flight: then the outcome is unknown.
    ['at-commit', /^ERR_JIT_(STORE|OUTCOME_UNKNOWN)$/],
  ])('reject within a bound, and never as a conflict: %s', async (when, code) => {
    const near = open();
    const store = open(50, near.namespace);
    for (const trouble of ['40P01', '40001']) {
      const tries = await fail(trouble, 1_000_000);
      // On a machine that stalls, the limit may expire before the server was called: then the test repeats it.
      do await expect(store.commit(changeOf(store, when))).rejects.toMatchObject({ code: expect.stringMatching(code) as string });
      while ((await tries()) === 0);
      expect(await idsIn(near)).toEqual([]);
    }
    await fail('', 0);
  });

  it('do not affect the other changes of the transaction', async () => {
    const store = open();
    await store.commit(changeOf(store, 'first'));
    const tries = await fail('40P01', 2);
    const ids = ['a', 'b', 'at-once', 'c', 'd'];
    const outcomes = await Promise.all([
      ...ids.map((id) => store.commit(changeOf(store, id))),
      store.commit(changeOf(store, 'e', 'first')),
    ]);
    expect(outcomesOf(outcomes)).toEqual([...ids.map(() => 'committed'), 'conflict']);
    expect(await tries()).toBeGreaterThan(2);
    expect(await idsIn(store)).toEqual(['first.1', ...ids.map((id) => `${id}.1`)]);
  });

  it('are repeated after a deadlock with another program', async () => {
    const namespace = randomUUID();
    const seen: string[] = [];
    // The store detects the deadlock first, so the server rolls back the store's transaction.
    const pool = postgres.pool({ max: 1, application_name: namespace.slice(0, 8), options: '-c deadlock_timeout=300ms' });
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: resilientPool(pool, { timeout: PATIENT }) }),
      log: (event) => void (event.level === 'error' && seen.push(String((event.error as { code?: unknown }).code))),
    });
    const store = sqlGrantStore({ db, dialect: 'postgres', namespace, timeoutMs: PATIENT });
    await store.commit(changeOf(store, 'first', 'x'));
    const other = await postgres.heardPool({ options: '-c deadlock_timeout=1h' }).connect();
    for (let round = 1; !seen.includes('40P01'); round++) {
      await other.query('begin');
      await other.query(`select 1 from jit_rows where namespace = $1 and id = 'x' for update`, [namespace]);
      const put = aRow({ id: 'x', version: round + 1 });
      const committed = store.commit(aChange({ id: `c${round}`, put: [put], append: [anEntry({ namespace, id: `c${round}.1` })] }));
      // The store holds the head, and waits for the row. A machine that stalls here produces no deadlock: then the test repeats it.
      while (
        (
          await postgres.sql(
            `select 1 from pg_stat_activity where application_name = '${namespace.slice(0, 8)}' and wait_event_type = 'Lock'`,
          )
        ).length === 0
      );
      const asked = other.query(`select 1 from jit_heads where namespace = $1 for update`, [namespace]);
      await asked;
      await other.query('rollback');
      expect(await committed).toMatchObject({ outcome: 'committed' });
      expect(await idsIn(store)).toHaveLength(round + 1);
    }
    other.release();
  });
});

describe('commits on SQLite that are refused as busy', () => {
  let file: SqliteFile;
  beforeAll(async () => {
    file = await SqliteFile.migrated();
  });
  afterAll(() => file.remove());

  /** A store on a handle that is busy at these statements, this many times in all. */
  const busyAt = (what: RegExp, times: number, timeoutMs = PATIENT) => {
    const handle = file.handle();
    const told: string[] = [];
    const steady = resilientHandle(handle);
    const database: typeof steady = {
      close: () => steady.close(),
      prepare(sql) {
        const statement = steady.prepare(sql);
        const trouble = () => {
          if (!what.test(sql) || told.length >= times) return;
          told.push(sql);
          throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
        };
        return {
          reader: statement.reader,
          all: (values) => (trouble(), statement.all(values)),
          run: (values) => (trouble(), statement.run(values)),
          iterate: (values) => statement.iterate(values),
        };
      },
    };
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
    const namespace = randomUUID();
    const near = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace, timeoutMs: PATIENT });
    return { store: sqlGrantStore({ db, dialect: 'sqlite', namespace, timeoutMs }), near, told };
  };

  it.each([
    ['to begin', /^begin immediate/],
    ['in the middle', /into jit_journal/],
    ['to COMMIT', /^commit/],
  ])('%s are repeated, and committed once', async (_, what) => {
    const { store, told } = busyAt(what, 3);
    expect(await store.commit(changeOf(store, 'c'))).toMatchObject({ outcome: 'committed' });
    expect(told).toHaveLength(3);
    expect(await idsIn(store)).toEqual(['c.1']);
  });

  it.each([
    [/^begin immediate/, /^ERR_JIT_STORE$/],
    [/into jit_journal/, /^ERR_JIT_STORE$/],
    // On a machine that stalls, the limit may expire while COMMIT runs: then its outcome is unknown.
    [/^commit/, /^ERR_JIT_(STORE|OUTCOME_UNKNOWN)$/],
  ])('for ever (%s) reject within a bound, and never as a conflict', async (what, code) => {
    const { store, near, told } = busyAt(what, Infinity, 40);
    // On a machine that stalls, the limit may expire before the database was called: then the test repeats it.
    do await expect(store.commit(changeOf(store, 'c'))).rejects.toMatchObject({ code: expect.stringMatching(code) as string });
    while (told.length === 0);
    expect(await idsIn(near)).toEqual([]);
  });

  it('wait for a reader that blocks COMMIT, in a journal mode other than WAL', async () => {
    const own = new SqliteFile();
    const writer = own.handle();
    writer.exec('pragma journal_mode = delete');
    const db = own.kysely(writer);
    await migrate({ db, dialect: 'sqlite' });
    const seen: string[] = [];
    const logged = new Kysely<unknown>({
      dialect: new SqliteDialect({ database: resilientHandle(writer) }),
      log: (event) => void (event.level === 'error' && seen.push(`${event.query.sql} ${String((event.error as { code?: unknown }).code)}`)),
    });
    const store = sqlGrantStore({ db: logged, dialect: 'sqlite', namespace: 'payments', timeoutMs: PATIENT });
    await store.commit(changeOf(store, 'first'));
    const reader = own.handle();
    reader.exec('pragma journal_mode = delete');
    reader.exec('begin');
    reader.prepare('select count(*) from jit_rows').all([]);
    const committed = store.commit(changeOf(store, 'c'));
    while (!seen.includes('commit SQLITE_BUSY')) await new Promise((resolve) => setImmediate(resolve));
    reader.exec('commit');
    expect(await committed).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(store)).toEqual(['first.1', 'c.1']);
    own.remove();
  });
});
