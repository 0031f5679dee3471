import { invalid } from '../core/parse.js';
import { yieldToOthers } from '../core/turns.js';
import { isInstant, readInstant } from '../core/instant.js';
import { readDuration } from '../core/duration.js';
import type { Instant } from '../core/instant.js';
import type { Duration } from '../core/duration.js';
import type { Clock } from '../core/ports.js';

/** The default start of a {@link ManualClock}: 2026-01-01T00:00:00Z, in epoch milliseconds. */
export const START_AT = 1_767_225_600_000;

/** The greatest number of event loop turns that a woken sleeper gets before the clock moves further. */
const MAX_TURNS = 8;

/** The number of microtask turns after each move, for code that awaits only memory. A sweep takes fewer. */
const MAX_MICRO_TURNS = 200;

interface Sleeper {
  until: number;
  /** Whether one wake at the end of a move is enough. */
  readonly isPoll: boolean;
  readonly wake: () => void;
}

/**
 * A clock that stands still until a test moves it.
 *
 * Guarantees:
 * - Moving it forward stops at the instant of each sleeper in turn. It wakes the sleeper and lets it run before the clock
 *   moves further. So a loop that sleeps again inside the span wakes as often as in real time.
 * - Sleepers with the same instant wake in the order in which they began to sleep.
 * - `elapsed()` counts the time that passes: {@link advance}, and {@link set} to a later instant. Changes of the clock,
 *   {@link step} and {@link set} to an earlier instant, do not affect it.
 * - A loop that only refreshes what it keeps, such as that of a view, wakes once for each move, at its end.
 * - Without a sleeper inside the span, the clock has moved when the call returns; otherwise, when its promise resolves.
 *
 * Gotcha: a woken sleeper gets a few turns of the event loop, which is enough for code that awaits only memory. Code that
 * waits for a disk or a socket may need an `await` of its own before the clock moves on.
 * Gotcha: it uses real timers to let other code run; do not replace them with fake ones.
 *
 * @example
 * const clock = new ManualClock();
 * const engine = new JitEngine({ store, approver, clock });
 * await clock.advance('15m');
 */
export class ManualClock implements Clock {
  #now: number;
  /** The value of {@link elapsed} at instant 0 of this clock. Setting the clock changes it. */
  #offset: number;
  #sleepers: Sleeper[] = [];
  #waking: Promise<void> | undefined;

  /** @param start the first reading, in epoch milliseconds or as a `Date`; default: {@link START_AT} */
  constructor(start: Instant = START_AT) {
    this.#now = readInstant('start', start);
    this.#offset = -this.#now;
  }

  now(): number {
    return this.#now;
  }

  /** Milliseconds that have passed since this clock was created. */
  elapsed(): number {
    return this.#now + this.#offset;
  }

  /** The number of current sleepers. A test that expects no running loop expects 0. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /**
   * Lets time pass.
   *
   * @param by milliseconds, or a string like `'30m'`
   * @throws InvalidArgumentError also when the clock would leave the range of instants
   */
  async advance(by: Duration): Promise<void> {
    const ms = readDuration('by', by);
    await this.#inTurn(() => readInstant('by', this.#now + ms));
  }

  /**
   * Moves to an instant. If it is in the past, no sleeper wakes, and each sleeper sleeps until its own instant.
   *
   * @param instant epoch milliseconds or a `Date`
   * @throws InvalidArgumentError
   */
  async set(instant: Instant): Promise<void> {
    const target = readInstant('instant', instant);
    await this.#inTurn(() => {
      if (target < this.#now) this.#offset += this.#now - target;
      return target;
    });
  }

  /**
   * Sets the clock, as an operator or a time server does. No time passes: `elapsed()` does not change, no sleeper wakes, and
   * each sleeper sleeps for the same time as before.
   *
   * @param byMs milliseconds; a negative number sets the clock back
   * @throws InvalidArgumentError when the clock would leave the range of instants
   */
  async step(byMs: number): Promise<void> {
    while (this.#waking !== undefined) await this.#waking;
    this.#now = readInstant('byMs', this.#now + byMs);
    this.#offset -= byMs;
    for (const sleeper of this.#sleepers) sleeper.until += byMs;
  }

  /**
   * Resolves when the clock has reached `until`, or when `signal` aborts. Resolves at once if `until` has passed.
   *
   * @param until epoch milliseconds
   * @param isPoll resolves at the end of the move that reaches `until`. Default: false
   * @throws InvalidArgumentError
   */
  async sleep(until: number, signal: AbortSignal, isPoll = false): Promise<void> {
    if (!isInstant(until)) throw invalid('until', 'an instant in epoch milliseconds', until);
    if (signal.aborted || until <= this.#now) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { until, isPoll, wake };
      this.#add(sleeper);
      signal.addEventListener('abort', wake);
    });
  }

  /** Sorted by instant. The search from the end keeps equal instants in the order in which the sleepers began. */
  #add(sleeper: Sleeper): void {
    const behind = this.#sleepers.findLastIndex((other) => other.until <= sleeper.until) + 1;
    this.#sleepers.splice(behind, 0, sleeper);
  }

  /** Runs one move at a time: the next one starts where the previous one ended. */
  async #inTurn(target: () => number): Promise<void> {
    while (this.#waking !== undefined) await this.#waking;
    const to = target();
    const first = this.#sleepers[0];
    if (first !== undefined && first.until <= to) {
      this.#waking = this.#wakeUntil(to);
      await this.#waking;
      this.#waking = undefined;
    }
    this.#now = to;
    // Code that was about to sleep when the clock moved runs before the caller continues.
    for (let turn = 0; turn < MAX_MICRO_TURNS; turn++) await Promise.resolve();
  }

  async #wakeUntil(target: number): Promise<void> {
    for (const sleeper of this.#sleepers.filter(({ until, isPoll }) => isPoll && until <= target)) {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      sleeper.until = target;
      this.#add(sleeper);
    }
    for (let next = this.#sleepers[0]; next !== undefined && next.until <= target; next = this.#sleepers[0]) {
      this.#now = next.until;
      const before = this.#sleepers.length;
      next.wake();
      // A loop that sleeps again has finished the work for which it woke.
      for (let turn = 0; turn < MAX_TURNS && (turn === 0 || this.#sleepers.length < before); turn++) await yieldToOthers();
    }
  }
}
