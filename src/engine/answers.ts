import type { FollowerStatus } from '../followers/followers.js';
import type { JitErrorCode } from '../core/errors.js';
import type { AskField } from '../lifecycle/request.js';
import type { GrantWithStatus, RequestWithStatus } from './with-status.js';
import type { RecentDenial } from '../lifecycle/same-ask.js';

/** What an approved request gives. */
export interface AccessGranted {
  /** `ended`: none of the grants can allow, now or later. */
  readonly outcome: 'granted' | 'ended';
  /** Whether one of the grants allows, at the clock reading at which this was judged. */
  readonly allowed: boolean;
  readonly grants: readonly GrantWithStatus[];
}

/**
 * What became of a request.
 *
 * `reused`: the request, or what it gives, was there already, and this ask has made nothing new. A repeat is not a
 * permission: it says what became of the first call. `allowed` says whether a grant of the request allows at this
 * reading; it is `false` for every outcome but `granted`. `differs` names what a request that is returned for this ask has
 * otherwise than the ask.
 */
export type AccessResult = {
  readonly reused: boolean;
  readonly differs: readonly AskField[];
  readonly allowed: boolean;
  readonly request: RequestWithStatus;
} & (
  | AccessGranted
  | { readonly outcome: 'denied'; readonly reason: string | undefined }
  | {
      readonly outcome: 'pending';
      /** Everybody who may review; `undefined` where the approver can't list them. */
      readonly reviewers: readonly string[] | undefined;
    }
  | { readonly outcome: 'cancelled' | 'expired' }
);

/** What would become of an ask, if it were made now. */
export type AccessPreview =
  | (AccessResult & { readonly dryRun: true })
  | {
      readonly dryRun: true;
      /** Nothing would be recorded but the attempt. */
      readonly outcome: 'refused';
      readonly code: JitErrorCode;
      readonly reason: string;
    };

/** The review that break-glass access owes. */
export interface BreakGlassReviewItem {
  readonly request: RequestWithStatus;
  /** When it is overdue, epoch milliseconds. */
  readonly reviewBy: number;
  readonly isOverdue: boolean;
}

/**
 * A use that has been taken. A use that is not allowed is an error, never a value.
 *
 * Gotcha: a repeat is not a permission. Under a used key nothing new is taken, so look at `reused` before you act.
 */
export interface Consumption {
  /** Always `true`: what allows this allowed it at this reading, or only this very use, its last, has ended it. */
  readonly allowed: true;
  /** Whether the use was taken before, under this key, and nothing has been taken now. */
  readonly reused: boolean;
  readonly subject: string;
  readonly scope: string;
  /** When, epoch milliseconds. */
  readonly at: number;
  /** The grant that allowed it, as it is now; `undefined`: standing access did, or it has been purged since. */
  readonly grant: GrantWithStatus | undefined;
  /** What the grant had left then; `undefined` where what allowed it isn't counted. */
  readonly usesLeft: number | undefined;
}

/** A span of time in which access is held, unless something other than time ends it: half-open, `[startsAt, endsAt)`. */
export interface AccessWindow {
  readonly grantId: string;
  readonly scope: string;
  /** First instant at which it is held. Epoch milliseconds. */
  readonly startsAt: number;
  /** First instant at which it no longer is: an idle end and `leewayMs` are in it. Epoch milliseconds. */
  readonly endsAt: number;
}

/** The badge: what a subject holds at this moment, and when that changes by itself. */
export interface AccessStatus {
  readonly subject: string;
  /** The clock's reading. Epoch milliseconds. */
  readonly at: number;
  /** Patterns held without a grant. */
  readonly standing: readonly string[];
  /** Usable now, the one that ends first before the others. */
  readonly held: readonly GrantWithStatus[];
  /** Not started yet, the one that starts first before the others. */
  readonly scheduled: readonly GrantWithStatus[];
  /** When each is held, as far as time alone decides: all of `held`, then those of `scheduled` that nobody is asked about again. */
  readonly windows: readonly AccessWindow[];
  /** The next instant at which time changes this; `undefined`: never. Epoch milliseconds. */
  readonly changesAt: number | undefined;
}

/** A request in an inbox. */
export interface InboxItem {
  readonly request: RequestWithStatus;
  /** The groups of the quorum in which this reviewer may act. */
  readonly groups: readonly string[];
  /**
   * Denials of the same ask (same subject, overlapping scopes, windows that meet) within `limits.askAgainAfter`, and at
   * least within 24 hours; the latest first.
   */
  readonly denials: readonly RecentDenial[];
  /** The ids of other pending requests that are the same ask. */
  readonly twins: readonly string[];
}

/** What `revokeAll` ended. */
export interface RevokeAllReport {
  readonly grants: readonly GrantWithStatus[];
  readonly requests: readonly RequestWithStatus[];
}

/** What `flushAudit` found. `caughtUp`: every sink has everything. */
export interface FlushReport {
  readonly caughtUp: boolean;
  readonly followers: readonly FollowerStatus[];
}

/** The current state of a request, for a caller who waits for its result. */
export interface WaitAnswer<T> {
  /** `undefined`: the request may still be decided. */
  readonly result: T | undefined;
  /** The review deadline, which may move. Epoch milliseconds. */
  readonly reviewBy: number;
}
