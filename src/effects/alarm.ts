import type { GrantStore } from '../ports.js';

/**
 * Tells whoever waits that something may be new: what this engine has committed, and what the store hints at. One
 * subscription for all, from the first listener to the last.
 */
export class Alarm {
  readonly #store: Pick<GrantStore, 'watch'>;
  readonly #onError: (error: unknown, during: string) => void;
  readonly #listeners = new Set<() => void>();
  #unwatch: (() => void) | undefined;

  constructor(store: Pick<GrantStore, 'watch'>, onError: (error: unknown, during: string) => void) {
    this.#store = store;
    this.#onError = onError;
  }

  /** @returns what takes the listener away again */
  listen(listener: () => void): () => void {
    const isFirst = this.#listeners.size === 0;
    this.#listeners.add(listener);
    // Whoever listens polls too, so a store that can't be watched only makes them slower.
    if (isFirst) this.#guarded(() => (this.#unwatch = this.#store.watch?.(() => this.ring())));
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      const unwatch = this.#unwatch;
      this.#unwatch = undefined;
      this.#guarded(() => unwatch?.());
    };
  }

  ring(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#onError(error, 'watch');
    }
  }
}
