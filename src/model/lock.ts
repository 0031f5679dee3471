/** A recorded refusal for a subject or a scope. While it is open, it takes precedence over every grant that it reaches. */
export interface Lock {
  /** Derived from the idempotency key, if the caller gave one. */
  readonly id: string;
  /** The locked id; for an agent, also its runs. `undefined`: the lock is on a scope. */
  readonly subject: string | undefined;
  /** The locked scope or pattern. `undefined`: the lock is on a subject. */
  readonly scope: string | undefined;
  /** The caller that set it. */
  readonly by: string;
  /** When it was set. Epoch milliseconds. */
  readonly at: number;
  /** The first instant at which it no longer denies, if it is complete by then. `undefined`: until `unlock`. Epoch milliseconds. */
  readonly until: number | undefined;
  /** When all access that it reaches had been ended. `undefined`: it is unfinished, and ends for no cause. Epoch milliseconds. */
  readonly completedAt: number | undefined;
}

/** The end of a lock. It restores no access: the lock has ended the access. */
export interface LockEnd {
  /** `lifted`: by `unlock`. `expired`: its `until` has passed. */
  readonly status: 'lifted' | 'expired';
  /** When it was recorded. Epoch milliseconds. */
  readonly at: number;
  /** The caller of `unlock`, or `system:sweeper`. */
  readonly by: string;
}

/** A lock that has ended. */
export interface EndedLock extends Lock {
  /** When the lock ended, and why. */
  readonly end: LockEnd;
}

/** The only row of locks of a namespace. Every change that creates access depends on it. */
export interface Locks {
  /** The kind of this record: always `'lock'`. */
  readonly kind: 'lock';
  /** The id of this record: always `'open'`. */
  readonly id: 'open';
  /** The version of the row. Each change increments it. */
  readonly version: number;
  /** The locks without a recorded end: at most 256, in the order in which they were set. */
  readonly locks: readonly Lock[];
  /** The locks that ended last: at most 16, the latest last. A repeated `lock` or `unlock` finds its lock here. */
  readonly ended: readonly EndedLock[];
}
