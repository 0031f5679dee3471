import type { Clock } from './ports.js';
import { readElapsed } from './clock.js';

/**
 * Measures a duration by a clock's monotonic reading, so that setting the system clock, forward or back, changes no duration.
 *
 * If that reading fails or goes back, the last good duration stands: a duration never shrinks.
 */
export class Stopwatch {
  readonly #clock: Clock;
  #last: number;
  #ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = readElapsed(clock) ?? NaN;
  }

  /** Milliseconds since the construction, or since the last {@link restart}. */
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
