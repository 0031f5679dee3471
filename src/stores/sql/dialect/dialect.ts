import type { Columns, PgPool } from '../database.js';
import type { Reads } from '../reads.js';
import type { Session } from '../session.js';
import type { Statement } from '../statement.js';

/**
 * How a store uses a database. Each difference between the databases is a member of this or of {@link Tables}, so that the compiler names
 * what a new one lacks. A part that a database does not have is `undefined`.
 *
 * Most texts are made by functions, so that a program which imports another part of the entry leaves them out.
 */
export interface Dialect {
  /** @param text with numbered parameters ($1, $2, ...), as in PostgreSQL */
  readonly statement: (name: string, text: string) => Statement;

  // Conditions and hints.

  readonly isOpen: string;
  readonly isClosed: string;
  /** More columns that every answer carries about its server. */
  readonly serverColumns: string;
  /** Follows a table that must be read by this index, also without statistics. */
  readonly indexedBy: (index: string) => string;
  /** The place of a due row and its kind, as expressions that match none of the indexes that a planner must not pick. */
  readonly dueOfSubject: { readonly at: string; readonly kind: string };
  /** Whether the database compares text byte by byte, as the column `has_byte_order`. `undefined`: each column says how. */
  readonly byteOrder: string | undefined;

  // JSON.

  /** The JSON list in parameter `n`. */
  readonly given: (n: number) => string;
  /** A JSON list of lists, as a table. @param list an expression: see {@link given} */
  readonly jsonTable: (list: string, names: readonly string[]) => string;
  /** The row `r` that meets this condition on its key, looked up on its own for each line of a cross join. */
  readonly lookedUp: (isKey: string) => string;
  /** The columns of a row as one JSON list. The body is inserted as it was stored: no number is rounded and no key is moved. */
  readonly rowAsList: (names: readonly string[], of: string) => string;
  /** The lists of several rows as one text; null if there is no row. */
  readonly rowsAsList: (names: readonly string[], of: string) => string;
  /** Follows a JSON value that the answer has as text. */
  readonly asText: string;

  // Whole statements.

  /** Runs before any other statement: the store refuses another layout or encoding. `file` identifies a file. */
  readonly schema: () => string;
  /** The heads of the namespaces in $1, a JSON list. Each is looked up by its key. */
  readonly heads: () => string;
  /**
   * The table `n` of namespaces that come after $1 and have rows that can become due. Each step is one look-up in jit_rows_due, which
   * gives the next namespace and its earliest `due_at`.
   */
  readonly namespaces: (most: number) => string;
  /** See `headsOf`. For one namespace only: it waits until the head is free. */
  readonly hold: () => string;
  /** For any number of namespaces: omits those whose head another transaction holds. */
  readonly holdFree: () => string;
  /** Locks one head by its whole key before `hold`. `undefined`: `hold` does. */
  readonly lock: string | undefined;
  /** Writes what was guessed in the round trip that locks the heads. `undefined`: it guesses nothing. */
  readonly guessed: (() => Guessed) | undefined;
  /** Deletes the rows under the keys in parameter `n`. @param where the condition on each item `k` of the list */
  readonly remove: (n: number, where: string) => string;
  /** Whether all parts of a transaction's writes are one statement, in one round trip. Otherwise each is a statement of its own. */
  readonly joinsWrites: boolean;
  /** The hint to other processes and the statement by which they listen. `undefined`: no store has `watch`. */
  readonly listening: { readonly notify: string; readonly listen: string } | undefined;

  // Transactions.

  /** This and the next two: see `TransactionStatements`. */
  readonly probe: string;
  readonly probeBegins: boolean;
  readonly rollbackTells: boolean;
  /** Limits, in milliseconds: to `lockMs` the wait for a lock, to `ms` each statement and the silence of a transaction that may hold one. */
  readonly begin: (ms: number, lockMs: number) => string;
  readonly busyTimeout: ((ms?: number) => string) | undefined;
  readonly close: string | undefined;
  /** Follows a statement after which each statement of the transaction has this limit in milliseconds. */
  readonly limit: (ms: number) => string;

  // Behaviour.

  readonly durability: 'process' | 'server';
  /** How many transactions of each kind run at a time. */
  readonly atOnce: AtOnce;
  /** The same where no transaction is shared, because a hook runs for one change. */
  readonly atOnceAlone: AtOnce;
  /** Whether a lock is on one head. Otherwise it is on the whole file, and no namespace is the reason when it is not free. */
  readonly locksHeads: boolean;
  /** Whether a failure may be due to one of the namespaces that share a transaction, and the connection is not lost. */
  readonly mayBeOfOne: (error: unknown) => boolean;
  /** Whether the server that gave this answer is a standby, which may lack the last revokes (L41). */
  readonly isStandby: (first: Columns | undefined) => boolean;
  /** The option `read`. @throws InvalidArgumentError */
  readonly reader: (read: unknown) => Reader;
}

/** How many transactions of each kind of a queue run at a time. */
export type AtOnce = Readonly<Record<'shared' | 'apart' | 'locked', number>>;

/** The driver through which a store reads instead of Kysely. */
export interface Reader {
  /** @param otherwise reads while this driver cannot */
  reads(session: Session, otherwise: Reads): Reads;
  /** On which a store can listen. */
  readonly pool?: PgPool;
}

/**
 * The parts of a statement that locks free heads, as `holdFree` does, and in the same round trip writes what was guessed: to
 * each namespace in which it finds exactly the fifth item of its list, `[seq, hash, start_seq, start_hash, moved, kept,
 * hashes, applied]`, and has not waited. The others write nothing, and their transaction continues as after `holdFree`.
 */
export interface Guessed {
  /** Before the parts that write. The namespaces of the right guesses are `guessed`. */
  readonly begin: string;
  /** The condition of each part that writes. */
  readonly where: string;
  /** After the parts that write. */
  readonly end: string;
}

/** How a database keeps the tables, and how they are upgraded. Apart from {@link Dialect}, because no store needs it. */
export interface Tables {
  readonly dialect: Dialect;

  // Types of columns, and the checks that limit their values to what JavaScript represents exactly.

  readonly text: string;
  readonly integer: string;
  readonly small: string;
  readonly flag: string;
  /** Follows the columns of a table. */
  readonly strict: string;
  /** Where a generated column is kept. */
  readonly generated: string;
  readonly isJson: (column: string) => string;
  /** A condition that every row meets, for an index. It keeps a planner without statistics from queries that do not name the column. */
  readonly always: (before: 'where' | 'and', column: string) => string;

  // The view.

  readonly field: (path: string) => string;
  readonly time: (column: string) => string;
  /** The function that gives the character of a code point. */
  readonly char: string;

  // Upgrades.

  /** Answers with a row if the tables exist. */
  readonly found: string;
  /** Before the name of an index that is built or dropped outside of a transaction, while reads and writes continue. Empty: never. */
  readonly concurrently: string;
  /** Answers with a row if an earlier try has left the index invalid. `undefined`: none does. */
  readonly invalidIndex: ((name: string) => string) | undefined;
  /**
   * Locks out all commits. A commit of an earlier layout holds a lock on its head from its comparison of the numbers until it ends.
   * `undefined`: a transaction that has begun has locked them out.
   */
  readonly lockHeads: string | undefined;
  /** The pause between two changes of the contract, in milliseconds. */
  readonly reliefMs: number;
}
