import type { StoreHooks } from './hook-port.js';
import type { MaybePromise, Page } from './ports.js';
import type { Expectation, Row, RowKey } from './row.js';
import type {
  ContextQuery,
  DueNamespacesQuery,
  DueQuery,
  FindQuery,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  StoreContext,
} from './store-reads.js';
import type { Anchor, AuditEntry, UnlinkedEntry } from '../model/entry.js';

export type { Expectation, Row, RowKey };
export type * from './store-reads.js';

/** One transition: everything in it is applied, or nothing. */
export interface Change {
  /** Unique. Committing the same change again has one effect. */
  readonly id: string;
  /** Every record that the change relies on, whether it is written or was only read. It includes each of `put` and `remove`. */
  readonly expect: readonly Expectation[];
  /** Rows to write completely. A row that exists keeps its `createdAt`. */
  readonly put: readonly Row[];
  /** Entries for the journal, in order; may be empty. */
  readonly append: readonly UnlinkedEntry[];
  /** Rows to delete. `expect` names each of them too. */
  readonly remove?: readonly RowKey[] | undefined;
  /** Removes all journal entries up to and including this seq. The chain stays verifiable from `start`. */
  readonly trimJournalTo?: number | undefined;
  /**
   * An entry of this journal that the caller has seen. A journal that ends before it, or holds another hash at its seq, went
   * back or forked: the answer is then `'behind'`. A seq at or below `start.seq` is accepted, because a purge removed the entry.
   */
  readonly knows?: Anchor | undefined;
  /**
   * The oldest layout whose processes can read what this change writes. A store that outlives a process, and so may serve two versions
   * of this package, refuses the change with a `LayoutError` while its `readableFrom` is lower. Default: every layout.
   */
  readonly needs?: number | undefined;
}

/** The greatest size of a change. */
export interface ChangeSize {
  /** Of `put` and `remove` together. A change may have twice as many expectations. */
  readonly rows: number;
  /** Of `append`. */
  readonly entries: number;
  /** Of the change as JSON, in UTF-8. */
  readonly bytes: number;
}

/**
 * - `committed`: the change is applied, now or by an earlier commit of the same id.
 * - `conflict`: a version of `expect` differs; nothing is applied.
 * - `behind`: the journal does not hold the entry of `knows`; nothing is applied.
 */
export type CommitOutcome = 'committed' | 'conflict' | 'behind';

/** The answer of {@link GrantStore.commit}. */
export interface CommitAnswer {
  /** Whether the change was committed, and why not. */
  readonly outcome: CommitOutcome;
  /** The journal's newest anchor in the same transaction: for a committed change, that of its last entry or a later one. */
  readonly head: Anchor;
}

/** A part of a namespace that moves here from another store: see {@link GrantStore.adopt}. At most as large as a change. */
export interface NamespacePart {
  /** Rows as they are, with their versions. A row replaces the row of an earlier part. */
  readonly rows: readonly Row[];
  /** Entries as they are, in order, without a gap after those of the earlier parts. */
  readonly entries: readonly AuditEntry[];
  /** The anchors of the whole journal. Only the last part has them: it opens the namespace. */
  readonly anchors?: { readonly start: Anchor; readonly head: Anchor } | undefined;
}

export type Unsubscribe = () => void;

/** See {@link GrantStore.windowOf}. The next call on the same store may return the same object, so a caller copies what it keeps. */
export interface GrantWindow {
  /** Half-open `[from, until)` in epoch milliseconds: when the grant allows. In an empty window both are 0. */
  readonly from: number;
  /** The end of the window `[from, until)`: see `from`. */
  readonly until: number;
  /** The grant's row, from which a check takes the grant of its decision. `undefined` only in an empty window. */
  readonly row: Row | undefined;
}

/**
 * Keeps rows and the journal of one namespace. In addition to `in`, it has six methods and some optional names, which
 * `docs/reference/store.md` explains. The contract suite in `jit-access/testing` proves an implementation.
 *
 * Nine guarantees, each a group of cases of the suite:
 * 1. A change is applied completely or not at all.
 * 2. The store compares every `expect` and `knows` in the same transaction, also for records that the change only read.
 * 3. The same change id again, while its entries are kept, is answered 'committed', with one effect. A change that
 *    appends nothing may answer 'conflict' instead.
 * 4. Once a commit has resolved, every later read by every process sees it.
 * 5. Entries get the next sequence numbers, without a gap, in commit order, each linked to the one before. Each answer of
 *    `commit` contains the head.
 * 6. The store uses no clock, and no order except that of ids and integers.
 * 7. A store is bound to one namespace; equality is byte for byte.
 * 8. A returned value shares no mutable state with the store. Only the result of `windowOf` may be reused by the next call.
 * 9. If the store could not query its backend, the call rejects within a time limit. It never resolves with an empty answer.
 */
export interface GrantStore {
  /** The namespace of this store. `in` returns the store of another. */
  readonly namespace: string;
  /** What a resolved commit survives. 'memory': nothing. 'process': the end of this process. 'server': also the loss of a server. */
  readonly durability: 'memory' | 'process' | 'server';
  /**
   * The greatest change that the store takes, if it is smaller than 1,000 rows, 1,000 entries and 4 MiB of JSON. The engine divides its
   * changes by it, and refuses a store that takes less than 101 rows, 50 entries and 1 MiB: it could not end all access. It also
   * refuses a request that one change could not approve. The same for all namespaces, and constant. Default: that greatest size.
   *
   * Proven by the group `the greatest size` of the contract suite.
   */
  readonly maxChange?: ChangeSize | undefined;
  /**
   * The same store, bound to another namespace. Cheap: shares the connection.
   *
   * Gotcha: a store may keep some memory for each namespace that was ever used, for as long as the process lives (Redis: from
   * the first handle on; memory and SQL: from the first commit on). If a name comes from a caller, look it up in your
   * own list of tenants before you pass it here.
   */
  in(namespace: string): GrantStore;

  /** Rows by key, in the order of the keys, `undefined` for a missing row. @throws StoreError */
  get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]>;

  /**
   * The open rows of kind 'grant' or 'usage' of a subject, on one scope if given, with `at < until`, including those that start
   * later. Also the open row of kind 'lock' and id 'open', for every subject, scope and instant: it holds the locks of the
   * namespace. May return too many, never too few. The hot path: the one read that may answer without a promise.
   *
   * @throws StoreError
   */
  live(query: LiveQuery): MaybePromise<readonly Row[]>;

  /**
   * A shortcut of `live` for an in-process store that answers at once: the window of a grant whose answer depends only on time. It returns
   * a window only if the core's `plainWindow` gives one for the only open grant or usage row of exactly this subject and scope, and
   * while no row of kind 'lock' is open. The caller applies the clock and the leeway.
   *
   * An empty window, `{ from: 0, until: 0, row: undefined }`, denies. A store may return it only if no open grant or usage row has this
   * subject and scope, no row of kind 'lock' is open, and both are valid: `plainWindow` has given a window for a row of this subject and for one
   * of this scope, or a check accepts these texts. In every other case, and during an outage, it returns `undefined`: "ask `live`".
   *
   * Gotcha: it receives the unchecked arguments of a check. It only compares them, and never coerces or throws.
   * Gotcha: a class that overrides `live` overrides this too, or sets it to `undefined`. The engine uses it only if both are defined on
   * the same object of the prototype chain.
   */
  windowOf?(subject: string, scope: string): GrantWindow | undefined;

  /**
   * Rows of a kind that meet every condition, in an order, a page at a time. `during`: rows that have both `from` and `until`
   * and whose `[from, until)` overlaps it. A page looks at no more than 1,000 rows: it may be short, or empty, and still have
   * `next`. A row that stays unchanged while pages are read is returned exactly once; an added row may be missed.
   *
   * @throws StoreError
   */
  find(query: FindQuery): Promise<Page<Row>>;

  /**
   * What a verb reads before it decides: rows by key, the live rows and the open rows of a subject, in one question to the backend.
   * Each part is what `get`, `live` and `find` would answer, and all parts are of one instant: no commit falls between two of
   * them. That instant is not before any commit that has resolved (guarantee 4).
   *
   * The engine composes the same answer from `get`, `live` and `find` if a store has no `context`. A store has it to save round trips.
   *
   * Gotcha: a class that overrides `get`, `live` or `find` overrides this too, or sets it to `undefined`. The engine uses it only if
   * the same object of the prototype chain defines all four.
   * Proven by the groups `context()` and `outages` of the contract suite.
   *
   * @throws StoreError
   */
  context?(query: ContextQuery): Promise<StoreContext>;

  /**
   * Rows with `dueAt <= at`, in ascending order of (dueAt, kind, id). `after` continues after a page even if its rows have not
   * changed, so that a row that cannot be handled does not block the rows after it.
   *
   * @throws StoreError
   */
  due(query: DueQuery): Promise<Page<Row>>;

  /**
   * Applies a change: all of its rows and all of its journal entries, or nothing. A change may be empty: its `'committed'`
   * says that every earlier commit is as durable as `durability` claims.
   *
   * Gotcha: a lost race is a normal outcome. Resolve 'conflict', do not throw.
   * Gotcha: a change that would give a row another `createdAt` is no race. Reject it with a `StoreError`, applying nothing.
   * Gotcha: judge in this order: the change was applied before ('committed'), then `knows` ('behind'), then `expect` ('conflict').
   * Gotcha: do not await foreign code while you hold the journal's head. The core's `link`, which chains the entries, is synchronous.
   *
   * It makes one attempt: only the engine resends a change whose reply was lost.
   *
   * @throws MovedError `ERR_JIT_MOVED` when the namespace has moved to another store, or is still arriving: before any other judgement
   * @throws StoreError `ERR_JIT_STORE` when the backend was unavailable, and this attempt has applied nothing
   * @throws OutcomeUnknownError, or any other error, when the store does not know whether the change was applied
   */
  commit(change: Change): Promise<CommitAnswer>;

  /**
   * Entries with `seq > after`, in order, with the `start` and the `head` of the same read. If `after < start.seq`, a purge has
   * removed the entries in between, and the slice begins at the oldest kept one. @throws StoreError, and MovedError as `commit`
   */
  journal(query: JournalQuery): Promise<JournalSlice>;

  /**
   * Calls `wake` when the head may have moved, with its seq if the store knows it. This is only a hint: correctness comes
   * from reading the journal.
   */
  watch?(wake: (headSeq?: number) => void): Unsubscribe;

  /**
   * The changes that were committed without the store's own hook, such as `onCommit` of the SQL stores, and the calls for them. Each
   * pass of a sweep calls `retry`. A store without a hook omits it. Proven by the group `hooks` of the contract suite.
   */
  readonly hooks?: StoreHooks;

  /**
   * The heads of many namespaces in one question, for a process that follows many over one connection: it then reads only the
   * journals whose head moved. The answer has one head for each name, in the order of the names; the handle's own namespace does
   * not matter. Each is the `head` that `journal` of that namespace returns, also for a journal without entries; guarantees 4
   * and 5 hold for it. The heads need not come from one instant.
   *
   * `undefined` in place of a head means that the store could not answer for this one namespace, because its keys are damaged or
   * it has moved; the error of its `journal` gives the reason. So one such namespace hides no other head. If the backend
   * is unavailable, the method rejects (guarantee 9).
   *
   * At most 1,000 names, each an id; a name may occur twice. A namespace without commits costs no memory.
   * A store omits the method if one question cannot reach all namespaces; the caller then asks `journal` of each.
   *
   * Gotcha: a class that overrides `journal` overrides this too, or sets it to `undefined`.
   * Proven by the groups `heads()` and `outages` of the contract suite.
   *
   * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, as `readHeadsQuery` does
   * @throws StoreError
   */
  heads?(namespaces: readonly string[]): Promise<readonly (Anchor | undefined)[]>;

  /**
   * The namespaces in which `due` has a row at `at`, among all that `in` reaches, whichever this handle is bound to. Their names
   * ascend by UTF-16 code unit. May name too many, never too few: a caller asks `due` of each.
   * `after` is a name, and the page continues after it. A page looks at no more than 1,000 namespaces: it may be short, or
   * empty, and still have `next`. No page names a namespace twice. A namespace that has such a row, unchanged, while pages are
   * read is named exactly once; guarantee 4 holds for it.
   *
   * The cost of a page grows with the namespaces that it looks at, not with their rows. A store omits the method if it
   * cannot keep such a list in the transaction of `commit`; the caller then asks `due` of each namespace that it serves.
   *
   * Gotcha: it also names the namespaces of other services that share the backend. A caller acts only in namespaces that it serves.
   * Gotcha: a class that overrides `due` overrides this too, or sets it to `undefined`.
   * Proven by the groups `dueNamespaces()` and `outages` of the contract suite.
   *
   * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, as `readDueNamespacesQuery` does
   * @throws StoreError
   */
  dueNamespaces?(query: DueNamespacesQuery): Promise<Page<string>>;

  /**
   * Adopts a part of a namespace that moves here from another store: its rows, entries and anchors as they are. Only into a namespace
   * in which nothing was ever committed. From the first part until the last one, which has the `anchors`, the namespace is arriving:
   * `commit` and `journal` reject with `ERR_JIT_MOVED`, and `heads` answers `undefined` for it. The reads of rows answer what has arrived.
   *
   * A part is applied whole or not at all, and the same part again has one effect. A move copies a namespace that the other store has
   * closed, so that a move which died can send all parts again.
   *
   * Gotcha: checks read the rows that have arrived. So the first part has the row of locks with a lock on the scope `**`, and the last
   * part has that row as it is.
   * Proven by the groups `adopt()` and `outages` of the contract suite.
   *
   * @throws StoreError the namespace is in use, the part is too large or of another namespace, or the last part does not fit the entries
   */
  adopt?(part: NamespacePart): Promise<void>;
}
