import { randomUUID } from 'node:crypto';
import { sqlGrantStore } from 'jit-access/sql';
import { storeContract } from 'jit-access/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SqliteFile } from '../stores/sql/sqlite.js';

const ways = {
  'through Kysely alone': (file: SqliteFile, namespace: string) => sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace }),
  'with checks on a separate handle': (file: SqliteFile, namespace: string) =>
    sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace, read: file.handle() }),
};

describe.each(Object.entries(ways))('sqlGrantStore on SQLite, %s', (name, open) => {
  let file: SqliteFile;
  beforeAll(async () => {
    file = await SqliteFile.migrated();
  });
  afterAll(() => file.remove());

  const tables = ['jit_rows', 'jit_journal', 'jit_heads'];

  storeContract(
    { describe, it },
    {
      name,
      create: () => open(file, randomUUID()),
      createHooked: (onCommit) => sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: randomUUID(), onCommit }),
      reopen: (store) => open(file, store.namespace),
      breakBackend() {
        const other = file.handle();
        for (const table of tables) other.exec(`alter table ${table} rename to ${table}_gone`);
        return () => {
          for (const table of tables) other.exec(`alter table ${table}_gone rename to ${table}`);
        };
      },
    },
  );
});
