import type { Unsubscribe } from '../../ports.js';
import type { RedisClient } from './client.js';

/** One client's news of its status, for any number of listeners: it is subscribed to once, and only while one listens. */
class StatusFeed {
  readonly #client: RedisClient;
  readonly #wakes = new Set<{ readonly wake: () => void }>();
  #unsubscribe: Unsubscribe | undefined;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  add(wake: () => void): Unsubscribe {
    const listener = { wake };
    this.#wakes.add(listener);
    this.#unsubscribe ??= this.#client.onStatus(() => {
      for (const each of [...this.#wakes]) each.wake();
    });
    return () => {
      if (!this.#wakes.delete(listener) || this.#wakes.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
    };
  }
}

const FEEDS = new WeakMap<RedisClient, StatusFeed>();

/**
 * {@link RedisClient.onStatus}, shared. Each call that waits for a connection listens: with a listener of its own for each,
 * an outage under load would make Node print a MaxListenersExceededWarning.
 */
export function onStatus(client: RedisClient, wake: () => void): Unsubscribe {
  let feed = FEEDS.get(client);
  if (feed === undefined) FEEDS.set(client, (feed = new StatusFeed(client)));
  return feed.add(wake);
}
