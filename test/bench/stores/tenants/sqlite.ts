import { migrate, resilientHandle, sqlGrantStore } from 'jit-access/sql';
import { Kysely, SqliteDialect } from 'kysely';
import { sqliteFile } from '../measure/sqlite-file.js';
import type { Tenants } from './tenants.js';

/** A file, by `libsql` or by the package that JIT_BENCH_SQLITE names. There is no server: its work is CPU time of the bench. */
export async function sqliteTenants(): Promise<Tenants> {
  const { driver, open, close } = await sqliteFile();
  const [commits, read, plain] = [open(), open(), open()];
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(commits) }) });
  await migrate({ db, dialect: 'sqlite' });
  plain.exec('create table bench_commits (namespace text not null, id text not null, body text not null, primary key (namespace, id))');
  const insert = plain.prepare('insert into bench_commits (namespace, id, body) values (?, ?, ?)');
  return {
    name: `SQLite (${driver})`,
    setting: 'WAL, synchronous = FULL',
    store: sqlGrantStore({ db, dialect: 'sqlite', namespace: 'tenant', read, timeoutMs: 300_000 }),
    silent: undefined,
    async bareCommit(namespace, id, text) {
      insert.run(namespace, id, text);
      // The driver blocks the event loop: the time limit of the bench needs a turn.
      await new Promise((resolve) => setImmediate(resolve));
    },
    cpuMs: () => Promise.resolve(undefined),
    close,
  };
}
