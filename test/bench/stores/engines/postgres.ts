import { sqlGrantStore } from 'jit-access/sql';
import type pg from 'pg';
import { kyselyOn, Postgres } from '../../../stores/sql/postgres.js';
import { START } from '../measure/grants.js';
import type { Write } from '../measure/requests.js';
import type { Call } from '../measure/rounds.js';
import { bareColumns, ENTRY_COLUMNS, ROW_COLUMNS } from './bare-rows.js';
import { slowNetwork } from '../measure/slow-network.js';
import { hookOf, ORDERS, type Engine } from './engine.js';

const typed = (types: string): string =>
  types
    .split(' ')
    .map((type, place) => `(v ->> ${place})::${type}`)
    .join(', ');
const WRITE = `with entries as (
  insert into jit_journal (${ENTRY_COLUMNS})
  select 'bare', ${typed('bigint text bigint text text bigint text text text text text text text')} from jsonb_array_elements($2::jsonb) as v
) insert into jit_rows (${ROW_COLUMNS})
select 'bare', ${typed('text text bigint text text boolean bigint bigint bigint bigint bigint text')} from jsonb_array_elements($1::jsonb) as v`;

/** A server of its own, or the one that JIT_TEST_PG_URL names, through `pg`. */
export async function postgres(): Promise<Engine> {
  const server = await Postgres.migrated({ syncs: true });
  await server.sql(ORDERS);
  const [{ setting } = { setting: '' }] = await server.sql<{ setting: string }>(
    `select 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync')
      || ', synchronous_commit ' || current_setting('synchronous_commit') as setting`,
  );
  const pool = server.pool();
  const plain = server.heardPool();
  const db = kyselyOn(pool);
  return {
    name: 'PostgreSQL',
    calls: 1_000,
    setting: `${setting}, through pg`,
    ways: {
      'through Kysely alone': { driver: 'pg', store: sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments' }) },
      'through `read`': { driver: 'pg', store: sqlGrantStore({ db, dialect: 'postgres', namespace: 'payments', read: server.pool() }) },
    },
    async bare(questions) {
      await server.sql('vacuum analyze jit_rows');
      const text = `select kind, id, version, subject, scope, open, from_at, until_at, due_at, body from jit_rows
where namespace = 'payments' and live_subject = $1 and scope = $2 and until_at > $3`;
      const look: Call = async (i) => {
        const { subject, scope } = questions[i % questions.length] as (typeof questions)[number];
        const { rows } = await plain.query({ name: 'bench', text, values: [subject, scope, START] });
        if (rows.length === 0) throw new Error(`${subject} holds nothing`);
      };
      return { pg: look };
    },
    async open(delayMs) {
      const { hostname, port } = new URL(server.url);
      const network = delayMs === 0 ? undefined : await slowNetwork(hostname, Number(port), delayMs);
      const through = (): pg.Pool => server.pool(network === undefined ? {} : { connectionString: withPort(server.url, network.port) });
      const [commits, reads] = [through(), through()];
      const own = { db: kyselyOn(commits), dialect: 'postgres', namespace: 'payments', read: reads } as const;
      const store = sqlGrantStore(own);
      const hooked = sqlGrantStore({ ...own, onCommit: hookOf('insert into orders values ($1)') });
      const close = async () => {
        await commits.end();
        await reads.end();
        await network?.close();
      };
      const write: Write = (changes) => {
        const { rows, entries } = bareColumns(changes);
        return reads.query({ name: 'bare', text: WRITE, values: [JSON.stringify(rows), JSON.stringify(entries)] });
      };
      return { store, write, hooked, close };
    },
    async bytes() {
      await server.sql('vacuum');
      const [size] = await server.sql<{ bytes: string }>(
        `select sum(pg_total_relation_size(name::regclass)) as bytes from unnest(array['jit_rows', 'jit_journal', 'jit_heads']) as name`,
      );
      return Number(size?.bytes);
    },
    async close() {
      await plain.end();
      await server.stop();
    },
  };
}

function withPort(url: string, port: number): string {
  const other = new URL(url);
  other.port = String(port);
  return other.href;
}
