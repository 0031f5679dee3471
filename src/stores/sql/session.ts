import { CompiledQuery } from 'kysely';
import { Stopwatch } from '../../core/stopwatch.js';
import { sleepUntil, systemClock, within } from '../../core/time.js';
import { TimeLimit } from '../time-limit.js';
import type { Columns, SqlDatabase } from './database.js';
import { isBusy, isRolledBack, NoAnswer } from './failures.js';
import type { Statement } from './statement.js';

/** Asks one statement. */
export type Ask = (statement: Statement, values?: readonly unknown[]) => Promise<readonly Columns[]>;

/** A transaction that did not come to its end. */
export class TransactionFailed extends Error {
  override readonly name = 'Undone';
  /** @param unknown COMMIT had been sent, and its answer didn't come: it may have been applied */
  constructor(
    override readonly cause: unknown,
    readonly unknown: boolean,
  ) {
    super('the transaction did not come to its end', { cause });
  }
}

/** The statements around a transaction. */
export interface TransactionStatements {
  readonly begin: Statement;
  readonly commit: Statement;
  readonly rollback: Statement;
  /** SQLite's driver waits for a lock without letting anything else run: meanwhile it is told not to wait. */
  readonly busyTimeout: ((ms?: number) => Statement) | undefined;
}

/** The longest pause before somebody who was told "busy" tries again. */
const MAX_PAUSE_MS = 50;
const never = new AbortController().signal;

/** How many times the limit of one statement a whole call may take, over all of its tries. */
const PATIENCE = 3;

/** How long one call may go on, over all of its tries. */
export class RetryBudget {
  readonly #watch = new Stopwatch(systemClock);
  readonly #ms: number;
  #tries = 0;

  /** @param timeoutMs the limit of one statement */
  constructor(timeoutMs: number) {
    this.#ms = PATIENCE * timeoutMs;
  }

  get left(): number {
    return this.#ms - this.#watch.ms;
  }

  /** Waits before another try; false when there is no time for one. */
  async again(): Promise<boolean> {
    if (this.left <= 0) return false;
    this.#tries += 1;
    await sleepUntil(systemClock, systemClock.now() + Math.min(2 ** this.#tries, MAX_PAUSE_MS), never);
    return true;
  }
}

/**
 * Repeats what was told "busy", as long as there is patience. Timers and other calls run in between. A transaction that may have
 * been applied is not repeated here: only the engine resends.
 */
export async function unlessBusy<T>(patience: RetryBudget, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const { cause, unknown } = error instanceof TransactionFailed ? error : { cause: error, unknown: false };
      if (unknown || !isBusy(cause) || !(await patience.again())) throw error;
    }
  }
}

/** Asks through any Kysely instance, without a limit of time. */
function execute(db: SqlDatabase, { text, order }: Statement, values: readonly unknown[] = []): Promise<readonly Columns[]> {
  const given = order === undefined ? [...values] : order.map((i) => values[i]);
  return db.executeQuery<Columns>(CompiledQuery.raw(text, given) as CompiledQuery<Columns>).then(({ rows }) => rows);
}

/** A Kysely instance, with a limit on how long any answer is waited for. */
export class Session {
  readonly #db: SqlDatabase;
  readonly timeoutMs: number;
  readonly #limit: TimeLimit;
  /** A little longer than the server's own limits, so that it is the server that says what has become of a statement. */
  readonly #committingMs: number;
  readonly #committing: TimeLimit;

  constructor(db: SqlDatabase, timeoutMs: number) {
    // A plugin would rename our columns, or translate our values.
    this.#db = db.withoutPlugins();
    this.timeoutMs = timeoutMs;
    this.#limit = new TimeLimit(timeoutMs);
    this.#committingMs = Math.ceil(1.2 * timeoutMs);
    this.#committing = new TimeLimit(this.#committingMs);
  }

  readonly ask: Ask = (statement, values) => this.limited(execute(this.#db, statement, values));

  /**
   * Runs `work` between `begin` and `commit` on one connection.
   *
   * A connection that has not answered is kept, not given back, until it does, and is then rolled back: whoever got it
   * next would find our transaction open, or read the answer that was meant for us.
   *
   * @throws Undone
   */
  async transaction<T>(bounds: TransactionStatements, patience: RetryBudget, work: (ask: Ask) => Promise<T>): Promise<T> {
    const limited = <A>(answer: Promise<A>) => this.#limitedBy(patience, answer);
    let isLate = false;
    let connected: (() => void) | undefined;
    const connection = new Promise<void>((resolve) => (connected = resolve));
    const outcome = new Promise<T>((resolve, reject) => {
      const run = async (db: SqlDatabase): Promise<void> => {
        // Whoever asked has given up waiting for a connection.
        if (isLate) return;
        connected?.();
        connected = undefined;
        await runOn(db.withoutPlugins(), bounds, limited, work, resolve, reject);
      };
      this.#db
        .connection()
        .execute(run)
        .catch((error: unknown) => reject(new TransactionFailed(error, false)));
    });
    try {
      await limited(Promise.race([connection, outcome]));
    } catch (error) {
      isLate = true;
      // Without a connection nothing has begun, and nothing will; with one, its own limits hold.
      if (connected !== undefined) throw error instanceof TransactionFailed ? error : new TransactionFailed(error, false);
    }
    return outcome;
  }

  /** Gives up after the limit of one statement, or a quarter of it later. @throws NoAnswer */
  limited<T>(answer: PromiseLike<T>): Promise<T> {
    return this.#limit.hold(answer, () => new NoAnswer(this.timeoutMs));
  }

  /** @throws NoAnswer */
  #limitedBy<T>({ left }: RetryBudget, answer: Promise<T>): Promise<T> {
    if (left > this.#committing.longestMs) return this.#committing.hold(answer, () => new NoAnswer(this.#committingMs));
    // It may yet fail, when nobody listens any more.
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
  connection: SqlDatabase,
  { begin, commit, rollback, busyTimeout }: TransactionStatements,
  limited: <A>(answer: Promise<A>) => Promise<A>,
  work: (ask: Ask) => Promise<T>,
  resolve: (result: T) => void,
  reject: (error: TransactionFailed) => void,
): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  const ask: Ask = (statement, values) => {
    const answer = execute(connection, statement, values);
    last = answer;
    return limited(answer);
  };
  let isCommitting = false;
  let waits = 0;
  try {
    if (busyTimeout !== undefined) {
      const [setting] = await ask(busyTimeout());
      waits = Number(setting?.['timeout'] ?? 0);
      if (waits > 0) await ask(busyTimeout(0));
    }
    await ask(begin);
    const result = await work(ask);
    isCommitting = true;
    const [ended] = await ask(commit);
    // PostgreSQL answers so to the COMMIT of a transaction in which something had failed.
    if (ended?.['command'] === 'ROLLBACK') throw new Error('the transaction was rolled back');
    resolve(result);
  } catch (error) {
    reject(new TransactionFailed(error, isCommitting && !isRolledBack(error)));
    await last.catch(() => undefined);
    await execute(connection, rollback).catch(() => undefined);
  }
  if (busyTimeout !== undefined && waits > 0) await execute(connection, busyTimeout(waits));
}
