import { DecidedError, NotReviewerError, SelfReviewError, UndecidedError } from '../errors.js';
import { makeReview, type AccessRequest, type Quorum, type Review } from '../records.js';
import type { Reading } from '../time.js';
import type { Settled } from './grant.js';
import { amend, endRequest, refuseIfLate, type Ending } from './request.js';
import { isOver } from './status.js';
import { entryOf, stamp, unchanged, type Moment, type Step } from './step.js';

/** A review that somebody wants to give; who, is the moment's actor. */
export interface ReviewCommand {
  readonly verdict: Review['verdict'];
  readonly reason: string | undefined;
}

/** What the approver said just now. What is not in it counts as a no. */
export interface ReviewFacts {
  /** For each reviewer asked about: the groups that they are in now. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Whether the subject may hold this; `undefined`: not asked. */
  readonly eligible: boolean | undefined;
}

/** The subject, and whoever asked on its behalf, never count (L15). */
export const isOwnRequest = (request: AccessRequest, reviewer: string): boolean =>
  reviewer === request.subject || reviewer === request.requestedBy;

/** The groups of the quorum among those that a reviewer is in. */
const groupsThatCount = (quorum: Quorum, groups: readonly string[] | undefined): readonly string[] =>
  quorum.groups.map((group) => group.name).filter((name) => groups?.includes(name));

/** The groups in which this reviewer can still say something that would be recorded; for inboxes. */
export function mayAct(request: AccessRequest, reviewer: string, groups: readonly string[], reading: Reading): readonly string[] {
  const { quorum } = request;
  if (request.end !== undefined || quorum === undefined || isOwnRequest(request, reviewer) || isOver(request.reviewBy, reading)) return [];
  const given = request.reviews.find((review) => review.reviewer === reviewer);
  return given !== undefined && isFresh(given, quorum, reading) ? [] : groupsThatCount(quorum, groups);
}

/**
 * Whose rights must be asked about anew if this review might complete the request: everybody whose review is on it, for
 * denials count before approvals. Freshness is left out on purpose: what is asked too much costs a question, what is
 * asked too little a decision.
 */
export function reviewersToConfirm(
  request: AccessRequest,
  reviewer: string,
  verdict: Review['verdict'],
  groups: readonly string[],
): readonly string[] {
  const { quorum } = request;
  if (quorum === undefined) return [];
  const others = request.reviews.filter((review) => review.reviewer !== reviewer);
  const agreeing = [...others.filter((review) => review.verdict === verdict), { groups: groupsThatCount(quorum, groups) }];
  const mayComplete = verdict === 'deny' ? agreeing.length >= quorum.denials : isMet(quorum, agreeing);
  return mayComplete ? [reviewer, ...others.map((review) => review.reviewer)] : [];
}

/** Records a review and, when it completes the quorum, the decision with its grants, in one step. */
export function reviewRequest(request: AccessRequest, command: ReviewCommand, facts: ReviewFacts, moment: Moment): Step<Settled> {
  const reviewer = moment.actor;
  if (request.end !== undefined) throw new DecidedError(request);
  if (isOwnRequest(request, reviewer)) throw new SelfReviewError(request.id, reviewer);
  refuseIfLate(request, moment);
  const { quorum } = request;
  if (quorum === undefined) throw new UndecidedError(request.id);
  const groups = groupsThatCount(quorum, facts.groups.get(reviewer));
  if (groups.length === 0) throw new NotReviewerError(request.id, reviewer, 'not_in_group');

  const { verdict, reason } = command;
  const given = request.reviews.find((review) => review.reviewer === reviewer);
  if (given?.verdict === 'deny' && verdict === 'approve') throw new NotReviewerError(request.id, reviewer, 'has_denied');
  // Saying the same again adds nothing, unless what was said has gone stale; but it looks at the quorum once more, for
  // somebody who was out of a group may be back.
  const isRepeated = given?.verdict === verdict && isFresh(given, quorum, moment);
  const at = stamp(request, moment);
  const review = makeReview({ reviewer, verdict, groups, at, reason });
  const reviews = isRepeated ? request.reviews : [...request.reviews.filter((other) => other !== given), review];
  const withReview = (step: Step<Settled>): Step<Settled> => ({
    ...step,
    entries: [...(isRepeated ? [] : [entryOf(step.result.request, 'request.reviewed', at, reviewer, { review })]), ...step.entries],
  });
  const end = (ending: Pick<Ending, 'status' | 'cause' | 'reason'>) =>
    withReview(endRequest(request, { ...ending, by: reviewer }, moment, { reviews }));

  // A review counts only from someone who was in a group when it was given and is in one of these still (L17).
  const counted = reviews
    .map((one) => ({ ...one, groups: one.groups.filter((name) => facts.groups.get(one.reviewer)?.includes(name)) }))
    .filter((one) => one.groups.length > 0);
  // Denial before approval (L16).
  if (counted.filter((one) => one.verdict === 'deny').length >= quorum.denials) {
    return end({ status: 'denied', cause: 'quorum', reason: verdict === 'deny' ? reason : undefined });
  }
  const approvals = counted.filter((one) => one.verdict === 'approve' && isFresh(one, quorum, moment));
  if (facts.eligible !== undefined && isMet(quorum, approvals)) {
    return facts.eligible
      ? end({ status: 'approved', cause: 'quorum', reason })
      : end({ status: 'denied', cause: 'ineligible', reason: 'the subject is no longer eligible' });
  }
  if (isRepeated) return unchanged({ request, grants: [] });
  const next = amend(request, { reviews });
  return withReview({ result: { request: next, grants: [] }, put: [next], entries: [] });
}

/** An approval counts while fresh; a denial doesn't go stale. */
function isFresh(review: Review, { approvalTtlMs }: Quorum, { late }: Reading): boolean {
  return review.verdict === 'deny' || approvalTtlMs === undefined || late < review.at + approvalTtlMs;
}

/**
 * Whether every group can reach its number with each reviewer counted once, in one group (L14): a matching of
 * approvals to places, found by letting each place that is short take an approval from a place that can do without it.
 */
function isMet(quorum: Quorum, approvals: readonly Pick<Review, 'groups'>[]): boolean {
  const needed = quorum.groups.reduce((sum, group) => sum + group.approvals, 0);
  if (!(needed > 0 && needed <= approvals.length)) return false;
  const places = quorum.groups.flatMap((group) => Array.from({ length: group.approvals }, () => group.name));
  const takenBy = new Map<number, number>();
  const fill = (place: number, tried: Set<number>): boolean =>
    approvals.some((approval, i) => {
      if (tried.has(i) || !approval.groups.includes(places[place] as string)) return false;
      tried.add(i);
      const holder = takenBy.get(i);
      if (holder !== undefined && !fill(holder, tried)) return false;
      takenBy.set(i, place);
      return true;
    });
  return places.every((_, place) => fill(place, new Set()));
}
