import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { readDuration } from '../../core/duration.js';
import { assertBoolean, invalid, readOptions } from '../../core/parse.js';
import type { PgClient, PgPool } from './database.js';
import { NoAnswer } from './failures.js';
import { isClose, isProbe, nameIn } from './statement.js';
import { TimeLimit } from '../time-limit.js';

/** Emitters that already have a listener, so that each gets only one. */
const heard = new WeakSet<object>();

/**
 * Adds `error` listeners to a pool and its connections. `pg` emits an `error` event when it loses a connection, and without a
 * listener that event would end this process. The listeners ignore it: the next query reports the error to its caller.
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
 * Wraps a `pg` pool for Kysely's `PostgresDialect`, so that it survives the loss of the server.
 *
 * Guarantees:
 * - Every `error` event of the pool, and of a connection that Kysely holds, has a listener. Without one, such an event would
 *   end the process.
 * - A connection that has not answered a query in time is closed, and the pool can open another. Otherwise a connection
 *   dropped by a firewall keeps its slot until TCP gives up, which takes about 15 minutes.
 * - The store's own statements are prepared once for each connection. With Kysely alone the server plans each of them again,
 *   which takes longer than answering it.
 *
 * Gotcha: the limit applies to every query of that Kysely instance, also to your own. Streams have no limit.
 * Gotcha: a pooler in transaction mode that does not support prepared statements needs `prepare: false`.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: resilientPool(new pg.Pool({ connectionString })) }) });
 */
export function resilientPool(pool: ResilientPoolTarget, options: ResilientPoolOptions = {}): PostgresPool {
  const { timeout = '30s', prepare = true } = readOptions('options', options, ['timeout', 'prepare']);
  const limit = new TimeLimit(readDuration('timeout', timeout));
  assertBoolean('prepare', prepare);
  if (typeof (pool as Partial<ResilientPoolTarget> | null | undefined)?.connect !== 'function') throw invalid('pool', 'a pool of pg', pool);
  hearErrors(pool);
  // One wrapper for each connection, because Kysely identifies a connection by it.
  const clients = new WeakMap<PgClient, PostgresPoolClient>();
  return {
    async connect() {
      const client = await pool.connect();
      let resilient = clients.get(client);
      if (resilient === undefined) clients.set(client, (resilient = resilientClient(client, limit, prepare)));
      return resilient;
    },
    end: () => pool.end(),
  };
}

/** Options of {@link resilientPool}. */
export interface ResilientPoolOptions {
  /** How long a query may take, or up to a quarter longer: milliseconds, or `'30s'`. Default: 30 seconds. */
  readonly timeout?: number | string | undefined;
  /** False: no statement is prepared. Default: true. */
  readonly prepare?: boolean | undefined;
}

/** The part of a `pg` pool that {@link resilientPool} uses. */
export interface ResilientPoolTarget extends PgPool {
  /** Closes the pool. */
  end(): Promise<void>;
}

function resilientClient(client: PgClient, limit: TimeLimit, prepare: boolean): PostgresPoolClient {
  let isLost = false;
  const query = (text: unknown, values?: readonly unknown[]): unknown => {
    // The connection may still answer an earlier query, so no other query may use it.
    if (isLost) return Promise.reject(new NoAnswer(limit.limitMs));
    // Not a text: a stream.
    if (typeof text !== 'string') return client.query(text as string);
    const known = nameIn(text);
    if (isClose(known)) {
      isLost = true;
      return Promise.resolve({ command: 'SELECT', rowCount: 0, rows: [] });
    }
    const status = isProbe(known) ? client.getTransactionStatus?.() : undefined;
    // The server has reported it with its last answer, so that the question costs no round trip.
    if (typeof status === 'string') return Promise.resolve({ command: 'SELECT', rowCount: 1, rows: [{ outside: status === 'I' }] });
    const name = prepare ? known : undefined;
    const given = [...(values ?? [])];
    const answer = name === undefined || given.length === 0 ? client.query(text, given) : client.query({ name, text, values: given });
    return limit.hold(answer, () => {
      isLost = true;
      return new NoAnswer(limit.limitMs);
    });
  };
  return { query: query as PostgresPoolClient['query'], release: (destroy) => client.release(isLost || destroy === true) };
}
