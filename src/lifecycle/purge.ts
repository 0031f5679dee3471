import {
  effectiveEnd,
  needsReview,
  isUnsettled,
  lastInstant,
  type AccessRequest,
  type Effect,
  type Grant,
  type Use,
} from '../records/index.js';

/**
 * Whether a request and all its grants ended, on record, at or before `before`. They go together: a request is kept
 * as long as one of its grants is, and as long as it owes its review. Nothing that was held at the horizon or later goes (L33).
 *
 * @param grants its own, and those that go on from them
 * @param origins the grants that open requests ask to extend: what is decided there rests on them
 */
export function isPurgeable(request: AccessRequest, grants: readonly Grant[], origins: ReadonlySet<string>, before: number): boolean {
  // Its last instant, not its end: a review that was owed may have been given long after.
  if (request.end === undefined || needsReview(request) || lastInstant(request) >= before) return false;
  return grants.every((grant) => grant.end !== undefined && effectiveEnd(grant) <= before && !origins.has(grant.id));
}

/** What a system outside was told last is kept while it says that somebody holds something, and until it was taken or set aside. */
export const isEffectPurgeable = (effect: Effect, before: number): boolean =>
  !effect.held && !isUnsettled(effect) && lastInstant(effect) < before;

/**
 * Whether the key of a use may go with its grant (L11). Where that ended early, not before it would have run out: a repetition
 * that comes late takes nothing of the next grant.
 */
export const isUsePurgeable = ({ expiresAt }: Use, before: number): boolean => expiresAt <= before;
