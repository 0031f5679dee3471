import { TurnBudget } from '../../core/turns.js';
import type { TimeWork } from '../../lifecycle/sweep.js';

/** The counts of one pass. */
export interface SweepReport {
  /** Grants whose expiry or idle end was recorded. */
  readonly ended: number;
  /** Requests whose expiry was recorded, because their review deadline had passed. */
  readonly expired: number;
  /** Scheduled grants whose start was recorded. */
  readonly started: number;
  /** Grants whose warning of the coming end was recorded. */
  readonly warned: number;
  /** Requests that were escalated: another group may now stand in. */
  readonly escalated: number;
  /** Requests whose reviewers were reminded. */
  readonly reminded: number;
  /** Break-glass requests whose review was recorded as overdue. */
  readonly missed: number;
  /** Questions that this pass asked the approver, about undecided requests and due starts. Open ones of earlier passes do not count. */
  readonly asked: number;
  /** Rows that the pass did not write: malformed, refused by the store, or changed by other processes at each try. */
  readonly skipped: number;
  /** Due rows of a feature that this process does not use, such as `jit-access/provisioning`. Another process handles them. */
  readonly unhandled: number;
}

/** Counts the transitions of a pass. */
export class SweepTally {
  /** A store that answers at once never yields between two commits, so a pass over many rows must yield itself (L42). */
  readonly turns = new TurnBudget();
  skipped = 0;
  readonly #done = new Map<TimeWork, number>();
  /** The number of commits that the store has refused since its last successful commit. */
  refusedInARow = 0;
  #refused: { readonly last: unknown } | undefined;

  refuse(error: unknown): void {
    this.#refused = { last: error };
    this.refusedInARow += 1;
  }

  /** Reports the last refusal to `onError`. @throws that refusal if the pass could commit nothing: the pass has failed */
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
      reminded: count('reminded'),
      missed: count('missed'),
      asked,
      skipped: this.skipped,
      unhandled,
    };
  }
}
