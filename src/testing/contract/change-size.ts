import type { Change, GrantStore, Row } from '../../core/store-port.js';
import { MAX_CHANGE } from '../../core/change-size.js';
import { aChange, aRow } from '../builders.js';
import { rejects, same } from '../assertions.js';
import { commit, entryFor, given, isKept, journalIds } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 1, at its bound: a store applies a change of the greatest size whole, and refuses a larger one whole (L42). */
export const changeSize: Cases = (it) => {
  for (const [what, sized] of Object.entries(SIZED)) {
    it(`takes the greatest number of ${what}, and refuses one more, applying nothing`, async (store) => {
      const { above, at, before = [KEPT] } = sized(store);
      await given(store, before);
      const error = await rejects(() => store.commit(above), `commit() of a change with more ${what} than the greatest number`);
      same((error as { code?: unknown }).code, 'ERR_JIT_STORE', 'the code of the refusal, which says that nothing was applied');
      same(await journalIds(store), [(await journalIds(store))[0]], 'the entries after the refusal');
      for (const row of above.put.slice(0, 1)) await isKept(store, row, undefined, 'a row of the refused change');
      same(await store.get(before), before, 'the rows from before, after the refusal');
      await commit(store, at);
      same(await store.get(at.put), at.put, 'the rows of the change at the bound');
      same((await journalIds(store)).length, 1 + at.append.length, 'the number of entries');
    });
  }
};

interface Sized {
  readonly at: Change;
  readonly above: Change;
  /** The rows that exist before. */
  readonly before?: readonly Row[];
}

const list = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));
const rows = (length: number, name = 'row') => list(length, (i) => aRow({ id: `${name}-${i}`, subject: `user:${i}` }));
const KEPT = aRow({ id: 'kept' });

const SIZED: Readonly<Record<string, (store: GrantStore) => Sized>> = {
  rows: () => ({
    at: aChange({ id: 'at', put: rows(MAX_CHANGE.rows) }),
    above: aChange({ id: 'above', put: rows(MAX_CHANGE.rows + 1) }),
  }),
  'rows that are written or removed': () => {
    const [put, before] = [rows(MAX_CHANGE.rows - 100), [...rows(100, 'gone'), KEPT]];
    const removing = (id: string, remove: readonly Row[]) => {
      const change = aChange({ id, put });
      return { ...change, remove, expect: [...change.expect, ...remove] };
    };
    return { at: removing('at', before.slice(0, 100)), above: removing('above', before), before };
  },
  entries: (store) => ({
    at: aChange({ id: 'at', append: list(MAX_CHANGE.entries, (i) => entryFor(store, `at.${i}`)) }),
    above: aChange({ id: 'above', append: list(MAX_CHANGE.entries + 1, (i) => entryFor(store, `above.${i}`)) }),
  }),
  expectations: () => {
    const expecting = (id: string, length: number) =>
      aChange({ id, expect: list(length, (i) => ({ kind: 'grant', id: `none-${i}`, version: 0 })) });
    return { at: expecting('at', MAX_CHANGE.expectations), above: expecting('above', MAX_CHANGE.expectations + 1) };
  },
  'bytes of JSON': () => {
    // Two bytes each in UTF-8: a store that counts characters would accept too much.
    const of = (id: string, bytes: number) => {
      const make = (text: string) => aChange({ id, put: [aRow({ id: `big-${id}`, body: { text } })] });
      const rest = bytes - new TextEncoder().encode(JSON.stringify(make(''))).length;
      return make('é'.repeat(Math.floor(rest / 2)) + 'x'.repeat(rest % 2));
    };
    return { at: of('at', MAX_CHANGE.bytes), above: of('above', MAX_CHANGE.bytes + 1) };
  },
};
