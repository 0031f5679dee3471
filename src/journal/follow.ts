import { CorruptError } from '../errors.js';
import type { AuditSink, Change, CommitOutcome, GrantStore, Row } from '../ports.js';
import { isInstant, within, type Timekeeper } from '../time.js';

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
  readonly store: GrantStore;
  readonly keeper: Timekeeper;
  /** Stands for this engine on a lease. */
  readonly owner: string;
  readonly commit: (change: Omit<Change, 'id' | 'append'>) => Promise<CommitOutcome>;
  readonly onError: (error: unknown, during: string) => void;
}

/** Where a shared follower is, as its row says. */
export interface Cursor {
  readonly row: Row | undefined;
  readonly seq: number;
  readonly owner: string | undefined;
  readonly leasedUntil: number;
}

export function decodeCursor(row: Row | undefined): Cursor {
  if (row === undefined) return { row, seq: 0, owner: undefined, leasedUntil: 0 };
  const { seq, owner, leasedUntil } = row.body;
  if (!isInstant(seq) || !isInstant(leasedUntil) || !(owner === undefined || typeof owner === 'string')) {
    throw new CorruptError('cursor', row.id, 'is not a row that this version writes');
  }
  return { row, seq, owner, leasedUntil };
}

function cursorChange(name: string, before: Row | undefined, body: Row['body']): Omit<Change, 'id' | 'append'> {
  const version = before?.version ?? 0;
  const row: Row = {
    kind: 'cursor',
    id: name,
    version: version + 1,
    subject: undefined,
    scope: undefined,
    open: true,
    from: undefined,
    until: undefined,
    dueAt: undefined,
    body,
  };
  return { expect: [{ kind: 'cursor', id: name, version }], put: [row] };
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
    if (!this.shared && this.#localSeq === undefined) this.#localSeq = (await this.#head()).seq;
  }

  /** Delivers what there is. Calls that come while it runs make it look once more. Never rejects. */
  drive(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#deliverAll().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async status(): Promise<FollowerStatus> {
    const head = await this.#head();
    const seq = this.shared ? (await this.#cursor()).seq : (this.#localSeq ?? head.seq);
    return { name: this.sink.name, seq, behind: Math.max(0, head.seq - seq), error: this.#error };
  }

  async #deliverAll(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.begin();
        while (await (this.shared ? this.#deliverShared() : this.#deliverLocal()));
      }
      if (!this.#hanging) this.#error = undefined;
    } catch (error) {
      this.#error = error;
      this.#context.onError(error, `sink ${this.sink.name}`);
    }
  }

  /** One page; whether there may be more. */
  async #deliverLocal(): Promise<boolean> {
    const { entries, start } = await this.#context.store.journal({ after: this.#localSeq ?? 0, limit: PAGE });
    const last = entries.at(-1)?.seq;
    if (last === undefined) {
      this.#localSeq = Math.max(this.#localSeq ?? 0, start.seq);
      return false;
    }
    await this.#write(entries);
    this.#localSeq = last;
    return entries.length === PAGE;
  }

  /**
   * One page under a lease; whether there may be more. The cursor moves only after the write, so that a crash in
   * between repeats the page; and only if nobody has taken the lease over, so that it never moves back.
   */
  async #deliverShared(): Promise<boolean> {
    const { store, keeper, owner, commit } = this.#context;
    const cursor = await this.#cursor();
    const { entries } = await store.journal({ after: cursor.seq, limit: PAGE });
    const last = entries.at(-1)?.seq;
    if (last === undefined) return false;
    const { now } = keeper.read();
    // Somebody else is at it, unless their lease is over or lies so far ahead that a clock must have gone wrong.
    const held = now < cursor.leasedUntil && cursor.leasedUntil <= now + 2 * LEASE_MS;
    if (cursor.owner !== undefined && cursor.owner !== owner && held) return false;
    const lease = cursorChange(this.sink.name, cursor.row, { seq: cursor.seq, owner, leasedUntil: now + LEASE_MS });
    if ((await commit(lease)) === 'conflict') return false;
    try {
      await this.#write(entries);
    } catch (error) {
      await commit(cursorChange(this.sink.name, lease.put[0], { seq: cursor.seq, leasedUntil: 0 }));
      throw error;
    }
    const moved = await commit(cursorChange(this.sink.name, lease.put[0], { seq: last, leasedUntil: 0 }));
    return moved === 'committed';
  }

  async #write(entries: Parameters<AuditSink['write']>[0]): Promise<void> {
    if (this.#hanging) throw new Error(`an earlier write of sink ${this.sink.name} has not settled`);
    const writing = Promise.resolve().then(() => this.sink.write(entries));
    const late = () => {
      this.#hanging = true;
      const settled = () => (this.#hanging = false);
      writing.then(settled, settled);
      return new Error(`sink ${this.sink.name} did not settle within ${LEASE_MS} ms`);
    };
    await within(this.#context.keeper.clock, LEASE_MS, () => writing, late);
  }

  async #cursor(): Promise<Cursor> {
    const [row] = await this.#context.store.get([{ kind: 'cursor', id: this.sink.name }]);
    return decodeCursor(row);
  }

  async #head(): Promise<{ readonly seq: number }> {
    return (await this.#context.store.journal({ after: Number.MAX_SAFE_INTEGER, limit: 1 })).head;
  }
}

/** All followers of an engine. */
export class Followers {
  readonly all: readonly Follower[];
  #unwatch: (() => void) | undefined;
  #begun: Promise<unknown> | undefined;

  constructor(sinks: readonly AuditSink[], context: FollowContext) {
    this.all = sinks.map((sink) => new Follower(sink, context));
    if (sinks.length > 0) this.#unwatch = context.store.watch?.(() => this.wake());
  }

  /** To be awaited before the first commit, so that local followers miss nothing that this engine does. */
  begin(): Promise<unknown> | undefined {
    if (this.all.every((follower) => follower.shared)) return undefined;
    this.#begun ??= Promise.all(this.all.map((follower) => follower.begin())).catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
    return this.#begun;
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
