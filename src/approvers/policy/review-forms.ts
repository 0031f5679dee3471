import type { Duration } from '../../core/duration.js';

/* The forms in which a rule writes the review that it requires. */

/** For each group, the number of its members that must approve: at least 1. With `denials`: the number in this group that ends the request. */
export type ReviewGroups = Readonly<Record<string, number | { readonly approvals: number; readonly denials?: number | undefined }>>;

/** A step of a review. */
export interface ReviewStep {
  /** All of these groups must approve. */
  readonly groups: ReviewGroups;
  /** Members of the group `to` may stand in for any group of this step, once `after` has passed since the step began. */
  readonly escalate?: EscalateTo | readonly EscalateTo[] | undefined;
}

/** An alternative of a review, with either `groups` or `steps`. */
export interface ReviewAlternative {
  readonly groups?: ReviewGroups | undefined;
  readonly steps?: readonly ReviewStep[] | undefined;
  /** The number of denials in this alternative that ends the request. Default: only the total applies. */
  readonly denials?: number | undefined;
}

/** A group that may stand in, and after what time. */
export interface EscalateTo {
  readonly to: string;
  readonly after: Duration;
}

/** How a reviewer must have been authenticated to approve. Has `acr`, `maxAge` or both. A denial needs none. */
export interface ReviewAssurance {
  /** The accepted authentication contexts, at most 20: values of the claim `acr` of your identity provider. Default: any. */
  readonly acr?: readonly string[] | undefined;
  /** The greatest age of the authentication when the approval is given: milliseconds, or a string like `'5m'`. Default: any. */
  readonly maxAge?: Duration | undefined;
}
