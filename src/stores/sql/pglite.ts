import { invalid } from '../../core/parse.js';
import type { PgClient } from './database.js';
import type { ResilientPoolTarget } from './steady-pool.js';

/** What {@link fromPglite} uses of a `PGlite` of `@electric-sql/pglite`. */
export interface PgliteLike {
  query(text: string, values?: unknown[]): Promise<PgliteResult>;
  exec(text: string): Promise<readonly PgliteResult[]>;
  onNotification(listener: (channel: string, payload: string) => void): () => void;
  close(): Promise<void>;
}

/** An answer of PGlite. */
export interface PgliteResult {
  readonly rows: unknown[];
  readonly affectedRows?: number | undefined;
  readonly command?: string | undefined;
}

/**
 * A pool of `pg`'s interface over PGlite, PostgreSQL in this process, for {@link resilientPool} and `read` of
 * {@link sqlGrantStore}. PGlite has one connection: whoever has checked it out, has it alone, and the others wait.
 *
 * Gotcha: a query straight on the PGlite may run inside a transaction of the store. Ask through Kysely, or in
 * `pglite.transaction` before the store is used.
 * Gotcha: `end()`, and `destroy()` of Kysely, close the PGlite.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming what the driver lacks
 * @example
 * const dialect = new PostgresDialect({ pool: resilientPool(fromPglite(new PGlite('access-data'))) });
 */
export function fromPglite(pglite: PgliteLike): ResilientPoolTarget {
  const given = (pglite ?? {}) as unknown as Readonly<Record<string, unknown>>;
  const missing = ['query', 'exec', 'onNotification', 'close'].filter((name) => typeof given[name] !== 'function');
  if (missing.length > 0) throw invalid('pglite', `a PGlite of @electric-sql/pglite (missing: ${missing.join(', ')})`, pglite);
  const turns = new Turns();
  return {
    async query({ text, values }) {
      const done = await turns.next();
      return ask(pglite, text, values).finally(done);
    },
    connect: async () => new PgliteClient(pglite, turns, await turns.next()),
    // PGlite reports each failure to the caller that asked, and emits nothing.
    on: () => undefined,
    end: () => pglite.close(),
  };
}

/** The one connection of PGlite, in the order in which it is asked for. */
class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when all before are done; what it gives ends the turn, once. */
  async next(): Promise<() => void> {
    const before = this.#last;
    let done!: () => void;
    this.#last = new Promise((resolve) => (done = resolve));
    await before;
    return done;
  }
}

/** Several statements go without values only, as with `pg`. */
async function ask(pglite: PgliteLike, text: string, values: readonly unknown[] = []): Promise<{ readonly rows: unknown[] }> {
  const result = values.length > 0 ? await pglite.query(text, [...values]) : (await pglite.exec(text)).at(-1);
  const { rows = [], affectedRows = 0, command } = result ?? {};
  return Object.assign({ rows }, { rowCount: affectedRows, command: command ?? '' });
}

const LISTEN = /^(\/\*.*?\*\/\s*)?listen\s/i;

/** The connection, checked out. One that listens is kept for long: it takes turns for each of its questions. */
class PgliteClient implements PgClient {
  readonly #pglite: PgliteLike;
  readonly #turns: Turns;
  #done: (() => void) | undefined;
  #isListening = false;
  #unsubscribe: (() => void)[] = [];

  constructor(pglite: PgliteLike, turns: Turns, done: () => void) {
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

  /** @param destroy what the client has begun is undone: PGlite has no other connection to put in its place */
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
