import type { Unsubscribe } from '../../core/store-port.js';
import type { RedisClient } from './client.js';

/** One client's changes of status, for any number of stores and calls: subscribed to once, for as long as the client lives. */
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

  /** Each call that waits for a connection listens here: a listener on the client for each would make Node warn of a leak. */
  add(wake: () => void): Unsubscribe {
    // An object of its own, so that one function may listen twice.
    const listener = { wake };
    this.#wakes.add(listener);
    return () => void this.#wakes.delete(listener);
  }
}

const FEEDS = new WeakMap<RedisClient, StatusFeed>();

/** The feed of a client, shared by all stores over it: it keeps none of them. */
export function statusFeedOf(client: RedisClient): StatusFeed {
  let feed = FEEDS.get(client);
  if (feed === undefined) FEEDS.set(client, (feed = new StatusFeed(client)));
  return feed;
}
