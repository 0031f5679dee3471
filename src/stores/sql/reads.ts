import type { MaybePromise } from '../../core/ports.js';
import type { Columns, PgPool, SqliteHandle } from './database.js';
import { isBusy } from './failures.js';
import { RetryBudget, unlessBusy } from './session.js';
import type { Ask, Session } from './session.js';
import type { Statement } from './statement.js';

/** How questions are asked outside a transaction. */
export interface Reads {
  /** May answer at once, where there is a handle that does. */
  now(statement: Statement, values: readonly unknown[]): MaybePromise<readonly Columns[]>;
  /** The same for a statement whose answer is one row. */
  one(statement: Statement, values: readonly unknown[]): MaybePromise<Columns | undefined>;
}

/** Through Kysely, repeated while somebody holds what is read. */
export function kyselyReads(session: Session): Reads {
  return awaited(session, session.ask);
}

function awaited(session: Session, ask: Ask): Reads {
  const now = (statement: Statement, values: readonly unknown[]) =>
    unlessBusy(new RetryBudget(session.timeoutMs), () => ask(statement, values));
  return { now, one: (statement, values) => now(statement, values).then(([first]) => first) };
}

/**
 * Straight through a `pg` pool, each statement prepared once for each connection. A connection that doesn't answer in
 * time is closed, not given back, so the pool soon has another one in its place.
 */
export function poolReads(pool: PgPool, session: Session): Reads {
  return awaited(session, async ({ name, text }, values = []) => {
    const { rows } = await session.limited(pool.query({ name, text, values: [...values], query_timeout: session.timeoutMs }));
    return rows as readonly Columns[];
  });
}

/** Straight through a SQLite handle, at once; where it can't be, because it is inside a transaction or locked, the other way. */
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
