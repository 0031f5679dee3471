import { CompiledQuery } from 'kysely';
import type { Columns, SqlDatabase } from './database.js';
import { HookFailed, isNested, isRolledBack, NoAnswer, openTransaction } from './failures.js';
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
  /** Whether a probe that no driver answers has begun a transaction. */
  readonly probeBegins: boolean;
  readonly begin: Statement;
  readonly commit: Statement;
  readonly rollback: Statement;
  /** Whether the answer to `rollback` comes soon, and says whether a failed COMMIT was applied. */
  readonly rollbackTells: boolean;
  /**
   * Sets how long SQLite's driver waits for a lock, in milliseconds; without `ms`, reads it. `undefined` on PostgreSQL.
   *
   * The driver blocks the event loop while it waits, so a transaction sets this to 0.
   */
  readonly busyTimeout: ((ms?: number) => Statement) | undefined;
  /** Makes a {@link resilientPool} close the connection instead of reusing it. `undefined` on SQLite, which has only one. */
  readonly close: Statement | undefined;
}

/** Runs a statement on any Kysely instance, without a time limit. */
export function execute(db: SqlDatabase, { text, order }: Statement, values: readonly unknown[] = []): Promise<readonly Columns[]> {
  const given = order === undefined ? [...values] : order.map((i) => values[i]);
  return db.executeQuery<Columns>(CompiledQuery.raw(text, given) as CompiledQuery<Columns>).then(({ rows }) => rows);
}

/** How far a transaction has come on its connection. */
type State =
  /** One that is open may be the caller's. */
  | 'probing'
  /** One of the caller is open. */
  | 'inside another'
  /** None was open. */
  | 'outside'
  | 'begun'
  | 'committing';

/** Whether a transaction that is open after this failure was begun here: no other may be rolled back. */
function isOurs(state: State, error: unknown, probeBegins: boolean): boolean {
  switch (state) {
    case 'inside another':
      return false;
    case 'probing':
      return probeBegins && !isNested(error);
    case 'outside':
      return !isNested(error);
    case 'begun':
    case 'committing':
      return true;
  }
}

/** One transaction, on a connection that nothing else uses. */
export class Transaction {
  readonly #plugged: SqlDatabase;
  readonly #connection: SqlDatabase;
  readonly #statements: TransactionStatements;
  readonly #limited: <A>(answer: Promise<A>) => Promise<A>;
  #state: State = 'probing';
  #last: Promise<unknown> = Promise.resolve();
  /** The busy timeout that was found, in milliseconds. */
  #waits = 0;

  constructor(plugged: SqlDatabase, statements: TransactionStatements, limited: <A>(answer: Promise<A>) => Promise<A>) {
    this.#plugged = plugged;
    this.#connection = plugged.withoutPlugins();
    this.#statements = statements;
    this.#limited = limited;
  }

  /** Gives the outcome as soon as it is certain, and ends when the connection is free for its next user. */
  async run<T>(work: Work<T>, resolve: (result: T) => void, reject: (error: TransactionFailed) => void): Promise<void> {
    try {
      await this.#enter();
      await this.#ask(this.#statements.begin);
      this.#state = 'begun';
      const result = await work(this.#ask, this.#plugged);
      this.#state = 'committing';
      const [ended] = await this.#ask(this.#statements.commit);
      // PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement has failed.
      if (ended?.['command'] === 'ROLLBACK') throw new Error('the transaction was rolled back');
      resolve(result);
    } catch (error) {
      await this.#fail(error, reject);
    }
    const { busyTimeout } = this.#statements;
    if (busyTimeout !== undefined && this.#waits > 0) await execute(this.#connection, busyTimeout(this.#waits));
  }

  readonly #ask: Ask = (statement, values) => {
    const answer = execute(this.#connection, statement, values);
    this.#last = answer;
    return this.#limited(answer);
  };

  async #enter(): Promise<void> {
    const { probe, probeBegins, rollback, busyTimeout } = this.#statements;
    const [found] = await this.#ask(probe);
    if (found === undefined && probeBegins) await this.#ask(rollback);
    else if (found?.['outside'] !== true) {
      this.#state = 'inside another';
      throw openTransaction(undefined);
    }
    this.#state = 'outside';
    if (busyTimeout === undefined) return;
    const [setting] = await this.#ask(busyTimeout());
    this.#waits = Number(setting?.['timeout'] ?? 0);
    if (this.#waits > 0) await this.#ask(busyTimeout(0));
  }

  async #fail(error: unknown, reject: (error: TransactionFailed) => void): Promise<void> {
    const { rollback, rollbackTells, probeBegins, close } = this.#statements;
    const state = this.#state;
    const cause = (state === 'probing' || state === 'outside') && isNested(error) ? openTransaction(error) : error;
    const fail = (isUndone: boolean) => reject(new TransactionFailed(cause, !isUndone && state === 'committing' && !isRolledBack(error)));
    // A lost connection may never answer to ROLLBACK.
    if (!rollbackTells || error instanceof NoAnswer) fail(false);
    await this.#last.catch(() => undefined);
    // A hook that is late may still send statements: not into the transaction of the next caller.
    if (close !== undefined && error instanceof HookFailed && error.isLate) await execute(this.#connection, close).catch(() => undefined);
    const isUndone =
      isOurs(state, error, probeBegins) &&
      (await execute(this.#connection, rollback).then(
        () => true,
        () => false,
      ));
    fail(isUndone);
  }
}
