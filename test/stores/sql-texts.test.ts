import { PGlite } from '@electric-sql/pglite';
import type { GrantStore } from 'jit-access';
import { fromPglite, migrate, resilientPool, schemaSql, sqlGrantStore } from 'jit-access/sql';
import type { PgPool, SqlDatabase, SqlGrantStoreOptions } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import type { Unsubscribe } from '../../src/core/store-port.js';
import { GENESIS } from '../../src/journal/link.js';
import { fixtureOf, SqlTexts } from './sql/sql-texts.js';
import { SqliteFile } from './sql/sqlite.js';

type On = Pick<SqlGrantStoreOptions, 'db' | 'dialect' | 'portable' | 'onError'>;

const subsetsOf = <T>(items: readonly T[]): readonly (readonly T[])[] =>
  items.reduce<readonly (readonly T[])[]>((subsets, item) => subsets.flatMap((subset) => [subset, [...subset, item]]), [[]]);

const PARTS = ['remove', 'put', 'append', 'trim'] as const;
type Part = (typeof PARTS)[number];

/** A commit that writes exactly these parts, to a namespace with the rows `a` and entries. @param n differs for each commit */
async function write(store: GrantStore, parts: readonly Part[], n: number): Promise<void> {
  const has = (part: Part) => parts.includes(part);
  const change = aChange({
    id: `c${n}`,
    put: has('put') ? [aRow({ id: `p${n}` })] : [],
    remove: has('remove') ? [{ kind: 'grant', id: `a${n}` }] : [],
    append: has('append') ? [anEntry({ id: `c${n}.1`, namespace: store.namespace })] : [],
    trimJournalTo: has('trim') ? 1 : undefined,
  });
  const removed = (change.remove ?? []).map((key) => ({ ...key, version: 1 }));
  expect(await store.commit({ ...change, expect: [...change.expect, ...removed] })).toMatchObject({ outcome: 'committed' });
}

const prepare = (store: GrantStore, n: number, rows: readonly number[]) =>
  store.commit(
    aChange({ id: `b${n}`, put: rows.map((i) => aRow({ id: `a${i}` })), append: [anEntry({ id: `b${n}.1`, namespace: store.namespace })] }),
  );

async function commitAll(store: GrantStore): Promise<void> {
  const subsets = subsetsOf(PARTS).filter(({ length }) => length > 0);
  for (const [n, parts] of subsets.entries()) {
    const one = store.in(`joined-${n}`);
    await prepare(one, 0, [n]);
    await write(one, parts, n);
  }
  // The commits of one process alone: from the third on it guesses what the transaction finds.
  const guessed = store.in('guessed');
  for (let n = 0; n < 3; n++) await prepare(guessed, n, n === 0 ? [...subsets.keys()] : []);
  for (const [n, parts] of subsets.entries()) if (!parts.includes('trim')) await write(guessed, parts, n);
}

async function findAll(store: GrantStore): Promise<void> {
  for (const order of ['oldest', 'newest', 'due'] as const)
    for (const open of [undefined, true, false])
      for (const subject of [undefined, 'user:maya'])
        for (const scope of [undefined, 'a:b'])
          for (const during of [undefined, { from: 0, until: 1 }])
            await store.find({ kind: 'grant', limit: 1, order, open, subject, scope, during });
}

const readsOf = (store: GrantStore) => ({
  get: async () => store.get([aRow()]),
  live: async () => store.live({ subject: 'user:maya', scope: undefined, at: 0 }),
  'live, by scope': async () => store.live({ subject: 'user:maya', scope: 'a:b', at: 0 }),
  due: async () => store.due({ at: 0, limit: 1 }),
  context: async () => store.context?.({ keys: [aRow()], live: undefined, open: undefined }),
  journal: async () => store.journal({ after: 0, limit: 1 }),
  heads: async () => store.heads?.(['n']),
  dueNamespaces: async () => store.dueNamespaces?.({ at: 0, limit: 1 }),
});

async function adopt(store: GrantStore): Promise<void> {
  const entry = { ...anEntry({ namespace: store.namespace }), seq: 1, prevHash: GENESIS.hash, hash: 'f'.repeat(64) };
  await store.adopt?.({ rows: [aRow()], entries: [entry] });
  await store.adopt?.({ rows: [], entries: [], anchors: { start: GENESIS, head: { seq: 1, hash: entry.hash } } });
}

/** @param isLate the hook has not ended in time, so the change is refused. Otherwise it throws, and is called again later */
async function callHook(on: On, isLate: boolean): Promise<void> {
  let calls = 0;
  const onCommit = () => {
    if (isLate) return new Promise<void>(() => undefined);
    if (calls++ === 0) throw new Error('refused');
    return undefined;
  };
  const store = sqlGrantStore({ ...on, namespace: `hooked-${isLate}`, onCommit, hookMs: isLate ? 1 : 1_000 });
  const entry = anEntry({ id: 'h.1', type: isLate ? 'grant.issued' : 'grant.revoked', namespace: store.namespace });
  const committed = store.commit(aChange({ id: 'h', append: [entry] }));
  if (isLate) {
    await expect(committed).rejects.toMatchObject({ code: 'ERR_JIT_HOOK' });
    return;
  }
  await committed;
  expect(await store.hooks?.failed({ after: 0, limit: 1 })).toHaveLength(1);
  expect(await store.hooks?.retry()).toBe(1);
}

/** Layout 0 is a made-up one before this version. One of its namespaces takes no commits. */
async function contract(on: On, db: SqlDatabase): Promise<void> {
  const store = sqlGrantStore({ ...on, namespace: 'older' });
  for (const namespace of ['older', 'moved']) await prepare(store.in(namespace), 0, [0]);
  await run(db, 'update jit_schema set readable_from = 0');
  await run(db, `update jit_rows set layout = 0 where namespace in ('older', 'moved')`);
  await run(db, `update jit_heads set moved = 'elsewhere' where namespace = 'moved'`);
  expect(await migrate({ ...on, contract: true })).toMatchObject({ readableFrom: 1, rewritten: 2 });
}

/** Reads through the pool, and listens on it where the store does. */
async function watch(on: On, texts: SqlTexts): Promise<void> {
  const read: PgPool = {
    query: (config) => {
      texts.add(config.text);
      return pool.query(config);
    },
    async connect() {
      const client = await pool.connect();
      const query = client.query.bind(client) as (text: string) => Promise<unknown>;
      return Object.assign(client, {
        query: (text: string) => {
          texts.add(text);
          return query(text);
        },
      });
    },
    on: () => undefined,
  };
  const store = sqlGrantStore({ ...on, namespace: 'watched', read });
  await store.get([aRow()]);
  if (store.watch === undefined) return;
  let stop: Unsubscribe = () => undefined;
  // The first wake-up shows that it listens.
  await new Promise<void>((resolve) => (stop = store.watch?.(() => resolve()) ?? stop));
  stop();
}

/** One server for both of its dialects: it takes seconds to start. */
const pool = fromPglite(new PGlite());
const server = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: resilientPool(pool) }) });
const file = new SqliteFile();
afterAll(async () => {
  file.remove();
  await server.destroy();
});
const run = (db: SqlDatabase, text: string) => db.executeQuery(CompiledQuery.raw(text));

/* Each fixture has every text that a store and an upgrade send to a database, in the order in which they first send them. */
describe.each(['sqlite', 'postgres', 'portable'] as const)('the texts of %s', (printed) => {
  it('are those of the fixture, by each byte', async () => {
    const [dialect, db] = printed === 'sqlite' ? (['sqlite', file.kysely()] as const) : (['postgres', server] as const);
    const portable = printed === 'portable';
    const texts = new SqlTexts();
    const on = { db: texts.over(db), dialect, portable, onError: () => undefined };
    const store = sqlGrantStore({ ...on, namespace: 'payments' });
    const calls: Readonly<Record<string, () => unknown>> = {
      schemaSql: () => texts.add(schemaSql(dialect, { portable })),
      migrate: () => migrate(on),
      ...readsOf(store),
      find: () => findAll(store),
      commit: () => commitAll(store),
      adopt: () => adopt(store.in('adopted')),
      onCommit: () => callHook(on, false),
      'onCommit, late': () => callHook(on, true),
      watch: () => dialect === 'sqlite' || watch(on, texts),
      contract: () => portable || contract(on, db),
    };
    for (const [name, call] of Object.entries(calls)) {
      texts.call = name;
      await call();
    }
    if (dialect === 'postgres') await run(db, 'drop table jit_rows, jit_journal, jit_heads, jit_hooks, jit_schema cascade');
    await expect(texts.printed()).toMatchFileSnapshot(fixtureOf(printed));
  });
});
