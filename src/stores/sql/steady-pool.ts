import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { readDuration } from '../../core/duration.js';
import { invalid, readOptions } from '../../core/parse.js';
import type { PgClient, PgPool } from './database.js';
import { NoAnswer } from './failures.js';
import { nameIn } from './statement.js';
import { TimeLimit } from '../time-limit.js';

/** What is heard already: once is enough, however often it is handed over. */
const heard = new WeakSet<object>();

/**
 * Hears the errors of a pool and of its connections. They are told to whoever asks next; but `pg` also emits each of
 * them, and unheard, a server that goes away would end this process.
 */
export function hearErrors(pool: PgPool): void {
  const hear = (emitter: PgPool | PgClient): void => {
    if (heard.has(emitter)) return;
    heard.add(emitter);
    emitter.on('error', () => undefined);
  };
  if (!heard.has(pool)) pool.on('acquire', hear);
  hear(pool);
}

/**
 * A `pg` pool for Kysely's `PostgresDialect` that outlasts a server's going away.
 *
 * Guarantees:
 * - No `error` event of the pool, or of a connection that Kysely holds, is left unheard: that would end the process.
 * - A connection that has not answered a query in time is closed, and the pool has room for another in its place. Without
 *   it, one that a firewall has dropped keeps its place until TCP gives up, which takes a quarter of an hour.
 * - The store's own statements are prepared once for each connection. Kysely alone has each planned anew, which takes the
 *   server longer than to answer it.
 *
 * Gotcha: the limit holds for every query of that Kysely instance, those of yours too. Streams are left alone.
 * Gotcha: a pooler in transaction mode that knows no prepared statements needs `prepare: false`.
 *
 * @param options.timeout how long a query may take, and at most a quarter longer: milliseconds, or `'30s'`. Default: 30 seconds
 * @param options.prepare false: no statement is prepared. Default: true
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: resilientPool(new pg.Pool({ connectionString })) }) });
 */
export function resilientPool(pool: ResilientPoolTarget, options: ResilientPoolOptions = {}): PostgresPool {
  const { timeout = '30s', prepare = true } = readOptions('options', options, ['timeout', 'prepare']);
  const limit = new TimeLimit(readDuration('timeout', timeout));
  if (typeof prepare !== 'boolean') throw invalid('prepare', 'true or false', prepare);
  if (typeof (pool as Partial<ResilientPoolTarget> | null | undefined)?.connect !== 'function') throw invalid('pool', 'a pool of pg', pool);
  hearErrors(pool);
  // One for each connection: Kysely knows a connection again by it.
  const clients = new WeakMap<PgClient, PostgresPoolClient>();
  return {
    async connect() {
      const client = await pool.connect();
      let steady = clients.get(client);
      if (steady === undefined) clients.set(client, (steady = steadyClient(client, limit, prepare)));
      return steady;
    },
    end: () => pool.end(),
  };
}

/** How a {@link resilientPool} treats the queries on it. */
export interface ResilientPoolOptions {
  readonly timeout?: number | string | undefined;
  readonly prepare?: boolean | undefined;
}

/** What {@link resilientPool} uses of a `pg` pool. */
export interface ResilientPoolTarget extends PgPool {
  end(): Promise<void>;
}

function steadyClient(client: PgClient, limit: TimeLimit, prepare: boolean): PostgresPoolClient {
  let isLost = false;
  const query = (text: unknown, values?: readonly unknown[]): unknown => {
    // It may answer what was asked before, at any time: nothing else is asked on it.
    if (isLost) return Promise.reject(new NoAnswer(limit.limitMs));
    // A stream.
    if (typeof text !== 'string') return client.query(text as string);
    const name = prepare ? nameIn(text) : undefined;
    const given = [...(values ?? [])];
    const answer = name === undefined || given.length === 0 ? client.query(text, given) : client.query({ name, text, values: given });
    return limit.hold(answer, () => {
      isLost = true;
      return new NoAnswer(limit.limitMs);
    });
  };
  return { query: query as PostgresPoolClient['query'], release: (destroy) => client.release(isLost || destroy === true) };
}
