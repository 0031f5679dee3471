import type { AccessRequest, Quorum, Review } from '../records/index.js';
import { isFresh } from './approvals.js';
import { isIdLocked, type LocksContext } from './lock.js';
import { completedSteps, groupsOf, isDenied, rightsOf, withinSteps, type CompletedSteps } from './quorum.js';
import type { Moment } from './transition.js';

/** The outcome of the reviews so far. */
export interface Judgement {
  readonly denied: boolean;
  /** The approvals that count. */
  readonly approvals: readonly Review[];
  readonly completed: readonly CompletedSteps[];
}

/** Judges the reviews whose reviewer was in a group when giving it, and still is in one of those groups (L17). */
export function judge(
  request: AccessRequest,
  quorum: Quorum,
  reviews: readonly Review[],
  groups: ReadonlyMap<string, readonly string[]>,
  locks: LocksContext | undefined,
  moment: Moment,
): Judgement {
  const counted = reviews
    .map((review) => {
      const still = review.groups.filter((name) => groups.get(review.reviewer)?.includes(name));
      return { review, rights: rightsOf(request, still, review.as, moment.now) };
    })
    .filter(({ rights }) => groupsOf(rights).length > 0);
  // An approval does not count while its reviewer is locked. A denial does.
  const approvals = counted.filter(
    ({ review }) => review.verdict === 'approve' && isFresh(review, quorum, moment) && !isIdLocked(locks, review.reviewer, moment.now),
  );
  return {
    denied: isDenied(
      quorum,
      counted.filter(({ review }) => review.verdict === 'deny').map(({ rights }) => rights),
    ),
    approvals: approvals.map(({ review }) => review),
    completed: completedSteps(
      quorum,
      approvals.map(({ review, rights }) => withinSteps(request, rights, review)),
    ),
  };
}
