import { sleepUntil, systemClock } from '../core/time.js';

/** Into how many parts the limit is divided: a call is given up after it, and before one part more. */
const PARTS = 4;

/** A call that is under way. */
interface Call {
  readonly since: number;
  readonly giveUp: () => void;
}

/**
 * Gives calls up that have taken too long. One timer for all of them, and none while there are none: one for each call
 * would cost a check more than its answer does.
 *
 * Counts its own ticks and no instants, so that a clock which is set ends no call and lets none wait for ever.
 */
export class TimeLimit {
  /** After which a call is given up, or up to a quarter later. */
  readonly limitMs: number;
  readonly #tickMs: number;
  // In the order of their beginning.
  readonly #calls = new Set<Call>();
  #ticks = 0;
  #isTicking = false;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
    this.#tickMs = Math.ceil(limitMs / PARTS);
  }

  /** No call is waited for longer, in milliseconds. */
  get longestMs(): number {
    return this.#tickMs * (PARTS + 1);
  }

  /** The answer, or `tooLate()` where that doesn't come in time. It may fail yet, when nobody listens any more. */
  hold<T>(answer: PromiseLike<T>, tooLate: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = this.begin(() => reject(tooLate()));
      answer.then(resolve, reject);
      answer.then(end, end);
    });
  }

  /** @returns to be called when the call has ended */
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
      // It keeps no process alive: the connection does, as long as it is open.
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
