import type { GrantStore } from 'jit-access';
import { fromNodeRedis, redisGrantStore } from 'jit-access/redis';
import { sqlGrantStore, resilientHandle, resilientPool } from 'jit-access/sql';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import type { LogEvent } from 'kysely';
import pg from 'pg';
import { createClient } from 'redis';
import { sqliteDriver, type Handle } from '../sql/drivers.js';

/** The stores that survive a process. */
export const KINDS = ['sqlite', 'postgres', 'redis'] as const;
export type Kind = (typeof KINDS)[number];

/** Where every process finds a store: a server, or a file. */
export interface Place {
  readonly kind: Kind;
  /** A URL, or a path. */
  readonly where: string;
}

export interface Opened {
  readonly store: GrantStore;
  /** Lets the database have no room for more, for the writes of this process. Only on SQLite: elsewhere the server has the room. */
  readonly fill?: ((isFull: boolean) => void) | undefined;
  close(): Promise<void>;
}

interface OpenOptions {
  readonly namespace: string;
  readonly timeoutMs?: number | undefined;
  /** SQL: whether reads bypass Kysely. Default: true. */
  readonly straight?: boolean | undefined;
  /** Receives each statement after it has run; not on Redis, where a commit is one script. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

/** Of an SQLite file that may grow: four gigabytes. */
const MAX_PAGES = 1_000_000;

/** Connections of this process, as a service would open them. */
export async function openStore(
  { kind, where }: Place,
  { namespace, timeoutMs, straight = true, onStatement }: OpenOptions,
): Promise<Opened> {
  const log = onStatement === undefined ? {} : { log: ({ query }: LogEvent) => onStatement(query.sql) };
  switch (kind) {
    case 'sqlite': {
      const [handle, reading] = [handleOn(where), handleOn(where)];
      const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(handle) }), ...log });
      return {
        store: sqlGrantStore({ db, dialect: 'sqlite', namespace, timeoutMs, read: straight ? reading : undefined }),
        fill: (isFull) => handle.exec(`pragma max_page_count = ${isFull ? 1 : MAX_PAGES}`),
        close: async () => [handle, reading].forEach((one) => one.close()),
      };
    }
    case 'postgres': {
      const pool = new pg.Pool({ connectionString: where, max: 6 });
      const db = new Kysely<unknown>({
        dialect: new PostgresDialect({ pool: resilientPool(pool, { timeout: timeoutMs === undefined ? undefined : 2 * timeoutMs }) }),
        ...log,
      });
      return {
        store: sqlGrantStore({ db, dialect: 'postgres', namespace, timeoutMs, read: straight ? pool : undefined }),
        close: () => pool.end(),
      };
    }
    case 'redis': {
      const client = createClient({ url: where, socket: { reconnectStrategy: () => 5 } });
      client.on('error', () => undefined);
      await client.connect();
      return { store: redisGrantStore({ client: fromNodeRedis(client), namespace, timeoutMs }), close: async () => client.destroy() };
    }
  }
}

function handleOn(path: string): Handle {
  const handle = new sqliteDriver(path);
  handle.exec('pragma journal_mode = wal');
  return handle;
}
