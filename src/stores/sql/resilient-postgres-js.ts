import { invalid } from '../../core/parse.js';

/** The part of an instance of postgres.js that {@link resilientPostgresJs} uses. */
export interface PostgresJsLike {
  reserve(): Promise<PostgresJsReserved>;
}

/** The part of a connection of postgres.js that {@link resilientPostgresJs} uses. */
export interface PostgresJsReserved {
  unsafe(text: string, values?: never, options?: never): PromiseLike<unknown>;
  release(): void;
}

/** The server's process behind a connection: postgres.js writes the id of the next one into the same object. */
interface ServerProcess {
  readonly pid?: unknown;
}

/**
 * Wraps an instance of postgres.js for `PostgresJSDialect` of `kysely-postgres-js`, so that it survives the loss of a connection.
 *
 * Guarantees:
 * - After a statement whose connection was lost, no other statement is sent on it, and it is not released: postgres.js has taken it
 *   back already. Otherwise a ROLLBACK, or the next query, would end this process with a `TypeError`, or reach the transaction of another
 *   caller.
 * - A COMMIT to which the server has answered ROLLBACK is an error. The dialect alone does not show it.
 *
 * Gotcha: a connection that is lost between two statements of a transaction, while the process waits for something else, may still end
 * the process. There is no limit for an answer that does not come. `pg` with a {@link resilientPool} has neither limitation.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const db = new Kysely<Tables>({ dialect: new PostgresJSDialect({ postgres: resilientPostgresJs(postgres(url)) }) });
 */
export function resilientPostgresJs<Sql extends PostgresJsLike>(sql: Sql): Sql {
  if (typeof (sql as Partial<Sql> | null | undefined)?.reserve !== 'function') throw invalid('sql', 'an instance of postgres.js', sql);
  const reserve = async () => resilient(await sql.reserve());
  return new Proxy(sql, { get: (target, name) => (name === 'reserve' ? reserve : (Reflect.get(target, name) as unknown)) });
}

function resilient(connection: PostgresJsReserved): PostgresJsReserved {
  let server: ServerProcess | undefined;
  let pid: unknown;
  let lost: Error | undefined;
  return {
    unsafe(text, values, options) {
      if (server?.pid !== pid) lost ??= gone();
      if (lost !== undefined) return Promise.reject(lost);
      // It is sent by `then`, or as a stream by another method.
      const query = connection.unsafe(text, values, options);
      const send = query.then.bind(query) as PromiseLike<Answer>['then'];
      const then: PromiseLike<Answer>['then'] = (onFulfilled, onRejected) =>
        send(
          (answer: Answer) => {
            const answered = answer.state ?? (answer[0] as Answer | undefined)?.state;
            // The transaction is not in another process.
            if (server !== undefined && answered?.pid !== pid) throw (lost = gone());
            server = answered;
            pid = server?.pid;
            const { command } = answer;
            return command === 'COMMIT' || command === 'ROLLBACK' ? Object.assign([{ command }], { command, count: 0 }) : answer;
          },
          (error: unknown) => {
            if (hasEnded(error as Failure)) lost = error as Error;
            throw error;
          },
        ).then(onFulfilled, onRejected);
      return Object.defineProperty(query, 'then', { value: then });
    },
    release() {
      if (lost === undefined) connection.release();
    },
  };
}

const gone = () => new Error('the connection to the server was lost');

interface Failure {
  readonly severity?: unknown;
  readonly code?: unknown;
  readonly errno?: unknown;
}

/**
 * Whether the connection has ended: by an answer after which the server closes it, by a failure of the socket or of TLS, or by postgres.js.
 * It is open after any other error, such as that of a value which postgres.js cannot send: kept, it would never return to the pool. Only
 * errors of the server have a severity, and the code of such an error may be any text of a RAISE.
 */
const hasEnded = ({ severity, code, errno }: Failure): boolean =>
  severity === 'FATAL' ||
  severity === 'PANIC' ||
  (severity === undefined && (errno !== undefined || /^(?:CONNECT|ERR_(?:SSL|TLS|STREAM|SOCKET)|E[A-Z]+$)/.test(String(code))));

/** The rows of a statement; of several statements, a list of the answers to each. */
type Answer = readonly unknown[] & { readonly command?: unknown; readonly state?: ServerProcess };
