import { describe, expect, it } from 'vitest';
import { SuccessiveRuns } from '../../src/core/successive-runs.js';

/** Runs that a test ends by hand. */
function runs() {
  const ends: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const work = new SuccessiveRuns(() => new Promise((resolve, reject) => void ends.push({ resolve, reject })));
  return { work, ends };
}

const settled = async (calls: readonly Promise<void>[]) => (await Promise.allSettled(calls)).map(({ status }) => status);

describe('runs, one at a time', () => {
  it('share the next run among all calls during a run, and begin it when that run has ended', async () => {
    const { work, ends } = runs();
    const first = work.run();
    const later = [work.run(), work.run()];
    expect(ends).toHaveLength(1);
    ends[0]?.resolve();
    await first;
    await Promise.resolve();
    expect(ends).toHaveLength(2);
    const last = work.run();
    ends[1]?.resolve();
    expect(await settled(later)).toEqual(['fulfilled', 'fulfilled']);
    expect(ends).toHaveLength(3);
    ends[2]?.resolve();
    await last;
    void work.run();
    expect(ends).toHaveLength(4);
  });

  it('fail only for the calls of the run that fails', async () => {
    const { work, ends } = runs();
    const first = work.run();
    const later = [work.run(), work.run()];
    ends[0]?.reject(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await Promise.resolve();
    ends[1]?.resolve();
    expect(await settled(later)).toEqual(['fulfilled', 'fulfilled']);
  });
});
