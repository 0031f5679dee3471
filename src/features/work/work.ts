import { Stopwatch } from '../../core/stopwatch.js';
import { JournalNotifier } from '../../followers/journal-notifier.js';
import { LeaseWatch } from './access-watch.js';
import type { AccessWatch, ParsedWatchOptions } from './options.js';
import { SharedCovers, type Cover } from './shared-cover.js';
import { Wait, type ParsedWaitOptions } from './wait-for.js';
import { ClosedError } from '../../core/errors.js';
import { judge } from '../../lifecycle/check.js';
import { withOwnUse } from '../../lifecycle/usage.js';
import type { MaybePromise } from '../../core/ports.js';
import type { EngineClock } from '../../core/time.js';
import type { AccessResult } from '../../engine/answers.js';
import { denied, type Checker } from '../../engine/checker.js';
import { coverageOf } from '../../engine/coverage.js';
import { EngineChecker } from '../../engine/engine-checker.js';
import { requestOutcome } from '../../engine/requests.js';
import type { Settings } from '../../kernel/settings.js';
import type { Kernel } from '../../kernel/kernel.js';

/** Work that runs while access lasts, and whoever waits for a decision. */
export class Work {
  readonly #settings: Settings;
  readonly #clock: EngineClock;
  readonly #checker: Checker;
  readonly #kernel: Kernel;
  readonly #alarm: JournalNotifier;
  readonly #covers: SharedCovers;
  readonly #open = new Set<LeaseWatch | Wait<AccessResult>>();

  constructor(kernel: Kernel) {
    const { store, onError } = kernel.settings;
    this.#settings = kernel.settings;
    this.#clock = kernel.clock;
    this.#checker = kernel.part(EngineChecker);
    this.#kernel = kernel;
    this.#covers = new SharedCovers((subject, scope) => this.#cover(subject, scope, false));
    this.#alarm = new JournalNotifier({ store, journal: (after, limit) => kernel.ledger.journal(after, limit), onError });
    kernel.onCommit(() => this.#wake());
    kernel.onStepBack(() => this.#clockSetBack());
    kernel.onClose('work', () => this.#close());
  }

  /** This engine has committed something. */
  #wake(): void {
    this.#alarm.hint();
  }

  /** The clock was found set back: everybody looks anew how long to sleep. Real timers go by lengths, and need no telling. */
  #clockSetBack(): void {
    if (this.#clock.source.sleep === undefined) return;
    for (const one of this.#open) one.wake();
  }

  /** Ends every lease and every wait. */
  #close(): void {
    for (const one of this.#open) one.end(new ClosedError());
  }

  /** @param grantId that of the grant on a use of which the work rests */
  async lease(subject: string, scope: string, options: ParsedWatchOptions, grantId?: string): Promise<AccessWatch> {
    const shared = this.#covers.take(subject, scope);
    // Shared with leases that rest on no use: what is the work's own is put in afterwards.
    const seen = (cover: Cover): Cover =>
      grantId === undefined ? cover : { ...cover, held: cover.held?.map((held) => withOwnUse(held, grantId)) };
    const watch: LeaseWatch = new LeaseWatch(
      {
        subject,
        scope,
        clock: this.#clock,
        alarm: this.#alarm,
        leewayMs: this.#settings.leewayMs,
        read: async () => seen(await this.#cover(subject, scope, true)),
        shared: { hint: () => shared.hint(), confirm: async (demand) => seen(await shared.confirm(demand)) },
        denial: (held, reading) => denied(judge(held, subject, scope, reading)),
        onError: this.#settings.onError,
        onEnd: () => {
          this.#open.delete(watch);
          this.#covers.release(subject, scope);
        },
      },
      options,
    );
    this.#open.add(watch);
    return watch.begin();
  }

  /**
   * @param work is waited for, whatever becomes of the access
   * @param grantId that of the grant on a use of which the work rests
   */
  async withAccess<T>(
    subject: string,
    scope: string,
    work: (signal: AbortSignal, lease: AccessWatch) => MaybePromise<T>,
    options: ParsedWatchOptions,
    grantId?: string,
  ): Promise<T> {
    const lease = await this.lease(subject, scope, options, grantId);
    try {
      // It may have ended in the turn in which it was handed over.
      lease.signal.throwIfAborted();
      return await work(lease.signal, lease);
    } finally {
      lease.stop();
    }
  }

  async waitFor(requestId: string, options: ParsedWaitOptions): Promise<AccessResult> {
    if (options.signal?.aborted === true) throw options.signal.reason;
    const wait: Wait<AccessResult> = new Wait(
      {
        requestId,
        clock: this.#clock,
        alarm: this.#alarm,
        leewayMs: this.#settings.leewayMs,
        read: () => requestOutcome(this.#kernel, requestId),
        onError: this.#settings.onError,
        onEnd: () => this.#open.delete(wait),
      },
      options,
    );
    this.#open.add(wait);
    return wait.result;
  }

  /** Standing access comes first, and asks no store. */
  async #cover(subject: string, scope: string, waits: boolean): Promise<Cover> {
    const age = new Stopwatch(this.#clock.source);
    const reading = this.#clock.read();
    if (this.#checker.standing(subject, scope) !== undefined) return { held: undefined, begunAt: reading.now, age, reading };
    return coverageOf(this.#kernel, subject, scope, waits);
  }
}
