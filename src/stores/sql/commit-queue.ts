import { StoreError } from '../../core/errors.js';
import type { CommitAnswer } from '../../core/store-port.js';
import type { Prepared } from './batch.js';
import type { InContext } from './hook.js';
import type { RetryBudget } from './session.js';

/** The greatest weight of the changes of one transaction, in rows. A larger change gets its own transaction (L42). */
export const MAX_WEIGHT = 256;
/** The greatest number of transactions in a row that a namespace does not share. */
const MOST_APART = 64;

export interface Waiting {
  readonly change: Prepared;
  /** Starts at the call: the time in the queue counts. */
  readonly budget: RetryBudget;
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** For the store's hook: the async context of the call. `undefined`: the store has no hook, or the change is written without it. */
  readonly inContext?: InContext | undefined;
}

/**
 * How the next transaction of a namespace runs:
 * - `shared`: with the changes of other namespaces,
 * - `apart`: with its changes only, because it would delay or fail the others. It waits for its head,
 * - `locked`: apart, after a lock has not become free for some time. Only a few of these run at a time.
 */
export type Kind = 'shared' | 'apart' | 'locked';

/** The changes of one namespace that wait for their transaction. */
export class CommitQueue {
  readonly namespace: string;
  readonly #isAlone: boolean;
  readonly #isSingle: boolean;
  readonly #waiting: Waiting[] = [];
  /** Whether a transaction with changes of this namespace is running. The next one begins after it. */
  isRunning = false;
  /** For how many more transactions it must not share one. */
  #apart = 0;
  /** The value of `apart` after the next locked head. It doubles each time, so that a namespace whose head is often locked seldom tries to share. */
  #afterLock = 1;
  #isLocked = false;
  /** How many of the next changes get a transaction each, because the database has refused one of them. */
  #divided = 0;

  /**
   * @param isAlone it shares no transaction with other namespaces
   * @param isSingle each change gets a transaction of its own, because the store's hook may refuse it
   */
  constructor(namespace: string, isAlone = false, isSingle = false) {
    this.namespace = namespace;
    this.#isAlone = isAlone;
    this.#isSingle = isSingle;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False: it can be dropped, because a new one in its place would act the same. */
  get isNeeded(): boolean {
    return !this.isEmpty || this.#isLocked || this.#apart > 0 || this.#afterLock > 1;
  }

  /** A change that trims the journal, or is too large to share a transaction, is also written apart. */
  get kind(): Kind {
    const first = this.#waiting[0]?.change;
    if (this.#isLocked) return 'locked';
    const isApart =
      this.#isAlone || this.#apart + this.#divided > 0 || (first !== undefined && (first.trimJournalTo > 0 || first.weight > MAX_WEIGHT));
    return isApart ? 'apart' : 'shared';
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
  }

  /** Puts changes back to the front: their transaction was not applied. @param divided whether each gets a transaction next */
  putBack(taken: readonly Waiting[], divided = false): void {
    this.#waiting.unshift(...taken);
    if (divided) this.#divided += taken.length;
  }

  /** Rejects the changes that have waited too long. */
  rejectLate(): void {
    for (let [first] = this.#waiting; first !== undefined && first.budget.left <= 0; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#divided = Math.max(0, this.#divided - 1);
      first.reject(new StoreError('commit', 'earlier commits took too long; this change was not written'));
    }
  }

  /**
   * Takes the next changes of one transaction. It ends after a change that trims the journal: the trim deletes entries, and
   * with them the ids of the changes that wrote them. A later change must be compared with the ids that are left.
   *
   * @param room for a transaction that is shared: the weight that is left in it
   */
  take(room?: number): { readonly taken: readonly Waiting[]; readonly weight: number } {
    let [count, weight] = [0, 0];
    for (const { change } of this.#waiting) {
      const isTrim = change.trimJournalTo > 0;
      const total = weight + change.weight;
      if (room === undefined ? count > 0 && total > MAX_WEIGHT : isTrim || total > room) break;
      count += 1;
      weight = total;
      if (isTrim || this.#isSingle || this.#divided > 0) break;
    }
    this.#divided = Math.max(0, this.#divided - count);
    return { taken: this.#waiting.splice(0, count), weight };
  }

  /** Its changes were committed. */
  hasCommitted(kind: Kind): void {
    this.#isLocked = false;
    if (kind === 'shared') this.#afterLock = 1;
    else this.#apart = Math.max(0, this.#apart - 1);
  }

  /** A transaction has failed, perhaps because of this namespace. The next one is its own, and shows that. */
  hasFailed(): void {
    this.#apart = Math.max(this.#apart, 1);
  }

  /** A shared transaction has omitted it: its head was locked, or does not exist yet. */
  wasOmitted(): void {
    this.#apart = this.#afterLock;
    this.#afterLock = Math.min(2 * this.#afterLock, MOST_APART);
  }

  /** The database has refused its data. It has read them, so the namespace did not wait for a lock. */
  wasRefused(): void {
    this.#isLocked = false;
    this.#apart = MOST_APART;
  }

  /** A lock has not become free. */
  isStillLocked(): void {
    this.#apart = MOST_APART;
    this.#isLocked = true;
  }
}
