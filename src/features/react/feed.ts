import type { AccessClient } from '../client/access-client.js';

/** What follows the events of a client, until its signal aborts. */
interface Follower {
  readonly signal: AbortSignal;
  readonly onEvent: () => void;
  /** Called when the stream has ended with an error. Only `connect` connects again. */
  readonly onError: (error: unknown) => void;
}

/** One stream of events for all values of a page: a handler permits ten for each caller, and a browser six for each server. */
class EventFeed {
  readonly #client: AccessClient;
  readonly #followers = new Set<Follower>();
  #end: AbortController | undefined;

  constructor(client: AccessClient) {
    this.#client = client;
  }

  follow(follower: Follower): void {
    this.#followers.add(follower);
    this.connect();
    const leave = () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) this.#end?.abort();
    };
    follower.signal.addEventListener('abort', leave, { once: true });
  }

  /** Connects again if the stream has ended. */
  connect(): void {
    if (this.#end === undefined || this.#end.signal.aborted) void this.#run((this.#end = new AbortController()));
  }

  async #run(end: AbortController): Promise<void> {
    const { signal } = end;
    try {
      for await (const _ of this.#client.events({ signal })) for (const { onEvent } of this.#followers) onEvent();
    } catch (error) {
      if (!signal.aborted) for (const { onError } of this.#followers) onError(error);
    } finally {
      // `connect` connects again, and so does the next follower.
      end.abort();
    }
  }
}

const feeds = /* @__PURE__ */ new WeakMap<AccessClient, EventFeed>();

export function feedOf(client: AccessClient): EventFeed {
  const feed = feeds.get(client) ?? new EventFeed(client);
  feeds.set(client, feed);
  return feed;
}
