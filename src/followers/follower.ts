import { SingleFlight } from '../core/single-flight.js';
import { CorruptError, isJitError } from '../core/errors.js';
import type { AuditSink, SinkContext } from '../core/ports.js';
import { nextTurn } from '../core/turns.js';
import type { CommitHook } from '../kernel/ledger/commit-hooks.js';
import type { Kernel } from '../kernel/kernel.js';
import { readBookmark } from '../records/bookmark.js';
import { Delivery } from './delivery.js';
import { isLeased } from './lease.js';
import type { Refusals } from '../model/bookmark.js';
import { refusalsOf, releaseHolds, SharedCursor } from './shared-cursor.js';

/** How long one delivery may take. After that it counts as failed, and another process may take over the cursor. */
const LEASE_MS = 30_000;
const PAGE = 200;

/** How far a sink has received the journal, and why it has received no more. */
export interface FollowerStatus {
  /** The name of the sink or target. */
  readonly name: string;
  /** Every entry up to and including this seq has been delivered. 0: none yet, or the cursor is unreadable (see `error`). */
  readonly seq: number;
  /** How many entries wait for delivery. */
  readonly behind: number;
  /** The error of the last delivery; `undefined`: it did not fail. */
  readonly error: unknown;
  /**
   * The entry that the destination refuses, with the number of refusals. After five refusals the entry is delivered without its
   * texts. `undefined`: none.
   */
  readonly refused: { readonly id: string; readonly seq: number; readonly type: string; readonly count: number } | undefined;
}

/** Delivers the journal to one sink, in order, one delivery at a time. */
export class Follower implements CommitHook {
  readonly sink: AuditSink;
  readonly shared: boolean;
  readonly during: string;
  readonly #kernel: Kernel;
  readonly #delivery: Delivery;
  readonly #cursor: SharedCursor;
  /** A local follower's cursor; `undefined` until the head has been read. */
  #localSeq: number | undefined;
  #localRefusals: Refusals | undefined;
  /** A flush ignores the wait after refusals, because the destination may have been repaired. */
  #isFlush = false;
  readonly #beginning = new SingleFlight<boolean>();
  readonly #running = new SingleFlight();
  #hasBegun = false;
  /** Whether the last attempt to begin has failed. */
  #cannotBegin = false;
  #again = false;
  #error: unknown;

  constructor(sink: AuditSink, kernel: Kernel, context: SinkContext) {
    this.sink = sink;
    this.shared = sink.follow !== 'local';
    this.during = `sink ${sink.name}`;
    this.#kernel = kernel;
    this.#delivery = new Delivery(sink, kernel, context, LEASE_MS);
    this.#cursor = new SharedCursor(kernel, sink.name);
  }

  get cursor(): string | undefined {
    return this.shared ? this.sink.name : undefined;
  }

  /** Whether the follower has begun to follow the journal. From then on it misses no entry. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether its sink fails. Only the next sweep or flush tries a failing sink again: a commit does not. */
  get isFailing(): boolean {
    return this.#error !== undefined && this.#hasBegun;
  }

  get isBusy(): boolean {
    return this.#running.size + this.#beginning.size > 0;
  }

  /** Resolves when no delivery runs. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all([this.#running.settled(), this.#beginning.settled()]);
  }

  /**
   * Begins to follow the journal. A shared follower makes its cursor, so that every purge sees the cursor from then on. A local
   * follower begins at the head, or at this engine's first entry if the engine wrote that before the head was read. Never
   * rejects: of several failed attempts in a row, only the first is reported.
   *
   * @returns false: it could not begin
   */
  begin(): Promise<boolean> {
    return this.#beginning.join(async () => {
      try {
        await (this.shared ? this.#cursor.make() : this.#beginLocal());
      } catch (error) {
        if (this.#cannotBegin) this.#error = error;
        else this.#fail(error);
        this.#cannotBegin = true;
        return false;
      }
      this.#hasBegun = true;
      this.#cannotBegin = false;
      // A hold is a row that stops purges until each of its sinks has a cursor. If its removal fails, purges ignore the hold.
      await releaseHolds(this.#kernel).catch((error: unknown) => this.#delivery.report(error));
      return true;
    });
  }

  /** Delivers all new entries. A call during a delivery makes that delivery read the journal once more. Never rejects. */
  drive(): Promise<void> {
    this.#again = true;
    return this.#running.join((forget) => this.#deliverAll(forget));
  }

  /** Delivers all new entries after the running delivery has ended. That one may fail because of a problem repaired since. */
  async flush(): Promise<void> {
    await this.#running.settled();
    this.#isFlush = true;
    await this.drive();
  }

  /** @throws StoreError */
  async status(): Promise<FollowerStatus> {
    const { name } = this.sink;
    const { head } = await this.#kernel.ledger.journal();
    try {
      const row = this.shared ? await this.#cursor.row() : undefined;
      const seq = this.shared ? readBookmark(row, 'seq') : (this.#localSeq ?? head.seq);
      const refusals = this.shared ? refusalsOf(row) : this.#localRefusals;
      const refused = refusals && { id: refusals.id, seq: refusals.seq, type: refusals.type, count: refusals.count };
      return { name, seq, behind: Math.max(0, head.seq - seq), error: this.#error, refused };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      return { name, seq: 0, behind: head.seq, error, refused: undefined };
    }
  }

  async #beginLocal(): Promise<void> {
    if (this.#localSeq !== undefined) return;
    const { head } = await this.#kernel.ledger.journal();
    // The head may have been read after this engine's first entry.
    const seqBefore = await this.#kernel.commitHooks.seqBeforeFirstEntry();
    this.#localSeq = Math.min(head.seq, seqBefore ?? head.seq);
  }

  /** A sink may throw `undefined`. */
  #fail(error: unknown): void {
    this.#error = error ?? new Error(`sink ${this.sink.name} failed without saying why`);
    this.#delivery.report(this.#error);
  }

  async #deliverAll(forget: () => void): Promise<void> {
    if (await this.begin()) {
      try {
        while (this.#again) {
          this.#again = false;
          // A synchronous store and sink would block timers and I/O until the last page is delivered.
          while (await (this.shared ? this.#deliverShared() : this.#deliverLocal())) await nextTurn();
        }
        if (!this.#delivery.isWriting) this.#error = undefined;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#isFlush = false;
    this.#delivery.end();
    // In the same turn as the last read of `#again`: a call in between would be lost.
    forget();
  }

  /** Delivers one page. @returns whether there may be more entries */
  async #deliverLocal(): Promise<boolean> {
    const seq = this.#localSeq as number;
    const refusals = openRefusals(this.#localRefusals, seq);
    const { entries, start } = await this.#kernel.ledger.journal(seq, pageAfter(seq, refusals));
    if (start.seq > seq) {
      this.#localSeq = start.seq;
      this.#delivery.report(new Error(`a purge took entries ${seq + 1} to ${start.seq} before sink ${this.sink.name} received them`));
    }
    const last = entries.at(-1);
    if (last === undefined) return false;
    if (!this.#isFlush) this.#delivery.refuseWhileWaiting(refusals, entries);
    const failure = await this.#delivery.deliver(entries, refusals);
    this.#localRefusals = failure === undefined ? openRefusals(refusals, last.seq) : failure.refusals;
    if (failure !== undefined) return this.#delivery.repeatAtOnce(failure);
    this.#localSeq = last.seq;
    return true;
  }

  /**
   * Delivers one page under a lease. The cursor moves only after the write, so that a crash in between repeats the page. It moves
   * only while this process has the lease, so that it never moves back.
   *
   * @returns whether there may be more entries
   */
  async #deliverShared(): Promise<boolean> {
    const { ledger, clock, owner } = this.#kernel;
    const row = await this.#cursor.row();
    // `removeSink` has dropped it; the next delivery makes it again.
    if (row === undefined) return false;
    const seq = readBookmark(row, 'seq');
    const refusals = openRefusals(refusalsOf(row), seq);
    const { entries, start, head } = await ledger.journal(seq, pageAfter(seq, refusals));
    // A cursor ahead of the journal would skip the next entries. A cursor before its start has missed the removed entries.
    if (seq > head.seq || seq < start.seq) {
      // Unless another process has moved it between the two reads.
      if ((await this.#cursor.row())?.version !== row.version) return true;
      throw new CorruptError('cursor', this.sink.name, 'lies outside the journal');
    }
    const last = entries.at(-1);
    if (last === undefined) return false;
    const { now } = clock.read();
    if (isLeased(row, owner(), now, LEASE_MS)) return false;
    if (!this.#isFlush) this.#delivery.refuseWhileWaiting(refusals, entries);
    const version = row.version + 1;
    if (!(await this.#cursor.write(version, { seq, leasedUntil: now + LEASE_MS, refusals }))) return false;
    const failure = await this.#delivery.deliver(entries, refusals);
    if (failure === undefined) {
      return this.#cursor.write(version + 1, { seq: last.seq, leasedUntil: 0, refusals: openRefusals(refusals, last.seq) });
    }
    // The lease expires by itself, so a failure to release it must not hide the sink's own error.
    const ended = { seq, leasedUntil: 0, refusals: failure.refusals };
    const isCounted = await this.#cursor.write(version + 1, ended).catch((error: unknown) => {
      this.#delivery.report(error);
      return false;
    });
    if (!isCounted) throw failure.error;
    return this.#delivery.repeatAtOnce(failure);
  }
}

/** The refusals, if their entry is after `seq` and so not delivered yet. */
const openRefusals = (refusals: Refusals | undefined, seq: number): Refusals | undefined =>
  refusals !== undefined && refusals.seq > seq ? refusals : undefined;

/** How many entries to read: all before a refused entry, or only the refused entry, so that the cursor moves past the others. */
function pageAfter(seq: number, refusals: Refusals | undefined): number {
  if (refusals === undefined) return PAGE;
  return Math.min(PAGE, Math.max(1, refusals.seq - seq - 1));
}

/** Whether an error is about a row that this version does not write: an operator must repair it, and a retry changes nothing. */
export const isCorrupt = (error: unknown): boolean => isJitError(error) && error.code === 'ERR_JIT_CORRUPT';
