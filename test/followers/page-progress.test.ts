import { describe, expect, it } from 'vitest';
import { PageProgress } from '../../src/followers/page-progress.js';
import { link, GENESIS } from '../../src/journal/link.js';
import { journalOf, unlinked } from '../journal/sample.js';

/** Fails at the entry of this number, once. */
function aDestination(failAt = Infinity) {
  const got: string[] = [];
  let failing = failAt;
  const send = async ({ id, seq }: { readonly id: string; readonly seq: number }) => {
    if (seq === failing) {
      failing = Infinity;
      throw new Error('down');
    }
    got.push(id);
  };
  return { got, send };
}

describe('PageProgress', () => {
  it('L28 continues after the entries that were sent, and loses none', async () => {
    const { got, send } = aDestination(3);
    const progress = new PageProgress();
    const page = journalOf(4);
    await expect(progress.through(page, send)).rejects.toThrow('down');
    await progress.through(page, send);
    expect(got).toEqual(['c1.1', 'c2.1', 'c3.1', 'c4.1']);
  });

  it('repeats no entry of a page that is sent again whole, or with more entries', async () => {
    const { got, send } = aDestination();
    const progress = new PageProgress();
    for (const length of [2, 2, 3]) await progress.through(journalOf(length), send);
    expect(got).toEqual(['c1.1', 'c2.1', 'c3.1']);
  });

  it('distinguishes namespaces', async () => {
    const { got, send } = aDestination();
    const progress = new PageProgress();
    const other = link(GENESIS, [unlinked(7, { namespace: 'other' })]);
    for (const page of [journalOf(1), other, journalOf(1), other]) await progress.through(page, send);
    expect(got).toEqual(['c1.1', 'c7.1']);
  });

  it('repeats entries, but loses none, when stores of the same namespace alternate', async () => {
    const { got, send } = aDestination();
    const progress = new PageProgress();
    const other = link(GENESIS, [unlinked(7), unlinked(8)]);
    for (const page of [journalOf(2), other, journalOf(2)]) await progress.through(page, send);
    expect(got).toEqual(['c1.1', 'c2.1', 'c7.1', 'c8.1', 'c1.1', 'c2.1']);
  });

  it('does nothing for an empty page', async () => {
    const { got, send } = aDestination();
    await new PageProgress().through([], send);
    expect(got).toEqual([]);
  });
});
