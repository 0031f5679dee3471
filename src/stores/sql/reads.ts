import type { MaybePromise } from '../../ports.js';
import type { Columns, PgPool, SqliteHandle } from './database.js';
import { isBusy } from './failures.js';
import { Patience, unlessBusy } from './session.js';
import type { Ask, Session } from './session.js';
import type { Statement } from './statements.js';

/** How questions are asked outside a transaction. */
export interface Reads {
  /** May answer at once, where there is a handle that does. */
  now(statement: Statement, values: readonly unknown[]): MaybePromise<readonly Columns[]>;
}

/** Through Kysely, repeated while somebody holds what is read. */
export function kyselyReads(session: Session): Reads {
  return { now: (statement, values) => unlessBusy(new Patience(session.timeoutMs), () => session.ask(statement, values)) };
}

/**
 * Straight through a `pg` pool, each statement prepared once for each connection. A connection that doesn't answer in
 * time is closed, not given back, so the pool soon has another one in its place.
 */
export function poolReads(pool: PgPool, session: Session): Reads {
  const ask: Ask = async ({ name, text }, values = []) => {
    const { rows } = await session.limited(
      pool.query({ name, text, values: [...values], query_timeout: session.timeoutMs }),
      session.timeoutMs,
    );
    return rows as readonly Columns[];
  };
  return { now: (statement, values) => unlessBusy(new Patience(session.timeoutMs), () => ask(statement, values)) };
}

/** Straight through a SQLite handle, at once; where it can't be, because it is inside a transaction or locked, the other way. */
export function handleReads(handle: SqliteHandle, otherwise: Reads): Reads {
  const prepared = new Map<string, ReturnType<SqliteHandle['prepare']>>();
  return {
    now(statement, values) {
      if (handle.inTransaction) return otherwise.now(statement, values);
      let known = prepared.get(statement.text);
      if (known === undefined) prepared.set(statement.text, (known = handle.prepare(statement.text)));
      try {
        return known.all(statement.order?.map((i) => values[i]) ?? [...values]) as Columns[];
      } catch (error) {
        if (isBusy(error)) return otherwise.now(statement, values);
        throw error;
      }
    },
  };
}
