import { ClockError, isJitError, StoreError, type DeniedError } from '../errors.js';
import { coveredUntil, type Held } from '../lifecycle/status.js';
import type { Reading, Timekeeper } from '../time.js';
import type { Alarm } from './alarm.js';
import type { Lease, ReadLeaseOptions } from './lease.js';
import { Nap } from './nap.js';

/** What covers, as it was read. */
export interface Cover {
  /** The live grants that reach the scope; `undefined`: standing access covers, and no store was asked. */
  readonly held: readonly Held[] | undefined;
  /** The clock's reading before anything was asked. Epoch milliseconds. */
  readonly begunAt: number;
  /** The reading at which it was judged. */
  readonly reading: Reading;
}

/** What a lease needs of the engine. */
export interface LeaseContext {
  readonly subject: string;
  readonly scope: string;
  readonly keeper: Timekeeper;
  readonly alarm: Alarm;
  readonly leewayMs: number;
  /** Reads what covers, whether or not it covers now. */
  readonly read: () => Promise<Cover>;
  /** Why these grants don't cover now. */
  readonly denial: (held: readonly Held[], reading: Reading) => DeniedError;
  readonly onError: (error: unknown, during: string) => void;
  /** Called once, when it has ended. */
  readonly onEnd: () => void;
}

/**
 * Watches over one piece of work. Two loops, so that a read which hangs holds up nothing: the one reads what covers, at
 * each poll and each hint; the other ends the lease, by what was read last, at the end of the coverage or when that was
 * too long ago.
 */
export class LeaseWatch {
  readonly #context: LeaseContext;
  readonly #options: ReadLeaseOptions;
  readonly #controller = new AbortController();
  readonly #poll: Nap;
  readonly #guard: Nap;
  readonly #unlisten: () => void;
  #cover: Cover;
  #failure: unknown;
  #until: number | undefined;

  /** @param first what covers now; where it doesn't, or was read too long ago, the lease ends at once */
  constructor(context: LeaseContext, options: ReadLeaseOptions, first: Cover) {
    this.#context = context;
    this.#options = options;
    this.#cover = first;
    this.#poll = new Nap(context.keeper.clock);
    this.#guard = new Nap(context.keeper.clock);
    this.#unlisten = context.alarm.listen(() => this.#poll.wake());
    if (!this.#goesOn(first.reading)) return;
    void this.#run(() => this.#keepGuard());
    void this.#run(() => this.#keepReading());
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The same for everybody: what can be done to it is done through `end`. */
  get lease(): Lease {
    const { subject, scope } = this.#context;
    const until = () => this.#until;
    const stop = () => this.end();
    const lease = {
      subject,
      scope,
      signal: this.signal,
      get until() {
        return until();
      },
      stop,
    };
    // The key is only there where the runtime knows it: `[undefined]` would be a method named "undefined".
    if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(lease, Symbol.asyncDispose, { value: async () => stop() });
    return lease as Lease;
  }

  /** @param reason `undefined`: the platform's own */
  end(reason?: unknown): void {
    if (this.signal.aborted) return;
    this.#unlisten();
    this.#context.onEnd();
    this.#controller.abort(reason);
    this.#poll.wake();
    this.#guard.wake();
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
    while (!this.signal.aborted) {
      const isWoken = await this.#guard.until(this.#guardAt());
      if (this.signal.aborted) return;
      const reading = this.#context.keeper.read();
      // The time has passed, and the clock says that it has not: a read that hangs would never be found to be too old.
      if (!isWoken && reading.now < this.#cover.begunAt) this.end(new ClockError(SET_BACK));
      else this.#goesOn(reading);
    }
  }

  #guardAt(): number {
    return Math.min(this.#until ?? Infinity, this.#cover.begunAt + this.#options.maxUnconfirmedMs);
  }

  async #keepReading(): Promise<void> {
    let next = this.#cover.begunAt + this.#options.pollMs;
    while (!this.signal.aborted) {
      await this.#poll.until(next);
      if (this.signal.aborted) return;
      const reading = this.#context.keeper.read();
      next = reading.now + this.#options.pollMs;
      // What is over is over: the store isn't asked whether there is more by now.
      if (this.#goesOn(reading)) await this.#confirm();
    }
  }

  async #confirm(): Promise<void> {
    let read: Cover;
    try {
      read = await this.#context.read();
    } catch (error) {
      if (!this.signal.aborted) this.#unconfirmed(error);
      return;
    }
    // Judged by what was known beforehand first, even where the guard's timer is late.
    if (this.signal.aborted || !this.#goesOn(read.reading)) return;
    this.#cover = read;
    this.#failure = undefined;
    if (this.#goesOn(read.reading)) this.#guard.wake();
  }

  #unconfirmed(error: unknown): void {
    if (isClockError(error)) throw error;
    this.#context.onError(error, 'lease');
    this.#failure = error;
    if (this.#context.keeper.read().now < this.#cover.begunAt) this.end(new ClockError(SET_BACK, error));
  }

  /** Judges the coverage that was read last, and ends the lease unless it lasts. @returns whether it does */
  #goesOn(reading: Reading): boolean {
    const { subject, scope, denial, leewayMs } = this.#context;
    const { maxUnconfirmedMs } = this.#options;
    const { held, begunAt } = this.#cover;
    const until = held && coveredUntil(held, reading);
    if (held !== undefined && until === undefined) {
      this.end(denial(held, reading));
      return false;
    }
    if (!(reading.now < begunAt + maxUnconfirmedMs)) {
      const problem = `it could not be confirmed for ${maxUnconfirmedMs} ms that ${subject} still has access to ${scope}`;
      this.end(new StoreError('live', problem, this.#failure));
      return false;
    }
    this.#until = until && until - leewayMs;
    return true;
  }
}

const SET_BACK = 'the clock was set back while access could not be confirmed';

const isClockError = (error: unknown): boolean => isJitError(error) && error.code === 'ERR_JIT_CLOCK';
