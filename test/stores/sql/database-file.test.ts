import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { autoApprove, JitEngine } from 'jit-access';
import { migrate, sqlGrantStore } from 'jit-access/sql';
import { aChange, ManualClock } from 'jit-access/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteFile } from './sqlite.js';

const asked = { subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' } as const;

describe('a SQLite file that is replaced while a process uses it (L41)', () => {
  let file: SqliteFile;
  let engine: JitEngine;
  beforeEach(async () => {
    file = await SqliteFile.migrated();
    engine = open({ withRead: true });
    await engine.requestAccess(asked);
    expect(await engine.isAllowed(asked.subject, asked.scope)).toBe(true);
  });
  afterEach(() => file.remove());

  function open({ withRead }: { readonly withRead: boolean }): JitEngine {
    const read = withRead ? { read: file.handle() } : {};
    const store = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: 'payments', ...read });
    return new JitEngine({ store, approver: autoApprove(() => true), clock: new ManualClock() });
  }

  const removeFile = () => {
    for (const end of ['', '-wal', '-shm']) rmSync(file.path + end, { force: true });
  };

  it('rejects checks once the file was deleted, where the next process starts with an empty file', async () => {
    removeFile();
    await migrate({ db: file.kysely(), dialect: 'sqlite' });
    await open({ withRead: true }).revokeAll({ subject: asked.subject }, { by: 'user:sam', reason: 'left' });
    await expect(engine.isAllowed(asked.subject, asked.scope)).rejects.toThrow(/access\.db was replaced while this process had it open/);
  });

  it('rejects checks once the file was deleted where it reads only through Kysely', async () => {
    const plain = open({ withRead: false });
    expect(await plain.isAllowed(asked.subject, asked.scope)).toBe(true);
    removeFile();
    await expect(plain.isAllowed(asked.subject, asked.scope)).rejects.toThrow(/access\.db was deleted while this process had it open/);
  });

  it('rejects commits once the file was deleted', async () => {
    const store = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: 'payments' });
    expect(await store.commit(aChange())).toMatchObject({ outcome: 'committed' });
    removeFile();
    await expect(store.commit(aChange())).rejects.toThrow(/access\.db was deleted while this process had it open/);
    await expect(engine.revokeAll({ subject: asked.subject }, { by: 'user:sam', reason: 'left' })).rejects.toThrow(/was deleted/);
  });

  it('rejects checks once a backup has replaced the file', async () => {
    copyFileSync(file.path, `${file.path}.backup`);
    renameSync(`${file.path}.backup`, file.path);
    await expect(engine.isAllowed(asked.subject, asked.scope)).rejects.toThrow(/was replaced while this process had it open/);
    await expect(engine.revokeAll({ subject: asked.subject }, { by: 'user:sam', reason: 'left' })).rejects.toThrow();
  });

  it('continues while other programs vacuum, checkpoint and read the file', async () => {
    const other = file.handle();
    other.exec('pragma wal_checkpoint(truncate)');
    other.exec('vacuum');
    expect(await engine.isAllowed(asked.subject, asked.scope)).toBe(true);
    expect(await open({ withRead: false }).isAllowed(asked.subject, asked.scope)).toBe(true);
  });

  it('refuses a read handle on a database in memory, where a revoke would have no effect', async () => {
    const memory = SqliteFile.at(':memory:');
    await migrate({ db: file.kysely(memory), dialect: 'sqlite' });
    const store = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: 'payments', read: memory });
    await expect(store.find({ kind: 'grant', limit: 1 })).rejects.toThrow(
      /read must be a handle on the same database as db \(.+access\.db\); it is on a database in memory/,
    );
    memory.close();
  });

  it('refuses a read handle on another file', async () => {
    const another = await SqliteFile.migrated();
    const store = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: 'payments', read: another.handle() });
    await expect(Promise.resolve().then(() => store.live({ subject: asked.subject, at: 0 }))).rejects.toThrow(
      /read must be a handle on the same database as db \(.+access\.db\); it is on .+access\.db/,
    );
    another.remove();
  });
});
