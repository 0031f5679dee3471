import type { AskProblem } from '../../core/ask-problem.js';
import type { QuorumInput, TermsInput } from '../../core/approver-port.js';
import type { Duration } from '../../core/duration.js';
import type { Instant } from '../../core/instant.js';
import type { JsonObject } from '../../model/json.js';

/** The argument of `explain` for a request that is not recorded: the fields of `requestAccess`. */
export interface PolicyQuestion {
  /** The identity that would hold the access, such as `user:maya`. */
  readonly subject: string;
  /** The scope, if there is only one. A question has either `scope` or `scopes`. */
  readonly scope?: string | undefined;
  /** 1 to 50 scopes with one decision. */
  readonly scopes?: readonly string[] | undefined;
  /** Length of the window: a string like `'30m'`, or milliseconds. */
  readonly ttl: Duration;
  /** Start of the window: epoch milliseconds or a `Date`. Default: the decision. */
  readonly startsAt?: Instant | undefined;
  /** Why. Default: none. */
  readonly justification?: string | undefined;
  /** The ticket that the access is for, e.g. `INC-4711`. Default: none. */
  readonly ticket?: string | undefined;
  /** The caller that asks. Default: the subject, or the agent of a run. */
  readonly requestedBy?: string | undefined;
  /** If `subject` is a run of an agent: the operator on whose behalf it asks. */
  readonly operator?: string | undefined;
  /** JSON of the caller. Default: none. */
  readonly metadata?: JsonObject | undefined;
  /**
   * The instant of the request: epoch milliseconds or a `Date`. Required with `startsAt`, and for a policy with `when`, because a policy
   * has no clock.
   */
  readonly at?: Instant | undefined;
}

/** The part of a rule in the decision about a scope. */
export interface ConsideredRule {
  /** The id of the rule. */
  readonly rule: string;
  /** `decides`: the rule applies to this scope. `passed_over`: it does not. */
  readonly verdict: 'decides' | 'passed_over';
  /** Why the rule applies or not, for people to read. */
  readonly why: string;
}

/** The result of `explain`: the answer of a policy to a request, and why. */
export interface Explanation {
  /** `ineligible`: the engine would refuse the ask and record no request. */
  readonly outcome: 'approve' | 'deny' | 'review' | 'ineligible';
  /** The ids of the rules that apply, joined by commas. */
  readonly rule: string | undefined;
  /** The reason of a denial or an ineligible ask. `undefined`: none. */
  readonly reason: string | undefined;
  /** The values of the request that must change, if these alone make it `ineligible`. Otherwise empty. */
  readonly problems: readonly AskProblem[];
  /** The approvals that are needed. `undefined`: no review. */
  readonly quorum: QuorumInput | undefined;
  /** The approvals that {@link quorum} needs, in words: `2 of dba, or 1 of lead, then 1 of security`. */
  readonly quorumInWords: string | undefined;
  /** The possible reviewers. A group that cannot be listed appears as `group:<name>`. */
  readonly reviewers: readonly string[] | undefined;
  /** The terms of the access. `undefined`: none. */
  readonly terms: TermsInput | undefined;
  /** For each scope, the rules in order. */
  readonly scopes: readonly { readonly scope: string; readonly considered: readonly ConsideredRule[] }[];
}
