import type { Grant } from './grant.js';

/** The answer of a check. */
export interface Decision {
  /** Whether the subject may do this at `at`. */
  readonly allowed: boolean;
  /**
   * Why the check allows or denies.
   *
   * - `granted`: a grant allows.
   * - `standing`: standing access allows.
   * - `not_started`: a grant that covers the scope starts later.
   * - `not_activated`: a grant that covers the scope has started, but the approver has not confirmed its start.
   * - `use_required`: a grant that covers the scope has a number of uses, and a checker takes none.
   * - `locked`: a lock on the subject or on a scope that overlaps this one is open. Or the row of locks is unreadable.
   * - `no_grant`: no live grant covers the scope.
   */
  readonly reason: 'granted' | 'standing' | 'not_started' | 'not_activated' | 'use_required' | 'locked' | 'no_grant';
  /** The subject of the check, in its canonical form. */
  readonly subject: string;
  /** The scope of the check. */
  readonly scope: string;
  /** The clock reading at which the check was judged. Epoch milliseconds. */
  readonly at: number;
  /** Of the grants that allow, the one that ends last. `use_required`, `not_activated`, `not_started`: the grant of that reason. */
  readonly grant: Grant | undefined;
  /** The standing pattern that allows. */
  readonly pattern: string | undefined;
  /**
   * The instant at which *time alone* may change this answer. `undefined`: time alone never does. It limits the age of a
   * cached answer, but does not make caching safe: a cached yes delays a revoke by its age. Epoch milliseconds.
   */
  readonly validUntil: number | undefined;
}
