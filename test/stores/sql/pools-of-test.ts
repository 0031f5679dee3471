import type pg from 'pg';
import { afterEach } from 'vitest';
import type { Postgres } from './postgres.js';

/**
 * Opens pools that end after the test. All pools of a file together would have more connections than the server takes.
 *
 * @param server read at each call: it is started in a hook
 */
export function poolsOfTest(server: () => Postgres): (options?: pg.PoolConfig) => pg.Pool {
  const pools: pg.Pool[] = [];
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.end();
  });
  return (options) => {
    const pool = server().heardPool(options);
    pools.push(pool);
    return pool;
  };
}
