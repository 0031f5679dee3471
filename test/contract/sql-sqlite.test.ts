import { randomUUID } from 'node:crypto';
import { sqlGrantStore } from 'jit-access/sql';
import { storeContract } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlTexts } from '../stores/sql/sql-texts.js';
import { SqliteFile } from '../stores/sql/sqlite.js';

const texts = new SqlTexts();
const kyselyOn = (file: SqliteFile) => file.kysely(undefined, ({ query }) => texts.add(query.sql));

const ways = {
  'through Kysely alone': (file: SqliteFile, namespace: string) => sqlGrantStore({ db: kyselyOn(file), dialect: 'sqlite', namespace }),
  'with checks on a separate handle': (file: SqliteFile, namespace: string) =>
    sqlGrantStore({ db: kyselyOn(file), dialect: 'sqlite', namespace, read: file.handle() }),
};

afterAll(() => expect(texts.notIn('sqlite')).toEqual([]));

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
      createHooked: (onCommit) => sqlGrantStore({ db: kyselyOn(file), dialect: 'sqlite', namespace: randomUUID(), onCommit }),
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
