import { randomUUID } from 'node:crypto';
import { JitEngine, reviewers } from 'jit-access';
import { migrate, resilientPostgresJs, sqlGrantStore, type HookChange } from 'jit-access/sql';
import { aChange, anEntry, aRow, ManualClock } from 'jit-access/testing';
import { CompiledQuery, Kysely, sql } from 'kysely';
import { PostgresJSDialect } from 'kysely-postgres-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDialect } from '../../../src/stores/sql/options.js';
import type { Statement } from '../../../src/stores/sql/statement.js';
import { statementsOf, type Statements } from '../../../src/stores/sql/statements.js';
import { kyselyOn, Postgres, postgresJsOn } from './postgres.js';

let server: Postgres;
beforeAll(async () => {
  server = await Postgres.migrated({ own: true });
  await server.sql(`create function end_connection() returns trigger language plpgsql as $$
    begin
      perform pg_terminate_backend(pg_backend_pid());
      return new;
    end $$`);
});
afterAll(() => server.stop());

const instance = (max = 2) => postgresJsOn(server.pool({ max }));
const kysely = () => new Kysely<unknown>({ dialect: new PostgresJSDialect({ postgres: resilientPostgresJs(instance()) }) });
const change = (namespace: string, id: string) => aChange({ id, put: [aRow({ id })], append: [anEntry({ namespace, id: `${id}.1` })] });

describe('the parameters of the statements on PostgreSQL', () => {
  const written = { namespace: 'n', remove: ['["k","i"]'], put: [[]], append: [[]], trimTo: 1, head: [] };
  const [yes, no] = [true, false];
  /** The statements that each function makes. */
  const made: Readonly<Record<string, (statements: Statements) => readonly Statement[]>> = {
    find: ({ find }) =>
      (['oldest', 'newest', 'due'] as const).flatMap((order) =>
        [yes, no, undefined].flatMap((open) =>
          [0, 1, 2, 3, 4, 5, 6, 7].map((of) => find({ order, open, subject: (of & 1) > 0, scope: (of & 2) > 0, during: (of & 4) > 0 })),
        ),
      ),
    write: ({ write }) => write([written]).map(([one]) => one),
    writeGuessed: ({ writeGuessed }) => (writeGuessed === undefined ? [] : [writeGuessed('[]', [{ ...written, trimTo: 0 }])[0]]),
    // They have none, and cannot be prepared.
    begin: () => [],
  };
  const SIMPLE = new Set(['begin', 'commit', 'rollback', 'listen', 'close', 'probe']);

  it.each([no, yes])(
    '[A21] are read by the server as texts and whole numbers, which each driver sends alike (portable: %s)',
    async (portable) => {
      const statements = statementsOf(readDialect({ dialect: 'postgres', portable }));
      const all: Statement[] = [];
      const { dialect: _dialect, listening, ...named } = statements;
      for (const [name, one] of Object.entries({ ...named, ...listening })) {
        if (typeof one === 'function') {
          expect(Object.keys(made)).toContain(name);
          all.push(...(made[name]?.(statements) ?? []));
        } else if (typeof one === 'object' && !SIMPLE.has(name)) all.push(one);
      }
      const place = await server.empty();
      const pool = place.pool({ max: 1 });
      await migrate({ db: kyselyOn(pool), dialect: 'postgres', portable });
      const found = new Set<string>();
      for (const { text } of all) {
        await pool.query(`prepare one as ${text}`);
        const { rows } = await pool.query<{ type: string }>('select unnest(parameter_types)::text as type from pg_prepared_statements');
        for (const { type } of rows) found.add(/^(text|bigint)$/.test(type) ? type : `${type} in ${text}`);
        await pool.query('deallocate all');
      }
      await place.stop();
      expect([...found].sort()).toEqual(['bigint', 'text']);
      expect(all.length).toBeGreaterThan(80);
    },
  );
});

describe('a store over postgres.js', () => {
  it('[A21] asks, approves, checks and revokes, and calls the hook in the transaction of each', async () => {
    const clock = new ManualClock();
    const seen: HookChange[] = [];
    const store = sqlGrantStore({
      db: kysely(),
      dialect: 'postgres',
      namespace: randomUUID(),
      onCommit: async (one, { query }) => {
        expect(await query('select $1::int as n, pg_current_xact_id_if_assigned() is not null as inside', [1])).toEqual([
          { n: 1, inside: true },
        ]);
        seen.push(one);
      },
    });
    const engine = new JitEngine({ store, clock, approver: reviewers({ members: ['user:sam'] }) });
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'a', ttl: '1h' });
    await engine.approve(request.id, { by: 'user:sam' });
    expect(await engine.isAllowed('user:maya', 'a')).toBe(true);
    await engine.revoke(`${request.id}.1`, { by: 'user:sam' });
    expect(await engine.isAllowed('user:maya', 'a')).toBe(false);
    const { entries } = await store.journal({ after: 0, limit: 10 });
    expect(seen.flatMap((one) => one.entries)).toEqual(entries);
    expect(await store.heads?.([store.namespace])).toMatchObject([{ seq: entries.length }]);
  });

  it('[A21] applies nothing where a connection is lost in a statement, and commits with the next one', async () => {
    const namespace = randomUUID();
    const store = sqlGrantStore({ db: kysely(), dialect: 'postgres', namespace });
    await store.commit(change(namespace, 'a'));
    await server.sql('create trigger trouble before insert on jit_journal for each row execute function end_connection()');
    await expect(store.commit(change(namespace, 'b'))).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    await server.sql('drop trigger trouble on jit_journal');
    // postgres.js shows the error of the lost connection once more, to the first call that would open it again.
    const committed = async () => (await store.commit(change(namespace, 'c')).catch(() => undefined))?.outcome === 'committed';
    expect((await committed()) || (await committed())).toBe(true);
    expect((await store.journal({ after: 0, limit: 10 })).entries.map(({ id }) => id)).toEqual(['a.1', 'c.1']);
  });
});

describe('resilientPostgresJs()', () => {
  it('sends nothing on a connection that was lost and replaced between two statements', async () => {
    const one = instance(1);
    const connection = await resilientPostgresJs(one).reserve();
    const [mine] = await connection.unsafe('select pg_backend_pid() as pid');
    await server.sql(`select pg_terminate_backend(${String(mine?.['pid'])})`);
    // postgres.js has taken the connection back, and opens another for it.
    const [next] = await one.unsafe('select pg_backend_pid() as pid');
    expect(next?.['pid']).not.toBe(mine?.['pid']);
    await expect(connection.unsafe('rollback')).rejects.toThrow('the connection to the server was lost');
    connection.release();
    expect(await one.unsafe('select 1 as one')).toMatchObject([{ one: 1 }]);
  });

  it('shows a COMMIT that the server has answered with ROLLBACK', async () => {
    const db = kysely();
    const broken = db.transaction().execute(async (trx) => {
      await sql`select 1 / 0`.execute(trx).catch(() => undefined);
    });
    await expect(broken).rejects.toThrow(/rolled back|aborted/i);
    const whole = db.transaction().execute(async (trx) => (await sql`select 1 as one`.execute(trx)).rows);
    expect(await whole).toEqual([{ one: 1 }]);
  });

  it('L38 returns a connection to the pool after a value that postgres.js cannot send', async () => {
    const db = new Kysely<unknown>({ dialect: new PostgresJSDialect({ postgres: resilientPostgresJs(instance(1)) }) });
    const send = (value: unknown) => db.executeQuery(CompiledQuery.raw('select $1::text as text', [value]));
    await expect(send(undefined)).rejects.toMatchObject({ code: 'UNDEFINED_VALUE' });
    await expect(send(new Date(NaN))).rejects.toThrow('Invalid time value');
    expect((await send('fine')).rows).toEqual([{ text: 'fine' }]);
    await expect(db.transaction().execute((trx) => trx.executeQuery(CompiledQuery.raw('select $1::text', [undefined])))).rejects.toThrow();
    expect((await send('fine')).rows).toEqual([{ text: 'fine' }]);
    await db.destroy();
  });

  it('leaves streams, the count of rows and the errors of the server as they are', async () => {
    const db = kysely();
    const rows: unknown[] = [];
    await db.connection().execute(async (connection) => {
      const query = CompiledQuery.raw('select n from generate_series(1, 5) as n');
      for await (const row of connection.getExecutor().stream(query, 2)) rows.push(...row.rows);
    });
    expect(rows).toEqual([1, 2, 3, 4, 5].map((n) => ({ n })));
    await sql`create table counted (n int)`.execute(db);
    expect(await sql`insert into counted values (1), (2)`.execute(db)).toMatchObject({ numAffectedRows: 2n });
    await expect(sql`select * from missing`.execute(db)).rejects.toMatchObject({ code: '42P01' });
    expect((await sql`select count(*)::int as n from counted`.execute(db)).rows).toEqual([{ n: 2 }]);
  });

  it.each([undefined, null, {}, 'postgres://'])('refuses %j', (given) => {
    expect(() => resilientPostgresJs(given as never)).toThrow(/^sql must be an instance of postgres.js/);
  });
});

describe('an error on a connection of postgres.js', () => {
  it.each([
    ['of the server, with a code of letters', { severity: 'ERROR', code: 'EPERM' }, 1],
    ['of the server, with a code like one of postgres.js', { severity: 'ERROR', code: 'CONNECT', errno: 1 }, 1],
    ['of the server, which ends it', { severity: 'FATAL', code: '57P01' }, 0],
    ['of its socket', { code: 'EPIPE' }, 0],
  ])('[A21] releases the connection only if it is open: %s', async (_, fields, times) => {
    let released = 0;
    const unsafe = (_: string) => Promise.reject(Object.assign(new Error('no'), fields));
    const connection = await resilientPostgresJs({ reserve: () => Promise.resolve({ unsafe, release: () => void released++ }) }).reserve();
    await expect(connection.unsafe('x')).rejects.toThrow('no');
    connection.release();
    expect(released).toBe(times);
  });

  it('[A21] refuses the answer of another process, which has no part of the transaction', async () => {
    const state = { pid: 1 };
    const sent: string[] = [];
    const unsafe = (text: string) => {
      sent.push(text);
      if (sent.length === 2) state.pid = 2;
      return Promise.resolve(Object.assign([], { command: text, state }));
    };
    const connection = await resilientPostgresJs({
      reserve: () => Promise.resolve({ unsafe, release: () => sent.push('released') }),
    }).reserve();
    await expect(connection.unsafe('begin')).resolves.toHaveLength(0);
    await expect(connection.unsafe('insert')).rejects.toThrow('the connection to the server was lost');
    await expect(connection.unsafe('commit')).rejects.toThrow('the connection to the server was lost');
    connection.release();
    expect(sent).toEqual(['begin', 'insert']);
  });
});
