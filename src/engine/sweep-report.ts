import { TurnBudget } from '../core/time.js';
import type { TimeWork } from '../lifecycle/sweep.js';

/** What one pass did. */
export interface SweepReport {
  /** Grants whose end, by time or because they were idle, was recorded. */
  readonly ended: number;
  /** Requests whose deadline had passed. */
  readonly expired: number;
  /** Scheduled grants whose start was recorded. */
  readonly started: number;
  /** Grants whose subject is to be warned of the end. */
  readonly warned: number;
  /** Requests on which another group may stand in now. */
  readonly escalated: number;
  /** Break-glass requests whose review is overdue now. */
  readonly missed: number;
  /** Questions that this pass has put to the approver again, or at a start. A question still open from an earlier pass does not count. */
  readonly asked: number;
  /** Rows left alone: malformed, or changed by other processes throughout. */
  readonly skipped: number;
  /** Due rows of a feature that this process does not use, such as `jit-access/provisioning`. Another process handles them. */
  readonly unhandled: number;
}

/** Counts what a pass has done. */
export class SweepTally {
  /** A store that answers at once lets nothing else run between two commits: a pass over many rows must (L42). */
  readonly turns = new TurnBudget();
  skipped = 0;
  readonly #done = new Map<TimeWork, number>();
  /** Commits that the store has refused since the last one that it took. */
  refusedInARow = 0;
  #refused: { readonly last: unknown } | undefined;

  refuse(error: unknown): void {
    this.#refused = { last: error };
    this.refusedInARow += 1;
  }

  /** Reports the last refusal. @throws it where nothing at all could be committed: then it is the pass's own failure */
  reportRefusal(onError: (error: unknown) => void): void {
    if (this.#refused === undefined) return;
    if (this.#done.size === 0) throw this.#refused.last;
    onError(this.#refused.last);
  }

  add(works: readonly TimeWork[]): void {
    for (const work of works) this.#done.set(work, (this.#done.get(work) ?? 0) + 1);
  }

  report(asked: number, unhandled: number): SweepReport {
    const count = (work: TimeWork) => this.#done.get(work) ?? 0;
    return {
      ended: count('ended'),
      expired: count('expired'),
      started: count('started'),
      warned: count('warned'),
      escalated: count('escalated'),
      missed: count('missed'),
      asked,
      skipped: this.skipped,
      unhandled,
    };
  }
}
