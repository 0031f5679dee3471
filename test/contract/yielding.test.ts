import { FaultyStore, storeContract } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { MemoryGrantStore } from '../../src/stores/memory.js';

/** The suite over a store in which calls really overlap, as they do over a network. */
storeContract(
  { describe, it },
  {
    name: 'MemoryGrantStore, yielding',
    create() {
      const store = new FaultyStore(new MemoryGrantStore());
      store.inject('all', { fault: 'yield', seed: 7 });
      return store;
    },
    breakBackend: (store) => store.inject('all', { fault: 'reject' }),
  },
);
