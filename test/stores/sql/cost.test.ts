import { autoApprove, JitEngine } from 'jit-access';
import { sqlGrantStore, resilientPool } from 'jit-access/sql';
import type { SqlDatabase } from 'jit-access/sql';
import { ManualClock } from 'jit-access/testing';
import { Kysely, PostgresDialect } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { postgres as dialect } from '../../../src/stores/sql/dialect/postgres.js';
import { statementsOf } from '../../../src/stores/sql/statements.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await Postgres.migrated();
});
afterAll(() => postgres.stop());
beforeEach(() => postgres.sql('truncate jit_rows, jit_journal, jit_heads'));

const engineOn = (store: ReturnType<typeof sqlGrantStore>) =>
  new JitEngine({ store, approver: autoApprove(() => true), clock: new ManualClock() });
const asked = { subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' } as const;

/** The instance, and the statements that it runs outside transactions. */
function listening(db: SqlDatabase): { readonly db: SqlDatabase; readonly texts: string[] } {
  const texts: string[] = [];
  const heard: SqlDatabase = {
    withoutPlugins: () => heard,
    executeQuery: (query) => (texts.push(query.sql), db.executeQuery(query)),
    connection: () => db.connection(),
  };
  return { db: heard, texts };
}

describe('a check over a SQL store', () => {
  it.each(['postgres', 'sqlite'] as const)(
    'sends %s one query, and before the first one only a query for the schema version (L34)',
    async (dialect) => {
      const file = dialect === 'sqlite' ? await SqliteFile.migrated() : undefined;
      const db = file?.kysely() ?? kyselyOn(postgres.pool());
      await engineOn(sqlGrantStore({ db, dialect, namespace: 'payments' })).requestAccess(asked);

      const { db: heard, texts } = listening(db);
      const engine = engineOn(sqlGrantStore({ db: heard, dialect, namespace: 'payments' }));
      expect(texts).toEqual([]);
      expect(await engine.isAllowed(asked.subject, asked.scope)).toBe(true);
      expect(texts).toEqual([expect.stringContaining('from jit_schema'), expect.stringContaining('from jit_rows')]);
      expect(await engine.isAllowed(asked.subject, asked.scope)).toBe(true);
      expect(texts).toHaveLength(3);
      file?.remove();
    },
  );

  it('sends one query to the pool that is given as read (L34)', async () => {
    const pool = postgres.pool();
    const query = vi.spyOn(pool, 'query');
    const engine = engineOn(sqlGrantStore({ db: kyselyOn(postgres.pool()), dialect: 'postgres', namespace: 'payments', read: pool }));
    await engine.requestAccess(asked);
    query.mockClear();
    expect(await engine.isAllowed(asked.subject, asked.scope)).toBe(true);
    expect(query).toHaveBeenCalledTimes(1);
  });
});

describe('resilientPool()', () => {
  /** The statements that are prepared on the only connection, after a commit and a check through Kysely only. */
  async function preparedBy(options?: { readonly prepare?: boolean }): Promise<readonly string[]> {
    const pool = postgres.pool({ max: 1 });
    const db = new Kysely<Record<'jit_rows', { id: string }>>({ dialect: new PostgresDialect({ pool: resilientPool(pool, options) }) });
    const engine = engineOn(sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments' }));
    await engine.requestAccess(asked);
    expect(await engine.isAllowed(asked.subject, asked.scope)).toBe(true);
    await db.selectFrom('jit_rows').select('id').where('id', '=', 'mine').execute();
    const { rows } = await pool.query<{ name: string }>('select name from pg_prepared_statements');
    return rows.map(({ name }) => name);
  }

  it("prepares only the store's statements, once for each connection", async () => {
    const names = await preparedBy();
    const named = names.map((name) => /^jit_access_(\w+)_[0-9a-f]{8}$/.exec(name)?.[1]);
    expect(named).toEqual(expect.arrayContaining(['live_on', 'context', 'put_append_head']));
    expect(named).not.toContain(undefined);
  });

  it('gives statements with other texts other names, as two versions of the package in one pool have them', () => {
    const [one, same, other] = ['select 1', 'select 1', 'select 2'].map((text) => dialect.statement('hold', text).name);
    expect(one).toBe(same);
    expect(one).not.toBe(other);
  });

  it('requires a boolean for prepare', () => {
    expect(() => resilientPool(postgres.pool(), { prepare: 'no' as never })).toThrow(/^prepare must be true or false/);
  });

  it('prepares nothing with prepare: false, as a pooler may require', async () => {
    expect(await preparedBy({ prepare: false })).toEqual([]);
  });
});

describe('generic plans of PostgreSQL', () => {
  it.each([
    ['live_on', 'jit_rows_live', ['payments', 'user:maya', '0', 'db-prod:write']],
    ['live', 'jit_rows_live', ['payments', 'user:maya', '0']],
    ['due', 'jit_rows_due', ['payments', '-1', '', '', '5', '100']],
  ])('use an index for %s', async (name, index, values) => {
    const { live, liveOn, due } = statementsOf(dialect);
    const { text } = { live, live_on: liveOn, due }[name as 'live'];
    await postgres.sql(`insert into jit_rows (namespace, kind, id, version, subject, scope, open, created_at, from_at, until_at, due_at, sort_at, body)
      select 'payments', 'grant', 'r' || n || '.1', 1, 'user:' || (n / 10), 'db:' || (n % 7), true, n, n, n + 1000000, n, n + 1000000, '{}'
      from generate_series(1, 5000) as n`);
    await postgres.sql('analyze jit_rows');
    const pool = postgres.pool({ max: 1 });
    await pool.query('set plan_cache_mode = force_generic_plan');
    await pool.query(`prepare one as ${text}`);
    const literals = values.map((value) => `'${value}'`).join(', ');
    const { rows } = await pool.query<Record<string, string>>(`explain (costs off) execute one(${literals})`);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain(index);
    expect(plan).not.toMatch(/Seq Scan on (?!jit_schema)/);
  });
});
