import { CorruptError } from '../errors.js';
import type { AuditSink, Change, GrantStore, JournalSlice, MaybePromise, Row } from '../ports.js';
import { within, type Timekeeper } from '../time.js';
import { bookmark, readBookmark } from './bookmark.js';

/** How long one delivery may take before another process may take the cursor over, and this one calls it failed. */
const LEASE_MS = 30_000;
const PAGE = 200;

/** How a follower stands. */
export interface FollowerStatus {
  readonly name: string;
  /** Everything up to and including this seq has been delivered. */
  readonly seq: number;
  /** How many entries are waiting. */
  readonly behind: number;
  /** Why the last delivery failed; `undefined`: it didn't. */
  readonly error: unknown;
}

/** What following needs of the engine. */
export interface FollowContext {
  readonly ledger: {
    readonly store: Pick<GrantStore, 'watch'>;
    journal(after?: number, limit?: number): MaybePromise<JournalSlice>;
    row(kind: string, id: string): Promise<Row | undefined>;
    commit(change: Omit<Change, 'id' | 'append'>): Promise<boolean>;
  };
  readonly keeper: Timekeeper;
  /** Stands for this engine on a lease. */
  readonly owner: string;
  readonly onError: (error: unknown, during: string) => void;
}

/** Carries the journal to one sink, in order, one delivery at a time. */
export class Follower {
  readonly sink: AuditSink;
  readonly shared: boolean;
  readonly #context: FollowContext;
  /** A local follower's cursor; `undefined` until the head has been read. */
  #localSeq: number | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  /** A write that took longer than its lease and has not settled: nothing else is sent until it has. */
  #hanging = false;
  #error: unknown;

  constructor(sink: AuditSink, context: FollowContext) {
    this.sink = sink;
    this.shared = sink.follow !== 'local';
    this.#context = context;
  }

  get failing(): boolean {
    return this.#error !== undefined;
  }

  /** A local follower begins at the head; to be called before this engine's first commit. */
  async begin(): Promise<void> {
    if (!this.shared) this.#localSeq ??= (await this.#context.ledger.journal()).head.seq;
  }

  /** Delivers what there is. Calls that come while it runs make it look once more. Never rejects. */
  drive(): Promise<void> {
    this.#again = true;
    return (this.#running ??= this.#deliverAll());
  }

  async status(): Promise<FollowerStatus> {
    const { head } = await this.#context.ledger.journal();
    const seq = this.shared ? readBookmark(await this.#row(), 'seq') : (this.#localSeq ?? head.seq);
    return { name: this.sink.name, seq, behind: Math.max(0, head.seq - seq), error: this.#error };
  }

  async #deliverAll(): Promise<void> {
    try {
      await this.begin();
      while (this.#again) {
        this.#again = false;
        while (await (this.shared ? this.#deliverShared() : this.#deliverLocal()));
      }
      if (!this.#hanging) this.#error = undefined;
    } catch (error) {
      this.#error = error;
      this.#context.onError(error, `sink ${this.sink.name}`);
    }
    // In one go with the last look at `#again`, so that no call falls between.
    this.#running = undefined;
  }

  /** One page; whether there may be more. */
  async #deliverLocal(): Promise<boolean> {
    const { entries } = await this.#context.ledger.journal(this.#localSeq, PAGE);
    const last = entries.at(-1);
    if (last === undefined) return false;
    await this.#write(entries);
    this.#localSeq = last.seq;
    return true;
  }

  /**
   * One page under a lease; whether there may be more. The cursor moves only after the write, so that a crash in
   * between repeats the page; and only if nobody has taken the lease over, so that it never moves back.
   */
  async #deliverShared(): Promise<boolean> {
    const { ledger, keeper, owner } = this.#context;
    const row = await this.#row();
    const seq = readBookmark(row, 'seq');
    const { entries, head } = await ledger.journal(seq, PAGE);
    // It would pass over whatever comes until the journal has caught up with it.
    if (seq > head.seq) throw new CorruptError('cursor', this.sink.name, 'lies behind the head of the journal');
    const last = entries.at(-1);
    if (last === undefined) return false;
    const { now } = keeper.read();
    const leasedUntil = readBookmark(row, 'leasedUntil');
    // Somebody else is at it, unless the lease is over or lies so far ahead that a clock must have gone wrong.
    if (row?.body['owner'] !== owner && now < leasedUntil && leasedUntil <= now + 2 * LEASE_MS) return false;
    const version = (row?.version ?? 0) + 1;
    if (!(await this.#move(version, seq, now + LEASE_MS))) return false;
    try {
      await this.#write(entries);
    } catch (error) {
      await this.#move(version + 1, seq, 0);
      throw error;
    }
    return this.#move(version + 1, last.seq, 0);
  }

  #row(): Promise<Row | undefined> {
    return this.#context.ledger.row('cursor', this.sink.name);
  }

  #move(version: number, seq: number, leasedUntil: number): Promise<boolean> {
    const { name } = this.sink;
    const put = [bookmark('cursor', name, version, { seq, leasedUntil, owner: this.#context.owner })];
    return this.#context.ledger.commit({ expect: [{ kind: 'cursor', id: name, version: version - 1 }], put });
  }

  async #write(entries: Parameters<AuditSink['write']>[0]): Promise<void> {
    if (this.#hanging) throw new Error(`an earlier write of sink ${this.sink.name} has not settled`);
    const writing = Promise.resolve().then(() => this.sink.write(entries));
    await within(
      this.#context.keeper.clock,
      LEASE_MS,
      () => writing,
      () => {
        this.#hanging = true;
        const settled = () => (this.#hanging = false);
        writing.then(settled, settled);
        return new Error(`sink ${this.sink.name} did not settle within ${LEASE_MS} ms`);
      },
    );
  }
}

/** All followers of an engine. */
export class Followers {
  readonly all: readonly Follower[];
  readonly #unwatch: (() => void) | undefined;
  #begun: Promise<unknown> | undefined;

  constructor(sinks: readonly AuditSink[], context: FollowContext) {
    this.all = sinks.map((sink) => new Follower(sink, context));
    this.#unwatch = sinks.length > 0 ? context.ledger.store.watch?.(() => this.wake()) : undefined;
  }

  /** To be awaited before the first commit, so that local followers miss nothing that this engine does. */
  async begin(): Promise<void> {
    try {
      await (this.#begun ??= Promise.all(this.all.map((follower) => follower.begin())));
    } catch (error) {
      this.#begun = undefined;
      throw error;
    }
  }

  /** Something may be new. One that is failing waits for `insist`, so that a broken sink isn't tried at each commit. */
  wake(insist = false): void {
    for (const follower of this.all) if (insist || !follower.failing) void follower.drive();
  }

  /** Delivers everything that is on record now, and says how each stands. */
  async flush(): Promise<readonly FollowerStatus[]> {
    await Promise.all(this.all.map((follower) => follower.drive()));
    return Promise.all(this.all.map((follower) => follower.status()));
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    await Promise.all(this.all.map((follower) => follower.drive()));
  }
}
