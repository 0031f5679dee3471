import { invalid } from '../../input.js';
import type { RedisClient, RedisReply } from './client.js';

/** What is used of a client of the package `ioredis`, version 6. */
export interface IoredisLike {
  readonly status: string;
  call(command: string, ...args: string[]): Promise<unknown>;
  connect(): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  duplicate(): IoredisSubscriberLike;
}

/** What is used of its duplicate. */
export interface IoredisSubscriberLike {
  readonly status: string;
  connect(): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  subscribe(channel: string): Promise<unknown>;
  disconnect(): void;
}

const EVENTS = ['ready', 'close', 'reconnecting', 'end'];

/**
 * The client of the package `ioredis`, version 6, for {@link redisGrantStore}. Its connection stays yours: close it
 * after, and listen to its `error` events.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` where it is no such client
 * @example
 * const client = new Redis(process.env.REDIS_URL);
 * client.on('error', (error) => console.error(error));
 * const store = redisGrantStore({ client: fromIoredis(client), namespace: 'payments' });
 */
export function fromIoredis(client: IoredisLike): RedisClient {
  const given = client as Partial<IoredisLike> | null | undefined;
  if (typeof given?.call !== 'function' || typeof given.status !== 'string') {
    throw invalid('client', 'a client of the package ioredis', client);
  }
  return Object.freeze<RedisClient>({
    status() {
      // One that is to connect when it is first used would wait for that for ever.
      if (client.status === 'wait') client.connect().catch(() => undefined);
      return client.status === 'ready' ? 'ready' : client.status === 'end' ? 'closed' : 'connecting';
    },
    onStatus(wake) {
      for (const event of EVENTS) client.on(event, wake);
      return () => {
        for (const event of EVENTS) client.off(event, wake);
      };
    },
    send: ([command = '', ...args]) => client.call(command, ...args) as Promise<RedisReply>,
    subscribe(channel, wake) {
      const subscriber = client.duplicate();
      // It is only a hint: without it the followers read the journal all the same, later.
      subscriber.on('error', () => undefined);
      subscriber.on('message', wake);
      // At each connection: it subscribes again by itself, and something may have been missed before.
      const listen = () => {
        subscriber.subscribe(channel).then(wake, () => undefined);
      };
      subscriber.on('ready', listen);
      if (subscriber.status === 'wait') subscriber.connect().catch(() => undefined);
      return () => subscriber.disconnect();
    },
  });
}
