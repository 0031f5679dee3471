import { ClockError, isJitError, StoreError, type DeniedError } from '../../core/errors.js';
import { coveredUntil } from '../../lifecycle/status.js';
import type { AuditEntry } from '../../records/index.js';
import type { ClockReading, EngineClock } from '../../core/clock.js';
import type { JournalNotifier } from '../../followers/journal-notifier.js';
import { makeAccessWatch, type AccessWatch, type ParsedWatchOptions } from './options.js';
import { InterruptibleSleep } from '../../kernel/interruptible-sleep.js';
import type { Cover, SharedCover } from './shared-cover.js';

/** The dependencies of a watch. */
export interface CoverageWatchContext {
  readonly subject: string;
  readonly scope: string;
  readonly clock: EngineClock;
  readonly notifier: JournalNotifier;
  readonly leewayMs: number;
  /**
   * Reads the grants that reach the scope, whether or not they cover it now. If no other grant covers the scope, it waits
   * for an approver that must confirm a start.
   */
  readonly read: () => Promise<Cover>;
  /** The reads that all watches on this subject and scope share. */
  readonly shared: Pick<SharedCover, 'hint' | 'confirm'>;
  /** The error that says why this coverage does not cover the scope now. */
  readonly denial: (cover: Pick<Cover, 'uses' | 'locked'>, reading: ClockReading) => DeniedError;
  readonly onError: (error: unknown, during: string) => void;
  /** Called once, when the watch has ended. */
  readonly onEnd: () => void;
}

/**
 * Watches the coverage of one piece of work in two loops, so that a read that hangs does not delay an end. One loop reads
 * the coverage at each poll and each hint. The other ends the watch at the end of the coverage, or when the last read is too
 * old.
 *
 * The age of a read is measured on the monotonic clock, so that setting the clock back does not prolong it. If the wall
 * clock advanced further, it counts instead: a monotonic clock may stop while the device sleeps.
 */
export class CoverageWatch {
  readonly #context: CoverageWatchContext;
  readonly #options: ParsedWatchOptions;
  readonly #controller = new AbortController();
  readonly #poll: InterruptibleSleep;
  readonly #guard: InterruptibleSleep;
  readonly #unlisten: () => void;
  /** The last answer; `undefined`: the first read is in flight. */
  #cover: Cover | undefined;
  #failure: unknown;
  #until: number | undefined;
  /** The number of the last hint. */
  #hint = 0;

  /** Listens from now on: an entry that arrives during the first read causes another read. */
  constructor(context: CoverageWatchContext, options: ParsedWatchOptions) {
    this.#context = context;
    this.#options = options;
    this.#poll = new InterruptibleSleep(context.clock.source);
    this.#guard = new InterruptibleSleep(context.clock.source);
    this.#unlisten = context.notifier.listen({ concerns: (entry) => this.#isConcerned(entry), wake: () => this.#hinted() });
  }

  #hinted(): void {
    this.#hint = this.#context.shared.hint();
    this.#poll.wake();
  }

  /** Reads the coverage, and watches it. @throws the reason why there is no coverage; the watch has then ended */
  async begin(): Promise<AccessWatch> {
    try {
      this.#take(await this.#context.read());
    } catch (error) {
      this.end(error);
    }
    this.signal.throwIfAborted();
    void this.#run(() => this.#keepGuard());
    void this.#run(() => this.#keepReading());
    const { subject, scope } = this.#context;
    return makeAccessWatch(
      subject,
      scope,
      this.signal,
      () => this.#until,
      () => this.end(),
    );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The engine calls this when the clock was set back: a loop that sleeps until an instant would sleep too long. */
  wake(): void {
    this.#poll.wake();
    this.#guard.wake();
  }

  /** @param reason the reason of the signal; `undefined`: the platform's own */
  end(reason?: unknown): void {
    if (this.signal.aborted) return;
    this.#unlisten();
    this.#context.onEnd();
    this.#controller.abort(reason);
    this.wake();
  }

  /** Whether an entry is about a grant of the watch's subject, a grant that the coverage depends on, or a new lock. */
  #isConcerned({ type, grantId, data }: AuditEntry): boolean {
    if (type === 'lock.set') return true;
    return grantId !== undefined && (data.subject === this.#context.subject || this.#restsOn(grantId));
  }

  #restsOn(grantId: string): boolean {
    return this.#cover?.uses?.some(({ grant }) => grant.id === grantId) === true;
  }

  /** Runs a loop. Only a clock that fails makes it throw. */
  async #run(loop: () => Promise<void>): Promise<void> {
    try {
      await loop();
    } catch (error) {
      this.end(isClockError(error) ? error : new ClockError('the clock failed', error));
    }
  }

  async #keepGuard(): Promise<void> {
    for (let reading = this.#read(); this.#goesOn(reading); reading = this.#read()) {
      const leftMs = Math.ceil(this.#options.maxUnconfirmedMs - this.#unconfirmedMs(reading));
      await this.#guard.until(Math.min(this.#until ?? Infinity, reading.now + leftMs));
    }
  }

  async #keepReading(): Promise<void> {
    const { pollMs } = this.#options;
    let next = (this.#cover as Cover).begunAt + pollMs;
    while (!this.signal.aborted) {
      // After a slow answer, reads at once. If the clock was set back, reads after one poll interval at the latest.
      await this.#poll.until(Math.min(next, this.#read().now + pollMs));
      const reading = this.#read();
      next = reading.now + pollMs;
      // Access that has ended stays ended: the store is not asked for later grants.
      if (!this.#goesOn(reading)) continue;
      const { begunAt: before } = this.#cover as Cover;
      await this.#confirm(reading);
      const { begunAt } = this.#cover as Cover;
      // Watches that share an answer poll together from then on.
      if (begunAt > before && begunAt <= reading.now) next = begunAt + pollMs;
    }
  }

  async #confirm({ now }: ClockReading): Promise<void> {
    const { pollMs: maxAgeMs } = this.#options;
    let read: Cover;
    try {
      read = await this.#context.shared.confirm({ hint: this.#hint, now, maxAgeMs, have: (this.#cover as Cover).begunAt });
    } catch (error) {
      if (!this.signal.aborted) this.#unconfirmed(error);
      return;
    }
    // The earlier answer is evaluated first, even if the guard's timer is late.
    const isKnownAlready = read.reading.now < now;
    if (!this.#goesOn(isKnownAlready ? this.#read() : read.reading)) return;
    this.#take(read);
    this.#guard.wake();
  }

  /** Evaluates by this answer from now on. */
  #take(cover: Cover): void {
    this.#cover = cover;
    this.#failure = undefined;
    this.#goesOn(cover.reading);
  }

  #unconfirmed(error: unknown): void {
    if (isClockError(error)) throw error;
    this.#context.onError(error, 'watchAccess');
    this.#failure = error;
  }

  #read(): ClockReading {
    return this.#context.clock.read();
  }

  /** How long the coverage could not be confirmed: the longer of the times on the two clocks. */
  #unconfirmedMs({ now }: ClockReading): number {
    const { age, begunAt } = this.#cover as Cover;
    return Math.max(age.ms, now - begunAt);
  }

  /** Evaluates the last coverage that was read, and ends the watch if it has ended. @returns whether the watch continues */
  #goesOn(reading: ClockReading): boolean {
    if (this.signal.aborted) return false;
    const { subject, scope, denial, leewayMs } = this.#context;
    const cover = this.#cover as Cover;
    const { uses } = cover;
    const until = uses && coveredUntil(uses, reading);
    if (uses !== undefined && until === undefined) {
      this.end(denial(cover, reading));
      return false;
    }
    if (!(this.#unconfirmedMs(reading) < this.#options.maxUnconfirmedMs)) {
      const problem = `it could not be confirmed for ${this.#options.maxUnconfirmedMs} ms that ${subject} still has access to ${scope}`;
      this.end(new StoreError('live', problem, this.#failure));
      return false;
    }
    this.#until = until && until - leewayMs;
    return true;
  }
}

const isClockError = (error: unknown): boolean => isJitError(error) && error.code === 'ERR_JIT_CLOCK';
