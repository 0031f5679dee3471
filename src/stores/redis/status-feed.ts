import type { Unsubscribe } from '../../core/store-port.js';
import type { RedisClient } from './client.js';

/** The status changes of one client, for any number of stores and calls. It subscribes to the client once, for the client's lifetime. */
export class StatusFeed {
  /** How often the status may have changed. */
  changes = 0;
  readonly #wakes = new Set<{ readonly wake: () => void }>();

  constructor(client: RedisClient) {
    client.onStatus(() => {
      this.changes += 1;
      for (const each of [...this.#wakes]) each.wake();
    });
  }

  /**
   * Each call that waits for a connection registers here. A listener on the client for each of them would trigger Node's
   * leak warning.
   */
  add(wake: () => void): Unsubscribe {
    // A wrapper for each call, because the same function may be registered twice.
    const listener = { wake };
    this.#wakes.add(listener);
    return () => void this.#wakes.delete(listener);
  }
}

const FEEDS = new WeakMap<RedisClient, StatusFeed>();

/** The feed of a client, shared by all its stores. It holds no reference to a store, which can thus be garbage-collected. */
export function statusFeedOf(client: RedisClient): StatusFeed {
  let feed = FEEDS.get(client);
  if (feed === undefined) FEEDS.set(client, (feed = new StatusFeed(client)));
  return feed;
}
