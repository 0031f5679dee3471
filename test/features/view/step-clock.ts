import type { Clock } from '../../../src/index.js';
import { START_AT } from '../../../src/testing.js';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock whose time passes with or without turns of the event loop, and that may be set. A sleep lasts as long as time passes. */
export class StepClock implements Clock {
  #now = START_AT;
  #elapsed = 0;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  async sleep(until: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.push({ until: this.#elapsed + (until - this.#now), wake });
      signal.addEventListener('abort', wake);
    });
  }

  /** Time passes. Each sleeper wakes at its instant, and the code that it wakes runs before time continues. */
  async pass(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.until - b.until)[0];
      if (next === undefined || next.until > end) break;
      this.#sleepers = this.#sleepers.filter((one) => one !== next);
      this.block(Math.max(0, next.until - this.#elapsed));
      next.wake();
      await turns();
    }
    this.block(end - this.#elapsed);
  }

  /** Time passes, and the event loop takes no turn. */
  block(ms: number): void {
    this.#now += ms;
    this.#elapsed += ms;
  }

  /** Sets the system clock, forward or back. No time passes. */
  set(byMs: number): void {
    this.#now += byMs;
  }
}

/** Lets code run that awaits only memory. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
