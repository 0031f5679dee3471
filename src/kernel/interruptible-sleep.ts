import type { Clock } from '../core/ports.js';
import { sleepUntil } from '../core/timers.js';
import { yieldToOthers } from '../core/turns.js';

/** A sleep that {@link wake} ends early. If nothing sleeps when `wake` is called, it ends the next sleep early. */
export class InterruptibleSleep {
  readonly #clock: Clock;
  #sleeping: AbortController | undefined;
  #isWoken = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Sleeps until an instant.
   *
   * @returns whether `wake` ended it early
   * @throws the error that the clock throws
   */
  async until(instant: number): Promise<boolean> {
    if (!this.#isWoken) {
      this.#sleeping = new AbortController();
      await sleepUntil(this.#clock, instant, this.#sleeping.signal);
      // Timers may fire early, and a clock's own `sleep` may be broken. A caller that sleeps in a loop must not starve the event loop.
      if (!this.#isWoken && this.#clock.now() < instant) await yieldToOthers();
    }
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    return isWoken;
  }

  wake(): void {
    this.#isWoken = true;
    this.#sleeping?.abort();
  }
}
