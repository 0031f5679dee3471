import { sqlGrantStore } from 'jit-access/sql';
import type pg from 'pg';
import { kyselyOn, Postgres } from '../../../stores/sql/postgres.js';
import { serverCpuMs } from '../measure/server-cpu.js';
import type { Tenants } from './tenants.js';

/** A server of its own, or the one that JIT_TEST_PG_URL names. `pg`, with its default of ten connections in a pool. */
export async function postgresTenants(): Promise<Tenants> {
  const server = await Postgres.migrated({ syncs: true });
  const [{ setting } = { setting: '' }] = await server.sql<{ setting: string }>(
    `select 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync')
      || ', synchronous_commit ' || current_setting('synchronous_commit') as setting`,
  );
  await server.sql(
    'create table bench_commits (namespace text not null, id text not null, body text not null, primary key (namespace, id))',
  );
  const plain = server.heardPool();
  const [pool, quiet] = [server.pool(), withoutNotices(server.pool())];
  const storeOn = (commits: pg.Pool, read: pg.Pool) =>
    sqlGrantStore({ db: kyselyOn(commits), dialect: 'postgres', namespace: 'tenant', read, timeoutMs: 300_000 });
  const text = 'insert into bench_commits (namespace, id, body) values ($1, $2, $3)';
  return {
    name: 'PostgreSQL',
    setting,
    store: storeOn(pool, server.pool()),
    silent: storeOn(quiet, server.pool()),
    bareCommit: (namespace, id, body) => plain.query({ name: 'bench', text, values: [namespace, id, body] }),
    cpuMs: () => serverCpuMs(server),
    close: () => server.stop(),
  };
}

/** A pool whose connections answer NOTIFY themselves. */
function withoutNotices(pool: pg.Pool): pg.Pool {
  const silenced = new WeakSet<pg.PoolClient>();
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const quiet = async (): Promise<pg.PoolClient> => {
    const client = await connect();
    if (silenced.has(client)) return client;
    silenced.add(client);
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    const answer = (...given: unknown[]) => (isNotice(given[0]) ? Promise.resolve({ command: 'SELECT', rows: [] }) : query(...given));
    return Object.assign(client, { query: answer });
  };
  return Object.assign(pool, { connect: quiet });
}

function isNotice(query: unknown): boolean {
  const text = typeof query === 'string' ? query : (query as { text?: string } | undefined)?.text;
  return text?.includes('pg_notify') === true;
}
