import type { SqliteDatabase } from 'kysely';
import { invalid } from '../../core/parse.js';
import type { SqliteHandle } from './database.js';

/** The part of a `DatabaseSync` of `node:sqlite` that {@link fromNodeSqlite} uses. */
export interface NodeSqliteLike {
  prepare(sql: string): {
    all(...values: never[]): unknown[];
    get(...values: never[]): unknown;
    run(...values: never[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
    iterate(...values: never[]): Iterable<unknown>;
    columns(): readonly unknown[];
  };
  readonly isTransaction: boolean;
  close(): void;
}

/** The part of a `Database` of `bun:sqlite` that {@link fromBunSqlite} uses. */
export interface BunSqliteLike {
  prepare(sql: string): {
    all(...values: never[]): unknown[];
    get(...values: never[]): unknown;
    run(...values: never[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
    iterate(...values: never[]): Iterable<unknown>;
    readonly columnNames: readonly string[];
  };
  readonly inTransaction: boolean;
  close(): void;
}

/** A handle for Kysely's `SqliteDialect` (through {@link resilientHandle}), and for `read` of {@link sqlGrantStore}. */
export type SqliteDriverHandle = SqliteDatabase & SqliteHandle;

/** A statement of either driver. Its methods take the values as separate arguments. */
interface DriverStatement {
  all(...values: unknown[]): unknown[];
  get(...values: unknown[]): unknown;
  run(...values: unknown[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  iterate(...values: unknown[]): Iterable<unknown>;
}

/**
 * Wraps a `node:sqlite` database (Node 22.16 or newer) in the interface of `better-sqlite3`. Errors carry SQLite's names for
 * codes, such as `SQLITE_BUSY`, instead of the driver's numbers.
 *
 * @param database a `DatabaseSync`; open a second one on the same file for `read`
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the members that the driver lacks
 * @example
 * const dialect = new SqliteDialect({ database: resilientHandle(fromNodeSqlite(new DatabaseSync('access.db'))) });
 */
export function fromNodeSqlite(database: NodeSqliteLike): SqliteDriverHandle {
  const driver = 'a DatabaseSync of node:sqlite in Node 22.16 or newer';
  requireMembers(database, driver, { prepare: 'function', close: 'function', isTransaction: 'boolean' });
  requireMembers(database.prepare('select 1'), driver, { ...STATEMENT, columns: 'function' }, 'prepare().');
  return handleOf(
    (sql) => withCodes(() => database.prepare(sql)),
    (statement) => statement.columns().length > 0,
    () => database.isTransaction,
    () => database.close(),
  );
}

/**
 * Wraps a `bun:sqlite` database (Bun 1.1.31 or newer) in the interface of `better-sqlite3`.
 *
 * @param database a `Database`; open a second one on the same file for `read`
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the members that the driver lacks
 * @example
 * const dialect = new SqliteDialect({ database: resilientHandle(fromBunSqlite(new Database('access.db'))) });
 */
export function fromBunSqlite(database: BunSqliteLike): SqliteDriverHandle {
  const driver = 'a Database of bun:sqlite in Bun 1.1.31 or newer';
  requireMembers(database, driver, { prepare: 'function', close: 'function', inTransaction: 'boolean' });
  requireMembers(database.prepare('select 1'), driver, { ...STATEMENT, columnNames: 'object' }, 'prepare().');
  return handleOf(
    (sql) => database.prepare(sql),
    (statement) => statement.columnNames.length > 0,
    () => database.inTransaction,
    () => database.close(),
  );
}

/** The interface of `better-sqlite3` over a driver whose statements take the values as separate arguments. */
function handleOf<S>(
  prepare: (sql: string) => S,
  isReader: (statement: S) => boolean,
  inTransaction: () => boolean,
  close: () => void,
): SqliteDriverHandle {
  return {
    get inTransaction() {
      return inTransaction();
    },
    prepare(sql) {
      const statement = prepare(sql);
      const driver = statement as DriverStatement;
      return {
        reader: isReader(statement),
        all: (values) => withCodes(() => driver.all(...values)),
        // Bun returns null if there is no row.
        get: (values) => withCodes(() => driver.get(...values)) ?? undefined,
        run: (values) => withCodes(() => driver.run(...values)),
        iterate: (values) => withCodes(() => driver.iterate(...values))[Symbol.iterator]() as IterableIterator<unknown>,
      };
    },
    close,
  };
}

/** The names of SQLite's primary result codes. `node:sqlite` reports the numbers. */
const CODES: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  26: 'SQLITE_NOTADB',
};

/** The store recognises a temporary failure by its code. Without the code, it would not retry a commit that failed with `SQLITE_BUSY`. */
function withCodes<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { errcode, message } = (error ?? {}) as { readonly errcode?: unknown; readonly message?: unknown };
    // The primary code is the lower eight bits of an extended code.
    const code = typeof errcode === 'number' ? CODES[errcode & 0xff] : undefined;
    if (code === undefined) throw error;
    throw Object.assign(new Error(String(message), { cause: error }), { code });
  }
}

type Kinds = Readonly<Record<string, 'function' | 'boolean' | 'object'>>;

const STATEMENT: Kinds = { all: 'function', get: 'function', run: 'function', iterate: 'function' };

/** @throws InvalidArgumentError naming every member that the driver lacks */
function requireMembers(value: unknown, driver: string, members: Kinds, of = ''): void {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>;
  const missing = Object.entries(members).flatMap(([name, kind]) => (typeof given[name] === kind ? [] : [of + name]));
  if (missing.length > 0) throw invalid('database', `${driver} (missing: ${missing.join(', ')})`, value);
}
