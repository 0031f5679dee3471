import type { GrantStore } from '../../core/store-port.js';
import { aChange, aRow } from '../builders.js';
import { holds, same } from '../assertions.js';
import { atOnce, changeOf, entryFor, given, next, wholeJournal } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 5, for answers of `commit`. An engine remembers the newest head that it received, and so detects a store that went back. */
export const answers: Cases = (it, { reopen }) => {
  it('is the last entry of the change that was committed', async (store) => {
    const append = ['c1.1', 'c1.2', 'c1.3'].map((id) => entryFor(store, id));
    const first = await store.commit(aChange({ id: 'c1', append }));
    same(first, { outcome: 'committed', head: await headOf(store) }, 'the answer of the first commit');
    same(first.head.seq, 3, 'the number in the head of the first answer');
    const second = await store.commit(changeOf(store, 'c2', [aRow({ id: 'x' })]));
    same(second, { outcome: 'committed', head: await headOf(store) }, 'the answer of the second commit');
    same(second.head.seq, 4, 'the number in the head of the second answer');
  });

  it('stays where it is when the change appends nothing, conflicts or is committed again', async (store) => {
    const row = aRow({ id: 'x' });
    const change = changeOf(store, 'c1', [row]);
    await store.commit(change);
    await given(store, [next(row)]);
    const head = await headOf(store);
    same(await store.commit(aChange({ put: [next(next(row))] })), { outcome: 'committed', head }, 'the answer to a change without entries');
    same(await store.commit(aChange()), { outcome: 'committed', head }, 'the answer to an empty change');
    same(await store.commit(changeOf(store, 'c2', [row])), { outcome: 'conflict', head }, 'the answer to a change that conflicts');
    same(await store.commit(change), { outcome: 'committed', head }, 'the answer to the same change again');
  });

  it('is seq 0 with 64 zeros in a journal that never had an entry', async (store) => {
    const head = { seq: 0, hash: '0'.repeat(64) };
    same(await store.commit(aChange()), { outcome: 'committed', head }, 'the answer to the first, empty change');
    const stale = aChange({ expect: [{ kind: 'grant', id: 'x', version: 1 }] });
    same(await store.commit(stale), { outcome: 'conflict', head }, 'the answer to a change that conflicts');
  });

  it('names what another handle has committed', async (store) => {
    const other = await reopen(store);
    await given(store, [aRow({ id: 'x' })]);
    await given(other, [aRow({ id: 'y' })]);
    const head = await headOf(store);
    same(head.seq, 2, 'the number in the head');
    for (const handle of [store, other]) {
      same(await handle.commit(aChange()), { outcome: 'committed', head }, 'the answer to an empty change');
      same(await handle.commit(changeOf(handle, 'c1', [aRow({ id: 'x' })])), { outcome: 'conflict', head }, 'the answer to a conflict');
    }
  });

  it('is an entry of the journal, and none before those of the change, for each of 64 changes at once', async (store) => {
    const given = await atOnce(64, (i) => store.commit(changeOf(store, `c${i}`, [aRow({ id: `r${i}` })])));
    const entries = await wholeJournal(store);
    for (const [i, { outcome, head }] of given.entries()) {
      const own = entries.find(({ id }) => id === `c${i}.1`);
      same(outcome, 'committed', `the outcome of c${i}`);
      same(entries[head.seq - 1]?.hash, head.hash, `the hash in the answer to c${i}: that of entry ${head.seq}`);
      holds(head.seq >= (own?.seq ?? 0), `the head in the answer to c${i} is at ${own?.seq} or later: got ${head.seq}`);
    }
  });

  it('continues from the last entry when the whole journal was trimmed', async (store) => {
    await given(store, [aRow({ id: 'x' })]);
    const head = await headOf(store);
    same(await store.commit(aChange({ trimJournalTo: 1 })), { outcome: 'committed', head }, 'the answer to the change that trims');
    same(await store.commit(aChange()), { outcome: 'committed', head }, 'the answer to an empty change after that');
  });
};

const headOf = async (store: GrantStore) => (await store.journal({ after: 0, limit: 1 })).head;
