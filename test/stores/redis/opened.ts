import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import { redisGrantStore, type RedisGrantStoreOptions } from 'jit-access/redis';
import { afterEach } from 'vitest';
import { nodeRedis, type Connected } from './clients.js';
import { Proxy } from '../proxy.js';
import type { TestServer } from './started.js';

/** A store with its own connection. */
export interface OpenedStore extends Connected {
  readonly store: GrantStore;
}

/** Opens stores, connections and proxies for a test, and closes them after it. To be called once in a `describe`. */
export function openedFor(server: () => TestServer) {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  const connect = async (make: typeof nodeRedis = nodeRedis, url = server().url): Promise<Connected> => {
    const connected = await make(url);
    closers.push(() => connected.close());
    return connected;
  };
  return {
    connect,
    async store(options: Partial<RedisGrantStoreOptions> = {}, make?: typeof nodeRedis, url?: string): Promise<OpenedStore> {
      const connected = await connect(make, url);
      const namespace = options.namespace ?? randomUUID();
      server().forget(namespace);
      return { ...connected, store: redisGrantStore({ client: connected.client, ...options, namespace }) };
    },
    async proxy(): Promise<Proxy> {
      const proxy = await Proxy.to(server().url);
      closers.push(() => proxy.close());
      return proxy;
    },
    /** Undoes something after the test, in any case. */
    after: (undo: () => unknown) => void closers.push(undo),
  };
}

/** The keys of a namespace, as the docs name them. */
export const keysIn = (namespace: string): string[] =>
  ['head', 'rows', 'index', 'live', 'journal', 'changes'].map((name) => `{jit:${namespace}}:${name}`);

/** The values of the keys, byte for byte, with their expiry. */
export async function dumpOf({ send }: Connected, keys: readonly string[]): Promise<unknown[]> {
  const dump = async (key: string): Promise<unknown> => {
    const type = await send('TYPE', key);
    const content = {
      hash: ['HGETALL', key],
      zset: ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
      string: ['GET', key],
      list: ['LRANGE', key, '0', '-1'],
    }[type as string];
    return [key, type, await send('PTTL', key), content && (await send(...content))];
  };
  return Promise.all(keys.map(dump));
}
