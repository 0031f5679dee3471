import { yieldToOthers } from '../core/turns.js';

/**
 * Delays calls, each by a different number of turns, so that concurrent calls overlap in many ways. The numbers come from a
 * seed, so a test run can be repeated.
 */
export class Interleaving {
  #state: number;

  constructor(seed = 1) {
    this.#state = seed >>> 0;
  }

  /** Waits, makes the call, and waits again. */
  async around<Answer>(call: () => Answer | PromiseLike<Answer>): Promise<Answer> {
    await this.pause();
    try {
      return await call();
    } finally {
      await this.pause();
    }
  }

  /** Waits one to four microtask turns, or sometimes one timer turn. */
  async pause(): Promise<void> {
    const number = this.#next();
    if (number % 8 === 0) return yieldToOthers();
    for (let turn = number % 4; turn >= 0; turn--) await Promise.resolve();
  }

  /** mulberry32: short, well distributed, and good enough for a shuffle. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
