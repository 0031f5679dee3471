import { readElapsed, type ClockReading, type EngineClock } from '../../core/clock.js';
import type { LiveCopy } from './live-copy.js';

/** The readings of both clocks at which a copy was the state of the store, or older. */
export interface Since {
  readonly now: number;
  /** `undefined`: the monotonic clock fails. */
  readonly elapsed: number | undefined;
}

/**
 * Until when a copy may answer. The system clock may be set at any moment, and a check compares only its readings. So the copy may answer for
 * half of the time that is left: if the clock is set back within it, no more than all of that time passes. After that half, or at a
 * reading that shows a clock that was set back, a check measures the age by both clocks. The larger age counts.
 */
export class Freshness {
  readonly #copy: LiveCopy;
  readonly #clock: EngineClock;
  readonly #maxStaleMs: number;
  #freshAt: number | undefined;
  /** How old the copy was at the readings of the last measurement. `Infinity`: it is stale until the next {@link begin}. */
  #ageMs = Infinity;
  #now = 0;
  #elapsed = 0;

  constructor(copy: LiveCopy, clock: EngineClock, maxStaleMs: number) {
    this.#copy = copy;
    this.#clock = clock;
    this.#maxStaleMs = maxStaleMs;
  }

  /** The reading of the system clock since which the copy is fresh. `undefined`: it is stale. */
  get freshAt(): number | undefined {
    return this.#freshAt;
  }

  read(): Since {
    return { now: this.#clock.read().now, elapsed: readElapsed(this.#clock.source) };
  }

  /** From now on the copy is as old as the time since these readings. */
  begin({ now, elapsed }: Since): void {
    if (elapsed === undefined) return;
    this.#freshAt = now;
    this.#ageMs = 0;
    this.#now = now;
    this.#elapsed = elapsed;
    this.measure(this.#clock.read());
  }

  /** Measures the age of the copy. @returns whether it may answer at this reading */
  measure({ now }: ClockReading): boolean {
    if (this.#ageMs === Infinity) return false;
    const elapsed = readElapsed(this.#clock.source);
    if (elapsed === undefined) {
      this.end();
      return false;
    }
    this.#ageMs += Math.max(0, elapsed - this.#elapsed, now - this.#now);
    this.#now = now;
    this.#elapsed = elapsed;
    const leftMs = this.#maxStaleMs - this.#ageMs;
    if (leftMs > 0) this.#copy.setFresh(now + Math.floor(leftMs / 2));
    else this.end();
    return leftMs > 0 && !this.#copy.isAheadOf(now);
  }

  /** Makes the copy stale. */
  end(): void {
    this.#ageMs = Infinity;
    this.#freshAt = undefined;
    this.#copy.setStale();
  }
}
