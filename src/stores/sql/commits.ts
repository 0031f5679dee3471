import { OutcomeUnknownError, StoreError } from '../../core/errors.js';
import type { Change, CommitAnswer } from '../../core/store-port.js';
import { GENESIS } from '../../journal/link.js';
import { TurnBudget } from '../../core/time.js';
import { Batch, keysOf, prepare } from './batch.js';
import type { LockedHead, ChangeAnswer, Prepared } from './batch.js';
import { asStoreError, isRefusal } from './failures.js';
import { anchorOf, integerOf, refuseWrongServer, textOf } from './rows.js';
import { RetryBudget, TransactionFailed, unlessBusy } from './session.js';
import type { Ask, Session } from './session.js';
import type { Statements } from './statements.js';

/** The greatest number of rows that the changes of one transaction write together. A larger change gets its own transaction (L42). */
const MAX_ROWS = 256;
/**
 * Each change counts as at least this many rows. So at most 128 changes without rows share a transaction, and no caller
 * waits long for earlier changes.
 */
const MIN_ROWS_OF_CHANGE = 2;
/**
 * Each transaction spends at least this many rows of the {@link TurnBudget}. SQLite's driver blocks the event loop, and even
 * a transaction of a few rows takes about a millisecond.
 */
const MIN_ROWS_OF_BATCH = 64;

interface Waiting {
  readonly change: Prepared;
  /** Starts at the call: the time in the queue counts. */
  readonly budget: RetryBudget;
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Called around each transaction. */
export interface CommitHooks {
  /** Called before the transaction; a throw refuses it. @throws StoreError */
  before(): void;
  /** Called after a transaction that the database has committed. */
  committed(): void;
}

/**
 * The commits of one namespace in this process. Commits to a namespace are serial. Commits that arrive during a transaction
 * wait and then share the next one, which keeps the throughput high.
 */
export class Commits {
  readonly #namespace: string;
  readonly #session: Session;
  readonly #statements: Statements;
  readonly #hooks: CommitHooks;
  #waiting: Waiting[] = [];
  #isRunning = false;
  /**
   * Lets the event loop take its turns between transactions. All runs share it: a caller that awaits each commit makes each
   * commit a run of its own.
   */
  readonly #turns = new TurnBudget();

  constructor(namespace: string, session: Session, statements: Statements, hooks: CommitHooks) {
    this.#namespace = namespace;
    this.#session = session;
    this.#statements = statements;
    this.#hooks = hooks;
  }

  commit(change: Change): Promise<CommitAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change: prepare(change), budget: new RetryBudget(this.#session.timeoutMs), resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const { count, rows } = this.#nextBatch();
      await this.#turns.spend(Math.max(rows, MIN_ROWS_OF_BATCH));
      const batch = this.#waiting.splice(0, count);
      const late = batch.filter(({ budget }) => budget.left <= 0);
      for (const { reject } of late) reject(new StoreError('commit', 'earlier commits took too long; this change was not written'));
      const inTime = batch.filter((one) => !late.includes(one));
      if (inTime.length > 0) await this.#settle(inTime);
    }
    this.#isRunning = false;
  }

  /**
   * Ends a batch after a change that trims the journal. The trim deletes entries, and with them the ids of the changes that
   * wrote them. A later change must be compared with the ids that are left.
   */
  #nextBatch(): { readonly count: number; readonly rows: number } {
    let [count, rows] = [0, 0];
    for (const { change } of this.#waiting) {
      const more = Math.max(change.put.length + change.remove.length, MIN_ROWS_OF_CHANGE);
      if (count > 0 && rows + more > MAX_ROWS) break;
      count += 1;
      rows += more;
      if (change.trimJournalTo > 0) break;
    }
    return { count, rows };
  }

  /** Never rejects: every outcome goes to the callers of `commit`. */
  async #settle(batch: readonly Waiting[]): Promise<void> {
    let answers: readonly ChangeAnswer[];
    try {
      answers = await this.#apply(batch.map(({ change }) => change));
    } catch (error) {
      const { cause, unknown } = error instanceof TransactionFailed ? error : new TransactionFailed(error, false);
      // The database refuses the data of one of these changes. Each is committed alone, so that only that one fails.
      if (batch.length > 1 && !unknown && isRefusal(cause)) {
        for (const one of batch) await this.#settle([one]);
        return;
      }
      for (const { change, reject } of batch) {
        reject(unknown ? new OutcomeUnknownError(change.id, cause) : asStoreError('commit', cause));
      }
      return;
    }
    for (const [i, { resolve, reject }] of batch.entries()) {
      const answer = answers[i] as ChangeAnswer;
      if ('outcome' in answer) resolve(answer);
      else reject(answer.rejected);
    }
    this.#hooks.committed();
  }

  /**
   * Makes one attempt. It repeats only a transaction that the server rolled back because of another one (a lock or
   * serialisation conflict). If COMMIT had no answer, the attempt ends, and the engine commits the same change again.
   *
   * @throws TransactionFailed
   */
  #apply(changes: readonly Prepared[]): Promise<readonly ChangeAnswer[]> {
    const budget = new RetryBudget(this.#session.timeoutMs);
    return unlessBusy(budget, () => this.#once(changes, budget));
  }

  async #once(changes: readonly Prepared[], budget: RetryBudget): Promise<readonly ChangeAnswer[]> {
    this.#hooks.before();
    const statements = this.#statements;
    const { begin, commit, rollback, busyTimeout, hashAt } = statements;
    const bounds = { begin: begin(this.#session.timeoutMs), commit, rollback, busyTimeout };
    return this.#session.transaction(bounds, budget, async (ask) => {
      const batch = new Batch(changes, await this.#hold(ask, changes));
      const { trimTo, ownHash } = batch;
      const startHash = trimTo === 0 ? undefined : (ownHash ?? textOf((await ask(hashAt, [this.#namespace, trimTo]))[0] ?? {}, 'hash'));
      for (const [statement, values] of statements.write(this.#namespace, batch.parts(startHash))) await ask(statement, values);
      return batch.answers;
    });
  }

  /** Locks the head, and reads everything that decides the outcomes while it holds that lock. */
  async #hold(ask: Ask, changes: readonly Prepared[]): Promise<LockedHead> {
    const { keys, json } = keysOf(changes);
    const known = changes.flatMap(({ knows }) => (knows === undefined ? [] : [knows.seq]));
    const values = [this.#namespace, json, JSON.stringify(changes.map(({ id }) => id)), JSON.stringify([...new Set(known)])];
    for (;;) {
      const [held] = await ask(this.#statements.hold, values);
      if (held === undefined) {
        await ask(this.#statements.found, [this.#namespace, GENESIS.hash]);
        continue;
      }
      refuseWrongServer(held, this.#statements.dialect);
      // This statement waited for a transaction that held the head, so what it read from other tables may be stale.
      if (held['seen'] === null || integerOf(held, 'seen') !== integerOf(held, 'revision')) continue;
      const kept = listOf(held['kept']) as [number, number, number][];
      return {
        head: anchorOf(held, 'seq', 'hash'),
        start: anchorOf(held, 'start_seq', 'start_hash'),
        rows: new Map(kept.map(([i, version, createdAt]) => [keys[i] ?? '', { version, createdAt }])),
        hashes: new Map(listOf(held['hashes']) as [number, string][]),
        applied: new Set(listOf(held['applied']) as string[]),
      };
    }
  }
}

/** A JSON list that the database built. Null means an empty list. */
const listOf = (json: unknown): unknown[] => (typeof json === 'string' ? (JSON.parse(json) as unknown[]) : []);
