import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import { sqlGrantStore } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempts, eventually } from '../eventually.js';
import { withstand } from '../withstand.js';
import { kyselyOn, Postgres } from './postgres.js';

/** Long enough for any machine. */
const PATIENT = 30_000;
/** For tests in which the limit must expire. */
const SHORT = 100;

let postgres: Postgres;
beforeAll(async () => {
  // Its roles are recreated, and its triggers would affect every test.
  postgres = await Postgres.migrated({ own: true });
  await postgres.sql(`create function no_room() returns trigger language plpgsql as $$
    begin
      raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
    end $$`);
  // Closes the calling connection while the number is below zero; a rollback does not reset the sequence.
  await postgres.sql(`create sequence times minvalue -1000000`);
  await postgres.sql(`create function end_connection() returns trigger language plpgsql as $$
    begin
      if nextval('times') < 0 then
        perform pg_terminate_backend(pg_backend_pid());
      end if;
      return new;
    end $$`);
});
afterAll(() => postgres.stop());

/** Calls a function for each entry, when the entry is written or when its transaction commits. */
const trigger = (what: string, when: string) =>
  postgres.sql(
    when === 'at COMMIT'
      ? `create constraint trigger trouble after insert on jit_journal deferrable initially deferred for each row execute function ${what}()`
      : `create trigger trouble before insert on jit_journal for each row execute function ${what}()`,
  );
const noTrigger = () => postgres.sql(`drop trigger trouble on jit_journal`);

const storeOn = (pool: pg.Pool, { read = false, timeoutMs = PATIENT, namespace = String(randomUUID()) } = {}) =>
  sqlGrantStore({ db: kyselyOn(pool, 2 * timeoutMs), dialect: 'postgres', namespace, timeoutMs, read: read ? pool : undefined });

/** The same namespace, as another process opens it. */
const nearOf = ({ namespace }: GrantStore) => storeOn(postgres.pool(), { namespace });

/** A pool that has one connection, and keeps it. */
const narrow = (options: pg.PoolConfig = {}) => postgres.pool({ max: 1, idleTimeoutMillis: 0, ...options });

const changeOf = ({ namespace }: GrantStore, id: string) =>
  aChange({ id, put: [aRow({ id })], append: [anEntry({ namespace, id: `${id}.1` })] });

const idsIn = async (store: GrantStore) => (await store.journal({ after: 0, limit: 100 })).entries.map(({ id }) => id);

describe.each([
  ['through Kysely', false],
  ['straight', true],
])('sqlGrantStore on PostgreSQL, which reads %s', (_, read) => {
  it.each([
    ['the pool', { connectionTimeoutMillis: SHORT }, PATIENT, /timeout exceeded when trying to connect/],
    ['the store', {}, SHORT, /no answer within \d+ ms.*no connection is free/],
  ])('denies and writes nothing while all connections are in use, within the limit of %s (L30)', async (_, limit, timeoutMs, says) => {
    const pool = narrow(limit);
    const store = storeOn(pool, { read, timeoutMs });
    let taken: pg.PoolClient | undefined;
    await withstand({
      store,
      near: nearOf(store),
      begin: async () => (taken = await pool.connect()),
      end: () => taken?.release(),
      says,
      reads: 'are refused',
    });
  });

  it('never sends a commit that timed out while it waited for a connection (L30)', async () => {
    const pool = narrow();
    const store = storeOn(pool, { read, timeoutMs: 500 });
    await eventually(() => store.get([aRow()]));
    const taken = await pool.connect();
    await expect(store.commit(changeOf(store, 'late'))).rejects.toMatchObject({ code: 'ERR_JIT_STORE', operation: 'commit' });
    taken.release();
    // Sent over the same connection, and so after any statement that waits for it.
    expect(await eventually(() => store.commit(changeOf(store, 'next')))).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(nearOf(store))).toEqual(['next.1']);
  });

  it('denies and writes nothing where the server closes its connections and accepts no new ones (L30)', async () => {
    const role = `crowded_${read}`;
    await postgres.sql(`create role ${role} login password 'secret-of-the-test'`);
    await postgres.sql(`grant select, insert, update, delete on all tables in schema public to ${role}`);
    const url = new URL(postgres.url);
    url.username = role;
    const store = storeOn(postgres.pool({ connectionString: url.href }), { read });
    await withstand({
      store,
      near: nearOf(store),
      async begin() {
        await postgres.sql(`alter role ${role} connection limit 0`);
        await postgres.sql(`select pg_terminate_backend(pid, 30000) from pg_stat_activity where usename = '${role}'`);
        // The first call may fail on a connection that was closed.
        const told = async () => Promise.resolve(store.live({ subject: 'user:maya', at: 0 })).then(() => '', String);
        while (/57P01|terminated/.test(await told()));
      },
      end: () => postgres.sql(`alter role ${role} connection limit -1`),
      says: /53300.*too many connections|57P01|terminated/,
      reads: 'are refused',
    });
  });

  it('writes nothing where the server becomes read-only (L30)', async () => {
    const pool = narrow();
    const store = storeOn(pool, { read });
    await withstand({
      store,
      near: nearOf(store),
      // As a standby does, to which a host name may point after a failover.
      begin: () => pool.query('set default_transaction_read_only = on'),
      end: () => pool.query('set default_transaction_read_only = off'),
      says: /25006.*read-only/,
      reads: 'go on',
    });
  });

  it('rejects calls in flight on a connection that the server closes, and continues over another one (L30)', async () => {
    const name = randomUUID();
    const store = storeOn(postgres.pool({ application_name: name }), { read });
    const first = changeOf(store, 'first');
    await store.commit(first);
    const waits: readonly (readonly [lock: string, ask: () => unknown])[] = [
      [`select 1 from jit_heads where namespace = '${store.namespace}' for update`, () => store.commit(changeOf(store, 'lost'))],
      [`lock table jit_rows in access exclusive mode`, () => store.live({ subject: 'user:maya', at: 0 })],
      [`lock table jit_journal in access exclusive mode`, () => store.journal({ after: 0, limit: 1 })],
    ];
    for (const [lock, ask] of waits) {
      const holder = await postgres.heardPool().connect();
      try {
        await holder.query('begin');
        await holder.query(lock);
        const told = Promise.resolve(ask()).catch((error: unknown) => error);
        const waiting = `from pg_stat_activity where application_name = '${name}' and wait_event_type = 'Lock'`;
        while ((await postgres.sql(`select pg_terminate_backend(pid, 30000) ${waiting}`)).length === 0);
        expect(await told).toMatchObject({ code: 'ERR_JIT_STORE', message: expect.stringMatching(/57P01|terminated/) as string });
      } finally {
        // The connection is closed, and its locks are released.
        holder.release(true);
      }
    }
    expect(await eventually(async () => store.live({ subject: 'user:maya', at: 0 }))).toEqual(first.put);
    expect(await eventually(() => store.commit(changeOf(store, 'second')))).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(nearOf(store))).toEqual(['first.1', 'second.1']);
  });
});

describe('commits on PostgreSQL that the server cannot complete', () => {
  // The outcome of a failed COMMIT is unknown: the store asks for it until its limit expires.
  const inDoubt = [SHORT, /^ERR_JIT_(STORE|OUTCOME_UNKNOWN)$/] as const;

  it.each([
    ['in the middle', PATIENT, /^ERR_JIT_STORE$/, /53100.*No space left/],
    ['at COMMIT', ...inDoubt, /53100|is unknown|no answer|took too long/],
  ])('write nothing where the disk is full %s, and checks continue (L30)', async (when, timeoutMs, code, says) => {
    const store = storeOn(postgres.pool(), { timeoutMs });
    // No disk is filled: the server raises the error of a table that cannot grow.
    const begin = () => trigger('no_room', when);
    await withstand({ store, near: nearOf(store), begin, end: noTrigger, says, reads: 'go on', code });
  });

  it.each([
    ['in the middle', PATIENT, /^ERR_JIT_STORE$/, /57P01|terminated/],
    ['at COMMIT', ...inDoubt, /57P01|terminated|is unknown|no answer|took too long/],
  ])(
    'write nothing where the server closes each connection %s, and checks continue over others (L30)',
    async (when, timeoutMs, code, says) => {
      const store = storeOn(postgres.pool(), { timeoutMs });
      await postgres.sql(`select setval('times', -1000000)`);
      const begin = () => trigger('end_connection', when);
      await withstand({ store, near: nearOf(store), begin, end: noTrigger, says, reads: 'go on', code });
    },
  );

  it('are recorded once where the server closes the connection at one COMMIT (L31)', async () => {
    const store = storeOn(postgres.pool());
    await store.commit(changeOf(store, 'first'));
    await postgres.sql(`select setval('times', -2)`);
    await trigger('end_connection', 'at COMMIT');
    const ids = ['a', 'b', 'c'];
    const outcomes = await Promise.all(ids.map((id) => attempts(store, changeOf(store, id)))).finally(noTrigger);
    expect(outcomes).toEqual(ids.map(() => ['ERR_JIT_OUTCOME_UNKNOWN', 'committed']));
    // From -1 on: the first row of the transaction closed the connection, and all three came once more.
    expect(await postgres.sql(`select last_value::int as times from times`)).toEqual([{ times: 2 }]);
    expect([...(await idsIn(nearOf(store)))].sort()).toEqual(['a.1', 'b.1', 'c.1', 'first.1']);
  });
});
