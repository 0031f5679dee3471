import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { invalid } from '../../core/parse.js';
import { SQLITE_PROBE } from './statement.js';

/** The greatest number of cached statements: more than the store has, and more than most services have. */
const MAX_KEPT = 256;

/**
 * Wraps a handle of `better-sqlite3` or `libsql` for Kysely's `SqliteDialect`, and caches prepared statements.
 *
 * Guarantees:
 * - The 256 most recently used statements stay prepared. Kysely alone prepares a statement for every query, which takes
 *   longer than most statements run.
 * - With `libsql`, a transaction that failed with "busy" can be retried. Without this wrapper, the failed statement stays
 *   open until it is garbage-collected, and every commit on the handle fails until then.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: resilientHandle(new Database('access.db')) }) });
 */
export function resilientHandle(handle: SqliteDatabase): SqliteDatabase {
  const { prepare, close } = (handle ?? {}) as Partial<Record<keyof SqliteDatabase, unknown>>;
  if (typeof prepare !== 'function' || typeof close !== 'function') throw invalid('handle', 'a handle of better-sqlite3 or libsql', handle);
  const kept = new Map<string, SqliteStatement>();
  const keep = (sql: string): SqliteStatement => {
    const known = kept.get(sql);
    const statement = known ?? handle.prepare(sql);
    // The map is in order of use, so the first keys are the least recently used.
    kept.delete(sql);
    kept.set(sql, statement);
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT) break;
      kept.delete(oldest);
    }
    return statement;
  };
  return {
    close: () => handle.close(),
    prepare(sql) {
      const { inTransaction } = handle as { readonly inTransaction?: unknown };
      if (sql === SQLITE_PROBE && typeof inTransaction === 'boolean') return answerOf({ outside: !inTransaction });
      const statement = keep(sql);
      return {
        reader: statement.reader,
        all: (values) => statement.all(values),
        run: (values) => statement.run(values),
        // Not the cached statement: another caller could run it while this caller is still iterating.
        iterate: (values) => handle.prepare(sql).iterate(values),
      };
    },
  };
}

/** A statement that is not sent, because the driver knows its answer. */
const answerOf = (row: object): SqliteStatement => ({
  reader: true,
  all: () => [row],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [row][Symbol.iterator](),
});
