import type { GrantStore, Row } from '../../core/store-port.js';
import { START_AT } from '../manual-clock.js';
import { aChange, aRow } from '../builders.js';
import { rejects, same } from '../assertions.js';
import { changeOf, commit, conflict, dueAt, entryFor, foundBy, given, idsOf, isKept, journalIds, next, picture } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 1: a transition without its entry, an entry without its transition, and half a transition cannot exist. */
export const wholeOrNothing: Cases = (it, hooks) => {
  stored(it, hooks);
  unchanged(it, hooks);
  afterFailure(it, hooks);
  replaced(it, hooks);
  removed(it, hooks);
};

/** A change is stored with all its rows and entries. */
const stored: Cases = (it) => {
  it('stores every row and every entry of a change', async (store) => {
    const rows = ['a', 'b', 'c'].map((id) => aRow({ id, scope: `db-${id}:write`, body: { of: id } }));
    const append = ['c1.1', 'c1.2', 'c1.3'].map((id) => entryFor(store, id));
    await commit(store, aChange({ id: 'c1', put: rows, append }));
    same(await store.get(rows), rows, 'the rows that get() gives');
    same(await journalIds(store), ['c1.1', 'c1.2', 'c1.3'], 'the entries of the journal');
  });

  it('stores rows without an entry, and entries without a row', async (store) => {
    const cursor = aRow({ kind: 'cursor', id: 'sink', subject: undefined, scope: undefined, from: undefined, until: undefined });
    await commit(store, aChange({ put: [cursor] }));
    await commit(store, aChange({ append: [entryFor(store, 'c2.1')] }));
    await isKept(store, cursor, cursor);
    same(await journalIds(store), ['c2.1'], 'the entries of the journal');
  });
};

/** A change that fails leaves no trace. */
const unchanged: Cases = (it) => {
  it('changes nothing when one expectation among many fails', async (store) => {
    const { change, keys } = await bigChange(store);
    const before = await picture(store, keys);
    const stale = { kind: 'grant', id: 'old-1', version: 7 };
    await conflict(store, { ...change, expect: [...change.expect.slice(0, 9), stale, ...change.expect.slice(9)] }, 'old-1 is at version 1');
    same(await picture(store, keys), before, 'all that the store answers after a conflict, compared with before');
  });

  it('changes nothing when an entry in the middle cannot be linked', async (store) => {
    const { change, keys } = await bigChange(store);
    const before = await picture(store, keys);
    const broken = entryFor(store, 'big.2', { digest: 'not a digest' });
    const append = [entryFor(store, 'big.1'), broken, entryFor(store, 'big.3')];
    await rejects(() => store.commit({ ...change, append }), 'commit() of an entry whose digest is not 64 hex digits');
    same(await picture(store, keys), before, 'all that the store answers after a failed commit, compared with before');
  });

  it('changes nothing when a row would get another createdAt, even 0', async (store) => {
    const { change, keys } = await bigChange(store);
    const [row] = change.put.slice(-1) as [Row];
    const zero = aRow({ id: 'zero', createdAt: 0 });
    await given(store, [zero]);
    const before = await picture(store, [...keys, zero]);
    for (const createdAt of [row.createdAt - 1, row.createdAt + 1, 0]) {
      const put = [...change.put.slice(0, -1), { ...row, createdAt }];
      const error = await rejects(
        () => store.commit({ ...change, put }),
        `commit() of a row with createdAt ${createdAt}, which has ${row.createdAt}`,
      );
      same((error as { code?: unknown }).code, 'ERR_JIT_STORE', 'the code of the refusal, which says that nothing was applied');
    }
    await rejects(
      () => store.commit(changeOf(store, 'c0', [next(zero, { createdAt: 1 })])),
      'commit() of a row with createdAt 1, which has 0',
    );
    same(await picture(store, [...keys, zero]), before, 'all that the store answers after a failed commit, compared with before');
    await conflict(
      store,
      { ...change, expect: [...change.expect, { ...zero, version: 7 }], put: [{ ...row, createdAt: 0 }] },
      'zero is at version 1',
    );
    await commit(store, change);
  });
};

/** A failed change does not affect later changes. */
const afterFailure: Cases = (it) => {
  it('continues after a failed change with the next sequence number', async (store) => {
    await given(store, [aRow({ id: 'old-1' })]);
    const broken = entryFor(store, 'c1.1', { digest: '' });
    await rejects(
      () => store.commit(changeOf(store, 'c1', [aRow({ id: 'new' })], { append: [broken] })),
      'commit() of an entry without a digest',
    );
    await conflict(store, changeOf(store, 'c2', [aRow({ id: 'old-1' })]), 'old-1 exists');
    await commit(store, changeOf(store, 'c3', [aRow({ id: 'new' })]));
    const { entries } = await store.journal({ after: 1, limit: 10 });
    same(
      entries.map(({ seq, id }) => ({ seq, id })),
      [{ seq: 2, id: 'c3.1' }],
      'the entries after the first',
    );
  });

  it('commits a failed change once it is corrected', async (store) => {
    const broken = entryFor(store, 'c1.1', { digest: 'zz'.repeat(32) });
    const change = changeOf(store, 'c1', [aRow()]);
    await rejects(() => store.commit({ ...change, append: [broken] }), 'commit() of an entry whose digest is not hex');
    await commit(store, change);
    await isKept(store, aRow(), aRow());
    same(await journalIds(store), ['c1.1'], 'the entries of the journal');
  });
};

/** A row is replaced as a whole. */
const replaced: Cases = (it) => {
  it('replaces a row whole: no column and no field of the body is left of the one before', async (store) => {
    const old = aRow({ id: 'x', body: { only: 'in the first' } });
    const bare = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
    const row = next(old, { ...bare, open: false, body: { second: true } });
    await given(store, [old]);
    await given(store, [row]);
    await isKept(store, row, row);
    same(await foundBy(store, { kind: 'grant', subject: 'user:maya' }), [], 'find() by the subject that the row no longer has');
    same(await store.live({ subject: 'user:maya', at: START_AT }), [], 'live() of the subject that the row no longer has');
    same(await dueAt(store, LONG_AFTER), [], 'due() for a row that is never due any more');
  });

  it('keeps columns that are undefined undefined', async (store) => {
    const row = aRow({
      kind: 'subject',
      id: 'user:maya',
      subject: undefined,
      scope: undefined,
      createdAt: 0,
      from: undefined,
      until: undefined,
      dueAt: undefined,
      sortAt: undefined,
    });
    await given(store, [row]);
    await isKept(store, row, row);
    same(await foundBy(store, { kind: 'subject' }), [row], 'the row that find() gives');
  });
};

/** A removed row is missing from every read, and no other row is. */
const removed: Cases = (it) => {
  it('removes a row from every read, in the change that removes it', async (store) => {
    const gone = aRow({ id: 'gone' });
    const kept = aRow({ id: 'kept' });
    await given(store, [gone, kept]);
    await commit(store, changeOf(store, 'c1', [], { expect: [gone], remove: [{ kind: 'grant', id: 'gone' }] }));
    same(await store.get([gone, kept]), [undefined, kept], 'the rows that get() gives');
    same(idsOf(await foundBy(store, { kind: 'grant' })), ['kept'], 'the rows that find() gives');
    same(idsOf(await dueAt(store, LONG_AFTER)), ['kept'], 'the rows that due() gives');
    same(idsOf(await store.live({ subject: 'user:maya', at: START_AT })), ['kept'], 'the rows that live() gives');
  });

  it('removes what a kind and an id name together, and nothing else', async (store) => {
    const rows = [aRow({ kind: 'grant', id: 'x' }), aRow({ kind: 'usage', id: 'x' }), aRow({ kind: 'grant', id: 'xx' })];
    await given(store, rows);
    await commit(store, changeOf(store, 'c1', [], { expect: rows.slice(0, 1), remove: [{ kind: 'grant', id: 'x' }] }));
    same(await store.get(rows), [undefined, rows[1], rows[2]], 'the rows that get() gives');
  });

  it('creates a removed row again as a new one', async (store) => {
    const row = aRow({ id: 'x', body: { life: 1 } });
    await given(store, [row]);
    await commit(store, changeOf(store, 'c1', [], { expect: [row], remove: [row] }));
    const again = aRow({ id: 'x', createdAt: row.createdAt + 1, body: { life: 2 } });
    await commit(store, changeOf(store, 'c2', [again]));
    await isKept(store, again, again);
    same(idsOf(await foundBy(store, { kind: 'grant' })), ['x'], 'the rows that find() gives');
  });
};

const LONG_AFTER = START_AT * 2;

/** Twenty new rows, a rewritten row, a removed row and three entries: many writes that could be applied in part. */
async function bigChange(store: GrantStore) {
  const [rewritten, removed] = [aRow({ id: 'old-1' }), aRow({ id: 'old-2' })] as const;
  await given(store, [rewritten, removed]);
  const created: Row[] = Array.from({ length: 20 }, (_, i) => aRow({ id: `new-${i}`, body: { i } }));
  const put = [...created, next(rewritten, { open: false, dueAt: undefined })];
  const change = aChange({
    id: 'big',
    expect: [...created.map(({ kind, id }) => ({ kind, id, version: 0 })), rewritten, removed],
    put,
    append: ['big.1', 'big.2', 'big.3'].map((id) => entryFor(store, id)),
    remove: [{ kind: 'grant', id: 'old-2' }],
  });
  return { change, keys: [...put, removed] };
}
