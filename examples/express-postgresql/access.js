import { JitEngine, reviewers, startSweeper } from 'jit-access';
import { migrate, resilientPool, sqlGrantStore } from 'jit-access/sql';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  connectionTimeoutMillis: 3_000,
  keepAlive: true,
});
const db = new Kysely({
  dialect: new PostgresDialect({ pool: resilientPool(pool) }),
});
await migrate({ db, dialect: 'postgres' });

export const store = sqlGrantStore({
  db,
  dialect: 'postgres',
  namespace: 'orders',
  read: pool,
});
export const engine = new JitEngine({
  store,
  approver: reviewers({ members: ['user:sam'] }),
});
const sweeper = startSweeper(engine, { every: '30s' });

/** Ends the work in the background first, then the connections. */
export async function close() {
  await sweeper.stop();
  await engine.close();
  await db.destroy();
}
