import { invalid } from '../core/parse.js';
import { yieldToOthers } from '../core/time.js';
import { isInstant, readInstant } from '../core/instant.js';
import { readDuration } from '../core/duration.js';
import type { Instant } from '../core/instant.js';
import type { Duration } from '../core/duration.js';
import type { Clock } from '../core/ports.js';

/** Where a {@link ManualClock} starts unless told otherwise: 2026-01-01T00:00:00Z. */
export const START_AT = 1_767_225_600_000;

/** How many turns of the event loop a woken sleeper gets at most, before the clock goes on. */
const MAX_TURNS = 8;

/** How many steps of what awaits only memory are let run after a move: more than a sweep takes. */
const MAX_MICRO_TURNS = 200;

interface Sleeper {
  until: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until it is moved.
 *
 * Guarantees:
 * - Moving it forward stops at each sleeper's instant in turn, wakes that sleeper, and lets it go on before it moves
 *   further: a loop that sleeps again inside the span is woken again, as often as it would be in real time.
 * - Sleepers of one instant wake in the order in which they fell asleep.
 * - `elapsed()` counts the time that passes: {@link advance}, and {@link set} to a later instant. What sets the clock, {@link step}
 *   and {@link set} to an earlier instant, does not change it.
 * - Where nobody sleeps inside the span, the clock has moved when the call returns; otherwise once it is awaited.
 *
 * Gotcha: a woken sleeper gets a few turns of the event loop, enough for whatever awaits only memory. What waits for a
 * disk or a socket may need an `await` of its own before the clock is moved on.
 * Gotcha: it uses real timers to let others run; don't replace them by fake ones.
 *
 * @example
 * const clock = new ManualClock();
 * const engine = new JitEngine({ approver, clock });
 * await clock.advance('15m');
 */
export class ManualClock implements Clock {
  #now: number;
  /** What {@link elapsed} reads at the instant 0 of this clock: what sets the clock changes it. */
  #offset: number;
  #sleepers: Sleeper[] = [];
  #waking: Promise<void> | undefined;

  /** @param start the first reading, epoch milliseconds or a `Date` */
  constructor(start: Instant = START_AT) {
    this.#now = readInstant('start', start);
    this.#offset = -this.#now;
  }

  now(): number {
    return this.#now;
  }

  /** Milliseconds that have passed since this clock was made. */
  elapsed(): number {
    return this.#now + this.#offset;
  }

  /** How many sleep right now. A test that expects nothing to be left running expects 0. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /**
   * Moves forward.
   *
   * @param by milliseconds, or a string like `'30m'`
   * @throws InvalidArgumentError also when the clock would leave the range of instants
   */
  async advance(by: Duration): Promise<void> {
    const ms = readDuration('by', by);
    await this.#inTurn(() => readInstant('by', this.#now + ms));
  }

  /**
   * Moves to an instant. It may lie in the past: then nobody is woken, and who sleeps goes on sleeping until its instant.
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
   * Sets the clock, as an operator or a time server does: no time passes, so `elapsed()` stays, nobody is woken, and whoever
   * sleeps goes on sleeping for as long as before.
   *
   * @param byMs milliseconds, forward or, where negative, back
   * @throws InvalidArgumentError when the clock would leave the range of instants
   */
  async step(byMs: number): Promise<void> {
    while (this.#waking !== undefined) await this.#waking;
    this.#now = readInstant('byMs', this.#now + byMs);
    this.#offset -= byMs;
    for (const sleeper of this.#sleepers) sleeper.until += byMs;
  }

  /**
   * Resolves when the clock has reached `until`, at once if it has already, or when `signal` aborts.
   *
   * @param until epoch milliseconds
   * @throws InvalidArgumentError
   */
  async sleep(until: number, signal: AbortSignal): Promise<void> {
    if (!isInstant(until)) throw invalid('until', 'an instant in epoch milliseconds', until);
    if (signal.aborted || until <= this.#now) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { until, wake };
      // Kept in the order of waking; the search from behind keeps equal instants in the order of falling asleep.
      const behind = this.#sleepers.findLastIndex((other) => other.until <= until) + 1;
      this.#sleepers.splice(behind, 0, sleeper);
      signal.addEventListener('abort', wake);
    });
  }

  /** One move at a time: a second one starts from where the first has ended. */
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
    // Whoever was on the way to sleep when the clock moved finds out before the caller goes on.
    for (let turn = 0; turn < MAX_MICRO_TURNS; turn++) await Promise.resolve();
  }

  async #wakeUntil(target: number): Promise<void> {
    for (let next = this.#sleepers[0]; next !== undefined && next.until <= target; next = this.#sleepers[0]) {
      this.#now = next.until;
      const before = this.#sleepers.length;
      next.wake();
      // As soon as the loop sleeps again it has done what it woke for.
      for (let turn = 0; turn < MAX_TURNS && (turn === 0 || this.#sleepers.length < before); turn++) await yieldToOthers();
    }
  }
}
