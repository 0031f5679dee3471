import { HookError, OutcomeUnknownError } from '../../core/errors.js';
import { Stopwatch } from '../../core/stopwatch.js';
import type { Change, CommitAnswer } from '../../core/store-port.js';
import { systemClock } from '../../core/clock.js';
import { TurnBudget } from '../../core/turns.js';
import { prepare } from './batch.js';
import type { Batch } from './batch.js';
import { CommitTransactions } from './commit-transaction.js';
import type { Asked, CommitOptions, Committed } from './commit-transaction.js';
import { asStoreError, HookFailed, isBusy, isRefusal, leftBehind } from './failures.js';
import { isRefusable, type Hook } from './hook.js';
import { CommitQueue, MAX_WEIGHT } from './commit-queue.js';
import type { Kind, Waiting } from './commit-queue.js';
import type { AtOnce, Dialect } from './dialect/dialect.js';
import { RetryBudget, unlessBusy } from './session.js';
import { TransactionFailed } from './transaction.js';
import type { Session } from './session.js';
import type { Statements } from './statements.js';

/** The greatest number of namespaces that share a transaction. */
const MAX_SHARING = 64;
/**
 * Each transaction spends at least this many rows of the {@link TurnBudget}. SQLite's driver blocks the event loop, and even
 * a transaction of a few rows takes about a millisecond.
 */
const MIN_ROWS_OF_TRANSACTION = 64;

/** Called around each transaction. */
export interface CommitHooks {
  /** Called before the transaction; a throw refuses it. @throws StoreError */
  before(): void;
  /** Called after a transaction that the database has committed. */
  committed(namespaces: readonly string[]): void;
}

/** The changes of one namespace in a transaction. */
interface Part extends Asked {
  readonly queue: CommitQueue;
  readonly waiting: readonly Waiting[];
}

/**
 * The commits of this process. Commits to one namespace are serial. Those that arrive during a transaction wait and then share
 * the next one, with the commits of other namespaces, which keeps the throughput high.
 *
 * A namespace that would delay or fail the others takes transactions of its own: see {@link Kind}.
 */
export class Commits {
  readonly #session: Session;
  readonly #dialect: Dialect;
  readonly #isAlone: boolean;
  /** While all that may share are running, further commits wait and then share the next one. */
  readonly #atOnce: AtOnce;
  readonly #transactions: CommitTransactions;
  readonly #hooks: CommitHooks;
  readonly #statements: Statements;
  readonly #hook: Hook | undefined;
  readonly #queues = new Map<string, CommitQueue>();
  /** The queues that wait for a transaction, in the order in which they became ready. A queue is in one of these sets at most. */
  readonly #ready: Readonly<Record<Kind, Set<CommitQueue>>> = { shared: new Set(), apart: new Set(), locked: new Set() };
  readonly #running: Record<Kind, number> = { shared: 0, apart: 0, locked: 0 };
  /**
   * Lets the event loop take its turns between transactions. All of them share it: a caller that awaits each commit makes each
   * commit a transaction of its own.
   */
  readonly #turns = new TurnBudget();
  readonly #sinceRejecting = new Stopwatch(systemClock);

  /** @param hook the user's: with it, each change gets a transaction of its own */
  constructor(session: Session, statements: Statements, hooks: CommitHooks, hook?: Hook) {
    this.#session = session;
    this.#statements = statements;
    this.#hook = hook;
    const { dialect } = statements;
    this.#dialect = dialect;
    this.#atOnce = hook === undefined ? dialect.atOnce : dialect.atOnceAlone;
    this.#isAlone = hook !== undefined || this.#atOnce.shared === 0;
    this.#transactions = new CommitTransactions(session, statements);
    this.#hooks = hooks;
  }

  commit(namespace: string, change: Change): Promise<CommitAnswer> {
    return new Promise((resolve, reject) => {
      const budget = new RetryBudget(this.#session.timeoutMs);
      const waiting = { change: prepare(change), budget, resolve, reject, inContext: this.#hook?.context };
      const isSingle = this.#hook !== undefined;
      const queue = this.#queues.get(namespace) ?? new CommitQueue(namespace, this.#isAlone, isSingle);
      this.#queues.set(namespace, queue);
      queue.add(waiting);
      if (!queue.isRunning) this.#await(queue);
    });
  }

  #await(queue: CommitQueue): void {
    const { kind } = queue;
    // It may have waited under another kind, until its late changes were rejected.
    for (const queues of Object.values(this.#ready)) if (queues !== this.#ready[kind]) queues.delete(queue);
    this.#ready[kind].add(queue);
    if (this.#running[kind] < this.#atOnce[kind]) void this.#run(kind);
  }

  /** Runs one transaction after the other, as long as queues are ready. Never rejects. */
  async #run(kind: Kind): Promise<void> {
    this.#running[kind] += 1;
    // Commits of the same turn share the first one.
    await Promise.resolve();
    while (this.#ready[kind].size > 0) {
      const { parts, weight } = this.#take(kind);
      await this.#turns.spend(Math.max(weight, MIN_ROWS_OF_TRANSACTION));
      if (kind === 'shared') await this.#commitShared(parts);
      else for (const part of parts) await this.#commitApart(part, kind);
      for (const { queue } of parts) this.#release(queue);
      this.#rejectLate();
    }
    this.#running[kind] -= 1;
  }

  #release(queue: CommitQueue): void {
    queue.isRunning = false;
    if (!queue.isEmpty) this.#await(queue);
    else if (!queue.isNeeded) this.#queues.delete(queue.namespace);
  }

  /** Rejects the changes that no transaction has taken in time. It looks at all queues, so it does this rarely. */
  #rejectLate(): void {
    if (this.#sinceRejecting.ms < this.#session.timeoutMs / 2) return;
    this.#sinceRejecting.restart();
    for (const queues of Object.values(this.#ready)) for (const queue of queues) queue.rejectLate();
  }

  /** Takes the changes of the next transaction out of their queues. */
  #take(kind: Kind): { readonly parts: readonly Part[]; readonly weight: number } {
    const parts: Part[] = [];
    let weight = 0;
    for (const queue of this.#ready[kind]) {
      if (parts.length === (kind === 'shared' ? MAX_SHARING : 1)) break;
      queue.rejectLate();
      // After late changes were rejected, the queue may need a transaction of another kind, or none.
      if (queue.isEmpty || queue.kind !== kind) {
        this.#ready[kind].delete(queue);
        this.#release(queue);
        continue;
      }
      const next = queue.take(kind === 'shared' ? MAX_WEIGHT - weight : undefined);
      // It needs more room than this transaction has left.
      if (next.taken.length === 0) break;
      this.#ready[kind].delete(queue);
      queue.isRunning = true;
      weight += next.weight;
      parts.push({ queue, namespace: queue.namespace, waiting: next.taken, changes: next.taken.map(({ change }) => change) });
    }
    return { parts, weight };
  }

  async #commitShared(parts: readonly Part[]): Promise<void> {
    if (parts.length === 0) return;
    try {
      const committed = await this.#attempt(parts, 'shared');
      for (const part of parts) {
        const batch = committed.get(part);
        if (batch === undefined) {
          part.queue.wasOmitted();
          part.queue.putBack(part.waiting);
        } else {
          part.queue.hasCommitted('shared');
          answer(part.waiting, batch);
        }
      }
      this.#hooks.committed([...committed.keys()].map(({ namespace }) => namespace));
    } catch (error) {
      const failed = asFailure(error);
      // One of the namespaces may be the reason. In transactions of their own, only that one fails.
      const isAgain = !failed.unknown && this.#dialect.mayBeOfOne(failed.cause);
      for (const { queue, waiting } of parts) {
        queue.hasFailed();
        if (isAgain) queue.putBack(waiting);
        else refuse(waiting, failed);
      }
    }
  }

  async #commitApart(part: Part, kind: 'apart' | 'locked'): Promise<void> {
    const { queue, waiting } = part;
    const hookRun = { hasEnded: false };
    try {
      const committed = await this.#attempt([part], kind, this.#beforeWrites(part, hookRun));
      queue.hasCommitted(kind);
      answer(waiting, committed.get(part) as Batch);
      this.#hooks.committed([queue.namespace]);
    } catch (error) {
      const failed = asFailure(error);
      const isRefused = !failed.unknown && isRefusal(failed.cause);
      // The database refuses the data of one of these changes. Each is committed alone, so that only that one fails.
      if (isRefused && waiting.length > 1) {
        queue.putBack(waiting, true);
        return;
      }
      if (kind === 'apart' && !failed.unknown && this.#dialect.locksHeads && isBusy(failed.cause)) {
        queue.isStillLocked();
        queue.putBack(waiting, waiting.length === 1);
        return;
      }
      // After the hook the store's own statements fail by what the hook has left: a setting, or a constraint that is checked at COMMIT.
      const hookFailed = isRefused && hookRun.hasEnded ? new HookFailed(leftBehind(failed.cause)) : failed.cause;
      if (hookFailed instanceof HookFailed) {
        this.#refuseOrOmitHook(part, hookFailed);
        return;
      }
      if (isRefused) queue.wasRefused();
      else queue.hasFailed();
      refuse(waiting, failed);
    }
  }

  /** The call of the hook, or the note that it must be called later. `undefined`: there is no hook. */
  #beforeWrites({ namespace, waiting }: Part, run: { hasEnded: boolean }): CommitOptions['before'] {
    const [hook, first] = [this.#hook, waiting[0]];
    if (hook === undefined || first === undefined) return undefined;
    const { id } = first.change;
    const { inContext } = first;
    if (inContext !== undefined) {
      return async (ask, connection, entries) => {
        run.hasEnded = false;
        await hook.run(ask, connection, { id, entries }, inContext);
        run.hasEnded = true;
      };
    }
    return async (ask, _connection, entries) => {
      await ask(this.#statements.addHook, [namespace, id, entries[0]?.seq]);
    };
  }

  /** The hook has failed. A change that creates no access must not wait for it: it is written without the hook, in another transaction. */
  #refuseOrOmitHook({ queue, waiting }: Part, failed: HookFailed): void {
    queue.wasRefused();
    for (const one of waiting) {
      const { id, append } = one.change;
      if (isRefusable(append)) {
        one.reject(new HookError(id, failed.cause));
        continue;
      }
      this.#hook?.report(id, failed);
      queue.putBack([{ ...one, budget: new RetryBudget(this.#session.timeoutMs), inContext: undefined }]);
    }
  }

  /**
   * Makes one attempt. It repeats only a transaction that the server rolled back because of another one (a lock or
   * serialisation conflict), and only if no other namespace waits for it. If COMMIT had no answer, the attempt ends, and the
   * engine commits the same change again.
   *
   * @throws TransactionFailed, StoreError
   */
  #attempt(asked: readonly Asked[], kind: Kind, before?: CommitOptions['before']): Promise<Committed> {
    const budget = new RetryBudget(this.#session.timeoutMs);
    const isLast = kind === 'locked' || !this.#dialect.locksHeads;
    const lockMs = isLast ? this.#session.timeoutMs : Math.ceil(this.#session.timeoutMs / 4);
    const once = async () => {
      this.#hooks.before();
      return this.#transactions.commit(asked, { waits: kind !== 'shared', lockMs, budget, before });
    };
    return isLast ? unlessBusy(budget, once) : once();
  }
}

const asFailure = (error: unknown): TransactionFailed => (error instanceof TransactionFailed ? error : new TransactionFailed(error, false));

function refuse(waiting: readonly Waiting[], { cause, unknown }: TransactionFailed): void {
  for (const { change, reject } of waiting) reject(unknown ? new OutcomeUnknownError(change.id, cause) : asStoreError('commit', cause));
}

function answer(waiting: readonly Waiting[], { answers }: Batch): void {
  for (const [i, { resolve, reject }] of waiting.entries()) {
    const one = answers[i] as Batch['answers'][number];
    if ('outcome' in one) resolve(one);
    else reject(one.rejected);
  }
}
