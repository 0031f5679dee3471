import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import { sqlGrantStore } from 'jit-access/sql';
import { storeContract } from 'jit-access/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { isRequired } from '../required.js';
import { betterSqlite3, hasBetterSqlite3 } from '../stores/sql/drivers.js';
import { SqliteFile } from '../stores/sql/sqlite.js';

const LEFT_OUT = 'it has to be compiled, and is not installed in .ci/drivers';

if (hasBetterSqlite3) {
  describe('sqlGrantStore on SQLite, through better-sqlite3', () => {
    let file: SqliteFile;
    beforeAll(async () => {
      file = await SqliteFile.migrated(betterSqlite3());
    });
    afterAll(() => file.remove());

    const open = (namespace: string): GrantStore => sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace, read: file.handle() });
    const tables = ['jit_rows', 'jit_journal', 'jit_heads'];

    storeContract(
      { describe, it },
      {
        name: 'better-sqlite3',
        create: () => open(randomUUID()),
        reopen: (store) => open(store.namespace),
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
} else {
  console.warn(`left out: the SQL store through better-sqlite3 (${LEFT_OUT})`);
  it(`sqlGrantStore through better-sqlite3 is skipped: ${LEFT_OUT}`, () => {
    if (isRequired('better-sqlite3')) throw new Error(`JIT_TEST_REQUIRE demands better-sqlite3: ${LEFT_OUT}`);
  });
}
