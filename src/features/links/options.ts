import type { Duration } from '../../core/duration.js';
import type { ReviewBy } from '../../engine/by.js';
import type { RequestWithStatus } from '../../engine/with-status.js';
import type { LinkKey } from './approval-link.js';

/** What `approvalLinks` takes. */
export interface ApprovalLinksOptions {
  /**
   * At least one. The first key signs and every key is accepted, so that a new key can be put in front of the old one. Drop the
   * old key when its links have expired.
   */
  readonly keys: readonly LinkKey[];
}

/** What `create` takes. */
export interface LinkOptions {
  readonly reviewer: string;
  readonly decision: 'approve' | 'deny';
  /** How long the link is valid; never longer than the request's own deadline, which is the default. */
  readonly ttl?: Duration | undefined;
}

/** What an approval link is for. */
export interface LinkPreview {
  /**
   * What is asked. Where the reader is not known, without `metadata`, which is for reviewers and approvers, and without what
   * people said to each other: the `reason` and `comment` of each review, and the `reason` of the end.
   */
  readonly request: RequestWithStatus;
  readonly reviewer: string;
  readonly decision: 'approve' | 'deny';
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** The person who opens an approval link, as the caller has authenticated them; or, only where `bearer` says so, its holder. */
export type RedeemBy = Omit<ReviewBy, 'by'> &
  (
    | { readonly by: string; readonly bearer?: false | undefined }
    | {
        /**
         * True: the holder of the token acts as its reviewer, without authentication. Danger: any process or person that
         * forwards, logs, prefetches or steals it can decide. Only for a channel that reaches nobody but the reviewer.
         */
        readonly bearer: true;
        readonly by?: undefined;
      }
  );
