import type { JsonObject } from './json.js';
import type { MaybePromise, Page } from './ports.js';
import type { Anchor, AuditEntry, UnlinkedEntry } from '../records/types.js';

/** What a store keeps. It understands only these columns; what is in `body` it never learns. */
export interface Row {
  /** 'request', 'grant', 'subject', 'usage', 'cursor', ...: the store gives no meaning to it, except that `live` speaks of 'grant', 'usage' and 'lock'. */
  readonly kind: string;
  /** Unique within its kind. At most 300 characters. */
  readonly id: string;
  /** 1 when created, one more with each write. */
  readonly version: number;
  /** Compared byte for byte. */
  readonly subject: string | undefined;
  /** Compared byte for byte. */
  readonly scope: string | undefined;
  /** No terminal status yet. */
  readonly open: boolean;
  /**
   * The instant of the entry that made the record, in epoch milliseconds; 0 for kinds that no list orders. It never changes:
   * a store refuses a `put` that changes it. It orders pages and nothing else, because the clocks of two processes differ.
   */
  readonly createdAt: number;
  /** Half-open `[from, until)` in epoch milliseconds: when it may allow, and once it has ended: when it did. */
  readonly from: number | undefined;
  readonly until: number | undefined;
  /** The next instant at which time alone changes it, in epoch milliseconds; `undefined`: never. */
  readonly dueAt: number | undefined;
  /**
   * The instant by which an open row is due for people, in epoch milliseconds: the deadline of a review, the end of a grant.
   * `undefined` where the row is closed, and for kinds that no list orders by it.
   */
  readonly sortAt: number | undefined;
  /** JSON: no `undefined`, no dates, nothing that JSON.stringify would change. */
  readonly body: JsonObject;
}

/** Which record. */
export interface RowKey {
  readonly kind: string;
  readonly id: string;
}

/** A record at a version; 0: it must not exist. */
export interface Expectation extends RowKey {
  readonly version: number;
}

/** One transition: everything in it is applied, or nothing. */
export interface Change {
  /** Unique. Committing the same change again has one effect. */
  readonly id: string;
  /** Every record that the change relies on, whether it writes it or only read it. Each of `put` and `remove` is named here. */
  readonly expect: readonly Expectation[];
  /** Rows to write whole. Each keeps the `createdAt` that it has. */
  readonly put: readonly Row[];
  /** Entries for the journal, in order; may be empty. */
  readonly append: readonly UnlinkedEntry[];
  /** Rows to delete. */
  readonly remove?: readonly RowKey[] | undefined;
  /** Drop all journal entries up to and including this seq. The chain stays verifiable from `start`. */
  readonly trimJournalTo?: number | undefined;
  /**
   * An entry of this journal that the caller has seen. A journal that ends before it, or holds another hash at its seq, went
   * back or forked since: the change is answered `'behind'`. A seq at or below `start.seq` is accepted.
   */
  readonly knows?: Anchor | undefined;
}

/**
 * - `committed`: the change is applied, now or by an earlier commit of the same id.
 * - `conflict`: a version of `expect` differs; nothing is applied.
 * - `behind`: the journal does not hold the entry of `knows`; nothing is applied.
 */
export type CommitOutcome = 'committed' | 'conflict' | 'behind';

/** What `commit` answers. */
export interface CommitAnswer {
  readonly outcome: CommitOutcome;
  /** The journal's newest anchor, of the same transaction: behind a change that was committed, its last entry or a later one. */
  readonly head: Anchor;
}

/** What a read of the journal gives. */
export interface JournalSlice {
  readonly entries: readonly AuditEntry[];
  /** The anchor right before the oldest entry kept: seq 0 and 64 zeros until a purge has trimmed the journal. */
  readonly start: Anchor;
  /** The newest entry's anchor; equal to `start` while the journal holds nothing. */
  readonly head: Anchor;
}

export type Unsubscribe = () => void;

/** See {@link GrantStore.live}. */
export interface LiveQuery {
  readonly subject: string;
  readonly scope?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * See {@link GrantStore.windowOf}. Valid only until the next call on the same store, which may answer with the same object.
 * A caller copies what it keeps.
 */
export interface GrantWindow {
  /** Half-open `[from, until)` in epoch milliseconds: when the grant allows. */
  readonly from: number;
  readonly until: number;
  /** The row of the grant. */
  readonly row: Row;
}

/**
 * The orders of {@link GrantStore.find}. `oldest` and `newest`: by (`createdAt`, `id`), ascending or descending. `due`: by
 * (`sortAt`, `id`), ascending, of open rows that have a `sortAt` alone. Ids compare by UTF-16 code unit.
 */
export type RowOrder = 'oldest' | 'newest' | 'due';

/** See {@link GrantStore.find}. */
export interface FindQuery {
  readonly kind: string;
  readonly subject?: string | undefined;
  readonly scope?: string | undefined;
  readonly open?: boolean | undefined;
  /** Half-open `[from, until)`, epoch milliseconds. A row whose own window is empty is never met. */
  readonly during?: { readonly from: number; readonly until: number } | undefined;
  /** Default: `'oldest'`. */
  readonly order?: RowOrder | undefined;
  /** The `next` of the page before, or the place of a row in this order, as `placeOf` gives it. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** See {@link GrantStore.due}. */
export interface DueQuery {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** See {@link GrantStore.dueNamespaces}. */
export interface DueNamespacesQuery {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The `next` of the page before, or any other name: the page begins with the first name behind it. */
  readonly after?: string | undefined;
  /** At least 1. */
  readonly limit: number;
}

/** See {@link GrantStore.journal}. */
export interface JournalQuery {
  /** A seq; 0 is before the first entry. */
  readonly after: number;
  readonly limit: number;
}

/**
 * Keeps rows and the journal of one namespace. Six methods, and four that are optional; `docs/writing-a-store.md` walks through
 * them, and the contract suite in `jit-access/testing` proves an implementation.
 *
 * Nine guarantees, each a group of cases of the suite:
 * 1. A change is applied whole or not at all.
 * 2. Every `expect` is compared in the same transaction, for records that are written and for those only read; and so is `knows`.
 * 3. The same change id again, while its entries are kept, is answered 'committed', with one effect. A change that
 *    appends nothing may answer 'conflict' instead.
 * 4. Resolved means visible to every later read by every process.
 * 5. Entries get the next sequence numbers, without a gap, in commit order, each linked to the one before. Each answer of
 *    `commit` carries the head.
 * 6. No clock, and no order but that of ids and integers.
 * 7. A store is bound to one namespace; equality is byte for byte.
 * 8. What it returns shares nothing mutable with what it keeps. The answer of `windowOf` alone may be used again by the next call.
 * 9. "Could not ask" rejects, within a limit, and is never an empty answer.
 */
export interface GrantStore {
  readonly namespace: string;
  /** What a resolved commit survives: nothing but this process ('memory'), its end ('process'), another server's loss ('server'). */
  readonly durability: 'memory' | 'process' | 'server';
  /**
   * The same store, bound to another namespace. Cheap: shares the connection.
   *
   * Gotcha: a store may keep some memory for each namespace that was ever used, for as long as the process lives (Redis: from
   * the first handle on; memory and SQL: from the first commit on). Where a name comes from a caller, look it up in your
   * own list of tenants before you pass it here.
   */
  in(namespace: string): GrantStore;

  /** Rows by key, in the order asked, `undefined` for what isn't there. @throws StoreError */
  get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]>;

  /**
   * The open rows of kind 'grant' or 'usage' of a subject, on one scope if given, with `at < until`; those that start
   * later too. Also the open row of kind 'lock' and id 'open', whatever subject, scope and instant are asked for: it holds the
   * locks of the namespace. May return too many, never too few. The hot path: the one read that may answer without a promise.
   *
   * @throws StoreError
   */
  live(query: LiveQuery): MaybePromise<readonly Row[]>;

  /**
   * A short cut of `live` for a store that answers at once, in the process that asks: the window of a grant about which only
   * time decides. It may answer only where `plainWindow` gives a window for the only open grant or usage row of exactly
   * this subject and scope, and while there is no open row of kind 'lock'. In every other case, and where the store could not ask, it answers `undefined`, which means "ask
   * `live`" and never "no". The caller applies the clock and the leeway.
   *
   * Gotcha: it is called with what the caller of the check has given, unread. It compares, and never coerces or throws.
   * Gotcha: a class that overrides `live` overrides this too, or sets it to `undefined`. The engine uses it only where both
   * are defined on the same object of the prototype chain.
   */
  windowOf?(subject: string, scope: string): GrantWindow | undefined;

  /**
   * Rows of a kind that meet every condition, in an order, a page at a time. `during`: rows that have both `from` and `until`
   * and whose `[from, until)` meets it. A page looks at no more than 1,000 rows: it may be short, or empty, and still have
   * `next`. A row that stays unchanged while pages are read is seen exactly once; one that is added may be missed.
   *
   * @throws StoreError
   */
  find(query: FindQuery): Promise<Page<Row>>;

  /**
   * Rows with `dueAt <= at`, in ascending order of (dueAt, kind, id). `after` continues behind a page even if its rows
   * have not changed, so that rows which can't be handled hold nothing up.
   *
   * @throws StoreError
   */
  due(query: DueQuery): Promise<Page<Row>>;

  /**
   * Applies a change: all of its rows and all of its journal entries, or nothing. A change may be empty: its `'committed'`
   * says that every earlier commit is as durable as `durability` claims.
   *
   * Gotcha: a lost race is a normal outcome. Resolve 'conflict', don't throw.
   * Gotcha: a change that would give a row another `createdAt` is no race. Reject it with a `StoreError`, applying nothing.
   * Gotcha: a change that was applied before is 'committed' even if `knows` or `expect` no longer hold; `knows` comes before `expect`.
   * Gotcha: nothing foreign is awaited while the journal's head is held; `link` is synchronous for that reason.
   *
   * It makes one attempt: the engine alone sends a change again whose reply was lost (L31).
   *
   * @throws StoreError `ERR_JIT_STORE` when the backend could not be asked, and this attempt has applied nothing
   * @throws OutcomeUnknownError, or any other error, when it could not be learnt whether the change was applied
   */
  commit(change: Change): Promise<CommitAnswer>;

  /** Entries with `seq > after`, in order, `start` and `head` of the same instant. From before the oldest kept entry it starts at that one: compare `start`. @throws StoreError */
  journal(query: JournalQuery): Promise<JournalSlice>;

  /**
   * Calls `wake` when the head may have moved, with its seq where the store knows it. Only a hint: correctness comes from
   * reading the journal.
   */
  watch?(wake: (headSeq?: number) => void): Unsubscribe;

  /**
   * The heads of many namespaces in one question, for a process that follows many over one connection: it then reads the
   * journals of those that moved. The answer has one head for each name, in the order asked, whatever namespace this handle is
   * bound to. Each is the `head` that `journal` of that namespace gives, also that of a journal without entries; guarantees 4
   * and 5 hold for it. The heads need not be of one instant.
   *
   * `undefined` in the place of a head means that the store could not answer for this namespace alone, for example because
   * its keys are damaged; its `journal` says why. So one damaged namespace hides no other head (L38). Where the backend
   * could not be asked at all, the method rejects (guarantee 9).
   *
   * At most 1,000 names, each an id; the same name may stand there twice. A name in which nothing was ever committed costs no memory.
   * A store leaves the method out where no single question reaches all namespaces; the caller then asks `journal` of each.
   *
   * Gotcha: a class that overrides `journal` overrides this too, or sets it to `undefined`.
   * Proven by the groups `heads()` and `outages` of the contract suite.
   *
   * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, as `readHeadsQuery` does
   * @throws StoreError
   */
  heads?(namespaces: readonly string[]): Promise<readonly (Anchor | undefined)[]>;

  /**
   * The namespaces in which `due` has a row at `at`, among all that `in` reaches, in ascending order of their names by
   * UTF-16 code unit, whatever namespace this handle is bound to. May name too many, never too few: a caller asks `due` of each.
   * `after` is a name, and the page goes on behind it. A page looks at no more than 1,000 namespaces: it may be short, or
   * empty, and still have `next`. No page names a namespace twice. One that has such a row, unchanged, while pages are read
   * is named exactly once; guarantee 4 holds for it.
   *
   * A page costs what it looks at in namespaces, however many rows they hold (L34). A store leaves the method out where it cannot
   * keep such a list in the transaction of `commit`; the caller then asks `due` of each namespace that it serves.
   *
   * Gotcha: it also names the namespaces of other services that share the backend. A caller acts only in those that it serves.
   * Gotcha: a class that overrides `due` overrides this too, or sets it to `undefined`.
   * Proven by the groups `dueNamespaces()` and `outages` of the contract suite.
   *
   * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, as `readDueNamespacesQuery` does
   * @throws StoreError
   */
  dueNamespaces?(query: DueNamespacesQuery): Promise<Page<string>>;
}
