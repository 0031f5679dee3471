import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase } from 'kysely';
import Database from 'libsql';
import { migrate, steadyHandle } from 'jit-access/sql';

/** libsql's handle has better-sqlite3's interface; its types don't say so. */
export type Handle = SqliteDatabase & {
  readonly inTransaction: boolean;
  prepare(sql: string): { all(values: unknown[]): unknown[]; get(values: unknown[]): unknown };
  exec(sql: string): void;
};

/** A database in a file, in a folder that goes with it. */
export class SqliteFile {
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'jit-access-sqlite-'));
  readonly #open: { close(): void }[] = [];

  constructor() {
    this.path = join(this.#folder, 'access.db');
  }

  static async migrated(): Promise<SqliteFile> {
    const file = new SqliteFile();
    await migrate({ db: file.kysely(), dialect: 'sqlite' });
    return file;
  }

  /** Another handle, as another process would have it. */
  handle(): Handle {
    const handle = new Database(this.path) as unknown as Handle;
    handle.exec('pragma journal_mode = wal');
    this.#open.push(handle);
    return handle;
  }

  kysely(handle = this.handle()): Kysely<unknown> {
    return new Kysely({ dialect: new SqliteDialect({ database: steadyHandle(handle) }) });
  }

  remove(): void {
    for (const handle of this.#open) handle.close();
    rmSync(this.#folder, { recursive: true });
  }
}
