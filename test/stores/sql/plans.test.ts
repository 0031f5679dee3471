import { sqlGrantStore } from 'jit-access/sql';
import type { SqlDatabase, SqlDialect } from 'jit-access/sql';
import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDialect } from '../../../src/stores/sql/options.js';
import { statementsOf } from '../../../src/stores/sql/statements.js';
import type { Statement } from '../../../src/stores/sql/statement.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

/** A million where JIT_TEST_ROWS says so: it takes a minute. */
const ROWS = Number(process.env['JIT_TEST_ROWS'] ?? 100_000);

let postgres: Postgres;
let file: SqliteFile;
beforeAll(async () => {
  [postgres, file] = await Promise.all([Postgres.migrated(), SqliteFile.migrated()]);
});
afterAll(async () => {
  file.remove();
  await postgres.stop();
});

const COLUMNS = '(namespace, kind, id, version, subject, scope, open, created_at, from_at, until_at, due_at, sort_at, body)';

/** Nine of ten have ended; each subject has ten grants, one of them open. */
const fill: Readonly<Record<SqlDialect, readonly string[]>> = {
  postgres: [
    `insert into jit_rows ${COLUMNS}
     select 'payments', 'grant', 'r' || n || '.1', 1, 'user:' || (n / 10), 'db:' || (n % 7), n % 10 = 0, n, n, n + 1000000,
       case when n % 10 = 0 then n + 1000000 end, case when n % 10 = 0 then n + 1000000 end, '{}' from generate_series(1, ${ROWS}) as n`,
    'analyze jit_rows',
  ],
  sqlite: [
    `insert into jit_rows ${COLUMNS}
     with recursive s(n) as (select 1 union all select n + 1 from s where n < ${ROWS})
     select 'payments', 'grant', 'r' || n || '.1', 1, 'user:' || (n / 10), 'db:' || (n % 7), n % 10 = 0, n, n, n + 1000000,
       case when n % 10 = 0 then n + 1000000 end, case when n % 10 = 0 then n + 1000000 end, '{}' from s`,
  ],
};

describe.each(['postgres', 'sqlite'] as const)(`queries on %s among ${ROWS} rows`, (dialect) => {
  const statements = statementsOf(readDialect({ dialect }));
  let db: SqlDatabase;
  beforeAll(async () => {
    db = dialect === 'postgres' ? kyselyOn(postgres.pool(), 600_000) : file.kysely();
    for (const sql of fill[dialect]) await db.executeQuery(CompiledQuery.raw(sql));
  }, 600_000);

  const planOf = async ({ text, order }: Statement, values: readonly unknown[]): Promise<string> => {
    const explain = dialect === 'postgres' ? 'explain (costs off)' : 'explain query plan';
    const given = order === undefined ? [...values] : order.map((i) => values[i]);
    const { rows } = await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(`${explain} ${text}`, given));
    return rows.map((row) => String(row['QUERY PLAN'] ?? row['detail'])).join('\n');
  };
  // jit_schema holds one row: its version is part of every answer.
  const scans = dialect === 'postgres' ? /Seq Scan on (?!jit_schema)|Sort/ : /SCAN (r|jit_rows|jit_journal)\b|USE TEMP B-TREE/;

  const find = (asked: Partial<Parameters<typeof statements.find>[0]>) =>
    statements.find({ subject: false, scope: false, open: undefined, during: false, order: 'oldest', ...asked });
  /** Open and closed rows are two ranges of an index, of at most a page each, which are sorted together; the names of a page too. */
  const MERGED = /^(all of a kind|those of a subject|the namespaces in which something is due)$/;

  const contextOf = (subject: readonly (string | null)[]) => {
    const keys = '[["grant","r5.1",null,null],["subject",null,"grant","r5.1"]]';
    return ['payments', keys, ...subject, 5, 'grant', ...subject, 101];
  };

  const cases: Readonly<Record<string, readonly [Statement, readonly unknown[], RegExp]>> = {
    'a check on a scope': [statements.liveOn, ['payments', 'user:17', 5, 'db:2'], /jit_rows_live/],
    'a check over all scopes': [statements.live, ['payments', 'user:17', 5], /jit_rows_live/],
    'what is due': [statements.due, ['payments', -1, '', '', 1_000_100, 101], /jit_rows_due/],
    'a further page of what is due': [statements.due, ['payments', 1_000_050, 'grant', 'r50.1', 1_000_100, 101], /jit_rows_due/],
    'records by key': [statements.get, ['payments', '[["grant","r5.1"],["grant","r7.1"]]'], /jit_rows_pkey|sqlite_autoindex_jit_rows_1/],
    'all of a kind': [find({}), ['payments', 'grant', 5, 'r5', 101], /jit_rows_kind/],
    'the open ones of a kind': [find({ open: true }), ['payments', 'grant', 5, 'r5', 101], /jit_rows_kind/],
    'those of a subject': [find({ subject: true }), ['payments', 'grant', -1, '', 101, 'user:17'], /jit_rows_subject/],
    'the newest of a kind': [find({ order: 'newest', open: false }), ['payments', 'grant', 50_000, 'r5', 101], /jit_rows_kind/],
    'what is due for people': [find({ order: 'due', open: true }), ['payments', 'grant', 5, 'r5', 101], /jit_rows_sort/],
    'the open ones on a scope': [find({ scope: true, open: true }), ['payments', 'grant', 5, 'r5', 101, 'db:2'], /jit_rows_scope/],
    'the newest open ones of a subject': [
      find({ subject: true, order: 'newest', open: true }),
      ['payments', 'grant', 50_000, 'r5', 101, 'user:17'],
      /jit_rows_subject/,
    ],
    'the oldest closed ones of a subject': [
      find({ subject: true, open: false }),
      ['payments', 'grant', 5, 'r5', 101, 'user:17'],
      /jit_rows_subject/,
    ],
    'the newest on a scope': [
      find({ scope: true, order: 'newest', open: false }),
      ['payments', 'grant', 50_000, 'r5', 101, 'db:2'],
      /jit_rows_scope/,
    ],
    'what a verb reads about a subject': [statements.context, contextOf(['user:17', null, null]), /jit_rows_subject/],
    'what a verb reads about the subject of a row': [statements.context, contextOf([null, 'grant', 'r5.1']), /jit_rows_live/],
    'the heads of namespaces': [statements.heads, ['["payments","other"]'], /jit_heads_pkey|sqlite_autoindex_jit_heads_1/],
    'the namespaces in which something is due': [statements.dueNamespaces, ['', 1_000_100, 101], /jit_rows_due/],
    'a page of the journal': [statements.journal, ['payments', 5, 100], /jit_journal_pkey|sqlite_autoindex_jit_journal_1/],
  };

  it.each(Object.entries(cases))('use only an index for %s', async (what, [statement, values, index]) => {
    const plan = await planOf(statement, values);
    expect(plan).toMatch(index);
    if (!/journal/.test(statement.name)) expect(plan).not.toMatch(MERGED.test(what) ? /Seq Scan on (?!jit_schema)|SCAN jit_rows\b/ : scans);
  });

  // On PostgreSQL, young-database.test.ts counts the blocks that they read.
  it.runIf(dialect === 'sqlite')('look up each row and each entry of a commit by its whole key (L42)', async () => {
    const hash = 'a'.repeat(64);
    const asked = '[["grant","r5.1",1],["request","r7"]]';
    const written = statements.write([
      {
        namespace: 'payments',
        remove: ['["grant","r5.1"]'],
        put: [['grant', 'r7.1', 2, 'user:0', 'db:0', 1, 7, 7, 1_000_007, null, null, '{}']],
        append: [[1, 'a change', 1, 'e', 'grant.issued', 5, 'user:a', null, null, '{}', hash, hash, hash]],
        trimTo: 10,
        head: [1, hash, 0, hash],
      },
    ]);
    const plans = await Promise.all([
      planOf(statements.hold, [`[["payments",${asked},["a change"],[5]],["other",${asked},["a change"],[5]]]`]),
      planOf(statements.hashAt, ['payments', 5]),
      ...written.map(([statement, values]) => planOf(statement, values)),
    ]);
    const readTable = /^(SCAN|SEARCH) (?!jit_schema|json_each|[jkn]\b)(\w+)(?: USING.*? (\(.*))?/;
    const reads = plans
      .join('\n')
      .split('\n')
      .flatMap((step) => readTable.exec(step)?.slice(1).join(' ') ?? []);
    expect([...new Set(reads)].sort()).toEqual([
      'SEARCH e (namespace=? AND change_id=?)',
      'SEARCH e (namespace=? AND seq=?)',
      'SEARCH h (namespace=?)',
      'SEARCH jit_heads (namespace=?)',
      'SEARCH jit_journal (namespace=? AND seq<?)',
      'SEARCH jit_journal (namespace=? AND seq=?)',
      'SEARCH jit_rows (rowid=?)',
      'SEARCH r (namespace=? AND kind=? AND id=?)',
    ]);
  });

  it('return only the requested row in a check', async () => {
    const store = sqlGrantStore({ db, dialect, namespace: 'payments' });
    const rows = await store.live({ subject: 'user:17', at: 5 });
    expect(rows.map(({ id }) => id)).toEqual(['r170.1']);
  });
});
