import { SingleFlight } from '../core/single-flight.js';
import { CorruptError, isJitError } from '../core/errors.js';
import type { AuditSink, SinkContext } from '../core/ports.js';
import type { Row } from '../core/store-port.js';
import { isObject, type AuditEntry } from '../records/index.js';
import { nextTurn, within } from '../core/time.js';
import type { Kernel } from '../kernel/kernel.js';
import { bookmark, HORIZON, readBookmark, touchHorizon } from '../records/bookmark.js';
import { isLeased } from './lease.js';
import { countRefusal, isWaiting, MAX_REFUSALS, nameOf, readRefusals, refusedIn, withhold, type Refusals } from './refused-entry.js';

/** How long one delivery may take before another process may take the cursor over, and this one calls it failed. */
const LEASE_MS = 30_000;
const PAGE = 200;

/** How a follower stands. */
export interface FollowerStatus {
  readonly name: string;
  /** Everything up to and including this seq has been delivered; 0 where that can't be read, as `error` says. */
  readonly seq: number;
  /** How many entries are waiting. */
  readonly behind: number;
  /** Why the last delivery failed; `undefined`: it didn't. */
  readonly error: unknown;
  /**
   * The entry that its destination refuses, and how often it has: after five refusals the entry is delivered without its
   * texts. `undefined`: none.
   */
  readonly refused: { readonly id: string; readonly seq: number; readonly type: string; readonly count: number } | undefined;
}

/** Carries the journal to one sink, in order, one delivery at a time. */
export class Follower {
  readonly sink: AuditSink;
  readonly shared: boolean;
  readonly #kernel: Kernel;
  readonly #lookup: SinkContext;
  /** A local follower's cursor; `undefined` until the head has been read. */
  #localSeq: number | undefined;
  #localRefusals: Refusals | undefined;
  /** A flush doesn't wait: the destination may have been repaired. */
  #isFlush = false;
  /** Whether the destination has taken a withheld form in this delivery: then what it refuses is the entry, and it does not fail. */
  #hasWithheld = false;
  readonly #running = new SingleFlight();
  #again = false;
  /** A write that has not settled, even if nobody waits for it any more: nothing else is sent until it has. */
  #writing: Promise<unknown> | undefined;
  #error: unknown;

  constructor(sink: AuditSink, kernel: Kernel, lookup: SinkContext) {
    this.sink = sink;
    this.shared = sink.follow !== 'local';
    this.#kernel = kernel;
    this.#lookup = lookup;
  }

  get failing(): boolean {
    return this.#error !== undefined;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when no delivery runs. Never rejects. */
  idle(): Promise<void> {
    return this.#running.settled();
  }

  /**
   * To be called before this engine's first commit. A local follower begins at the head; a shared one makes its cursor,
   * so that every purge knows of it from then on. Where a malformed row stands against that, it is told, and no commit
   * waits for whoever sees to it: while a row of the engine's own is malformed no purge runs past anything either.
   *
   * @throws StoreError
   */
  async begin(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#fail(error);
    }
  }

  /** Delivers what there is. Calls that come while it runs make it look once more. Never rejects. */
  drive(): Promise<void> {
    this.#again = true;
    return this.#running.join((land) => this.#deliverAll(land));
  }

  /** The same, and not only by a delivery that is under way: it may fail at what has been mended since. */
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
      const row = this.shared ? await this.#row() : undefined;
      const seq = this.shared ? readBookmark(row, 'seq') : (this.#localSeq ?? head.seq);
      const refusals = this.shared ? refusalsOf(row) : this.#localRefusals;
      const refused = refusals && { id: refusals.id, seq: refusals.seq, type: refusals.type, count: refusals.count };
      return { name, seq, behind: Math.max(0, head.seq - seq), error: this.#error, refused };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      return { name, seq: 0, behind: head.seq, error, refused: undefined };
    }
  }

  async #begin(): Promise<void> {
    const { ledger } = this.#kernel;
    if (this.shared) return ledger.untilCommitted(() => this.#hasCursor());
    // Read first: another call may have begun, and delivered, while this one was reading.
    const { head } = await ledger.journal();
    this.#localSeq ??= head.seq;
  }

  /** Something may be thrown that is nothing. */
  #fail(error: unknown): void {
    this.#error = error ?? new Error(`sink ${this.sink.name} failed without saying why`);
    this.#tell(this.#error);
  }

  #tell(error: unknown): void {
    this.#kernel.settings.onError(error, `sink ${this.sink.name}`);
  }

  async #deliverAll(land: () => void): Promise<void> {
    this.#hasWithheld = false;
    try {
      await this.#begin();
      while (this.#again) {
        this.#again = false;
        // A store and a sink that answer at once would let nothing else run until the last page is delivered.
        while (await (this.shared ? this.#deliverShared() : this.#deliverLocal())) await nextTurn();
      }
      if (this.#writing === undefined) this.#error = undefined;
    } catch (error) {
      this.#fail(error);
    }
    this.#isFlush = false;
    // In one go with the last look at `#again`, so that no call falls between.
    land();
  }

  /** One page; whether there may be more. */
  async #deliverLocal(): Promise<boolean> {
    const seq = this.#localSeq as number;
    const refusals = openRefusals(this.#localRefusals, seq);
    const { entries, start } = await this.#kernel.ledger.journal(seq, pageAfter(seq, refusals));
    if (start.seq > seq) {
      this.#localSeq = start.seq;
      this.#tell(new Error(`a purge took entries ${seq + 1} to ${start.seq} before sink ${this.sink.name} was given them`));
    }
    const last = entries.at(-1);
    if (last === undefined) return false;
    this.#refuseWhileWaiting(refusals, entries);
    const failure = await this.#deliver(entries, refusals);
    this.#localRefusals = failure === undefined ? openRefusals(refusals, last.seq) : failure.refusals;
    if (failure !== undefined) return this.#repeatsAtOnce(failure);
    this.#localSeq = last.seq;
    return true;
  }

  /**
   * One page under a lease; whether there may be more. The cursor moves only after the write, so that a crash in
   * between repeats the page; and only if nobody has taken the lease over, so that it never moves back.
   */
  async #deliverShared(): Promise<boolean> {
    const { ledger, clock, owner } = this.#kernel;
    const row = await this.#row();
    // Forgotten meanwhile; the next call begins anew.
    if (row === undefined) return false;
    const seq = readBookmark(row, 'seq');
    const refusals = openRefusals(refusalsOf(row), seq);
    const { entries, start, head } = await ledger.journal(seq, pageAfter(seq, refusals));
    // Ahead of the journal it would pass over whatever comes, and before its start it has missed what is gone.
    if (seq > head.seq || seq < start.seq) {
      // Unless somebody has moved it between the two reads.
      if ((await this.#row())?.version !== row.version) return true;
      throw new CorruptError('cursor', this.sink.name, 'lies outside the journal');
    }
    const last = entries.at(-1);
    if (last === undefined) return false;
    const { now } = clock.read();
    if (isLeased(row, owner(), now, LEASE_MS)) return false;
    this.#refuseWhileWaiting(refusals, entries);
    const version = row.version + 1;
    if (!(await this.#move(version, seq, now + LEASE_MS, refusals))) return false;
    const failure = await this.#deliver(entries, refusals);
    if (failure !== undefined) {
      // The lease ends by itself as well: what the sink said is what matters.
      const isCounted = await this.#move(version + 1, seq, 0, failure.refusals).catch((problem: unknown) => {
        this.#tell(problem);
        return false;
      });
      if (!isCounted) throw failure.error;
      return this.#repeatsAtOnce(failure);
    }
    return this.#move(version + 1, last.seq, 0, openRefusals(refusals, last.seq));
  }

  /** @throws while the destination, which refuses even the withheld form, is given time */
  #refuseWhileWaiting(refusals: Refusals | undefined, [first]: readonly AuditEntry[]): void {
    if (this.#isFlush || refusals === undefined || refusals.seq !== first?.seq) return;
    if (!isWaiting(refusals, this.#kernel.clock.read().now)) return;
    const until = new Date(refusals.retryAt).toISOString();
    throw new Error(`sink ${this.sink.name} waits until ${until}: its destination refuses ${nameOf(refusals)}, even without texts`);
  }

  /**
   * Writes a page, in the form in which the destination may take it: an entry that it has refused too often comes alone,
   * and without its texts (L37).
   *
   * @returns `undefined`: it is delivered; otherwise what has failed, and the refusals by now
   */
  async #deliver(page: readonly AuditEntry[], before: Refusals | undefined): Promise<Failure | undefined> {
    const entry = page[0] as AuditEntry;
    const count = before?.seq === entry.seq ? before.count : 0;
    if (count !== MAX_REFUSALS) {
      const failure = await this.#try(page, page, before);
      // Where even the withheld form was refused, the destination was failing, and may take all of it by now.
      if (failure === undefined || !failure.isRefusal || count < MAX_REFUSALS) return failure;
    }
    const failure = await this.#try([withhold(entry)], page, before);
    const { name } = this.sink;
    if (failure === undefined) {
      this.#hasWithheld = true;
      this.#tell(new Error(`sink ${name} delivered ${nameOf(entry)} without its texts: its destination had refused it ${count} times`));
    } else if (failure.isRefusal) {
      this.#tell(
        new Error(`the destination of sink ${name} is failing: it refuses ${nameOf(entry)} even without texts`, { cause: failure.error }),
      );
    }
    return failure;
  }

  /**
   * Lets a refused entry be tried again without waiting for the next pass, where this delivery has proven that its destination
   * refuses texts. Otherwise each such entry would cost five passes, and a caller who asks with one such text after the other
   * would hold up all other entries (L37).
   *
   * @throws the failure where the next try has to wait
   */
  #repeatsAtOnce({ error, isRefusal, refusals }: Failure): true {
    if (!this.#hasWithheld || !isRefusal || refusals === undefined || refusals.count > MAX_REFUSALS) throw error;
    this.#tell(error);
    return true;
  }

  /** Writes `form`, which stands for `page`. */
  async #try(form: readonly AuditEntry[], page: readonly AuditEntry[], before: Refusals | undefined): Promise<Failure | undefined> {
    try {
      await this.#write(form);
      return undefined;
    } catch (error) {
      const refused = refusedIn(page, error);
      if (refused === undefined) return { error, isRefusal: false, refusals: before };
      return { error, isRefusal: true, refusals: countRefusal(before, refused, this.#kernel.clock.read().now) };
    }
  }

  async #hasCursor(): Promise<boolean> {
    const { ledger } = this.#kernel;
    if ((await this.#row()) !== undefined) return true;
    const horizon = await ledger.row(HORIZON.kind, HORIZON.id);
    const { start } = await ledger.journal();
    const touched = touchHorizon(horizon, readBookmark(horizon, 'before'));
    const { name } = this.sink;
    const cursor = bookmark('cursor', name, 1, { seq: start.seq, leasedUntil: 0 });
    return ledger.commitNow({ expect: [{ kind: 'cursor', id: name, version: 0 }, touched.expect], put: [cursor, touched.put] });
  }

  #row(): Promise<Row | undefined> {
    return this.#kernel.ledger.row('cursor', this.sink.name);
  }

  /** Writes the cursor; whether it is ours. */
  async #move(version: number, seq: number, leasedUntil: number, refusals: Refusals | undefined): Promise<boolean> {
    const { ledger, owner } = this.#kernel;
    const { name } = this.sink;
    const body = { seq, leasedUntil, owner: owner(), ...(refusals === undefined ? {} : { refused: { ...refusals } }) };
    const put = [bookmark('cursor', name, version, body)];
    if (await ledger.commitNow({ expect: [{ kind: 'cursor', id: name, version: version - 1 }], put })) return true;
    // What appends nothing may be answered 'conflict' when it is repeated after a lost reply.
    const row = await this.#row();
    return row?.version === version && row.body['owner'] === owner();
  }

  async #write(entries: Parameters<AuditSink['write']>[0]): Promise<void> {
    if (this.#writing !== undefined) throw new Error(`an earlier write of sink ${this.sink.name} has not settled`);
    const done = () => (this.#writing = undefined);
    // What it answers is nobody's business: handed on, it could still turn out to be a promise that never settles.
    const writing = Promise.resolve()
      .then(() => this.sink.write(entries, this.#lookup))
      .then(() => undefined);
    this.#writing = writing.then(done, done);
    const timeout = () => new Error(`sink ${this.sink.name} did not settle within ${LEASE_MS} ms`);
    await within(this.#kernel.clock.clock, LEASE_MS, () => writing, timeout);
  }
}

interface Failure {
  readonly error: unknown;
  /** The destination refuses one entry of the page. */
  readonly isRefusal: boolean;
  readonly refusals: Refusals | undefined;
}

const refusalsOf = (row: Row | undefined): Refusals | undefined =>
  isObject(row) && isObject(row.body) ? readRefusals(row.body['refused']) : undefined;

/** The refusals of an entry that is still to be delivered. */
const openRefusals = (refusals: Refusals | undefined, seq: number): Refusals | undefined =>
  refusals !== undefined && refusals.seq > seq ? refusals : undefined;

/** How many entries to read: what lies before a refused entry, or that entry alone, so that the cursor passes the others. */
function pageAfter(seq: number, refusals: Refusals | undefined): number {
  if (refusals === undefined) return PAGE;
  return Math.min(PAGE, Math.max(1, refusals.seq - seq - 1));
}

/** Stored, and not what this version writes: somebody has to see to it, and asking again helps nothing. */
export const isCorrupt = (error: unknown): boolean => isJitError(error) && error.code === 'ERR_JIT_CORRUPT';
