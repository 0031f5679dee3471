import { CompiledQuery } from 'kysely';
import { Stopwatch } from '../../core/stopwatch.js';
import { systemClock } from '../../core/clock.js';
import { sleepUntil, within } from '../../core/timers.js';
import { TimeLimit } from '../time-limit.js';
import type { Columns, SqlDatabase } from './database.js';
import { HookFailed, isBusy, isNested, isRolledBack, NoAnswer, openTransaction } from './failures.js';
import type { Statement } from './statement.js';

/** Runs one statement under a time limit, and returns its rows. */
export type Ask = (statement: Statement, values?: readonly unknown[]) => Promise<readonly Columns[]>;

/** What runs in a transaction. @param connection the caller's Kysely instance with its plugins, bound to the transaction's connection */
export type Work<T> = (ask: Ask, connection: SqlDatabase) => Promise<T>;

/** The transaction failed, or its outcome is unknown. */
export class TransactionFailed extends Error {
  override readonly name = 'TransactionFailed';
  /** @param unknown COMMIT was sent and its answer did not come: the transaction may have been applied */
  constructor(
    override readonly cause: unknown,
    readonly unknown: boolean,
  ) {
    super('the transaction did not complete', { cause });
  }
}

/** The statements that begin and end a transaction, and the one that sets SQLite's lock timeout around it. */
export interface TransactionStatements {
  /**
   * Shows whether the connection has an open transaction, and changes nothing in it. On SQLite, a {@link resilientHandle} answers.
   * Without one, the probe fails then; otherwise it begins a transaction, which `rollback` ends.
   */
  readonly probe: Statement;
  readonly begin: Statement;
  readonly commit: Statement;
  readonly rollback: Statement;
  /**
   * Sets how long SQLite's driver waits for a lock, in milliseconds; without `ms`, reads it. `undefined` on PostgreSQL.
   *
   * The driver blocks the event loop while it waits, so a transaction sets this to 0.
   */
  readonly busyTimeout: ((ms?: number) => Statement) | undefined;
  /** Makes a {@link resilientPool} close the connection instead of reusing it. `undefined` on SQLite, which has only one. */
  readonly close: Statement | undefined;
}

/** The longest pause before a retry, in milliseconds. */
const MAX_PAUSE_MS = 50;

/** A whole call, with its retries, may take this many times the limit of one statement. */
const TIME_LIMITS = 3;

/** The time that one call may take, with all its retries. */
export class RetryBudget {
  readonly #watch = new Stopwatch(systemClock);
  readonly #ms: number;
  #tries = 0;

  /** @param timeoutMs the limit of one statement, in milliseconds */
  constructor(timeoutMs: number) {
    this.#ms = TIME_LIMITS * timeoutMs;
  }

  /** In milliseconds; 0 or less when the budget is used up. */
  get left(): number {
    return this.#ms - this.#watch.ms;
  }

  /** Waits before the next attempt. @returns false when no time is left */
  async again(): Promise<boolean> {
    if (this.left <= 0) return false;
    this.#tries += 1;
    await sleepUntil(systemClock, systemClock.now() + Math.min(2 ** this.#tries, MAX_PAUSE_MS), new AbortController().signal);
    return true;
  }
}

/**
 * Repeats a call that failed because of a lock, until its budget is used up. The pauses are timers, so they do not block
 * the event loop. A transaction that may have been applied is never repeated: only the engine does that (L31).
 */
export async function unlessBusy<T>(budget: RetryBudget, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const { cause, unknown } = error instanceof TransactionFailed ? error : { cause: error, unknown: false };
      if (unknown || !isBusy(cause) || !(await budget.again())) throw error;
    }
  }
}

/** Runs a statement on any Kysely instance, without a time limit. */
function execute(db: SqlDatabase, { text, order }: Statement, values: readonly unknown[] = []): Promise<readonly Columns[]> {
  const given = order === undefined ? [...values] : order.map((i) => values[i]);
  return db.executeQuery<Columns>(CompiledQuery.raw(text, given) as CompiledQuery<Columns>).then(({ rows }) => rows);
}

/** A Kysely instance with a time limit for every answer. */
export class Session {
  readonly #db: SqlDatabase;
  /** With the caller's plugins, for the caller's hook. */
  readonly #plugged: SqlDatabase;
  readonly timeoutMs: number;
  readonly #limit: TimeLimit;
  /**
   * The limit of each statement of a transaction, in milliseconds. It is slightly longer than the server's own limits, so
   * that the server, not this timer, decides how a statement ends.
   */
  readonly #committingMs: number;
  readonly #committing: TimeLimit;

  constructor(db: SqlDatabase, timeoutMs: number) {
    // A plugin would rename the store's columns or convert its values.
    this.#db = db.withoutPlugins();
    this.#plugged = db;
    this.timeoutMs = timeoutMs;
    this.#limit = new TimeLimit(timeoutMs);
    this.#committingMs = Math.ceil(1.2 * timeoutMs);
    this.#committing = new TimeLimit(this.#committingMs);
  }

  readonly ask: Ask = (statement, values) => this.limited(execute(this.#db, statement, values));

  /**
   * Runs `work` between `begin` and `commit` on one connection.
   *
   * A connection that has not answered is not returned to the pool until it answers and is rolled back. Otherwise its next
   * user would find this transaction open, or read an answer to our statement.
   *
   * @throws TransactionFailed
   */
  async transaction<T>(bounds: TransactionStatements, budget: RetryBudget, work: Work<T>): Promise<T> {
    const limited = <A>(answer: Promise<A>) => this.#limitedBy(budget, answer);
    let isLate = false;
    let connected: (() => void) | undefined;
    const connection = new Promise<void>((resolve) => (connected = resolve));
    const outcome = new Promise<T>((resolve, reject) => {
      const run = async (db: SqlDatabase): Promise<void> => {
        // The caller has already given up waiting for a connection.
        if (isLate) return;
        connected?.();
        connected = undefined;
        await runOn(db, bounds, limited, work, resolve, reject);
      };
      this.#plugged
        .connection()
        .execute(run)
        .catch((error: unknown) => reject(new TransactionFailed(error, false)));
    });
    try {
      await limited(Promise.race([connection, outcome]));
    } catch (error) {
      isLate = true;
      // Without a connection the transaction has not begun and never will. With one, the limits of its statements apply.
      if (connected !== undefined) throw error instanceof TransactionFailed ? error : new TransactionFailed(error, false);
    }
    return outcome;
  }

  /** Rejects after the limit of one statement, or up to a quarter of it later. @throws NoAnswer */
  limited<T>(answer: PromiseLike<T>): Promise<T> {
    return this.#limit.hold(answer, () => new NoAnswer(this.timeoutMs));
  }

  /** Rejects after the limit of a transaction's statement, or at the end of the budget if that comes first. @throws NoAnswer */
  #limitedBy<T>({ left }: RetryBudget, answer: Promise<T>): Promise<T> {
    if (left > this.#committing.longestMs) return this.#committing.hold(answer, () => new NoAnswer(this.#committingMs));
    // The answer may still reject later, when no caller waits for it.
    answer.catch(() => undefined);
    return within<T>(
      systemClock,
      Math.max(1, Math.min(this.#committingMs, left)),
      () => answer,
      () => new NoAnswer(this.#committingMs),
    );
  }
}

async function runOn<T>(
  plugged: SqlDatabase,
  { probe, begin, commit, rollback, busyTimeout, close }: TransactionStatements,
  limited: <A>(answer: Promise<A>) => Promise<A>,
  work: Work<T>,
  resolve: (result: T) => void,
  reject: (error: TransactionFailed) => void,
): Promise<void> {
  const connection = plugged.withoutPlugins();
  let last: Promise<unknown> = Promise.resolve();
  const ask: Ask = (statement, values) => {
    const answer = execute(connection, statement, values);
    last = answer;
    return limited(answer);
  };
  const isSqlite = busyTimeout !== undefined;
  /** Whether a transaction that is open on the connection is not the caller's: only such a one may be ended here. */
  let isOurs = isSqlite;
  let hasBegun = false;
  let isCommitting = false;
  let waits = 0;
  try {
    const [found] = await ask(probe);
    if (isSqlite && found === undefined) await ask(rollback);
    else isOurs = found?.['outside'] === true;
    if (!isOurs) throw openTransaction(undefined);
    if (isSqlite) {
      const [setting] = await ask(busyTimeout());
      waits = Number(setting?.['timeout'] ?? 0);
      if (waits > 0) await ask(busyTimeout(0));
    }
    await ask(begin);
    hasBegun = true;
    const result = await work(ask, plugged);
    isCommitting = true;
    const [ended] = await ask(commit);
    // PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement has failed.
    if (ended?.['command'] === 'ROLLBACK') throw new Error('the transaction was rolled back');
    resolve(result);
  } catch (error) {
    const isNestedIn = !hasBegun && isNested(error);
    if (isNestedIn) isOurs = false;
    const fail = (isUndone: boolean) =>
      reject(new TransactionFailed(isNestedIn ? openTransaction(error) : error, isCommitting && !isUndone && !isRolledBack(error)));
    // A lost connection may never answer to ROLLBACK. On SQLite that answer says whether a failed COMMIT was applied.
    if (!isSqlite || error instanceof NoAnswer) fail(false);
    await last.catch(() => undefined);
    // A hook that is late may still send statements: not into the transaction of the next caller.
    if (close !== undefined && error instanceof HookFailed && error.isLate) await execute(connection, close).catch(() => undefined);
    fail(
      isOurs &&
        (await execute(connection, rollback).then(
          () => true,
          () => false,
        )),
    );
  }
  if (isSqlite && waits > 0) await execute(connection, busyTimeout(waits));
}
