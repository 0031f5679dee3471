/** A part that works in the background: passes of a sweep, deliveries, calls of external systems. */
export interface Worker {
  /** What its work is, for a reader of the log. */
  readonly work: string;
  readonly isBusy: boolean;
  /** Resolves when the work that runs now has ended. Never rejects. */
  idle(): Promise<void>;
}

/** Runs the engine's background work. No verb waits for this work; `idle` and `close` do. A failure is reported to `onError`. */
export class Background implements Worker {
  readonly work = 'a write';
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

  /** Makes {@link allIdle} wait for the work of this part too. */
  track(worker: Worker): void {
    this.#workers.push(worker);
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when the work that {@link run} has received so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** The parts that have work left. */
  get open(): string {
    return this.#workers.flatMap((worker) => (worker.isBusy ? [worker.work] : [])).join(', ');
  }

  /** Resolves when no part of the engine has work left. Looks again after each round, because ended work may have started more. */
  async allIdle(): Promise<void> {
    while (this.#workers.some((worker) => worker.isBusy)) await Promise.all(this.#workers.map((worker) => worker.idle()));
  }
}
