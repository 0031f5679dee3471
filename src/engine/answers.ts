import type { FollowerStatus } from '../journal/follow.js';
import type { AccessRequest, Grant } from '../records.js';

/** What became of a request. */
export type AccessResult =
  | { readonly outcome: 'granted'; readonly request: AccessRequest; readonly grants: readonly Grant[] }
  | { readonly outcome: 'denied'; readonly request: AccessRequest; readonly reason: string | undefined }
  | {
      readonly outcome: 'pending';
      readonly request: AccessRequest;
      /** Everybody who may review; `undefined` where the approver can't list them. */
      readonly reviewers: readonly string[] | undefined;
    }
  | { readonly outcome: 'cancelled' | 'expired'; readonly request: AccessRequest };

/** The badge: what a subject holds at this moment, and when that changes by itself. */
export interface AccessStatus {
  readonly subject: string;
  /** The clock's reading. Epoch milliseconds. */
  readonly at: number;
  /** Patterns held without a grant. */
  readonly standing: readonly string[];
  /** Usable now, the one that ends first before the others. */
  readonly held: readonly Grant[];
  /** Not started yet, the one that starts first before the others. */
  readonly scheduled: readonly Grant[];
  /** The next instant at which time changes this; `undefined`: never. Epoch milliseconds. */
  readonly changesAt: number | undefined;
}

/** A request in an inbox. */
export interface InboxItem {
  readonly request: AccessRequest;
  /** The groups of the quorum in which this reviewer may act. */
  readonly groups: readonly string[];
}

/** What `revokeAll` ended. */
export interface RevokeAllReport {
  readonly grants: readonly Grant[];
  readonly requests: readonly AccessRequest[];
}

/** What `flushAudit` found. `caughtUp`: every sink has everything. */
export interface FlushReport {
  readonly caughtUp: boolean;
  readonly followers: readonly FollowerStatus[];
}
