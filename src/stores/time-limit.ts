import { callAfter } from '../core/timers.js';

/** The number of ticks in the limit. A call is given up between the limit and one tick later. */
const PARTS = 4;

/** A call in progress. */
interface Call {
  /** The number of ticks when the call began. */
  readonly since: number;
  readonly giveUp: () => void;
}

/**
 * Gives up calls that take too long. One timer serves all calls: setting a timer for each call would take a check longer
 * than its answer does. No timer runs while there are no calls.
 *
 * A call in progress keeps the process alive: a call that waits for a connection in the process may be all that is left to do.
 *
 * Counts its own ticks instead of comparing instants, so that setting the clock neither ends a call nor extends it.
 */
export class TimeLimit {
  /** In milliseconds. A call is given up after this time, or up to a quarter later. */
  readonly limitMs: number;
  readonly #tickMs: number;
  // In the order in which the calls began, so that a tick stops at the first call that has time left.
  readonly #calls = new Set<Call>();
  #ticks = 0;
  /** Says whether the timer of the next tick keeps the process alive. `undefined`: there is no timer. */
  #keepAlive: ((isNeeded: boolean) => void) | undefined;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
    this.#tickMs = Math.ceil(limitMs / PARTS);
  }

  /** The longest time, in milliseconds, after which a call is given up. */
  get longestMs(): number {
    return this.#tickMs * (PARTS + 1);
  }

  /** Resolves like `answer`, or rejects with `tooLate()` when the limit passes first. A later rejection of `answer` is ignored. */
  hold<T>(answer: PromiseLike<T>, tooLate: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = this.begin(() => reject(tooLate()));
      answer.then(resolve, reject);
      answer.then(end, end);
    });
  }

  /**
   * Starts the limit of one call.
   *
   * @param giveUp runs once, if the limit passes before the call ends
   * @returns a function that the caller runs when the call has ended
   */
  begin(giveUp: () => void): () => void {
    const call = { since: this.#ticks, giveUp };
    this.#calls.add(call);
    if (this.#keepAlive === undefined) this.#await();
    else if (this.#calls.size === 1) this.#keepAlive(true);
    return () => {
      if (this.#calls.delete(call) && this.#calls.size === 0) this.#keepAlive?.(false);
    };
  }

  #await(): void {
    this.#keepAlive = callAfter(this.#tickMs, () => this.#tick());
  }

  #tick(): void {
    this.#keepAlive = undefined;
    this.#ticks += 1;
    for (const call of this.#calls) {
      if (this.#ticks - call.since <= PARTS) break;
      this.#calls.delete(call);
      call.giveUp();
    }
    // A call that `giveUp` began may have set the timer already.
    if (this.#calls.size > 0 && this.#keepAlive === undefined) this.#await();
  }
}
