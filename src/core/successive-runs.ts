/**
 * Runs work once at a time. The calls during a run share the next run, which begins when the run in progress has ended, also if it
 * failed. So each caller waits for two runs at most, and its run has seen all that was there at the call.
 */
export class SuccessiveRuns {
  readonly #work: () => Promise<void>;
  /** The run in progress, or the last one while another waits for its end. */
  #running: Promise<void> | undefined;
  /** The run that begins when the one in progress has ended. */
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Rejects only if the caller's own run fails. */
  run(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    const begin = () => this.#begin();
    return (this.#next ??= this.#running.then(begin, begin));
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    return (this.#running = this.#work().finally(() => {
      if (this.#next === undefined) this.#running = undefined;
    }));
  }
}
