import fc from 'fast-check';
import { MemoryGrantStore, type GrantStore } from 'jit-access';
import { sqlGrantStore, type SqlDatabase, type SqlDialect } from 'jit-access/sql';
import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readDialect } from '../../../src/stores/sql/options.js';
import { toColumn } from '../../../src/stores/sql/order.js';
import { statementsOf } from '../../../src/stores/sql/statements.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

let postgres: Postgres;
let file: SqliteFile;
beforeAll(async () => {
  [postgres, file] = await Promise.all([Postgres.migrated(), SqliteFile.migrated()]);
});
afterAll(async () => {
  file.remove();
  await postgres.stop();
});

describe.each(['postgres', 'sqlite'] as const)('dueNamespaces() on %s', (dialect: SqlDialect) => {
  let db: SqlDatabase;
  let store: Required<GrantStore>;
  const run = async (sql: string, ...values: readonly unknown[]) => db.executeQuery(CompiledQuery.raw(sql, [...values]));
  beforeAll(() => {
    db = dialect === 'postgres' ? kyselyOn(postgres.pool()) : file.kysely();
    store = sqlGrantStore({ db, dialect, namespace: 'payments' }) as Required<GrantStore>;
  });
  beforeEach(() => run('delete from jit_rows'));

  /** Inserts rows of one namespace directly: as many and as large as a test needs. */
  async function fill(namespace: string, dueAt: number | null, count = 1): Promise<void> {
    const numbers =
      dialect === 'postgres'
        ? `select n from generate_series(1, ${count}) as n`
        : `select n from (with recursive s(n) as (select 1 union all select n + 1 from s where n < ${count}) select n from s)`;
    const open = dialect === 'postgres' ? 'true' : '1';
    const [first, second] = dialect === 'postgres' ? ['$1::text', '$2::bigint'] : ['?', '?'];
    await run(
      `insert into jit_rows (namespace, kind, id, version, open, created_at, due_at, body) select ${first}, 'grant', 'r' || n, 1, ${open}, 0, ${second}, '{}' from (${numbers}) as numbers`,
      toColumn(namespace),
      dueAt,
    );
  }

  async function pages(at: number, limit: number): Promise<readonly (readonly string[])[]> {
    const read: (readonly string[])[] = [];
    for (let after: string | undefined; ;) {
      const { items, next } = await store.dueNamespaces({ at, after, limit });
      read.push(items);
      if (next === undefined) return read;
      after = next;
    }
  }

  it('lists exactly the namespaces that are due, in one order, as the memory store does', async () => {
    const name = fc.constantFrom('a', 'A', 'b', 'a:b', '10', '9', '\u00e9', '\uff5e', '\u{1f511}', '\ue000', '\u{10fffd}x');
    const due = fc.constantFrom(null, 0, 5, 10, 8.64e15);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, due), { selector: String, maxLength: 25 }),
        fc.constantFrom(1, 2, 3, 100),
        async (rows, limit) => {
          await run('delete from jit_rows');
          const memory = new MemoryGrantStore();
          for (const [namespace, dueAt] of rows) {
            const row = { kind: 'grant', id: String(dueAt), version: 1, subject: 'a', scope: 'b', open: true, createdAt: 0 };
            const change = { ...row, from: 0, until: 1, dueAt: dueAt ?? undefined, sortAt: undefined, body: {} };
            for (const each of [memory, store])
              await each.in(namespace).commit({ id: `${namespace}-${dueAt}`, expect: [{ ...row, version: 0 }], put: [change], append: [] });
          }
          for (const at of [0, 4, 5, 9, 8.64e15]) {
            const expected = (await memory.dueNamespaces({ at, limit: 1_000 })).items;
            expect((await pages(at, limit)).flat()).toEqual(expected);
            expect([...new Set(rows.filter(([, dueAt]) => dueAt !== null && dueAt <= at).map(([namespace]) => namespace))].sort()).toEqual(
              expected,
            );
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('stores names with another order in UTF-8 so that the view shows them unchanged', async () => {
    const names = ['\u{1f511}', '\uff5e', 'a\u{10fffd}\ue000'];
    for (const name of names) await fill(name, 5);
    const { rows } = await run('select namespace from jit_access');
    expect(rows.map((row) => (row as { namespace: string }).namespace).sort()).toEqual([...names].sort());
  });

  it('reads at most 1,000 namespaces a page, and returns where to continue (L42)', async () => {
    for (let i = 1_000; i < 3_100; i++) await fill(`t${i}`, i === 1_500 || i === 3_050 ? 5 : 1_000);
    expect(await pages(5, 10)).toEqual([['t1500'], [], ['t3050']]);
    expect(await store.dueNamespaces({ at: 5, limit: 10 })).toEqual({ items: ['t1500'], next: 't1999' });
    expect((await pages(1_000, 5_000)).map(({ length }) => length)).toEqual([1_000, 1_000, 100]);
  });

  it('reads as many rows next to a namespace of 20,000 rows as next to one of ten (L34)', async () => {
    for (const [namespace, count] of Object.entries({ a: 10, b: 20_000, c: 10 })) {
      await fill(namespace, 5, count);
      await fill(`${namespace}-none`, null, count > 10 ? 0 : 10);
    }
    expect(await pages(5, 2)).toEqual([['a', 'b'], ['c']]);
    if (dialect === 'sqlite') return;
    const { text } = statementsOf(readDialect({ dialect })).dueNamespaces;
    const explained = await run(
      `explain (analyze, buffers, timing off, format text) ${text.replace(/\$1/g, "''").replace(/\$2/g, '5').replace(/\$3/g, '10')}`,
    );
    const plan = explained.rows.map((row) => Object.values(row as object)[0] as string).join('\n');
    expect(plan).toMatch(/Index Only Scan using jit_rows_due/);
    expect(Math.max(...[...plan.matchAll(/shared hit=(\d+)/g)].map(([, blocks]) => Number(blocks)))).toBeLessThan(64);
  });
});
