import { migrate, resilientHandle, sqlGrantStore } from 'jit-access/sql';
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely';
import { SqliteFile } from '../../../stores/sql/sqlite.js';
import type { Tenants } from './tenants.js';

interface Handle extends SqliteDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): ReturnType<SqliteDatabase['prepare']> & { get(...values: unknown[]): unknown; run(...values: unknown[]): unknown };
  exec(sql: string): void;
  close(): void;
}

/** A file, by `libsql` or by the package that JIT_BENCH_SQLITE names. There is no server: its work is CPU time of the bench. */
export async function sqliteTenants(): Promise<Tenants> {
  const driver = process.env['JIT_BENCH_SQLITE'] ?? 'libsql';
  const { default: Database } = (await import(driver)) as { default: new (path: string) => Handle };
  const file = new SqliteFile();
  const handles = Array.from({ length: 3 }, () => new Database(file.path));
  for (const handle of handles) for (const pragma of ['journal_mode = wal', 'synchronous = full']) handle.exec(`pragma ${pragma}`);
  const [commits, read, plain] = handles as [Handle, Handle, Handle];
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
    async close() {
      for (const handle of handles) handle.close();
      file.remove();
    },
  };
}
