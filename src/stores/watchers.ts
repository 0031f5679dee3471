import type { Unsubscribe } from '../core/store-port.js';

type Wake = (headSeq?: number) => void;

interface Watched {
  /** A wrapper for each call, because the same function may be registered twice. */
  readonly watchers: Set<{ readonly wake: Wake }>;
  unsubscribe: Unsubscribe | undefined;
}

/**
 * The watchers of heads in this process, for all namespaces of a store. The watchers of a namespace share one subscription,
 * from the first watcher to the last. A commit of this process wakes them directly.
 *
 * Kept apart from the rest of a namespace, so that a watch makes none, and a namespace without a watcher takes no memory.
 */
export class Watchers {
  readonly #subscribe: ((namespace: string, wake: () => void) => Unsubscribe) | undefined;
  readonly #watched = new Map<string, Watched>();

  constructor(subscribe?: (namespace: string, wake: () => void) => Unsubscribe) {
    this.#subscribe = subscribe;
  }

  add(namespace: string, wake: Wake): Unsubscribe {
    const watcher = { wake };
    const watched: Watched = this.#watched.get(namespace) ?? { watchers: new Set(), unsubscribe: undefined };
    this.#watched.set(namespace, watched);
    watched.watchers.add(watcher);
    watched.unsubscribe ??= this.#subscribe?.(namespace, () => this.wakeAll(namespace));
    return () => {
      if (!watched.watchers.delete(watcher) || watched.watchers.size > 0) return;
      this.#watched.delete(namespace);
      watched.unsubscribe?.();
    };
  }

  /** @param headSeq the seq of the head after a commit of this process; `undefined` after a message, whose text is not passed on */
  wakeAll(namespace: string, headSeq?: number): void {
    for (const { wake } of this.#watched.get(namespace)?.watchers ?? []) {
      // A watcher that throws must not fail the commit.
      Promise.resolve()
        .then(() => wake(headSeq))
        .catch(() => undefined);
    }
  }
}
