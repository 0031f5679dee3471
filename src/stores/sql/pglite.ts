import { invalid } from '../../core/parse.js';
import type { PgClient } from './database.js';
import type { ResilientPoolTarget } from './resilient-pool.js';

/** The part of a `PGlite` of `@electric-sql/pglite` that {@link fromPglite} uses. */
export interface PgliteLike {
  query(text: string, values?: unknown[]): Promise<PgliteResult>;
  exec(text: string): Promise<readonly PgliteResult[]>;
  onNotification(listener: (channel: string, payload: string) => void): () => void;
  close(): Promise<void>;
}

/** The part of a result of PGlite that {@link fromPglite} uses. */
export interface PgliteResult {
  readonly rows: unknown[];
  readonly affectedRows?: number | undefined;
  readonly command?: string | undefined;
}

/**
 * Wraps PGlite (PostgreSQL in this process) as a `pg` pool, for {@link resilientPool} and for `read` of
 * {@link sqlGrantStore}. PGlite has one connection: one client at a time uses it, and the others wait.
 *
 * Gotcha: a query sent directly to the PGlite may run inside a transaction of the store. Send queries through Kysely. Call
 * `pglite.transaction` only before the store is used.
 * Gotcha: `end()`, and Kysely's `destroy()`, close the PGlite.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the members that the driver lacks
 * @example
 * const dialect = new PostgresDialect({ pool: resilientPool(fromPglite(new PGlite('access-data'))) });
 */
export function fromPglite(pglite: PgliteLike): ResilientPoolTarget {
  const given = (pglite ?? {}) as unknown as Readonly<Record<string, unknown>>;
  const missing = ['query', 'exec', 'onNotification', 'close'].filter((name) => typeof given[name] !== 'function');
  if (missing.length > 0) throw invalid('pglite', `a PGlite of @electric-sql/pglite (missing: ${missing.join(', ')})`, pglite);
  const turns = new StatementQueue();
  return {
    async query({ text, values }) {
      const done = await turns.next();
      return ask(pglite, text, values).finally(done);
    },
    connect: async () => new PgliteClient(pglite, turns, await turns.next()),
    // PGlite reports each failure to the caller, and emits no events.
    on: () => undefined,
    end: () => pglite.close(),
  };
}

/** A FIFO queue for PGlite's one connection. */
class StatementQueue {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when all earlier turns have ended. The caller ends its own turn by calling the result once. */
  async next(): Promise<() => void> {
    const before = this.#last;
    let done!: () => void;
    this.#last = new Promise((resolve) => (done = resolve));
    await before;
    return done;
  }
}

/** Runs a text. As in `pg`, a text with values must be a single statement. */
async function ask(pglite: PgliteLike, text: string, values: readonly unknown[] = []): Promise<{ readonly rows: unknown[] }> {
  const result = values.length > 0 ? await pglite.query(text, [...values]) : (await pglite.exec(text)).at(-1);
  const { rows = [], affectedRows = 0, command } = result ?? {};
  return Object.assign({ rows }, { rowCount: affectedRows, command: command ?? '' });
}

const LISTEN = /^(\/\*.*?\*\/\s*)?listen\s/i;

/**
 * A client of the pool. It holds PGlite's one connection until `release`. A client that listens would hold it for too long, so
 * it ends its turn after LISTEN, and takes a turn for each later query.
 */
class PgliteClient implements PgClient {
  readonly #pglite: PgliteLike;
  readonly #turns: StatementQueue;
  #done: (() => void) | undefined;
  #isListening = false;
  #unsubscribe: (() => void)[] = [];

  constructor(pglite: PgliteLike, turns: StatementQueue, done: () => void) {
    this.#pglite = pglite;
    this.#turns = turns;
    this.#done = done;
  }

  async query(
    asked: string | { readonly text: string; readonly values: unknown[] },
    given?: unknown[],
  ): Promise<{ readonly rows: unknown[] }> {
    const { text, values } = typeof asked === 'string' ? { text: asked, values: given } : asked;
    const done = this.#isListening ? await this.#turns.next() : undefined;
    try {
      return await ask(this.#pglite, text, values);
    } finally {
      done?.();
      if (LISTEN.test(text)) {
        this.#isListening = true;
        this.#endTurn();
      }
    }
  }

  on(event: string, listener: (message: never) => void): this {
    if (event === 'notification') {
      const hear = listener as (message: { readonly channel: string; readonly payload: string }) => void;
      this.#unsubscribe.push(this.#pglite.onNotification((channel, payload) => hear({ channel, payload })));
    }
    return this;
  }

  /** @param destroy true rolls back the client's transaction: PGlite cannot replace its only connection */
  release(destroy = false): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    if (destroy && !this.#isListening) void this.#pglite.exec('rollback').then(this.#endTurn, this.#endTurn);
    else this.#endTurn();
  }

  readonly #endTurn = (): void => {
    this.#done?.();
    this.#done = undefined;
  };
}
