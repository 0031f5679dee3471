import { invalid } from '../../core/parse.js';
import type { RedisClient, RedisReply } from './client.js';
import { slotOf } from './key-slot.js';

/** The part of a client of the package `ioredis`, version 6, that {@link fromIoredis} uses. */
export interface IoredisLike {
  readonly status: string;
  /** True for a `Cluster`. */
  readonly isCluster?: boolean | undefined;
  call(command: string, ...args: string[]): Promise<unknown>;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  duplicate(): IoredisSubscriberLike;
}

/** The part of a duplicated client that {@link fromIoredis} uses. */
export interface IoredisSubscriberLike {
  readonly status: string;
  connect(): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  subscribe(channel: string): Promise<unknown>;
  disconnect(): void;
}

/** A `Redis`, or a node of a `Cluster`. */
interface Connected {
  readonly status?: string | undefined;
  readonly stream?: { destroy?(): unknown } | undefined;
  readonly options?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
}

/** The nodes that a `Cluster` knows. */
interface ClusterNodes {
  /** Indexed by slot: the nodes that serve it as `host:port`, the primary first. */
  readonly slots?: readonly (readonly string[] | undefined)[] | undefined;
  readonly options?: { readonly keyPrefix?: string | undefined } | undefined;
  nodes?(): readonly Connected[];
}

const EVENTS = ['ready', 'close', 'reconnecting', 'end'];
/** A Cluster's connections to nodes come and go without a change of its status. */
const CLUSTER_EVENTS = [...EVENTS, '+node', '-node'];

const ADAPTED = new WeakMap<IoredisLike, RedisClient>();

/**
 * Adapts a client of the package `ioredis`, version 6, for {@link redisGrantStore}: a `Redis`, with or without `sentinels`,
 * or a `Cluster`.
 *
 * The connection stays yours: listen to its `error` events, and close it after the engine. The store makes it reconnect when
 * several calls in a row got no answer. Set `socketTimeout`, so that a connection that hangs while it opens also ends.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` when `client` is not such a client
 * @example
 * const client = new Redis(url, { socketTimeout: 5_000 });
 * client.on('error', (error) => console.error(error));
 * const store = redisGrantStore({ client: fromIoredis(client), namespace: 'payments' });
 */
export function fromIoredis(client: IoredisLike): RedisClient {
  const given = client as Partial<IoredisLike> | null | undefined;
  if (typeof given?.call !== 'function' || typeof given.status !== 'string') {
    throw invalid('client', 'a client of the package ioredis, made by new Redis() or new Cluster()', client);
  }
  const known = ADAPTED.get(client);
  if (known !== undefined) return known;
  const isCluster = client.isCluster === true;
  const events = isCluster ? CLUSTER_EVENTS : EVENTS;
  const adapted = Object.freeze<RedisClient>({
    isCluster,
    status() {
      // A client with `lazyConnect` connects at its first command. But the store sends no command before the client is
      // ready, so the adapter connects it.
      if (client.status === 'wait') client.connect().catch(() => undefined);
      return client.status === 'ready' ? 'ready' : client.status === 'end' ? 'closed' : 'connecting';
    },
    onStatus(wake) {
      for (const event of events) client.on(event, wake);
      return () => {
        for (const event of events) client.off(event, wake);
      };
    },
    reset(key) {
      // Does nothing while the client connects. If connecting takes longer than calls wait, each reset would start it again.
      // With Sentinel, a reset would even make ioredis close the client permanently.
      if (client.status !== 'ready') return;
      if (isCluster) {
        const node = nodeOf(client, key);
        if (node?.status === 'ready') node.stream?.destroy?.();
        return;
      }
      const { stream } = client as Connected;
      client.disconnect(true);
      // `disconnect` ends the socket and waits for the server to end its side, which never happens on a dead connection.
      stream?.destroy?.();
    },
    send: ([command = '', ...args]) => client.call(command, ...args) as Promise<RedisReply>,
    subscribe(channel, wake) {
      const subscriber = client.duplicate();
      // A message is only a hint: without it, a follower of the journal reads the new entries later.
      subscriber.on('error', () => undefined);
      subscriber.on('message', wake);
      // Runs on every connection. The client renews the subscription by itself, but only the answer to this SUBSCRIBE shows
      // that it is active. `wake` runs then, because messages may have been missed before.
      const listen = () => {
        subscriber.subscribe(channel).then(wake, () => undefined);
      };
      subscriber.on('ready', listen);
      if (subscriber.status === 'wait') subscriber.connect().catch(() => undefined);
      return () => subscriber.disconnect();
    },
  });
  ADAPTED.set(client, adapted);
  return adapted;
}

/** The primary of a key. The other nodes keep their connections, because they still answer (L38). */
function nodeOf(client: IoredisLike, key: string): Connected | undefined {
  const cluster = client as ClusterNodes;
  const primary = cluster.slots?.[slotOf((cluster.options?.keyPrefix ?? '') + key)]?.[0];
  return cluster.nodes?.().find(({ options }) => `${options?.host ?? ''}:${options?.port ?? ''}` === primary);
}
