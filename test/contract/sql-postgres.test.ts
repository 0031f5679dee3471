import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import { sqlGrantStore, type OnCommit } from 'jit-access/sql';
import { storeContract } from 'jit-access/testing';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Proxy } from '../stores/proxy.js';
import { atIsolation, isPostgresJs, kyselyOn, Postgres } from '../stores/sql/postgres.js';
import { SqlTexts } from '../stores/sql/sql-texts.js';

interface Way {
  readonly portable?: true;
  /** Of each transaction. Default: the server's. */
  readonly isolation?: 'repeatable read' | undefined;
  readonly open: (pool: pg.Pool, namespace: string, onCommit?: OnCommit) => GrantStore;
}

/** For a server that is not PostgreSQL: `npm run test:stores -- <url> --portable`. */
const isPortable = process.env['JIT_TEST_PORTABLE'] === '1';

const texts = { postgres: new SqlTexts(), portable: new SqlTexts() };
const heardBy = (printed: keyof typeof texts, pool: pg.Pool) => kyselyOn(pool, undefined, ({ query }) => texts[printed].add(query.sql));
afterAll(() => {
  for (const printed of ['postgres', 'portable'] as const) expect(texts[printed].notIn(printed)).toEqual([]);
});

const alone: Readonly<Record<string, Way>> = {
  'through Kysely alone': {
    open: (pool, namespace, onCommit) => sqlGrantStore({ db: heardBy('postgres', pool), dialect: 'postgres', namespace, onCommit }),
  },
};
const whole: Readonly<Record<string, Way>> = {
  ...alone,
  'with reads through the pool': {
    open: (pool, namespace, onCommit) =>
      sqlGrantStore({ db: heardBy('postgres', pool), dialect: 'postgres', namespace, read: pool, onCommit }),
  },
};
const every: Readonly<Record<string, Way>> = {
  ...(isPortable ? {} : whole),
  'with portable statements': {
    portable: true,
    // The only level of Aurora DSQL, and one at which a lock that was waited for fails the transaction.
    isolation: isPortable ? undefined : 'repeatable read',
    open: (pool, namespace, onCommit) =>
      sqlGrantStore({ db: heardBy('portable', pool), dialect: 'postgres', namespace, read: pool, portable: true, onCommit }),
  },
};

// Only `pg` is a pool for reads.
describe.each(Object.entries(isPostgresJs ? alone : every))('sqlGrantStore on PostgreSQL, %s', (name, { portable, isolation, open }) => {
  let postgres: Postgres;
  let pool: pg.Pool;
  let other: pg.Pool;
  let proxy: Proxy;
  beforeAll(async () => {
    postgres = await Postgres.migrated({ portable });
    proxy = await Proxy.to(postgres.url);
    const at = (url: string) => ({ connectionString: isolation === undefined ? url : atIsolation(url, isolation), max: 4 });
    [pool, other] = [postgres.heardPool(at(proxy.url)), postgres.pool(at(postgres.url))];
  });
  afterAll(async () => {
    await postgres.stop();
    await proxy.close();
  });

  storeContract(
    { describe, it },
    {
      name,
      create: () => open(pool, randomUUID()),
      createHooked: (onCommit) => open(pool, randomUUID(), onCommit),
      reopen: (store) => open(other, store.namespace),
      breakBackend: () => postgres.hideTables(),
      // After a reset, postgres.js may let a read wait until its time limit.
      loseReply: isPostgresJs
        ? undefined
        : () => {
            proxy.atCommit('cut the reply');
            return () => proxy.mend();
          },
    },
  );
});
