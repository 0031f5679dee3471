import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBunSqlite, fromNodeSqlite, migrate, sqlGrantStore, resilientHandle } from 'jit-access/sql';
import type { BunSqliteLike, NodeSqliteLike } from 'jit-access/sql';
import { storeContract } from 'jit-access/testing';
import { Kysely, SqliteDialect } from 'kysely';

/*
 * The contract suite on a SQLite driver that is part of a runtime. `sqlite-handles.test.ts` bundles this file and runs it there.
 * Its last line is the results of the cases as JSON: neither runtime has the other's test runner.
 */

const CASE_MS = 60_000;
const TABLES = ['jit_rows', 'jit_journal', 'jit_heads'];
const folder = mkdtempSync(join(tmpdir(), 'jit-access-handles-'));
const path = join(folder, 'access.db');

async function opener() {
  // Neither driver has types here: this file is compiled for Node 20, which has no SQLite types.
  const name: string = 'Bun' in globalThis ? 'bun:sqlite' : 'node:sqlite';
  const driver = (await import(name)) as Record<'Database', new (path: string) => BunSqliteLike> &
    Record<'DatabaseSync', new (path: string) => NodeSqliteLike>;
  return () => ('Bun' in globalThis ? fromBunSqlite(new driver.Database(path)) : fromNodeSqlite(new driver.DatabaseSync(path)));
}

async function main() {
  const open = await opener();
  const handle = () => {
    const opened = open();
    opened.prepare('pragma journal_mode = wal').all([]);
    opened.prepare('pragma synchronous = off').all([]);
    return opened;
  };
  const kysely = () => new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(handle()) }) });
  await migrate({ db: kysely(), dialect: 'sqlite' });

  const ways = {
    'through Kysely alone': (namespace: string) => sqlGrantStore({ db: kysely(), dialect: 'sqlite', namespace }),
    'with checks on a separate handle': (namespace: string) =>
      sqlGrantStore({ db: kysely(), dialect: 'sqlite', namespace, read: handle() }),
  };
  const cases: { readonly name: string; readonly body: () => Promise<void> }[] = [];
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => void cases.push({ name, body }),
  };
  for (const [name, create] of Object.entries(ways)) {
    storeContract(runner, {
      name,
      create: () => create(randomUUID()),
      reopen: (store) => create(store.namespace),
      breakBackend() {
        const other = handle();
        for (const table of TABLES) other.prepare(`alter table ${table} rename to ${table}_gone`).run([]);
        return () => {
          for (const table of TABLES) other.prepare(`alter table ${table}_gone rename to ${table}`).run([]);
        };
      },
    });
  }
  const failed: string[] = [];
  for (const { name, body } of cases) {
    const limit = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('never ends')), CASE_MS).unref());
    await Promise.race([body(), limit]).catch((error: unknown) => failed.push(`${name}: ${String(error)}`));
  }
  rmSync(folder, { recursive: true, force: true });
  console.log(JSON.stringify({ cases: cases.length, failed }));
  process.exit(0);
}

void main();
