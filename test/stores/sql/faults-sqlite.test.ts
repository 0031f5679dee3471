import { autoApprove, JitEngine } from 'jit-access';
import { sqlGrantStore, resilientHandle } from 'jit-access/sql';
import { aChange, anEntry, aRow, ManualClock } from 'jit-access/testing';
import { Kysely, SqliteDialect } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectFailover } from '../failover.js';
import { withstand } from '../withstand.js';
import { readOnlyHandle } from './drivers.js';
import { SqliteFile } from './sqlite.js';

describe('sqlGrantStore on a file that cannot be written', () => {
  let file: SqliteFile;
  beforeEach(async () => {
    file = await SqliteFile.migrated();
  });
  afterEach(() => file.remove());

  const ways = ['through Kysely', 'straight'];

  it.each(ways)('writes nothing where the disk is full, and answers reads %s (L30)', async (way) => {
    const handle = file.handle();
    const read = way === 'straight' ? file.handle() : undefined;
    await withstand({
      store: sqlGrantStore({ db: file.kysely(handle), dialect: 'sqlite', namespace: 'payments', read }),
      // The limit is never below the current size: no new page is possible.
      begin: () => handle.exec('pragma max_page_count = 1'),
      end: () => handle.exec('pragma max_page_count = 1000000'),
      says: /SQLITE_FULL.*full/,
      reads: 'go on',
    });
  });

  it.each(ways)('writes nothing where the file is read-only, and answers reads %s (L30)', async (way) => {
    const [writable, readable] = [file.handle(), readOnlyHandle(file.path)];
    const [whole, limited] = [resilientHandle(writable), resilientHandle(readable)];
    let now = whole;
    const database: typeof whole = { prepare: (sql) => now.prepare(sql), close: () => undefined };
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
    await withstand({
      store: sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments', read: way === 'straight' ? readable : undefined }),
      begin: () => (now = limited),
      end: () => (now = whole),
      says: /SQLITE_READONLY.*readonly/,
      reads: 'go on',
    });
    readable.close();
  });
});

describe('a commit on SQLite', () => {
  it('writes no row where the file refuses its entry (L25)', async () => {
    const file = await SqliteFile.migrated();
    const handle = file.handle();
    const store = sqlGrantStore({ db: file.kysely(handle), dialect: 'sqlite', namespace: 'payments' });
    const change = aChange({ put: [aRow()], append: [anEntry({ namespace: 'payments' })] });
    handle.exec(`create trigger refuse before insert on jit_journal begin select raise(abort, 'no entry'); end`);
    await expect(store.commit(change)).rejects.toMatchObject({ code: 'ERR_JIT_STORE', operation: 'commit' });
    expect(await store.get([aRow()])).toEqual([undefined]);
    handle.exec('drop trigger refuse');
    expect(await store.commit(change)).toMatchObject({ outcome: 'committed', head: { seq: 1 } });
    file.remove();
  });
});

describe('a COMMIT that fails on SQLite', () => {
  /** How the handle answers to COMMIT. SQLite leaves the transaction open, or has rolled it back. */
  const WAYS: Readonly<Record<string, { readonly code: string; readonly leaves: 'open' | 'rolled back' | 'committed' }>> = {
    'a full disk, transaction left open': { code: 'SQLITE_FULL', leaves: 'open' },
    'a full disk, transaction rolled back': { code: 'SQLITE_FULL', leaves: 'rolled back' },
    'a disk error, transaction left open': { code: 'SQLITE_IOERR_WRITE', leaves: 'open' },
    'a disk error, transaction rolled back': { code: 'SQLITE_IOERR_WRITE', leaves: 'rolled back' },
    'a disk error, transaction committed': { code: 'SQLITE_IOERR_FSYNC', leaves: 'committed' },
  };

  it.each(Object.entries(WAYS))('L31 [ST4] is refused whole where nothing can have been applied, and else unknown: %s', async (_, way) => {
    const file = await SqliteFile.migrated();
    const handle = file.handle();
    const steady = resilientHandle(handle);
    let isFailing = false;
    const database: typeof steady = {
      close: () => steady.close(),
      prepare(sql) {
        const statement = steady.prepare(sql);
        if (sql !== 'commit') return statement;
        return {
          ...statement,
          run(values) {
            if (!isFailing) return statement.run(values);
            if (way.leaves === 'committed') statement.run(values);
            if (way.leaves === 'rolled back') handle.exec('rollback');
            throw Object.assign(new Error('the disk'), { code: way.code });
          },
        };
      },
    };
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
    const store = sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments' });
    const isCertain = way.code === 'SQLITE_FULL' || way.leaves === 'open';
    // The clock stands still: an engine that sent the change again would wait for ever.
    const limits = isCertain ? {} : { resendMs: 0 };
    const engine = new JitEngine({ store, approver: autoApprove(() => true), clock: new ManualClock(), onError: () => undefined, limits });
    const ask = () => engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' });
    expect(await engine.isAllowed('user:maya', 'db-prod:write')).toBe(false);
    isFailing = true;
    await expect(ask()).rejects.toMatchObject({ code: isCertain ? 'ERR_JIT_STORE' : 'ERR_JIT_OUTCOME_UNKNOWN' });
    expect(handle.inTransaction).toBe(false);
    expect((await store.journal({ after: 0, limit: 9 })).head.seq > 0).toBe(way.leaves === 'committed');
    isFailing = false;
    expect(await ask()).toMatchObject({ outcome: 'granted' });
    file.remove();
  });
});

describe('an engine on a file whose disk fails', () => {
  it('L31 returns the outcome of a verb whose reply was lost five seconds before the disk is back', async () => {
    const file = await SqliteFile.migrated();
    const steady = resilientHandle(file.handle());
    let disk: 'there' | 'goes at COMMIT' | 'gone' = 'there';
    const gone = () => Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
    const database: typeof steady = {
      close: () => steady.close(),
      prepare(sql) {
        const statement = steady.prepare(sql);
        const guarded = <T>(run: () => T): T => {
          if (disk === 'gone') throw gone();
          const result = run();
          if (disk === 'goes at COMMIT' && sql.startsWith('commit')) {
            disk = 'gone';
            throw gone();
          }
          return result;
        };
        return {
          reader: statement.reader,
          all: (values) => guarded(() => statement.all(values)),
          run: (values) => guarded(() => statement.run(values)),
          iterate: (values) => statement.iterate(values),
        };
      },
    };
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
    const options = { dialect: 'sqlite', namespace: 'payments' } as const;
    await expectFailover({
      store: sqlGrantStore({ ...options, db }),
      near: sqlGrantStore({ ...options, db: file.kysely() }),
      begin: () => (disk = 'goes at COMMIT'),
      end: () => (disk = 'there'),
    });
    file.remove();
  });
});
