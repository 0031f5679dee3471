import type { Clock } from './ports.js';
import { readElapsed } from './time.js';

/**
 * Measures a duration on the monotonic side of a clock: a system clock that is set, forward or back, changes no duration.
 *
 * A clock that fails here, or runs back, gives the last reading that was good: a duration never shrinks.
 */
export class Stopwatch {
  readonly #clock: Clock;
  #last: number;
  #ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = readElapsed(clock) ?? NaN;
  }

  /** Milliseconds since the start, or since the last {@link restart}. */
  get ms(): number {
    const now = readElapsed(this.#clock);
    if (now === undefined) return this.#ms;
    if (now > this.#last) this.#ms += now - this.#last;
    this.#last = now;
    return this.#ms;
  }

  restart(): void {
    this.#last = readElapsed(this.#clock) ?? NaN;
    this.#ms = 0;
  }
}
