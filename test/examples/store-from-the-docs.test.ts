import { randomUUID } from 'node:crypto';
import { StoreError } from 'jit-access';
import { aChange, anEntry, aRow, storeContract } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { BucketGrantStore } from '../../examples/store-from-the-docs.js';
import { MemoryBucket } from './bucket.js';

const URL = 'https://bucket.example';
const bucket = new MemoryBucket();
const create = () => BucketGrantStore.open(URL, randomUUID(), bucket.fetch);

storeContract(
  { describe, it },
  {
    name: 'the store of docs/reference/store.md',
    create,
    reopen: (store) => BucketGrantStore.open(URL, store.namespace, bucket.fetch),
    // The bucket is there, and is another one: it lacks the objects and the marker.
    breakBackend() {
      const { objects } = bucket;
      bucket.objects = new Map();
      return () => void (bucket.objects = objects);
    },
  },
);

describe('BucketGrantStore', () => {
  const withOneCommit = async () => {
    const own = new MemoryBucket();
    const store = await BucketGrantStore.open(URL, 'default', own.fetch);
    await store.commit(aChange({ put: [aRow()], append: [anEntry()] }));
    const [url] = [...own.objects.keys()].filter((name) => name.endsWith('.json')) as [string];
    const replace = (bend: (body: string) => string) =>
      own.objects.set(url, { etag: '"other"', body: bend(own.objects.get(url)?.body ?? '') });
    return { store, replace };
  };

  it('refuses an object of another layout, and names both versions', async () => {
    const { store, replace } = await withOneCommit();
    replace((body) => body.replace('"layout":1', '"layout":2'));
    const refused = /the object has layout 2, this store layout 1/;
    await expect(store.get([aRow()])).rejects.toThrow(refused);
    await expect(store.live({ subject: 'user:maya', at: 0 })).rejects.toThrow(refused);
    await expect(store.commit(aChange({ append: [anEntry({ id: 'c2.1' })] }))).rejects.toThrow(refused);
  });

  it('rejects with a truncated object, instead of returning nothing', async () => {
    const { store, replace } = await withOneCommit();
    replace(() => '');
    await expect(store.live({ subject: 'user:maya', at: 0 })).rejects.toBeInstanceOf(StoreError);
  });
});
