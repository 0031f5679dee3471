import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type StoreError } from '../../../src/index.js';
import { NamespaceState } from '../../../src/stores/memory/namespaces.js';
import { aChange, anEntry, aRow } from '../../../src/testing.js';

/** How many objects of a class the heap holds. A count collects all garbage first. */
async function held(type: new (...args: never[]) => unknown): Promise<number> {
  // The target of a weak reference lives until the turn ends.
  await new Promise((resolve) => setImmediate(resolve));
  return queryObjects(type, { format: 'count' });
}

/** Every namespace that is kept has several maps. */
const mapsHeld = () => held(Map);

const GRANT = { kind: 'grant', id: 'g' };
const SUBJECT = { subject: 'user:maya', scope: 'db-prod:write' };

/** The answers of every read of a store. */
const readAll = async (store: MemoryGrantStore): Promise<readonly unknown[]> => [
  await store.get([GRANT]),
  store.live({ ...SUBJECT, at: 0 }),
  store.live({ subject: SUBJECT.subject, at: 0 }),
  store.windowOf(SUBJECT.subject, SUBJECT.scope)?.until,
  await store.find({ kind: 'grant', limit: 10 }),
  await store.find({ kind: 'grant', subject: SUBJECT.subject, open: true, limit: 10 }),
  await store.context({ keys: [GRANT], live: { subject: SUBJECT.subject, at: 0 }, open: { ...GRANT, ...SUBJECT, limit: 10 } }),
  await store.due({ at: 1e15, limit: 10 }),
  await store.journal({ after: 0, limit: 10 }),
  await store.heads([store.namespace]),
];

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

  it('[A6] makes a namespace by its first commit: 10,000 handles that are kept make none by reads, watches or changes that fail', async () => {
    const store = new MemoryGrantStore();
    const handles = Array.from({ length: 10_000 }, (_, i) => store.in(`tenant-${i}`));
    const before = await held(NamespaceState);
    const fails: unknown[] = [];
    for (const handle of handles) {
      await readAll(handle);
      handle.watch(() => undefined);
      const stale = aChange({ expect: [{ ...GRANT, version: 1 }], put: [aRow({ version: 2 })] });
      fails.push(
        (await handle.commit(stale)).outcome,
        await handle.commit(aChange({ trimJournalTo: 9 })).catch(({ code }: StoreError) => code),
      );
    }
    expect(new Set(fails)).toEqual(new Set(['conflict', 'ERR_JIT_STORE']));
    expect((await held(NamespaceState)) - before).toBeLessThanOrEqual(1);
    for (const handle of handles.slice(0, 7)) await handle.commit(aChange({ put: [aRow()] }));
    expect((await held(NamespaceState)) - before).toBe(8);
  });

  it('[A6] keeps no part of a watch that has ended', async () => {
    const store = new MemoryGrantStore();
    const before = [await held(Map), await held(Set)] as const;
    for (let i = 0; i < 10_000; i++) store.in(`tenant-${i}`).watch(() => undefined)();
    expect((await held(Map)) - before[0]).toBeLessThan(10);
    expect((await held(Set)) - before[1]).toBeLessThan(10);
    expect(store.namespace).toBe('default');
  });

  it('[A6] shows a handle that has read a new namespace each commit of another handle, the first one too', async () => {
    const store = new MemoryGrantStore();
    const reader = store.in('a');
    const empty = await readAll(reader);
    await reader.commit(aChange({ expect: [{ ...GRANT, version: 1 }], put: [aRow({ version: 2 })] }));
    expect(await readAll(reader)).toEqual(empty);
    for (const version of [1, 2]) {
      const expected = version === 1 ? [] : [{ ...GRANT, version: 1 }];
      await store.in('a').commit(aChange({ expect: expected, put: [aRow({ ...GRANT, ...SUBJECT, version })], append: [anEntry()] }));
      const answers = await readAll(reader);
      expect(answers).toEqual(await readAll(store.in('a')));
      answers.forEach((answer, i) => expect(answer, `answer ${i}`).not.toEqual(empty[i]));
    }
    // Another namespace without a commit still reads as one.
    expect(await readAll(store.in('b'))).toEqual(await readAll(new MemoryGrantStore({ namespace: 'b' })));
  });

  it('[A6] wakes the watchers of each handle at every commit, the first one too, and after it fails once', async () => {
    const store = new MemoryGrantStore();
    const [committing, watching] = [store.in('a'), store.in('a')];
    const woken: (number | undefined)[] = [];
    const note = (seq?: number) => void woken.push(seq);
    const ends = [watching.watch(note), committing.watch(note), watching.watch(note)];
    const other = store.in('b').watch(() => woken.push(-1));
    const commit = async (change: Parameters<typeof aChange>[0]) => {
      woken.length = 0;
      await committing.commit(aChange(change)).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      return [...woken];
    };
    expect(await commit({ append: [anEntry()], trimJournalTo: 9 })).toEqual([]);
    expect(await commit({ append: [anEntry()] })).toEqual([1, 1, 1]);
    // The same function is watched twice: the end of one watch ends only that one, however often it is called.
    ends[0]?.();
    ends[0]?.();
    expect(await commit({ append: [anEntry(), anEntry()] })).toEqual([3, 3]);
    // No entry, no new head.
    expect(await commit({ put: [aRow({ kind: 'cursor', id: 'c' })] })).toEqual([]);
    for (const end of [...ends, other]) end();
    expect(await commit({ append: [anEntry()] })).toEqual([]);
  });

  it('[A6] leaves no namespace after a part that it refuses, and is closed to each handle while one arrives', async () => {
    const store = new MemoryGrantStore();
    const reader = store.in('a');
    await reader.get([GRANT]);
    const rows = [aRow({ ...GRANT, ...SUBJECT })];
    const head = { seq: 1, hash: 'f'.repeat(64) };
    await expect(store.in('a').adopt({ rows, entries: [], anchors: { start: { seq: 0, hash: head.hash }, head } })).rejects.toMatchObject({
      code: 'ERR_JIT_STORE',
    });
    expect(await reader.heads(['a'])).toEqual(await store.heads(['never']));
    await store.in('a').adopt({ rows, entries: [] });
    expect(await reader.get([GRANT])).toEqual(rows);
    expect(await reader.heads(['a'])).toEqual([undefined]);
    await expect(reader.journal({ after: 0, limit: 1 })).rejects.toMatchObject({ code: 'ERR_JIT_MOVED' });
    await expect(reader.commit(aChange())).rejects.toMatchObject({ code: 'ERR_JIT_MOVED' });
  });
});
