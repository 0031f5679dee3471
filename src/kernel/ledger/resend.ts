import { isJitError, OutcomeUnknownError, type JitErrorCode } from '../../core/errors.js';
import { isCommitAnswer, MALFORMED } from '../../journal/store-reads.js';
import { pauseMs, type Pauses } from '../../lifecycle/backoff.js';
import type { Clock } from '../../core/ports.js';
import type { Change, CommitAnswer, GrantStore } from '../../core/store-port.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { readClock, systemClock } from '../../core/clock.js';
import { nap } from '../../core/timers.js';

const PAUSES: Pauses = { firstMs: 50, maxMs: 1_000 };

/** For how long a change whose reply was lost is resent, in milliseconds, and the clock that times the pauses. */
export interface Resend {
  readonly clock: Clock;
  readonly resendMs: number;
  /** The changes that were sent more than once, each by its list of entries, which all its forms share. */
  readonly resent: WeakSet<Change['append']>;
}

/**
 * Commits a change, and resolves a lost reply by committing the same change again (L31).
 *
 * - The first repetition comes at once after any failure: usually one pooled connection is broken and the next one works.
 * - If both attempts report that nothing was applied, the verb fails with that error. The outcome is known, so the caller does
 *   not have to wait for a backend that is down.
 * - A change that the store's own `onCommit` has refused is never repeated: the hook would run again. The store knows the outcome, also
 *   after a lost reply.
 * - If the namespace has moved to another store, no attempt follows. An earlier one that left the outcome open leaves it unknown.
 * - Once an attempt has left the outcome open, only a later answer can settle it. So the same change is resent, after pauses that
 *   grow up to a second, until `resendMs` is used up. An attempt that applied nothing does not stop this.
 *
 * No attempt starts after the budget. An attempt in flight is awaited: the store ends it at its own time limit (guarantee 9).
 *
 * @throws StoreError, LayoutError, HookError, MovedError nothing was applied; OutcomeUnknownError when the budget is used up, or
 *   the namespace has moved
 */
export async function commitResending(store: GrantStore, change: Change, { clock, resendMs, resent }: Resend): Promise<CommitAnswer> {
  let budget: ResendBudget | undefined;
  for (let attempts = 1; ; attempts++) {
    try {
      const answer: unknown = await store.commit(change);
      if (isCommitAnswer(answer, change)) return answer;
      throw new Error(MALFORMED);
    } catch (failure) {
      if (hasCode(failure, 'ERR_JIT_HOOK')) throw failure;
      // No later answer settles a change that was sent before the namespace moved.
      if (hasCode(failure, 'ERR_JIT_MOVED')) throw budget === undefined ? failure : new OutcomeUnknownError(change.id, failure);
      if (!isNotApplied(failure)) budget ??= new ResendBudget(clock, resendMs);
      resent.add(change.append);
      if (attempts === 1) continue;
      if (budget === undefined) throw failure;
      if (!(await budget.pause(pauseMs(change.id, attempts - 1, PAUSES)))) throw new OutcomeUnknownError(change.id, failure);
    }
  }
}

/** The store reports that its backend was unavailable, or refuses the layout: this attempt has certainly applied nothing. */
const isNotApplied = (error: unknown): boolean => hasCode(error, 'ERR_JIT_STORE') || hasCode(error, 'ERR_JIT_LAYOUT');

const hasCode = (error: unknown, code: JitErrorCode): boolean => isJitError(error) && error.code === code;

/** The time that is left for resending since the first lost reply. Counts the pauses even if the clock's `elapsed` stands still. */
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

  /** Sleeps. @returns false, at once, if the pause would exceed the budget */
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
      // Falls back to the system clock below: the runtime's timers do not depend on this clock.
    }
    // Of this pause alone: a clock may keep a listener on it for as long as it sleeps.
    const { signal } = new AbortController();
    await (now === undefined ? nap(systemClock, 0, ms, signal) : nap(this.#clock, now, ms, signal));
  }
}
