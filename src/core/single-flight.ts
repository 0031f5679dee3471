/**
 * Runs work once at a time for each key (single-flight). A call during a run shares that run. After the run has settled, the next
 * call starts a new one. Results are not cached, and neither are failures.
 */
export class SingleFlight<T = void> {
  readonly #runs = new Map<string, Promise<T>>();

  /**
   * Starts the work at once, or shares the run in progress.
   *
   * @param work receives `land`. After `land`, the next call with this key starts a new run, even if this run has not settled.
   *   Work that checks a last time for more to do calls `land` with no `await` in between. Otherwise a call after that check
   *   would share a run that never looks again
   * @param key calls with different keys share nothing
   */
  join(work: (land: () => void) => Promise<T>, key = ''): Promise<T> {
    const underWay = this.#runs.get(key);
    if (underWay !== undefined) return underWay;
    let hasLanded = false;
    const land = () => {
      // Deletes only once: a second call would delete the next run of this key.
      if (!hasLanded) this.#runs.delete(key);
      hasLanded = true;
    };
    const run = landing(work, land);
    // Work that throws synchronously, or calls `land` before its first await, has landed already.
    if (!hasLanded) this.#runs.set(key, run);
    return run;
  }

  /** The run in progress; `undefined`: none, so the next {@link join} starts one. */
  get(key = ''): Promise<T> | undefined {
    return this.#runs.get(key);
  }

  get size(): number {
    return this.#runs.size;
  }

  /** Resolves when the runs now in progress have settled. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#runs.values());
  }
}

/** Calls `land` before the callers that share the run continue, so that their next call starts a new run. */
async function landing<T>(work: (land: () => void) => Promise<T>, land: () => void): Promise<T> {
  try {
    return await work(land);
  } finally {
    land();
  }
}
