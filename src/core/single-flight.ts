/**
 * One run of some work at a time, for each key: a call that comes while a run is under way shares it. A run that has settled is
 * forgotten, and the next call begins another. Nothing is cached, so a failure is not either.
 */
export class SingleFlight<T = void> {
  readonly #runs = new Map<string, Promise<T>>();

  /**
   * Begins the work at once, or shares the run that is under way.
   *
   * @param work is given a function that forgets the run before it settles: for work that looks a last time for more to do, and
   *   must not be joined after that look
   * @param key calls with different keys share nothing
   */
  join(work: (land: () => void) => Promise<T>, key = ''): Promise<T> {
    const underWay = this.#runs.get(key);
    if (underWay !== undefined) return underWay;
    let hasLanded = false;
    const land = () => {
      // Only once: the next run may have begun.
      if (!hasLanded) this.#runs.delete(key);
      hasLanded = true;
    };
    const run = landing(work, land);
    // Work that throws before its first await has landed already.
    if (!hasLanded) this.#runs.set(key, run);
    return run;
  }

  /** The run that is under way. */
  get(key = ''): Promise<T> | undefined {
    return this.#runs.get(key);
  }

  /** How many runs are under way. */
  get size(): number {
    return this.#runs.size;
  }

  /** Resolves when the runs that are under way now have settled. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#runs.values());
  }
}

/** Lands before whoever waits goes on: a call that follows the answer begins a new run. */
async function landing<T>(work: (land: () => void) => Promise<T>, land: () => void): Promise<T> {
  try {
    return await work(land);
  } finally {
    land();
  }
}
