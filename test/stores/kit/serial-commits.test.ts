import { queryObjects } from 'node:v8';
import { serialCommits } from 'jit-access/store';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/core/errors.js';
import type { Change, GrantStore } from '../../../src/core/store-port.js';
import { aChange, anEntry, aRow } from '../../../src/testing.js';
import { Queue } from '../../../src/stores/kit/queue.js';
import { MemoryBackend } from './memory-backend.js';

const changeOf = (id: string, over: Partial<Change> = {}): Change =>
  aChange({ id, put: [aRow({ id })], append: [anEntry({ id: `${id}.1` })], ...over });

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe('serialCommits()', () => {
  it('writes the changes that arrive during a write together, each as if it were committed alone', async () => {
    const backend = new MemoryBackend();
    const store = backend.store('a');
    const first = store.commit(changeOf('first'));
    await new Promise((resolve) => setImmediate(resolve));
    const [row, other] = [aRow({ id: 'x' }), aRow({ id: 'x', body: { other: true } })];
    const answers = await Promise.all([
      first,
      store.commit(aChange({ put: [row] })),
      // The second of these finds what the first has written.
      store.commit(aChange({ put: [other] })),
      store.commit(aChange({ put: [{ ...other, version: 2 }] })),
      ...times(20, (i) => store.commit(changeOf(`c${i}`))),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['committed', 'committed', 'conflict', ...times(21, () => 'committed')]);
    expect(backend.writes.map(({ append }) => append.length)).toEqual([1, 20]);
    expect(await store.get([row])).toMatchObject([{ version: 2, body: { other: true } }]);
  });

  it('[A6] keeps at most 1,000 namespaces whose writes have had an unknown outcome', async () => {
    const backend = new MemoryBackend();
    backend.write = () => Promise.reject(new Error('ECONNRESET'));
    const commit = serialCommits(backend);
    const held = () => queryObjects(Queue, { format: 'count' });
    const before = held();
    const codes = new Set<unknown>();
    for (let i = 0; i < 2_000; i++) await commit(`tenant-${i}`, changeOf('c')).catch(({ code }: StoreError) => codes.add(code));
    expect([...codes]).toEqual(['ERR_JIT_OUTCOME_UNKNOWN']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(held() - before).toBeLessThanOrEqual(1_001);
    await expect(commit('tenant-0', changeOf('c'))).rejects.toMatchObject({ code: 'ERR_JIT_OUTCOME_UNKNOWN' });
  });

  it('writes no more than maxChange at a time (L42)', async () => {
    const backend = new MemoryBackend();
    const maxChange = { rows: 110, entries: 50, bytes: 1_048_576 };
    const store = backend.store('a', { maxChange });
    const wide = (i: number) =>
      aChange({ put: times(45, (n) => aRow({ id: `${i}.${n}`, body: i < 4 ? {} : { text: 'x'.repeat(12_000) } })) });
    await Promise.all([...times(6, (i) => store.commit(wide(i))), ...times(120, (i) => store.commit(changeOf(`c${i}`)))]);
    expect(backend.writes.length).toBeGreaterThan(5);
    for (const { put, append } of backend.writes) {
      expect(put.length).toBeLessThanOrEqual(maxChange.rows);
      expect(append.length).toBeLessThanOrEqual(maxChange.entries);
      expect(JSON.stringify([put, append]).length).toBeLessThanOrEqual(maxChange.bytes);
    }
  });

  it('repeats a write that another queue has won: only a version that differs is a conflict (L11)', async () => {
    const backend = new MemoryBackend(3);
    const stores = times(4, () => backend.store('a'));
    const row = aRow({ id: 'x' });
    const commit = (i: number, change: Change) => (stores[i % 4] as GrantStore).commit(change);
    const own = times(64, (i) => commit(i, changeOf(`c${i}`)));
    const same = times(8, (i) => commit(i, aChange({ id: `same${i}`, put: [row] })));
    expect((await Promise.all(own)).every((answer) => answer.outcome === 'committed')).toBe(true);
    expect((await Promise.all(same)).map((answer) => answer.outcome).sort()).toEqual(['committed', ...times(7, () => 'conflict')]);
    expect(backend.lost).toBeGreaterThan(0);
  });

  it('reads nothing again for a write that was lost, if no other one has come in between', async () => {
    const backend = new MemoryBackend();
    let losses = 2;
    const write = backend.write.bind(backend);
    backend.write = async (...args) => losses-- <= 0 && write(...args);
    expect(await backend.store('a').commit(changeOf('c'))).toMatchObject({ outcome: 'committed' });
    expect(backend.calls).toEqual(['head', 'rows', 'entries', 'head', 'head', 'write']);
  });

  it('answers committed, not conflict, if the own change of an earlier attempt appears while it reads (L31)', async () => {
    const backend = new MemoryBackend();
    const other = backend.store('a');
    const change = changeOf('c');
    // The read of the entries has ended, and that of the rows has not.
    backend.before = async (method) => {
      if (method !== 'rows') return;
      backend.before = () => undefined;
      await other.commit(change);
    };
    expect(await backend.store('a').commit(change)).toMatchObject({ outcome: 'committed' });
    expect(backend.writes).toHaveLength(1);
  });

  it('does not answer behind because a purge has removed the known entry while it reads (L40)', async () => {
    const backend = new MemoryBackend();
    const other = backend.store('a');
    const { head } = await other.commit(changeOf('c1'));
    await other.commit(changeOf('c2'));
    backend.before = async (method) => {
      if (method !== 'entries') return;
      backend.before = () => undefined;
      await other.commit(aChange({ trimJournalTo: 1 }));
    };
    expect(await backend.store('a').commit(changeOf('c3', { knows: head }))).toMatchObject({ outcome: 'committed' });
  });

  it('trims up to an entry that a purge of another queue has removed while it reads', async () => {
    const backend = new MemoryBackend();
    const [store, other] = [backend.store('a'), backend.store('a')];
    for (const id of ['c1', 'c2', 'c3']) await other.commit(changeOf(id));
    backend.before = async (method) => {
      if (method !== 'entries') return;
      backend.before = () => undefined;
      await other.commit(aChange({ trimJournalTo: 2 }));
    };
    expect(await store.commit(aChange({ trimJournalTo: 2 }))).toMatchObject({ outcome: 'committed' });
    expect((await store.journal({ after: 0, limit: 9 })).start.seq).toBe(2);
  });

  it('lets a change that the backend refuses fail alone', async () => {
    const backend = new MemoryBackend();
    backend.before = (method, write) => {
      if (method === 'write' && write?.put.some(({ id }) => id === 'c3') === true) throw new StoreError('commit', 'c3 is too large');
    };
    const store = backend.store('a');
    const outcomes = await Promise.allSettled(times(6, (i) => store.commit(changeOf(`c${i}`))));
    expect(outcomes.map(({ status }) => status)).toEqual(times(6, (i) => (i === 3 ? 'rejected' : 'fulfilled')));
    expect(outcomes[3]).toMatchObject({ reason: { code: 'ERR_JIT_STORE', message: 'store.commit: c3 is too large' } });
  });

  it('says that the outcome is unknown if the answer to a write is lost, and writes the change once when it comes again (L31)', async () => {
    const backend = new MemoryBackend();
    backend.after = (method) => {
      if (method === 'write') throw new Error('the connection is lost');
    };
    const store = backend.store('a');
    const changes = times(3, (i) => changeOf(`c${i}`));
    const outcomes = await Promise.allSettled(changes.map((change) => store.commit(change)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'ERR_JIT_OUTCOME_UNKNOWN' } });
    backend.after = () => undefined;
    for (const answer of await Promise.all(changes.map((change) => store.commit(change)))) expect(answer.outcome).toBe('committed');
    expect(backend.writes).toHaveLength(1);
  });

  it('gives each of those changes a write of its own when they come again', async () => {
    const backend = new MemoryBackend();
    backend.before = (method, write) => {
      if (method === 'write' && write?.put.some(({ id }) => id === 'c1') === true) throw new TypeError('the driver cannot write c1');
    };
    const store = backend.store('a');
    const commit = () => Promise.allSettled(times(3, (i) => store.commit(changeOf(`c${i}`))));
    expect((await commit()).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const again = await commit();
    expect(again[0]?.status).toBe('fulfilled');
    expect(again[1]).toMatchObject({ reason: { code: 'ERR_JIT_OUTCOME_UNKNOWN' } });
  });

  it.each(['head', 'rows', 'entries'] as const)('rejects with ERR_JIT_STORE if %s fails: nothing was written', async (failing) => {
    const backend = new MemoryBackend();
    backend.before = (method) => {
      if (method === failing) throw new TypeError('no connection');
    };
    const store = backend.store('a');
    for (const outcome of await Promise.allSettled(times(3, (i) => store.commit(changeOf(`c${i}`))))) {
      expect(outcome).toMatchObject({ reason: { code: 'ERR_JIT_STORE', cause: { message: 'no connection' } } });
    }
    backend.before = () => undefined;
    expect(await store.commit(changeOf('c0'))).toMatchObject({ outcome: 'committed' });
  });

  it('refuses each change to a namespace that has moved, also one that a write of the move has overtaken', async () => {
    const backend = new MemoryBackend();
    const store = backend.store('a');
    backend.before = (method) => {
      if (method === 'write') Object.assign(backend.of('a'), { moved: 'postgres://new', revision: 7 });
    };
    for (const outcome of await Promise.allSettled(times(2, (i) => store.commit(changeOf(`c${i}`))))) {
      expect(outcome).toMatchObject({ reason: { code: 'ERR_JIT_MOVED', namespace: 'a', to: 'postgres://new' } });
    }
    expect(backend.writes).toEqual([]);
    expect(await store.in('b').commit(changeOf('c0'))).toMatchObject({ outcome: 'committed' });
  });

  it('refuses a change that needs a layout before the contract, and no other one beside it', async () => {
    const store = new MemoryBackend().store('a');
    const answers = await Promise.allSettled([store.commit(changeOf('later', { needs: 2 })), store.commit(changeOf('now', { needs: 1 }))]);
    expect(answers).toMatchObject([
      { status: 'rejected', reason: { code: 'ERR_JIT_LAYOUT', readableFrom: 1, needed: 2 } },
      { status: 'fulfilled' },
    ]);
    expect(await store.get([aRow({ id: 'later' }), aRow({ id: 'now' })])).toMatchObject([undefined, { id: 'now' }]);
  });

  it('refuses each change to data that this process may not use', async () => {
    const backend = new MemoryBackend();
    backend.storedLayout = { version: 3, readableFrom: 2 };
    await expect(backend.store('a').commit(changeOf('c'))).rejects.toMatchObject({ code: 'ERR_JIT_LAYOUT', needed: 1 });
    expect(backend.writes).toEqual([]);
  });

  it('refuses an answer that is shorter than the question: it would count as missing rows', async () => {
    const backend = new MemoryBackend();
    backend.rows = async () => [];
    const error = await backend.store('a').commit(changeOf('c')).catch(String);
    expect(error).toContain('the backend gave 0 answers to 1 questions');
  });

  it('uses the change as it was when commit was called', async () => {
    const store = new MemoryBackend().store('a');
    const [body, data, expect_] = [{ state: 'then' }, { state: 'then' }, [{ kind: 'grant', id: 'c', version: 0 }]];
    const answer = store.commit(changeOf('c', { expect: expect_, put: [aRow({ id: 'c', body })], append: [anEntry({ data })] }));
    Object.assign(body, { state: 'later' });
    Object.assign(data, { state: 'later' });
    expect_.push({ kind: 'grant', id: 'c', version: 7 });
    expect(await answer).toMatchObject({ outcome: 'committed' });
    expect(await store.get([aRow({ id: 'c' })])).toMatchObject([{ body: { state: 'then' } }]);
    expect((await store.journal({ after: 0, limit: 1 })).entries).toMatchObject([{ data: { state: 'then' } }]);
  });

  it.each([
    ['a backend without write', [{ head: 1, rows: 1, entries: 1 }], 'backend must be an object with head, rows, entries, write'],
    ['an unknown option', [new MemoryBackend(), { timeout: 1 }], 'options must be an object with only timeoutMs, maxChange'],
    ['no time', [new MemoryBackend(), { timeoutMs: 0 }], 'timeoutMs must be a whole number from 1 to 600000'],
    [
      'a maxChange that is too small for a revoke',
      [new MemoryBackend(), { maxChange: { rows: 50, entries: 50, bytes: 1_048_576 } }],
      'maxChange.rows must be a whole number from 101 to 1000',
    ],
  ])('refuses %s', (_, args, message) => {
    expect(() => serialCommits(...(args as unknown as Parameters<typeof serialCommits>))).toThrow(message);
  });
});
