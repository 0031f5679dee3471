import { randomUUID } from 'node:crypto';
import { sqlGrantStore, resilientPool } from 'jit-access/sql';
import { storeContract } from 'jit-access/testing';
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRequired } from '../required.js';
import { hasPooler, Pooler } from '../stores/sql/pooler.js';
import { Postgres } from '../stores/sql/postgres.js';

const LEFT_OUT = 'there is no pgbouncer on the PATH';

const ways = {
  'that keeps prepared statements': { prepared: 200, prepare: true },
  'without prepared statements': { prepared: 0, prepare: false },
};

if (hasPooler) {
  describe.each(Object.entries(ways))(
    'sqlGrantStore on PostgreSQL behind a pooler in transaction mode %s',
    (name, { prepared, prepare }) => {
      let postgres: Postgres;
      let pooler: Pooler;
      let pools: readonly [pg.Pool, pg.Pool];
      beforeAll(async () => {
        postgres = await Postgres.migrated({ own: true });
        pooler = await Pooler.before(postgres.url, { prepared });
        const pool = () => postgres.pool({ connectionString: pooler.url, max: 4 });
        pools = [pool(), pool()];
      });
      afterAll(async () => {
        for (const pool of pools) await pool.end();
        await pooler.stop();
        await postgres.stop();
      });

      const open = (pool: pg.Pool, namespace: string, prepares = prepare) => {
        const dialect = new PostgresDialect({ pool: resilientPool(pool, { prepare: prepares }) });
        return sqlGrantStore({ db: new Kysely({ dialect }), dialect: 'postgres', namespace });
      };

      storeContract(
        { describe, it },
        {
          name,
          create: () => open(pools[0], randomUUID()),
          reopen: (store) => open(pools[1], store.namespace),
          breakBackend: () => postgres.hideTables(),
        },
      );

      if (!prepare)
        it('rejects with advice where a prepared statement is used on another connection', async () => {
          const [mine, another] = [1, 1].map((max) => postgres.heardPool({ connectionString: pooler.url, max })) as [pg.Pool, pg.Pool];
          const store = open(mine, randomUUID(), true);
          await store.journal({ after: 0, limit: 1 });
          // It takes and keeps the connection on which the statement was prepared.
          const client = await another.connect();
          await client.query('begin');
          await expect(store.journal({ after: 0, limit: 1 })).rejects.toThrow(
            /the database query failed \(26000\): .* does not exist; behind a pooler use resilientPool\(pool, \{ prepare: false \}\) and omit read$/,
          );
          await client.query('rollback');
          client.release();
          for (const pool of [mine, another]) await pool.end();
        });
    },
  );
} else {
  console.warn(`left out: the SQL store behind a pooler (${LEFT_OUT})`);
  it(`sqlGrantStore behind a pooler is skipped: ${LEFT_OUT}`, () => {
    if (isRequired('pgbouncer')) throw new Error(`JIT_TEST_REQUIRE demands pgbouncer: ${LEFT_OUT}`);
  });
}
