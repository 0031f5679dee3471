import type { Change, GrantStore, Row } from '../../core/store-port.js';
import { EXPECTATIONS_OF_ROW, MAX_CHANGE, readChangeSize } from '../../core/change-size.js';
import { aChange, aRow } from '../builders.js';
import { holds, rejects, same } from '../assertions.js';
import { commit, entryFor, given, isKept, journalIds } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 1, at its bound: a store applies a change of the greatest size whole, and refuses a larger one whole (L42). */
export const changeSize: Cases = (it) => {
  it('states a maxChange that an engine accepts, the same one in each namespace', async (store, leaveOut) => {
    const { maxChange } = store;
    if (maxChange === undefined) {
      leaveOut('the store has no maxChange');
      return;
    }
    let problem: unknown;
    try {
      readChangeSize('maxChange', maxChange);
    } catch (error) {
      problem = error;
    }
    holds(problem === undefined, `an engine accepts the store: ${(problem as Error | undefined)?.message}`);
    same(store.in(`${store.namespace}-b`).maxChange, maxChange, 'the maxChange in another namespace');
  });

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

const sizeOf = ({ maxChange = MAX_CHANGE }: GrantStore) => maxChange;

const SIZED: Readonly<Record<string, (store: GrantStore) => Sized>> = {
  rows: (store) => ({
    at: aChange({ id: 'at', put: rows(sizeOf(store).rows) }),
    above: aChange({ id: 'above', put: rows(sizeOf(store).rows + 1) }),
  }),
  'rows that are written or removed': (store) => {
    const [put, before] = [rows(sizeOf(store).rows - 20), [...rows(20, 'gone'), KEPT]];
    const removing = (id: string, remove: readonly Row[]) => {
      const change = aChange({ id, put });
      return { ...change, remove, expect: [...change.expect, ...remove] };
    };
    return { at: removing('at', before.slice(0, 20)), above: removing('above', before), before };
  },
  entries: (store) => ({
    at: aChange({ id: 'at', append: list(sizeOf(store).entries, (i) => entryFor(store, `at.${i}`)) }),
    above: aChange({ id: 'above', append: list(sizeOf(store).entries + 1, (i) => entryFor(store, `above.${i}`)) }),
  }),
  expectations: (store) => {
    const expecting = (id: string, length: number) =>
      aChange({ id, expect: list(length, (i) => ({ kind: 'grant', id: `none-${i}`, version: 0 })) });
    const most = EXPECTATIONS_OF_ROW * sizeOf(store).rows;
    return { at: expecting('at', most), above: expecting('above', most + 1) };
  },
  'bytes of JSON': (store) => {
    // Two bytes each in UTF-8: a store that counts characters would accept too much.
    const of = (id: string, bytes: number) => {
      const make = (text: string) => aChange({ id, put: [aRow({ id: `big-${id}`, body: { text } })] });
      const rest = bytes - new TextEncoder().encode(JSON.stringify(make(''))).length;
      return make('é'.repeat(Math.floor(rest / 2)) + 'x'.repeat(rest % 2));
    };
    return { at: of('at', sizeOf(store).bytes), above: of('above', sizeOf(store).bytes + 1) };
  },
};
