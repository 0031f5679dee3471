import { grantStatusAt, requestStatus, type GrantStatus, type GrantUse, type RequestStatus } from '../lifecycle/status.js';
import type { ClockReading } from '../core/clock.js';
import type { AccessRequest, Grant } from '../records/index.js';

/** A request, with its status at the engine's clock reading, whether or not a sweep has recorded it. */
export interface RequestWithStatus extends AccessRequest {
  /** Whether the request is pending, or how it ended, at the engine's clock reading. */
  readonly status: RequestStatus;
}

/** A grant, with its status at the engine's clock reading, whether or not a sweep has recorded it. */
export interface GrantWithStatus extends Grant {
  /** Whether the grant is scheduled, active or has ended, at the engine's clock reading. */
  readonly status: GrantStatus;
}

/**
 * The outcome of a request. `granted`: it was approved, and a grant of it allows now or may allow later. `ended`: it was approved,
 * and none of its grants can allow any more. Otherwise its status.
 */
export type RequestOutcome = 'granted' | 'ended' | Exclude<RequestStatus, 'approved'>;

/** A request of a list, with its status and its outcome at the engine's clock reading. */
export interface ListedRequest extends RequestWithStatus {
  /** Whether the request is pending, gave access, or how it ended. `ended`: its access has ended too. */
  readonly outcome: RequestOutcome;
}

/** @param isEnded whether no grant of the request can allow, now or later */
export const outcomeOf = ({ status }: RequestWithStatus, isEnded: boolean): RequestOutcome =>
  status !== 'approved' ? status : isEnded ? 'ended' : 'granted';

export const requestWithStatus = (request: AccessRequest, { forEnds }: Pick<ClockReading, 'forEnds'>): RequestWithStatus =>
  withStatus(request, requestStatus(request, forEnds));

export const grantWithStatus = (use: GrantUse, reading: Pick<ClockReading, 'now' | 'forEnds'>): GrantWithStatus =>
  withStatus(use.grant, grantStatusAt(use, reading));

/** For a record whose status the caller knows: its end is recorded, or the caller has just judged it. */
export const withStatus = <T extends AccessRequest | Grant, Status>(record: T, status: Status): T & { readonly status: Status } =>
  Object.freeze({ ...record, status });

/** For a record whose end is recorded. */
export function endedWithStatus(record: AccessRequest): RequestWithStatus;
export function endedWithStatus(record: Grant): GrantWithStatus;
export function endedWithStatus(record: AccessRequest | Grant): unknown {
  return withStatus(record, record.end?.status);
}
