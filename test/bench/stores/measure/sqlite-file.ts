import type { SqliteDatabase } from 'kysely';
import { SqliteFile } from '../../../stores/sql/sqlite.js';

/** What the bench uses of a handle. */
interface Handle extends SqliteDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): ReturnType<SqliteDatabase['prepare']> & { get(...values: unknown[]): unknown; run(...values: unknown[]): unknown };
  exec(sql: string): void;
  close(): void;
}

/** A file, by `libsql` or by the package that JIT_BENCH_SQLITE names: `better-sqlite3`, where it is installed. */
export async function sqliteFile() {
  const driver = process.env['JIT_BENCH_SQLITE'] ?? 'libsql';
  const { default: Database } = (await import(driver)) as { default: new (path: string) => Handle };
  const file = new SqliteFile();
  const handles: Handle[] = [];
  return {
    driver,
    path: file.path,
    open() {
      const handle = new Database(file.path);
      handles.push(handle);
      for (const pragma of ['journal_mode = wal', 'synchronous = full']) handle.exec(`pragma ${pragma}`);
      return handle;
    },
    async close() {
      for (const handle of handles) handle.close();
      file.remove();
    },
  };
}
