import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JitEngine, reviewers } from 'jit-access';
import { migrate, sqlGrantStore, resilientHandle } from 'jit-access/sql';
import { Kysely, SqliteDialect } from 'kysely';
import Database from 'libsql';

/** Starts the service. `better-sqlite3` works in the place of `libsql`. */
async function start(path: string) {
  const handle = new Database(path);
  handle.pragma('journal_mode = WAL');
  handle.pragma('synchronous = FULL');
  const db = new Kysely<unknown>({
    dialect: new SqliteDialect({ database: resilientHandle(handle) }),
  });
  await migrate({ db, dialect: 'sqlite' });
  // Checks read on their own handle: they never wait for a commit.
  const read = new Database(path);
  const engine = new JitEngine({
    store: sqlGrantStore({
      db,
      dialect: 'sqlite',
      namespace: 'payments',
      read,
    }),
    approver: reviewers({ members: ['user:maya', 'user:sam'] }),
  });
  const stop = async () => {
    await engine.close();
    read.close();
    await db.destroy();
  };
  return { engine, stop };
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'jit-access-'));
  const path = join(folder, 'access.db');

  const before = await start(path);
  const { request } = await before.engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
  });
  await before.engine.approve(request.id, { by: 'user:sam' });
  await before.stop();

  // The process has ended; another begins with the same file.
  const after = await start(path);
  // true, then false
  console.log(await after.engine.isAllowed('user:maya', 'db-prod:write'));
  await after.engine.revokeAll(
    { subject: 'user:maya' },
    { by: 'user:sam', reason: 'done' },
  );
  console.log(await after.engine.isAllowed('user:maya', 'db-prod:write'));
  await after.stop();

  await rm(folder, { recursive: true });
}

void main();
