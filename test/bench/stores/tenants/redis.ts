import { fromNodeRedis, redisGrantStore } from 'jit-access/redis';
import { createClient } from 'redis';
import { startServer } from '../../../stores/redis/started.js';
import type { Tenants } from './tenants.js';

/** A server of its own, through `redis`: one connection, on which the calls of all namespaces follow each other without a pause. */
export async function redisTenants(): Promise<Tenants> {
  const server = await startServer(['--appendonly', 'yes', '--appendfsync', 'everysec']);
  const connect = async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const [client, plain] = [await connect(), await connect()];
  const version = /redis_version:(\S+)/.exec(await plain.info('server'))?.[1] ?? '';
  return {
    name: 'Redis',
    setting: `Redis ${version}, appendfsync everysec`,
    store: redisGrantStore({ client: fromNodeRedis(client), namespace: 'tenant', timeoutMs: 300_000 }),
    silent: undefined,
    bareCommit: (namespace, id, text) => plain.hSet(`bench:${namespace}`, id, text),
    async cpuMs() {
      const used = await plain.info('cpu');
      const seconds = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(used)?.[1]);
      return 1_000 * (seconds('used_cpu_user') + seconds('used_cpu_sys'));
    },
    async close() {
      for (const one of [client, plain]) one.destroy();
      await server.stop();
    },
  };
}
