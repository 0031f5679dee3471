import { randomUUID } from 'node:crypto';
import { sqlGrantStore } from 'jit-access/sql';
import { storeContract } from 'jit-access/testing';
import type pg from 'pg';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { kyselyOn, Postgres } from '../stores/sql/postgres.js';

// A server is started and stopped here, on a machine that may be busy.
vi.setConfig({ hookTimeout: 60_000 });

const ways = {
  'through Kysely alone': (pool: pg.Pool, namespace: string) => sqlGrantStore({ db: kyselyOn(pool), dialect: 'postgres', namespace }),
  'with reads through the pool': (pool: pg.Pool, namespace: string) =>
    sqlGrantStore({ db: kyselyOn(pool), dialect: 'postgres', namespace, read: pool }),
};

describe.each(Object.entries(ways))('sqlGrantStore on PostgreSQL, %s', (name, open) => {
  let postgres: Postgres;
  let pool: pg.Pool;
  let other: pg.Pool;
  beforeAll(async () => {
    postgres = await Postgres.migrated();
    pool = postgres.pool({ max: 4 });
    other = postgres.pool({ max: 4 });
  });
  afterAll(() => postgres.stop());

  storeContract(
    { describe, it },
    {
      name,
      create: () => open(pool, randomUUID()),
      reopen: (store) => open(other, store.namespace),
      breakBackend: () => postgres.hideTables(),
    },
  );
});
