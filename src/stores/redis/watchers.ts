import type { Unsubscribe } from '../../core/store-port.js';

/**
 * Who wants to know of a new head: one subscription for all of them in this process, begun with the first and ended with
 * the last. What this process commits wakes them without the way through Redis.
 */
export class Watchers {
  readonly #subscribe: ((wake: () => void) => Unsubscribe) | undefined;
  readonly #wakes = new Set<{ readonly wake: (headSeq?: number) => void }>();
  #unsubscribe: Unsubscribe | undefined;

  constructor(subscribe: ((wake: () => void) => Unsubscribe) | undefined) {
    this.#subscribe = subscribe;
  }

  add(wake: (headSeq?: number) => void): Unsubscribe {
    // An object of its own, so that one function may watch twice.
    const watcher = { wake };
    this.#wakes.add(watcher);
    this.#unsubscribe ??= this.#subscribe?.(() => this.wakeAll());
    return () => {
      if (!this.#wakes.delete(watcher) || this.#wakes.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
    };
  }

  /** @param headSeq of a commit of this process; a message of another does not say it */
  wakeAll(headSeq?: number): void {
    for (const { wake } of this.#wakes) {
      // A watcher that fails is not the committer's trouble.
      Promise.resolve()
        .then(() => wake(headSeq))
        .catch(() => undefined);
    }
  }
}
