import { sleepUntil, systemClock } from '../core/time.js';

/** The limit is divided into this many ticks. A call is given up after the limit, and before one tick more. */
const PARTS = 4;

/** A call in progress. */
interface Call {
  readonly since: number;
  readonly giveUp: () => void;
}

/**
 * Gives up calls that take too long. One timer serves all calls, and none runs while there are no calls. A timer for each
 * call would cost more than a check.
 *
 * Counts its own ticks instead of comparing instants, so that setting the clock neither ends a call nor extends it.
 */
export class TimeLimit {
  /** In milliseconds. A call is given up after this time, or up to a quarter later. */
  readonly limitMs: number;
  readonly #tickMs: number;
  // In the order in which the calls began.
  readonly #calls = new Set<Call>();
  #ticks = 0;
  #isTicking = false;

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

  /** @returns a function that the caller calls when the call has ended */
  begin(giveUp: () => void): () => void {
    const call = { since: this.#ticks, giveUp };
    this.#calls.add(call);
    if (!this.#isTicking) void this.#tick();
    return () => this.#calls.delete(call);
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    const { signal } = new AbortController();
    while (this.#calls.size > 0) {
      // The timer does not keep the process alive: an open connection does that.
      await sleepUntil(systemClock, systemClock.now() + this.#tickMs, signal, true);
      this.#ticks += 1;
      for (const call of this.#calls) {
        if (this.#ticks - call.since <= PARTS) break;
        this.#calls.delete(call);
        call.giveUp();
      }
    }
    this.#isTicking = false;
  }
}
