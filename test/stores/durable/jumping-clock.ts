import type { Clock } from 'jit-access';

/** The system clock, which a test may set ahead. As on a real machine, no timer fires earlier because of that. */
export class JumpingClock implements Clock {
  #aheadMs: number;

  constructor(aheadMs = 0) {
    this.#aheadMs = aheadMs;
  }

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  jump(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** Microseconds of the monotonic clock of the machine, which all its processes share: it orders what they do. */
export const machineTime = (): number => Number(process.hrtime.bigint() / 1_000n);
