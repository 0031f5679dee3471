import type { GrantStore, Row, RowKey } from '../../src/core/store-port.js';

/** The same store, with some methods replaced. */
export function over(store: GrantStore, bent: Partial<GrantStore>): GrantStore {
  return {
    namespace: store.namespace,
    durability: store.durability,
    in: (namespace) => store.in(namespace),
    get: (keys) => store.get(keys),
    live: (query) => store.live(query),
    find: (query) => store.find(query),
    due: (query) => store.due(query),
    commit: (change) => store.commit(change),
    journal: (query) => store.journal(query),
    ...bent,
  };
}

let changes = 0;

/** Writes a row without the engine, at its current version. */
export async function tamper(store: GrantStore, kind: string, id: string, change: (row: Row) => Row): Promise<void> {
  const [row] = (await store.get([{ kind, id }])) as readonly [Row];
  const put = [{ ...change(row), version: row.version }];
  await store.commit({ id: `behind-${++changes}`, expect: [], put, append: [] });
}

/** Removes rows without the engine. */
export async function takeAway(store: GrantStore, ...remove: readonly RowKey[]): Promise<void> {
  await store.commit({ id: `behind-${++changes}`, expect: [], put: [], append: [], remove });
}

/** The result of a promise, or its error. */
export async function settled(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    return error;
  }
}
