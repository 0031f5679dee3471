import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../../src/index.js';
import { aChange, anEntry } from '../../../src/testing.js';

/** How many maps the heap holds: every namespace that is kept has several. A count collects all garbage first. */
async function mapsHeld(): Promise<number> {
  // The target of a weak reference lives until the turn ends.
  await new Promise((resolve) => setImmediate(resolve));
  return queryObjects(Map, { format: 'count' });
}

describe('MemoryGrantStore.in()', () => {
  it('allocates nothing for a namespace without a commit [F5]', async () => {
    const store = new MemoryGrantStore();
    const asked = 1_000;
    const before = await mapsHeld();
    for (let i = 0; i < asked; i++) await store.in(`tenant-${i}`).get([{ kind: 'grant', id: 'g' }]);
    const unused = await mapsHeld();
    for (let i = 0; i < asked; i++) await store.in(`tenant-${i}`).commit(aChange({ append: [anEntry({ id: 'c.1' })] }));
    const used = await mapsHeld();
    expect(unused - before).toBeLessThan(asked / 10);
    expect(used - before).toBeGreaterThanOrEqual(asked);
    expect(store.namespace).toBe('default');
  });

  it('gives all handles the same namespace, before and after its first commit', async () => {
    const store = new MemoryGrantStore();
    const [first, second] = [store.in('a'), store.in('a')];
    let woken = 0;
    second.watch(() => (woken += 1));
    await first.commit(aChange({ append: [anEntry({ id: 'c.1' })] }));
    await mapsHeld();
    expect((await second.journal({ after: 0, limit: 10 })).head.seq).toBe(1);
    expect((await store.in('a').journal({ after: 0, limit: 10 })).head.seq).toBe(1);
    expect((await store.journal({ after: 0, limit: 10 })).head.seq).toBe(0);
    expect(woken).toBe(1);
  });

  it('keeps what was committed after every handle was collected', async () => {
    const store = new MemoryGrantStore();
    await store.in('a').commit(aChange({ append: [anEntry({ id: 'c.1' })] }));
    await mapsHeld();
    expect((await store.in('a').journal({ after: 0, limit: 10 })).head.seq).toBe(1);
  });
});
