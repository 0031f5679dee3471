import { purge } from 'jit-access/retention';
import { randomUUID } from 'node:crypto';
import { JitEngine, MemoryGrantStore, type GrantStore, type Page } from 'jit-access';
import type { Change, CommitAnswer, JournalSlice, Row } from 'jit-access/store';
import { sqlGrantStore } from 'jit-access/sql';
import { aChange, anEntry, ManualClock, ScriptedApprover, START_AT } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onTurns } from '../on-turns.js';
import { openedFor } from './redis/opened.js';
import { describeRedis } from './redis/server.js';
import { kyselyOn, Postgres } from './sql/postgres.js';
import { SqliteFile } from './sql/sqlite.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const CISO = 'user:ciso';
/** Requests of one scope; every other grant of theirs has a usage row. */
const SMALL = 350;
/** Requests without a decision. */
const PENDING = 150;
/** Requests of fifty scopes: 101 rows each. */
const LARGE = 4;
/** Entries that a purge drops. */
const OLD_ENTRIES = 11_000;

/** What was handled while some work ran. */
interface Handled {
  /** The most rows that were read, written or removed between two turns of the event loop; each counts once when read, and once when written. */
  readonly rows: number;
  /** The most changes that removed rows or dropped entries between two turns: on a disk, each takes long. */
  readonly purges: number;
  /** The most entries that were read between two turns. */
  readonly entries: number;
  /** The most rows that one change removed. */
  readonly removed: number;
  /** The most entries that one change dropped. */
  readonly trimmed: number;
}

async function counted(store: GrantStore, work: (store: GrantStore) => Promise<unknown>): Promise<Handled> {
  const most = { rows: 0, purges: 0, entries: 0, removed: 0, trimmed: 0 };
  let rows = new Set<string>();
  let entries = 0;
  let purges = 0;
  let start = (await store.journal({ after: 0, limit: 1 })).start.seq;
  const see = (how: string, seen: readonly ({ readonly kind: string; readonly id: string } | undefined)[]) => {
    for (const row of seen) if (row !== undefined) rows.add(`${how} ${row.kind} ${row.id}`);
    most.rows = Math.max(most.rows, rows.size);
  };
  const counting = new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      return async (...given: unknown[]) => {
        const answer: unknown = await Reflect.apply(method, target, given);
        if (name === 'get' || name === 'live') see('read', answer as readonly (Row | undefined)[]);
        if (name === 'find' || name === 'due') see('read', (answer as Page<Row>).items);
        if (name === 'journal') {
          entries += (answer as JournalSlice).entries.length;
          most.entries = Math.max(most.entries, entries);
        }
        if (name === 'commit') {
          const { put, remove = [], trimJournalTo } = given[0] as Change;
          see('written', [...put, ...remove]);
          if (remove.length > 0 || trimJournalTo !== undefined) most.purges = Math.max(most.purges, ++purges);
          most.removed = Math.max(most.removed, remove.length);
          if (trimJournalTo !== undefined && (answer as CommitAnswer).outcome === 'committed') {
            most.trimmed = Math.max(most.trimmed, trimJournalTo - start);
            start = trimJournalTo;
          }
        }
        return answer;
      };
    },
  });
  await onTurns(
    () => {
      rows = new Set();
      entries = 0;
      purges = 0;
    },
    () => work(counting),
  );
  return most;
}

const approver = () =>
  new ScriptedApprover({
    decide: ({ scopes: [scope = ''], subject }) => {
      if (scope.startsWith('pending:')) return { outcome: 'review', quorum: { groups: [{ name: 'sec', approvals: 1 }] } };
      return { outcome: 'approve', terms: Number(subject.slice('user:'.length)) % 2 === 0 ? { maxUses: 3 } : undefined };
    },
  });

async function inBatches(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: Math.min(50, count - i) }, (_, j) => work(i + j)));
}

/** Entries of refused attempts, which belong to no record. */
async function writeEntries(store: GrantStore, count: number, at: number): Promise<void> {
  const { namespace } = store;
  for (let i = 0; i < count; i += 1_000) {
    const append = Array.from({ length: Math.min(1_000, count - i) }, (_, j) =>
      anEntry({ namespace, id: `${at}-${i}.${j + 1}`, type: 'attempt.refused', at, data: {} }),
    );
    await store.commit(aChange({ append }));
  }
}

async function turnsOf(store: GrantStore) {
  const clock = new ManualClock();
  const limits = { reviewWithin: '1h' } as const;
  const ask = (engine: JitEngine, subject: string, scopes: readonly string[]) => engine.requestAccess({ subject, scopes, ttl: '1h' });
  await writeEntries(store, OLD_ENTRIES, START_AT);
  const plain = new JitEngine({ store, clock, approver: approver(), limits });
  await inBatches(SMALL, (i) => ask(plain, `user:${i}`, ['db:write']));
  await inBatches(PENDING, (i) => ask(plain, `user:${i}`, [`pending:${i}`]));
  await inBatches(LARGE, (i) =>
    ask(
      plain,
      `user:${2 * i}`,
      Array.from({ length: 50 }, (_, n) => `large:${n}`),
    ),
  );
  await clock.set(START_AT + 2 * HOUR);
  let swept: unknown;
  const sweep = await counted(store, async (counting) => {
    swept = await new JitEngine({ store: counting, clock, approver: approver(), limits }).sweep();
  });
  await clock.set(START_AT + 40 * DAY);
  await writeEntries(store, 1_100, START_AT + 40 * DAY);
  let purged: unknown;
  const purging = await counted(store, async (counting) => {
    const engine = new JitEngine({ store: counting, clock, approver: approver(), limits });
    purged = await purge(engine, { before: START_AT + 10 * DAY, by: CISO });
  });
  expect(swept).toMatchObject({ ended: SMALL + 50 * LARGE, expired: PENDING, skipped: 0 });
  expect(purged).toMatchObject({ requests: SMALL + PENDING + LARGE, grants: SMALL + 50 * LARGE });
  expect((purged as { journalStart: number }).journalStart).toBeGreaterThan(OLD_ENTRIES);
  return { sweep, purge: purging };
}

/** L42, C3: 256 rows, or one change where that is larger; 250 rows in a change of a purge; a journal that is trimmed in steps. */
async function expectTurns(store: GrantStore): Promise<void> {
  const { sweep, purge: purging } = await turnsOf(store);
  expect(sweep.rows).toBeLessThanOrEqual(256);
  expect(purging.rows).toBeLessThanOrEqual(256);
  expect(purging.purges).toBe(1);
  expect(purging.removed).toBeLessThanOrEqual(250);
  // More than one request's own rows, or it would be a change for each request.
  expect(purging.removed).toBeGreaterThan(101);
  expect(purging.entries).toBeLessThanOrEqual(256);
  expect(purging.trimmed).toBeLessThanOrEqual(2_000);
}

describe('a sweep and a purge of many rows', () => {
  it('L42 let the event loop turn every 256 rows, in memory [V6] [F6]', async () => {
    await expectTurns(new MemoryGrantStore());
  });

  it('L42 let the event loop turn every 256 rows, on SQLite [V6] [F6]', async () => {
    const file = await SqliteFile.migrated();
    try {
      await expectTurns(sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: randomUUID() }));
    } finally {
      file.remove();
    }
  });
});

describe('a sweep and a purge of many rows on PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await Postgres.migrated();
  });
  afterAll(() => postgres.stop());

  it('L42 let the event loop turn every 256 rows, and trim the journal in steps [V6] [F6]', async () => {
    await expectTurns(sqlGrantStore({ db: kyselyOn(postgres.pool()), dialect: 'postgres', namespace: randomUUID() }));
  });
});

describeRedis('a sweep and a purge of many rows on Redis', (server) => {
  const { store } = openedFor(server);

  it('L42 let the event loop turn every 256 rows, and trim the journal in steps [V6] [F6]', async () => {
    await expectTurns((await store()).store);
  });
});
