import { FaultyStore, storeContract } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { MemoryGrantStore } from '../../src/stores/memory.js';

storeContract(
  { describe, it },
  {
    name: 'MemoryGrantStore',
    // The memory store has no backend that could fail, so a wrapper injects the faults.
    create: () => new FaultyStore(new MemoryGrantStore()),
    breakBackend: (store) => store.inject('all', { fault: 'reject' }),
    loseReply: (store) => store.inject('commit', { fault: 'lose reply' }, 1),
  },
);

// The store itself, as the wrapper has no `windowOf`.
storeContract({ describe, it }, { name: 'MemoryGrantStore, unwrapped', create: () => new MemoryGrantStore() });
