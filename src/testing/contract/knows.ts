import type { Anchor } from '../../records/index.js';
import type { GrantStore, Row } from '../../core/store-port.js';
import { aChange, aRow } from '../builders.js';
import { same } from '../assertions.js';
import { atOnce, changeOf, commit, conflict, entryFor, given, isKept, next, outcomeOf, picture, wholeJournal } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 2, for the journal: a store that lost an entry its caller has seen, or that forked, must not accept the caller's change. */
export const knows: Cases = (it, hooks) => {
  knownEntries(it, hooks);
  trimmed(it, hooks);
  precedence(it, hooks);
  manyCallers(it, hooks);
};

/** A change is accepted only if the journal holds the entry that its caller knows. */
const knownEntries: Cases = (it) => {
  it('takes a change that knows an entry of the journal, the newest or an older one', async (store) => {
    const entries = await fiveEntries(store);
    for (const [i, { seq, hash }] of entries.entries()) {
      await commit(store, changeOf(store, `knowing-${seq}`, [aRow({ id: `new-${i}` })], { knows: { seq, hash } }));
    }
  });

  it('takes a change that knows the beginning, in an empty journal and in a longer one', async (store) => {
    const beginning = { seq: 0, hash: '0'.repeat(64) };
    await commit(store, changeOf(store, 'first', [aRow({ id: 'x' })], { knows: beginning }));
    await commit(store, changeOf(store, 'second', [aRow({ id: 'y' })], { knows: beginning }));
  });

  it('answers behind where the journal has another hash there, and applies nothing', async (store) => {
    const entries = await fiveEntries(store);
    // The newest entry, and an older one: a journal that was restored from a backup and grew again.
    for (const seq of [5, 2]) await behind(store, { seq, hash: FORKED });
    await behind(store, { seq: 3, hash: entries[3]?.hash ?? '' });
  });

  it('answers behind where the journal ends before it, and applies nothing', async (store) => {
    const entries = await fiveEntries(store);
    await behind(store, { seq: 6, hash: FORKED });
    await behind(store, { seq: 1_000_000, hash: entries[4]?.hash ?? '' });
  });

  it('answers behind to a purge, and neither removes a row nor trims the journal', async (store) => {
    await fiveEntries(store);
    const keys = [0, 1, 4].map((i) => aRow({ id: `r${i}` }));
    const [gone, , kept] = await store.get(keys);
    const before = await picture(store, keys);
    const purge = changeOf(store, 'purge', [next(kept as Row, { open: false })], {
      expect: [gone, kept].map((row) => ({ kind: 'grant', id: (row as Row).id, version: 1 })),
      remove: [{ kind: 'grant', id: 'r0' }],
      trimJournalTo: 3,
    });
    for (const seq of [5, 9]) {
      const outcome = await outcomeOf(store, { ...purge, knows: { seq, hash: FORKED } });
      same(outcome, 'behind', `the outcome of a purge that knows ${seq} with another hash`);
      same(await picture(store, keys), before, 'all that the store answers after that, compared with before');
    }
    // Without what it knew, the same purge has its effect.
    await commit(store, purge);
    await isKept(store, aRow({ id: 'r0' }), undefined);
    same((await store.journal({ after: 0, limit: 1 })).start.seq, 3, 'where the journal starts after the purge');
  });

  it('answers behind in an empty journal, which everything was lost from', async (store) => {
    await behind(store, { seq: 1, hash: FORKED });
    await commit(store, changeOf(store, 'unknowing', [aRow({ id: 'x' })]));
    same((await wholeJournal(store)).length, 1, 'the number of entries');
  });
};

/** An entry that a purge has trimmed can no longer be compared. */
const trimmed: Cases = (it) => {
  it('takes a change that knows what a purge has trimmed', async (store) => {
    await fiveEntries(store);
    await commit(store, aChange({ trimJournalTo: 3 }));
    for (const seq of [1, 2, 3]) {
      await commit(store, changeOf(store, `knowing-${seq}`, [aRow({ id: `new-${seq}` })], { knows: { seq, hash: FORKED } }));
    }
    await behind(store, { seq: 4, hash: FORKED });
  });

  it('takes a change that knows the last of a journal that was trimmed whole', async (store) => {
    const entries = await fiveEntries(store);
    await commit(store, aChange({ trimJournalTo: 5 }));
    await commit(store, aChange({ knows: { seq: 5, hash: entries[4]?.hash ?? '' } }));
    await behind(store, { seq: 6, hash: FORKED });
  });
};

/** The known entry is compared after the change id, and before the expectations. */
const precedence: Cases = (it) => {
  it('answers behind before it compares anything else', async (store) => {
    await fiveEntries(store);
    const stale = changeOf(store, 'stale', [aRow({ id: 'r0' })]);
    await conflict(store, stale, 'r0 exists');
    same(await outcomeOf(store, { ...stale, knows: { seq: 9, hash: FORKED } }), 'behind', 'the outcome of a stale change that knows more');
  });

  it('answers conflict where the entry is there and an expectation fails', async (store) => {
    const { seq, hash } = (await fiveEntries(store))[4] as Anchor;
    await conflict(store, changeOf(store, 'stale', [aRow({ id: 'r0' })], { knows: { seq, hash } }), 'r0 exists');
  });

  it('answers committed to a change that was applied, regardless of what it knows', async (store) => {
    const change = changeOf(store, 'c1', [aRow({ id: 'x' })]);
    await commit(store, change);
    await commit(store, { ...change, knows: { seq: 7, hash: FORKED } });
    same((await wholeJournal(store)).length, 1, 'the number of entries');
  });

  it('forgets a change that it answered behind: without what it knew it is committed', async (store) => {
    await fiveEntries(store);
    const change = changeOf(store, 'c1', [aRow({ id: 'x' })], { knows: { seq: 6, hash: FORKED } });
    same(await outcomeOf(store, change), 'behind', 'the outcome of a change that knows more');
    await commit(store, { ...change, knows: undefined });
    await isKept(store, aRow({ id: 'x' }), aRow({ id: 'x' }));
  });
};

/** Each change is compared with the entry that its own caller knows, whichever handle appended it. */
const manyCallers: Cases = (it, { reopen }) => {
  it('compares with what another handle has appended', async (store) => {
    const other = await reopen(store);
    await given(store, [aRow({ id: 'x' })]);
    const [first] = await wholeJournal(store);
    await given(other, [aRow({ id: 'y' })]);
    const [, second] = await wholeJournal(other);
    for (const { seq, hash } of [first, second] as Anchor[]) {
      for (const handle of [store, other]) same(await outcomeOf(handle, aChange({ knows: { seq, hash } })), 'committed', `knowing ${seq}`);
    }
    await behind(other, { seq: 2, hash: first?.hash ?? '' });
  });

  it('judges each of 64 changes at once by what it knows itself', async (store) => {
    const entries = await fiveEntries(store);
    const { seq, hash } = entries[4] as Anchor;
    const outcomes = await atOnce(64, (i) =>
      outcomeOf(store, changeOf(store, `c${i}`, [aRow({ id: `n${i}` })], { knows: { seq, hash: i % 2 === 0 ? hash : FORKED } })),
    );
    same(
      outcomes,
      outcomes.map((_, i) => (i % 2 === 0 ? 'committed' : 'behind')),
      'the outcomes',
    );
    const rows = await store.get(outcomes.map((_, i) => ({ kind: 'grant', id: `n${i}` })));
    same(
      rows.map((row) => row !== undefined),
      outcomes.map((_, i) => i % 2 === 0),
      'which rows are there',
    );
  });
};

const FORKED = 'f'.repeat(64);

async function fiveEntries(store: GrantStore): Promise<readonly Anchor[]> {
  for (let i = 0; i < 5; i++) await commit(store, changeOf(store, `given-${i}`, [aRow({ id: `r${i}` })]));
  return wholeJournal(store);
}

let changes = 0;

/** Commits a change that writes rows and appends entries. The answer must be `behind`, and no part of the change may be applied. */
async function behind(store: GrantStore, known: Anchor): Promise<void> {
  const [kept] = await store.get([aRow({ id: 'r4' })]);
  const [created, cursor] = [aRow({ id: `behind-${++changes}` }), aRow({ kind: 'cursor', id: 'sink' })] as const;
  const change = changeOf(store, `behind-${changes}`, [created, cursor, ...(kept === undefined ? [] : [next(kept, { open: false })])], {
    append: [entryFor(store, `behind-${changes}.1`), entryFor(store, `behind-${changes}.2`)],
    knows: known,
  });
  const keys = [created, cursor, aRow({ id: 'r4' })];
  const before = await picture(store, keys);
  const { head } = await store.journal({ after: 0, limit: 1 });
  const what = `the answer to a change that knows ${known.seq} with hash ${known.hash.slice(0, 8)}`;
  same(await store.commit(change), { outcome: 'behind', head }, what);
  same(await picture(store, keys), before, 'all that the store answers after that, compared with before');
}
