import { isJitError, OutcomeUnknownError } from '../core/errors.js';
import { isCommitAnswer, MALFORMED } from '../journal/store-reads.js';
import { pauseMs, type Pauses } from '../lifecycle/backoff.js';
import type { Clock } from '../core/ports.js';
import type { Change, CommitAnswer, GrantStore } from '../core/store-port.js';
import { Stopwatch } from '../core/stopwatch.js';
import { nap, readClock, systemClock } from '../core/time.js';

const PAUSES: Pauses = { firstMs: 50, maxMs: 1_000 };
const never = new AbortController().signal;

/** For how long a change whose reply was lost is sent again, and on which clock the pauses are slept. */
export interface Resend {
  readonly clock: Clock;
  readonly resendMs: number;
}

/**
 * Commits a change, and resolves a lost reply by committing the same change again (L31).
 *
 * - The first repetition comes at once, whatever the failure was: most often one pooled connection is gone and the next is good.
 * - Where both attempts say that nothing was applied, the verb fails with that: the caller knows what happened, so it does not
 *   have to wait for a backend that is down.
 * - Once an attempt has left open whether it was applied, only a later answer can say so. So the same change is sent again,
 *   after pauses that grow up to a second, for as long as `resendMs` lasts, whatever the attempts in between say.
 *
 * No attempt begins after the budget. One that has begun is awaited: the store gives it up at its own limit (guarantee 9).
 *
 * @throws StoreError nothing was applied; OutcomeUnknownError when the budget is used up
 */
export async function commitResending(store: GrantStore, change: Change, { clock, resendMs }: Resend): Promise<CommitAnswer> {
  let budget: ResendBudget | undefined;
  for (let attempts = 1; ; attempts++) {
    try {
      const answer: unknown = await store.commit(change);
      if (isCommitAnswer(answer, change)) return answer;
      throw new Error(MALFORMED);
    } catch (failure) {
      if (!isNotApplied(failure)) budget ??= new ResendBudget(clock, resendMs);
      if (attempts === 1) continue;
      if (budget === undefined) throw failure;
      if (!(await budget.pause(pauseMs(change.id, attempts - 1, PAUSES)))) throw new OutcomeUnknownError(change.id, failure);
    }
  }
}

/** The store says that it could not be asked, so this attempt has certainly applied nothing. */
const isNotApplied = (error: unknown): boolean => isJitError(error) && error.code === 'ERR_JIT_STORE';

/** The time to resend that is left since the first lost reply. What was slept counts, also on a clock whose `elapsed` stands still. */
class ResendBudget {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #watch: Stopwatch;
  #sleptMs = 0;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.#watch = new Stopwatch(clock);
  }

  /** Sleeps; at once false where the budget would be used up by then. */
  async pause(ms: number): Promise<boolean> {
    if (Math.max(this.#sleptMs, this.#watch.ms) + ms > this.#ms) return false;
    await this.#sleep(ms);
    this.#sleptMs += ms;
    return true;
  }

  /** Never rejects: a clock that fails now must not hide that the outcome is unknown. */
  async #sleep(ms: number): Promise<void> {
    let now: number | undefined;
    try {
      now = readClock(this.#clock);
    } catch {
      // The timers of the runtime do not depend on it.
    }
    await (now === undefined ? nap(systemClock, 0, ms, never) : nap(this.#clock, now, ms, never));
  }
}
