import { StoreError } from '../../core/errors.js';
import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import type { EngineClock } from '../../core/clock.js';
import { isThenable } from '../../core/thenable.js';
import { bindMethods } from '../../core/unbound.js';
import type { Action, Checker } from '../../engine/checks/checker.js';
import { askJournal } from '../../journal/store-reads.js';
import { decided, viewDecisionOf, type LiveView, type ViewDecision } from './live-view.js';

/** A view over a store of this process that answers at once: the store itself is what the view looks at. */
export class DirectView implements LiveView {
  readonly #checker: Checker;
  readonly #clock: EngineClock;
  readonly #store: Pick<GrantStore, 'journal'>;
  #seq = 0;
  #isClosed = false;

  constructor(checker: Checker, clock: EngineClock, store: Pick<GrantStore, 'journal'>) {
    this.#checker = checker;
    this.#clock = clock;
    this.#store = store;
    bindMethods(this, 'isAllowed', 'check');
  }

  get freshAt(): number | undefined {
    return this.#isClosed ? undefined : this.#clock.read().now;
  }

  get seq(): number {
    return this.#seq;
  }

  isAllowed(subject: string, action: Action): boolean {
    return this.#isClosed ? this.check(subject, action).allowed : atOnce(this.#checker.allows(subject, action));
  }

  check(subject: string, action: Action): ViewDecision {
    const decision = viewDecisionOf(atOnce(this.#checker.check(subject, action)));
    if (!this.#isClosed || decision.reason === 'standing') return decision;
    return decided('stale_view', decision.subject, decision.scope, decision.at);
  }

  async refresh(): Promise<void> {
    const { head } = await askJournal(this.#store, { after: Number.MAX_SAFE_INTEGER, limit: 1 });
    this.#seq = head.seq;
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** @throws StoreError if the store answers with a promise */
function atOnce<T>(answer: MaybePromise<T>): T {
  if (isLate(answer)) throw new StoreError('live', 'it answered with a promise, and before at once', undefined);
  return answer;
}

/** Whether an answer of a store is a promise. The view does not await it, so its rejection is ignored. */
export function isLate<T>(answer: MaybePromise<T>): answer is Promise<T> {
  if (!isThenable(answer)) return false;
  answer.then(undefined, () => undefined);
  return true;
}
