import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { isJitError, type GrantStore, type JitEngine } from 'jit-access';
import { fromIoredis, fromNodeRedis, redisGrantStore, type RedisClient, type RedisReply } from 'jit-access/redis';
import { aRow } from 'jit-access/testing';
import { createClient } from 'redis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Proxy } from '../proxy.js';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';

const PAGE = await readFile(new URL('../../../docs/guides/stores/redis.md', import.meta.url), 'utf8');
/** The code blocks in the docs that make a client. */
const SAMPLES = [...PAGE.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code).filter((code) => code.includes('redisGrantStore({'));

/** Calls without a pause until there is an answer, at most this many times. */
async function answerOf<T>(ask: () => Promise<T>, most: number): Promise<T | 'none'> {
  for (let asked = 0; asked < most; asked++) {
    try {
      return await ask();
    } catch (error) {
      expect(isJitError(error) && error.code).toBe('ERR_JIT_STORE');
    }
  }
  return 'none';
}

for (const [name, make] of Object.entries(CLIENTS)) {
  describeRedis(`redisGrantStore over ${name}, whose connection has gone silent`, (server) => {
    const { store, proxy } = openedFor(server);

    it('answers again without a restart, while reads never pause (L30) [V4]', async () => {
      const network = await proxy();
      const { store: one } = await store({ timeoutMs: 150 }, make, network.url);
      expect(await answerOf(() => one.get([aRow()]), 20)).toEqual([undefined]);
      expect(network.silenceConnections()).toBeGreaterThan(0);
      expect(await answerOf(() => one.get([aRow()]), 20)).toEqual([undefined]);
    });

    it('answers again while many reads wait [V4]', async () => {
      const network = await proxy();
      const { store: one } = await store({ timeoutMs: 150 }, make, network.url);
      expect(await answerOf(() => one.get([aRow()]), 20)).toEqual([undefined]);
      network.silenceConnections();
      const lanes = Array.from({ length: 20 }, () => answerOf(() => one.get([aRow()]), 20));
      expect(await Promise.all(lanes)).toEqual(lanes.map(() => [undefined]));
    });
  });
}

describeRedis('the samples in the docs for Redis', (server) => {
  it.each(SAMPLES.map((code) => [/from '((?:io)?redis)'/.exec(code)?.[1], code] as const))(
    'recover from a connection that has gone silent, over %s as it is set up there [V4]',
    async (_, code) => {
      const network = await Proxy.to(server().url);
      const file = fileURLToPath(new URL(`sample-${randomUUID()}.ts`, import.meta.url));
      // The namespace in the docs may be in use.
      await writeFile(file, `${code.replace("'payments'", `'${randomUUID()}'`)}\nexport { client, engine };\n`);
      const before = process.env['REDIS_URL'];
      process.env['REDIS_URL'] = network.url;
      try {
        const { client, engine } = (await import(pathToFileURL(file).href)) as {
          client: { destroy?(): void; disconnect?(): void };
          engine: JitEngine;
        };
        const { request } = await engine.requestAccess({ subject: 'user:ada', scope: 'a:b', ttl: '1h' });
        await engine.approve(request.id, { by: 'user:sam' });
        const check = () => engine.isAllowed('user:ada', 'a:b');
        expect(await check()).toBe(true);
        network.silenceConnections();
        const lanes = Array.from({ length: 4 }, () => answerOf(check, 4));
        expect(await Promise.all(lanes)).toEqual([true, true, true, true]);
        (client.destroy ?? client.disconnect)?.call(client);
      } finally {
        if (before === undefined) delete process.env['REDIS_URL'];
        else process.env['REDIS_URL'] = before;
        await rm(file);
        await network.close();
      }
    },
  );
});

describeRedis('calls that wait for a connection', (server) => {
  const CALLS = 40;

  /** Whether this many waiting calls share their listeners on the client, and are all answered finally. */
  async function share(network: Proxy, stores: readonly GrantStore[], listeners: (event: string) => number): Promise<void> {
    await Promise.all(stores.map((one) => one.get([aRow()])));
    network.refuse();
    await stores[0]?.get([aRow()]).catch(() => undefined);
    const calls = Array.from({ length: CALLS }, (_, i) => (stores[i % stores.length] as GrantStore).get([aRow()]));
    // Each call has begun to wait.
    await new Promise((resolve) => setImmediate(resolve));
    for (const event of ['ready', 'reconnecting', 'end']) expect(listeners(event)).toBeLessThan(10);
    network.mend();
    expect(await Promise.all(calls)).toEqual(calls.map(() => [undefined]));
  }
  const storesOn = (client: () => RedisClient) =>
    Array.from({ length: 12 }, () => redisGrantStore({ client: client(), namespace: randomUUID() }));

  it('add no listeners to a client of the package redis, for any number of waiting calls', async () => {
    const network = await Proxy.to(server().url);
    const client = createClient({ url: network.url, socket: { reconnectStrategy: () => 5 } });
    client.on('error', () => undefined);
    await client.connect();
    await share(
      network,
      storesOn(() => fromNodeRedis(client)),
      (event) => client.listenerCount(event),
    );
    client.destroy();
    await network.close();
  });

  it('add no listeners to a client of the package ioredis, for any number of waiting calls', async () => {
    const network = await Proxy.to(server().url);
    const client = new Redis(network.url, { retryStrategy: () => 5 });
    client.on('error', () => undefined);
    await share(
      network,
      storesOn(() => fromIoredis(client)),
      (event) => client.listenerCount(event),
    );
    client.disconnect();
    await network.close();
  });
});

describe('the time limit of a read', () => {
  afterEach(() => void vi.useRealTimers());
  const LIMIT_MS = 1_000;

  it('covers all commands of the read, with the one for the eviction policy (L30) [V11]', async () => {
    vi.useFakeTimers();
    let isLate = false;
    const isPolicy = ([name, text = '']: readonly string[]) => name === 'INFO' || (name === 'EVAL' && text.includes('maxmemory_policy'));
    const proven: RedisReply[] = ['policy', 'noeviction'];
    const client: RedisClient = {
      status: () => 'ready',
      onStatus: () => () => undefined,
      send(command) {
        if (command[0] === 'EVALSHA') return Promise.reject(new Error('NOSCRIPT No matching script'));
        if (isPolicy(command)) {
          const answer = command[0] === 'INFO' ? 'maxmemory_policy:noeviction' : proven;
          return isLate ? new Promise((resolve) => setTimeout(resolve, 0.9 * LIMIT_MS, answer)) : Promise.resolve(answer);
        }
        // A read: at first it fails, so that the policy is read again; later it gets no answer.
        return isLate ? new Promise(() => undefined) : Promise.reject(new Error('LOADING'));
      },
    };
    const store = redisGrantStore({ client, namespace: 'payments', timeoutMs: LIMIT_MS });
    const check = async () => store.live({ subject: 'user:maya', scope: 'a:b', at: 0 });
    await expect(check()).rejects.toThrow('LOADING');
    isLate = true;
    let settled = 'waits still';
    check().catch((error: unknown) => (settled = String(error)));
    await vi.advanceTimersByTimeAsync(1.25 * LIMIT_MS);
    expect(settled).toMatch(/no answer from Redis within 1000 ms/);
  });
});
