import { isBase } from '../core/tolerance.js';
import {
  effectiveEnd,
  needsReview,
  isUnsettled,
  lastInstant,
  type AccessRequest,
  type ProvisioningChange,
  type Grant,
  type Use,
} from '../records/index.js';

/**
 * Whether a purge with the horizon `before` may remove a request and its grants (L33). All of them have a recorded end, and no
 * grant was held at the horizon or later. They are removed together: a request is kept as long as one of its grants, and while
 * its break-glass review is pending.
 *
 * @param grants the request's own grants, and the rest of their chains
 * @param origins the grants that open requests ask to extend, because the decisions on these requests need them
 */
export function isPurgeable(request: AccessRequest, grants: readonly Grant[], origins: ReadonlySet<string>, before: number): boolean {
  // Compares the last instant, not the end: the break-glass review may have been given long after the end.
  if (request.end === undefined || needsReview(request) || lastInstant(request) >= before) return false;
  return grants.every((grant) => grant.end !== undefined && effectiveEnd(grant) <= before && !origins.has(grant.id));
}

/** The last change for an external system is kept while access should be held there, and until the change is done or dismissed. */
export const isProvisioningPurgeable = (change: ProvisioningChange, before: number): boolean =>
  !change.held && !isUnsettled(change) && lastInstant(change) < before;

/**
 * Whether a purge may remove the idempotency key of a use (L11). If the grant ended early, the key outlives it until the grant
 * would have expired. So a late repetition takes no use of the next grant.
 */
export const isUsePurgeable = ({ expiresAt }: Use, before: number): boolean => expiresAt <= before;

/** The least time between two automatic purges of a namespace, and the least age of what they remove. */
export const RETENTION_MS = 86_400_000;

/**
 * Whether an automatic purge is due. A claim that a wrong clock recorded does not count (L47).
 *
 * @param lastAt when the last one began. Epoch milliseconds; 0: there was none
 */
export const isRetentionDue = (lastAt: number, now: number): boolean => !isBase(lastAt, now) || now - lastAt >= RETENTION_MS;
