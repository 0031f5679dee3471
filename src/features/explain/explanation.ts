import type { AccessPreview } from '../../engine/answers.js';
import type { ReasonOnRecord } from '../../lifecycle/explain.js';
import type { AccessRequest, Grant } from '../../records/index.js';

/**
 * Why a subject may, or may not. Yes: `granted`, `standing`. No, by what could still become a yes: `not_activated` (a
 * grant that has begun, but that its subject may still hold it could not be confirmed), `not_started`, `pending`; by what
 * ended last: `expired` (a grant, or a request that nobody decided in time), `revoked` (or given back), `denied`,
 * `cancelled`, `ineligible`; by what else there is: `scope_mismatch`; by nothing: `purged` (there may have been
 * something), `ineligible` (it may not even be asked for), `no_request`.
 */
export type ExplanationReason = ReasonOnRecord | 'standing' | 'purged' | 'no_request';

/** Why a subject may do something, or why not, and what can be done about it. */
export interface Explanation {
  readonly allowed: boolean;
  readonly reason: ExplanationReason;
  readonly subject: string;
  readonly scope: string;
  /** The clock's reading that this was judged at. Epoch milliseconds. */
  readonly at: number;
  /** The request that decides, or that of the grant; `undefined`: neither, or it is gone. */
  readonly request: AccessRequest | undefined;
  /** The grant that decides. */
  readonly grant: Grant | undefined;
  /** The standing pattern that allows. */
  readonly pattern: string | undefined;
  /** The instant at which *time alone* may change the answer; `undefined`: it won't. Epoch milliseconds. */
  readonly changesAt: number | undefined;
  /** Who may approve what is pending, or would be if it were asked for; `undefined`: nobody has to, can, or could be named. */
  readonly approvers:
    | {
        readonly groups: readonly string[];
        /** `undefined` where the approver can't list them. */
        readonly people: readonly string[] | undefined;
      }
    | undefined;
  /** What would become of an ask made now; `undefined`: there is nothing to ask for, or the approver could not tell. */
  readonly asking: AccessPreview | undefined;
}
