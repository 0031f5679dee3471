/// <reference types="node" />
import { chmod, open, stat } from 'node:fs/promises';
import type { GrantStore } from '../../../index.js';
import type { NodeSqliteLike } from '../../../sql.js';

/** The namespace of `dev`. */
const NAMESPACE = 'dev';
/** Marks a file that `dev` has made: "jit" and a number, in SQLite's header. */
const APPLICATION_ID = 0x6a697401;

/** The oldest supported Node does not have it, and so the types of Node neither. */
const SQLITE: string = 'node:sqlite';
interface Sqlite {
  readonly DatabaseSync: new (file: string, options?: { readonly readOnly: boolean }) => NodeSqliteLike;
}

/** Why `dev` does not open a database. The message says what to do. */
export class DatabaseRefused extends Error {}

export interface DevDatabase {
  readonly store: GrantStore;
  close(): Promise<void>;
}

/**
 * Opens an empty file, or one that `dev` has made. Any other may hold the access of a real service, which six invented people would decide
 * about.
 *
 * @param load loads `node:sqlite`; tests give another driver
 * @throws DatabaseRefused
 */
export async function openDatabase(file: string, load: () => Promise<Sqlite> = () => import(SQLITE)): Promise<DevDatabase> {
  const { DatabaseSync } = await load().catch(() => {
    throw new DatabaseRefused(
      `--sqlite needs node:sqlite of Node 22.16 or newer; this is ${process.version}. Without --sqlite, dev needs none.`,
    );
  });
  const { Kysely, SqliteDialect } = await import('kysely').catch(() => {
    throw new DatabaseRefused('--sqlite needs the package kysely: npm install kysely. Without --sqlite, dev keeps all in memory.');
  });
  const { fromNodeSqlite, migrate, resilientHandle, sqlGrantStore } = await import('../../../sql.js');
  // Makes the file if there is none. Only its owner may read what it will hold.
  await (await open(file, 'a', 0o600)).close();
  const isNew = (await stat(file)).size === 0;
  if (!isNew && !isOwn(new DatabaseSync(file, { readOnly: true })))
    throw new DatabaseRefused(`${file} is not a file that jit-access dev has made. Name a new file.`);
  await chmod(file, 0o600);
  const database = new DatabaseSync(file);
  try {
    if (isNew) database.prepare(`pragma application_id = ${String(APPLICATION_ID)}`).run();
    // An example needs no more of the disk: a month of history is some 500 commits.
    database.prepare('pragma journal_mode = wal').get();
    database.prepare('pragma synchronous = normal').run();
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(fromNodeSqlite(database)) }) });
    await migrate({ db, dialect: 'sqlite' });
    return { store: sqlGrantStore({ db, dialect: 'sqlite', namespace: NAMESPACE }), close: () => db.destroy() };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Whether `dev` has made the file, and nothing else uses it. Closes the database. */
function isOwn(database: NodeSqliteLike): boolean {
  const read = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
  try {
    return (
      read('pragma application_id') === APPLICATION_ID && read(`select count(*) from jit_heads where namespace <> '${NAMESPACE}'`) === 0
    );
  } catch {
    return false;
  } finally {
    database.close();
  }
}
