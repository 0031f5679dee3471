import type { Clock } from '../core/ports.js';
import { sleepUntil, yieldToOthers } from '../core/time.js';

/** A sleep that can be cut short; a call that comes while nobody sleeps cuts the next one short. */
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
   * @returns whether it was cut short
   * @throws whatever the clock throws
   */
  async until(instant: number): Promise<boolean> {
    if (!this.#isWoken) {
      this.#sleeping = new AbortController();
      await sleepUntil(this.#clock, instant, this.#sleeping.signal);
      // Timers may fire early, and a clock's own sleep may be broken: whoever sleeps again mustn't keep others from running.
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
