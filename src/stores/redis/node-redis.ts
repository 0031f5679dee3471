import { invalid } from '../../core/parse.js';
import type { RedisClient, RedisReply } from './client.js';

/** What is used of a client of the package `redis`, version 6: one of `createClient()`. */
export interface NodeRedisLike {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: readonly string[], options?: { readonly typeMapping: object }): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  duplicate(): NodeRedisSubscriberLike;
}

/** What is used of its duplicate. */
export interface NodeRedisSubscriberLike {
  on(event: string, listener: () => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): void;
}

/** Replies as strings, whatever the client maps them to for others. */
const AS_STRINGS = { typeMapping: {} } as const;
const EVENTS = ['ready', 'reconnecting', 'end'];

/** Members of what `createCluster()` and `createSentinel()` make, whose `sendCommand` takes other arguments. */
const SENDS_DIFFERENTLY = ['nodeClient', 'getSentinelNode'];

const ADAPTED = new WeakMap<NodeRedisLike, RedisClient>();

/**
 * The client of the package `redis`, version 6, for {@link redisGrantStore}. Its connection stays yours: connect it
 * before, close it after, and listen to its `error` events, or the first one ends your process. Where several calls in a
 * row had no answer the store makes it connect again.
 *
 * Gotcha: `socketTimeout` without a `reconnectStrategy` of your own closes the client for good when it fires.
 * Gotcha: a client of `createCluster()` or `createSentinel()` sends differently and is refused; for both take ioredis.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` where it is no such client
 * @example
 * const client = createClient({ url });
 * client.on('error', (error) => console.error(error));
 * await client.connect();
 * const store = redisGrantStore({ client: fromNodeRedis(client), namespace: 'payments' });
 */
export function fromNodeRedis(client: NodeRedisLike): RedisClient {
  const given = client as Partial<NodeRedisLike> | null | undefined;
  const isClient = typeof given?.sendCommand === 'function' && typeof given.isReady === 'boolean';
  if (!isClient || SENDS_DIFFERENTLY.some((member) => member in given)) {
    throw invalid('client', 'a client of the package redis, made by createClient()', client);
  }
  const known = ADAPTED.get(client);
  if (known !== undefined) return known;
  const adapted = Object.freeze<RedisClient>({
    status: () => (client.isReady ? 'ready' : client.isOpen ? 'connecting' : 'closed'),
    onStatus(wake) {
      for (const event of EVENTS) client.on(event, wake);
      return () => {
        for (const event of EVENTS) client.off(event, wake);
      };
    },
    reset() {
      // One that is connecting does so until it has: a second attempt beside that would leave a connection behind.
      if (!client.isReady || !client.isOpen) return;
      client.destroy();
      client.connect().catch(() => undefined);
    },
    send: (command) => client.sendCommand(command, AS_STRINGS) as Promise<RedisReply>,
    subscribe(channel, wake) {
      const subscriber = client.duplicate();
      // It is only a hint: without it the followers read the journal all the same, later.
      subscriber.on('error', () => undefined);
      // 'ready' comes once the subscriptions of before are there again.
      subscriber.on('ready', wake);
      const listening = async () => {
        await subscriber.connect();
        await subscriber.subscribe(channel, wake);
        wake();
      };
      listening().catch(() => undefined);
      return () => {
        try {
          subscriber.destroy();
        } catch {
          // It has been closed already.
        }
      };
    },
  });
  ADAPTED.set(client, adapted);
  return adapted;
}
