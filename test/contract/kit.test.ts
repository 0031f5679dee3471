import { randomUUID } from 'node:crypto';
import { storeContract } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { MemoryBackend } from '../stores/kit/memory-backend.js';

/* The suite over a store without locks: its backend has only a compare-and-set, and its `commit` is that of the kit. */

const backends = new WeakMap<object, MemoryBackend>();

function create(options?: Parameters<MemoryBackend['store']>[1]) {
  const backend = new MemoryBackend(2);
  const store = backend.store(randomUUID(), options);
  backends.set(store, backend);
  return store;
}

/** Prints what a case has measured. */
const printing = {
  describe,
  it: (name: string, body: (context: unknown) => Promise<void>) => it(name, ({ skip }) => body({ skip, diagnostic: console.log })),
};

storeContract(printing, {
  name: 'serialCommits',
  create: () => create(),
  // Another queue over the same backend, as in another process.
  reopen: (store) => (backends.get(store) as MemoryBackend).store(store.namespace),
});

const least = { maxChange: { rows: 101, entries: 50, bytes: 1_048_576 } };
storeContract(printing, { name: 'serialCommits with the least maxChange', create: () => create(least) });
