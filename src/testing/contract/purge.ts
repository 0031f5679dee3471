import { verifyJournal } from '../../journal/verify.js';
import type { Change, GrantStore } from '../../core/store-port.js';
import { aChange, aRow } from '../builders.js';
import { holds, rejects, same } from '../assertions.js';
import { changeOf, commit, conflict, entryFor, foundBy, idsOf, journalIds, picture, wholeJournal } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 1, for purges: a purge is one commit that removes rows, drops a prefix of the journal, and appends an entry about it. */
export const purge: Cases = (it, hooks) => {
  onePurge(it, hooks);
  bounds(it, hooks);
  repeatedPurge(it, hooks);
};

/** One change removes rows, drops a prefix and appends its entry. */
const onePurge: Cases = (it) => {
  it('removes rows, drops the prefix and appends its entry in one change', async (store) => {
    await tenEntries(store);
    await commit(store, purgeTo(store, 4));
    same(idsOf(await foundBy(store, { kind: 'grant' })), ['r5', 'r6', 'r7', 'r8', 'r9'], 'the rows that are left');
    same(await journalIds(store), ['c5.1', 'c6.1', 'c7.1', 'c8.1', 'c9.1', 'purge.1'], 'the entries that are left');
  });

  it('keeps the anchor of the last dropped entry as the start, and the head', async (store) => {
    const entries = await tenEntries(store);
    await commit(store, purgeTo(store, 4));
    const { start, head, entries: left } = await store.journal({ after: 0, limit: 100 });
    same(start, { seq: 5, hash: entries[4]?.hash }, 'the start: the anchor of the last entry that was dropped');
    same(head.seq, 11, 'the sequence number of the head');
    same(await verifyJournal(left, { after: start, head }), { ok: true, head, count: 6 }, 'verifyJournal() from the start');
  });

  it('begins at the oldest kept entry when asked from before it, and says so through the start', async (store) => {
    await tenEntries(store);
    await commit(store, purgeTo(store, 4));
    for (const after of [0, 2, 5]) {
      const { entries, start } = await store.journal({ after, limit: 2 });
      same(
        entries.map((entry) => entry.seq),
        [6, 7],
        `the sequence numbers after ${after}`,
      );
      same(start.seq, 5, `the start, in a read after ${after}`);
    }
  });

  it('continues the chain: no number is given twice, no link is broken', async (store) => {
    const entries = await tenEntries(store);
    await commit(store, purgeTo(store, 4));
    await commit(store, changeOf(store, 'later', [aRow({ id: 'later' })]));
    const after = await wholeJournal(store);
    same(after.slice(0, 5), entries.slice(5), 'the entries that were kept');
    same(
      after.map((entry) => entry.seq),
      [6, 7, 8, 9, 10, 11, 12],
      'the sequence numbers',
    );
  });

  it('keeps everything when the change conflicts', async (store) => {
    await tenEntries(store);
    const before = await picture(store, [aRow({ id: 'r0' })]);
    const change = purgeTo(store, 4);
    await conflict(store, { ...change, expect: [...change.expect, { kind: 'grant', id: 'r9', version: 3 }] }, 'r9 is at version 1');
    same(await picture(store, [aRow({ id: 'r0' })]), before, 'all that the store answers after the conflict, compared with before');
  });
};

/** A journal can be trimmed in steps, and up to its head. */
const bounds: Cases = (it) => {
  it('drops every entry: then the start is the head, and the chain continues from there', async (store) => {
    const entries = await tenEntries(store);
    const head = { seq: 10, hash: entries[9]?.hash };
    await commit(store, aChange({ id: 'purge', trimJournalTo: 10 }));
    same(await store.journal({ after: 0, limit: 10 }), { entries: [], start: head, head }, 'the journal that holds nothing');
    await commit(store, changeOf(store, 'later', [aRow({ id: 'later' })]));
    const later = await wholeJournal(store);
    same(
      later.map(({ seq, prevHash }) => ({ seq, prevHash })),
      [{ seq: 11, prevHash: head.hash }],
      'the first entry after that',
    );
  });

  it('goes in steps, and trimming what is trimmed changes nothing', async (store) => {
    await tenEntries(store);
    await commit(store, aChange({ id: 'first', append: [entryFor(store, 'first.1')], trimJournalTo: 3 }));
    await commit(store, aChange({ id: 'second', append: [entryFor(store, 'second.1')], trimJournalTo: 6 }));
    await commit(store, aChange({ id: 'third', append: [entryFor(store, 'third.1')], trimJournalTo: 2 }));
    same((await store.journal({ after: 0, limit: 1 })).start.seq, 6, 'the sequence number of the start');
    same(await journalIds(store), ['c6.1', 'c7.1', 'c8.1', 'c9.1', 'first.1', 'second.1', 'third.1'], 'the entries that are left');
  });

  it('rejects trimming beyond the head, with nothing applied', async (store) => {
    await tenEntries(store);
    const before = await picture(store, [aRow({ id: 'r0' })]);
    // The entry of the change itself is the eleventh.
    await rejects(() => store.commit({ ...purgeTo(store, 4), trimJournalTo: 12 }), 'a commit that trims the journal beyond its head');
    same(await picture(store, [aRow({ id: 'r0' })]), before, 'all that the store answers after the rejection, compared with before');
    await commit(store, { ...purgeTo(store, 4), trimJournalTo: 11 });
    same(await journalIds(store), [], 'the entries that are left after trimming up to the head');
  });
};

/** A repeated purge has one effect, and a purge during a read never tears a page. */
const repeatedPurge: Cases = (it) => {
  it('has one effect when it is committed again', async (store) => {
    await tenEntries(store);
    const change = purgeTo(store, 4);
    await commit(store, change);
    await commit(store, changeOf(store, 'again', [aRow({ id: 'r0', body: { life: 2 } })]));
    await commit(store, change);
    same(idsOf(await foundBy(store, { kind: 'grant' })), ['r0', 'r5', 'r6', 'r7', 'r8', 'r9'], 'the rows that are left');
    same((await wholeJournal(store)).length, 7, 'the number of entries that are left');
  });

  it('keeps each journal page consistent during a purge', async (store) => {
    await tenEntries(store);
    const [slice] = await Promise.all([store.journal({ after: 0, limit: 100 }), store.commit(purgeTo(store, 4))]);
    const verified = await verifyJournal(slice.entries, { after: slice.start, head: slice.head });
    holds(verified.ok, `entries, start and head of one answer belong together: got ${JSON.stringify(verified)}`);
  });
};

/** Ten changes, each with a closed row and an entry. */
async function tenEntries(store: GrantStore) {
  for (let i = 0; i < 10; i++) await commit(store, changeOf(store, `c${i}`, [aRow({ id: `r${i}`, open: false })]));
  return wholeJournal(store);
}

/** A purge of the rows and entries from 0 to `last`, inclusive. */
function purgeTo(store: GrantStore, last: number): Change {
  const remove = Array.from({ length: last + 1 }, (_, i) => ({ kind: 'grant', id: `r${i}` }));
  return aChange({
    id: 'purge',
    expect: remove.map((key) => ({ ...key, version: 1 })),
    append: [entryFor(store, 'purge.1', { type: 'journal.purged' })],
    remove,
    trimJournalTo: last + 1,
  });
}
