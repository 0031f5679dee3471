import type { Anchor } from '../../../src/records/index.js';
import type { Page } from '../../../src/core/ports.js';
import type { JournalSlice, Row } from '../../../src/core/store-port.js';
import { broken } from './bent-store.js';

/** Guarantee 8 broken: an answer, or an argument, is an object that the store keeps. */
export const COPIES = [
  broken('get() returns the stored row itself', 'gives from get() what may be changed without effect', (inner) => {
    const kept = new Map<string, Row>();
    return { get: async (keys) => (await inner.get(keys)).map((row) => row && own(kept, row)) };
  }),
  broken('get() returns a shared body', 'gives from get() what may be changed without effect', (inner) => {
    const kept = new Map<string, Row>();
    return { get: async (keys) => (await inner.get(keys)).map((row) => row && { ...row, body: own(kept, row).body }) };
  }),
  broken('live() returns its own list', 'gives from live() what may be changed without effect', (inner) => {
    const kept = new Map<string, Row[]>();
    return {
      async live(query) {
        const rows = await inner.live(query);
        const key = JSON.stringify([query.subject, query.scope, rows.map((row) => [row.id, row.version])]);
        const list = kept.get(key) ?? [...rows];
        kept.set(key, list);
        return query.scope === undefined ? rows : list;
      },
    };
  }),
  broken('live() of all scopes returns the stored rows themselves', 'gives from live of all scopes() what may be changed', (inner) => {
    const kept = new Map<string, Row>();
    return {
      async live(query) {
        const rows = await inner.live(query);
        return query.scope === undefined ? rows.map((row) => own(kept, row)) : rows;
      },
    };
  }),
  broken('find() returns the stored rows themselves', 'gives from find() what may be changed without effect', (inner) => {
    const kept = new Map<string, Row>();
    return { find: async (query) => shared(kept, await inner.find(query)) };
  }),
  broken('due() returns the stored rows themselves', 'gives from due() what may be changed without effect', (inner) => {
    const kept = new Map<string, Row>();
    return { due: async (query) => shared(kept, await inner.due(query)) };
  }),
  broken('journal() returns the stored entries themselves', 'gives from journal() what may be changed without effect', (inner) => {
    let kept: JournalSlice | undefined;
    return {
      async journal(query) {
        const slice = await inner.journal(query);
        if (kept?.head.hash !== slice.head.hash) kept = structuredClone(slice);
        return { ...slice, entries: query.after === 0 ? kept.entries : slice.entries };
      },
    };
  }),
  broken('journal() returns its own head object', 'links to the head kept, not to one that was changed', (inner) => {
    let head: Anchor = { seq: 0, hash: '' };
    return {
      async journal(query) {
        const slice = await inner.journal(query);
        const moved = head.seq - slice.head.seq > 2 ? head.seq - 1 : 0;
        head = moved > 0 ? head : { ...slice.head };
        return { ...slice, head, entries: slice.entries.map((entry) => ({ ...entry, seq: entry.seq + moved })) };
      },
    };
  }),
  broken(
    'journal() returns one genesis object for all namespaces',
    'gives from journal() of an empty namespace what may be changed without effect, on it and on another namespace',
    (inner) => ({
      async journal(query) {
        const slice = await inner.journal(query);
        return slice.head.seq === 0 ? { ...slice, start: GENESIS, head: GENESIS } : slice;
      },
    }),
  ),
  broken('commit() stores the given row objects', 'keeps a copy of the change', (inner) => {
    const kept = new Map<string, Row>();
    return {
      async commit(change) {
        const answer = await inner.commit(change);
        if (answer.outcome === 'committed') for (const row of change.put) kept.set(row.id, row);
        return answer;
      },
      get: async (keys) =>
        (await inner.get(keys)).map((row, i) => (row === undefined ? row : structuredClone(kept.get(keys[i]?.id ?? '') ?? row))),
    };
  }),
  broken('commit() compares with the rows that it has returned', 'compares with the version kept', (inner) => {
    const kept = new Map<string, Row>();
    return {
      get: async (keys) => (await inner.get(keys)).map((row) => row && own(kept, row)),
      commit: (change) => {
        const expect = change.expect.filter((key) => [...kept.values()].every((row) => row.id !== key.id || row.version !== key.version));
        return inner.commit({ ...change, expect });
      },
    };
  }),
];

/** The genesis constant of that store, which a caller may change. */
const GENESIS: Anchor = { seq: 0, hash: '0'.repeat(64) };

/** The one copy of a row that every caller gets. */
function own(kept: Map<string, Row>, row: Row): Row {
  const key = JSON.stringify([row.kind, row.id, row.version]);
  const copy = kept.get(key) ?? structuredClone(row);
  kept.set(key, copy);
  return copy;
}

const shared = (kept: Map<string, Row>, page: Page<Row>): Page<Row> => ({ ...page, items: page.items.map((row) => own(kept, row)) });
