import { aChange, anEntry, aRow } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { GENESIS } from '../../../src/journal/link.js';
import { Batch, prepare, type LockedHead } from '../../../src/stores/sql/batch.js';
import { KnownHeads } from '../../../src/stores/sql/known-heads.js';

let count = 0;
/** A change that appends an entry, prepared. */
const appending = (over: Parameters<typeof aChange>[0] = {}) => prepare(aChange({ append: [anEntry({ id: `e${++count}` })], ...over }));

const found = (ends: Pick<LockedHead, 'head' | 'start'> = { head: GENESIS, start: GENESIS }): LockedHead => ({
  ...ends,
  rows: new Map(),
  hashes: new Map(),
  applied: new Set(),
});

/** Batches of one change each, each on the head that the one before has left. */
function batches(length: number): readonly [Batch, ...Batch[]] {
  const made = [new Batch([appending()], found())] as [Batch, ...Batch[]];
  while (made.length < length) made.push(new Batch([appending()], found((made.at(-1) as Batch).after)));
  return made;
}

describe('the heads that a process knows', () => {
  it('are guessed once two of its commits have followed each other', () => {
    const heads = new KnownHeads();
    const [first, second] = batches(2) as [Batch, Batch];
    expect(heads.guess('n', [])).toBeUndefined();
    heads.learn('n', first);
    expect(heads.guess('n', [])).toBeUndefined();
    heads.learn('n', second);
    expect(heads.guess('n', [])).toEqual(found(second.after));
    expect(heads.guess('other', [])).toBeUndefined();
  });

  it('are not guessed where another process has committed in between, or a transaction has failed', () => {
    const [first, second, third, fourth] = batches(4) as [Batch, Batch, Batch, Batch];
    const heads = new KnownHeads();
    for (const one of [first, second, fourth]) heads.learn('n', one);
    expect(heads.guess('n', [])).toBeUndefined();
    for (const one of [second, third]) heads.learn('m', one);
    heads.forget('m');
    expect(heads.guess('m', [])).toBeUndefined();
    heads.learn('m', fourth);
    expect(heads.guess('m', [])).toBeUndefined();
  });

  it('are guessed after more commits in a row with each wrong guess, up to 64, and at once again after as many right ones', () => {
    const heads = new KnownHeads();
    let last = batches(1)[0];
    const own = () => heads.learn('n', (last = new Batch([appending()], found(last.after))));
    const foreign = () => (last = new Batch([appending()], found(last.after)));
    const neededAfterWrongGuess = () => {
      foreign();
      own();
      let count = 0;
      for (; heads.guess('n', []) === undefined; count++) own();
      return count;
    };
    expect(Array.from({ length: 8 }, neededAfterWrongGuess)).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
    // Two processes that commit in turn: no guess is wrong, so nothing doubles.
    for (let i = 0; i < 10; i++) for (const one of [foreign, own]) one();
    expect(neededAfterWrongGuess()).toBe(64);
    for (let i = 0; i < 66; i++) own();
    expect(neededAfterWrongGuess()).toBe(2);
  });

  it('are not guessed for a trim, nor after one: it changes the start of the journal', () => {
    const heads = new KnownHeads();
    const [first, second] = batches(2) as [Batch, Batch];
    for (const one of [first, second]) heads.learn('n', one);
    expect(heads.guess('n', [appending()])).toBeDefined();
    expect(heads.guess('n', [appending(), appending({ trimJournalTo: 1 })])).toBeUndefined();
    heads.learn('n', new Batch([appending({ trimJournalTo: 1 })], found(second.after)));
    expect(heads.guess('n', [])).toBeUndefined();
  });

  it('are kept for 4,096 namespaces, those that committed last (L42)', () => {
    const heads = new KnownHeads();
    const [first, second] = batches(2) as [Batch, Batch];
    for (let i = 0; i < 4_096; i++) for (const one of [first, second]) heads.learn(`n${i}`, one);
    heads.learn('n0', new Batch([appending()], found(second.after)));
    heads.learn('more', first);
    expect(heads.guess('n0', [])?.head.seq).toBe(3);
    expect(heads.guess('n1', [])).toBeUndefined();
    expect(heads.guess('n2', [])).toBeDefined();
  });

  it('come with the versions that the changes expect first, and the createdAt of the rows that they put', () => {
    const heads = new KnownHeads();
    const [first, second] = batches(2) as [Batch, Batch];
    for (const one of [first, second]) heads.learn('n', one);
    const knows = { seq: 1, hash: 'a'.repeat(64) };
    const guess = heads.guess('n', [
      appending({ put: [aRow({ id: 'new' }), aRow({ id: 'old', version: 3, createdAt: 7 })], knows }),
      appending({ put: [aRow({ id: 'new', version: 2 }), aRow({ id: 'old', version: 4, createdAt: 8 })], knows: GENESIS }),
      appending({ expect: [aRow({ id: 'read', version: 5 })], knows: { seq: 1, hash: 'b'.repeat(64) } }),
    ]);
    expect([...(guess?.rows.values() ?? [])]).toEqual([
      { version: 2, createdAt: 7 },
      { version: 5, createdAt: undefined },
    ]);
    expect(guess?.hashes).toEqual(new Map([[1, 'a'.repeat(64)]]));
    expect(guess?.applied).toEqual(new Set());
  });
});
