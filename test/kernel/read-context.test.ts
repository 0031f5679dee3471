import { aChange, aRow, FaultyStore } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/core/errors.js';
import type { ContextQuery, GrantStore, Row, StoreContext } from '../../src/core/store-port.js';
import { JournalReader } from '../../src/kernel/ledger/journal-reader.js';
import { LedgerReads } from '../../src/kernel/ledger/ledger-reads.js';
import { readContext } from '../../src/kernel/ledger/read-context.js';
import { placeOf } from '../../src/records/index.js';
import { MemoryGrantStore } from '../../src/stores/memory.js';

const MAYA = 'user:maya';
const REQUEST = aRow({ kind: 'request', id: 'r1' });
const OTHER = aRow({ kind: 'request', id: 'r2' });
const SUBJECT = aRow({ kind: 'subject', id: MAYA, subject: undefined, scope: undefined, createdAt: 0, from: undefined, until: undefined });
const GRANT = aRow();
const KEY = { kind: 'request', id: 'r1' };
const QUERY: ContextQuery = {
  keys: [KEY, { subjectOf: KEY }, { kind: 'lock', id: 'open' }],
  live: { subject: { subjectOf: KEY }, at: 0 },
  open: { kind: 'request', subject: { subjectOf: KEY }, limit: 1 },
};
const NEXT = placeOf(REQUEST);
const ANSWER: StoreContext = { rows: [REQUEST, SUBJECT, undefined], live: [GRANT], open: { items: [REQUEST], next: NEXT } };
const NOTHING: StoreContext = { rows: [undefined, undefined, undefined], live: [], open: { items: [], next: undefined } };

const reads = (store: GrantStore) =>
  new LedgerReads(new JournalReader(store, () => undefined), (rows, decode) => rows.map((row) => decode(row)));
const read = (store: GrantStore, query = QUERY) => readContext(reads(store), query);

/** A store with the rows above, and its calls. */
async function filled() {
  const store = new FaultyStore(new MemoryGrantStore());
  await store.commit(aChange({ put: [REQUEST, OTHER, SUBJECT, GRANT] }));
  return store;
}

/** The calls of a store after its first commit. */
const callsOf = (store: FaultyStore) => store.calls.slice(1).map(({ method }) => method);

/** A store with all methods on the object itself, so that a test may replace or remove one. */
function plain(store: GrantStore): { -readonly [name in keyof GrantStore]: GrantStore[name] } {
  return {
    namespace: store.namespace,
    durability: store.durability,
    in: (name) => store.in(name),
    get: (keys) => store.get(keys),
    live: (query) => store.live(query),
    find: (query) => store.find(query),
    due: (query) => store.due(query),
    commit: (change) => store.commit(change),
    journal: (query) => store.journal(query),
    context: (query) => (store as Required<GrantStore>).context(query),
  };
}

describe('readContext', () => {
  it('asks one question of a store that has context()', async () => {
    const store = await filled();
    expect(await read(store)).toEqual(ANSWER);
    expect(callsOf(store)).toEqual(['context']);
  });

  it('reads rows before lists, and a row before its subject, from a store without context()', async () => {
    const store = await filled();
    expect(await read({ ...plain(store), context: undefined } as unknown as GrantStore)).toEqual(ANSWER);
    expect(callsOf(store)).toEqual(['get', 'get', 'live', 'find']);
    expect(store.calls.slice(1, 3).map(({ argument }) => argument)).toEqual([
      [KEY, { kind: 'lock', id: 'open' }],
      [{ kind: 'subject', id: MAYA }],
    ]);
  });

  it('gives the same answer both ways: repeated keys, missing rows, a row without a subject, parts that are not asked for', async () => {
    const store = await filled();
    const composed = { ...plain(store), context: undefined } as unknown as GrantStore;
    const noSubject = { kind: 'subject', id: MAYA };
    const missing = { kind: 'request', id: 'none' };
    for (const query of [
      { keys: [] },
      { keys: [KEY, KEY, { subjectOf: KEY }, KEY, { subjectOf: KEY }] },
      { keys: [{ subjectOf: missing }, missing], live: { subject: { subjectOf: missing }, at: 0 } },
      { keys: [noSubject, { subjectOf: noSubject }], open: { kind: 'grant', subject: { subjectOf: noSubject }, limit: 9 } },
      { keys: [], live: { subject: MAYA, at: GRANT.until as number }, open: { kind: 'request', subject: MAYA, limit: 2 } },
      { keys: [], live: { subject: 'User:Maya', at: 0 }, open: { kind: 'request', subject: `${MAYA} `, limit: 2 } },
    ] satisfies ContextQuery[]) {
      expect(await read(composed, query)).toEqual(await read(store, query));
    }
  });

  it('answers nothing for the subject of a missing row', async () => {
    const store = new MemoryGrantStore();
    expect(await read(store)).toEqual(NOTHING);
    expect(await read({ ...plain(store), context: undefined } as unknown as GrantStore)).toEqual(NOTHING);
  });

  it('never uses an inherited context() beside an own get(), live() or find() (L30)', async () => {
    const outage = new StoreError('live', 'an outage');
    const fail = (): never => {
      throw outage;
    };
    class Subclass extends MemoryGrantStore {
      override live = fail;
    }
    class Prototype extends MemoryGrantStore {
      override async get(): Promise<never> {
        return fail();
      }
    }
    const replaced = new MemoryGrantStore();
    Object.assign(replaced, { find: fail });
    const wrapped = new Proxy(plain(new MemoryGrantStore()), {
      get: (target, name) => (name === 'live' ? fail : (Reflect.get(target, name, target) as unknown)),
    });
    for (const store of [
      new Subclass(),
      new Prototype(),
      replaced,
      wrapped,
      Object.assign(Object.create(plain(new MemoryGrantStore())), { live: fail }),
    ]) {
      const query: ContextQuery = { keys: [KEY], live: { subject: MAYA, at: 0 }, open: { kind: 'request', subject: MAYA, limit: 1 } };
      await expect(read(store as GrantStore, query)).rejects.toBe(outage);
    }
  });

  it('uses a context() on the object that also has get(), live() and find()', async () => {
    const store = await filled();
    await read(plain(store));
    expect(callsOf(store)).toEqual(['context']);
  });

  const hostile: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['no object', 7],
    ['no rows', { ...ANSWER, rows: undefined }],
    ['too few rows', { ...ANSWER, rows: [REQUEST, SUBJECT] }],
    ['too many rows', { ...ANSWER, rows: [...ANSWER.rows, undefined] }],
    ['null for a row', { ...ANSWER, rows: [REQUEST, null, undefined] }],
    ['a row of another key', { ...ANSWER, rows: [OTHER, SUBJECT, undefined] }],
    ['a row of another kind', { ...ANSWER, rows: [{ ...REQUEST, kind: 'grant' }, SUBJECT, undefined] }],
    ["another subject's row", { ...ANSWER, rows: [REQUEST, { ...SUBJECT, id: 'user:noor' }, undefined] }],
    ['a row for the subject of a missing row', { ...ANSWER, rows: [undefined, SUBJECT, undefined] }],
    ['a row for a subject that is no string', { ...ANSWER, rows: [{ ...REQUEST, subject: 7 }, { ...SUBJECT, id: 7 }, undefined] }],
    ['no live rows', { ...ANSWER, live: undefined }],
    ['live rows that are no list', { ...ANSWER, live: { length: 0 } }],
    ['no page', { ...ANSWER, open: undefined }],
    ['a list for a page', { ...ANSWER, open: [REQUEST] }],
    ['a next that is no place', { ...ANSWER, open: { items: [], next: 'x' } }],
  ];
  it.each(hostile)('rejects a malformed answer: %s (L30)', async (_, answer) => {
    const store = await filled();
    store.inject('context', { fault: 'malformed', answer });
    await expect(read(store)).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
  });

  it('passes malformed rows on to the decoder, which judges each (L30)', async () => {
    const store = await filled();
    const bent = { ...ANSWER, live: [null, GRANT], open: { items: ['x'], next: undefined } };
    store.inject('context', { fault: 'malformed', answer: bent });
    expect(await read(store)).toEqual(bent);
  });

  it('finds no subject in a malformed row, from a store without context() (L30)', async () => {
    const rows: readonly unknown[] = [{ ...REQUEST, subject: { length: 3 } }, undefined];
    const store = { ...plain(await filled()), context: undefined, get: async () => rows as Row[] } as unknown as GrantStore;
    expect(await read(store, { ...QUERY, keys: [KEY, { kind: 'lock', id: 'open' }] })).toEqual({ ...NOTHING, rows });
  });

  it('rejects if any of its questions fails (L30)', async () => {
    for (const method of ['get', 'live', 'find'] as const) {
      const store = await filled();
      store.inject(method, { fault: 'reject' });
      await expect(read({ ...plain(store), context: undefined } as unknown as GrantStore)).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
      expect(await read(store)).toEqual(ANSWER);
    }
    const store = await filled();
    for (const fault of ['reject', 'throw'] as const) {
      store.inject('context', { fault, error: new Error('gone') }, 1);
      await expect(read(store)).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    }
  });
});
