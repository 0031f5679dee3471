import { aChange, aRow } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { prepare } from '../../../src/stores/sql/batch.js';
import { CommitQueue, MAX_WEIGHT, type Waiting } from '../../../src/stores/sql/commit-queue.js';
import type { RetryBudget } from '../../../src/stores/sql/session.js';

/** A change that waits, with the time that it has left, and the errors that it was rejected with. */
function waiting(id: string, { rows = 1, trimJournalTo = 0, left = 1 } = {}): Waiting & { readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const put = Array.from({ length: rows }, (_, i) => aRow({ id: `${id}-${i}` }));
  const change = prepare(aChange({ id, put, append: [], trimJournalTo }));
  return { change, budget: { left } as RetryBudget, resolve: () => undefined, reject: (error) => errors.push(error), errors };
}

function queueOf(...all: readonly Waiting[]): CommitQueue {
  const queue = new CommitQueue('n');
  for (const one of all) queue.add(one);
  return queue;
}

const idsOf = ({ taken }: { readonly taken: readonly Waiting[] }) => taken.map(({ change }) => change.id);

describe('the queue of a namespace', () => {
  it('gives a shared transaction what fits into it, and ends before a change that trims the journal (L42)', () => {
    const queue = queueOf(waiting('a', { rows: 10 }), waiting('b', { rows: 10 }), waiting('c', { trimJournalTo: 1 }));
    expect(queue.kind).toBe('shared');
    expect(idsOf(queue.take(9))).toEqual([]);
    expect(idsOf(queue.take(19))).toEqual(['a']);
    expect(idsOf(queue.take(MAX_WEIGHT))).toEqual(['b']);
    expect(queue.kind).toBe('apart');
    expect(idsOf(queue.take())).toEqual(['c']);
    expect(queue.isNeeded).toBe(false);
  });

  it('doubles the transactions of its own with each locked head, to 64, until it has shared one', () => {
    const queue = queueOf(waiting('a'));
    const apartAfterLock = () => {
      queue.wasOmitted();
      let count = 0;
      for (; queue.kind === 'apart'; count++) queue.hasCommitted('apart');
      return count;
    };
    expect(Array.from({ length: 8 }, apartAfterLock)).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
    queue.hasCommitted('shared');
    expect(apartAfterLock()).toBe(1);
  });

  it('gives each change a transaction after one of them was refused, and keeps their order', () => {
    const queue = queueOf(waiting('a'), waiting('b'), waiting('c'));
    const { taken } = queue.take();
    queue.add(waiting('d'));
    queue.add(waiting('e'));
    queue.putBack(taken, true);
    expect(queue.kind).toBe('apart');
    expect([queue.take(), queue.take(), queue.take()].map(idsOf)).toEqual([['a'], ['b'], ['c']]);
    expect(queue.kind).toBe('shared');
    expect(idsOf(queue.take(MAX_WEIGHT))).toEqual(['d', 'e']);
  });

  it('counts as locked until it has committed, or its data was refused', () => {
    const queue = queueOf(waiting('a'));
    queue.isStillLocked();
    expect(queue.kind).toBe('locked');
    queue.hasFailed();
    expect(queue.kind).toBe('locked');
    queue.hasCommitted('locked');
    expect(queue.kind).toBe('apart');
    queue.isStillLocked();
    queue.wasRefused();
    expect(queue.kind).toBe('apart');
  });

  it('rejects the changes that have waited too long, and no others', () => {
    const [late, inTime] = [waiting('late', { left: 0 }), waiting('in time')];
    const queue = queueOf(late, inTime);
    queue.rejectLate();
    expect(late.errors).toMatchObject([{ code: 'ERR_JIT_STORE', operation: 'commit' }]);
    expect(inTime.errors).toEqual([]);
    expect(idsOf(queue.take(MAX_WEIGHT))).toEqual(['in time']);
    expect(queue.isEmpty).toBe(true);
  });
});
