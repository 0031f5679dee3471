import { afterEach, describe, expect, it, vi } from 'vitest';
import { replay, verifyJournal } from '../../src/journal.js';
import { journal } from './story.js';

afterEach(() => void vi.restoreAllMocks());

/** Entries without a record, as making records would take turns too. */
const entriesOf = (count: number) => journal(Array.from({ length: count }, () => ({ type: 'clock.accepted' as const })));

describe.each([
  ['replay()', replay],
  ['verifyJournal()', verifyJournal],
] as const)('%s', (_, read) => {
  it.each([
    [255, 0],
    [256, 1],
    [257, 1],
    [512, 2],
  ])('L42 lets timers and I/O run once for each 256 entries of a list: for %i entries %i times', async (count, turns) => {
    const entries = entriesOf(count);
    const taken = vi.spyOn(globalThis, 'setImmediate');
    await read(entries);
    expect(taken).toHaveBeenCalledTimes(turns);
  });
});
