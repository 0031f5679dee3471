import { GENESIS } from '../../journal/link.js';
import { aChange, aRow } from '../builders.js';
import { holds, same } from '../assertions.js';
import { atOnce, changeOf, commit, entryFor, getOne, given, journalIds, LATEST, next, outcomeOf, wholeJournal } from './steps.js';
import { EXTREME_JSON } from './hostile.js';
import type { Cases } from './cases.js';

/** Guarantee 5: a written entry cannot be omitted, reordered or changed without detection. */
export const journal: Cases = (it, hooks) => {
  links(it, hooks);
  commitOrder(it, hooks);
  journalPages(it, hooks);
};

/** Entries are numbered, linked and stored whole. */
const links: Cases = (it) => {
  it('is empty at first: start and head are seq 0 with 64 zeros', async (store) => {
    same(await store.journal({ after: 0, limit: 10 }), { entries: [], start: GENESIS, head: GENESIS }, 'the empty journal');
  });

  it('numbers entries 1, 2, 3 in the order of commits and, in a change, of its entries', async (store) => {
    await commit(store, aChange({ append: ['b', 'a'].map((id) => entryFor(store, id)) }));
    await commit(store, aChange({ append: ['z'].map((id) => entryFor(store, id)) }));
    await commit(store, aChange({ append: ['d', 'c', 'e'].map((id) => entryFor(store, id)) }));
    const { entries, head } = await store.journal({ after: 0, limit: 10 });
    same(
      entries.map(({ seq, id }) => `${seq}${id}`),
      ['1b', '2a', '3z', '4d', '5c', '6e'],
      'number and id of the entries',
    );
    same(head, { seq: 6, hash: entries[5]?.hash }, 'the head');
  });

  it('links each entry to the one before', async (store) => {
    for (let i = 0; i < 5; i++) await commit(store, aChange({ append: [entryFor(store, `${i}.1`), entryFor(store, `${i}.2`)] }));
    const entries = await wholeJournal(store);
    same(entries[0]?.prevHash, GENESIS.hash, 'the prevHash of the first entry');
    for (const [i, entry] of entries.slice(1).entries()) same(entry.prevHash, entries[i]?.hash, `the prevHash of entry ${entry.seq}`);
  });

  it('keeps every field of an entry, omitted ones and those with extreme values too', async (store) => {
    const full = entryFor(store, 'c1.1', { actor: 'user:"noor"\\%_é', data: EXTREME_JSON });
    const bare = entryFor(store, 'c1.2', { requestId: undefined, grantId: undefined, at: 0, data: {} });
    const late = entryFor(store, 'c1.3', { at: LATEST });
    await commit(store, aChange({ append: [full, bare, late] }));
    for (const [i, entry] of (await wholeJournal(store)).entries()) {
      const { seq, prevHash, hash } = entry;
      same(entry, { ...[full, bare, late][i], seq, prevHash, hash }, `entry ${seq}`);
    }
  });
};

/** Sequence numbers follow the order of commits, without a gap. */
const commitOrder: Cases = (it) => {
  it('has no gap, no double and no broken link after 64 concurrent changes, and keeps the entries of a change together', async (store) => {
    await atOnce(64, (i) =>
      commit(store, changeOf(store, `c${i}`, [aRow({ id: `r${i}` })], { append: threeOf(i).map((id) => entryFor(store, id)) })),
    );
    const ids = await journalIds(store);
    same(ids.length, 192, 'the number of entries');
    for (let at = 0; at < ids.length; at += 3) {
      const [, change] = /^c(\d+)\.1$/.exec(ids[at] ?? '') ?? [];
      same(ids.slice(at, at + 3), threeOf(Number(change)), `the three entries after ${at}: those of one change, in its order`);
    }
    same(new Set(ids).size, 192, 'the number of different entries');
  });

  it('leaves no gap for a change that conflicted among others', async (store) => {
    const rows = Array.from({ length: 8 }, (_, i) => aRow({ id: `r${i}` }));
    await given(store, rows);
    const outcomes = await atOnce(64, (i) => outcomeOf(store, changeOf(store, `c${i}`, [next(rows[i % 8] ?? aRow())])));
    const committed = outcomes.flatMap((outcome, i) => (outcome === 'committed' ? [`c${i}.1`] : []));
    same(committed.length, 8, 'the number of changes that committed');
    await commit(store, changeOf(store, 'last', [aRow({ id: 'last' })]));
    same((await journalIds(store)).slice(1).sort(), [...committed, 'last.1'].sort(), 'the entries: those of the changes that committed');
  });

  it('has its entries in the order of commits: a later version never stands before an earlier one', async (store) => {
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    await atOnce(8, async (writer) => {
      for (let turn = 0; turn < 40; turn++) {
        const current = await getOne(store, row);
        holds(current !== undefined, 'the row is there');
        const written = next(current);
        const append = [entryFor(store, `w${writer}.${turn}`, { data: { version: written.version } })];
        await store.commit(changeOf(store, `w${writer}.${turn}`, [written], { append }));
      }
    });
    const versions = (await wholeJournal(store)).slice(1).map((entry) => entry.data['version']);
    same(
      versions,
      versions.map((_, i) => i + 2),
      'the versions along the journal',
    );
  });

  it('has every entry of a commit that was answered before another began in front of the entries of that one', async (store) => {
    const order: string[] = [];
    for (let i = 0; i < 12; i++) {
      await commit(store, changeOf(store, `c${i}`, [aRow({ id: `r${(i * 7) % 12}` })]));
      order.push(`c${i}.1`);
    }
    same(await journalIds(store), order, 'the entries');
  });
};

/** Pages contain every entry once. */
const journalPages: Cases = (it) => {
  it('gives pages after a number, no longer than the limit, and not empty before the head', async (store) => {
    for (let i = 1; i <= 7; i++) await commit(store, aChange({ append: [entryFor(store, `c${i}.1`)] }));
    const page = async (after: number, limit: number) => (await store.journal({ after, limit })).entries.map((entry) => entry.seq);
    same(await page(0, 3), [1, 2, 3], 'three entries from the start');
    same(await page(3, 3), [4, 5, 6], 'three entries after 3');
    same(await page(6, 3), [7], 'three entries after 6, of which there is one');
    same(await page(7, 3), [], 'the entries after the head');
    same(await page(70, 3), [], 'the entries far after the head');
    same(await page(2, 1), [3], 'one entry after 2');
    for (const limit of [1, 2, 7, 8]) same((await wholeJournal(store, limit)).length, 7, `the number of entries, in pages of ${limit}`);
  });

  it('gives start and head with every page, regardless of what the page holds', async (store) => {
    for (let i = 1; i <= 5; i++) await commit(store, aChange({ append: [entryFor(store, `c${i}.1`)] }));
    const hash = (await wholeJournal(store)).at(-1)?.hash;
    for (const after of [0, 2, 5, 9]) {
      const { start, head } = await store.journal({ after, limit: 2 });
      same({ start, head }, { start: GENESIS, head: { seq: 5, hash } }, `start and head of the page after ${after}`);
    }
  });

  it('loses nothing between pages while it grows', async (store) => {
    const seen: number[] = [];
    for (let i = 1; i <= 3; i++) await commit(store, aChange({ append: [entryFor(store, `c${i}.1`)] }));
    for (let page = 0; page < 10; page++) {
      const { entries } = await store.journal({ after: seen.at(-1) ?? 0, limit: 2 });
      seen.push(...entries.map((entry) => entry.seq));
      if (page < 4) await commit(store, aChange({ append: [entryFor(store, `more-${page}.1`)] }));
    }
    same(seen, [1, 2, 3, 4, 5, 6, 7], 'the numbers seen, page by page');
  });

  it('does not move for a change without entries', async (store) => {
    await commit(store, aChange({ append: [entryFor(store, 'c1.1')] }));
    const before = await store.journal({ after: 0, limit: 10 });
    await commit(store, aChange({ put: [aRow({ kind: 'cursor', id: 'sink' })] }));
    same(await store.journal({ after: 0, limit: 10 }), before, 'the journal after a change without entries');
  });
};

const threeOf = (i: number): string[] => [`c${i}.1`, `c${i}.2`, `c${i}.3`];
