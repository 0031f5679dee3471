/** Runs work by key: one at a time for each key, and at most a given number in all. */
export class KeyedQueue {
  readonly #most: number;
  /** By key: the work that runs or waits for a slot, and whether it must run once more. */
  readonly #under = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs the work. If it already runs for this key, runs it once more afterwards. Resolves when all of it is done; never rejects. */
  run(key: string, work: () => Promise<void>): Promise<void> {
    const known = this.#under.get(key);
    if (known !== undefined) {
      known.again = true;
      return known.done;
    }
    const turn = { again: true, done: Promise.resolve() };
    this.#under.set(key, turn);
    turn.done = this.#take(key, turn, work);
    return turn.done;
  }

  get isBusy(): boolean {
    return this.#under.size > 0;
  }

  /** Resolves when no work runs or waits. */
  async idle(): Promise<void> {
    while (this.#under.size > 0) await Promise.all([...this.#under.values()].map(({ done }) => done));
  }

  async #take(key: string, turn: { again: boolean }, work: () => Promise<void>): Promise<void> {
    if (this.#running >= this.#most) await new Promise<void>((go) => this.#queue.push(go));
    else this.#running += 1;
    try {
      while (turn.again) {
        turn.again = false;
        await work();
      }
    } finally {
      // Runs in the same turn as the last read of `again`, so that no call is lost in between. The slot goes to the work
      // that waited longest.
      this.#under.delete(key);
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
