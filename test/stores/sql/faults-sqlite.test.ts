import { sqlGrantStore, steadyHandle } from 'jit-access/sql';
import { Kysely, SqliteDialect } from 'kysely';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { withstand } from '../withstand.js';
import { readOnlyHandle } from './drivers.js';
import { SqliteFile } from './sqlite.js';

describe('sqlGrantStore on a file that takes nothing more', () => {
  let file: SqliteFile;
  beforeEach(async () => {
    file = await SqliteFile.migrated();
  });
  afterEach(() => file.remove());

  const ways = ['through Kysely', 'straight'];

  it.each(ways)('writes nothing where the disk is full, and answers %s from what it has (L30)', async (way) => {
    const handle = file.handle();
    const read = way === 'straight' ? file.handle() : undefined;
    await withstand({
      store: sqlGrantStore({ db: file.kysely(handle), dialect: 'sqlite', namespace: 'payments', read }),
      // It is never less than what is there: not a page more.
      begin: () => handle.exec('pragma max_page_count = 1'),
      end: () => handle.exec('pragma max_page_count = 1000000'),
      says: /SQLITE_FULL.*full/,
      reads: 'go on',
    });
  });

  it.each(ways)('writes nothing where it may only read the file, and answers %s from what it has (L30)', async (way) => {
    const [writable, readable] = [file.handle(), readOnlyHandle(file.path)];
    const [whole, limited] = [steadyHandle(writable), steadyHandle(readable)];
    let now = whole;
    const database: typeof whole = { prepare: (sql) => now.prepare(sql), close: () => undefined };
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
    await withstand({
      store: sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments', read: way === 'straight' ? readable : undefined }),
      begin: () => (now = limited),
      end: () => (now = whole),
      says: /SQLITE_READONLY.*readonly/,
      reads: 'go on',
    });
    readable.close();
  });
});
