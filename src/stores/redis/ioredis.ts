import { invalid } from '../../core/parse.js';
import type { RedisClient, RedisReply } from './client.js';
import { slotOf } from './key-slot.js';

/** What is used of a client of the package `ioredis`, version 6. */
export interface IoredisLike {
  readonly status: string;
  /** That of a `Cluster` is true. */
  readonly isCluster?: boolean | undefined;
  call(command: string, ...args: string[]): Promise<unknown>;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
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

/** What a `Redis` is made of, and each node of a `Cluster`. */
interface Connected {
  readonly status?: string | undefined;
  readonly stream?: { destroy?(): unknown } | undefined;
  readonly options?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
}

/** What a `Cluster` knows of its nodes. */
interface ClusterNodes {
  /** By slot, the nodes that serve it as `host:port`, the primary first. */
  readonly slots?: readonly (readonly string[] | undefined)[] | undefined;
  readonly options?: { readonly keyPrefix?: string | undefined } | undefined;
  nodes?(): readonly Connected[];
}

const EVENTS = ['ready', 'close', 'reconnecting', 'end'];
/** A Cluster's own connections come and go without a change of its status. */
const CLUSTER_EVENTS = [...EVENTS, '+node', '-node'];

const ADAPTED = new WeakMap<IoredisLike, RedisClient>();

/**
 * The client of the package `ioredis`, version 6, for {@link redisGrantStore}: a `Redis`, with `sentinels` or without, or a
 * `Cluster`. Its connection stays yours: close it after, and listen to its `error` events. Where several calls in a row
 * had no answer the store makes it connect again; set `socketTimeout`, so that a connection that hangs while it begins
 * ends, too.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` where it is no such client
 * @example
 * const client = new Redis(url, { socketTimeout: 5_000 });
 * client.on('error', (error) => console.error(error));
 * const store = redisGrantStore({ client: fromIoredis(client), namespace: 'payments' });
 */
export function fromIoredis(client: IoredisLike): RedisClient {
  const given = client as Partial<IoredisLike> | null | undefined;
  if (typeof given?.call !== 'function' || typeof given.status !== 'string') {
    throw invalid('client', 'a client of the package ioredis', client);
  }
  const known = ADAPTED.get(client);
  if (known !== undefined) return known;
  const isCluster = client.isCluster === true;
  const events = isCluster ? CLUSTER_EVENTS : EVENTS;
  const adapted = Object.freeze<RedisClient>({
    isCluster,
    status() {
      // One that is to connect when it is first used would wait for that for ever.
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
      // A client that is connecting is left to do so. Reset, it would begin again for ever where that takes longer than
      // calls wait, and ioredis closes a client of Sentinel for good.
      if (client.status !== 'ready') return;
      if (isCluster) {
        const node = nodeOf(client, key);
        if (node?.status === 'ready') node.stream?.destroy?.();
        return;
      }
      const { stream } = client as Connected;
      client.disconnect(true);
      // It says goodbye and waits for an answer, which a dead connection doesn't give.
      stream?.destroy?.();
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
  ADAPTED.set(client, adapted);
  return adapted;
}

/** The primary of a key. The others answer as before, and keep their connections (L38). */
function nodeOf(client: IoredisLike, key: string): Connected | undefined {
  const cluster = client as ClusterNodes;
  const primary = cluster.slots?.[slotOf((cluster.options?.keyPrefix ?? '') + key)]?.[0];
  return cluster.nodes?.().find(({ options }) => `${options?.host ?? ''}:${options?.port ?? ''}` === primary);
}
