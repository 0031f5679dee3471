import { aRow } from '../builders.js';
import { same } from '../assertions.js';
import { changeOf, commit, dueAt, foundBy, given, idsOf, isKept, LATEST, next } from './steps.js';
import type { Cases } from './cases.js';

/**
 * Guarantee 6, of instants. A store keeps instants as integers, and compares them with those of a query, never with a clock.
 * If a store had its own definition of "expired", there would be two answers to the same check.
 */
export const clockless: Cases = (it) => {
  it('keeps every instant as it was given', async (store) => {
    const instants = [0, 1, 999, 1_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 253_402_300_799_999, LATEST - 1, LATEST];
    const rows = instants.map((at, i) => aRow({ id: `r${i}`, createdAt: at, from: at, until: at, dueAt: at, sortAt: at, body: { at } }));
    await given(store, rows);
    same(await store.get(rows), rows, 'the rows that get() gives');
  });

  it('keeps what lies in 1970 and what lies in 275760 until a change removes it', async (store) => {
    const past = aRow({ id: 'past', from: 1_000, until: 2_000, dueAt: 2_000 });
    const future = aRow({ id: 'future', from: LATEST - 2, until: LATEST - 1, dueAt: LATEST - 1 });
    await given(store, [past, future]);
    await isKept(store, past, past);
    await isKept(store, future, future);
    same(idsOf(await foundBy(store, { kind: 'grant', open: true })), ['future', 'past'], 'find() of open rows');
    same(idsOf(await dueAt(store, LATEST)), ['past', 'future'], 'due() at the end of time');
  });

  it('judges live() at the instant of the question, regardless of the real time', async (store) => {
    const past = aRow({ id: 'past', scope: 'past', from: 1_000, until: 2_000 });
    const future = aRow({ id: 'future', scope: 'future', from: LATEST - 2, until: LATEST - 1 });
    await given(store, [past, future]);
    same(await store.live({ subject: 'user:maya', scope: 'past', at: 1_500 }), [past], 'live() in 1970 of what ended in 1970');
    same(await store.live({ subject: 'user:maya', scope: 'future', at: 0 }), [future], 'live() in 1970 of what begins in 275760');
  });

  it('judges due() and find() at the instants of the question, regardless of the real time', async (store) => {
    const past = aRow({ id: 'past', from: 1_000, until: 2_000, dueAt: 2_000 });
    await given(store, [past]);
    same(await dueAt(store, 1_999), [], 'due() in 1970, before the row is due');
    same(await dueAt(store, 2_000), [past], 'due() in 1970, when the row is due');
    same(await foundBy(store, { kind: 'grant', during: { from: 1_500, until: 1_501 } }), [past], 'find() during 1970');
  });

  it('treats 0 as an instant, not as "none"', async (store) => {
    const zero = aRow({ id: 'zero', subject: 'user:noor', scope: 'zero', from: 0, until: 1, dueAt: 0 });
    const never = aRow({ id: 'never', from: undefined, until: undefined, dueAt: undefined });
    await given(store, [zero, never]);
    same(await store.get([zero, never]), [zero, never], 'the rows that get() gives');
    same(idsOf(await dueAt(store, 0)), ['zero'], 'due() at 0');
    same(idsOf(await foundBy(store, { kind: 'grant', during: { from: 0, until: 1 } })), ['zero'], 'find() during [0, 1)');
    same(await store.live({ subject: 'user:noor', scope: 'zero', at: 0 }), [zero], 'live() at 0');
  });

  it('lets an instant go back: a later write may have earlier ones', async (store) => {
    const row = aRow({ id: 'x', from: 5_000, until: 6_000, dueAt: 6_000 });
    await given(store, [row]);
    const earlier = next(row, { from: 1_000, until: 2_000, dueAt: 2_000 });
    await commit(store, changeOf(store, 'c1', [earlier]));
    await isKept(store, row, earlier);
    same(idsOf(await dueAt(store, 2_000)), ['x'], 'due() at the earlier instant');
  });
};
