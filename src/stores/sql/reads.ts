import type { MaybePromise } from '../../core/ports.js';
import type { Columns, PgPool, SqliteHandle } from './database.js';
import { isBusy } from './failures.js';
import { RetryBudget, unlessBusy } from './session.js';
import type { Session } from './session.js';
import type { Ask } from './transaction.js';
import type { Statement } from './statement.js';

/** The reads outside a transaction: through Kysely, a `pg` pool or a SQLite handle. */
export interface Reads {
  /** Runs a statement. Returns its rows without a promise if the driver is synchronous. */
  now(statement: Statement, values: readonly unknown[]): MaybePromise<readonly Columns[]>;
  /** Like `now`, for a statement that returns at most one row. */
  one(statement: Statement, values: readonly unknown[]): MaybePromise<Columns | undefined>;
}

/** Reads through Kysely. Repeats a read while another transaction holds a lock on what it reads. */
export function kyselyReads(session: Session): Reads {
  return awaited(session, session.ask);
}

function awaited(session: Session, ask: Ask): Reads {
  const now = (statement: Statement, values: readonly unknown[]) =>
    unlessBusy(new RetryBudget(session.timeoutMs), () => ask(statement, values));
  return { now, one: (statement, values) => now(statement, values).then(([first]) => first) };
}

/**
 * Reads directly through a `pg` pool, which prepares each statement once for each connection. With `query_timeout` the pool
 * closes a connection that does not answer in time, and can replace it.
 */
export function poolReads(pool: PgPool, session: Session): Reads {
  return awaited(session, async ({ name, text }, values = []) => {
    const { rows } = await session.limited(pool.query({ name, text, values: [...values], query_timeout: session.timeoutMs }));
    return rows as readonly Columns[];
  });
}

/**
 * Reads synchronously through a SQLite handle.
 *
 * @param otherwise reads while the handle is inside a transaction: the handle then sees rows that may never be committed. It
 *   also reads while the database is locked, because it repeats a read after a pause
 */
export function handleReads(handle: SqliteHandle, otherwise: Reads): Reads {
  const kept = new Map<string, Prepared>();
  const prepared = ({ text }: Statement): Prepared => {
    let known = kept.get(text);
    if (known === undefined) kept.set(text, (known = handle.prepare(text)));
    return known;
  };
  const given = ({ order }: Statement, values: readonly unknown[]): unknown[] => order?.map((i) => values[i]) ?? [...values];
  return {
    now(statement, values) {
      if (handle.inTransaction) return otherwise.now(statement, values);
      try {
        return prepared(statement).all(given(statement, values)) as Columns[];
      } catch (error) {
        if (isBusy(error)) return otherwise.now(statement, values);
        throw error;
      }
    },
    one(statement, values) {
      if (handle.inTransaction) return otherwise.one(statement, values);
      try {
        return prepared(statement).get(given(statement, values)) as Columns | undefined;
      } catch (error) {
        if (isBusy(error)) return otherwise.one(statement, values);
        throw error;
      }
    },
  };
}

type Prepared = ReturnType<SqliteHandle['prepare']>;
