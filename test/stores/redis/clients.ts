import { Redis } from 'ioredis';
import { fromIoredis, fromNodeRedis, type RedisClient } from 'jit-access/redis';
import { createClient } from 'redis';

/** A client, and what a test can do to it apart from the store. */
export interface Connected {
  readonly client: RedisClient;
  send(...command: string[]): Promise<unknown>;
  /** It does not reconnect after the next failure: the store is then refused at once, without a wait. */
  giveUp(): void;
  /** Reconnects after it has given up. */
  connectAgain(): Promise<unknown>;
  close(): void;
}

const RETRY_MS = 5;

export async function nodeRedis(url: string): Promise<Connected> {
  let givesUp = false;
  const client = createClient({ url, socket: { reconnectStrategy: () => (givesUp ? new Error('gave up') : RETRY_MS) } });
  client.on('error', () => undefined);
  await client.connect();
  return {
    client: fromNodeRedis(client),
    send: (...command) => client.sendCommand(command),
    giveUp: () => void (givesUp = true),
    connectAgain() {
      givesUp = false;
      return client.isOpen ? Promise.resolve() : client.connect();
    },
    close: () => client.destroy(),
  };
}

async function ioredis(url: string, options: { readonly keyPrefix?: string; readonly lazyConnect?: boolean } = {}): Promise<Connected> {
  let givesUp = false;
  const client = new Redis(url, { retryStrategy: () => (givesUp ? null : RETRY_MS), ...options });
  client.on('error', () => undefined);
  return {
    client: fromIoredis(client),
    send: (name = '', ...args) => client.call(name, ...args),
    giveUp: () => void (givesUp = true),
    connectAgain() {
      givesUp = false;
      return client.status === 'end' ? client.connect() : Promise.resolve();
    },
    close: () => client.disconnect(),
  };
}

export const CLIENTS = { 'node-redis': nodeRedis, ioredis } as const;
