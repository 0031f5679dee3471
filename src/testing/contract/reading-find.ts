import type { GrantStore } from '../../core/store-port.js';
import { aRow } from '../builders.js';
import { holds, same } from '../assertions.js';
import { HOSTILE_STRINGS } from './hostile.js';
import { changeOf, commit, foundBy, given, idsOf, LATEST, next } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 6, of `find`: lists, and answers about the past, are built from it. */
export const readingFind: Cases = (it, hooks) => {
  conditions(it, hooks);
  windows(it, hooks);
  pages(it, hooks);
  changesBetweenPages(it, hooks);
  conditionsNoLongerMet(it, hooks);
};

/** A row is found by its current columns. */
const conditions: Cases = (it) => {
  it('gives the rows of a kind that meet every condition asked', async (store) => {
    const rows = [
      aRow({ id: 'a', subject: 'maya', open: true }),
      aRow({ id: 'b', subject: 'maya', open: false }),
      aRow({ id: 'c', subject: 'noor', open: true }),
      aRow({ id: 'd', subject: undefined, open: false }),
      aRow({ kind: 'request', id: 'a', subject: 'maya', open: true }),
    ];
    await given(store, rows);
    const find = async (query: Omit<Parameters<typeof foundBy>[1], 'kind'>) => idsOf(await foundBy(store, { kind: 'grant', ...query }));
    same(await find({}), ['a', 'b', 'c', 'd'], 'all grants');
    same(await find({ subject: undefined, open: undefined, during: undefined }), ['a', 'b', 'c', 'd'], 'conditions that are undefined');
    same(await find({ subject: 'maya' }), ['a', 'b'], 'the grants of maya');
    same(await find({ open: true }), ['a', 'c'], 'the open grants');
    same(await find({ open: false }), ['b', 'd'], 'the closed grants');
    same(await find({ subject: 'maya', open: false }), ['b'], 'the closed grants of maya');
    same(await find({ subject: 'noel' }), [], 'the grants of an unknown subject');
    same(await foundBy(store, { kind: 'request' }), [rows[4]], 'all requests, whole');
    same(await foundBy(store, { kind: 'cursor' }), [], 'a kind without rows');
  });

  it('finds rows of any kind, by whichever columns they have', async (store) => {
    const bare = { scope: undefined, from: undefined, until: undefined, dueAt: undefined };
    const rows = [
      aRow({ ...bare, kind: 'subject', id: 'user:maya', open: false }),
      aRow({ ...bare, kind: 'subject', id: 'user:noor', subject: 'user:noor', open: true }),
      aRow({ ...bare, kind: 'subject', id: 'user:sam', subject: undefined, open: false }),
      aRow({ kind: 'use', id: 'u1', open: false, from: undefined, until: 200, dueAt: undefined }),
      aRow({ ...bare, kind: 'use', id: 'u2', open: false }),
      aRow({ ...bare, kind: 'a kind of next year', id: 'n1', open: false }),
    ];
    await given(store, rows);
    const find = async (query: Parameters<typeof foundBy>[1]) => idsOf(await foundBy(store, query));
    same(await foundBy(store, { kind: 'subject' }), rows.slice(0, 3), 'the rows of kind subject, whole');
    same(await foundBy(store, { kind: 'use' }), rows.slice(3, 5), 'the rows of kind use, whole');
    same(await foundBy(store, { kind: 'a kind of next year', open: false }), rows.slice(5), 'the rows of an unknown kind, whole');
    same(await find({ kind: 'subject', subject: 'user:maya' }), ['user:maya'], 'the row of a subject, by the subject');
    same(await find({ kind: 'subject', open: true }), ['user:noor'], 'the open rows of kind subject');
    same(await find({ kind: 'use', subject: 'user:maya', open: false }), ['u1', 'u2'], 'the closed rows of kind use of a subject');
    same(await find({ kind: 'use', during: { from: 0, until: LATEST } }), [], 'the rows of kind use during all of time: none has a from');
  });

  it('follows a row that is closed, and opened again', async (store) => {
    const row = aRow({ kind: 'subject', id: 'x', open: true });
    const closed = next(row, { open: false });
    await given(store, [row, aRow({ kind: 'subject', id: 'y', open: true })]);
    const find = async (open: boolean) => idsOf(await foundBy(store, { kind: 'subject', open }, 1));
    await given(store, [closed]);
    same([await find(true), await find(false)], [['y'], ['x']], 'the open and the closed rows after one was closed');
    await given(store, [next(closed, { open: true })]);
    same([await find(true), await find(false)], [['x', 'y'], []], 'the open and the closed rows after it was opened again');
  });
};

/** Windows are half-open. */
const windows: Cases = (it) => {
  it('meets a window half-open, at both of its ends and at -1, 0 and +1 ms', async (store) => {
    await given(store, [aRow({ id: 'x', from: 100, until: 200, open: false })]);
    const cases: readonly (readonly [from: number, until: number, met: boolean])[] = [
      [0, 99, false],
      [0, 100, false],
      [0, 101, true],
      [99, 100, false],
      [99, 101, true],
      [100, 101, true],
      [100, 200, true],
      [101, 102, true],
      [150, 151, true],
      [198, 199, true],
      [199, 200, true],
      [199, 201, true],
      [200, 201, false],
      [201, 202, false],
      [200, 300, false],
      [199, 300, true],
      [0, LATEST, true],
    ];
    for (const [from, until, met] of cases) {
      same(await during(store, from, until), met ? ['x'] : [], `find() during [${from}, ${until}) of a row that held [100, 200)`);
    }
  });

  it('gives for a window no row that lacks an end of its own, and none whose own is empty', async (store) => {
    await given(store, [
      aRow({ id: 'empty', from: 100, until: 100 }),
      aRow({ id: 'from', from: 100, until: undefined }),
      aRow({ id: 'neither', from: undefined, until: undefined }),
      aRow({ id: 'until', from: undefined, until: 200 }),
      aRow({ id: 'whole', from: 100, until: 200 }),
    ]);
    same(await during(store, 0, LATEST), ['whole'], 'find() during all of time');
    same(await during(store, 100, 101), ['whole'], 'find() during the first millisecond');
    same(idsOf(await foundBy(store, { kind: 'grant' })).length, 5, 'the number of rows that find() gives without a window');
  });
};

/** Pages are in order, and contain every row once, for any page size. */
const pages: Cases = (it) => {
  it('orders by id, by UTF-16 code unit', async (store) => {
    const ids = [...HOSTILE_STRINGS];
    await given(
      store,
      ids.map((id) => aRow({ id })),
    );
    const sorted = [...ids].sort();
    for (const limit of [1, 7, 100]) same(idsOf(await foundBy(store, { kind: 'grant' }, limit)), sorted, `the ids, in pages of ${limit}`);
  });

  it('orders ids with digits as text', async (store) => {
    await given(
      store,
      ['r10', 'r9', 'r1', 'r100', 'R2', '10', '9'].map((id) => aRow({ id })),
    );
    same(idsOf(await foundBy(store, { kind: 'grant' }, 2)), ['10', '9', 'R2', 'r1', 'r10', 'r100', 'r9'], 'the ids');
  });

  it('gives every row exactly once, regardless of the length of a page', async (store) => {
    const ids = Array.from({ length: 12 }, (_, i) => `r${String(i).padStart(2, '0')}`);
    await given(
      store,
      [...ids].reverse().map((id) => aRow({ id })),
    );
    for (const limit of [1, 2, 3, 4, 5, 11, 12, 13]) {
      same(idsOf(await foundBy(store, { kind: 'grant' }, limit)), ids, `the ids, in pages of ${limit}`);
    }
  });

  it('gives every row that is wanted, however many unwanted ones lie between', async (store) => {
    const rows = Array.from({ length: 60 }, (_, i) =>
      aRow({ id: `r${String(i).padStart(2, '0')}`, subject: i % 20 === 19 ? 'rare' : 'common', open: i % 2 === 0, from: i, until: i + 1 }),
    );
    await given(store, rows);
    same(idsOf(await foundBy(store, { kind: 'grant', subject: 'rare' }, 2)), ['r19', 'r39', 'r59'], 'the rows of a rare subject');
    same((await foundBy(store, { kind: 'grant', open: false }, 7)).length, 30, 'the number of closed rows');
    const some = await foundBy(store, { kind: 'grant', during: { from: 10, until: 13 } }, 1);
    same(idsOf(some), ['r10', 'r11', 'r12'], 'the rows of a window');
    const both = await foundBy(store, { kind: 'grant', open: true, subject: 'common', during: { from: 30, until: 35 } }, 1);
    same(idsOf(both), ['r30', 'r32', 'r34'], 'the rows that meet all conditions');
  });
};

/** A change between two pages neither hides an unchanged row nor shows one twice. */
const changesBetweenPages: Cases = (it) => {
  it('shows what stays unchanged exactly once while rows are written, inserted and removed between pages', async (store) => {
    const ids = Array.from({ length: 12 }, (_, i) => `r${String(i).padStart(2, '0')}`);
    await given(
      store,
      ids.map((id) => aRow({ id })),
    );
    const seen: string[] = [];
    const changes = [
      // Removes the first and the last row of the previous page. A store that pages by offset would skip two rows. A store
      // that looks for the last row would start over.
      () => commit(store, changeOf(store, 'c1', [], { expect: ['r00', 'r02'].map(first), remove: ['r00', 'r02'].map(first) })),
      // Adds rows before and right after the place where reading continues. A store that pages by offset would return two
      // rows again.
      () =>
        commit(
          store,
          changeOf(
            store,
            'c2',
            ['q', 'r005', 'r055'].map((id) => aRow({ id })),
          ),
        ),
      // A row that was read, and one that was not yet read: both now count as changed.
      () =>
        commit(
          store,
          changeOf(
            store,
            'c3',
            ['r01', 'r10'].map((id) => next(aRow({ id }), { open: false })),
          ),
        ),
    ];
    let after: string | undefined;
    for (let page = 0; page < 20; page++) {
      const { items, next: behind } = await store.find({ kind: 'grant', after, limit: 3 });
      seen.push(...idsOf(items));
      await changes[page]?.();
      after = behind;
      if (behind === undefined) break;
    }
    holds(after === undefined, 'pages end: expected a page without a next within twenty');
    const unchanged = ids.filter((id) => !['r00', 'r01', 'r02', 'r10'].includes(id));
    same(
      seen.filter((id) => unchanged.includes(id)),
      unchanged,
      'the unchanged rows that were seen',
    );
    same(seen, [...seen].sort(), 'all rows that were seen, in order');
  });
};

/** A page continues after rows that no longer meet the condition. */
const conditionsNoLongerMet: Cases = (it) => {
  it('continues after a page of rows that no longer meet the condition', async (store) => {
    const rows = Array.from({ length: 9 }, (_, i) => aRow({ id: `r${i}` }));
    await given(store, rows);
    const seen: string[] = [];
    let after: string | undefined;
    for (let page = 0; page < 10; page++) {
      const { items, next: behind } = await store.find({ kind: 'grant', open: true, after, limit: 2 });
      seen.push(...idsOf(items));
      if (items.length > 0)
        await given(
          store,
          items.map((row) => next(row, { open: false })),
        );
      after = behind;
      if (behind === undefined) break;
    }
    same(seen, idsOf(rows), 'the open rows that were seen, each closed as soon as it was');
  });
};

const first = (id: string) => ({ kind: 'grant', id, version: 1 });

async function during(store: GrantStore, from: number, until: number): Promise<string[]> {
  return idsOf(await foundBy(store, { kind: 'grant', during: { from, until } }));
}
