import { nap, whyNoLastingTimers, within } from '../../core/timers.js';
import type { Kernel } from '../../kernel/kernel.js';
import { QuestionSlots } from './events/question-slots.js';
import { ownProblem } from './problem.js';

/*
 * A call may ask many questions: a 404 asks about each known group, an inbox about each pending request. So each caller has places of its
 * own for such calls. No answer is kept for another call: a group of code may answer for one request only, so an answer about another
 * one would hide a request from its reviewer, or show by the time of a 404 which requests exist.
 */

/** The most calls of one caller that ask at the same time. It is one while a 404 of the caller is younger than this. Milliseconds. */
const MAX_OPEN = 10;
const STRANGER_MS = 10_000;
/** The most 404s of one caller in a second: then further calls wait. */
const MAX_MISSES = 10;
const SECOND_MS = 1_000;
/** How long a call waits for a place. Milliseconds. */
const WAIT_MS = 5_000;
/** How long a call keeps its place, if what it asks never answers. By then its client has a 503. Milliseconds. */
const HELD_MS = 30_000;
/** The most callers whose 404s are remembered. Beyond that, the oldest ones are forgotten. */
const MAX_CALLERS = 10_000;

/** What one caller asks now, and its last 404s. */
interface CallerBudget {
  open: number;
  readonly waiting: Set<() => void>;
  isSleeping: boolean;
  missedAt: number;
  /** The 404 before the last one. */
  missedBefore: number;
  misses: number;
  /** The first of the counted misses, which are those of one second. */
  countedFrom: number;
}

/** The answer of work that found nothing which its caller sees. */
export const MISSED = Symbol('missed');

/** The places of each caller of an engine. */
export class CallerBudgets {
  readonly #kernel: Kernel;
  /** Those that ask, and those with a 404, the last one at the end. */
  readonly #callers = new Map<string, CallerBudget>();
  /** Shared by the callers with two recent 404s; one may be a stale link of a reviewer. No other caller waits for these places. */
  readonly #slots = new QuestionSlots();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** How many callers are remembered. For tests. */
  get size(): number {
    return this.#callers.size;
  }

  /**
   * Runs work that asks the approver, as soon as its caller has a place. When it begins depends only on the calls and on the 404s of
   * callers, never on what exists. Work that has not begun after 5 seconds never begins.
   *
   * @throws HttpError 429 if there was no place; ClockError
   */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const calledAt = this.#now();
    const caller = this.#of(name);
    if (caller.waiting.size === 0 && hasPlace(caller, calledAt)) caller.open++;
    else await this.#place(caller);
    try {
      const bounded = () => within(this.#kernel.clock.source, HELD_MS, work, busy);
      const inTime = () => {
        if (!isWithin(WAIT_MS, calledAt, this.#now())) throw busy();
        return bounded();
      };
      const answer = await (isWithin(STRANGER_MS, caller.missedBefore, this.#now()) ? this.#slots.ask(inTime) : bounded());
      if (answer === MISSED) this.#miss(name, caller);
      return answer;
    } finally {
      caller.open--;
      if (caller.open === 0 && caller.waiting.size === 0 && caller.missedAt === -Infinity) this.#callers.delete(name);
      this.#next(caller);
    }
  }

  #now(): number {
    return this.#kernel.clock.read().now;
  }

  #of(name: string): CallerBudget {
    const known = this.#callers.get(name);
    if (known !== undefined) return known;
    for (const [oldest, { open, waiting }] of this.#callers) {
      if (this.#callers.size < MAX_CALLERS) break;
      if (open === 0 && waiting.size === 0) this.#callers.delete(oldest);
    }
    const caller = {
      open: 0,
      waiting: new Set<() => void>(),
      isSleeping: false,
      missedAt: -Infinity,
      missedBefore: -Infinity,
      misses: 0,
      countedFrom: -Infinity,
    };
    this.#callers.set(name, caller);
    return caller;
  }

  #miss(name: string, caller: CallerBudget): void {
    const now = this.#now();
    if (!isWithin(SECOND_MS, caller.countedFrom, now)) Object.assign(caller, { countedFrom: now, misses: 0 });
    caller.misses++;
    caller.missedBefore = caller.missedAt;
    caller.missedAt = now;
    this.#callers.delete(name);
    this.#callers.set(name, caller);
  }

  async #place(caller: CallerBudget): Promise<void> {
    // There, the end of one call cannot wake another one.
    if (whyNoLastingTimers() !== undefined) throw busy();
    let go = (): void => undefined;
    const turn = new Promise<void>((resolve) => caller.waiting.add((go = resolve)));
    this.#next(caller);
    try {
      await within(this.#kernel.clock.source, WAIT_MS, () => turn, busy);
    } catch (error) {
      // The place came together with the end of the wait.
      if (!caller.waiting.delete(go)) {
        caller.open--;
        this.#next(caller);
      }
      throw error;
    }
  }

  /** Gives free places to the calls that wait, in their order. Never throws: each call that waits reads the clock itself. */
  #next(caller: CallerBudget): void {
    try {
      const now = this.#now();
      for (const go of caller.waiting) {
        if (!hasPlace(caller, now)) break;
        caller.waiting.delete(go);
        caller.open++;
        go();
      }
      // While a call is open, its end gives the next place.
      if (caller.waiting.size === 0 || caller.open > 0 || caller.isSleeping) return;
      caller.isSleeping = true;
      const again = () => {
        caller.isSleeping = false;
        this.#next(caller);
      };
      void nap(this.#kernel.clock.source, now, caller.countedFrom + SECOND_MS - now, new AbortController().signal).then(again);
    } catch {
      // A clock that fails ends the wait of each call.
    }
  }
}

const busy = () => ownProblem('too-many-requests', { headers: { 'retry-after': '1' } });

/** Whether an instant lies in the span that begins at another one. A clock may step back. */
const isWithin = (spanMs: number, from: number, now: number): boolean => now >= from && now < from + spanMs;

const isStranger = ({ missedAt }: CallerBudget, now: number): boolean => isWithin(STRANGER_MS, missedAt, now);

function hasPlace(caller: CallerBudget, now: number): boolean {
  if (!isStranger(caller, now)) return caller.open < MAX_OPEN;
  return caller.open === 0 && (caller.misses < MAX_MISSES || !isWithin(SECOND_MS, caller.countedFrom, now));
}
