import type { Row } from '../../core/store-port.js';
import { aRow } from '../builders.js';
import { holds, same } from '../assertions.js';
import { HOSTILE_STRINGS } from './hostile.js';
import { changeOf, commit, dueAt, given, idsOf, LATEST, next } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 6, of `due`: a sweep handles these rows. If a row is missing, its end is never recorded. */
export const readingDue: Cases = (it, hooks) => {
  dueRows(it, hooks);
  dueOrder(it, hooks);
  duePages(it, hooks);
  movedRows(it, hooks);
};

/** A row is due from its `dueAt` on. */
const dueRows: Cases = (it) => {
  it('gives a row from its dueAt on: not at -1 ms, at 0 and at +1 ms', async (store) => {
    await given(store, [aRow({ id: 'x', dueAt: 1_000 })]);
    same(await dueAt(store, 998), [], 'due() at -2 ms');
    same(await dueAt(store, 999), [], 'due() at -1 ms');
    same(idsOf(await dueAt(store, 1_000)), ['x'], 'due() at 0 ms');
    same(idsOf(await dueAt(store, 1_001)), ['x'], 'due() at +1 ms');
    same(idsOf(await dueAt(store, LATEST)), ['x'], 'due() at the end of time');
  });

  it('gives rows of every kind, open or closed, and none that is never due', async (store) => {
    const rows = [
      aRow({ kind: 'cursor', id: 'a', dueAt: 1, subject: undefined, scope: undefined, from: undefined, until: undefined }),
      aRow({ kind: 'grant', id: 'b', dueAt: 2 }),
      aRow({ kind: 'request', id: 'c', dueAt: 3, open: false }),
    ];
    await given(store, [...rows, aRow({ id: 'never', dueAt: undefined })]);
    same(await dueAt(store, LATEST), rows, 'the rows that due() gives, whole');
  });
};

/** Rows are ordered by the instant at which they are due. */
const dueOrder: Cases = (it) => {
  it('orders by dueAt as a number', async (store) => {
    const instants = [0, 9, 10, 99, 100, 1_000, 2 ** 31, 2 ** 32 + 1, 1_767_225_600_000, LATEST];
    await given(
      store,
      [...instants].reverse().map((at) => aRow({ id: `at-${at}`, dueAt: at })),
    );
    for (const limit of [1, 3, 100]) {
      const rows = await dueAt(store, LATEST, limit);
      same(
        rows.map((row) => row.dueAt),
        instants,
        `the instants, in pages of ${limit}`,
      );
    }
  });

  it('orders what is due at one instant by kind, then by id, and loses none of it between pages', async (store) => {
    const rows = ['cursor', 'grant', 'request', 'usage'].flatMap((kind) => ['a', 'b', 'c'].map((id) => aRow({ kind, id, dueAt: 1_000 })));
    const early = aRow({ kind: 'usage', id: 'z', dueAt: 999 });
    const late = aRow({ kind: 'cursor', id: 'A', dueAt: 1_001 });
    await given(store, [late, ...[...rows].reverse(), early]);
    for (const limit of [1, 2, 4, 5, 13, 14, 15]) {
      same((await dueAt(store, 2_000, limit)).map(keyOf), [early, ...rows, late].map(keyOf), `what is due, in pages of ${limit}`);
    }
    same((await dueAt(store, 1_000, 4)).map(keyOf), [early, ...rows].map(keyOf), 'what is due at the instant itself, in pages of 4');
  });

  it('orders ids by UTF-16 code unit', async (store) => {
    await given(
      store,
      HOSTILE_STRINGS.map((id) => aRow({ id, dueAt: 1_000 })),
    );
    same(idsOf(await dueAt(store, 1_000, 5)), [...HOSTILE_STRINGS].sort(), 'the ids');
  });
};

/** Pages contain each unchanged row once, even if other rows change in between. */
const duePages: Cases = (it) => {
  it('continues after a page whose rows have not changed', async (store) => {
    const rows = Array.from({ length: 7 }, (_, i) => aRow({ id: `r${i}`, dueAt: 1_000 + (i >> 1) }));
    await given(store, rows);
    const first = await store.due({ at: 2_000, limit: 3 });
    const again = await store.due({ at: 2_000, limit: 3 });
    same(idsOf(again.items), idsOf(first.items), 'the first page, asked for again');
    const second = await store.due({ at: 2_000, after: first.next, limit: 3 });
    same(idsOf(second.items), ['r3', 'r4', 'r5'], 'the page after the first');
    const third = await store.due({ at: 2_000, after: second.next, limit: 3 });
    same(idsOf(third.items), ['r6'], 'the page after the second');
  });

  it('shows what stays unchanged exactly once while rows are handled, added and removed between pages', async (store) => {
    const rows = Array.from({ length: 12 }, (_, i) => aRow({ id: `r${String(i).padStart(2, '0')}`, dueAt: 1_000 + Math.floor(i / 4) }));
    await given(store, rows);
    const seen: string[] = [];
    const pick = (...ids: string[]) => rows.filter((row) => ids.includes(row.id));
    const changes = [
      () =>
        commit(
          store,
          changeOf(
            store,
            'c1',
            pick('r00', 'r02').map((row) => next(row, { open: false, dueAt: undefined })),
          ),
        ),
      () => commit(store, changeOf(store, 'c2', [], { expect: pick('r05', 'r09'), remove: pick('r05', 'r09') })),
      () => commit(store, changeOf(store, 'c3', [aRow({ id: 'new', dueAt: 500 }), aRow({ id: 'r045', dueAt: 1_001 })])),
    ];
    let after: string | undefined;
    for (let page = 0; page < 20; page++) {
      const { items, next: behind } = await store.due({ at: 2_000, after, limit: 3 });
      seen.push(...idsOf(items));
      await changes[page]?.();
      after = behind;
      if (behind === undefined) break;
    }
    holds(after === undefined, 'pages end: expected a page without a next within twenty');
    const unchanged = idsOf(rows).filter((id) => !['r00', 'r02', 'r05', 'r09'].includes(id));
    same(
      seen.filter((id) => unchanged.includes(id)),
      unchanged,
      'the unchanged rows that were seen',
    );
  });
};

/** The newest version of a row decides when it is due. */
const movedRows: Cases = (it) => {
  it('omits what is moved out of reach, or is never due any more, before its page is read', async (store) => {
    const rows = Array.from({ length: 7 }, (_, i) => aRow({ kind: 'usage', id: `r${i}`, dueAt: 1_000 + i }));
    await given(store, rows);
    const first = await store.due({ at: 2_000, limit: 2 });
    same(idsOf(first.items), ['r0', 'r1'], 'the first page');
    const [, , out, never, later] = rows as [Row, Row, Row, Row, Row];
    const moved = [next(out, { dueAt: 2_001 }), next(never, { dueAt: undefined }), next(later, { dueAt: 1_900 })];
    await commit(store, changeOf(store, 'c1', moved));
    const rest: Row[] = [];
    let after = first.next;
    for (let page = 0; page < 9 && after !== undefined; page++) {
      const { items, next: behind } = await store.due({ at: 2_000, after, limit: 2 });
      rest.push(...items);
      after = behind;
    }
    same(rest, [rows[5], rows[6], moved[2]], 'what the other pages hold');
  });

  it('follows a row whose dueAt moves on with each of its versions', async (store) => {
    let row = aRow({ kind: 'usage', id: 'x', dueAt: 1_000 });
    await given(store, [row, aRow({ kind: 'grant', id: 'x', dueAt: 1_005 })]);
    for (let dueNow = 1_001; dueNow <= 1_010; dueNow++) {
      row = next(row, { dueAt: dueNow });
      await given(store, [row]);
      const due = (at: number) => dueAt(store, at, 1).then((found) => found.map((one) => `${one.kind} ${one.version}`));
      const grant = dueNow > 1_005 ? ['grant 1'] : [];
      same(await due(dueNow - 1), grant, `due() in the millisecond before ${dueNow}`);
      same(await due(dueNow), [...(dueNow >= 1_005 ? ['grant 1'] : []), `usage ${row.version}`], `due() at ${dueNow}`);
    }
  });

  it('follows a row whose dueAt changes', async (store) => {
    const row = aRow({ id: 'x', dueAt: 1_000 });
    const later = next(row, { dueAt: 2_000 });
    const never = next(later, { dueAt: undefined });
    await given(store, [row, aRow({ id: 'y', dueAt: 1_500 })]);
    await given(store, [later]);
    same(idsOf(await dueAt(store, 1_999)), ['y'], 'due() before the row is due again');
    same(idsOf(await dueAt(store, 2_000)), ['y', 'x'], 'due() once it is due again');
    await given(store, [never]);
    same(idsOf(await dueAt(store, LATEST)), ['y'], 'due() when it is never due any more');
    await given(store, [next(never, { dueAt: 1 })]);
    same(idsOf(await dueAt(store, LATEST)), ['x', 'y'], 'due() when it is due earlier than ever');
  });
};

const keyOf = ({ dueAt: at, kind, id }: Row): string => `${String(at)} ${kind} ${id}`;
