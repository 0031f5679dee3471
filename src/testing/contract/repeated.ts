import { aChange, aRow } from '../builders.js';
import { holds, same } from '../assertions.js';
import { atOnce, changeOf, commit, conflict, entryFor, given, isKept, journalIds, next, outcomeOf } from './steps.js';
import type { Cases } from './cases.js';

/**
 * Guarantee 3: after a lost reply the engine commits the same change again. The store must then answer that it was applied,
 * and must not apply it twice.
 */
export const repeated: Cases = (it, hooks) => {
  oneEffect(it, hooks);
  racing(it, hooks);
  identity(it, hooks);
  withoutEntries(it, hooks);
};

/** A change that is committed again has one effect, even if records changed in between. */
const oneEffect: Cases = (it) => {
  it('answers committed again, with one effect', async (store) => {
    const change = changeOf(store, 'c1', [aRow({ id: 'x' })]);
    for (let time = 0; time < 3; time++) await commit(store, change);
    await isKept(store, aRow({ id: 'x' }), aRow({ id: 'x' }));
    same(await journalIds(store), ['c1.1'], 'the entries of the journal');
  });

  it('answers committed to a change of nothing, and writes nothing', async (store) => {
    await given(store, [aRow({ id: 'x' })]);
    const before = await journalIds(store);
    for (let time = 0; time < 2; time++) await commit(store, aChange({ id: 'empty', append: [] }));
    same(await journalIds(store), before, 'the entries of the journal');
  });

  it('appends once when the change only appends', async (store) => {
    const change = aChange({ id: 'c1', append: [entryFor(store, 'c1.1'), entryFor(store, 'c1.2')] });
    for (let time = 0; time < 3; time++) await commit(store, change);
    same(await journalIds(store), ['c1.1', 'c1.2'], 'the entries of the journal');
  });

  it('answers committed even when its records have changed since, and leaves them as they are', async (store) => {
    const row = aRow({ id: 'x' });
    const change = changeOf(store, 'c1', [row]);
    await commit(store, change);
    await given(store, [next(row, { body: { later: true } })]);
    await commit(store, change);
    await isKept(store, row, next(row, { body: { later: true } }));
    same((await journalIds(store)).length, 2, 'the number of entries');
  });

  it('answers committed even when its record has been removed since, and restores nothing', async (store) => {
    const row = aRow({ id: 'x' });
    const change = changeOf(store, 'c1', [row]);
    await commit(store, change);
    await commit(store, changeOf(store, 'c2', [], { expect: [row], remove: [row] }));
    await commit(store, change);
    await isKept(store, row, undefined);
    same(await journalIds(store), ['c1.1', 'c2.1'], 'the entries of the journal');
  });
};

/** Concurrent repeats have one effect. A change that conflicted has none. */
const racing: Cases = (it) => {
  it('has one effect when it is committed 16 times at once, and answers each of them committed', async (store) => {
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    const change = changeOf(store, 'c1', [next(row)]);
    const outcomes = await atOnce(16, () => outcomeOf(store, change));
    same(
      outcomes,
      outcomes.map(() => 'committed'),
      'the outcomes',
    );
    await isKept(store, row, next(row));
    same((await journalIds(store)).slice(1), ['c1.1'], 'the entries that were added');
  });

  it('forgets a change that conflicted: committed again, it is compared again', async (store) => {
    const row = aRow({ id: 'x' });
    const change = changeOf(store, 'c1', [next(row)]);
    await conflict(store, change, 'there is no record at version 1');
    await conflict(store, change, 'there is still no record at version 1');
    await given(store, [row]);
    await commit(store, change);
    await isKept(store, row, next(row));
    await commit(store, change);
    same((await journalIds(store)).slice(1), ['c1.1'], 'the entries that were added');
  });
};

/** Every handle knows a change by its id, byte by byte, for as long as its entries are kept. */
const identity: Cases = (it, { reopen }) => {
  it('remembers each of many changes, the oldest too', async (store) => {
    const changes = Array.from({ length: 200 }, (_, i) => changeOf(store, `c${i}`, [aRow({ id: `r${i}` })]));
    for (const change of changes) await commit(store, change);
    for (const change of changes) await commit(store, change);
    same((await journalIds(store)).length, 200, 'the number of entries');
  });

  it('distinguishes the ids of changes byte by byte', async (store) => {
    const ids = ['change', 'Change', 'change ', 'changes', '__proto__', 'constructor', 'toString', 'a:b', 'a.b', 'é', 'e\u0301', '%', '_'];
    for (const [i, id] of ids.entries()) await commit(store, aChange({ id, append: [entryFor(store, `e${i}`)] }));
    same(
      await journalIds(store),
      ids.map((_, i) => `e${i}`),
      'the entries: one for each change',
    );
  });

  it('knows the change through another handle too', async (store) => {
    const change = changeOf(store, 'c1', [aRow({ id: 'x' })]);
    await commit(store, change);
    const other = await reopen(store);
    await commit(other, change);
    same(await journalIds(other), ['c1.1'], 'the entries of the journal');
  });
};

/** A store does not remember the id of a change without entries. */
const withoutEntries: Cases = (it) => {
  it('may answer conflict when nothing was appended, and still has one effect', async (store) => {
    const cursor = aRow({ kind: 'cursor', id: 'sink', body: { seq: 1 } });
    const change = aChange({ id: 'c1', put: [cursor] });
    await commit(store, change);
    await commit(store, aChange({ put: [next(cursor, { body: { seq: 2 } })] }));
    const outcome = await outcomeOf(store, change);
    holds(['committed', 'conflict'].includes(outcome), `the outcome is committed or conflict: got ${outcome}`);
    await isKept(store, cursor, next(cursor, { body: { seq: 2 } }));
  });
};
