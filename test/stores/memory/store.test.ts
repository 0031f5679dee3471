import { aChange, anEntry, aRow, START_AT } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError, StoreError } from '../../../src/core/errors.js';
import type { Row } from '../../../src/core/store-port.js';
import { MemoryGrantStore } from '../../../src/stores/memory.js';

const LATEST = 8.64e15;

/** What the contract suite cannot test, because it holds for this store only. */
describe('MemoryGrantStore', () => {
  it('uses the namespace default without an option', () => {
    expect(new MemoryGrantStore()).toMatchObject({ namespace: 'default', durability: 'memory' });
    expect(new MemoryGrantStore({ namespace: 'tenant:a' }).namespace).toBe('tenant:a');
  });

  it.each(['', ' a', 'a\u0000', '\ud800', 'e\u0301', 'x'.repeat(257), 7, null])('refuses the namespace %j', (namespace) => {
    expect(() => new MemoryGrantStore({ namespace: namespace as string })).toThrow(InvalidArgumentError);
    expect(() => new MemoryGrantStore().in(namespace as string)).toThrow(InvalidArgumentError);
  });

  it('refuses an undefined namespace and a misspelt option', () => {
    expect(() => new MemoryGrantStore().in(undefined as unknown as string)).toThrow(InvalidArgumentError);
    expect(() => new MemoryGrantStore({ nameSpace: 'tenant:a' } as object)).toThrow(InvalidArgumentError);
    expect(() => new MemoryGrantStore(null as unknown as object)).toThrow(InvalidArgumentError);
  });

  it('shares its rows with another handle, and not with another store', async () => {
    const store = new MemoryGrantStore();
    const handle = store.in('b').in('default');
    await handle.commit(aChange({ put: [aRow()] }));
    expect(await store.get([aRow()])).toEqual([aRow()]);
    expect(await new MemoryGrantStore().get([aRow()])).toEqual([undefined]);
  });

  it('answers live() at once, without a promise', async () => {
    const store = new MemoryGrantStore();
    await store.commit(aChange({ put: [aRow()] }));
    expect(store.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT })).toEqual([aRow()]);
  });

  it('gives frozen rows, entries and anchors', async () => {
    const store = new MemoryGrantStore();
    await store.commit(aChange({ put: [aRow({ body: { list: [{}] } })], append: [anEntry({ data: { list: [{}] } })] }));
    const [row] = await store.get([aRow()]);
    const slice = await store.journal({ after: 0, limit: 1 });
    const parts: unknown[] = [row, row?.body, row?.body['list'], slice.start, slice.head, slice.entries[0], slice.entries[0]?.data];
    for (const part of parts) expect(Object.isFrozen(part)).toBe(true);
  });

  it('refuses to trim the journal beyond its head, and changes nothing then', async () => {
    const store = new MemoryGrantStore();
    await store.commit(aChange({ append: [anEntry({ id: 'c1.1' })] }));
    const change = aChange({ put: [aRow()], append: [anEntry({ id: 'c2.1' })], trimJournalTo: 3 });
    await expect(store.commit(change)).rejects.toThrow(StoreError);
    expect(await store.get([aRow()])).toEqual([undefined]);
    expect((await store.journal({ after: 0, limit: 9 })).head.seq).toBe(1);
    expect(await store.commit({ ...change, trimJournalTo: 2 })).toMatchObject({ outcome: 'committed' });
    expect(await store.journal({ after: 0, limit: 9 })).toMatchObject({ entries: [], start: { seq: 2 }, head: { seq: 2 } });
  });

  it('recognises a repeated change while one of its entries is kept', async () => {
    const store = new MemoryGrantStore();
    const change = aChange({ id: 'c1', append: [anEntry({ id: 'c1.1' }), anEntry({ id: 'c1.2' })] });
    const journal = async () => (await store.journal({ after: 0, limit: 9 })).entries.map((entry) => entry.id);
    await store.commit(change);
    await store.commit(aChange({ trimJournalTo: 1 }));
    await store.commit(change);
    expect(await journal()).toEqual(['c1.2']);
    await store.commit(aChange({ trimJournalTo: 2 }));
    await store.commit(change);
    expect(await journal()).toEqual(['c1.1', 'c1.2']);
  });

  it('does not remember a change without entries, so that its memory stays bounded', async () => {
    const store = new MemoryGrantStore();
    const change = aChange({ put: [aRow()] });
    expect(await store.commit(change)).toMatchObject({ outcome: 'committed' });
    expect(await store.commit(change)).toMatchObject({ outcome: 'conflict' });
  });

  it('wakes a watcher when the head has moved, not for a cursor or a conflict, and not after unsubscribing', async () => {
    const store = new MemoryGrantStore();
    let woken = 0;
    const stop = store.in('default').watch(() => (woken += 1));
    await store.commit(aChange({ put: [aRow({ kind: 'cursor' })] }));
    await Promise.resolve();
    expect(woken).toBe(0);
    await store.commit(aChange({ put: [aRow()], append: [anEntry()] }));
    await Promise.resolve();
    expect(woken).toBe(1);
    await store.commit(aChange({ put: [aRow()], append: [anEntry()] }));
    await store.in('b').commit(aChange({ put: [aRow()] }));
    await Promise.resolve();
    expect(woken).toBe(1);
    stop();
    await store.commit(aChange({ append: [anEntry()] }));
    await Promise.resolve();
    expect(woken).toBe(1);
  });

  it('refuses an unknown cursor as after', async () => {
    const store = new MemoryGrantStore();
    await expect(store.due({ at: 0, after: 'no place', limit: 1 })).rejects.toThrow();
  });

  it('L34 sweeps 10,000 rows that are due in order, and touches none of the 10,000 that are not', async () => {
    const store = new MemoryGrantStore();
    const subject = (i: number) => `user:${i % 100}`;
    const due = Array.from({ length: 10_000 }, (_, i) =>
      aRow({ id: `due-${(i * 7919) % 10_000}`, subject: subject(i), dueAt: 1_000 + ((i * 31) % 777) }),
    );
    const later = Array.from({ length: 10_000 }, (_, i) => aRow({ id: `later-${i}`, subject: subject(i), dueAt: LATEST }));
    for (let i = 0; i < 10_000; i += 500) await store.commit(aChange({ put: [...due.slice(i, i + 500), ...later.slice(i, i + 500)] }));
    const swept: Row[] = [];
    for (;;) {
      const { items } = await store.due({ at: 5_000, limit: 500 });
      if (items.length === 0) break;
      swept.push(...items);
      await store.commit(aChange({ put: items.map((row) => aRow({ ...row, version: 2, open: false, dueAt: undefined })) }));
    }
    const order = (a: Row, b: Row) => (a.dueAt as number) - (b.dueAt as number) || (a.id < b.id ? -1 : 1);
    expect(swept).toEqual([...due].sort(order));
    expect(store.live({ subject: subject(7), scope: 'db-prod:write', at: START_AT })).toHaveLength(100);
  });
});
