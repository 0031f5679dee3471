import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { SqliteDatabase } from 'kysely';

/** A handle of better-sqlite3's interface. */
export type Handle = SqliteDatabase & {
  readonly inTransaction: boolean;
  prepare(sql: string): { all(values: unknown[]): unknown[]; get(values: unknown[]): unknown };
  exec(sql: string): void;
};
export type SqliteDriver = new (path: string, options?: { readonly readonly: boolean }) => Handle;

// npm ci doesn't install it, for it has to be compiled. `.ci/run` does.
const beside = join(process.cwd(), '.ci/drivers/node_modules');
const asked = process.env['JIT_TEST_SQLITE'] ?? 'libsql';

export const hasBetterSqlite3 = existsSync(join(beside, 'better-sqlite3'));

export const betterSqlite3 = (): SqliteDriver => createRequire(join(beside, 'index.js'))('better-sqlite3') as SqliteDriver;

/** The one that the tests go through: libsql, or the one that JIT_TEST_SQLITE names. Its own types don't say whose interface it has. */
export const sqliteDriver: SqliteDriver = asked === 'better-sqlite3' ? betterSqlite3() : Libsql;

/** A handle that can only read. libsql is told so by a URI, which better-sqlite3 doesn't read. */
export const readOnlyHandle = (path: string): Handle =>
  asked === 'better-sqlite3' ? new sqliteDriver(path, { readonly: true }) : new sqliteDriver(`file:${path}?mode=ro`);
