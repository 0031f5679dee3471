import { Alarm } from '../effects/alarm.js';
import { LeaseWatch, type Cover } from '../effects/lease-watch.js';
import type { Lease, ReadLeaseOptions } from '../effects/lease.js';
import { Wait, type ReadWaitOptions } from '../effects/wait-for.js';
import { ClosedError } from '../errors.js';
import type { MaybePromise } from '../ports.js';
import type { Timekeeper } from '../time.js';
import type { AccessResult } from './answers.js';
import { denied, type Checker } from './checker.js';
import type { Deciding } from './deciding.js';
import type { Settings } from './options.js';

/** Work that runs while access lasts, and whoever waits for a decision. */
export class Working {
  readonly #settings: Settings;
  readonly #keeper: Timekeeper;
  readonly #checker: Checker;
  readonly #deciding: Deciding;
  readonly #alarm: Alarm;
  /** What to do with each when the engine closes. */
  readonly #open = new Set<(reason: ClosedError) => void>();
  #isClosed = false;

  constructor(settings: Settings, keeper: Timekeeper, checker: Checker, deciding: Deciding) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.#checker = checker;
    this.#deciding = deciding;
    this.#alarm = new Alarm(settings.store, settings.onError);
  }

  /** This engine has committed something. */
  wake(): void {
    this.#alarm.ring();
  }

  /** Ends every lease and every wait. */
  close(): void {
    this.#isClosed = true;
    for (const end of this.#open) end(new ClosedError());
  }

  async lease(subject: string, scope: string, options: ReadLeaseOptions): Promise<Lease> {
    const first = await this.#cover(subject, scope, true);
    this.#refuseIfClosed();
    const end = (reason: ClosedError) => watch.end(reason);
    const watch: LeaseWatch = new LeaseWatch(
      {
        subject,
        scope,
        keeper: this.#keeper,
        alarm: this.#alarm,
        leewayMs: this.#settings.leewayMs,
        read: () => this.#cover(subject, scope, false),
        denial: (held, reading) => denied(this.#checker.judge(held, subject, scope, reading)),
        onError: this.#settings.onError,
        onEnd: () => this.#open.delete(end),
      },
      options,
      first,
    );
    watch.signal.throwIfAborted();
    this.#open.add(end);
    return watch.lease;
  }

  /** @param work is waited for, whatever becomes of the access */
  async withAccess<T>(
    subject: string,
    scope: string,
    work: (signal: AbortSignal, lease: Lease) => MaybePromise<T>,
    options: ReadLeaseOptions,
  ): Promise<T> {
    const lease = await this.lease(subject, scope, options);
    try {
      return await work(lease.signal, lease);
    } finally {
      lease.stop();
    }
  }

  async waitFor(requestId: string, options: ReadWaitOptions): Promise<AccessResult> {
    options.signal?.throwIfAborted();
    const end = (reason: ClosedError) => wait.fail(reason);
    const wait: Wait<AccessResult> = new Wait(
      {
        keeper: this.#keeper,
        alarm: this.#alarm,
        leewayMs: this.#settings.leewayMs,
        read: () => this.#deciding.outcome(requestId),
        onError: this.#settings.onError,
        onEnd: () => this.#open.delete(end),
      },
      options,
    );
    this.#open.add(end);
    return wait.result;
  }

  /** Standing access comes first, and asks no store. */
  async #cover(subject: string, scope: string, waits: boolean): Promise<Cover> {
    const begin = this.#keeper.read();
    if (this.#checker.standing(subject, scope) !== undefined) return { held: undefined, begunAt: begin.now, reading: begin };
    return this.#checker.coverage(subject, scope, waits);
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new ClosedError();
  }
}
