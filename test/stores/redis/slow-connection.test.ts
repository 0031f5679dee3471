import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { fromIoredis, redisGrantStore, type IoredisLike } from 'jit-access/redis';
import { aRow } from 'jit-access/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeRedis } from './server.js';

/** A Sentinel, as far as a client asks it: `answer` gets each connection. */
async function sentinel(answer: (socket: Socket) => void): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

describeRedis('an ioredis client that is connecting', (server) => {
  it('asks the next Sentinel where the first is silent, also after calls of the store timed out (L30) [V4]', async () => {
    const { hostname, port } = new URL(server().url);
    const first = await sentinel((socket) => {
      // The store's calls time out without an answer; the connection then fails.
      adapted.reset?.('any');
      setImmediate(() => socket.destroy());
    });
    const second = await sentinel((socket) => {
      socket.on('data', (data) => {
        for (const command of data.toString().split(/(?=\*\d+\r\n)/)) {
          const isForMaster = command.includes('get-master-addr-by-name');
          socket.write(isForMaster ? `*2\r\n${bulk(hostname === 'localhost' ? '127.0.0.1' : hostname)}${bulk(port)}` : '*0\r\n');
        }
      });
    });
    const sentinels = [first, second].map((one) => ({ host: '127.0.0.1', port: one.port }));
    const client = new Redis({ sentinels, name: 'jit', lazyConnect: true, sentinelRetryStrategy: () => 5, updateSentinels: false });
    client.on('error', () => undefined);
    const adapted = fromIoredis(client);
    try {
      const outcome = new Promise<string>((resolve) => {
        for (const event of ['ready', 'end']) client.once(event, () => resolve(event));
      });
      client.connect().catch(() => undefined);
      expect(await outcome).toBe('ready');
    } finally {
      client.disconnect();
      for (const one of [first, second]) one.server.close();
    }
  });
});

describe('an ioredis client whose calls get no answer', () => {
  afterEach(() => void vi.useRealTimers());

  /**
   * How often the client was reconnected while five calls, one after the other, got no answer.
   *
   * @param answer how the client settles a command. Default: never
   */
  async function resetsWhile(status: string, answer = (): Promise<unknown> => new Promise<never>(() => undefined)): Promise<number> {
    vi.useFakeTimers();
    let resets = 0;
    const client = {
      status,
      call: answer,
      disconnect: (reconnect?: boolean) => void (resets += reconnect === true ? 1 : 0),
      on: () => undefined,
      off: () => undefined,
    } as unknown as IoredisLike;
    const store = redisGrantStore({ client: fromIoredis(client), namespace: 'payments', timeoutMs: 100 });
    for (let call = 0; call < 5; call++) {
      const refused = expect(store.get([aRow()])).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
      await vi.advanceTimersByTimeAsync(125);
      await refused;
    }
    return resets;
  }

  const failsAfter = (ms: number, message: string) => () =>
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error(message)), ms));

  it.each([30, 90, 100, 110, 300, 3_000])(
    'L30 [ST3] is reconnected, whether or not the client gives each command up by itself, here after %i ms',
    async (commandTimeout) => {
      expect(await resetsWhile('ready', failsAfter(commandTimeout, 'Command timed out'))).toBe(1);
    },
  );

  it('[ST3] is not reconnected where the server answers with errors, or answers late', async () => {
    expect(await resetsWhile('ready', failsAfter(10, 'ERR the server is there'))).toBe(0);
    // Each answer comes after the call, and before the third call in a row without one.
    expect(await resetsWhile('ready', failsAfter(110, 'LOADING the data'))).toBe(0);
  });

  it('is reconnected, but not while it is connecting: otherwise a slow connection would never be made (L30) [V4]', async () => {
    expect(await resetsWhile('ready')).toBe(1);
    for (const status of ['connecting', 'connect', 'reconnecting', 'close']) expect(await resetsWhile(status)).toBe(0);
  });
});
