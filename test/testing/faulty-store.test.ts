import { InvalidArgumentError, StoreError } from '../../src/core/errors.js';
import { aChange, anEntry, aRow, FaultyStore, START_AT } from 'jit-access/testing';
import type { StoreMethod } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/core/store-port.js';
import { MemoryGrantStore } from '../../src/stores/memory.js';
import { yieldToOthers } from '../../src/core/turns.js';
import { outcomesOf } from '../commit-answers.js';

const CALLS: Readonly<Record<StoreMethod, (store: GrantStore) => unknown>> = {
  get: (store) => store.get([aRow()]),
  live: (store) => store.live({ subject: 'user:maya', at: START_AT }),
  find: (store) => store.find({ kind: 'grant', limit: 1 }),
  context: (store) => store.context?.({ keys: [aRow()] }),
  due: (store) => store.due({ at: START_AT, limit: 1 }),
  commit: (store) => store.commit(aChange()),
  journal: (store) => store.journal({ after: 0, limit: 1 }),
  heads: (store) => store.heads?.([store.namespace]),
  dueNamespaces: (store) => store.dueNamespaces?.({ at: START_AT, limit: 1 }),
  adopt: (store) => store.in('moving').adopt?.({ rows: [aRow()], entries: [] }),
};
const METHODS = Object.keys(CALLS) as StoreMethod[];

const faulty = () => new FaultyStore(new MemoryGrantStore({ namespace: 'tests' }));

async function outcomeOf(promise: unknown): Promise<unknown> {
  return Promise.race([
    Promise.resolve(promise).then(
      () => 'answers',
      (error: unknown) => error,
    ),
    yieldToOthers().then(() => 'hangs'),
  ]);
}

describe('FaultyStore', () => {
  it('passes every call through unchanged, live() synchronously', async () => {
    const store = faulty();
    expect(store).toMatchObject({ namespace: 'tests', durability: 'memory' });
    expect(await store.commit(aChange({ put: [aRow()], append: [anEntry()] }))).toMatchObject({ outcome: 'committed' });
    expect(store.live({ subject: 'user:maya', at: START_AT })).toHaveLength(1);
    expect((await store.find({ kind: 'grant', limit: 1 })).items).toHaveLength(1);
    expect((await store.due({ at: START_AT * 2, limit: 1 })).items).toHaveLength(1);
    expect((await store.journal({ after: 0, limit: 1 })).entries).toHaveLength(1);
    expect(await store.get([aRow()])).toHaveLength(1);
    expect(await store.context?.({ keys: [aRow()] })).toMatchObject({ rows: [aRow()], live: [] });
    expect(await store.heads?.(['tests', 'others'])).toMatchObject([{ seq: 1 }, { seq: 0 }]);
    expect(await store.in('others').dueNamespaces?.({ at: START_AT * 2, limit: 1 })).toEqual({ items: ['tests'], next: undefined });
  });

  it.each(['heads', 'dueNamespaces', 'adopt'] as const)('has %s() exactly where the inner store has it', (method) => {
    const inner = new MemoryGrantStore();
    expect(method in new FaultyStore(inner)).toBe(true);
    Object.defineProperty(inner, method, { value: undefined });
    expect(method in new FaultyStore(inner)).toBe(false);
  });

  it('has a context() exactly where the inner store has one', () => {
    const inner = new MemoryGrantStore();
    expect(new FaultyStore(inner).context).toBeDefined();
    Object.defineProperty(inner, 'context', { value: undefined });
    expect(new FaultyStore(inner).context).toBeUndefined();
  });

  it('has a watch() exactly where the inner store has one', async () => {
    const inner = new MemoryGrantStore();
    const store = new FaultyStore(inner);
    let woken = 0;
    const stop = store.watch?.(() => (woken += 1));
    await store.commit(aChange({ append: [anEntry()] }));
    await yieldToOthers();
    stop?.();
    await store.commit(aChange({ append: [anEntry()] }));
    await yieldToOthers();
    expect(woken).toBe(1);
    Object.defineProperty(inner, 'watch', { value: undefined });
    expect('watch' in new FaultyStore(inner)).toBe(false);
  });

  it('records its calls', async () => {
    const store = faulty();
    await store.get([aRow()]);
    await store.in('others').journal({ after: 3, limit: 1 });
    expect(store.calls).toEqual([
      { method: 'get', namespace: 'tests', argument: [aRow()] },
      { method: 'journal', namespace: 'others', argument: { after: 3, limit: 1 } },
    ]);
    expect(store.called('get')).toBe(1);
    expect(store.called('commit')).toBe(0);
  });

  describe.each(METHODS)('a fault in %s()', (method) => {
    const call = CALLS[method];
    const others = METHODS.filter((other) => other !== method);

    it('throws synchronously', () => {
      const store = faulty();
      const bug = new TypeError('a bug');
      store.inject(method, { fault: 'throw', error: bug });
      expect(() => call(store)).toThrow(bug);
    });

    it('rejects, and does not affect the other methods', async () => {
      const store = faulty();
      store.inject(method, { fault: 'reject' });
      const error = await outcomeOf(call(store));
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ operation: method });
      for (const other of others) expect(await outcomeOf(CALLS[other](store))).toBe('answers');
    });

    it('hangs until released, and then makes the call', async () => {
      const store = faulty();
      store.inject(method, { fault: 'hang' }, 1);
      const hanging = call(store);
      expect(await outcomeOf(hanging)).toBe('hangs');
      expect(await outcomeOf(call(store))).toBe('answers');
      store.clear();
      expect(await outcomeOf(hanging)).toBe('hangs');
      store.release();
      expect(await outcomeOf(hanging)).toBe('answers');
    });

    it('returns an answer that the port forbids', async () => {
      const store = faulty();
      store.inject(method, { fault: 'malformed', answer: null }, 1);
      store.inject(method, { fault: 'malformed', answer: (truth: unknown) => [truth] }, 1);
      expect(await call(store)).toBeNull();
      expect(await call(store)).toEqual([await CALLS[method](faulty())]);
    });

    it('answers only after other calls ran', async () => {
      const store = faulty();
      store.inject(method, { fault: 'yield' });
      expect(call(store)).toBeInstanceOf(Promise);
      expect(await call(store)).toEqual(await call(faulty()));
    });
  });

  it('loses the reply of a commit that was applied, with an error that does not reveal the outcome', async () => {
    const store = faulty();
    store.inject('commit', { fault: 'lose reply' }, 1);
    const change = aChange({ put: [aRow()], append: [anEntry({ namespace: 'tests' })] });
    const error: unknown = await store.commit(change).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(StoreError);
    expect(await store.get([aRow()])).toEqual([aRow()]);
    expect(await store.commit(change)).toMatchObject({ outcome: 'committed' });
  });

  it('applies nothing when it rejects', async () => {
    const store = faulty();
    const down = new Error('down');
    store.inject('commit', { fault: 'reject', error: down }, 1);
    await expect(store.commit(aChange({ put: [aRow()] }))).rejects.toBe(down);
    expect(await store.get([aRow()])).toEqual([undefined]);
  });

  it('rejects with the given value, as drivers do', async () => {
    const store = faulty();
    store.inject('get', { fault: 'reject', error: 'ECONNREFUSED' }, 1);
    store.inject('get', { fault: 'reject', error: undefined }, 1);
    store.inject('get', { fault: 'lose reply', error: 'cut off' }, 1);
    await expect(store.get([])).rejects.toBe('ECONNREFUSED');
    await expect(store.get([])).rejects.toBeUndefined();
    await expect(store.get([])).rejects.toBe('cut off');
  });

  it('applies faults in the order of injection, including those on all methods', async () => {
    const store = faulty();
    store.inject('get', { fault: 'reject', error: 1 }, 2);
    store.inject('all', { fault: 'reject', error: 2 }, 2);
    await expect(store.find({ kind: 'grant', limit: 1 })).rejects.toBe(2);
    await expect(store.get([])).rejects.toBe(1);
    await expect(store.get([])).rejects.toBe(1);
    await expect(store.get([])).rejects.toBe(2);
    expect(await store.get([])).toEqual([]);
  });

  it('clears one fault, or all', async () => {
    const store = faulty();
    const clear = store.inject('get', { fault: 'reject' });
    store.inject('journal', { fault: 'reject' });
    clear();
    expect(await store.get([])).toEqual([]);
    await expect(store.journal({ after: 0, limit: 1 })).rejects.toThrow(StoreError);
    store.clear();
    expect(await store.journal({ after: 0, limit: 1 })).toMatchObject({ entries: [] });
  });

  it('applies its faults to every namespace', async () => {
    const store = faulty();
    const other = store.in('others');
    other.inject('get', { fault: 'reject' });
    await expect(store.get([])).rejects.toThrow(StoreError);
  });

  it.each([0, -1, 1.5, NaN])('refuses a fault for %s times', (times) => {
    expect(() => faulty().inject('get', { fault: 'hang' }, times)).toThrow(InvalidArgumentError);
  });

  describe('yield', () => {
    const orderOf = async (seed: number): Promise<string> => {
      const store = faulty();
      store.inject('all', { fault: 'yield', seed });
      const order: number[] = [];
      await Promise.all(Array.from({ length: 16 }, (_, i) => store.get([]).then(() => order.push(i))));
      return order.join();
    };

    it('lets calls overtake each other, in an order that the seed repeats', async () => {
      const orders = await Promise.all([1, 1, 2, 3, 4].map(orderOf));
      expect(orders[0]).toBe(orders[1]);
      expect(new Set(orders).size).toBeGreaterThan(2);
      expect(orders[0]).not.toBe(Array.from({ length: 16 }, (_, i) => i).join());
    });

    it('makes a read race with a write that depends on it', async () => {
      const store = faulty();
      await store.commit(aChange({ put: [aRow()] }));
      store.inject('all', { fault: 'yield' });
      const outcomes = await Promise.all(
        Array.from({ length: 16 }, async () => {
          const [row] = await store.get([aRow()]);
          return store.commit(aChange({ put: [aRow({ version: (row?.version ?? 0) + 1 })] }));
        }),
      );
      expect(outcomesOf(outcomes)).toContain('committed');
      expect(outcomesOf(outcomes)).toContain('conflict');
    });

    it('is combined with any other fault except a throw', async () => {
      const store = faulty();
      store.inject('all', { fault: 'yield' });
      store.inject('get', { fault: 'reject' }, 1);
      const rejected = store.get([]);
      await expect(rejected).rejects.toThrow(StoreError);
      store.inject('get', { fault: 'throw' }, 1);
      expect(() => store.get([])).toThrow(StoreError);
    });
  });
});
