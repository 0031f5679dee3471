import type { StoredLayout } from '../../core/layout.js';
import type { Row, RowKey } from '../../core/store-port.js';
import type { LinkedEntry } from '../batch.js';
import type { JournalEnds, RowVersion } from '../judge.js';

/** The state of a namespace, as `head` reads it. A backend adds fields that its other functions need, such as a snapshot. */
export interface BackendState extends JournalEnds {
  /** The namespace of the state. */
  readonly namespace: string;
  /**
   * Differs after each write to the namespace, also after one without entries: a number that each write increments, or an ETag. No
   * two states of a namespace have the same one.
   */
  readonly revision: string | number;
  /** The place to which the namespace has moved: the kit then refuses its changes. `undefined`: it is here. */
  readonly moved?: string | undefined;
  /**
   * The two numbers beside the data. A write that raises one of them changes the revision. Default: processes of every layout may use the data, so
   * the kit refuses a change that needs a later one.
   */
  readonly storedLayout?: StoredLayout | undefined;
}

/** What {@link SerialBackend.entries} looks up. */
export interface EntriesQuery {
  /** The numbers of the entries to read. */
  readonly seqs: readonly number[];
  /** The ids of changes. */
  readonly changes: readonly string[];
}

/** The answer to {@link EntriesQuery}, in its order. */
export interface EntriesAnswer {
  /** The hash of the entry with each seq; `undefined`: the journal does not hold it. */
  readonly hashes: readonly (string | undefined)[];
  /** Whether the journal holds an entry that each change wrote. */
  readonly applied: readonly boolean[];
}

/** What one write does to a namespace: the waiting changes together. */
export interface BackendWrite extends JournalEnds {
  /** Rows to write whole. No row is both put and removed, and none occurs twice. They are frozen. */
  readonly put: readonly Row[];
  /** The rows to remove. */
  readonly remove: readonly RowKey[];
  /** Entries for the end of the journal, each with the id of the change that wrote it. Keep both. */
  readonly append: readonly LinkedEntry[];
  /** Drop the entries up to this seq; 0: none. `head` and `start` are the ends after that. */
  readonly trimTo: number;
}

/**
 * The four functions from which `serialCommits` makes a `commit`. None of them needs a lock: `write` is a compare-and-set.
 *
 * Reject if the backend does not answer. Only `write` may leave the outcome open: it rejects with a `StoreError` if it has certainly
 * applied nothing, and with any other error otherwise.
 */
export interface SerialBackend<State extends BackendState = BackendState> {
  /** The state of a namespace now, not from a cache. Both ends are seq 0 with 64 zeros if nothing was ever committed. */
  head(namespace: string): Promise<State>;
  /** The version and the `createdAt` of rows, in the order of the keys; whole rows will do. `undefined`: there is no such row. */
  rows(state: State, keys: readonly RowKey[]): Promise<readonly (RowVersion | undefined)[]>;
  entries(state: State, query: EntriesQuery): Promise<EntriesAnswer>;
  /**
   * Writes all of it in one step, if the namespace still has `state.revision`. Resolves once that is as durable as the store claims.
   *
   * @returns false: the revision differs, and nothing was written
   */
  write(state: State, write: BackendWrite): Promise<boolean>;
}
