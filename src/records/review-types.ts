/** The review groups that must approve, the number of denials that ends the request, and how long an approval stays fresh. */
export interface Quorum {
  /** Every group must reach its number of approvals (AND across groups, m-of-n inside one). A reviewer counts in one group only. */
  readonly groups: readonly { readonly name: string; readonly approvals: number }[];
  /** The number of denials, over all groups, that ends the request. At least 1. */
  readonly denials: number;
  /** How long an approval counts, in milliseconds. `undefined`: as long as the request is open. */
  readonly approvalTtlMs: number | undefined;
  /** A group whose members may stand in for any other group, from `afterMs` milliseconds after the approver named the quorum. */
  readonly escalation: { readonly group: string; readonly afterMs: number } | undefined;
}

/** The review of one reviewer. A reviewer has at most one review on a request. A later one replaces it. */
export interface Review {
  /** The id of the reviewer. */
  readonly reviewer: string;
  /** Whether the reviewer approves or denies. */
  readonly verdict: 'approve' | 'deny';
  /** The reviewer's groups at the instant of the review: groups of the quorum, and the group of its escalation. */
  readonly groups: readonly string[];
  /** The group of the quorum in which the review counts. `undefined`: the group that brings the quorum closest to completion. */
  readonly as: string | undefined;
  /** When the reviewer gave it. Epoch milliseconds. */
  readonly at: number;
  /** Why, in the reviewer's words. */
  readonly reason: string | undefined;
  /** A text for the other reviewers. */
  readonly comment: string | undefined;
  /** The longest window that this approval allows. Less than the request's `ttlMs`; `undefined`: the requested window. Milliseconds. */
  readonly ttlMs: number | undefined;
  /** The scopes that this approval allows, in the order of the request. `undefined`: all requested scopes. */
  readonly scopes: readonly string[] | undefined;
}

/** The access that an approval of a request gave: less than the request asked for where a reviewer narrowed it. */
export interface Granted {
  /** The scopes, in the order of the request. The request has exactly one grant for each. */
  readonly scopes: readonly string[];
  /** Length of the window in milliseconds. */
  readonly ttlMs: number;
}

/** The end of an approved request also says which access it gave. */
export type WithGranted<End> = End extends { readonly status: 'approved' }
  ? End & {
      /** The access that the approval gave. */
      readonly granted: Granted;
    }
  : End;
