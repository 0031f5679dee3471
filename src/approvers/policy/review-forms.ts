import type { Duration } from '../../core/duration.js';

/* The forms in which a rule writes the review that it requires. */

/** How many members of a group must approve: at least 1. */
export type GroupQuorum =
  | number
  | {
      /** How many members must approve: at least 1. */
      readonly approvals: number;
      /** The number of denials in this group that ends the request. Default: only the total applies. */
      readonly denials?: number | undefined;
    };

/** The groups that must approve, each with its quorum. `Group`: the names of the policy's groups. */
export type ReviewGroups<Group extends string = string> = string extends Group
  ? Readonly<Record<string, GroupQuorum>>
  : { readonly [Name in Group]?: GroupQuorum };

/** A step of a review. */
export interface ReviewStep<Group extends string = string> {
  /** All of these groups must approve. */
  readonly groups: ReviewGroups<Group>;
  /** Members of the group `to` may stand in for any group of this step, once `after` has passed since the step began. */
  readonly escalate?: EscalateTo<Group> | readonly EscalateTo<Group>[] | undefined;
}

/** An alternative of a review, with either `groups` or `steps`. */
export interface ReviewAlternative<Group extends string = string> {
  /** All of these groups must approve. */
  readonly groups?: ReviewGroups<Group> | undefined;
  /** Steps in order: the groups of a step may approve once all steps before it are complete. */
  readonly steps?: readonly ReviewStep<Group>[] | undefined;
  /** The number of denials in this alternative that ends the request. Default: only the total applies. */
  readonly denials?: number | undefined;
}

/** A group that may stand in, and after what time. */
export interface EscalateTo<Group extends string = string> {
  /** The group whose members may stand in. */
  readonly to: Group;
  /** The time after which they may: milliseconds, or a string like `'30m'`. */
  readonly after: Duration;
}

/** How a reviewer must have been authenticated to approve. Has `acr`, `maxAge` or both. A denial needs none. */
export interface ReviewAssurance {
  /** The accepted authentication contexts, at most 20: values of the claim `acr` of your identity provider. Default: any. */
  readonly acr?: readonly string[] | undefined;
  /** The greatest age of the authentication when the approval is given: milliseconds, or a string like `'5m'`. Default: any. */
  readonly maxAge?: Duration | undefined;
}
