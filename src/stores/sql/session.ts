import { Stopwatch } from '../../core/stopwatch.js';
import { systemClock } from '../../core/clock.js';
import { sleepUntil, within } from '../../core/timers.js';
import { TimeLimit } from '../time-limit.js';
import type { SqlDatabase } from './database.js';
import { isBusy, NoAnswer } from './failures.js';
import { execute, Transaction, TransactionFailed, type Ask, type TransactionStatements, type Work } from './transaction.js';

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
        await new Transaction(db, bounds, limited).run(work, resolve, reject);
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
