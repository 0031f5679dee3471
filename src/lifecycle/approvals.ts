import { LimitError } from '../core/errors.js';
import type { ClockReading } from '../core/clock.js';
import { isBase } from '../core/tolerance.js';
import type { AccessRequest, Granted, Quorum, Review } from '../records/index.js';
import { isNarrowed, leastOf, MAX_NARROWED_SCOPES, narrowedSize, refuseNarrowing, type Narrowing, type Refused } from './narrowing.js';
import type { Moment } from './transition.js';

/** The most reviews of a request, because one change writes all of them (L42). A denial is accepted beyond that too. */
export const MAX_REVIEWS = 100;

/** An approval counts while it is fresh; a denial never becomes stale. An approval that a wrong clock stamped is not fresh (L47). */
export function isFresh({ verdict, at }: Review, { approvalTtlMs }: Quorum, { forEnds }: ClockReading): boolean {
  return verdict === 'deny' || approvalTtlMs === undefined || (isBase(at, forEnds) && forEnds < at + approvalTtlMs);
}

/**
 * Refuses the terms of an approval: they are not less than what was requested, or leave nothing together with the other recorded
 * approvals that are fresh. Creating an approval link checks this too.
 *
 * @param further other reasons to refuse the approval
 * @throws RequirementsError that lists all problems
 */
export function refuseTerms(
  request: AccessRequest,
  reviewer: string,
  narrowing: Narrowing,
  minTtlMs: number,
  moment: Moment,
  further?: readonly Refused[],
): void {
  const others = freshApprovals(request, moment).filter((review) => review.reviewer !== reviewer);
  refuseNarrowing(request, narrowing, others, minTtlMs, moment, further);
}

/** The recorded approvals that are fresh. Their reviewers may have left their groups, or may be locked. */
export function freshApprovals({ quorum, reviews }: AccessRequest, reading: ClockReading): readonly Review[] {
  if (quorum === undefined) return [];
  return reviews.filter((review) => review.verdict === 'approve' && isFresh(review, quorum, reading));
}

/** The access that the recorded, fresh approvals leave. `undefined`: none of them narrows the request. */
export function narrowedTo(request: AccessRequest, reading: ClockReading): Granted | undefined {
  const approvals = freshApprovals(request, reading);
  return approvals.some(isNarrowed) ? leastOf(request, approvals) : undefined;
}

/** @throws LimitError if one change could not write all reviews (L42). A denial is always accepted. */
export function refuseTooMany(request: AccessRequest, reviews: readonly Review[]): void {
  if (reviews.length > Math.max(MAX_REVIEWS, request.reviews.length)) {
    const message = `a request has at most ${MAX_REVIEWS} reviews; only a denial can be added`;
    throw new LimitError('reviews', MAX_REVIEWS, reviews.length, message);
  }
  const size = narrowedSize(reviews);
  if (size <= MAX_NARROWED_SCOPES) return;
  const message = `the reviews of a request name at most ${MAX_NARROWED_SCOPES} characters of scopes; approve without scopes, or deny`;
  throw new LimitError('narrowedScopes', MAX_NARROWED_SCOPES, size, message);
}
