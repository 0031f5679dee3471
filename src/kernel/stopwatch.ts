import type { ClockReading, EngineClock } from '../core/time.js';
import type { InterruptibleSleep } from './interruptible-sleep.js';

/**
 * How much time has passed since an instant, on a clock that may be set back: every step back that is seen counts as time
 * passed all the same, and what was slept has passed, whatever the clock says.
 */
export class Stopwatch {
  readonly #keeper: EngineClock;
  #since = 0;
  #now = 0;
  #highest = 0;
  #setBackMs = 0;

  constructor(keeper: EngineClock) {
    this.#keeper = keeper;
  }

  /** By how much the clock was found set back since then. */
  get setBackMs(): number {
    return this.#setBackMs;
  }

  /** What the clock says, or will say, when so much has passed. */
  at(ms: number): number {
    return this.#since - this.#setBackMs + ms;
  }

  /** Counts from an instant on that was read before this. Where the clock was set back in between, from this on: when the instant was isn't known. */
  restart(since: number, { now, highWater }: ClockReading): void {
    this.#since = since;
    this.#now = now;
    this.#highest = highWater;
    this.#setBackMs = Math.max(0, since - now);
  }

  read(): ClockReading {
    return this.see(this.#keeper.read());
  }

  /** @param least what the clock would say by now, had it gone on */
  see(reading: ClockReading, least = 0): ClockReading {
    const { now, highWater } = reading;
    // Others read the clock too: it has said this since.
    const peak = highWater > this.#highest ? highWater : this.#now;
    this.#setBackMs += Math.max(0, peak - now, least - now);
    this.#now = now;
    this.#highest = highWater;
    return reading;
  }

  /** Sleeps until an instant, or until it is woken. */
  async sleep(nap: InterruptibleSleep, until: number): Promise<ClockReading> {
    const before = this.#setBackMs;
    if (await nap.until(until)) return this.read();
    // By the clock of now: another sleeper may have seen already that it was set back meanwhile.
    const slept = until - (this.#setBackMs - before);
    return this.see(this.#keeper.read(), slept);
  }
}
