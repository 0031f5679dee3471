import type { Unsubscribe } from '../../core/store-port.js';

/** A reply of Redis, in the forms that both protocol versions share. */
export type RedisReply = string | number | null | readonly RedisReply[] | { readonly [key: string]: RedisReply };

/**
 * What the store needs of a Redis client. {@link fromNodeRedis} and {@link fromIoredis} adapt their clients; write your own
 * adapter for another client.
 *
 * Gotcha: all commands given to {@link send} go over one connection, in order. Otherwise `isCluster` must be true.
 */
export interface RedisClient {
  /**
   * What happens to a command given to {@link send} now: it goes out at once (`ready`), waits for a connection
   * (`connecting`), or can never go out (`closed`).
   *
   * The store sends only when this is `ready`. Otherwise a commit that was already reported as failed could leave a client's
   * queue minutes later.
   */
  status(): 'ready' | 'connecting' | 'closed';
  /**
   * Calls `wake` when the status may have changed, and at each loss of the connection, before anything is sent or answered
   * over the next one. The option `replicas` depends on that: `WAIT` proves nothing about writes of another connection.
   */
  onStatus(wake: () => void): Unsubscribe;
  /**
   * Sends one command unchanged, and resolves with its reply: strings as strings, not as bytes. If the server refuses, it
   * rejects with an error that has the server's own message. If the connection fails, it rejects with any other error.
   */
  send(command: readonly string[]): Promise<RedisReply>;
  /**
   * Drops the connection and connects again. The store calls it when several calls in a row got no answer, because a client
   * may wait on a dead connection without end. Optional; without it the client must detect dead connections itself.
   *
   * While the client is connecting, `reset` must do nothing. Otherwise a connection that takes longer to open than the calls
   * wait would start repeatedly. On a Cluster it drops only the connection to the node of `key`, because the other
   * nodes answer.
   *
   * @param key one of the keys that the calls used
   */
  reset?(key: string): void;
  /**
   * Whether commands go to several servers, by their keys. The store then refuses `replicas`, because `WAIT` has no key.
   * Default: false.
   */
  readonly isCluster?: boolean | undefined;
  /**
   * Subscribes to a channel over a separate connection, whose errors it must handle. Optional.
   *
   * Calls `wake` for each message, and each time that the subscription starts or restarts, because messages may have been
   * missed before.
   */
  subscribe?(channel: string, wake: () => void): Unsubscribe;
}
