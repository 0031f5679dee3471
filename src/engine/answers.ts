import type { FollowerStatus } from '../followers/followers.js';
import type { AskField } from '../lifecycle/ask.js';
import type { GrantWithStatus, RequestWithStatus } from './with-status.js';
import type { MissingApprovals } from '../records/index.js';
import type { RecentDenial } from '../lifecycle/same-ask.js';
import type { Granted, Lock, RequestComment, Review } from '../records/index.js';

/** The access that an approved request gives. */
export interface AccessGranted {
  /** `ended`: none of the grants can allow, now or later. */
  readonly outcome: 'granted' | 'ended';
  /** Whether one of the grants allows, at the clock reading at which this was judged. */
  readonly allowed: boolean;
  /** The grants of the request, one for each scope. */
  readonly grants: readonly GrantWithStatus[];
}

/**
 * The state of a request, as the engine returns it for an ask, a review or `waitFor`.
 *
 * - `reused`: an earlier call made the request, and this ask created nothing: the same key, the same open request, or access
 *   that is held. A repeat is not a permission: it returns the state of the first call's request.
 * - `allowed`: whether a grant of the request allows at this reading. It is `false` for every outcome but `granted`.
 * - `differs`: the fields in which a reused request differs from this ask.
 */
export type AccessResult = {
  /** Whether an earlier call made the request. A repeat is no permission. */
  readonly reused: boolean;
  /** The fields in which a reused request differs from this ask. */
  readonly differs: readonly AskField[];
  /** Whether a grant of the request allows, at this reading. */
  readonly allowed: boolean;
  /** The request in its current state. */
  readonly request: RequestWithStatus;
} & (
  | AccessGranted
  | { readonly outcome: 'denied'; readonly reason: string | undefined }
  | {
      readonly outcome: 'pending';
      /** The ids of the reviewers who can still act. `undefined`: the approver cannot list them. */
      readonly reviewers: readonly string[] | undefined;
    }
  | { readonly outcome: 'cancelled' | 'expired' }
);

/** A pending break-glass review. */
export interface BreakGlassReviewItem {
  /** The request of the access to review. */
  readonly request: RequestWithStatus;
  /** The instant from which the review is overdue. Epoch milliseconds. */
  readonly reviewBy: number;
  /** Whether `reviewBy` has passed. */
  readonly isOverdue: boolean;
}

/**
 * A use that was taken. A refused use is an error, never a value.
 *
 * Gotcha: a repeat is not a permission. Under a used key the engine takes no new use, so read `reused` before you act.
 */
export interface Consumption {
  /** Always `true`: a grant or standing access allowed this at this reading, or only this use, the last one, ended the grant. */
  readonly allowed: true;
  /** Whether an earlier call took the use under this key, and this call took none. */
  readonly reused: boolean;
  /** The subject of the use. */
  readonly subject: string;
  /** The scope that was used. */
  readonly scope: string;
  /** When the use was taken. Epoch milliseconds. */
  readonly at: number;
  /** The grant that allowed the use, in its current state. `undefined`: standing access allowed it. */
  readonly grant: GrantWithStatus | undefined;
  /** The uses left after this one, when it was taken. `undefined`: the grant has no number of uses, or standing access allowed it. */
  readonly usesLeft: number | undefined;
}

/** A half-open span `[startsAt, endsAt)` in which access is held, unless a cause other than time ends it. */
export interface AccessWindow {
  /** The grant whose window this is. */
  readonly grantId: string;
  /** The scope of the grant. */
  readonly scope: string;
  /** The first instant at which the access is held. Epoch milliseconds. */
  readonly startsAt: number;
  /** The first instant at which it is no longer held. Accounts for an idle end and `leewayMs`. Epoch milliseconds. */
  readonly endsAt: number;
}

/** The access that a subject holds now, and the instant at which time changes it. */
export interface AccessStatus {
  /** The subject whose access this is. */
  readonly subject: string;
  /** The clock's reading. Epoch milliseconds. */
  readonly at: number;
  /** Patterns held without a grant. */
  readonly standing: readonly string[];
  /** The open locks on the subject. While there is one, nothing is held. */
  readonly locks: readonly Lock[];
  /** The grants that are usable now, in the order of their ends. */
  readonly held: readonly GrantWithStatus[];
  /** The grants that have not started yet, in the order of their starts. */
  readonly scheduled: readonly GrantWithStatus[];
  /** The windows as far as time alone decides: of all `held`, then of each `scheduled` grant that no approver must confirm. */
  readonly windows: readonly AccessWindow[];
  /** The next instant at which time changes this. `undefined`: never. Epoch milliseconds. */
  readonly changesAt: number | undefined;
}

/** A request in an inbox. */
export interface InboxItem {
  /** The request to review. */
  readonly request: RequestWithStatus;
  /** The groups of the quorum in which this reviewer may act. */
  readonly groups: readonly string[];
  /** Whether a lock refuses this reviewer's approval now: on the reviewer, on an id of the request, or on a scope. A denial is taken. */
  readonly locked: boolean;
  /** The approvals that the request still needs, by group, as recorded so far. The engine asks each reviewer's groups again at the end. */
  readonly missing: readonly MissingApprovals[];
  /** {@link missing} in words, such as `1 more of security`. */
  readonly missingInWords: string;
  /** The access that the recorded, fresh approvals leave. `undefined`: none of them narrows the request. */
  readonly narrowedTo: Granted | undefined;
  /** This reviewer's own review, an approval that has become stale. `undefined`: none. */
  readonly ownReview: Review | undefined;
  /** The comments so far, the oldest first: at most 100. */
  readonly comments: readonly RequestComment[];
  /**
   * Denials of the same ask (same subject, overlapping scopes, windows that meet), the latest first. They lie within the
   * last `limits.askAgainAfter`, and at least within the last 24 hours.
   */
  readonly denials: readonly RecentDenial[];
  /** The ids of other pending requests that are the same ask. */
  readonly twins: readonly string[];
}

/** The records that a call ended. */
export interface EndedRecords {
  /** The grants that the call ended. */
  readonly grants: readonly GrantWithStatus[];
  /** The requests that the call ended. */
  readonly requests: readonly RequestWithStatus[];
}

/** The records that `revokeAll` ended, and whether its target matched a record. */
export interface RevokeAllReport extends EndedRecords {
  /** Whether an open grant or request lay within the target. `false`: nothing was there to end, so the target may be misspelt. */
  readonly matched: boolean;
  /**
   * If a scope matched nothing: up to 10 scopes of open grants and requests that begin with the same segment, in upper or
   * lower case. `db-prod` does not reach `db-prod:write`; `db-prod:**` does. Otherwise empty.
   */
  readonly similar: readonly string[];
}

/** The result of `flushAudit`. `caughtUp`: every sink and provisioning target has every entry, and none has failed. */
export interface FlushReport {
  /** Whether every sink and target has every entry, and none has failed. */
  readonly caughtUp: boolean;
  /** The state of each sink and target. */
  readonly followers: readonly FollowerStatus[];
}

/** The current state of a request, for a caller who waits for its result. */
export interface WaitAnswer<T> {
  /** `undefined`: the request may still be decided. */
  readonly result: T | undefined;
  /** The review deadline, which may move. Epoch milliseconds. */
  readonly reviewBy: number;
}
