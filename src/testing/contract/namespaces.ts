import type { GrantStore } from '../../core/store-port.js';
import { aChange, aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { same } from '../assertions.js';
import { SEPARATORS } from './hostile.js';
import {
  atOnce,
  changeOf,
  commit,
  conflict,
  dueAt,
  entryFor,
  foundBy,
  given,
  isKept,
  journalIds,
  LATEST,
  next,
  wholeJournal,
} from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 7, of namespaces: two tenants share a database and nothing else. */
export const namespaces: Cases = (it, hooks) => {
  handles(it, hooks);
  rows(it, hooks);
  journals(it, hooks);
  names(it, hooks);
};

/** A store is bound to the requested namespace. */
const handles: Cases = (it) => {
  it('binds a store to the namespace asked for', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    same(other.namespace, `${store.namespace}-b`, 'the namespace of in()');
    same(other.durability, store.durability, 'the durability of in()');
    same(store.in(store.namespace).namespace, store.namespace, 'the namespace of in() with the same');
  });

  it('shares everything with another store of the same namespace', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    await given(other, [aRow({ id: 'x' })]);
    for (const handle of [store.in(other.namespace), other.in(other.namespace)]) {
      await isKept(handle, aRow({ id: 'x' }), aRow({ id: 'x' }));
      same((await journalIds(handle)).length, 1, 'the number of entries');
    }
    await given(store, [aRow({ id: 'y' })]);
    await isKept(other.in(store.namespace), aRow({ id: 'y' }), aRow({ id: 'y' }));
  });
};

/** Rows and expectations belong to one namespace. */
const rows: Cases = (it) => {
  it('shows no row of another namespace in any read', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    await given(store, [aRow({ id: 'x', body: { of: 'first' } })]);
    same(await other.get([aRow({ id: 'x' })]), [undefined], 'get() in the other namespace');
    same(await other.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT }), [], 'live() in the other namespace');
    same(await other.live({ subject: 'user:maya', at: START_AT }), [], 'live() of all scopes in the other namespace');
    same(await foundBy(other, { kind: 'grant' }), [], 'find() in the other namespace');
    same(await dueAt(other, LATEST), [], 'due() in the other namespace');
  });

  it('keeps a row of each namespace under one key', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    const [mine, theirs] = [aRow({ id: 'x', body: { of: 'first' } }), aRow({ id: 'x', body: { of: 'second' } })];
    await given(store, [mine]);
    await given(other, [theirs]);
    await given(other, [next(theirs)]);
    await isKept(store, mine, mine);
    await isKept(other, theirs, next(theirs));
    same(await foundBy(store, { kind: 'grant' }), [mine], 'find() in the first namespace');
    await commit(other, changeOf(other, 'removal', [], { expect: [next(theirs)], remove: [theirs] }));
    await isKept(store, mine, mine);
  });

  it('compares expectations inside the namespace only', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    await given(store, [aRow({ id: 'x' })]);
    await conflict(other, changeOf(other, 'c1', [next(aRow({ id: 'x' }))]), 'there is no such record in this namespace');
    await commit(other, changeOf(other, 'c2', [aRow({ id: 'x' })]));
  });
};

/** Entries and the ids of changes belong to one namespace too. */
const journals: Cases = (it) => {
  it('gives each namespace a journal of its own, from 1, with its own chain', async (store) => {
    const handles = [store, store.in(`${store.namespace}-b`), store.in(`${store.namespace}-c`)];
    await atOnce(24, (i) => {
      const handle = handles[i % 3] ?? store;
      return commit(handle, changeOf(handle, `c${i}`, [aRow({ id: `r${i}` })]));
    });
    for (const handle of handles) {
      const entries = await wholeJournal(handle);
      same(
        entries.map((entry) => `${entry.seq} ${entry.namespace}`),
        Array.from({ length: 8 }, (_, i) => `${i + 1} ${handle.namespace}`),
        `number and namespace of the entries of ${handle.namespace}`,
      );
    }
  });

  it('knows a change by its id inside the namespace only', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    await commit(store, changeOf(store, 'c1', [aRow({ id: 'x' })]));
    await commit(other, changeOf(other, 'c1', [aRow({ id: 'x' })]));
    await isKept(other, aRow({ id: 'x' }), aRow({ id: 'x' }), 'the row of the change of the same id in the other namespace');
    same(await journalIds(other), ['c1.1'], 'the entries of the other namespace');
  });

  it('trims the journal of one namespace only', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    for (const handle of [store, other]) for (const id of ['a', 'b']) await commit(handle, aChange({ append: [entryFor(handle, id)] }));
    await commit(other, aChange({ append: [entryFor(other, 'purge')], trimJournalTo: 2 }));
    same(await journalIds(store), ['a', 'b'], 'the entries of the first namespace');
    same(await journalIds(other), ['purge'], 'the entries of the second');
  });
};

/** Names of namespaces are compared byte by byte. */
const names: Cases = (it) => {
  it('distinguishes namespaces byte by byte, and from the kinds and ids after them', async (store) => {
    const base = store.namespace.slice(0, 200);
    const ends = ['x', 'X', 'x%', 'x_', '{x}', '\u00e9', '__proto__', 'n', ...SEPARATORS.map((separator) => `n${separator}x`)];
    const handles = [...new Set(ends)].map((end): GrantStore => store.in(base + end));
    // Joined with a colon, namespace n with kind x:grant and namespace n:x with kind grant would have the same key.
    const rowsOf = (i: number) =>
      ['grant', ...SEPARATORS.map((separator) => `x${separator}grant`)].map((kind) => aRow({ kind, id: 'y', body: { i } }));
    for (const [i, handle] of handles.entries()) await given(handle, rowsOf(i));
    for (const [i, handle] of handles.entries()) {
      same(await handle.get(rowsOf(i)), rowsOf(i), `the rows of the namespace ${handle.namespace}`);
      same((await journalIds(handle)).length, 1, `the number of entries of the namespace ${handle.namespace}`);
    }
  });
};
