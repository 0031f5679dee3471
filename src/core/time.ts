import { ClockError, messageOf } from './errors.js';
import { MAX_DURATION_MS } from './duration.js';
import { isInstant, MAX_INSTANT } from './instant.js';
import type { Clock } from './ports.js';

/** A longer timer fires after 1 ms, so longer sleeps are made of several. */
const MAX_TIMER_MS = 2_147_483_647;
/** How far the clock may lie below the highest reading used before what creates access is refused (L5). */
export const STEP_BACK_MS = 1_000;

/** The machine's clock. It has no `sleep` of its own: real timers are used. */
export const systemClock: Clock = Object.freeze({ now: () => Date.now(), elapsed: () => performance.now() });

/** One reading of the clock, as the rules use it. */
export interface ClockReading {
  /** What the clock said: starts are judged at this, so they are never early. */
  readonly now: number;
  /** The highest reading used so far. */
  readonly highWater: number;
  /** The highest reading plus the leeway: ends and deadlines are judged at this, so they are never late. */
  readonly forEnds: number;
  /** The clock lies more than a second below an earlier reading: nothing may create access. */
  readonly steppedBack: boolean;
}

/** The high-water mark: the highest reading that was used (L5). */
interface Mark {
  highWater: number;
}

/** For each clock object the highest reading that anything in this process has used of it. */
const marks = /* @__PURE__ */ new WeakMap<Clock, Mark>();

function markOf(clock: Clock): Mark {
  const mark = marks.get(clock) ?? { highWater: 0 };
  marks.set(clock, mark);
  return mark;
}

/** A view of a clock, with its high-water mark: an engine has one of its own, the checkers over one clock share one (L5). */
export class EngineClock {
  /** The clock that it reads. */
  readonly source: Clock;
  readonly #leewayMs: number;
  readonly #onStepBack: (error: ClockError) => void;
  readonly #mark: Mark;
  /** Raised with every mark over this clock: a checker that is made after a step back allows nothing that an engine saw end (L1). */
  readonly #shared: Mark;
  #steppedBack = false;

  /**
   * @param onStepBack called once for each step back of the clock that a reading shows
   * @param isShared whether it uses the mark that all engine clocks over this source raise; default: a mark of its own
   */
  constructor(source: Clock, leewayMs = 0, onStepBack: (error: ClockError) => void = () => undefined, isShared = false) {
    this.source = source;
    this.#leewayMs = leewayMs;
    this.#onStepBack = onStepBack;
    this.#shared = markOf(source);
    this.#mark = isShared ? this.#shared : { highWater: 0 };
  }

  /** The highest reading used so far; never above what the next {@link read} judges ends at. */
  get highWater(): number {
    return this.#mark.highWater;
  }

  /** On the path of every check, and short, so that the compiler takes it into the check. */
  read(): ClockReading {
    const now = readClock(this.source);
    const mark = this.#mark;
    if (now > mark.highWater) {
      mark.highWater = now;
      if (now > this.#shared.highWater) this.#shared.highWater = now;
    }
    const { highWater } = mark;
    const steppedBack = now < highWater - STEP_BACK_MS;
    if (steppedBack && !this.#steppedBack) this.#onStepBack(new ClockError(STEPPED_BACK));
    this.#steppedBack = steppedBack;
    return { now, highWater: highWater, forEnds: highWater + this.#leewayMs, steppedBack };
  }
}

/** @throws ClockError where the clock fails, or gives no instant */
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

/** @returns the monotonic reading in milliseconds; `undefined`: the clock fails, or gives no number */
export function readElapsed(clock: Clock): number | undefined {
  try {
    const elapsed: unknown = clock.elapsed === undefined ? performance.now() : clock.elapsed();
    return Number.isFinite(elapsed) ? (elapsed as number) : undefined;
  } catch {
    return undefined;
  }
}

/** Whatever creates access is refused while the clock lies below a reading used before (L5). */
export function refuseIfSteppedBack(reading: ClockReading): void {
  if (reading.steppedBack) throw new ClockError(STEPPED_BACK);
}

const STEPPED_BACK = 'the clock has stepped back by more than a second; until it has caught up, nothing may create access';

/**
 * Sleeps until an instant of `clock`, by the clock's own `sleep` or by real timers.
 * Resolves early, without an error, when `signal` aborts. A background sleep doesn't keep the process alive.
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

/** A timer may stand still while the device sleeps, so a nap is no longer than this. */
const MAX_NAP_MS = 60_000;

/**
 * Sleeps `ms` of `clock` from `now` on; by real timers, where it has no `sleep` of its own or that fails, not as long: whoever
 * looks at a wall clock looks again. Such a timer runs on when `signal` aborts: look at it when awake. Never rejects.
 */
export async function nap(clock: Clock, now: number, ms: number, signal: AbortSignal): Promise<void> {
  try {
    if (clock.sleep) {
      await clock.sleep(now + ms, signal);
      return;
    }
  } catch {
    // Not again at once: a clock that is broken would keep everybody else from running.
  }
  await new Promise((resolve) => setTimeout(resolve, Math.min(ms, MAX_NAP_MS)));
}

/**
 * Why no timer outlives the call that sets it, for a sentence; `undefined`: timers last.
 *
 * Workers have timers in a handler only, and end them with it; at module scope they throw.
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

/** Lets timers and I/O run: loops that await only memory would starve them. */
export function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** How many rows a loop may handle before it lets the event loop take a turn (L42). */
const ROWS_A_TURN = 256;

/**
 * One turn of the event loop: timers and I/O that are due run. Unlike {@link yieldToOthers} it does not wait for the
 * least delay of a timer, so that a loop of a thousand turns is not a second longer for it.
 */
export function nextTurn(): Promise<void> {
  const { setImmediate, MessageChannel } = globalThis as Turning;
  if (setImmediate !== undefined) return new Promise((resolve) => void setImmediate(resolve));
  // Browsers: a timer that a timer sets waits four milliseconds, a message none.
  return MessageChannel === undefined ? yieldToOthers() : new Promise((resolve) => passMessage(new MessageChannel(), resolve));
}

/** What a runtime may have beside timers: Node, Bun and Deno the one, browsers and workers the other. */
interface Turning {
  readonly setImmediate?: (run: () => void) => unknown;
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
}

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** The port is closed when the message has come: an open one would be kept, and keep a process alive. */
function passMessage({ port1, port2 }: { readonly port1: Port; readonly port2: Port }, done: () => void): void {
  port1.onmessage = () => {
    port1.close();
    done();
  };
  port2.postMessage(undefined);
}

/**
 * The rows that a loop has handled since the event loop last took a turn. A store that answers at once resolves its
 * promises as microtasks, and a loop over them would let no timer and no I/O run until it ends (L42).
 */
export class TurnBudget {
  #left = ROWS_A_TURN;

  /** To be awaited before `rows` rows are read, written or judged: takes a turn first where they are too many for this one. */
  async spend(rows: number): Promise<void> {
    if (rows > this.#left) {
      await nextTurn();
      this.#left = ROWS_A_TURN;
    }
    this.#left -= rows;
  }

  /** To be awaited before a commit that is to have a turn for itself: on a disk, one of a few rows takes as long as a large read. */
  async spendAll(): Promise<void> {
    await this.spend(ROWS_A_TURN);
  }
}

/** Items one after the other, with turns of the event loop in between: for a loop that awaits nothing else (L42). */
export async function* inTurns<T>(items: Iterable<T>, turns = new TurnBudget()): AsyncGenerator<T, void, undefined> {
  for (const item of items) {
    await turns.spend(1);
    yield item;
  }
}

/**
 * Waits for `work`, at most `ms` of the clock.
 *
 * @throws whatever `work` throws; `timeout()` when the time is over first
 */
export async function within<T>(clock: Clock, ms: number, work: () => T | PromiseLike<T>, timeout: () => Error): Promise<Awaited<T>> {
  const answer = work();
  if (!isThenable(answer)) return answer as Awaited<T>;
  const done = new AbortController();
  // Async, so that a clock that throws loses the race instead of leaving nobody to hear `answer` fail.
  const tooLate = async (): Promise<Awaited<T>> => {
    await sleepUntil(clock, clock.now() + ms, done.signal);
    // The sleep ends when the work has, too.
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
