import type { Unsubscribe } from '../../core/store-port.js';

/**
 * The watchers of a namespace's head in this process. They share one subscription, from the first watcher to the last. A
 * commit of this process wakes them directly, without Redis.
 */
export class Watchers {
  readonly #subscribe: ((wake: () => void) => Unsubscribe) | undefined;
  readonly #wakes = new Set<{ readonly wake: (headSeq?: number) => void }>();
  #unsubscribe: Unsubscribe | undefined;

  constructor(subscribe: ((wake: () => void) => Unsubscribe) | undefined) {
    this.#subscribe = subscribe;
  }

  add(wake: (headSeq?: number) => void): Unsubscribe {
    // A wrapper for each call, because the same function may be registered twice.
    const watcher = { wake };
    this.#wakes.add(watcher);
    this.#unsubscribe ??= this.#subscribe?.(() => this.wakeAll());
    return () => {
      if (!this.#wakes.delete(watcher) || this.#wakes.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
    };
  }

  /** @param headSeq the seq of the head after a commit of this process; `undefined` after a message, whose text is not passed on */
  wakeAll(headSeq?: number): void {
    for (const { wake } of this.#wakes) {
      // A watcher that throws must not fail the commit.
      Promise.resolve()
        .then(() => wake(headSeq))
        .catch(() => undefined);
    }
  }
}
