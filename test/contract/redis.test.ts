import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import { redisGrantStore } from 'jit-access/redis';
import { storeContract } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { CLIENTS, type Connected } from '../stores/redis/clients.js';
import { Proxy } from '../stores/proxy.js';
import { describeRedis, leftOut } from '../stores/redis/server.js';

/** Connections that a case opened, to be closed after it. */
interface Opened {
  readonly proxy: Proxy;
  readonly connections: Connected[];
}

if (leftOut !== undefined) console.warn(leftOut);

for (const [name, connect] of Object.entries(CLIENTS)) {
  describeRedis(`redisGrantStore over ${name}`, (server) => {
    const opened = new Map<GrantStore, Opened>();
    const open = async (url: string, namespace: string, connections: Connected[]) => {
      const connected = await connect(url);
      connections.push(connected);
      server().forget(namespace);
      return redisGrantStore({ client: connected.client, namespace });
    };
    storeContract(
      { describe, it },
      {
        name: `redisGrantStore over ${name}`,
        async create() {
          const proxy = await Proxy.to(server().url);
          const connections: Connected[] = [];
          const store = await open(proxy.url, randomUUID(), connections);
          opened.set(store, { proxy, connections });
          return store;
        },
        async cleanup(store) {
          const { proxy, connections } = opened.get(store) as Opened;
          opened.delete(store);
          for (const { close } of connections) close();
          await proxy.close();
        },
        reopen: (store) => open(server().url, store.namespace, (opened.get(store) as Opened).connections),
        breakBackend(store) {
          const { proxy, connections } = opened.get(store) as Opened;
          for (const { giveUp } of connections) giveUp();
          proxy.refuse();
          return async () => {
            proxy.mend();
            await Promise.all(connections.map(({ connectAgain }) => connectAgain()));
          };
        },
        loseReply(store) {
          const { proxy } = opened.get(store) as Opened;
          proxy.atCommit('cut the reply');
          return () => proxy.mend();
        },
      },
    );
  });
}
