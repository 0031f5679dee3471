import { autoApprove, JitEngine } from 'jit-access';
import { fromBunSqlite, fromNodeSqlite, sqlGrantStore, type SqliteHandle } from 'jit-access/sql';
import { ManualClock } from 'jit-access/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteFile } from './sqlite.js';

describe('fromNodeSqlite() and fromBunSqlite()', () => {
  const statement = { all() {}, get() {}, run() {}, iterate() {} };
  const database = { prepare: () => statement, close() {} };

  it.each([
    [() => fromNodeSqlite(database as never), /Node 22\.16 or newer \(missing: isTransaction\)/],
    [() => fromNodeSqlite({ ...database, isTransaction: false } as never), /\(missing: prepare\(\)\.columns\)/],
    [() => fromBunSqlite(database as never), /Bun 1\.1\.31 or newer \(missing: inTransaction\)/],
    [() => fromBunSqlite({ ...database, inTransaction: false } as never), /\(missing: prepare\(\)\.columnNames\)/],
    [() => fromNodeSqlite(undefined as never), /\(missing: prepare, close, isTransaction\)/],
  ])('reject a driver with missing methods by name (%#)', (open, problem) => {
    expect(open).toThrow(problem);
    expect(open).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'database' }) as Error);
  });

  it("return SQLite's code of a failure, by which the store recognises temporary failures", () => {
    const fails = (errcode: number) => ({
      ...database,
      isTransaction: false,
      prepare: () => ({
        ...statement,
        columns: () => [],
        run() {
          throw Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode });
        },
      }),
    });
    for (const [errcode, code] of [
      [5, 'SQLITE_BUSY'],
      [517, 'SQLITE_BUSY'],
      [6, 'SQLITE_LOCKED'],
      [2067, 'SQLITE_CONSTRAINT'],
      [999, 'ERR_SQLITE_ERROR'],
    ] as const) {
      const handle = fromNodeSqlite(fails(errcode) as never);
      expect(() => handle.prepare('begin').run([])).toThrow(expect.objectContaining({ code, message: 'database is locked' }) as Error);
    }
  });

  it('return `undefined` where there is no row, for which Bun returns null', () => {
    const prepare = () => ({ ...statement, columnNames: ['id'], get: () => null, all: (...values: unknown[]) => values });
    const handle: SqliteHandle = fromBunSqlite({ ...database, prepare, inTransaction: true } as never);
    const prepared = handle.prepare('select id from jit_rows where id = ?');
    expect([handle.inTransaction, prepared.get(['r1']), prepared.all(['r1', 2])]).toEqual([true, undefined, ['r1', 2]]);
  });
});

describe('a separate handle for reads', () => {
  let file: SqliteFile;
  beforeEach(async () => {
    file = await SqliteFile.migrated();
  });
  afterEach(() => file.remove());

  const ASK = { subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' } as const;
  const begin = async (read: SqliteHandle) => {
    const store = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: 'payments', read });
    const engine = new JitEngine({ store, approver: autoApprove(() => true), clock: new ManualClock() });
    await engine.requestAccess(ASK);
    const [grant] = (await engine.listGrants({ subject: ASK.subject })).items;
    return { engine, id: grant?.id ?? '' };
  };

  it('L1 shows no row that its own open transaction has not committed', async () => {
    const read = file.handle();
    const { engine, id } = await begin(read);
    const columns = (read.prepare('pragma table_info(jit_rows)').all([]) as { name: string }[]).map(({ name }) => name).join();
    read.exec(`create temp table kept as select ${columns} from jit_rows`);
    await engine.revoke(id, { by: 'user:sam', reason: 'done' });
    read.exec(`begin; delete from jit_rows; insert into jit_rows (${columns}) select ${columns} from kept`);
    expect(await engine.isAllowed(ASK.subject, ASK.scope)).toBe(false);
    expect(await engine.getGrant(id)).toMatchObject({ status: 'revoked' });
    read.exec('rollback');
    expect(await engine.isAllowed(ASK.subject, ASK.scope)).toBe(false);
  });

  it.each([
    { what: 'is locked', code: 'SQLITE_BUSY' },
    { what: 'cannot be read', code: 'SQLITE_IOERR' },
  ])('L30 answers what is committed, or rejects, where the file $what', async ({ code }) => {
    const read: SqliteHandle = file.handle();
    let fails = false;
    const refused = () => {
      if (fails) throw Object.assign(new Error('the file'), { code });
    };
    const { engine, id } = await begin({
      inTransaction: false,
      prepare(sql) {
        const prepared = read.prepare(sql);
        return { all: (values) => (refused(), prepared.all(values)), get: (values) => (refused(), prepared.get(values)) };
      },
    });
    fails = true;
    const answers = Promise.all([engine.isAllowed(ASK.subject, ASK.scope), engine.getGrant(id)]);
    if (code === 'SQLITE_BUSY') await expect(answers).resolves.toMatchObject([true, { status: 'active' }]);
    else await expect(answers).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
  });
});
