import { StoreError } from '../../core/errors.js';
import { within } from '../../core/timers.js';
import { SingleFlight } from '../../core/single-flight.js';
import type { Kernel } from '../../kernel/kernel.js';

/** How long an answer of the check is used again: the route needs no caller, so every process may call it. Milliseconds. */
const KEPT_MS = 1_000;

/** A read that never settles must not be the answer for ever. Milliseconds. */
const LIMIT_MS = 5_000;

/** Whether the store and the clock answer. Many callers at once make one read. */
export class HealthCheck {
  readonly #kernel: Kernel;
  readonly #running = new SingleFlight();
  #healthyAt = -Infinity;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** @throws StoreError, ClockError, ClosedError */
  async assertHealthy(): Promise<void> {
    const { clock, ledger } = this.#kernel;
    this.#kernel.refuseIfClosed();
    const { now } = clock.read();
    // A clock that was set back makes the kept answer old.
    if (now >= this.#healthyAt && now - this.#healthyAt < KEPT_MS) return;
    await this.#running.join(async () => {
      const timeout = () => new StoreError('journal', 'gave no answer within 5 seconds');
      await within(clock.source, LIMIT_MS, () => ledger.journal(), timeout);
      this.#healthyAt = now;
    });
  }
}
