/**
 * The reviews that decide a request, and how long an approval stays fresh. It has exactly one of `groups`, `steps` and `anyOf`. In
 * each alternative, a reviewer counts once, in one group of one step.
 */
export interface Quorum {
  /** The plain form: every group must reach its number of approvals (AND across groups, m-of-n inside one). */
  readonly groups: readonly QuorumGroup[] | undefined;
  /** Steps in order. The reviewers of a step may approve once all steps before it are complete. */
  readonly steps: readonly QuorumStep[] | undefined;
  /** Alternatives. One complete alternative is enough to approve. */
  readonly anyOf: readonly QuorumAlternative[] | undefined;
  /** The number of denials, over all groups, that ends the request. At least 1. A reviewer counts once. */
  readonly denials: number;
  /** How long an approval counts, in milliseconds. `undefined`: as long as the request is open. */
  readonly approvalTtlMs: number | undefined;
  /** The escalations of `groups`, here and in the alternatives of `anyOf`. A step has its own. */
  readonly escalation: readonly Escalation[] | undefined;
  /** How every reviewer who approves must have been authenticated. `undefined`: in any way. */
  readonly assurance: Assurance | undefined;
  /** How often a sweep reminds the reviewers, from the assignment on, in milliseconds. `undefined`: never. */
  readonly remindEveryMs: number | undefined;
}

/** How a reviewer must have been authenticated to approve. */
export interface Assurance {
  /** The accepted authentication contexts, of which the approval needs one. `undefined`: any. */
  readonly acr: readonly string[] | undefined;
  /** The greatest age of the authentication when the approval is given. Milliseconds. `undefined`: any age. */
  readonly maxAgeMs: number | undefined;
}

/** How a reviewer was authenticated. */
export interface Authentication {
  /** The authentication context, in the words of your identity provider: the claim `acr` of its token. */
  readonly acr: string | undefined;
  /** When the reviewer was authenticated: the claim `auth_time` of the token. Epoch milliseconds. */
  readonly authAt: number | undefined;
}

/** A group of reviewers in a quorum. */
export interface QuorumGroup {
  /** The name of the group. */
  readonly name: string;
  /** The number of its members that must approve. At least 1. */
  readonly approvals: number;
  /** The number of denials in this group that ends the request. `undefined`: only the numbers of the alternative and the quorum apply. */
  readonly denials: number | undefined;
}

/** A step of a quorum: groups that review together. */
export interface QuorumStep {
  /** All of these groups must approve. */
  readonly groups: readonly QuorumGroup[];
  /** The groups that may stand in, and when. `undefined`: none. */
  readonly escalation: readonly Escalation[] | undefined;
}

/** One alternative of a quorum. It has either `groups` or `steps`. */
export interface QuorumAlternative {
  /** All of these groups must approve. `undefined`: it has `steps`. */
  readonly groups: readonly QuorumGroup[] | undefined;
  /** The steps in order. `undefined`: it has `groups`. */
  readonly steps: readonly QuorumStep[] | undefined;
  /** The number of denials in this alternative that ends the request. `undefined`: only the numbers of its groups and the quorum apply. */
  readonly denials: number | undefined;
}

/** A group whose members may stand in for each group of a step, from `afterMs` milliseconds after the step began. */
export interface Escalation {
  /** The group whose members may stand in. */
  readonly group: string;
  /** The time from the begin of the step. Milliseconds. */
  readonly afterMs: number;
}

/** A later step of a quorum that has begun. The first step of each alternative begins when the approver names the quorum. */
export interface BegunStep {
  /** The position in `anyOf`, from 0. 0 also if the quorum has no `anyOf`. */
  readonly alternative: number;
  /** The position in `steps`, from 0. */
  readonly step: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The review of one reviewer. A reviewer has at most one review on a request. A later one replaces it. */
export interface Review {
  /** The id of the reviewer. */
  readonly reviewer: string;
  /** Whether the reviewer approves or denies. */
  readonly verdict: 'approve' | 'deny';
  /** The reviewer's groups at the instant of the review: groups of the quorum and of its escalations. */
  readonly groups: readonly string[];
  /** The group of the quorum in which the review counts. `undefined`: the group that brings the quorum closest to completion. */
  readonly as: string | undefined;
  /** The later steps in which this approval counts: the first `steps` of the request's `begunSteps`. `undefined`: first steps only. */
  readonly steps: number | undefined;
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
  /** How the reviewer was authenticated. `undefined`: your code did not say. A denial has none. */
  readonly auth: Authentication | undefined;
}

/** The access that an approval of a request gave: less than the request asked for if a reviewer narrowed it. */
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
