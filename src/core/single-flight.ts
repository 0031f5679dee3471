/**
 * Runs work once at a time for each key (single-flight). A call during a run shares that run. After the run has settled, the next
 * call starts a new one. Results are not cached, and neither are failures.
 */
export class SingleFlight<T = void> {
  readonly #runs = new Map<string, Promise<T>>();

  /**
   * Starts the work at once, or shares the run in progress.
   *
   * @param work receives `land`, which forgets the run before it settles. Work that looks one last time for more to do calls
   *   `land` in the same turn as that look: a call after the look must start a new run
   * @param key calls with different keys share nothing
   */
  join(work: (land: () => void) => Promise<T>, key = ''): Promise<T> {
    const underWay = this.#runs.get(key);
    if (underWay !== undefined) return underWay;
    let hasLanded = false;
    const land = () => {
      // Only once: the next run of this key may have started.
      if (!hasLanded) this.#runs.delete(key);
      hasLanded = true;
    };
    const run = landing(work, land);
    // Work that throws before its first await has landed already.
    if (!hasLanded) this.#runs.set(key, run);
    return run;
  }

  /** The run in progress. */
  get(key = ''): Promise<T> | undefined {
    return this.#runs.get(key);
  }

  /** How many runs are in progress. */
  get size(): number {
    return this.#runs.size;
  }

  /** Resolves when the runs now in progress have settled. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#runs.values());
  }
}

/** Lands before the callers that wait for the run continue, so that a call after the answer starts a new run. */
async function landing<T>(work: (land: () => void) => Promise<T>, land: () => void): Promise<T> {
  try {
    return await work(land);
  } finally {
    land();
  }
}
