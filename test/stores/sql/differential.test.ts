import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { MemoryGrantStore } from 'jit-access';
import type { Anchor, GrantStore } from 'jit-access';
import type { Change, JournalSlice, Row, StoreContext } from 'jit-access/store';
import { sqlGrantStore } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

let postgres: Postgres;
let file: SqliteFile;
let open: Readonly<Record<string, (namespace: string) => GrantStore>>;
/** The store through both drivers starts with an empty database. */
let clear: () => Promise<void>;
beforeAll(async () => {
  [postgres, file] = await Promise.all([Postgres.migrated(), SqliteFile.migrated()]);
  const pool = postgres.pool({ max: 4 });
  const [onPostgres, onFile, handle] = [kyselyOn(pool), file.kysely(), file.handle()];
  clear = async () => {
    for (const db of [onPostgres, onFile]) {
      for (const table of ['jit_rows', 'jit_journal', 'jit_heads']) await db.executeQuery(CompiledQuery.raw(`delete from ${table}`));
    }
  };
  open = {
    memory: (namespace) => new MemoryGrantStore({ namespace }),
    postgres: (namespace) => sqlGrantStore({ db: onPostgres, dialect: 'postgres', namespace }),
    'postgres, straight': (namespace) => sqlGrantStore({ db: onPostgres, dialect: 'postgres', namespace, read: pool }),
    sqlite: (namespace) => sqlGrantStore({ db: onFile, dialect: 'sqlite', namespace }),
    'sqlite, straight': (namespace) => sqlGrantStore({ db: onFile, dialect: 'sqlite', namespace, read: handle }),
  };
});
afterAll(async () => {
  file.remove();
  await postgres.stop();
});

/** A few keys, so that changes meet; versions that are right most of the time. */
const key = fc.record({
  kind: fc.constantFrom('grant', 'usage', 'request', 'subject'),
  id: fc.constantFrom('a', 'b', '\uff5e', '\u{1f511}'),
});
const instant = fc.option(fc.constantFrom(0, 5, 10, 8.64e15), { nil: undefined });
const written = fc.record({
  key,
  // Two are also ids of rows, one of which sorts differently as bytes.
  subject: fc.constantFrom(undefined, 'maya', 'a', '\uff5e'),
  scope: fc.constantFrom(undefined, 'db:read', 'db:write'),
  open: fc.boolean(),
  from: instant,
  until: instant,
  dueAt: instant,
  sortAt: instant,
});
const step = fc.record({
  put: fc.array(written, { maxLength: 3 }),
  remove: fc.array(key, { maxLength: 1 }),
  entries: fc.nat({ max: 2 }),
  stale: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  trim: fc.option(fc.nat({ max: 6 }), { nil: undefined, freq: 8 }),
  /** This many entries before the head, or below 0 after it; or another hash there. */
  knows: fc.option(fc.record({ back: fc.integer({ min: -1, max: 4 }), isForked: fc.boolean() }), { nil: undefined, freq: 2 }),
  again: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

it('every store returns the same outcomes, rows, pages and journal for one random history, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 }), async (rounds) => {
      const namespace = randomUUID();
      const histories: Record<string, unknown> = {};
      for (const [name, openIn] of Object.entries(open)) {
        await clear();
        histories[name] = await play(openIn(namespace), rounds);
      }
      for (const [name, history] of Object.entries(histories)) expect(history, name).toEqual(histories['memory']);
    }),
    { numRuns: Number(process.env['JIT_TEST_RUNS'] ?? 25) },
  );
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** All steps of a round start at once: on a database they share a transaction. */
async function play(store: GrantStore, rounds: readonly (readonly Step[])[]): Promise<unknown> {
  const outcomes: unknown[] = [];
  let change: Change | undefined;
  for (const [r, round] of rounds.entries()) {
    const versions = new Map<string, number>();
    const keys = round.flatMap(({ put, remove }) => [...put.map((one) => one.key), ...remove]);
    for (const [i, row] of (await store.get(keys)).entries()) versions.set(JSON.stringify(keys[i]), row?.version ?? 0);
    const journal = await store.journal({ after: 0, limit: 500 });
    const changes = round.map((one, s) =>
      one.again && change !== undefined
        ? change
        : (change = { ...changeOf(store, `${r}-${s}`, one, versions), knows: one.knows && knownIn(journal, one.knows) }),
    );
    const settled = await Promise.allSettled(changes.map((one) => store.commit(one)));
    outcomes.push(settled.map((one) => (one.status === 'fulfilled' ? one.value : 'rejected')));
  }
  const kinds = ['grant', 'usage', 'request'];
  const pages: unknown[] = [];
  for (const kind of kinds) {
    for (const order of ['oldest', 'newest', 'due'] as const) {
      for (let after: string | undefined, page; (page = await store.find({ kind, order, after, limit: 2 })); after = page.next) {
        pages.push(page);
        if (page.next === undefined) break;
      }
      pages.push(await store.find({ kind, order, subject: 'maya', scope: 'db:read', limit: 9 }));
      pages.push(await store.find({ kind, order, scope: 'db:write', during: { from: 4, until: 6 }, limit: 9 }));
    }
    for (const during of [undefined, { from: 4, until: 6 }]) {
      pages.push((await store.find({ kind, subject: 'maya', open: true, during, limit: 9 })).items);
      pages.push((await store.find({ kind, open: false, during, limit: 9 })).items);
    }
  }
  for (let after: string | undefined, page; (page = await store.due({ at: 8, after, limit: 2 })); after = page.next) {
    pages.push(page.items);
    if (page.next === undefined) break;
  }
  // `live` promises no order, and may return grants that have expired.
  const live = async (scope?: string) =>
    [...(await store.live({ subject: 'maya', scope, at: 4 }))].filter((row) => (row.until ?? 0) > 4).sort(byKey);
  const contexts = ['grant', 'request', 'subject'].flatMap((kind) =>
    ['a', 'b', '\uff5e'].map(async (id) => {
      const of = { subjectOf: { kind, id } };
      const query = { keys: [of.subjectOf, of], live: { subject: of, at: 4 }, open: { kind: 'request', subject: of, limit: 1 } };
      const answer = (await store.context?.(query)) as StoreContext;
      return { ...answer, live: [...answer.live].filter((row) => (row.until ?? 0) > 4).sort(byKey) };
    }),
  );
  return JSON.parse(
    JSON.stringify({
      outcomes,
      contexts: await Promise.all(contexts),
      pages,
      live: [await live(), await live('db:read')],
      journal: await store.journal({ after: 0, limit: 500 }),
      heads: await store.heads?.([store.namespace, `${store.namespace}-b`]),
      due: await Promise.all([0, 4, 5, 8.64e15].map(async (at) => store.dueNamespaces?.({ at, limit: 9 }))),
    }),
  );
}

function knownIn({ entries, head }: JournalSlice, { back, isForked }: NonNullable<Step['knows']>): Anchor {
  const seq = Math.max(0, head.seq - back);
  return { seq, hash: isForked ? 'f'.repeat(64) : (entries.find((entry) => entry.seq === seq)?.hash ?? head.hash) };
}

const byKey = (a: Row, b: Row): number => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1);

function changeOf(store: GrantStore, id: string, { put, remove, entries, stale, trim }: Step, versions: Map<string, number>): Change {
  const expect = new Map<string, { kind: string; id: string; version: number }>();
  const rows: Row[] = [];
  for (const { key: of, ...columns } of put) {
    const text = JSON.stringify(of);
    if (expect.has(text)) continue;
    const version = versions.get(text) ?? 0;
    expect.set(text, { ...of, version: stale ? version + 1 : version });
    versions.set(text, version + 1);
    rows.push(aRow({ ...of, ...columns, createdAt: of.id.length, version: version + 1, body: { id } }));
  }
  const removed = remove.filter((of) => !expect.has(JSON.stringify(of)) && (versions.get(JSON.stringify(of)) ?? 0) > 0);
  for (const of of removed) {
    expect.set(JSON.stringify(of), { ...of, version: versions.get(JSON.stringify(of)) ?? 0 });
    versions.set(JSON.stringify(of), 0);
  }
  const append = Array.from({ length: entries }, (_, i) => anEntry({ namespace: store.namespace, id: `${id}.${i}`, data: { id } }));
  return aChange({ id, expect: [...expect.values()], put: rows, remove: removed, append, trimJournalTo: trim });
}
