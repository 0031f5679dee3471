import { randomUUID } from 'node:crypto';
import { JitEngine, reviewers } from 'jit-access';
import { migrate, schemaSql, sqlGrantStore, sqlMigrations } from 'jit-access/sql';
import type { SqlDatabase, SqlDialect, SqlGrantStoreOptions } from 'jit-access/sql';
import { aChange, aRow } from 'jit-access/testing';
import { CamelCasePlugin, CompiledQuery } from 'kysely';
import type { Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GrantStore } from '../../../src/core/store-port.js';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

interface Database {
  kysely(): Kysely<unknown>;
  /** What a store reads through, instead of Kysely. */
  reader(): SqlGrantStoreOptions['read'];
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
    return { kysely: () => file.kysely(), reader: () => file.handle(), stop: () => file.remove() };
  },
  async postgres() {
    const postgres = await server.empty();
    return { kysely: () => kyselyOn(postgres.pool()), reader: () => postgres.pool(), stop: () => postgres.stop() };
  },
};

describe('migrate() on PostgreSQL', () => {
  it('creates the tables in the schema of the connection, also where other schemas of the database have them', async () => {
    const databases = [await server.empty(), await server.empty()];
    try {
      for (const database of databases) {
        const db = kyselyOn(database.pool());
        for (let calls = 0; calls < 2; calls++) await migrate({ db, dialect: 'postgres' });
        const store = sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments' });
        expect(await store.commit(aChange({ put: [aRow()] }))).toMatchObject({ outcome: 'committed' });
      }
    } finally {
      for (const database of databases) await database.stop();
    }
  });

  it('upgrades the tables that the search path finds, whichever of its schemas has them', async () => {
    const database = await server.empty();
    try {
      await migrate({ db: kyselyOn(database.pool()), dialect: 'postgres' });
      await database.sql('create schema "Odd-name"');
      const url = new URL(database.url);
      url.searchParams.set('options', `${url.searchParams.get('options')?.replace('=', '="Odd-name",')}`);
      const later = kyselyOn(database.pool({ connectionString: url.href }));
      expect((await later.executeQuery(CompiledQuery.raw('select current_schema() as it'))).rows).toEqual([{ it: 'Odd-name' }]);
      await migrate({ db: later, dialect: 'postgres' });
      expect(await database.sql(`select * from pg_tables where schemaname = 'Odd-name'`)).toEqual([]);
    } finally {
      await database.sql('drop schema if exists "Odd-name" cascade');
      await database.stop();
    }
  });

  it('creates the tables in a schema whose name must be quoted', async () => {
    const database = await server.empty();
    try {
      await database.sql('create schema "Odd-name"');
      const url = new URL(database.url);
      url.searchParams.set('options', '-c search_path="Odd-name"');
      const db = kyselyOn(database.pool({ connectionString: url.href }));
      for (let calls = 0; calls < 2; calls++) await migrate({ db, dialect: 'postgres' });
      expect(
        await database.sql(`select count(*)::int as n from pg_tables where schemaname = 'Odd-name' and tablename = 'jit_rows'`),
      ).toEqual([{ n: 1 }]);
    } finally {
      await database.sql('drop schema if exists "Odd-name" cascade');
      await database.stop();
    }
  });
});

/** Numbers between which layout 1 does not lie, and what the error says. */
const REFUSED = [
  ['update jit_schema set version = 3, readable_from = 2', 'layout 3, readable from layout 2; this process knows layout 1: update it'],
  ['update jit_schema set version = 0, readable_from = 0', 'layout 0, readable from layout 0; layout 1 is needed: run migrate()'],
  ['delete from jit_schema', 'layout 0, readable from layout 0; layout 1 is needed: run migrate()'],
] as const;

describe.each(Object.keys(databases) as SqlDialect[])('the schema on %s', (dialect) => {
  let database: Database;
  let db: Kysely<unknown>;
  beforeEach(async () => {
    database = await databases[dialect]();
    db = database.kysely();
  });
  afterEach(() => database.stop());

  const run = async (sql: string, on: SqlDatabase = db) =>
    (await on.executeQuery(CompiledQuery.raw(sql))).rows as Record<string, unknown>[];
  const store = (on = db) => sqlGrantStore({ db: on, dialect, namespace: 'payments' });
  const commit = (on = db) => store(on).commit(aChange({ id: randomUUID(), put: [aRow({ id: randomUUID() })] }));

  it('is created once, for any number of concurrent and repeated calls', async () => {
    await Promise.all([1, 2, 3].map(() => migrate({ db, dialect })));
    await migrate({ db: database.kysely(), dialect });
    expect(await run('select version from jit_schema')).toHaveLength(1);
    expect(await commit()).toMatchObject({ outcome: 'committed' });
  });

  it('is the same where the printed script creates it', async () => {
    for (const statement of schemaSql(dialect).split(';\n')) if (statement.trim() !== '') await run(statement);
    expect(await commit()).toMatchObject({ outcome: 'committed' });
  });

  it('is the same where another migrator creates it', async () => {
    for (const migration of Object.values(sqlMigrations(dialect))) await migration.up(db);
    expect(await commit()).toMatchObject({ outcome: 'committed' });
  });

  it('makes every method reject while it is missing, and is used once it exists', async () => {
    const early = store();
    const calls: (() => unknown)[] = [
      () => early.get([aRow()]),
      () => early.live({ subject: 'user:maya', at: 0 }),
      () => early.find({ kind: 'grant', limit: 1 }),
      () => early.due({ at: 0, limit: 1 }),
      () => early.journal({ after: 0, limit: 1 }),
      () => early.commit(aChange()),
    ];
    for (const call of calls)
      await expect(Promise.resolve().then(call)).rejects.toMatchObject({
        code: 'ERR_JIT_STORE',
        message: expect.stringContaining('; call migrate({ db, dialect }) before the first use') as string,
      });
    await migrate({ db, dialect });
    for (const call of calls) await expect(Promise.resolve().then(call)).resolves.toBeDefined();
  });

  it('is refused outside of the range of this version, and the error says what to do', async () => {
    await migrate({ db, dialect });
    for (const [change, remedy] of REFUSED) {
      await run(change);
      const refusal = { code: 'ERR_JIT_LAYOUT', message: expect.stringContaining(remedy) as string };
      await expect(commit()).rejects.toMatchObject(refusal);
      await expect(Promise.resolve().then(() => store().live({ subject: 'user:maya', at: 0 }))).rejects.toMatchObject(refusal);
    }
  });

  it('is left as it is by a version that may use it, and refused by one that may not', async () => {
    expect(await migrate({ db, dialect })).toEqual({ version: 1, readableFrom: 1, rewritten: 0 });
    await run('update jit_schema set version = 7');
    expect(await migrate({ db, dialect, contract: true })).toEqual({ version: 7, readableFrom: 1, rewritten: 0 });
    expect(await commit()).toMatchObject({ outcome: 'committed' });
    await run('update jit_schema set readable_from = 2');
    await expect(migrate({ db, dialect })).rejects.toMatchObject({ code: 'ERR_JIT_LAYOUT', version: 7, readableFrom: 2, needed: 1 });
  });

  it('takes no change that a process in the range cannot read, before the contract', async () => {
    await migrate({ db, dialect });
    const needing = (needs: number, id: string) => store().commit(aChange({ id: randomUUID(), put: [aRow({ id })], needs }));
    await run('update jit_schema set version = 7');
    // Twice more than a guess needs.
    for (let i = 0; i < 4; i++) expect(await commit()).toMatchObject({ outcome: 'committed' });
    const { head } = await store().journal({ after: 0, limit: 1 });
    await expect(needing(2, 'early')).rejects.toMatchObject({ code: 'ERR_JIT_LAYOUT', version: 7, readableFrom: 1, needed: 2 });
    expect(await store().get([aRow({ id: 'early' })])).toEqual([undefined]);
    expect((await store().journal({ after: 0, limit: 1 })).head).toEqual(head);
    expect(await needing(1, 'now')).toMatchObject({ outcome: 'committed' });
  });

  it('rejects rows and entries that no store writes', async () => {
    await migrate({ db, dialect });
    const open = dialect === 'postgres' ? 'true' : '1';
    const insert = (over: Record<string, string>) => {
      const row = {
        namespace: "'n'",
        kind: "'grant'",
        id: "'x'",
        version: '1',
        open,
        created_at: '5',
        until_at: '5',
        body: "'{}'",
        ...over,
      };
      return run(`insert into jit_rows (${Object.keys(row).join()}) values (${Object.values(row).join()})`);
    };
    const bad = [
      { created_at: 'null' },
      { created_at: '-1' },
      { created_at: "'soon'" },
      { sort_at: '8640000000000001' },
      { until_at: "'soon'" },
      { until_at: '-1' },
      { until_at: '8640000000000001' },
      { from_at: '9007199254740993' },
      { version: '0' },
      { version: 'null' },
      { open: dialect === 'postgres' ? 'null' : '2' },
      { body: "'{'" },
      { kind: 'null' },
    ];
    for (const over of bad) await expect(insert(over as Record<string, string>), JSON.stringify(over)).rejects.toThrow();
    await insert({});
    await expect(insert({}), 'the same key twice').rejects.toThrow();
  });

  it('shows requests and grants in a SQL view, which refuses writes', async () => {
    await migrate({ db, dialect });
    const engine = new JitEngine({ approver: reviewers({ members: ['user:noor'] }), store: store() });
    const { request } = await engine.requestAccess({ subject: 'user:～maya', scope: 'db:write', ttl: '30m', justification: 'INC-1' });
    await engine.approve(request.id, { by: 'user:noor' });
    const rows = await run(`select kind, id, request_id, subject, scope, ended, justification from jit_access order by kind`);
    expect(rows).toMatchObject([
      { kind: 'grant', id: `${request.id}.1`, request_id: request.id, subject: 'user:～maya', scope: 'db:write', ended: null },
      { kind: 'request', id: request.id, subject: 'user:～maya', ended: 'approved', justification: 'INC-1' },
    ]);
    await expect(run(`update jit_access set subject = 'user:noor'`)).rejects.toThrow();
    await expect(run(`delete from jit_access`)).rejects.toThrow();
    await engine.close();
  });

  it('is used without the plugins of a Kysely instance', async () => {
    const camel = db.withPlugin(new CamelCasePlugin());
    await migrate({ db: camel, dialect });
    expect(await commit(camel)).toMatchObject({ outcome: 'committed' });
    expect((await store(camel).find({ kind: 'grant', limit: 5 })).items).toHaveLength(1);
  });
});

/** What a layout may add. A prepared statement that lists `*` would fail: its result has changed. */
const EXPANSION = [
  'alter table jit_rows add column label text',
  'alter table jit_journal add column label text',
  'alter table jit_heads add column label text',
  'create index jit_rows_label on jit_rows (namespace, label) where label is not null',
  'create table jit_labels (label text)',
  'update jit_schema set version = 2',
];

/** The message of the refusal, or 'answered'. */
const answerOf = (call: () => unknown): Promise<string> =>
  Promise.resolve()
    .then(call)
    .then(
      () => 'answered',
      (error: unknown) => (error as Error).message,
    );

describe.each(Object.keys(databases) as SqlDialect[])(
  'a store on %s whose schema another version migrates while it runs [V10]',
  (dialect) => {
    let database: Database;
    let db: Kysely<unknown>;
    let store: GrantStore;
    beforeEach(async () => {
      database = await databases[dialect]();
      db = database.kysely();
      await migrate({ db, dialect });
      store = sqlGrantStore({ db, dialect, namespace: 'payments', read: database.reader() });
      await commit();
    });
    afterEach(() => database.stop());

    const run = (sql: string) => db.executeQuery(CompiledQuery.raw(sql));
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
      await run('update jit_schema set version = 2, readable_from = 2');
      expect(await answerOf(commit)).toContain('this process knows layout 1: update it');
      expect(await answerOf(() => store.in('tenant-b').commit(aChange()))).toContain('this process knows layout 1: update it');
      await run('update jit_schema set version = 1, readable_from = 1');
      expect((await store.journal({ after: 0, limit: 1 })).head).toEqual(head);
      expect(await commit()).toMatchObject({ outcome: 'committed' });
    });

    it.each(Object.keys(reads))('refuses %s, with the layout in the same query', async (method) => {
      const read = reads[method] as () => unknown;
      expect(await answerOf(read)).toBe('answered');
      for (const [change, remedy] of REFUSED) {
        await run(change);
        expect(await answerOf(read)).toContain(remedy);
      }
      await run('insert into jit_schema values (2, 1)');
      expect(await answerOf(read)).toBe('answered');
    });

    it('continues while a newer version adds a column, an index and a table', async () => {
      for (const sql of EXPANSION) {
        await run(sql);
        for (const read of Object.values(reads)) expect(await answerOf(read), sql).toBe('answered');
        expect(await commit(), sql).toMatchObject({ outcome: 'committed' });
      }
    });
  },
);

describe('sqlGrantStore()', () => {
  const db = { executeQuery() {}, connection() {}, withoutPlugins: () => db } as unknown as SqlDatabase;

  it.each([
    ['options', undefined],
    ['options', { db, dialect: 'sqlite', url: 'x' }],
    ['db', { dialect: 'sqlite' }],
    ['db', { db: {}, dialect: 'sqlite' }],
    ['dialect', { db }],
    ['dialect', { db, dialect: 'mysql' }],
    ['namespace', { db, dialect: 'sqlite' }],
    ['namespace', { db, dialect: 'sqlite', namespace: undefined }],
    ['namespace', { db, dialect: 'sqlite', namespace: '' }],
    ['namespace', { db, dialect: 'sqlite', namespace: null }],
    ['read', { db, dialect: 'sqlite', namespace: 'payments', read: null }],
    ['read', { db, dialect: 'sqlite', namespace: 'payments', read: { query() {}, connect() {}, on() {} } }],
    ['read', { db, dialect: 'postgres', namespace: 'payments', read: { prepare() {}, inTransaction: false } }],
    ['timeoutMs', { db, dialect: 'sqlite', namespace: 'payments', timeoutMs: 0 }],
    ['timeoutMs', { db, dialect: 'sqlite', namespace: 'payments', timeoutMs: 600_001 }],
    ['timeoutMs', { db, dialect: 'sqlite', namespace: 'payments', timeoutMs: '5s' }],
  ])('refuses an invalid %s by name', (argument, options) => {
    expect(() => sqlGrantStore(options as never)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error);
  });

  it('states its durability, and has watch only where the database can notify', () => {
    const sqlite = sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments' });
    const postgres = sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments' });
    expect([sqlite.namespace, sqlite.durability, sqlite.watch, postgres.durability, postgres.watch]).toEqual([
      'payments',
      'process',
      undefined,
      'server',
      undefined,
    ]);
  });

  it('refuses an unknown cursor in due()', async () => {
    const store = sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments' });
    for (const after of ['', 'x', '[]', '[1,"grant"]', '["1","grant","x"]']) {
      await expect(store.due({ at: 0, limit: 1, after })).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'after' });
    }
  });
});
