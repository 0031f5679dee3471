import { invalid } from '../../core/parse.js';
import type { RedisClient, RedisReply } from './client.js';

/** The part of a client of the package `redis`, version 6, that {@link fromNodeRedis} uses. `createClient()` makes one. */
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

/** The part of a duplicated client that {@link fromNodeRedis} uses. */
export interface NodeRedisSubscriberLike {
  on(event: string, listener: () => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): void;
}

/** Replies come as strings, even if the client maps them to other types for the application. */
const AS_STRINGS = { typeMapping: {} } as const;
const EVENTS = ['ready', 'reconnecting', 'end'];

/** Members of the clients that `createCluster()` and `createSentinel()` make. Their `sendCommand` takes other arguments. */
const SENDS_DIFFERENTLY = ['nodeClient', 'getSentinelNode'];

const ADAPTED = new WeakMap<NodeRedisLike, RedisClient>();

/**
 * Adapts a client of the package `redis`, version 6, for {@link redisGrantStore}.
 *
 * The connection stays yours: connect it before, and close it after. Listen to its `error` events, or the first one ends
 * your process. The store makes it reconnect when several calls in a row got no answer.
 *
 * Gotcha: without a `reconnectStrategy` of your own, a `socketTimeout` that fires closes the client permanently.
 * Gotcha: clients of `createCluster()` and `createSentinel()` send commands differently and are refused; use ioredis for
 * both.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` when `client` is not such a client
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
      // A client that is connecting is not reconnected: a second attempt in parallel would leak a connection.
      if (!client.isReady || !client.isOpen) return;
      client.destroy();
      client.connect().catch(() => undefined);
    },
    send: (command) => client.sendCommand(command, AS_STRINGS) as Promise<RedisReply>,
    subscribe(channel, wake) {
      const subscriber = client.duplicate();
      // A message is only a hint: without it, a follower of the journal reads the new entries later.
      subscriber.on('error', () => undefined);
      // 'ready' is emitted once the earlier subscriptions are restored.
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
          // The client was closed already.
        }
      };
    },
  });
  ADAPTED.set(client, adapted);
  return adapted;
}
