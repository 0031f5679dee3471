import type { AccessPreview } from './preview.js';
import type { RecordedReason } from '../../lifecycle/explain.js';
import type { AccessRequest, Grant } from '../../records/index.js';

/**
 * Why a subject may do something, or why not. The first reason that applies:
 *
 * - Allowed: `standing`, `granted`.
 * - `locked`: access is locked, and no grant allows until the lock is lifted.
 * - A record that may still become access: `not_activated` (a grant whose start has come and is not confirmed),
 *   `not_started`, `pending`.
 * - The record that ended last: `expired` (a grant, or a request that no reviewer decided in time), `revoked` (or released),
 *   `denied`, `cancelled`, `ineligible`, `narrowed` (a request that the reviewers approved without this scope).
 * - `scope_mismatch`: the subject has a grant or a request, but for another scope.
 * - No record: `purged` (there may have been one), `ineligible` (the subject may not ask for it), `no_request`.
 */
export type ExplanationReason = RecordedReason | 'standing' | 'locked' | 'purged' | 'no_request';

/** Why a subject may do something, or why not, and what can be done about it. */
export interface Explanation {
  /** Whether the subject may do this now, as a check says. */
  readonly allowed: boolean;
  /** Why, as a code: see {@link ExplanationReason}. */
  readonly reason: ExplanationReason;
  /** The subject of the question. */
  readonly subject: string;
  /** The scope of the question. */
  readonly scope: string;
  /** The clock reading of this answer. Epoch milliseconds. */
  readonly at: number;
  /** The deciding request, or the request of the grant; `undefined`: no such request exists, or it was purged. */
  readonly request: AccessRequest | undefined;
  /** The deciding grant. */
  readonly grant: Grant | undefined;
  /** The standing pattern that allows. */
  readonly pattern: string | undefined;
  /** The instant at which *time alone* may change the answer; `undefined`: it does not. Epoch milliseconds. */
  readonly changesAt: number | undefined;
  /** Who may approve the pending or previewed request; `undefined`: it needs no approval, or the approver named no reviewers. */
  readonly approvers:
    | {
        /** The groups of the present step, and those that may stand in. */
        readonly groups: readonly string[];
        /** The approvals that are still needed, in words, such as `1 more of security`. */
        readonly missingInWords: string;
        /** `undefined` if the approver cannot list them. */
        readonly people: readonly string[] | undefined;
      }
    | undefined;
  /** The outcome of a request made now; `undefined`: access is locked, allowed, scheduled or pending, or the approver failed. */
  readonly asking: AccessPreview | undefined;
}
