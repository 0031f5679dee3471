import { randomUUID } from 'node:crypto';
import { JitEngine, MemoryGrantStore, type AuditEntry, type GrantStore, type Page } from 'jit-access';
import type { Change, JournalSlice, Row } from 'jit-access/store';
import { accessReport, readJournal, replay, verifyJournal, verifyStore } from 'jit-access/journal';
import { definePolicy, simulate } from 'jit-access/policy';
import { sqlGrantStore } from 'jit-access/sql';
import { aChange, aRow, ManualClock, ScriptedApprover, START_AT } from 'jit-access/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type * as ReplayRecords from '../src/journal/replay/records.js';
import type * as Records from '../src/records/index.js';
import { onTurns } from './on-turns.js';
import { SqliteFile } from './stores/sql/sqlite.js';

const HOUR = 3_600_000;
const SAM = 'user:sam';
/** Records of each kind; each loop must take several turns. */
const COUNT = 700;

const made = vi.hoisted(() => ({ see: undefined as (() => void) | undefined, measure: undefined as (() => void) | undefined }));
// Records that replay creates after it has read the last entry, without a call to a store or a list.
vi.mock('../src/journal/replay/records.js', async (load) => {
  const all = await load<typeof ReplayRecords>();
  return {
    ...all,
    recordOf: ((...given: Parameters<typeof all.recordOf>) => {
      made.see?.();
      return all.recordOf(...given);
    }) as typeof all.recordOf,
  };
});

vi.mock('../src/records/index.js', async (load) => {
  const all = await load<typeof Records>();
  return {
    ...all,
    effectiveEnd: ((...given: Parameters<typeof all.effectiveEnd>) => {
      made.measure?.();
      return all.effectiveEnd(...given);
    }) as typeof all.effectiveEnd,
  };
});

/** The most items, and all items, that were handled between two turns of the event loop. */
async function counted(work: (see: (count: number) => void) => Promise<unknown>): Promise<{ readonly most: number; readonly all: number }> {
  let [most, all, now] = [0, 0, 0];
  const begin = () => (now = 0);
  const see = (count: number) => {
    all += count;
    most = Math.max(most, (now += count));
  };
  await onTurns(begin, () => work(see));
  return { most, all };
}

/** A list that counts each item when it is taken. */
function* listed<T>(items: readonly T[], see: (count: number) => void): Generator<T> {
  for (const item of items) {
    see(1);
    yield item;
  }
}

/** A store that counts the rows and entries in its arguments and answers; rows that are only compared do not count. */
const counting = (store: GrantStore, see: (count: number) => void): GrantStore =>
  new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      return async (...given: unknown[]) => {
        const answer: unknown = await Reflect.apply(method, target, given);
        if (name === 'get' || name === 'live') see((answer as readonly (Row | undefined)[]).filter((row) => row !== undefined).length);
        if (name === 'find' || name === 'due') see((answer as Page<Row>).items.length);
        if (name === 'journal') see((answer as JournalSlice).entries.length);
        if (name === 'commit') see((given[0] as Change).put.length);
        return answer;
      };
    },
  });

const approver = () =>
  new ScriptedApprover({
    decide: ({ scopes: [scope = ''] }) =>
      scope.startsWith('pending:') ? { outcome: 'review', quorum: { groups: [{ name: 'sec', approvals: 1 }] } } : { outcome: 'approve' },
    groupsOf: () => ['sec'],
  });

/** A store with as many grants, pending requests, and ended requests of one subject. */
async function filled(count = COUNT): Promise<{ readonly store: MemoryGrantStore; readonly clock: ManualClock }> {
  const [store, clock] = [new MemoryGrantStore(), new ManualClock()];
  const engine = new JitEngine({ store, clock, approver: approver() });
  for (let i = 0; i < count; i++) {
    await engine.requestAccess({ subject: `user:${i}`, scope: 'db:write', ttl: '1h' });
    await engine.requestAccess({ subject: `user:${i}`, scope: `pending:${i}`, ttl: '1h' });
    const { request } = await engine.requestAccess({ subject: 'user:many', scope: `db:${i}`, ttl: '1h' });
    await engine.release(`${request.id}.1`, { by: 'user:many' });
  }
  await engine.close();
  return { store, clock };
}

type World = Awaited<ReturnType<typeof filled>> & { readonly entries: readonly AuditEntry[] };

const over = ({ store, clock }: World, see: (count: number) => void) =>
  new JitEngine({ store: counting(store, see), clock, approver: approver() });

const policy = definePolicy({ rules: [{ id: 'all', scopes: ['**'], approve: true }], groups: {} });

/** Loops that only read. */
const READERS: Readonly<Record<string, (world: World, see: (count: number) => void) => Promise<unknown>>> = {
  readJournal: async ({ store }, see) => {
    for await (const entry of readJournal(counting(store, see))) void entry;
  },
  'verifyJournal over a list': ({ entries }, see) => verifyJournal(listed(entries, see)),
  'verifyJournal over a store': ({ store }, see) => verifyJournal(readJournal(counting(store, see))),
  'replay over a list': ({ entries }, see) => replay(listed(entries, see)),
  'the records that replay creates': async ({ entries }, see) => {
    made.see = () => see(1);
    await replay(entries).finally(() => (made.see = undefined));
  },
  'the grants that exposure measures': async ({ entries }, see) => {
    // The end of each grant is read once, after the replay.
    made.measure = () => see(1);
    await accessReport(entries, { from: START_AT, to: START_AT + HOUR }).finally(() => (made.measure = undefined));
  },
  simulate: ({ entries }, see) => simulate({ ...policy, decide: (request) => (see(1), policy.decide(request)) }, entries),
  'simulate, reading': ({ entries }, see) => simulate(policy, listed(entries, see)),
  verifyStore: ({ store }, see) => verifyStore(counting(store, see)),
  inbox: (world, see) => over(world, see).inbox(SAM, { limit: COUNT }),
  listRequests: async (world, see) => {
    for await (const { status } of over(world, see).listRequests({ limit: 100 })) void status;
  },
  'a sink': async ({ store, clock }, see) => {
    const audit = [{ name: 'counting', write: (entries: readonly AuditEntry[]) => see(entries.length) }];
    const engine = new JitEngine({ store, clock, approver: approver(), audit });
    await engine.flushAudit();
    await engine.close();
  },
};

describe('a loop over many rows in memory', () => {
  let world: World;
  beforeAll(async () => {
    const { store, clock } = await filled();
    const entries: AuditEntry[] = [];
    for await (const entry of readJournal(store)) entries.push(entry);
    world = { store, clock, entries };
  }, 300_000);

  it.each(Object.entries(READERS))('L42 lets the event loop turn every 256 rows: %s [V6]', async (_, read) => {
    const { most, all } = await counted((see) => read(world, see));
    expect(all).toBeGreaterThanOrEqual(COUNT);
    expect(most).toBeLessThanOrEqual(256);
  });
});

describe('a loop that ends or commits many rows', () => {
  it('L42 lets the event loop turn every 256 rows: revokeAll [V6]', async () => {
    const count = 200;
    const world = await filled(count);
    const { most, all } = await counted(async (see) => {
      const { grants, requests } = await over({ ...world, entries: [] }, see).revokeAll({ scope: '**' }, { by: SAM, reason: 'an attack' });
      expect([grants.length, requests.length]).toEqual([count, count]);
    });
    expect(all).toBeGreaterThanOrEqual(2 * count);
    expect(most).toBeLessThanOrEqual(256);
  });

  it('L42 lets the event loop turn every 256 rows: changes that share transactions on SQLite [V6]', async () => {
    const file = await SqliteFile.migrated();
    try {
      const store = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: randomUUID() });
      const { most, all } = await counted(async (see) => {
        const put = (i: number) => [0, 1, 2].map((j) => aRow({ id: `r${i}.${j}` }));
        const changes = Array.from({ length: COUNT }, (_, i) => aChange({ put: put(i) }));
        await Promise.all(changes.map((change) => store.commit(change).then(() => see(change.put.length))));
      });
      expect(all).toBe(3 * COUNT);
      expect(most).toBeLessThanOrEqual(256);
    } finally {
      file.remove();
    }
  });
});
