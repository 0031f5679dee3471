/** The refusals of the entry that a follower must deliver next. A shared follower keeps them in its cursor's row. */
export interface Refusals {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly count: number;
  /** The follower sends nothing before this instant. 0 until the withheld form has been refused too. Epoch milliseconds. */
  readonly retryAt: number;
}

/** The body of each kind of row of the engine's own data. */
export interface Bookmarks {
  /** The cursor of a shared follower, or a hold in place of the cursors of `sinks`. */
  readonly cursor: {
    readonly seq: number;
    readonly leasedUntil: number | undefined;
    readonly owner: string | undefined;
    readonly refused: Refusals | undefined;
    readonly sinks: readonly string[] | undefined;
  };
  /** The purge horizon, and when the last automatic purge began. */
  readonly horizon: { readonly before: number; readonly retainedAt: number | undefined };
  /** The lease of a process on a provisioning change. */
  readonly lease: { readonly leasedUntil: number; readonly owner: string };
  /** The configuration of a running engine. */
  readonly engine: { readonly approver: string; readonly matcher: string; readonly seenAt: number };
  /** The newest accepted rollbacks. */
  readonly accepted: { readonly accepted: readonly { readonly id: string; readonly at: number }[] };
}
