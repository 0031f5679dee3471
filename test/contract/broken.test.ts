import { ContractViolation, FaultyStore, storeContract } from 'jit-access/testing';
import type { StoreContractOptions } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/core/store-port.js';
import { MemoryGrantStore } from '../../src/stores/memory.js';
import { ADOPTING } from './broken/adopting.js';
import { ANSWERS } from './broken/answers.js';
import { APART } from './broken/apart.js';
import { COMPARED } from './broken/compared.js';
import { CONTEXT } from './broken/context.js';
import { COPIES } from './broken/copies.js';
import { HOOKED } from './broken/hooked.js';
import { JOURNAL } from './broken/journal.js';
import { NAMESPACES } from './broken/namespaces.js';
import { OUTAGES } from './broken/outages.js';
import { READS } from './broken/reads.js';
import { REPEATED } from './broken/repeated.js';
import { VISIBLE } from './broken/visible.js';
import { WHOLE } from './broken/whole.js';
import { WINDOWS } from './broken/windows.js';
import { runInMemory } from './in-memory-runner.js';
import type { Results } from './in-memory-runner.js';

const FAMILY = [
  ...WHOLE,
  ...ADOPTING,
  ...HOOKED,
  ...COMPARED,
  ...REPEATED,
  ...VISIBLE,
  ...JOURNAL,
  ...READS,
  ...APART,
  ...COPIES,
  ...WINDOWS,
  ...ANSWERS,
  ...CONTEXT,
  ...NAMESPACES,
  ...OUTAGES,
];

const failed = (results: Results): string[] => [...results].flatMap(([name, error]) => (error === undefined ? [] : [name]));

describe('the store contract', () => {
  const caught = new Set<string>();

  it('passes the memory store', async () => {
    const create = () => new FaultyStore(new MemoryGrantStore());
    const results = await runInMemory((runner) => {
      storeContract(runner, {
        name: 'memory',
        create,
        breakBackend: (store) => store.inject('all', { fault: 'reject' }),
        loseReply: (store) => store.inject('commit', { fault: 'lose reply' }, 1),
      });
    });
    expect(failed(results)).toEqual([]);
    expect(results.size).toBeGreaterThan(100);
  });

  it('uses no optional method of a store, and no hooks', async () => {
    const create = () =>
      Object.assign(new MemoryGrantStore(), {
        watch: undefined,
        context: undefined,
        heads: undefined,
        dueNamespaces: undefined,
        adopt: undefined,
      });
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'memory', create: create });
    });
    expect(failed(results)).toEqual([]);
  });

  it('names a create() that returns one namespace twice, in its first case', async () => {
    const store = new MemoryGrantStore();
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'memory', create: () => store });
    });
    const [name = ''] = failed(results);
    expect(name).toBe('create() gives a namespace in which nothing has ever been committed');
    const expected = 'create() must give a namespace in which nothing has ever been committed: the journal of "default" is at entry 1';
    expect(results.get(name)).toMatchObject({ message: expected });
    caught.add(name);
  });

  it('accepts one namespace for all cases where cleanup() empties it', async () => {
    let store = new MemoryGrantStore();
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'memory', create: () => store, cleanup: () => void (store = new MemoryGrantStore()) });
    });
    expect(failed(results)).toEqual([]);
  });

  it('repairs the backend after each case, passed or failed', async () => {
    const [broken] = OUTAGES;
    let outages = 0;
    const breakBackend: StoreContractOptions['breakBackend'] = async (store) => {
      const repair = await broken?.options.breakBackend?.(store);
      outages += 1;
      return () => {
        outages -= 1;
        return repair?.();
      };
    };
    const results = await runInMemory((runner) => {
      storeContract(runner, { ...(broken?.options as StoreContractOptions), breakBackend });
    });
    expect(failed(results)).toContainEqual(expect.stringContaining('answers again once the backend is back'));
    expect(outages).toBe(0);
  });

  it('names an invalid result of commit()', async () => {
    const create = () => Object.assign(new MemoryGrantStore(), { commit: async () => 'committed' as never });
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'the outcome alone', create });
    });
    const messages = failed(results).map((name) => (results.get(name) as Error).message);
    expect(messages).toContainEqual(expect.stringContaining('commit() answers { outcome, head }, got "committed"'));
  });

  it('names the first row that a page lacks', async () => {
    const create = () => {
      const store = new MemoryGrantStore();
      const find: GrantStore['find'] = async (query) => {
        const { items, next } = await MemoryGrantStore.prototype.find.call(store, query);
        return { items: items.filter(({ id }) => id !== '1.0'), next };
      };
      return Object.assign(store, { find });
    };
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'without a row', create });
    });
    const messages = failed(results).map((name) => (results.get(name) as Error).message);
    expect(messages).toContainEqual(expect.stringContaining('first, expected it[10] to be "1.0", got "?":'));
  });

  it.each([
    [
      'no runner',
      [{ name: 'x', create: () => new MemoryGrantStore() }],
      'runner must be an object with describe, it; got an object without describe, it',
    ],
    ['no create', [{ describe, it }, { name: 'x' }], 'options must be an object with create; got an object without create'],
  ])('refuses %s', (_, args, message) => {
    expect(() => storeContract(...(args as unknown as Parameters<typeof storeContract>))).toThrow(message);
  });

  it('cleans up after each case, passed or failed', async () => {
    const made = new Set<GrantStore>();
    const options: StoreContractOptions = {
      name: 'broken',
      create() {
        const store = FAMILY[0]?.options.create() as GrantStore;
        made.add(store);
        return store;
      },
      cleanup: (store) => void made.delete(store),
    };
    const results = await runInMemory((runner) => {
      storeContract(runner, options);
    });
    expect(failed(results)).not.toEqual([]);
    expect(made.size).toBe(0);
  });

  describe.each(FAMILY)('a store where $bug', ({ foundBy, options }) => {
    it('fails the named case', async () => {
      const results = await runInMemory((runner) => {
        storeContract(runner, options);
      });
      const cases = failed(results);
      for (const name of cases) caught.add(name);
      expect(cases).toContainEqual(expect.stringContaining(foundBy));
      const violations = cases.map((name) => results.get(name)).filter((error) => error instanceof ContractViolation);
      for (const { message } of violations) expect(message).toMatch(/^guarantee [1-9]\. .+\n.+/s);
    });
  });

  it('has no case that every broken store passes', async () => {
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'memory', create: () => new MemoryGrantStore() });
    });
    const idle = [...results.keys()].filter((name) => !caught.has(name));
    expect(idle).toEqual([expect.stringContaining('is not proven: the suite was given no breakBackend')]);
  });
});
