import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { SqliteDatabase } from 'kysely';

/** A handle with the interface of better-sqlite3. */
export type Handle = SqliteDatabase & {
  readonly inTransaction: boolean;
  prepare(sql: string): { all(values: unknown[]): unknown[]; get(values: unknown[]): unknown };
  exec(sql: string): void;
};
export type SqliteDriver = new (path: string, options?: { readonly readonly: boolean }) => Handle;

// npm ci does not install better-sqlite3, because it must be compiled. `.ci/run` installs it.
const beside = join(process.cwd(), '.ci/drivers/node_modules');
const asked = process.env['JIT_TEST_SQLITE'] ?? 'libsql';

export const hasBetterSqlite3 = existsSync(join(beside, 'better-sqlite3'));

export const betterSqlite3 = (): SqliteDriver => createRequire(join(beside, 'index.js'))('better-sqlite3') as SqliteDriver;

/** The driver of the tests: libsql, or the one that JIT_TEST_SQLITE names. The types of libsql do not show that it has this interface. */
export const sqliteDriver: SqliteDriver = asked === 'better-sqlite3' ? betterSqlite3() : Libsql;

/** A read-only handle. libsql takes this from a URI, which better-sqlite3 does not parse. */
export const readOnlyHandle = (path: string): Handle =>
  asked === 'better-sqlite3' ? new sqliteDriver(path, { readonly: true }) : new sqliteDriver(`file:${path}?mode=ro`);
