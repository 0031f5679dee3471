import { describe, expect, it } from 'vitest';
import { ChangedRows } from '../../../src/features/view/changed-rows.js';
import { LiveCopy } from '../../../src/features/view/live-copy.js';
import { Loader } from '../../../src/features/view/loader.js';
import { EngineClock } from '../../../src/core/clock.js';
import { ManualClock, START_AT } from '../../../src/testing.js';

/** As in the loader: it empties a copy of more subjects, and at most so many wait. */
const [MAX_SUBJECTS, MAX_WANTED] = [200_000, 1_000];

const name = (i: number) => `user:${i}`;

/** Of a view that loads the subjects that are asked about, over a store without grants. */
async function aLoader(): Promise<Loader> {
  const clock = new EngineClock(new ManualClock(START_AT));
  const store = { get: () => Promise.resolve([undefined]), live: () => [], find: () => Promise.reject(new Error('it reads by subject')) };
  const copy = new LiveCopy({ usesCells: true, keepsIds: false });
  const loader = new Loader(store, (has) => new ChangedRows(copy, { store, clock, isExact: true, has }), 'asked');
  await loader.load(START_AT);
  return loader;
}

describe('the loader of a view', () => {
  it('empties a copy that holds 200,000 subjects, and then loads those that are asked about (L42)', async () => {
    const loader = await aLoader();
    for (let i = 0; i < MAX_SUBJECTS; i++) {
      loader.want(name(i));
      if ((i + 1) % MAX_WANTED === 0) await loader.loadWanted(START_AT);
    }
    const held = (...subjects: readonly number[]) => subjects.map((i) => loader.has(name(i)));
    expect(held(0, MAX_SUBJECTS - 1, MAX_SUBJECTS)).toEqual([true, true, false]);
    loader.want(name(MAX_SUBJECTS));
    await loader.loadWanted(START_AT);
    expect(held(0, MAX_SUBJECTS - 1, MAX_SUBJECTS)).toEqual([false, false, true]);
    loader.want(name(0));
    await loader.loadWanted(START_AT);
    expect(held(0, MAX_SUBJECTS)).toEqual([true, true]);
  });

  it('lets at most 1,000 subjects wait (L42)', async () => {
    const loader = await aLoader();
    const added = Array.from({ length: MAX_WANTED + 5 }, (_, i) => loader.want(name(i)));
    expect(added.filter(Boolean)).toHaveLength(MAX_WANTED);
    await loader.loadWanted(START_AT);
    expect(loader.want(name(MAX_WANTED + 4))).toBe(true);
  });
});
