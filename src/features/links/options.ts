import type { Duration } from '../../core/duration.js';
import type { NarrowTo, ReviewBy, ReviewerAuth } from '../../engine/by.js';
import type { Granted } from '../../records/index.js';
import type { RequestWithStatus } from '../../engine/with-status.js';
import type { LinkKey } from './approval-link.js';

/** The options of `approvalLinks`. */
export interface ApprovalLinksOptions {
  /**
   * At least one key. The first key signs, and all keys are accepted. To rotate, put a new key in front of the old one, and
   * drop the old key when its links have expired.
   */
  readonly keys: readonly LinkKey[];
}

/** The options of `create`. */
export interface LinkOptions {
  /** The reviewer for whom the link is made. */
  readonly reviewer: string;
  /** The review that the link gives. */
  readonly decision: 'approve' | 'deny';
  /** How long the link is valid; never longer than the request's own deadline, which is the default. */
  readonly ttl?: Duration | undefined;
  /** Less than what was requested: what the approval narrows the request to. The redeemer cannot change it. Default: as requested. */
  readonly narrow?: NarrowTo | undefined;
}

/** What `open` returns. */
export interface LinkPreview {
  /**
   * The request. Without `options.by` it has no `metadata`, which is for reviewers and approvers. It then also lacks the
   * `reason` and `comment` of each review, and the `reason` of the end.
   */
  readonly request: RequestWithStatus;
  /** The reviewer for whom the link was made. */
  readonly reviewer: string;
  /** What the link decides. */
  readonly decision: 'approve' | 'deny';
  /** The access to which the approval narrows the request. `undefined`: it approves what was requested, or denies. */
  readonly narrowedTo: Granted | undefined;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** The reviewer who redeems an approval link. */
export interface RedeemBy extends ReviewBy {
  /** How the reviewer was authenticated, as for `approve`. Default: none. */
  readonly auth?: ReviewerAuth | undefined;
}
