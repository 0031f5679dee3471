import { isJitError, StoreError } from '../../core/errors.js';
import { SuccessiveRuns } from '../../core/successive-runs.js';
import type { GrantStore } from '../../core/store-port.js';
import type { ClockReading, EngineClock } from '../../core/clock.js';
import { TurnBudget } from '../../core/turns.js';
import { askJournal } from '../../journal/store-reads.js';
import type { Anchor, AuditEntry, UnlinkedEntry } from '../../records/index.js';
import { accessChangeOf } from './access-entries.js';
import type { ChangedRows } from './changed-rows.js';
import { whyNoContinuation } from './continuation.js';
import { Freshness, type Since } from './freshness.js';
import type { Loader } from './loader.js';

const PAGE = 1_000;
/** The pause before everything is loaded again because of an entry that this version does not know. Milliseconds. */
const UNKNOWN_MS = 60_000;
/** How often a run loads everything again because the journal does not continue what was loaded. */
const MAX_LOADS = 3;
/** How many cells a run looks at to find ended grants. */
const SWEEP_LOOKS = 4_096;
/** How long an ended grant stays at least, so that a clock that was set back a little finds it. Milliseconds. */
const ENDED_MS = 60_000;

export interface CopyFollowerContext {
  readonly store: Pick<GrantStore, 'journal'>;
  readonly clock: EngineClock;
  readonly maxStaleMs: number;
  readonly changes: ChangedRows;
  readonly loader: Loader;
  /** Called before each run. A rejection ends the run: the copy stays as old as it is. */
  readonly confirm: () => Promise<void> | undefined;
  readonly onError: (error: unknown) => void;
}

/** Keeps a copy of the live grants up to date. Each run asks the journal what is new, and applies it. */
export class CopyFollower {
  readonly #context: CopyFollowerContext;
  readonly #runs = new SuccessiveRuns(() => this.#run());
  /** The newest entry that is applied. `undefined`: nothing is loaded. */
  #at: Anchor | undefined;
  #distrusts = 0;
  #isClosed = false;
  /** An entry that this version does not know was applied: anything may have changed since. */
  #isUncertain = false;
  /** A reading of the monotonic clock: a system clock that was set back must not put off the load. */
  #nextLoadAt = -Infinity;
  readonly #freshness: Freshness;

  constructor(context: CopyFollowerContext) {
    this.#context = context;
    const { changes, clock, maxStaleMs } = context;
    this.#freshness = new Freshness(changes.copy, clock, maxStaleMs);
  }

  get freshAt(): number | undefined {
    return this.#freshness.freshAt;
  }

  get seq(): number {
    return this.#at?.seq ?? 0;
  }

  /**
   * Applies all that the journal holds now. The calls during a run share the next run, so that each caller waits for two runs at most,
   * also if the journal grows all the time. @throws StoreError
   */
  run(): Promise<void> {
    return this.#runs.run();
  }

  /** Applies the ends among entries that this process has committed, before the journal is asked. */
  applyEnds(entries: readonly UnlinkedEntry[]): void {
    for (const entry of entries) {
      const change = accessChangeOf(entry);
      if (change?.kind === 'ended') this.#context.changes.applyEnd(change);
      // Until the row of locks is read again, no yes is certain.
      else if (change?.kind === 'locks') this.#distrust();
    }
  }

  /** Makes the copy stale, also at the end of a run in progress. */
  #distrust(): void {
    this.#distrusts += 1;
    this.#freshness.end();
  }

  /** From then on, nothing is fresh. */
  close(): void {
    this.#isClosed = true;
    this.#freshness.end();
  }

  /** Measures the age of the copy. @returns whether it may answer at this reading */
  mayAnswerAt(reading: ClockReading = this.#context.clock.read()): boolean {
    return this.#freshness.measure(reading);
  }

  async #run(): Promise<void> {
    try {
      await this.#catchUp();
    } catch (error) {
      // Another store decides now, or only processes of a newer layout, so no yes of this copy is certain.
      if (isJitError(error) && (error.code === 'ERR_JIT_MOVED' || error.code === 'ERR_JIT_LAYOUT')) this.#distrust();
      throw error;
    }
  }

  async #catchUp(): Promise<void> {
    const { clock, changes, loader, confirm } = this.#context;
    await confirm();
    const distrusts = this.#distrusts;
    const passed = changes.passEnds();
    const since = this.#freshness.read();
    const { now } = since;
    // The clock was set back: what has begun since is no cell any more.
    if (changes.copy.isAheadOf(now)) this.#at = undefined;
    let takeLocks: (() => void) | undefined;
    for (let loads = 0; ; loads++) {
      if (this.#needsLoad(since)) await this.#load(since, loads);
      await this.#applyNew(now);
      takeLocks = await changes.readLocks();
      if (takeLocks !== undefined) await this.#applyNew(now);
      if (!this.#needsLoad(since)) break;
    }
    if (!(await changes.readStale(now))) this.#isUncertain = true;
    takeLocks?.();
    changes.copy.sweep(SWEEP_LOOKS, clock.highWater - ENDED_MS);
    passed();
    if (!this.#isUncertain && !this.#isClosed && distrusts === this.#distrusts) this.#freshness.begin(since);
    // Last, so that a subject that cannot be read delays no other. It is not loaded until it is read.
    await loader.loadWanted(now);
  }

  #needsLoad({ elapsed = -Infinity }: Since): boolean {
    return this.#at === undefined || (this.#isUncertain && elapsed >= this.#nextLoadAt);
  }

  async #load({ now, elapsed = -Infinity }: Since, loads: number): Promise<void> {
    if (loads === MAX_LOADS) throw new StoreError('journal', 'its entries do not continue what was loaded', undefined);
    this.#freshness.end();
    this.#at = undefined;
    const { head } = await askJournal(this.#context.store, { after: Number.MAX_SAFE_INTEGER, limit: 1 });
    await this.#context.loader.load(now);
    this.#at = head;
    this.#isUncertain = false;
    this.#nextLoadAt = elapsed + UNKNOWN_MS;
  }

  /** Applies the entries up to the head of the first answer. If they do not continue what was applied, everything must be loaded again. */
  async #applyNew(now: number): Promise<void> {
    const { store, changes, onError } = this.#context;
    const turns = new TurnBudget();
    let until: number | undefined;
    while (this.#at !== undefined && this.#at.seq < (until ?? Infinity)) {
      const answered = changes.pending.asking();
      const slice = await askJournal(store, { after: this.#at.seq, limit: PAGE });
      const reason = whyNoContinuation(slice, this.#at);
      if (reason !== undefined) {
        this.#freshness.end();
        this.#at = undefined;
        onError(new StoreError('journal', `${reason}: the view loads everything again`, undefined));
        return;
      }
      answered(slice.head.seq);
      until ??= slice.head.seq;
      await turns.spend(slice.entries.length);
      for (const entry of slice.entries) this.#apply(entry, now);
      changes.pending.passed(this.#at.seq);
    }
  }

  #apply(entry: AuditEntry, now: number): void {
    const change = accessChangeOf(entry);
    if (change?.kind === 'unknown') this.#isUncertain = true;
    else if (change !== undefined) this.#context.changes.apply(change, entry.seq, now);
    this.#at = { seq: entry.seq, hash: entry.hash };
  }
}
