import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../../src/index.js';
import { aChange, anEntry } from '../../../src/testing.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** After everything that nothing holds is gone: what a weak reference points to lives until the turn ends. */
async function heapUsed(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
  return process.memoryUsage().heapUsed;
}

describe('MemoryGrantStore.in()', () => {
  it('keeps no memory for a namespace in which nothing was committed [F5]', async () => {
    const store = new MemoryGrantStore();
    const before = await heapUsed();
    for (let i = 0; i < 20_000; i++) {
      await store.in(`tenant-${i}`).get([{ kind: 'grant', id: 'g' }]);
      if (i % 2_000 === 0) await heapUsed();
    }
    const kept = (await heapUsed()) - before;
    // 50 MB, where each name keeps its tables.
    expect(kept).toBeLessThan(10_000_000);
    expect(store.namespace).toBe('default');
  });

  it('gives one namespace to all handles, before and after its first commit', async () => {
    const store = new MemoryGrantStore();
    const [first, second] = [store.in('a'), store.in('a')];
    let woken = 0;
    second.watch(() => (woken += 1));
    await first.commit(aChange({ append: [anEntry({ id: 'c.1' })] }));
    await heapUsed();
    expect((await second.journal({ after: 0, limit: 10 })).head.seq).toBe(1);
    expect((await store.in('a').journal({ after: 0, limit: 10 })).head.seq).toBe(1);
    expect((await store.journal({ after: 0, limit: 10 })).head.seq).toBe(0);
    expect(woken).toBe(1);
  });

  it('keeps what was committed after every handle is gone', async () => {
    const store = new MemoryGrantStore();
    await store.in('a').commit(aChange({ append: [anEntry({ id: 'c.1' })] }));
    await heapUsed();
    expect((await store.in('a').journal({ after: 0, limit: 10 })).head.seq).toBe(1);
  });
});
