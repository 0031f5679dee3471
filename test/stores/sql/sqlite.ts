import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, SqliteDialect, type Logger } from 'kysely';
import { migrate, resilientHandle } from 'jit-access/sql';
import { sqliteDriver, type Handle, type SqliteDriver } from './drivers.js';

/** A database in a file, in a temporary folder. */
export class SqliteFile {
  readonly path: string;
  readonly #Driver: SqliteDriver;
  readonly #folder = mkdtempSync(join(tmpdir(), 'jit-access-sqlite-'));
  readonly #open: { close(): void }[] = [];

  constructor(Driver = sqliteDriver) {
    this.#Driver = Driver;
    this.path = join(this.#folder, 'access.db');
  }

  static async migrated(Driver?: SqliteDriver): Promise<SqliteFile> {
    const file = new SqliteFile(Driver);
    await migrate({ db: file.kysely(), dialect: 'sqlite' });
    return file;
  }

  /** A handle on an existing file. */
  static at(path: string, Driver = sqliteDriver): Handle {
    return new Driver(path);
  }

  /** Another handle, as another process would open it. */
  handle(): Handle {
    const handle = new this.#Driver(this.path);
    handle.exec('pragma journal_mode = wal');
    this.#open.push(handle);
    return handle;
  }

  kysely(handle = this.handle(), log: Logger = () => undefined): Kysely<unknown> {
    return new Kysely({ dialect: new SqliteDialect({ database: resilientHandle(handle) }), log });
  }

  remove(): void {
    for (const handle of this.#open) handle.close();
    rmSync(this.#folder, { recursive: true });
  }
}
