import { Stopwatch } from '../../core/stopwatch.js';
import { JournalNotifier } from '../../followers/journal-notifier.js';
import { CoverageWatch } from './access-watch.js';
import type { AccessWatch, ParsedWatchOptions } from './options.js';
import { SharedCovers, type Cover } from './shared-cover.js';
import { Wait, type ParsedWaitOptions } from './wait-for.js';
import { ClosedError } from '../../core/errors.js';
import { judge } from '../../lifecycle/check.js';
import { withOwnUse } from '../../lifecycle/usage.js';
import type { MaybePromise } from '../../core/ports.js';
import type { EngineClock } from '../../core/clock.js';
import type { Decision } from '../../records/index.js';
import type { AccessResult } from '../../engine/answers.js';
import { denied, type Checker } from '../../engine/checks/checker.js';
import { coverageOf } from '../../engine/checks/coverage.js';
import { EngineChecker } from '../../engine/checks/engine-checker.js';
import { UseLog } from '../../kernel/use-log.js';
import { requestOutcome } from '../../engine/requests/requests.js';
import type { Settings } from '../../kernel/settings/settings.js';
import type { Kernel } from '../../kernel/kernel.js';

/** The watches of access and the waits for decisions of one engine. */
export class Work {
  readonly #settings: Settings;
  readonly #clock: EngineClock;
  readonly #checker: Checker;
  readonly #kernel: Kernel;
  readonly #notifier: JournalNotifier;
  readonly #covers: SharedCovers;
  readonly #open = new Set<CoverageWatch | Wait<AccessResult>>();

  constructor(kernel: Kernel) {
    const { store, onError } = kernel.settings;
    this.#settings = kernel.settings;
    this.#clock = kernel.clock;
    this.#checker = kernel.part(EngineChecker);
    this.#kernel = kernel;
    this.#covers = new SharedCovers((subject, scope) => this.#cover(subject, scope, false));
    this.#notifier = new JournalNotifier({ store, journal: (after, limit) => kernel.ledger.journal(after, limit), onError });
    kernel.onCommit(() => this.#wake());
    kernel.onStepBack(() => this.#clockSetBack());
    kernel.onClose('work', () => this.#close());
  }

  /** Called after each commit of this engine. */
  #wake(): void {
    this.#notifier.hint();
  }

  /** After the clock was set back, each loop computes its sleep again. Real timers sleep for a duration and need no correction. */
  #clockSetBack(): void {
    if (this.#clock.source.sleep === undefined) return;
    for (const open of this.#open) open.wake();
  }

  /** Ends every watch and every wait. */
  #close(): void {
    for (const open of this.#open) open.end(new ClosedError());
  }

  /** @param grantId the grant whose use was taken for the work */
  async watch(subject: string, scope: string, options: ParsedWatchOptions, grantId?: string): Promise<AccessWatch> {
    const shared = this.#covers.take(subject, scope);
    // The reads are shared with watches that took no use, so this watch adds its own use to each answer.
    const seen = (cover: Cover): Cover =>
      grantId === undefined ? cover : { ...cover, uses: cover.uses?.map((use) => withOwnUse(use, grantId)) };
    const watch: CoverageWatch = new CoverageWatch(
      {
        subject,
        scope,
        clock: this.#clock,
        notifier: this.#notifier,
        leewayMs: this.#settings.leewayMs,
        read: async () => seen(await this.#begin(subject, scope)),
        shared: { hint: () => shared.hint(), confirm: async (demand) => seen(await shared.confirm(demand)) },
        denial: ({ uses = [], locked }, reading) => denied(locked ?? judge(uses, subject, scope, reading)),
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
   * @param work is awaited even after the access has ended
   * @param grantId the grant whose use was taken for the work
   */
  async withAccess<T>(
    subject: string,
    scope: string,
    work: (signal: AbortSignal, watch: AccessWatch) => MaybePromise<T>,
    options: ParsedWatchOptions,
    grantId?: string,
  ): Promise<T> {
    const watch = await this.watch(subject, scope, options, grantId);
    try {
      // The access may have ended since the watch resolved.
      watch.signal.throwIfAborted();
      return await work(watch.signal, watch);
    } finally {
      watch.stop();
    }
  }

  async waitFor(requestId: string, options: ParsedWaitOptions): Promise<AccessResult> {
    if (options.signal?.aborted === true) throw options.signal.reason;
    const wait: Wait<AccessResult> = new Wait(
      {
        requestId,
        clock: this.#clock,
        notifier: this.#notifier,
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

  /** The first read of a watch, which counts as a check: it records the use if the engine's option `recordUse` is on. */
  async #begin(subject: string, scope: string): Promise<Cover> {
    const { decision, ...cover } = await this.#cover(subject, scope, true);
    if (decision !== undefined && this.#settings.recordUse.isOn) this.#kernel.part(UseLog).note(decision);
    return cover;
  }

  /** Standing access is evaluated first, without the store. */
  async #cover(subject: string, scope: string, waits: boolean): Promise<Cover & { readonly decision?: Decision }> {
    const age = new Stopwatch(this.#clock.source);
    const reading = this.#clock.read();
    const isStanding = this.#checker.standing(subject, scope) !== undefined;
    if (isStanding && !this.#settings.standingObeysLocks) return { uses: undefined, locked: undefined, begunAt: reading.now, age, reading };
    const cover = await coverageOf(this.#kernel, subject, scope, waits);
    if (!isStanding || cover.locked !== undefined) return cover;
    return { uses: undefined, locked: undefined, begunAt: cover.begunAt, age: cover.age, reading: cover.reading };
  }
}
