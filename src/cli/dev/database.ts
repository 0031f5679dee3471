import { constants, open } from 'node:fs/promises';
import type { GrantStore } from '../../index.js';
import type { NodeSqliteLike } from '../../sql.js';

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
      `--sqlite needs node:sqlite of Node 22.16 or newer, and the package kysely; this is Node ${process.version}. Without --sqlite, dev needs neither.`,
    );
  });
  const { Kysely, SqliteDialect } = await import('kysely').catch(() => {
    throw new DatabaseRefused(
      '--sqlite needs the package kysely beside this one: npm install jit-access kysely. Without --sqlite, dev keeps all in memory.',
    );
  });
  const { fromNodeSqlite, migrate, resilientHandle, sqlGrantStore } = await import('../../sql.js');
  const isNew = await claim(file, (marked) => marked && isOwn(new DatabaseSync(file, { readOnly: true })));
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

/** The place of the application id in the header of a SQLite file. Bytes. */
const ID_AT = 68;

/**
 * Makes the file if there is none. Only its owner may read what it will hold. SQLite opens no other file: even to read one, it may write
 * files beside it.
 *
 * @param isAccepted gets whether the file has the mark of `dev`. Not asked about an empty file
 * @returns whether the file is empty
 * @throws DatabaseRefused
 */
async function claim(file: string, isAccepted: (marked: boolean) => boolean): Promise<boolean> {
  const { O_CREAT, O_RDWR, O_NOFOLLOW } = constants;
  const refused = () => new DatabaseRefused(`${file} is not a file that jit-access dev has made. Name a new file.`);
  // Not through a link: in a shared folder, another user decides where it leads.
  const handle = await open(file, O_CREAT | O_RDWR | O_NOFOLLOW, 0o600).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? refused() : error;
  });
  try {
    const state = await handle.stat();
    const header = Buffer.alloc(4);
    await handle.read(header, 0, 4, ID_AT);
    // A device is empty too.
    if (!state.isFile() || (state.size > 0 && !isAccepted(header.readUInt32BE() === APPLICATION_ID))) throw refused();
    await handle.chmod(0o600);
    return state.size === 0;
  } finally {
    await handle.close();
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
