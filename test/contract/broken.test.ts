import { ContractViolation, FaultyStore, storeContract } from 'jit-access/testing';
import type { StoreContractOptions } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/core/store-port.js';
import { MemoryGrantStore } from '../../src/stores/memory.js';
import { ANSWERS } from './broken/answers.js';
import { APART } from './broken/apart.js';
import { COMPARED } from './broken/compared.js';
import { COPIES } from './broken/copies.js';
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
  ...COMPARED,
  ...REPEATED,
  ...VISIBLE,
  ...JOURNAL,
  ...READS,
  ...APART,
  ...COPIES,
  ...WINDOWS,
  ...ANSWERS,
  ...NAMESPACES,
  ...OUTAGES,
];

const failed = (results: Results): string[] => [...results].flatMap(([name, error]) => (error === undefined ? [] : [name]));

describe('the store contract', () => {
  const caught = new Set<string>();

  it('passes the memory store', async () => {
    const create = () => new FaultyStore(new MemoryGrantStore());
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'memory', create, breakBackend: (store) => store.inject('all', { fault: 'reject' }) });
    });
    expect(failed(results)).toEqual([]);
    expect(results.size).toBeGreaterThan(100);
  });

  it('asks no optional method of a store, and no hooks', async () => {
    const create = () => Object.assign(new MemoryGrantStore(), { watch: undefined, heads: undefined, dueNamespaces: undefined });
    const results = await runInMemory((runner) => {
      storeContract(runner, { name: 'memory', create: create });
    });
    expect(failed(results)).toEqual([]);
  });

  it('cleans up after each case, whether it passed or not', async () => {
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
    it('fails at least one case, by name', async () => {
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
