import type { GrantStore, Row } from '../../core/store-port.js';
import { aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { same } from '../assertions.js';
import { changeOf, commit, conflict, dueAt, foundBy, given, idsOf, isKept, journalIds, next } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 4: after `revoke` has resolved, no check in any process may read the old version of the grant. */
export const visible: Cases = (it, hooks) => {
  answersOfReads(it, hooks);
  commitsShown(it, hooks);
  twoHandles(it, hooks);
  wakes(it, hooks);
};

/** A read answers the query, and answers nothing if no row matches. */
const answersOfReads: Cases = (it) => {
  it('answers get() in the order asked, undefined for an absent row', async (store) => {
    const [a, b] = [aRow({ id: 'a' }), aRow({ id: 'b' })];
    await given(store, [a, b]);
    const absent = { kind: 'grant', id: 'c' };
    same(await store.get([b, absent, a, b]), [b, undefined, a, b], 'the answer of get()');
    const [got] = await store.get([absent]);
    same(got === undefined, true, 'what get() gives for an absent key is undefined');
    same(await store.get([]), [], 'the answer of get() to no key');
  });

  it('answers with nothing where nothing was ever written', async (store) => {
    same(await store.get([{ kind: 'grant', id: 'x' }]), [undefined], 'the answer of get()');
    same(await store.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT }), [], 'the answer of live()');
    same(await store.live({ subject: 'user:maya', at: START_AT }), [], 'the answer of live() without a scope');
    same(await store.find({ kind: 'grant', limit: 10 }), { items: [], next: undefined }, 'the answer of find()');
    same(await store.due({ at: START_AT, limit: 10 }), { items: [], next: undefined }, 'the answer of due()');
  });
};

/** Every later read shows a commit. */
const commitsShown: Cases = (it, { reopen }) => {
  it('shows a commit to every read that begins after it, through every handle', async (store) => {
    const other = await reopen(store);
    const row = aRow({ id: 'x' });
    // Each handle reads before the commit, so that a stale cached answer would show.
    for (const handle of [store, other]) await shows(handle, [], []);
    await commit(store, changeOf(store, 'c1', [row]));
    for (const handle of [other, store]) await shows(handle, [row], ['c1.1']);
    await commit(other, changeOf(other, 'c2', [next(row, { scope: 'db-prod:read' })]));
    for (const handle of [store, other]) await shows(handle, [next(row, { scope: 'db-prod:read' })], ['c1.1', 'c2.1']);
  });

  it('shows an end to live(), find() and due(), through every handle', async (store) => {
    const other = await reopen(store);
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    same(idsOf(await other.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT })), ['x'], 'live() before the end');
    await commit(store, changeOf(store, 'c1', [next(row, { open: false, dueAt: undefined })]));
    for (const handle of [other, store]) {
      same(await handle.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT }), [], 'live() after the end');
      same(await foundBy(handle, { kind: 'grant', open: true }), [], 'find() of open rows after the end');
      same(await dueAt(handle, START_AT * 2), [], 'due() after the end');
    }
  });

  it('shows a removal through every handle', async (store) => {
    const other = await reopen(store);
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    await isKept(other, row, row);
    await commit(store, changeOf(store, 'c1', [], { expect: [row], remove: [row] }));
    for (const handle of [other, store]) {
      await isKept(handle, row, undefined);
      same(await foundBy(handle, { kind: 'grant' }), [], 'find() after the removal');
    }
  });
};

/** Two handles read and compare one state. */
const twoHandles: Cases = (it, { reopen }) => {
  it('reads its own writes, and those of the other handle, twenty times in a row', async (store) => {
    const handles = [store, await reopen(store)] as const;
    let row = aRow({ id: 'x', body: { count: 0 } });
    await given(store, [row]);
    for (let count = 1; count <= 20; count++) {
      row = next(row, { body: { count } });
      await commit(handles[count % 2 === 0 ? 0 : 1], changeOf(store, `c${count}`, [row]));
      await isKept(handles[count % 2 === 0 ? 1 : 0], row, row, `the row through the other handle after commit ${count}`);
    }
  });

  it('compares the expectations of one handle with what another has committed', async (store) => {
    const other = await reopen(store);
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    await isKept(other, row, row);
    await commit(store, changeOf(store, 'c1', [next(row)]));
    await conflict(other, changeOf(other, 'c2', [next(row)]), 'it expects the version from before');
    await commit(other, changeOf(other, 'c3', [next(next(row))]));
  });
};

/** A watcher is woken by every commit until it unsubscribes. */
const wakes: Cases = (it, { reopen }) => {
  it('wakes watchers after a commit, through every handle, until unsubscribed', async (store) => {
    const other = await reopen(store);
    for (const handle of [store, other]) {
      if (handle.watch === undefined) continue;
      let stopped = 0;
      const stop = handle.watch(() => stopped++);
      stop();
      const unsubscribers: (() => void)[] = [];
      const woken = new Promise<number | undefined>((resolve) => unsubscribers.push((handle as Required<GrantStore>).watch(resolve)));
      const before = await store.journal({ after: 0, limit: 1 });
      await given(store, [aRow({ id: `row-${handle === store ? 'own' : 'other'}` })]);
      // If the head did not move, no wake would come, and the case would wait without end.
      const { head } = await store.journal({ after: 0, limit: 1 });
      same(head.seq, before.head.seq + 1, 'the head after a commit with an entry');
      const headSeq = await woken;
      if (headSeq !== undefined) same(headSeq, head.seq, 'the seq that a wake gives, which is that of the head');
      for (const unsubscribe of unsubscribers) unsubscribe();
      same(stopped, 0, 'how often a listener was woken after it had unsubscribed');
    }
  });
};

/** Compares every read of a handle with the expected rows of `user:maya` and the expected entries. */
async function shows(store: GrantStore, rows: readonly Row[], entries: readonly string[]): Promise<void> {
  await isKept(store, aRow({ id: 'x' }), rows[0]);
  same(await store.live({ subject: 'user:maya', at: START_AT }), rows, 'the answer of live()');
  for (const scope of ['db-prod:write', 'db-prod:read']) {
    const expected = rows.filter((row) => row.scope === scope);
    same(await store.live({ subject: 'user:maya', scope, at: START_AT }), expected, `the answer of live() for ${scope}`);
  }
  same(await foundBy(store, { kind: 'grant' }), rows, 'the answer of find()');
  same(await foundBy(store, { kind: 'grant', subject: 'user:maya', open: true }), rows, 'the answer of find() for the subject');
  same(await dueAt(store, START_AT * 2), rows, 'the answer of due()');
  same(await journalIds(store), entries, 'the entries of the journal');
}
