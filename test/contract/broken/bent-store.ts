import { FaultyStore } from 'jit-access/testing';
import type { StoreContractOptions } from 'jit-access/testing';
import type { Change, CommitAnswer, CommitOutcome, GrantStore, Row } from '../../../src/core/store-port.js';
import type { AuditEntry } from '../../../src/records/index.js';
import { MemoryGrantStore } from '../../../src/stores/memory.js';

/** What all handles of one broken store share, across namespaces. */
export class Shared {
  readonly ids = new Set<string>();
  readonly rows = new Map<string, Row>();
  readonly offsets = new Map<string, number>();
  readonly log: AuditEntry[] = [];
  count = 0;
}

/** The methods with the bug; all others are those of the memory store. */
export type Bend = (inner: GrantStore, shared: Shared) => Partial<GrantStore>;

/** A store with one bug, and the case of the contract suite that has to find it. */
export interface Broken {
  readonly bug: string;
  readonly foundBy: string;
  readonly options: StoreContractOptions;
}

export function broken(bug: string, foundBy: string, bend: Bend): Broken {
  const backends = new WeakMap<GrantStore, FaultyStore>();
  return {
    bug,
    foundBy,
    options: {
      name: bug,
      create() {
        const backend = new FaultyStore(new MemoryGrantStore());
        const store = bent(backend, bend, new Shared());
        backends.set(store, backend);
        return store;
      },
      breakBackend: (store) => (backends.get(store) as FaultyStore).inject('all', { fault: 'reject' }),
      loseReply: (store) => (backends.get(store) as FaultyStore).inject('commit', { fault: 'lose reply' }, 1),
    },
  };
}

function bent(inner: GrantStore, bend: Bend, shared: Shared): GrantStore {
  return {
    namespace: inner.namespace,
    durability: inner.durability,
    in: (namespace) => bent(inner.in(namespace), bend, shared),
    get: (keys) => inner.get(keys),
    live: (query) => inner.live(query),
    find: (query) => inner.find(query),
    context: (query) => (inner as Required<GrantStore>).context(query),
    due: (query) => inner.due(query),
    commit: (change) => inner.commit(change),
    journal: (query) => inner.journal(query),
    watch: (wake) => (inner as Required<GrantStore>).watch(wake),
    heads: (namespaces) => (inner as Required<GrantStore>).heads(namespaces),
    dueNamespaces: (query) => (inner as Required<GrantStore>).dueNamespaces(query),
    adopt: (part) => (inner as Required<GrantStore>).adopt(part),
    ...bend(inner, shared),
  };
}

/** A store whose commits are changed before they are made. */
export const commits =
  (bend: (change: Change) => Partial<Change>): Bend =>
  (inner) => ({ commit: async (change) => inner.commit({ ...change, ...bend(change) }) });

/** A store whose rows are changed when they are read. */
export const rowsOut =
  (bend: (row: Row) => Row): Bend =>
  (inner) => ({
    get: async (keys) => (await inner.get(keys)).map((row) => row && bend(row)),
    live: async (query) => (await inner.live(query)).map(bend),
    find: async (query) => withItems(await inner.find(query), bend),
    due: async (query) => withItems(await inner.due(query), bend),
  });

/** A store whose rows are changed when they are written, and its keys in calls. */
export const rowsIn =
  (bend: (row: Row) => Row, id: (id: string) => string = (same) => same): Bend =>
  (inner) => ({
    get: (keys) => inner.get(keys.map((key) => ({ ...key, id: id(key.id) }))),
    commit: async (change) =>
      inner.commit({ ...change, put: change.put.map(bend), expect: change.expect.map((key) => ({ ...key, id: id(key.id) })) }),
  });

const withItems = <P extends { readonly items: readonly Row[] }>(page: P, bend: (row: Row) => Row): P => ({
  ...page,
  items: page.items.map(bend),
});

/** An answer of `commit` that the inner store has not given. */
export async function answered(store: GrantStore, outcome: CommitOutcome): Promise<CommitAnswer> {
  return { outcome, head: (await store.journal({ after: 0, limit: 1 })).head };
}

/** Every row of a kind, without a limit. */
export async function allOf(store: GrantStore, kind: string): Promise<readonly Row[]> {
  return (await store.find({ kind, limit: 10_000 })).items;
}

/** Every row that has a dueAt. */
export async function allDue(store: GrantStore): Promise<readonly Row[]> {
  return (await store.due({ at: 8_640_000_000_000_000, limit: 10_000 })).items;
}

/** A page by position, which is wrong when rows change. */
export function pageByOffset<T>(
  items: readonly T[],
  after: string | undefined,
  limit: number,
): { items: readonly T[]; next: string | undefined } {
  const from = Number(after ?? 0);
  return { items: items.slice(from, from + limit), next: from + limit < items.length ? String(from + limit) : undefined };
}
