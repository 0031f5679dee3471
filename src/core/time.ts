import { ClockError, messageOf } from './errors.js';
import { MAX_DURATION_MS } from './duration.js';
import { isInstant, MAX_INSTANT } from './instant.js';
import type { Clock } from './ports.js';

/** The longest timer of the runtimes. They fire a longer one after 1 ms, so a longer sleep uses several timers (L7). */
const MAX_TIMER_MS = 2_147_483_647;
/** How far the clock may lie below the highest reading used. Beyond that, the engine refuses to create access (L5). */
export const STEP_BACK_MS = 1_000;

/** The system clock. It has no `sleep`, so real timers are used. */
export const systemClock: Clock = /* @__PURE__ */ Object.freeze({ now: () => Date.now(), elapsed: () => performance.now() });

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
interface Mark {
  highWater: number;
}

/** For each clock object, the highest of its readings that this process has used. */
const marks = /* @__PURE__ */ new WeakMap<Clock, Mark>();

function markOf(clock: Clock): Mark {
  const mark = marks.get(clock) ?? { highWater: 0 };
  marks.set(clock, mark);
  return mark;
}

/** A view of a clock with a high-water mark (L5). Each engine has a mark of its own, and the checkers over one clock share one. */
export class EngineClock {
  /** The clock port that this view reads. */
  readonly source: Clock;
  readonly #leewayMs: number;
  readonly #onStepBack: (error: ClockError) => void;
  readonly #mark: Mark;
  /** The mark that checkers share and engines raise too. So a checker made after a step back allows nothing that has ended (L1). */
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
    this.#shared = markOf(source);
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
    if (now > mark.highWater) {
      mark.highWater = now;
      this.#shared.highWater = Math.max(this.#shared.highWater, now);
    }
    const { highWater } = mark;
    const steppedBack = now < highWater - STEP_BACK_MS;
    if (steppedBack && !this.#steppedBack) this.#onStepBack(new ClockError(STEPPED_BACK));
    this.#steppedBack = steppedBack;
    return { now, highWater: highWater, forEnds: highWater + this.#leewayMs, steppedBack };
  }
}

/** @throws ClockError where the clock throws, or returns no instant, or one to which two of the longest durations cannot be added */
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

/**
 * Sleeps until an instant of `clock`, by the clock's own `sleep` or by real timers.
 * Resolves early, without an error, when `signal` aborts. A background sleep does not keep the process alive.
 */
export async function sleepUntil(clock: Clock, until: number, signal: AbortSignal, background = false): Promise<void> {
  if (clock.sleep) return signal.aborted ? undefined : clock.sleep(until, signal);
  for (let left = until - clock.now(); left > 0 && !signal.aborted; left -= MAX_TIMER_MS) {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(left, MAX_TIMER_MS));
      signal.addEventListener('abort', done);
      if (background) (timer as unknown as { unref?: () => void }).unref?.();
    });
  }
}

/**
 * Calls once, after a time.
 *
 * @returns a function that sets whether the timer keeps the process alive, on a platform that supports it. At first it does
 */
export function callAfter(ms: number, call: () => void): (keepsAlive: boolean) => void {
  const timer = setTimeout(call, Math.min(ms, MAX_TIMER_MS)) as unknown as { ref?(): void; unref?(): void };
  return (keepsAlive) => (keepsAlive ? timer.ref?.() : timer.unref?.());
}

/** A timer may pause while the device is suspended, so a nap is at most this long. */
const MAX_NAP_MS = 60_000;

/**
 * Sleeps `ms` on `clock`, from `now`. Where the clock has no `sleep`, or its `sleep` fails, a real timer sleeps for at most a
 * minute, so the caller must read its clock again. Only the clock's own `sleep` ends on `signal`, so the caller checks the signal
 * afterwards. Never rejects.
 */
export async function nap(clock: Clock, now: number, ms: number, signal: AbortSignal): Promise<void> {
  try {
    if (clock.sleep) {
      await clock.sleep(now + ms, signal);
      return;
    }
  } catch {
    // Falls back to a timer: trying a broken clock again at once would starve the event loop.
  }
  await new Promise((resolve) => setTimeout(resolve, Math.min(ms, MAX_NAP_MS)));
}

/**
 * The reason why a timer does not outlive the call that sets it, as a part of a sentence; `undefined`: timers last.
 *
 * Cloudflare Workers allow timers only in a handler, and end them with it. At module scope, setting a timer throws.
 */
export function whyNoLastingTimers(): string | undefined {
  if (typeof globalThis.setTimeout !== 'function') return 'this runtime has no setTimeout';
  if ((globalThis.navigator as Navigator | undefined)?.userAgent === 'Cloudflare-Workers') return 'Workers end a timer with its handler';
  try {
    // Cleared at once: it is never called.
    clearTimeout(setTimeout(Boolean, 0));
    return undefined;
  } catch (error) {
    return `this runtime sets none here (${messageOf(error)})`;
  }
}

/** Waits for a timer, so that other timers and I/O run. Promises that settle without I/O are microtasks, which let neither run. */
export function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** How many rows a loop may handle before it lets the event loop take a turn (L42). */
const ROWS_A_TURN = 256;

/**
 * Waits for one turn of the event loop, in which due timers and I/O run. Unlike {@link yieldToOthers}, it does not wait for the
 * minimum delay of a timer, which would make a loop of a thousand turns a second longer.
 */
export function nextTurn(): Promise<void> {
  const { setImmediate, MessageChannel } = globalThis as Turning;
  if (setImmediate !== undefined) return new Promise((resolve) => void setImmediate(resolve));
  // In browsers, a nested timer waits at least four milliseconds; a message does not wait.
  return MessageChannel === undefined ? yieldToOthers() : new Promise((resolve) => passMessage(new MessageChannel(), resolve));
}

/** The alternatives to timers: Node, Bun and Deno have `setImmediate`, browsers and workers have `MessageChannel`. */
interface Turning {
  readonly setImmediate?: (run: () => void) => unknown;
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
}

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Closes the port when the message has arrived: an open port would stay in memory and keep the process alive. */
function passMessage({ port1, port2 }: { readonly port1: Port; readonly port2: Port }, done: () => void): void {
  port1.onmessage = () => {
    port1.close();
    done();
  };
  port2.postMessage(undefined);
}

/**
 * Counts the rows that a loop handles between two turns of the event loop. A synchronous store resolves its promises as
 * microtasks, so a loop over them would block timers and I/O until it ends (L42).
 */
export class TurnBudget {
  #left = ROWS_A_TURN;
  #turn: Promise<void> | undefined;

  /**
   * Await this before reading, writing or judging `rows` rows. It takes a turn first where they are too many for this turn. Concurrent
   * callers share the rows of one turn.
   */
  async spend(rows: number): Promise<void> {
    for (let turns = 0; rows > this.#left && !(turns > 0 && this.#left === ROWS_A_TURN); turns++) {
      this.#turn ??= nextTurn().then(() => {
        this.#left = ROWS_A_TURN;
        this.#turn = undefined;
      });
      await this.#turn;
    }
    this.#left -= rows;
  }

  /** Await this before a commit that needs its own turn: on a disk, a commit of a few rows takes as long as a large read. */
  async spendAll(): Promise<void> {
    await this.spend(ROWS_A_TURN);
  }
}

/** Yields items one by one, with turns of the event loop in between, for a loop that awaits nothing else (L42). */
export async function* inTurns<T>(items: Iterable<T>, turns = new TurnBudget()): AsyncGenerator<T, void, undefined> {
  for (const item of items) {
    await turns.spend(1);
    yield item;
  }
}

/**
 * Waits for `work`, for at most `ms` of the clock. The work continues after a rejection by the limit or by the clock, so the caller must
 * not take either for proof that the work did nothing.
 *
 * @throws the error of `work`, or `timeout()` if the time limit comes first, or ClockError if the clock fails first
 */
export async function within<T>(clock: Clock, ms: number, work: () => T | PromiseLike<T>, timeout: () => Error): Promise<Awaited<T>> {
  const answer = work();
  if (!isThenable(answer)) return answer as Awaited<T>;
  const done = new AbortController();
  // Async, so that a throwing clock rejects the race. A synchronous throw would leave a rejection of `answer` unhandled.
  const tooLate = async (): Promise<Awaited<T>> => {
    const until = readClock(clock) + ms;
    try {
      await sleepUntil(clock, until, done.signal);
    } catch (cause) {
      throw new ClockError('the clock failed', cause);
    }
    // The sleep also ends when the work has settled.
    if (done.signal.aborted) return await answer;
    throw timeout();
  };
  try {
    return await Promise.race([answer, tooLate()]);
  } finally {
    done.abort();
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
