/** A part that works in the background: passes of a sweep, deliveries, calls of external systems. */
export interface Worker {
  readonly isBusy: boolean;
  /** Resolves when what runs now has ended. Never rejects. */
  idle(): Promise<void>;
}

/** What runs behind the verbs. No verb waits for it, `idle` and `close` do, and a failure is reported to `onError`. */
export class Background implements Worker {
  readonly #onError: (error: unknown, during: string) => void;
  readonly #running = new Set<Promise<unknown>>();
  readonly #workers: Worker[] = [this];

  constructor(onError: (error: unknown, during: string) => void) {
    this.#onError = onError;
  }

  run(work: Promise<unknown>, during: string): void {
    const running: Promise<unknown> = work
      .catch((error: unknown) => this.#onError(error, during))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Counts a part's own work too, from now on. */
  track(worker: Worker): void {
    this.#workers.push(worker);
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when what was given to {@link run} has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Resolves when no part of the engine works any more: the end of one work may begin another. */
  async allIdle(): Promise<void> {
    while (this.#workers.some((worker) => worker.isBusy)) await Promise.all(this.#workers.map((worker) => worker.idle()));
  }
}
