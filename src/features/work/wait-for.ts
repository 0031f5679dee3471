import { ClockError, isJitError, StoreError } from '../../core/errors.js';
import { invalid, readField, readOptions } from '../../core/parse.js';
import { isObject } from '../../records/index.js';
import type { EngineClock } from '../../core/clock.js';
import { readDuration, type Duration } from '../../core/duration.js';
import type { WaitAnswer } from '../../engine/answers.js';
import type { JournalNotifier } from '../../followers/journal-notifier.js';
import { InterruptibleSleep } from '../../kernel/interruptible-sleep.js';

export interface WaitOptions {
  /** Stops the wait: the promise rejects with its `reason`. The request does not change. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** How often the request is read again: the wait notices a decision without a hint within this time. Default: 1 second. */
  readonly poll?: Duration | undefined;
}

/** The dependencies of a wait. */
export interface WaitContext<T> {
  readonly requestId: string;
  readonly clock: EngineClock;
  readonly notifier: JournalNotifier;
  readonly leewayMs: number;
  readonly read: () => Promise<WaitAnswer<T>>;
  readonly onError: (error: unknown, during: string) => void;
  /** Called once, when the wait has ended. */
  readonly onEnd: () => void;
}

export interface ParsedWaitOptions {
  readonly signal: AbortSignal | undefined;
  readonly pollMs: number;
}

export function readWaitOptions(given: unknown): ParsedWaitOptions {
  const { signal, poll = 1_000 } = readOptions<keyof WaitOptions>('options', given, ['signal', 'poll']);
  if (signal !== undefined && !isSignal(signal)) throw invalid('signal', 'an AbortSignal', signal);
  return { signal, pollMs: readDuration('poll', poll) };
}

/** Whether a value has the members of an AbortSignal that the wait uses. */
const isSignal = (value: unknown): value is AbortSignal =>
  isObject(value) &&
  typeof readField('signal', value, 'aborted') === 'boolean' &&
  ['addEventListener', 'removeEventListener'].every((method) => typeof readField('signal', value, method) === 'function');

/** Waits for one request: reads it at each poll, at each hint and at its deadline, one read at a time. */
export class Wait<T> {
  readonly result: Promise<T>;
  readonly #context: WaitContext<T>;
  readonly #options: ParsedWaitOptions;
  readonly #poll: InterruptibleSleep;
  readonly #guard: InterruptibleSleep;
  readonly #unlisten: () => void;
  readonly #abort = (): void => this.end(this.#options.signal?.reason);
  #resolve!: (result: T) => void;
  #reject!: (reason: unknown) => void;
  #isOver = false;
  #failure: unknown;
  /** The review deadline as read last: from then on the request cannot stay undecided. */
  #reviewBy = Infinity;
  /** The clock's reading before the last read. Epoch milliseconds. */
  #askedAt = 0;

  constructor(context: WaitContext<T>, options: ParsedWaitOptions) {
    this.#context = context;
    this.#options = options;
    this.#poll = new InterruptibleSleep(context.clock.source);
    this.#guard = new InterruptibleSleep(context.clock.source);
    this.result = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    options.signal?.addEventListener('abort', this.#abort);
    const { requestId } = context;
    this.#unlisten = context.notifier.listen({ concerns: (entry) => entry.requestId === requestId, wake: () => this.#poll.wake() });
    void this.#run(() => this.#keepReading());
  }

  /** Ends the wait without an answer. */
  end(reason: unknown): void {
    if (!this.#isOver) this.#end(() => this.#reject(reason));
  }

  /** The engine calls this when the clock was set back: a loop that sleeps until an instant would sleep too long. */
  wake(): void {
    this.#poll.wake();
    this.#guard.wake();
  }

  #end(settle: () => void): void {
    this.#isOver = true;
    settle();
    this.#unlisten();
    this.#context.onEnd();
    this.wake();
    // This comes last: the signal is the caller's object, and may throw.
    try {
      this.#options.signal?.removeEventListener('abort', this.#abort);
    } catch (error) {
      this.#context.onError(error, 'waitFor');
    }
  }

  async #run(loop: () => Promise<void>): Promise<void> {
    try {
      await loop();
    } catch (error) {
      this.end(isJitError(error) ? error : new ClockError('the clock failed', error));
    }
  }

  async #keepReading(): Promise<void> {
    // The first read rejects at once if the request does not exist or cannot be read.
    await this.#read();
    void this.#run(() => this.#keepGuard());
    while (!this.#isOver) {
      await this.#poll.until(Math.min(this.#context.clock.read().now + this.#options.pollMs, this.#deadline));
      if (!this.#isOver) await this.#read().catch((error: unknown) => this.#unread(error));
    }
  }

  /** The clock reading from which the engine refuses a decision. */
  get #deadline(): number {
    return this.#reviewBy - this.#context.leewayMs;
  }

  async #read(): Promise<void> {
    this.#askedAt = this.#context.clock.read().now;
    const { result, reviewBy } = await this.#context.read();
    if (this.#isOver) return;
    if (result !== undefined) this.#end(() => this.#resolve(result));
    this.#failure = undefined;
    this.#reviewBy = reviewBy;
    this.#guard.wake();
  }

  /** Reports a failed read. A later read may succeed, until the deadline. */
  #unread(error: unknown): void {
    if (this.#isOver) return;
    const isGone = isJitError(error) && (error.code === 'ERR_JIT_NOT_FOUND' || error.code === 'ERR_JIT_CLOCK');
    if (isGone || this.#context.clock.read().forEnds >= this.#reviewBy) throw error;
    this.#context.onError(error, 'waitFor');
    this.#failure = error;
  }

  /** Ends the wait when a read hangs beyond the deadline: the request can no longer be decided. */
  async #keepGuard(): Promise<void> {
    while (!this.#isOver) {
      const isWoken = await this.#guard.until(this.#hangsAt);
      if (!isWoken && this.#context.clock.read().now >= this.#hangsAt) {
        this.end(new StoreError('get', 'no read of the request has succeeded since its deadline', this.#failure));
      }
    }
  }

  /** A process that was suspended beyond the deadline still gives its next read the full time. */
  get #hangsAt(): number {
    return Math.max(this.#deadline, this.#askedAt) + this.#options.pollMs;
  }
}
