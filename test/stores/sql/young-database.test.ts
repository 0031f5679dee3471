import { migrate } from 'jit-access/sql';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgres } from '../../../src/stores/sql/dialect/postgres.js';
import { statementsOf } from '../../../src/stores/sql/statements.js';
import type { Statement } from '../../../src/stores/sql/statement.js';
import type { Written } from '../../../src/stores/sql/writes.js';
import { kyselyOn, Postgres } from './postgres.js';

const ROWS = 50_000;
/** From this cost on, a server with LLVM compiles a statement: the default of `jit_above_cost`. */
const COST_OF_COMPILING = 100_000;
/** The most blocks that a statement may read; the tables have some 4,000, and the smallest of their indexes 100. */
const MOST_BLOCKS = 64;
const HASH = 'a'.repeat(64);
const TABLES = ['jit_rows', 'jit_journal', 'jit_heads'];

const statements = statementsOf(postgres);
const keys = '[["grant","r5.1"],["grant","r49990.1"],["request","r7"]]';
/** The statement that writes a batch. */
function written(parts: Partial<Written>): readonly [Statement, readonly (string | number)[]] {
  const nothing = { namespace: 'n', remove: [], put: [], append: [], trimTo: 0, head: [1, HASH, 0, HASH] };
  const [first] = statements.write([{ ...nothing, ...parts }]);
  return first as readonly [Statement, readonly (string | number)[]];
}

/** The statement that writes guesses: for `n` right if the head and two rows are as the table has them, for `other` wrong. */
function guessed(): readonly [Statement, readonly (string | number)[]] {
  const keyList = '[["grant","r5.1",1],["grant","r49990.1",1],["request","r7"]]';
  const guess = JSON.stringify([
    ROWS,
    HASH,
    0,
    HASH,
    null,
    [
      [0, 1, 5],
      [1, 1, 49_990],
    ],
    [
      [5, HASH],
      [49_990, HASH],
    ],
    null,
  ]);
  const row = ['grant', 'r5.1', 2, 'user:0', 'db:5', true, 5, 5, 1_000_005, null, null, '{}'];
  const entry = [ROWS + 1, 'new', 1, 'e', 'grant.issued', 5, 'user:a', null, null, '{}', HASH, HASH, HASH];
  const batch = {
    namespace: 'n',
    remove: ['["grant","r49990.1"]'],
    put: [row],
    append: [entry],
    trimTo: 0,
    head: [ROWS + 1, HASH, 0, HASH],
  };
  const asked = `[["n",${keyList},["new"],[5,49990],${guess}],["other",${keyList},["c5"],[5],${guess}]]`;
  const made = statements.writeGuessed?.(asked, [batch, { ...batch, namespace: 'other' }]);
  return made as readonly [Statement, readonly string[]];
}

const find = (asked: Partial<Parameters<typeof statements.find>[0]>) =>
  statements.find({ subject: false, scope: false, open: undefined, during: false, order: 'oldest', ...asked });

type Asked = Readonly<Record<string, readonly [Statement, readonly (string | number | null)[]]>>;
const reads: Asked = {
  'records by key': [statements.get, ['n', keys]],
  'a check on a scope': [statements.liveOn, ['n', 'user:17', 5, 'db:2']],
  'a check over all scopes': [statements.live, ['n', 'user:17', 5]],
  'what is due': [statements.due, ['n', -1, '', '', 1_000_100, 11]],
  'all of a kind': [find({}), ['n', 'grant', 5, 'r5', 11]],
  'the open ones of a kind': [find({ open: true }), ['n', 'grant', 5, 'r5', 3]],
  'those of a subject': [find({ subject: true }), ['n', 'grant', -1, '', 11, 'user:17']],
  'the open ones of a subject': [find({ subject: true, open: true }), ['n', 'grant', -1, '', 11, 'user:17']],
  'the newest of a kind': [find({ order: 'newest' }), ['n', 'grant', 40_000, 'r5', 11]],
  'the closed ones of a kind': [find({ open: false }), ['n', 'grant', 5, 'r5', 11]],
  'what is due for people': [find({ order: 'due', open: true }), ['n', 'grant', -1, '', 11]],
  'what of a subject is due for people': [find({ subject: true, order: 'due', open: true }), ['n', 'grant', -1, '', 11, 'user:17']],
  'the newest on a scope': [find({ scope: true, order: 'newest' }), ['n', 'grant', 40_000, 'r5', 11, 'db:3']],
  'the open ones on a scope': [find({ scope: true, open: true }), ['n', 'grant', 40_000, 'r5', 11, 'db:3']],
  'what a verb reads about the subject of a row': [
    statements.context,
    ['n', '[["grant","r5.1",null,null],["subject",null,"grant","r5.1"]]', null, 'grant', 'r5.1', 5, 'grant', null, 'grant', 'r5.1', 11],
  ],
  'a page of the journal': [statements.journal, ['n', 5, 11]],
  'the heads of namespaces': [statements.heads, ['["n","other"]']],
  'the namespaces in which something is due': [statements.dueNamespaces, ['', 1_000_100, 11]],
};
const writes: Asked = {
  'commits that are guessed right, and one that is not': guessed(),
  'what a commit is judged by': [statements.hold, [`[["n",${keys},["c5","c49990","new"],[5,49990,60000]]]`]],
  'what commits to several namespaces are judged by': [
    statements.holdFree,
    [`[["n",${keys},["c5","c49990","new"],[5,49990,60000]],["other",${keys},["c5"],[5]]]`],
  ],
  'the link that a purge keeps': [statements.hashAt, ['n', 7]],
  'what a purge removes': written({ remove: (JSON.parse(keys) as unknown[]).map((key) => JSON.stringify(key)) }),
  'what a purge trims': written({ trimTo: 10 }),
};

const literal = (value: string | number | null) => (typeof value === 'string' ? `'${value}'` : String(value));

describe('statements of PostgreSQL that are planned without statistics [V5] (L42)', () => {
  let server: Postgres;
  let postgres: Postgres;
  let client: pg.PoolClient;
  beforeAll(async () => {
    server = await Postgres.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    // Truncated tables keep their statistics.
    postgres = await server.empty();
    await migrate({ db: kyselyOn(postgres.pool()), dialect: 'postgres' });
    for (const table of TABLES) await postgres.sql(`alter table ${table} set (autovacuum_enabled = off)`);
    await postgres.sql(`insert into jit_heads values ('n', 1, ${ROWS}, '${HASH}', 0, '${HASH}')`);
    client = await postgres.heardPool({ max: 1 }).connect();
    await client.query('set plan_cache_mode = force_generic_plan');
  });
  afterEach(async () => {
    client.release(true);
    await postgres.stop();
  });

  async function fill(from: number, to: number): Promise<void> {
    await postgres.sql(`insert into jit_rows (namespace, kind, id, version, subject, scope, open, created_at, from_at, until_at, due_at, sort_at, body)
      select 'n', 'grant', 'r' || n || '.1', 1, 'user:' || (n / 10), 'db:' || (n % 7), n % 10 = 0, n, n, n + 1000000,
        case when n % 10 = 0 then n + 1000000 end, case when n % 10 = 0 then n + 1000000 end, '{"a":"' || repeat('x', 200) || '"}' from generate_series(${from}, ${to}) as n`);
    await postgres.sql(`insert into jit_journal (namespace, seq, change_id, v, id, type, at, actor, data, digest, prev_hash, hash)
      select 'n', n, 'c' || n, 1, 'e' || n, 'grant.issued', n, 'user:a', '{}', '${HASH}', '${HASH}', '${HASH}'
      from generate_series(${from}, ${to}) as n`);
  }

  /** Makes the connection prepare and plan the statements, as a pool's connection keeps them. */
  async function plan(asked: Asked): Promise<void> {
    for (const [{ text }, values] of Object.values(asked)) {
      const name = nameOf(text);
      await client.query(`prepare ${name} as ${text}`);
      await client.query(`execute ${name}(${values.map(literal).join()})`);
    }
  }

  const nameOf = (text: string) => `p_${Math.abs([...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) | 0, 7))}`;

  /** The statements that read more than they may, with the blocks that they read. */
  async function greedy(asked: Asked): Promise<Readonly<Record<string, number>>> {
    const found: Record<string, number> = {};
    for (const [what, [{ text }, values]] of Object.entries(asked)) {
      const explain = `explain (analyze, buffers, timing off, format json) execute ${nameOf(text)}(${values.map(literal).join()})`;
      const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: Plan }] }>(explain);
      const blocks = mostBlocks((rows[0] as (typeof rows)[number])['QUERY PLAN'][0].Plan);
      if (blocks > MOST_BLOCKS) found[what] = blocks;
    }
    return found;
  }

  /** Whether the guess was right: a statement that writes nothing would always read few blocks. */
  async function hasGuessed(): Promise<boolean> {
    const { rowCount } = await client.query(`select 1 from jit_journal where namespace = 'n' and seq = ${ROWS + 1}`);
    return rowCount === 1;
  }

  const inCommit = async <T>(work: () => Promise<T>): Promise<T> => {
    await client.query(statements.begin(60_000).text);
    return work().finally(() => client.query('rollback'));
  };

  it('read only matching rows, and not the 50000 rows of the namespace, in a database that was never analysed', async () => {
    await fill(1, ROWS);
    await plan(reads);
    expect(await greedy(reads)).toEqual({});
    await inCommit(() => plan(writes));
    await inCommit(async () => {
      expect(await greedy(writes)).toEqual({});
      expect(await hasGuessed()).toBe(true);
    });
  });

  it('are never compiled by a server with LLVM, which would take a second', async () => {
    await fill(1, ROWS);
    for (const [what, [{ text }, values]] of Object.entries(reads)) {
      await client.query(`prepare ${nameOf(text)} as ${text}`);
      const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: Plan }] }>(
        `explain (format json) execute ${nameOf(text)}(${values.map(literal).join()})`,
      );
      expect((rows[0] as (typeof rows)[number])['QUERY PLAN'][0].Plan['Total Cost'], what).toBeLessThan(COST_OF_COMPILING);
    }
    // A commit turns off scans, and the cost of one that remains is above every limit.
    await inCommit(async () => expect((await client.query('show jit')).rows).toEqual([{ jit: 'off' }]));
  });

  it(`read only matching rows where the connection has planned them while the tables were empty`, async () => {
    await plan(reads);
    await inCommit(() => plan(writes));
    await fill(1, ROWS);
    expect(await greedy(reads)).toEqual({});
    await inCommit(async () => {
      expect(await greedy(writes)).toEqual({});
      expect(await hasGuessed()).toBe(true);
    });
  });

  it(`read only matching rows in a commit where the tables were analysed while they were small`, async () => {
    await fill(1, 30);
    for (const table of TABLES) await postgres.sql(`analyze ${table}`);
    await inCommit(() => plan(writes));
    await fill(31, ROWS);
    await inCommit(async () => {
      expect(await greedy(writes)).toEqual({});
      expect(await hasGuessed()).toBe(true);
    });
  });
});

interface Plan {
  readonly 'Total Cost': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[];
}

/** A node includes the counts of the nodes below it, except for the parts of a `with`. */
function mostBlocks({ Plans = [], ...node }: Plan): number {
  return Math.max(node['Shared Hit Blocks'] + node['Shared Read Blocks'], ...Plans.map(mostBlocks));
}
