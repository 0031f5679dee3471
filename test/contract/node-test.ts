import { describe, it } from 'node:test';
import { FaultyStore, storeContract } from 'jit-access/testing';
import { MemoryGrantStore } from '../../src/stores/memory.js';

/** The same suite under Node's own runner; `node-test.test.ts` bundles this file and runs it there. */
storeContract(
  { describe, it },
  {
    name: 'MemoryGrantStore under node:test',
    create: () => new FaultyStore(new MemoryGrantStore()),
    breakBackend: (store) => store.inject('all', { fault: 'reject' }),
  },
);
