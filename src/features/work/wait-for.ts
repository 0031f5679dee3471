import { ClockError, isJitError, StoreError } from '../../core/errors.js';
import { invalid, readField, readOptions } from '../../core/parse.js';
import { isObject } from '../../records/index.js';
import type { EngineClock } from '../../core/time.js';
import { readDuration, type Duration } from '../../core/duration.js';
import type { WaitAnswer } from '../../engine/answers.js';
import type { JournalNotifier } from '../../followers/journal-notifier.js';
import { InterruptibleSleep } from '../../kernel/interruptible-sleep.js';

export interface WaitOptions {
  /** Gives up waiting: the promise rejects with its `reason`. The request stays as it is. */
  readonly signal?: AbortSignal | undefined;
  /** How often the request is read again; a decision that no hint tells of is noticed within this. Default: 1 second. */
  readonly poll?: Duration | undefined;
}

/** What waiting needs of the engine. */
export interface WaitContext<T> {
  readonly requestId: string;
  readonly clock: EngineClock;
  readonly alarm: JournalNotifier;
  readonly leewayMs: number;
  readonly read: () => Promise<WaitAnswer<T>>;
  readonly onError: (error: unknown, during: string) => void;
  /** Called once, when it is over. */
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

/** Whatever has all of an AbortSignal that is used here. */
const isSignal = (value: unknown): value is AbortSignal =>
  isObject(value) &&
  typeof readField('signal', value, 'aborted') === 'boolean' &&
  ['addEventListener', 'removeEventListener'].every((method) => typeof readField('signal', value, method) === 'function');

/** One wait for a request: reads it at each poll and each hint, one read at a time, and when its deadline has come. */
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
  /** When, at the latest, it is known what the request came to, by what was read last: until then its deadline is on record. */
  #reviewBy = Infinity;
  /** When it was asked last. */
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
    this.#unlisten = context.alarm.listen({ concerns: (entry) => entry.requestId === requestId, wake: () => this.#poll.wake() });
    void this.#run(() => this.#keepReading());
  }

  /** Ends the wait without an answer. */
  end(reason: unknown): void {
    if (!this.#isOver) this.#end(() => this.#reject(reason));
  }

  /** What sleeps until an instant may sleep for much longer than was meant. */
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
    // Last: a signal is somebody else's, and may fail.
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
    // The caller learns at once that there is no such request, or that nothing can be read.
    await this.#read();
    void this.#run(() => this.#keepGuard());
    while (!this.#isOver) {
      await this.#poll.until(Math.min(this.#context.clock.read().now + this.#options.pollMs, this.#deadline));
      if (!this.#isOver) await this.#read().catch((error: unknown) => this.#unread(error));
    }
  }

  /** The clock's reading from which on the request can't be decided any more. */
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

  /** A later read may do better, until the time for it is over. */
  #unread(error: unknown): void {
    if (this.#isOver) return;
    const isGone = isJitError(error) && (error.code === 'ERR_JIT_NOT_FOUND' || error.code === 'ERR_JIT_CLOCK');
    if (isGone || this.#context.clock.read().forEnds >= this.#reviewBy) throw error;
    this.#context.onError(error, 'waitFor');
    this.#failure = error;
  }

  /** A read that hangs must not keep anybody waiting for what can't come any more. */
  async #keepGuard(): Promise<void> {
    while (!this.#isOver) {
      const isWoken = await this.#guard.until(this.#hangsAt);
      if (!isWoken && this.#context.clock.read().now >= this.#hangsAt) {
        this.end(new StoreError('get', 'the request could not be read since its deadline has passed', this.#failure));
      }
    }
  }

  /** After a process stood still beyond the deadline, the read that it begins then has its time too. */
  get #hangsAt(): number {
    return Math.max(this.#deadline, this.#askedAt) + this.#options.pollMs;
  }
}
