import type { Unsubscribe } from '../../core/store-port.js';

/** What Redis answers, in the forms that both protocols share. */
export type RedisReply = string | number | null | readonly RedisReply[] | { readonly [key: string]: RedisReply };

/**
 * The little that the store asks of a Redis client. {@link fromNodeRedis} and {@link fromIoredis} make one of yours;
 * write your own for another client.
 *
 * Gotcha: everything that {@link send} is given goes over one connection, in order, or `isCluster` says that it does not.
 */
export interface RedisClient {
  /**
   * Whether a command given to {@link send} now goes out at once (`ready`), would wait for a connection
   * (`connecting`), or can never go out (`closed`). The store sends nothing but when it is `ready`, so that a commit that
   * was told to have failed can't leave a queue minutes later.
   */
  status(): 'ready' | 'connecting' | 'closed';
  /**
   * Calls `wake` when the status may have changed, and at each loss of the connection, before anything is sent or
   * answered over the next one. `replicas` rests on that: `WAIT` proves nothing about another connection's writes.
   */
  onStatus(wake: () => void): Unsubscribe;
  /**
   * Sends one command as it is and resolves with its reply: strings as strings, not as bytes. Rejects with an error whose
   * message is the server's own when that refused, and with any other where the connection failed.
   */
  send(command: readonly string[]): Promise<RedisReply>;
  /**
   * Drops the connection and connects again. The store calls it when several calls in a row had no answer: over a dead
   * connection a client may wait for ever. While the client is connecting it must do nothing: a connection that takes longer
   * to begin than the calls wait would begin again for ever. On a Cluster only the connection to the node of `key` is dropped:
   * the others answer. Optional; without it the client has to notice dead connections by itself.
   *
   * @param key one of those that the calls were about
   */
  reset?(key: string): void;
  /** Whether commands go to several servers, by their keys. Then `replicas` is refused: `WAIT` has no key. Default: false. */
  readonly isCluster?: boolean | undefined;
  /**
   * Listens to a channel over a connection of its own. `wake` is called for each message, and whenever listening has
   * begun, again too: something may have been missed before. Must handle that connection's errors. Optional.
   */
  subscribe?(channel: string, wake: () => void): Unsubscribe;
}
