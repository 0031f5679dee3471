import { ManualClock } from 'jit-access/testing';

/** A clock whose sleepers wake at once, at their instant: time is counted, and no test waits for it. */
export class CountedClock extends ManualClock {
  /** Awaited after each sleep, with the total time slept so far, in milliseconds. */
  onSlept: (ms: number) => unknown = () => undefined;
  sleptMs = 0;

  override async sleep(until: number): Promise<void> {
    this.sleptMs += Math.max(0, until - this.now());
    if (until > this.now()) await this.set(until);
    await this.onSlept(this.sleptMs);
  }
}
