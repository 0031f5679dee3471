import type { FindQuery, GrantStore, Row } from '../../core/store-port.js';
import { placeOf } from '../../records/index.js';
import { holds, rejects, same } from '../assertions.js';
import { aRow } from '../builders.js';
import type { Cases } from './cases.js';
import { HOSTILE_STRINGS } from './hostile.js';
import { changeOf, commit, foundBy, given, idsOf, LATEST, next } from './steps.js';

type Order = NonNullable<FindQuery['order']>;

/** Page sizes, which must all give the same rows. */
const LIMITS = [1, 2, 3, 100];

/** Guarantee 6, of the orders of `find`: lists are newest first or due first, and no reader sorts the rows of a store. */
export const readingOrder: Cases = (it, hooks) => {
  byCreation(it, hooks);
  byDue(it, hooks);
  conditions(it, hooks);
  places(it, hooks);
  betweenPages(it, hooks);
};

/** Lists in the order of creation. */
const byCreation: Cases = (it) => {
  it('orders by createdAt as a number, the oldest first by default', async (store) => {
    const instants = [LATEST, 1_000, 999, 10_000_000_000_000, 0, 9_999_999_999_999, 1];
    await given(
      store,
      instants.map((at, i) => aRow({ id: `r${i}`, createdAt: at, open: i % 2 === 0 })),
    );
    const oldest = ['r4', 'r6', 'r2', 'r1', 'r5', 'r3', 'r0'];
    for (const limit of LIMITS) {
      same(await ids(store, {}, limit), oldest, `the ids without an order, in pages of ${limit}`);
      same(await ids(store, { order: 'oldest' }, limit), oldest, `the oldest first, in pages of ${limit}`);
      same(await ids(store, { order: 'newest' }, limit), [...oldest].reverse(), `the newest first, in pages of ${limit}`);
    }
    same(await ids(store, { order: 'newest', open: true }), ['r0', 'r2', 'r6', 'r4'], 'the newest of the open ones first');
    same(await ids(store, { order: 'newest', open: false }), ['r3', 'r5', 'r1'], 'the newest of the closed ones first');
  });

  it('orders what was made at one instant by id, by UTF-16 code unit, in both directions', async (store) => {
    const sorted = [...HOSTILE_STRINGS].sort();
    await given(
      store,
      HOSTILE_STRINGS.map((id) => aRow({ id, createdAt: 7, sortAt: 9 })),
    );
    for (const limit of [1, 7, 100]) {
      same(await ids(store, { order: 'newest' }, limit), [...sorted].reverse(), `the newest first, in pages of ${limit}`);
      same(await ids(store, { order: 'due' }, limit), sorted, `what is due first, in pages of ${limit}`);
    }
  });
};

/** Lists in the order of `sortAt`. */
const byDue: Cases = (it) => {
  it('gives in the order of due the open rows that have a sortAt, by that as a number', async (store) => {
    const instants = [1_000, 999, 10_000, LATEST, 0, 1_000];
    const rows = instants.map((at, i) => aRow({ id: `r${i}`, sortAt: at, subject: i % 2 === 0 ? 'maya' : 'noor' }));
    await given(store, [...rows, aRow({ id: 'never', sortAt: undefined }), aRow({ id: 'closed', open: false }), aRow({ kind: 'usage' })]);
    for (const limit of LIMITS) {
      same(await ids(store, { order: 'due' }, limit), ['r4', 'r1', 'r0', 'r5', 'r2', 'r3'], `what is due, in pages of ${limit}`);
      same(await ids(store, { order: 'due', subject: 'maya' }, limit), ['r4', 'r0', 'r2'], `what of maya is due, in pages of ${limit}`);
    }
    same(await ids(store, { order: 'due', open: true }), ['r4', 'r1', 'r0', 'r5', 'r2', 'r3'], 'what is due of the open rows');
    same(await ids(store, { order: 'due', open: false }), [], 'what is due of the closed rows');
    same(await ids(store, { order: 'due', subject: 'absent' }), [], 'what is due of a subject without rows');
  });

  it('follows a row whose sortAt moves or goes, and that is closed, opened or removed', async (store) => {
    const rows = ['a', 'b', 'c', 'd'].map((id, i) => aRow({ id, createdAt: i, sortAt: 10 + i }));
    await given(store, rows);
    const [a, b, c, d] = rows as [Row, Row, Row, Row];
    const due = async (): Promise<unknown> => [
      await ids(store, { order: 'due' }, 1),
      await ids(store, { order: 'due', subject: a.subject }, 1),
    ];
    await given(store, [next(a, { sortAt: 99 }), next(b, { sortAt: undefined }), next(c, { open: false })]);
    same(
      await due(),
      [
        ['d', 'a'],
        ['d', 'a'],
      ],
      'what is due after one has moved, one has no sortAt, and one was closed',
    );
    same(await ids(store, { order: 'newest' }, 1), ['d', 'c', 'b', 'a'], 'the newest first, which none of this changes');
    await given(store, [next(next(b), { sortAt: 5 }), next(next(c), { open: true, sortAt: 6 })]);
    await commit(store, changeOf(store, 'gone', [], { expect: [d], remove: [d] }));
    same(
      await due(),
      [
        ['b', 'c', 'a'],
        ['b', 'c', 'a'],
      ],
      'what is due after two have come back, and one was removed',
    );
    same(await ids(store, { order: 'newest' }, 1), ['c', 'b', 'a'], 'the newest first, after one was removed');
  });
};

/** Every order works with every condition. */
const conditions: Cases = (it) => {
  it('finds by a scope, byte for byte, alone and with every other condition, in every order', async (store) => {
    const scopes = ['db:read', 'DB:READ', 'db', 'db:read:x', '', undefined];
    const rows = Array.from({ length: 24 }, (_, i) =>
      aRow({
        id: `r${String(i).padStart(2, '0')}`,
        scope: scopes[i % 6],
        subject: i % 4 < 2 ? 'maya' : 'noor',
        open: i % 3 !== 1,
        createdAt: 100 - i,
        sortAt: i % 3 === 1 ? undefined : 50 + ((i * 7) % 24),
        from: i,
        until: i + 2,
      }),
    );
    await given(store, [...rows, ...['usage', 'request'].map((kind) => aRow({ kind, id: 'other', scope: 'db:read' }))]);
    for (const scope of ['db:read', '', 'db', 'none']) {
      for (const subject of [undefined, 'maya']) {
        for (const open of [undefined, true, false]) {
          for (const during of [undefined, { from: 3, until: 15 }]) {
            for (const order of ['oldest', 'newest', 'due'] as const) {
              const query = { scope, subject, open, during, order };
              const wanted = rows.filter((row) => meets(row, query)).sort(inOrder(order));
              same(await ids(store, query, 2), idsOf(wanted), `find() by ${JSON.stringify(query)}`);
            }
          }
        }
      }
    }
    for (const kind of ['usage', 'request'])
      same(idsOf(await foundBy(store, { kind, scope: 'db:read' })), ['other'], `the ${kind} on a scope`);
  });

  it('gives all that is wanted among 2,500 rows, in pages that may be short or empty', async (store) => {
    const count = 2_500;
    const rows = Array.from({ length: count }, (_, i) =>
      aRow({
        id: `r${String(i).padStart(4, '0')}`,
        scope: i % 1_200 === 7 ? 'rare' : 'common',
        createdAt: i,
        sortAt: count - i,
        from: i,
        until: i + 1,
      }),
    );
    for (let i = 0; i < count; i += 500) await given(store, rows.slice(i, i + 500));
    const rare = ['r0007', 'r1207', 'r2407'];
    for (const order of ['oldest', 'newest', 'due'] as const) {
      const wanted = order === 'oldest' ? rare : [...rare].reverse();
      same(await ids(store, { order, subject: 'user:maya', scope: 'rare' }, 2), wanted, `the ${order} of a rare scope and a subject`);
      same(await ids(store, { order, scope: 'rare' }, 2), wanted, `the ${order} of a rare scope`);
      same(await ids(store, { order, during: { from: 1_500, until: 1_501 } }, 5), ['r1500'], `the ${order} of a short window`);
    }
    same((await ids(store, { order: 'newest' }, 1_000)).length, count, 'the number of rows in pages of 1,000');
    same((await ids(store, { order: 'newest' }, 5_000)).length, count, 'the number of rows where more are asked for than a page looks at');
  });
};

/** A page continues after a position, even if the row there has moved or gone. */
const places: Cases = (it) => {
  it('continues after the place of any row, whether it is there, removed, or moved', async (store) => {
    const rows = ['a', 'b', 'c', 'd', 'e'].map((id, i) => aRow({ id, createdAt: 10 + i, sortAt: 30 - i }));
    await given(store, rows);
    const [, b, c] = rows as [Row, Row, Row];
    const behind = async (order: Order, row: Row) =>
      idsOf((await store.find({ kind: 'grant', order, after: placeOf(row, order), limit: 9 })).items);
    const all = async () => [await behind('oldest', c), await behind('newest', c), await behind('due', c)];
    same(
      await all(),
      [
        ['d', 'e'],
        ['b', 'a'],
        ['b', 'a'],
      ],
      'the rows after the third of five',
    );
    await commit(store, changeOf(store, 'gone', [next(b, { sortAt: 1 })], { expect: [b, c], remove: [c] }));
    same(await all(), [['d', 'e'], ['b', 'a'], ['a']], 'the rows after the place of a removed row, once another has moved before it');
  });

  it('continues after a place at which no row is: lists of a time, and of what is still due, begin there', async (store) => {
    const rows = ['a', 'b', 'c', 'd'].map((id, i) =>
      aRow({ id, createdAt: 10 * i, sortAt: 10 * i, open: i !== 1, subject: i === 0 ? 'noor' : 'maya' }),
    );
    await given(store, rows);
    const behind = async (order: Order, at: number, query: Partial<FindQuery> = {}) =>
      idsOf(
        (await store.find({ kind: 'grant', order, after: placeOf({ createdAt: at, sortAt: at, id: '' }, order), limit: 9, ...query }))
          .items,
      );
    for (const [at, oldest, newest, due] of [
      [0, ['a', 'b', 'c', 'd'], [], ['a', 'c', 'd']],
      [1, ['b', 'c', 'd'], ['a'], ['c', 'd']],
      [10, ['b', 'c', 'd'], ['a'], ['c', 'd']],
      [30, ['d'], ['c', 'b', 'a'], ['d']],
      [LATEST, [], ['d', 'c', 'b', 'a'], []],
    ] as const) {
      const found = [await behind('oldest', at), await behind('newest', at), await behind('due', at)];
      same(found, [oldest, newest, due], `the rows after the place at ${at}: the oldest, the newest and what is due first`);
    }
    same(await behind('newest', 30, { subject: 'maya' }), ['c', 'b'], 'the newest rows of a subject after a place');
    same(await behind('oldest', 5, { open: true, subject: 'maya' }), ['c', 'd'], 'the open rows of a subject after a place');
  });

  it('refuses an after that is no place', async (store) => {
    await given(store, [aRow()]);
    for (const after of ['', 'r1.1', '{}', '[1]', '["1","r1.1"]', '[-1,"r1.1"]', '[1,2]']) {
      await rejects(async () => store.find({ kind: 'grant', after, limit: 1 }), `find() after ${JSON.stringify(after)}`);
    }
  });
};

/** A change between two pages neither hides an unchanged row nor shows one twice. */
const betweenPages: Cases = (it) => {
  it('shows what stays unchanged exactly once, what is due first, while rows are added, moved and closed between pages', async (store) => {
    const rows = Array.from({ length: 9 }, (_, i) => aRow({ id: `r${i}`, sortAt: 10 * i }));
    await given(store, rows);
    const seen: string[] = [];
    const [first, , , , , fifth, , seventh] = rows as [Row, Row, Row, Row, Row, Row, Row, Row];
    const changes = [
      () => given(store, [aRow({ id: 'before', sortAt: 5 }), aRow({ id: 'between', sortAt: 35 })]),
      // One that was seen moves back, so that it may come again; one that was not seen yet moves before the place.
      () => given(store, [next(first, { sortAt: 1_000 }), next(seventh, { sortAt: 1 })]),
      () => given(store, [next(fifth, { open: false, sortAt: undefined })]),
    ];
    for (let after: string | undefined, page = 0; page < 20; page++) {
      const found = await store.find({ kind: 'grant', order: 'due', after, limit: 2 });
      seen.push(...idsOf(found.items));
      await changes[page]?.();
      after = found.next;
      if (after === undefined) break;
    }
    const unchanged = ['r1', 'r2', 'r3', 'r4', 'r6', 'r8'];
    same(
      seen.filter((id) => unchanged.includes(id)),
      unchanged,
      'the unchanged rows that were seen',
    );
  });

  it('shows what stays unchanged exactly once, the newest first, while rows come and go between pages', async (store) => {
    const rows = Array.from({ length: 9 }, (_, i) => aRow({ id: `r${i}`, createdAt: 10 * i }));
    await given(store, rows);
    const seen: string[] = [];
    const [gone] = rows.slice(7) as [Row];
    const changes = [
      () => given(store, [aRow({ id: 'newer', createdAt: 1_000 }), aRow({ id: 'between', createdAt: 45 })]),
      () => commit(store, changeOf(store, 'gone', [], { expect: [gone], remove: [gone] })),
    ];
    for (let after: string | undefined, page = 0; page < 20; page++) {
      const found = await store.find({ kind: 'grant', order: 'newest', after, limit: 2 });
      seen.push(...idsOf(found.items));
      await changes[page]?.();
      after = found.next;
      if (after === undefined) break;
    }
    const kept = seen.filter((id) => id !== 'newer' && id !== 'between');
    same(kept, idsOf(rows).reverse(), 'the rows that were seen, but for those that came in between');
    holds(new Set(seen).size === seen.length, `each row is seen once: got ${seen.join()}`);
  });
};

const ids = async (store: GrantStore, query: Omit<Parameters<typeof foundBy>[1], 'kind'>, limit = 100): Promise<string[]> =>
  idsOf(await foundBy(store, { kind: 'grant', ...query }, limit));

function meets(row: Row, { scope, subject, open, during, order }: Omit<FindQuery, 'kind' | 'limit'>): boolean {
  return (
    row.scope === scope &&
    (subject === undefined || row.subject === subject) &&
    (open === undefined || row.open === open) &&
    (order !== 'due' || (row.open && row.sortAt !== undefined)) &&
    (during === undefined || ((row.from ?? 0) < during.until && during.from < (row.until ?? 0)))
  );
}

function inOrder(order: Order): (a: Row, b: Row) => number {
  if (order === 'due') return (a, b) => (a.sortAt ?? 0) - (b.sortAt ?? 0) || (a.id < b.id ? -1 : 1);
  return (a, b) => (order === 'oldest' ? 1 : -1) * (a.createdAt - b.createdAt);
}
