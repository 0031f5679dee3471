import type { GrantStore } from '../../../src/core/store-port.js';
import type { Row } from '../../../src/core/store-port.js';
import { answered, broken } from './bent-store.js';

/** Guarantee 4 broken: a resolved commit is not visible yet, or not on every handle. */
export const VISIBLE = [
  broken('get() omits missing rows', 'answers get() in the order asked', (inner) => ({
    get: async (keys) => (await inner.get(keys)).filter((row) => row !== undefined),
  })),
  broken('get() returns null for a missing row', 'answers get() in the order asked', (inner) => ({
    get: async (keys) => (await inner.get(keys)).map((row) => row ?? (null as unknown as Row)),
  })),
  broken('get() answers in the order of the ids', 'answers get() in the order asked', (inner) => ({
    get: (keys) => inner.get([...keys].sort((a, b) => (a.id < b.id ? -1 : 1))),
  })),
  broken('a subject without rows is an error', 'answers with nothing where nothing was ever written', (inner) => ({
    async live(query) {
      const rows = await inner.live(query);
      if (rows.length === 0) throw new Error('not found');
      return rows;
    },
  })),
  broken('commit() resolves before it is applied', 'shows a commit to every read that begins after it', (inner) => ({
    async commit(change) {
      const kept = await inner.get(change.expect);
      if (change.expect.some((key, i) => (kept[i]?.version ?? 0) !== key.version)) return answered(inner, 'conflict');
      const later = async () => {
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        await inner.commit(change);
      };
      later().catch(() => undefined);
      return answered(inner, 'committed');
    },
  })),
  broken('each handle caches get()', 'shows a commit to every read that begins after it, through every handle', (inner) => {
    const kept = new Map<string, readonly (Row | undefined)[]>();
    return {
      async get(keys) {
        const question = JSON.stringify(keys.map(({ kind, id }) => [kind, id]));
        const rows = kept.get(question) ?? (await inner.get(keys));
        kept.set(question, rows);
        return rows;
      },
      commit(change) {
        kept.clear();
        return inner.commit(change);
      },
    };
  }),
  broken('each handle caches live()', 'shows an end to live(), find() and due(), through every handle', (inner) => {
    const kept = new Map<string, readonly Row[]>();
    return {
      async live(query) {
        const question = JSON.stringify(query);
        const rows = kept.get(question) ?? (await inner.live(query));
        kept.set(question, rows);
        return rows;
      },
      commit(change) {
        kept.clear();
        return inner.commit(change);
      },
    };
  }),
  broken('each handle caches the rows that it has read', 'shows a removal through every handle', (inner) => {
    const kept = new Map<string, Row>();
    return {
      async get(keys) {
        const rows = await inner.get(keys);
        for (const row of rows) if (row !== undefined) kept.set(row.id, row);
        return rows.map((row, i) => row ?? kept.get(keys[i]?.id ?? ''));
      },
    };
  }),
  broken(
    'reads are answered by a replica that lags by one commit',
    'reads its own writes, and those of the other handle',
    (inner, { rows }) => ({
      async commit(change) {
        const before = await inner.get(change.put);
        const answer = await inner.commit(change);
        if (answer.outcome === 'committed') for (const row of before) if (row !== undefined) rows.set(row.id, row);
        return answer;
      },
      get: async (keys) => (await inner.get(keys)).map((row) => (row !== undefined && row.version > 2 ? rows.get(row.id) : row)),
    }),
  ),
  broken('a handle compares with its own earlier reads', 'compares the expectations of one handle with what another', (inner) => {
    const versions = new Map<string, number>();
    return {
      async get(keys) {
        const rows = await inner.get(keys);
        for (const row of rows) if (row !== undefined) versions.set(row.id, row.version);
        return rows;
      },
      async commit(change) {
        const own = change.expect.filter((key) => versions.get(key.id) === key.version);
        return inner.commit({ ...change, expect: change.expect.filter((key) => !own.includes(key)) });
      },
    };
  }),
  broken('the head of a wake-up is not visible yet', 'wakes watchers after a commit', (inner) => ({
    watch: (wake) => (inner as Required<GrantStore>).watch((headSeq = 0) => wake(headSeq + 1)),
  })),
  broken('no watcher is woken', 'wakes watchers after a commit', () => ({ watch: () => () => undefined })),
  broken('only the committing handle wakes watchers', 'wakes watchers after a commit', (_, { ids }) => {
    const first = !ids.has('first');
    ids.add('first');
    return first ? {} : { watch: () => () => undefined };
  }),
  broken('a watcher is still woken after it unsubscribed', 'wakes watchers after a commit', (inner) => ({
    watch(wake) {
      inner.watch?.(wake);
      return () => undefined;
    },
  })),
];
