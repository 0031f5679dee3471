import { randomUUID } from 'node:crypto';
import { migrate, sqlGrantStore } from 'jit-access/sql';
import type { SqlDialect } from 'jit-access/sql';
import { aChange, aRow } from 'jit-access/testing';
import { CompiledQuery, type Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GrantStore } from '../../../src/ports.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

// A server is started and stopped here, on a machine that may be busy.
vi.setConfig({ hookTimeout: 60_000 });

interface Database {
  readonly db: Kysely<unknown>;
  /** The store of a process whose reads go around Kysely. */
  open(): GrantStore;
  stop(): Promise<void> | void;
}

let server: Postgres;
beforeAll(async () => {
  server = await Postgres.start();
});
afterAll(() => server.stop());

const databases: Readonly<Record<SqlDialect, () => Promise<Database>>> = {
  async sqlite() {
    const file = new SqliteFile();
    const db = file.kysely();
    return {
      db,
      open: () => sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments', read: file.handle() }),
      stop: () => file.remove(),
    };
  },
  async postgres() {
    const postgres = await server.empty();
    const db = kyselyOn(postgres.pool());
    return {
      db,
      open: () => sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments', read: postgres.pool() }),
      stop: () => postgres.stop(),
    };
  },
};

describe.each(Object.keys(databases) as SqlDialect[])(
  'a store on %s whose schema another version migrates while it runs [V10]',
  (dialect) => {
    let database: Database;
    let store: GrantStore;
    beforeEach(async () => {
      database = await databases[dialect]();
      await migrate({ db: database.db, dialect });
      store = database.open();
      await commit();
    });
    afterEach(() => database.stop());

    const run = (sql: string) => database.db.executeQuery(CompiledQuery.raw(sql));
    const commit = () => store.commit(aChange({ id: randomUUID(), put: [aRow({ id: randomUUID() })] }));
    const reads: Readonly<Record<string, () => unknown>> = {
      get: () => store.get([aRow()]),
      'live of a scope': () => store.live({ subject: 'user:maya', scope: 'db:write', at: 0 }),
      live: () => store.live({ subject: 'user:maya', at: 0 }),
      find: () => store.find({ kind: 'grant', limit: 1 }),
      'find that finds nothing': () => store.find({ kind: 'request', subject: 'user:noor', limit: 1 }),
      due: () => store.due({ at: 0, limit: 1 }),
      journal: () => store.journal({ after: 0, limit: 1 }),
    };

    it('refuses every commit, and writes nothing', async () => {
      const { head } = await store.journal({ after: 0, limit: 1 });
      await run('update jit_schema set version = 2');
      await expect(commit()).rejects.toThrow(/version is 2, and this package knows 1/);
      await expect(store.in('tenant-b').commit(aChange())).rejects.toThrow(/version is 2, and this package knows 1/);
      await run('update jit_schema set version = 1');
      expect((await store.journal({ after: 0, limit: 1 })).head).toEqual(head);
      expect(await commit()).toBe('committed');
    });

    it.each(Object.keys(reads))('refuses %s, in the question itself', async (method) => {
      const read = reads[method] as () => unknown;
      await Promise.resolve().then(read);
      for (const [change, version] of [
        ['update jit_schema set version = 2', 2],
        ['delete from jit_schema', 0],
      ] as const) {
        await run(change);
        await expect(Promise.resolve().then(read)).rejects.toThrow(new RegExp(`version is ${version}, and this package knows 1`));
      }
      await run('insert into jit_schema values (1)');
      await Promise.resolve().then(read);
    });
  },
);
