import { assertBoolean, invalid } from '../../core/parse.js';
import type { Dialect } from './dialect/dialect.js';
import { portable } from './dialect/portable.js';
import { postgres } from './dialect/postgres.js';
import { sqlite } from './dialect/sqlite.js';
import type { OnCommit } from './hook.js';
import type { PgPool, SqlDatabase, SqliteHandle } from './database.js';

/** The supported databases. Each passes the whole contract suite of `jit-access/testing`. */
export type SqlDialect = 'postgres' | 'sqlite';

export interface SqlGrantStoreOptions<Db extends SqlDatabase = SqlDatabase> {
  /** Your own Kysely instance. The store skips its plugins, and never closes it. */
  readonly db: Db;
  /** The database behind `db`. */
  readonly dialect: SqlDialect;
  /**
   * The service or tenant that owns these grants. Services that share the tables need different namespaces: within one
   * namespace they see each other's grants.
   */
  readonly namespace: string;
  /**
   * Reads go directly through this driver instead of Kysely: a `pg` pool, a {@link fromPglite}, or a handle of
   * `better-sqlite3`, `libsql`, {@link fromNodeSqlite} or {@link fromBunSqlite}. Default: none.
   *
   * With a pool, the store replaces a connection that hangs, offers `watch`, and listens to `error` events. A handle should
   * be a second one on the same file, not Kysely's. Then checks are synchronous, and can run while a commit is open.
   *
   * The store refuses the pool of a standby at its first answer, and a handle on another file at the first query.
   */
  readonly read?: PgPool | SqliteHandle | undefined;
  /**
   * How long the store waits for one statement, or up to a quarter longer: milliseconds, 1 to 600,000. Default: 5,000.
   *
   * A whole call, with its retries, takes at most four times as long. A commit that waits for other commits may take twice
   * that. On PostgreSQL this limit also applies to the wait for a lock, and to a transaction that keeps a lock and is silent.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * True: for CockroachDB, YugabyteDB and Aurora DSQL, whose statements are a part of PostgreSQL's. Default: false.
   *
   * A commit then takes more round trips, no transaction is shared by namespaces, and the store has no `watch`. The tables must have been
   * created with the same option, in a database that compares text byte by byte.
   */
  readonly portable?: boolean | undefined;
  /**
   * Runs your own statements in the transaction of each change that has entries, right before the store writes. So your rows and the
   * change are committed together, or neither is. Every store over these tables needs the same hook. Default: none.
   *
   * While it runs, every other commit of the namespace waits. If it throws, is late, or ends the transaction, a change that creates
   * access or opens a request is refused: the verb rejects with a `HookError`. Every other change is committed without it, and reported
   * to `onError`. Then each sweep calls the hook again: see `failedHooks`.
   *
   * Gotcha: it calls neither the engine nor a store, and writes only through `trx`. An effect elsewhere, such as a mail, could happen
   * several times, or for a change that is rolled back.
   */
  readonly onCommit?: OnCommit<Db> | undefined;
  /**
   * How long `onCommit` may take, in milliseconds: at most a quarter of `timeoutMs`. After it the store closes the connection. Default:
   * 1,000, or that quarter.
   */
  readonly hookMs?: number | undefined;
  /**
   * Receives failures that no call reports. The store drops an error that it throws. Default: prints a line to `console.error`, at most
   * one for each kind and minute.
   *
   * `during` names the operation. `'onCommit'`: the hook has failed for a change that it cannot refuse. `'listen'`: LISTEN has no
   * effect on the pool given as `read`, which the store reports once.
   */
  readonly onError?: ((error: unknown, during: string) => void) | undefined;
}

/** The options of the store, and so of `migrate`: one object serves both. */
export const OPTION_NAMES = [
  'db',
  'dialect',
  'namespace',
  'read',
  'timeoutMs',
  'portable',
  'onCommit',
  'hookMs',
  'onError',
] as const satisfies readonly (keyof SqlGrantStoreOptions)[];

/** The options that name a dialect. */
interface NamedDialect {
  readonly dialect?: unknown;
  readonly portable?: unknown;
}

/** What belongs to each dialect. */
type OfDialects<T> = Readonly<Record<SqlDialect, T>> & { readonly portable: () => T };

/** What belongs to the dialect that the options name. @throws InvalidArgumentError */
export function readOfDialects<T>({ dialect, portable = false }: NamedDialect, all: OfDialects<T>): T {
  if (dialect !== 'postgres' && dialect !== 'sqlite') throw invalid('dialect', "'postgres' or 'sqlite'", dialect);
  assertBoolean('portable', portable);
  if (portable && dialect !== 'postgres') throw invalid('portable', "false unless dialect is 'postgres'", portable);
  return portable ? all.portable() : all[dialect];
}

/** @throws InvalidArgumentError */
export const readDialect = (options: NamedDialect): Dialect => readOfDialects(options, { sqlite, postgres, portable });

export function readDatabase(db: unknown): SqlDatabase {
  const given = db as Partial<Record<keyof SqlDatabase, unknown>> | null | undefined;
  if (typeof given?.executeQuery !== 'function' || typeof given.connection !== 'function') throw invalid('db', 'a Kysely instance', db);
  return db as SqlDatabase;
}
