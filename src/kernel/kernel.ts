import { ClosedError } from '../core/errors.js';
import { EngineClock } from '../core/time.js';
import type { FeatureKind } from '../records/index.js';
import { ApproverClient } from './approver-client.js';
import { Background } from './background.js';
import { CommitHooks, type CommitHook } from './commit-hooks.js';
import { DueHandlers, type DueHandler, type DueRows } from './due-handlers.js';
import { lazyId } from './ids.js';
import { JournalClock } from './journal-clock.js';
import { Ledger } from './ledger.js';
import { RollbackGuard } from './rollback.js';
import type { Settings } from './settings.js';

/** State of one module for one engine. */
export type Part<T> = new (kernel: Kernel) => T;

/**
 * When a part is closed. Parts are made at their first use, so the order in which they were made says nothing about it.
 * `work`: what callers hold (watches, waits, sweepers), in the turn of the call. `background`: what must still be recorded.
 * `followers`: the last deliveries. `targets`: calls of external systems.
 */
export type ClosePhase = 'work' | 'background' | 'followers' | 'targets';

type Hook = () => unknown;

/**
 * The parts of an engine that more than one verb or feature needs, made once, in one place. Draws no randomness, starts no
 * timer and does no I/O when it is made (L46).
 */
export class Kernel {
  readonly settings: Settings;
  readonly clock: EngineClock;
  readonly journalClock: JournalClock;
  readonly commitHooks: CommitHooks;
  readonly ledger: Ledger;
  readonly approver: ApproverClient;
  readonly background: Background;
  /** Stands for this engine on leases. Drawn at its first use. */
  readonly owner = lazyId();
  readonly #parts = new Map<Part<unknown>, unknown>();
  readonly #hooks = {
    use: new Set<Hook>(),
    commit: new Set<Hook>(),
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
    const onAppend = (): void => call(this.#hooks.commit);
    const { reader } = this.journalClock;
    this.commitHooks = new CommitHooks(reader, clock, onError);
    const rollback = new RollbackGuard(reader, this.clock, { clock, resendMs }, knownHead, onError);
    this.ledger = new Ledger(reader, this.journalClock, rollback, decodeAll, this.commitHooks, onAppend);
    this.approver = new ApproverClient(settings, this.clock);
    this.background = new Background(onError);
    this.#due = new DueHandlers(onError);
  }

  /** The state of a module for this engine, made when it is asked for the first time. */
  part<T>(Class: Part<T>): T {
    if (!this.#parts.has(Class)) this.#parts.set(Class, new Class(this));
    return this.#parts.get(Class) as T;
  }

  /** Every verb comes by here first. @throws ClosedError */
  refuseIfClosed(): void {
    if (this.#isInUse) return;
    if (this.#isClosed) throw new ClosedError();
    this.#isInUse = true;
    call(this.#hooks.use);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Called once, by the first verb: making an engine does no I/O. */
  onFirstUse(hook: () => void): void {
    this.#hooks.use.add(hook);
  }

  /** Runs once, before this engine's first commit. See {@link CommitHooks}. */
  beforeCommit(hook: CommitHook): void {
    this.commitHooks.add(hook);
  }

  /** Called after each commit of this engine that appended to the journal. */
  onCommit(listener: () => void): void {
    this.#hooks.commit.add(listener);
  }

  /** Called when the clock is found to have been set back. */
  onStepBack(hook: () => void): void {
    this.#hooks.back.add(hook);
  }

  /** Awaited by `flushAudit` after the sinks have been given everything. */
  onFlush(hook: () => Promise<unknown>): void {
    this.#hooks.flush.add(hook);
  }

  async flushed(): Promise<void> {
    await all(this.#hooks.flush);
  }

  /** Gives due rows of a feature's kind to that feature. Without a handler a sweep counts them and leaves them alone. */
  onDue<T>(kind: FeatureKind, handler: DueHandler<T>): void {
    this.#due.set(kind, handler);
  }

  /** Begins to collect the due rows of features that one pass of a sweep finds. */
  collectDue(): DueRows {
    return this.#due.collect();
  }

  /**
   * Called once when the engine closes; in the phase `work` at once where it has.
   *
   * @returns removes the hook
   */
  onClose(phase: ClosePhase, hook: () => unknown): () => void {
    if (this.#isClosed && phase === 'work') hook();
    else this.#closing[phase].add(hook);
    return () => void this.#closing[phase].delete(hook);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isInUse = false;
    const { work, ...phases } = this.#closing;
    call(work);
    work.clear();
    await all(phases.background);
    await this.background.idle();
    await all(phases.followers);
    await all(phases.targets);
    // What comes after the last delivery, such as the outcome of a call that it caused, is delivered too.
    await this.background.allIdle();
  }
}

function call(hooks: ReadonlySet<Hook>): void {
  for (const hook of hooks) hook();
}

const all = (hooks: ReadonlySet<Hook>): Promise<unknown> => Promise.all([...hooks].map((hook) => hook()));
