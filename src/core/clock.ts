import { ClockError } from './errors.js';
import { MAX_DURATION_MS } from './duration.js';
import { isInstant, MAX_INSTANT } from './instant.js';
import type { Clock } from './ports.js';
import { stateOf, SYSTEM_CLOCK, type ClockState } from './shared.js';

/** How far the clock may lie below the highest reading used. Beyond that, the engine refuses to create access (L5). */
export const STEP_BACK_MS = 1_000;

/** The system clock. It has no `sleep`, so real timers are used. */
export const systemClock: Clock = /* @__PURE__ */ Object.freeze(
  // Not enumerable: a clock that is spread from this one is another clock.
  /* @__PURE__ */ Object.defineProperty({ now: () => Date.now(), elapsed: () => performance.now() }, SYSTEM_CLOCK, { value: true }),
);

/** One reading of the clock. Each rule judges a start, an end or the clock itself by its own field. */
export interface ClockReading {
  /** The clock's reading. Starts are judged at this, so they are never early. */
  readonly now: number;
  /** The highest reading used so far. */
  readonly highWater: number;
  /** The highest reading plus the option `leewayMs`. Ends and deadlines are judged at this, so they are never late. */
  readonly forEnds: number;
  /** The clock lies more than a second below an earlier reading: nothing may create access. */
  readonly steppedBack: boolean;
}

/** The high-water mark: the highest reading that was used (L5). */
type Mark = Pick<ClockState, 'highWater'>;

/** A view of a clock with a high-water mark (L5). Each engine has a mark of its own, and the checkers over one clock share one. */
export class EngineClock {
  /** The clock port that this view reads. */
  readonly source: Clock;
  readonly #leewayMs: number;
  readonly #onStepBack: (error: ClockError) => void;
  readonly #mark: Mark;
  /**
   * The mark that the checkers of all copies share and engines raise too. So a checker made after a step back allows nothing that has
   * ended (L1).
   */
  readonly #shared: Mark;
  #steppedBack = false;

  /**
   * @param onStepBack called once for each step back of the clock that a reading shows
   * @param isShared whether this view uses the mark that all views over this source raise; default: a mark of its own
   */
  constructor(source: Clock, leewayMs = 0, onStepBack: (error: ClockError) => void = () => undefined, isShared = false) {
    this.source = source;
    this.#leewayMs = leewayMs;
    this.#onStepBack = onStepBack;
    this.#shared = stateOf(source);
    this.#mark = isShared ? this.#shared : { highWater: 0 };
  }

  /** The highest reading so far. No later {@link read} judges ends before it, so rows that ended before it need not be loaded. */
  get highWater(): number {
    return this.#mark.highWater;
  }

  /** Every check runs this. It is short, so that the JavaScript engine inlines it. */
  read(): ClockReading {
    const now = readClock(this.source);
    const mark = this.#mark;
    if (!(now <= mark.highWater)) this.#raise(now);
    const { highWater } = mark;
    const steppedBack = now < highWater - STEP_BACK_MS;
    if (steppedBack && !this.#steppedBack) this.#onStepBack(new ClockError(STEPPED_BACK));
    this.#steppedBack = steppedBack;
    return { now, highWater: highWater, forEnds: highWater + this.#leewayMs, steppedBack };
  }

  /** @throws ClockError if other code has made the mark of the checkers no number: an end would not count as passed then */
  #raise(now: number): void {
    for (const mark of [this.#mark, this.#shared]) {
      if (!Number.isSafeInteger(mark.highWater)) throw new ClockError('the clock failed');
      mark.highWater = Math.max(mark.highWater, now);
    }
  }
}

/** @throws ClockError if the clock throws, or returns no instant, or one to which two of the longest durations cannot be added */
export function readClock(clock: Clock): number {
  let now: unknown;
  try {
    now = clock.now();
  } catch (cause) {
    throw new ClockError('the clock failed', cause);
  }
  if (isInstant(now) && now <= MAX_INSTANT - 2 * MAX_DURATION_MS) return now;
  throw new ClockError('the clock must give an integer of epoch milliseconds');
}

/** @returns the monotonic reading in milliseconds; `undefined`: the clock throws, or returns no number */
export function readElapsed(clock: Clock): number | undefined {
  let elapsed: unknown;
  try {
    elapsed = clock.elapsed === undefined ? performance.now() : clock.elapsed();
  } catch {
    // As for a clock that returns no number.
  }
  return Number.isFinite(elapsed) ? (elapsed as number) : undefined;
}

/** Refuses to create access while the clock lies more than a second below a reading used before (L5). @throws ClockError */
export function refuseIfSteppedBack(reading: ClockReading): void {
  if (reading.steppedBack) throw new ClockError(STEPPED_BACK);
}

const STEPPED_BACK = 'the clock stepped back by more than a second: no call may create access until it has caught up';
