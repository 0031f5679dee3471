import { randomUUID } from 'node:crypto';
import { autoApprove, JitEngine, type GrantStore } from 'jit-access';
import { sqlGrantStore, type SqlDatabase } from 'jit-access/sql';
import { aChange, anEntry } from 'jit-access/testing';
import { createView } from 'jit-access/view';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kyselyOn, Postgres } from './postgres.js';
import { Proxy } from '../proxy.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await Postgres.migrated();
});
afterAll(() => postgres.stop());

const open = (pool: pg.Pool, namespace: string = randomUUID()) =>
  sqlGrantStore({ db: kyselyOn(pool), dialect: 'postgres', namespace, read: pool });

let changes = 0;
const commit = (store: GrantStore) =>
  store.commit(aChange({ id: `c${++changes}`, append: [anEntry({ namespace: store.namespace, id: `c${changes}.1` })] }));

/** Counts wakes, and waits for the next. */
class Ear {
  wakes = 0;
  #next: (() => void)[] = [];
  readonly stop: () => void;

  constructor(store: GrantStore) {
    this.stop = (store as Required<GrantStore>).watch(() => {
      this.wakes += 1;
      for (const next of this.#next.splice(0)) next();
    });
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#next.push(resolve));
  }
}

const listening = async (): Promise<number> =>
  (await postgres.sql(`select pid from pg_stat_activity where query like '/*%*/ listen jit_access'`)).length;

describe('watch() on PostgreSQL', () => {
  it('wakes for commits of other processes in the watched namespace, and uses one connection for all watchers', async () => {
    const pool = postgres.pool();
    const store = open(pool);
    const [mine, theirs, another] = [new Ear(store), new Ear(store.in('another')), new Ear(store)];
    await Promise.all([mine.next(), theirs.next(), another.next()]);
    const before = theirs.wakes;
    const woken = Promise.all([mine.next(), another.next()]);
    await commit(open(postgres.pool(), store.namespace));
    await woken;
    expect(theirs.wakes).toBe(before);
    expect(await listening()).toBe(1);
    for (const ear of [mine, theirs, another]) ear.stop();
  });

  it('releases its connection with the last watcher, and takes a new one for the next', async () => {
    const pool = postgres.pool();
    const store = open(pool);
    for (let round = 0; round < 2; round++) {
      const ear = new Ear(store);
      await ear.next();
      const removed = new Promise((resolve) => pool.once('remove', resolve));
      ear.stop();
      ear.stop();
      await removed;
    }
    expect(pool.totalCount).toBe(pool.idleCount);
  });

  it('releases a connection that arrives after the last watcher has stopped', async () => {
    const pool = postgres.pool();
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    new Ear(open(pool)).stop();
    await removed;
    await pool.end();
    expect(pool.totalCount).toBe(0);
  });

  it('reconnects after the server closed its connection, and wakes for commits in the meantime', async () => {
    const pool = postgres.pool();
    const store = open(pool);
    const ear = new Ear(store);
    await ear.next();
    const woken = ear.next();
    await postgres.sql(`select pg_terminate_backend(pid) from pg_stat_activity where query like '/*%*/ listen jit_access'`);
    await woken;
    const again = ear.next();
    await commit(store);
    await again;
    ear.stop();
  });

  it('reconnects once a stopped server is back, without an uncaught error in the process', async () => {
    const proxy = await Proxy.to(postgres.url);
    const pool = postgres.pool({ connectionString: proxy.url });
    const store = open(pool);
    const ear = new Ear(store);
    await ear.next();
    proxy.refuse();
    await expect(commit(store)).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    const woken = ear.next();
    proxy.mend();
    await woken;
    expect(await commit(store)).toMatchObject({ outcome: 'committed' });
    ear.stop();
    await proxy.close();
  });

  it('still wakes the other watchers when one throws', async () => {
    const store = open(postgres.pool());
    const stop = (store as Required<GrantStore>).watch(() => {
      throw new Error('from a watcher');
    });
    const ear = new Ear(store);
    await ear.next();
    const woken = ear.next();
    await commit(store);
    await woken;
    stop();
    ear.stop();
  });

  it('is missing where a process was killed between COMMIT and NOTIFY: a view beside it denies at its next poll (L41)', async () => {
    const namespace = randomUUID();
    const killed = kyselyOn(postgres.pool());
    // The process has committed, and sends nothing more.
    const db: SqlDatabase = {
      withoutPlugins: () => db,
      executeQuery: (query) => (query.sql.includes('pg_notify') ? new Promise(() => undefined) : killed.executeQuery(query)),
      connection: () => killed.connection(),
    };
    const store = sqlGrantStore({ db, dialect: 'postgres', namespace });
    const engine = new JitEngine({ store, approver: autoApprove(() => true) });
    await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' });
    const beside = open(postgres.pool(), namespace);
    const ear = new Ear(beside);
    await ear.next();
    const view = createView({ store: beside, maxStaleMs: 60_000, pollMs: 20 });
    await view.refresh();
    expect(view.isAllowed('user:maya', 'db-prod:write')).toBe(true);
    const { wakes } = ear;
    await engine.revokeAll({ subject: 'user:maya' }, { by: 'user:sam' });
    await vi.waitUntil(() => !view.isAllowed('user:maya', 'db-prod:write'), { timeout: 30_000, interval: 5 });
    expect(ear.wakes).toBe(wakes);
    view.close();
    ear.stop();
  });
});
