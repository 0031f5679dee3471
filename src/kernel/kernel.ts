import { ClosedError } from '../core/errors.js';
import { EngineClock } from '../core/clock.js';
import { reportIfLong } from '../core/long-wait.js';
import type { Change } from '../core/store-port.js';
import type { FeatureKind, UnlinkedEntry } from '../records/index.js';
import { ApproverClient } from './approver/approver-client.js';
import { Background } from './background.js';
import { CommitHooks, type CommitHook } from './ledger/commit-hooks.js';
import { DueHandlers, type DueHandler, type DueRows } from './due-handlers.js';
import { lazyId } from './ledger/ids.js';
import { JournalClock } from './ledger/journal-clock.js';
import { Ledger } from './ledger/ledger.js';
import { RollbackGuard } from './ledger/rollback.js';
import type { Settings } from './settings/settings.js';

/** A class that holds the state of one module for one engine. */
export type Part<T> = new (kernel: Kernel) => T;

/**
 * When a part is closed. Parts are made at their first use, so the order of closing cannot follow the order of creation.
 * - `work`: objects that callers hold (watches, waits, sweepers). Closed synchronously, within the call of `close`.
 * - `background`: writes that must still be recorded.
 * - `followers`: the last deliveries.
 * - `targets`: calls of external systems.
 */
export type ClosePhase = 'work' | 'background' | 'followers' | 'targets';

type Hook = () => unknown;

/**
 * The parts of an engine that more than one verb or feature needs, made once, in one place. Its constructor draws no randomness,
 * starts no timer and does no I/O (L46).
 */
export class Kernel {
  readonly settings: Settings;
  readonly clock: EngineClock;
  readonly journalClock: JournalClock;
  readonly commitHooks: CommitHooks;
  readonly ledger: Ledger;
  readonly approver: ApproverClient;
  readonly background: Background;
  /** The id of this engine on leases. Drawn at its first use. */
  readonly owner = lazyId();
  readonly #parts = new Map<Part<unknown>, unknown>();
  readonly #hooks = {
    use: new Set<Hook>(),
    commit: new Set<(entries: readonly UnlinkedEntry[]) => void>(),
    back: new Set<Hook>(),
    flush: new Set<Hook>(),
  };
  readonly #closing: Readonly<Record<ClosePhase, Set<Hook>>> = {
    work: new Set(),
    background: new Set(),
    followers: new Set(),
    targets: new Set(),
  };
  readonly #due: DueHandlers;
  #isInUse = false;
  #isClosed = false;

  constructor(settings: Settings) {
    const { store, clock, leewayMs, resendMs, knownHead, decodeAll, onError } = settings;
    this.settings = settings;
    this.clock = new EngineClock(clock, leewayMs, (error) => {
      onError(error, 'clock');
      call(this.#hooks.back);
    });
    this.journalClock = new JournalClock(store, this.clock, leewayMs, onError);
    const { reader } = this.journalClock;
    this.commitHooks = new CommitHooks(reader, clock, onError);
    const resend = { clock, resendMs, resent: new WeakSet<Change['append']>() };
    const rollback = new RollbackGuard(reader, this.clock, resend, knownHead, onError);
    this.ledger = new Ledger(reader, this.journalClock, rollback, resend, decodeAll, this.commitHooks, (entries) =>
      call(this.#hooks.commit, entries),
    );
    this.approver = new ApproverClient(settings, this.clock);
    this.background = new Background(onError);
    this.#due = new DueHandlers(onError);
  }

  /** The state of a module for this engine, made at the first call. */
  part<T>(Class: Part<T>): T {
    if (!this.#parts.has(Class)) this.#parts.set(Class, new Class(this));
    return this.#parts.get(Class) as T;
  }

  /** Every verb calls this first. @throws ClosedError */
  refuseIfClosed(): void {
    if (this.#isInUse) return;
    if (this.#isClosed) throw new ClosedError();
    this.#isInUse = true;
    call(this.#hooks.use);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The hook runs once, at the first verb, because the constructor of an engine does no I/O. */
  onFirstUse(hook: () => void): void {
    this.#hooks.use.add(hook);
  }

  /** The hook starts once, before the next commit of this engine that has an entry. See {@link CommitHooks}. */
  beforeCommit(hook: CommitHook): void {
    this.commitHooks.add(hook);
  }

  /** The listener runs after each commit of this engine that appended to the journal, before the verb resolves. */
  onCommit(listener: (entries: readonly UnlinkedEntry[]) => void): void {
    this.#hooks.commit.add(listener);
  }

  /** The hook runs when a reading shows that the clock was set back. */
  onStepBack(hook: () => void): void {
    this.#hooks.back.add(hook);
  }

  /** `flushAudit` awaits the hook after the sinks have received every entry. */
  onFlush(hook: () => Promise<unknown>): void {
    this.#hooks.flush.add(hook);
  }

  async flushed(): Promise<void> {
    await all(this.#hooks.flush);
  }

  /** Passes the due rows of a feature's kind to that feature. Without a handler, a sweep counts these rows and changes nothing. */
  onDue<T>(kind: FeatureKind, handler: DueHandler<T>): void {
    this.#due.set(kind, handler);
  }

  /** Starts a collection of the features' due rows that one pass of a sweep finds. */
  collectDue(): DueRows {
    return this.#due.collect();
  }

  /**
   * The hook runs once, when the engine closes. If the engine has closed already, a hook of the phase `work` runs at once.
   *
   * @returns a function that removes the hook
   */
  onClose(phase: ClosePhase, hook: () => unknown): () => void {
    if (this.#isClosed && phase === 'work') hook();
    else this.#closing[phase].add(hook);
    return () => void this.#closing[phase].delete(hook);
  }

  /** Waits for the work of a verb that waits for other code, and reports a long wait. */
  wait<T>(verb: string, work: Promise<T>): Promise<T> {
    const { clock, onError } = this.settings;
    return reportIfLong(clock, work, verb, () => this.background.open || 'the store', onError);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#isInUse = false;
    return this.wait('close', this.#end());
  }

  async #end(): Promise<void> {
    const { work, ...phases } = this.#closing;
    call(work);
    work.clear();
    await all(phases.background);
    await this.background.idle();
    await all(phases.followers);
    await all(phases.targets);
    // The last deliveries may cause more entries, such as the outcome of a call of an external system. These are delivered too.
    await this.background.allIdle();
  }
}

function call<T>(hooks: ReadonlySet<(argument: T) => unknown>, argument?: T): void {
  for (const hook of hooks) hook(argument as T);
}

const all = (hooks: ReadonlySet<Hook>): Promise<unknown> => Promise.all([...hooks].map((hook) => hook()));
