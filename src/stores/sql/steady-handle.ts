import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { invalid } from '../../core/parse.js';

/** More statements than the store has, and than most services have. */
const MAX_KEPT = 256;

/**
 * A handle of `better-sqlite3` or `libsql` for Kysely's `SqliteDialect`, on which each statement is prepared once.
 *
 * Guarantees:
 * - Statements are prepared once and kept, the last 256 of them: Kysely alone prepares each anew, which takes longer than
 *   most of them run.
 * - With `libsql`, a transaction that was told "busy" can be tried again. Without it, the statement that was told so stays
 *   open until garbage is collected, and every commit on the handle fails until then.
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
    // The map is in the order of use: what is dropped has not been used for longest.
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
      const statement = keep(sql);
      return {
        reader: statement.reader,
        all: (values) => statement.all(values),
        run: (values) => statement.run(values),
        // One that is read bit by bit must not be run by somebody else meanwhile.
        iterate: (values) => handle.prepare(sql).iterate(values),
      };
    },
  };
}
