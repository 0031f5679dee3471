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
 * Whether a request and all its grants have a recorded end at or before `before`. They are removed together: a request is kept
 * as long as one of its grants, and while its break-glass review is pending. Grants held at the horizon or later stay (L33).
 *
 * @param grants its own, and the rest of their chains
 * @param origins the grants that open requests ask to extend: those decisions need them
 */
export function isPurgeable(request: AccessRequest, grants: readonly Grant[], origins: ReadonlySet<string>, before: number): boolean {
  // Its last instant, not its end: its break-glass review may have been given long after.
  if (request.end === undefined || needsReview(request) || lastInstant(request) >= before) return false;
  return grants.every((grant) => grant.end !== undefined && effectiveEnd(grant) <= before && !origins.has(grant.id));
}

/** The last change of an external system is kept while it gives access, and until it has been applied or dismissed. */
export const isProvisioningPurgeable = (change: ProvisioningChange, before: number): boolean =>
  !change.held && !isUnsettled(change) && lastInstant(change) < before;

/**
 * Whether the key of a use may go with its grant (L11). Where that ended early, not before it would have run out: a repetition
 * that comes late takes nothing of the next grant.
 */
export const isUsePurgeable = ({ expiresAt }: Use, before: number): boolean => expiresAt <= before;
