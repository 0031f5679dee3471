import { FaultyStore, storeContract } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { MemoryGrantStore } from '../../src/stores/memory.js';

storeContract(
  { describe, it },
  {
    name: 'MemoryGrantStore',
    // It has no backend that could fail; the wrapper around it plays one.
    create: () => new FaultyStore(new MemoryGrantStore()),
    breakBackend: (store) => store.inject('all', { fault: 'reject' }),
  },
);

// The store itself, whose `windowOf` the wrapper does not have.
storeContract({ describe, it }, { name: 'MemoryGrantStore, unwrapped', create: () => new MemoryGrantStore() });
