import { ClockError, isJitError, StoreError, type DeniedError } from '../../core/errors.js';
import { coveredUntil, type GrantUse } from '../../lifecycle/status.js';
import type { AuditEntry } from '../../records/index.js';
import type { ClockReading, EngineClock } from '../../core/time.js';
import type { JournalNotifier } from '../../followers/journal-notifier.js';
import { makeAccessWatch, type AccessWatch, type ParsedWatchOptions } from './options.js';
import { InterruptibleSleep } from '../../kernel/interruptible-sleep.js';
import type { Cover, SharedCover } from './shared-cover.js';

/** What a lease needs of the engine. */
export interface LeaseContext {
  readonly subject: string;
  readonly scope: string;
  readonly clock: EngineClock;
  readonly alarm: JournalNotifier;
  readonly leewayMs: number;
  /** Reads what covers, whether or not it covers now. Waits for an approver that is to confirm a start, where nothing else covers. */
  readonly read: () => Promise<Cover>;
  /** What all leases on this subject and scope read again. */
  readonly shared: Pick<SharedCover, 'hint' | 'confirm'>;
  /** Why these grants don't cover now. */
  readonly denial: (held: readonly GrantUse[], reading: ClockReading) => DeniedError;
  readonly onError: (error: unknown, during: string) => void;
  /** Called once, when it has ended. */
  readonly onEnd: () => void;
}

/**
 * Watches over one piece of work. Two loops, so that a read which hangs holds up nothing: the one reads what covers, at
 * each poll and each hint; the other ends the lease, by what was read last, at the end of the coverage or when that was
 * too long ago. How long ago is measured on the monotonic clock, so a clock that is set back prolongs nothing. A wall clock that
 * went further counts instead: a monotonic clock may stand still while the device sleeps.
 */
export class LeaseWatch {
  readonly #context: LeaseContext;
  readonly #options: ParsedWatchOptions;
  readonly #controller = new AbortController();
  readonly #poll: InterruptibleSleep;
  readonly #guard: InterruptibleSleep;
  readonly #unlisten: () => void;
  /** What was read last; `undefined`: the first answer is under way. */
  #cover: Cover | undefined;
  #failure: unknown;
  #until: number | undefined;
  /** The number of the hint that woke it last. */
  #hint = 0;

  /** It listens from here on: what becomes known while the first answer is under way is read again. */
  constructor(context: LeaseContext, options: ParsedWatchOptions) {
    this.#context = context;
    this.#options = options;
    this.#poll = new InterruptibleSleep(context.clock.source);
    this.#guard = new InterruptibleSleep(context.clock.source);
    this.#unlisten = context.alarm.listen({ concerns: (entry) => this.#isConcerned(entry), wake: () => this.#hinted() });
  }

  #hinted(): void {
    this.#hint = this.#context.shared.hint();
    this.#poll.wake();
  }

  /** Reads what covers, and watches it. @throws why there is nothing to watch; then it has ended */
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

  /** What sleeps until an instant may sleep for much longer than was meant. */
  wake(): void {
    this.#poll.wake();
    this.#guard.wake();
  }

  /** @param reason `undefined`: the platform's own */
  end(reason?: unknown): void {
    if (this.signal.aborted) return;
    this.#unlisten();
    this.#context.onEnd();
    this.#controller.abort(reason);
    this.wake();
  }

  /** What its subject is given or loses, and whatever becomes of a grant that it rests on. */
  #isConcerned({ grantId, data }: AuditEntry): boolean {
    return grantId !== undefined && (data.subject === this.#context.subject || this.#restsOn(grantId));
  }

  #restsOn(grantId: string): boolean {
    return this.#cover?.held?.some(({ grant }) => grant.id === grantId) === true;
  }

  /** A loop of its own: what it throws is the clock's doing. */
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
      // After a slow answer at once; where the clock was set back, no later than that.
      await this.#poll.until(Math.min(next, this.#read().now + pollMs));
      const reading = this.#read();
      next = reading.now + pollMs;
      // What is over is over: the store isn't asked whether there is more by now.
      if (!this.#goesOn(reading)) continue;
      const { begunAt: before } = this.#cover as Cover;
      await this.#confirm(reading);
      const { begunAt } = this.#cover as Cover;
      // Leases that share an answer poll together from then on.
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
    // Judged by what was known beforehand first, even where the guard's timer is late.
    const isKnownAlready = read.reading.now < now;
    if (!this.#goesOn(isKnownAlready ? this.#read() : read.reading)) return;
    this.#take(read);
    this.#guard.wake();
  }

  /** Goes by this from now on. */
  #take(cover: Cover): void {
    this.#cover = cover;
    this.#failure = undefined;
    this.#goesOn(cover.reading);
  }

  #unconfirmed(error: unknown): void {
    if (isClockError(error)) throw error;
    this.#context.onError(error, 'lease');
    this.#failure = error;
  }

  #read(): ClockReading {
    return this.#context.clock.read();
  }

  /** For how long it could not be confirmed, on whichever clock that is longer. */
  #unconfirmedMs({ now }: ClockReading): number {
    const { age, begunAt } = this.#cover as Cover;
    return Math.max(age.ms, now - begunAt);
  }

  /** Judges the coverage that was read last, and ends the lease unless it lasts. @returns whether it does */
  #goesOn(reading: ClockReading): boolean {
    if (this.signal.aborted) return false;
    const { subject, scope, denial, leewayMs } = this.#context;
    const { held } = this.#cover as Cover;
    const until = held && coveredUntil(held, reading);
    if (held !== undefined && until === undefined) {
      this.end(denial(held, reading));
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
