import { DecidedError, LinkError, NotReviewerError, SelfReviewError, UndecidedError } from '../core/errors.js';
import {
  groupsIn,
  makeReview,
  missingOf,
  presentStep,
  type AccessRequest,
  type Authentication,
  type MissingApprovals,
  type Quorum,
  type Review,
  type Rights,
} from '../records/index.js';
import type { ClockReading } from '../core/clock.js';
import { assuranceProblems } from './assurance.js';
import { freshApprovals, isFresh, refuseTerms, refuseTooMany } from './approvals.js';
import type { IssueContext, RequestWithGrants } from './grant.js';
import { amend, approveRequest, endRequest, refuseIfLate, type Ending } from './decision.js';
import { lockableOf, locksAsRead, refuseIfLocked, type LocksContext } from './lock.js';
import { areSameTerms, AS_REQUESTED, leastOf, narrowingOf, type Narrowing } from './narrowing.js';
import { completedSteps, groupsOf, isDenied, lastStep, rightsOf, withinSteps } from './quorum.js';
import { hasPassed } from './status.js';
import { judge } from './judge.js';
import { begunBy, steppedEntry } from './steps.js';
import { entryOf, stamp, noChange, type Moment, type Transition } from './transition.js';

/** A review to record. The moment's actor is the reviewer. */
export interface ReviewCommand {
  readonly verdict: Review['verdict'];
  readonly reason: string | undefined;
  readonly comment: string | undefined;
  /** The only group in which the review counts; `undefined`: in the group where it helps most. */
  readonly as: string | undefined;
  /** The terms to which an approval narrows the request. A denial has none. */
  readonly narrowing: Narrowing;
  /** How the reviewer was authenticated. A denial has none. */
  readonly auth: Authentication | undefined;
  /** The approval link by which the review is given; `undefined`: none. */
  readonly link: ReviewLink | undefined;
}

/** The bounds of an approval link: it is valid for one review, and until an instant. */
export interface ReviewLink {
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /**
   * The instant of the reviewer's last review before the link was made; `undefined`: none. A later review by this reviewer makes
   * the link invalid. The instant of the link's creation would not show that, because clocks differ and step back. Epoch
   * milliseconds.
   */
  readonly reviewedAt: number | undefined;
}

/** The approver's present answers, and the context that an approval needs. A missing answer counts as no. */
export interface ReviewContext {
  /** The present groups of each reviewer that the approver was asked about. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Whether the subject is eligible; `undefined`: the approver was not asked. */
  readonly eligible: boolean | undefined;
  /** Present if `eligible` is true. */
  readonly issue: IssueContext | undefined;
  /** An approval needs it. A denial does not: no lock delays one. */
  readonly locks: LocksContext | undefined;
  /** The shortest window to which an approval may narrow the request: `limits.minTtl`. */
  readonly minTtlMs: number;
}

/** A review by the subject or the requester never counts (L15). */
export const isOwnRequest = (request: AccessRequest, reviewer: string): boolean =>
  reviewer === request.subject || reviewer === request.requestedBy;

/** The only review of a reviewer: a later review replaces it. `undefined`: none. */
export const reviewBy = (request: AccessRequest, reviewer: string): Review | undefined =>
  request.reviews.find((review) => review.reviewer === reviewer);

/** The groups of a reviewer that this request names: a review records them. */
const groupsThatMatter = (quorum: Quorum, groups: readonly string[] | undefined): readonly string[] =>
  groupsIn(quorum).filter((name) => groups?.includes(name));

/** The groups of the quorum in which a review by a member of `groups` would count at this clock reading: a denial, or an approval. */
export const countsIn = (request: AccessRequest, groups: readonly string[], { now }: ClockReading): readonly string[] =>
  groupsOf(rightsOf(request, groups, undefined, now));

/** The groups in which an approval by this reviewer would still be recorded; for inboxes. */
export function mayAct(request: AccessRequest, reviewer: string, groups: readonly string[], reading: ClockReading): readonly string[] {
  const { quorum, begunSteps = [] } = request;
  if (request.end !== undefined || quorum === undefined || isOwnRequest(request, reviewer) || hasPassed(request.reviewBy, reading))
    return [];
  const rights = withinSteps(request, rightsOf(request, groups, undefined, reading.now), { steps: begunSteps.length });
  const given = reviewBy(request, reviewer);
  if (given === undefined || !isFresh(given, quorum, reading)) return groupsOf(rights);
  const isNew = lastStep(request, rights) > (given.steps ?? 0) || !isWithin(groupsThatMatter(quorum, groups), given.groups);
  // An approval that is given again would count in a step that began after the first one, or in another group.
  return given.verdict === 'approve' && isNew ? groupsOf(rights) : [];
}

const isWithin = (groups: readonly string[], others: readonly string[]): boolean => groups.every((name) => others.includes(name));

/**
 * The approvals that a request still needs, by the groups that each reviewer had at the review. The engine asks these groups again
 * when the quorum would complete (L17).
 */
export function missingApprovals(request: AccessRequest, reading: ClockReading): readonly MissingApprovals[] {
  const { quorum } = request;
  if (quorum === undefined) return [];
  return missingOf(
    quorum,
    freshApprovals(request, reading).map((review) => approvalRights(request, review, reading.now)),
  );
}

/** The groups in which an approval counts. */
const approvalRights = (request: AccessRequest, review: Pick<Review, 'groups' | 'as' | 'steps'>, now: number): Rights =>
  withinSteps(request, rightsOf(request, review.groups, review.as, now), review);

/** The questions to the approver that a review needs. */
export interface ReviewQuestions {
  /** The reviewers whose groups must be asked again. */
  readonly reviewers: readonly string[];
  /** Whether the review might approve the request. If so, the subject must still be eligible. */
  readonly mayApprove: boolean;
}

/**
 * The reviewers whose groups the engine must ask again, if this review might complete the request or a step (L17). These are all its
 * reviewers, because denials count before approvals. The estimate ignores freshness and escalation on purpose: at worst the
 * engine asks a question too many.
 */
export function questionsOf(
  request: AccessRequest,
  reviewer: string,
  verdict: Review['verdict'],
  groups: readonly string[],
): ReviewQuestions {
  const { quorum, begunSteps } = request;
  const others = request.reviews.filter((review) => review.reviewer !== reviewer);
  const own = { groups, as: undefined, steps: begunSteps?.length };
  const agreeing = [...others.filter((review) => review.verdict === verdict), own];
  const confirm = (isNeeded: boolean, mayApprove: boolean) => ({
    reviewers: isNeeded ? [reviewer, ...others.map((review) => review.reviewer)] : [],
    mayApprove,
  });
  if (quorum === undefined) return confirm(false, false);
  if (verdict === 'deny')
    return confirm(
      isDenied(
        quorum,
        agreeing.map((review) => rightsOf(request, review.groups, review.as, Infinity)),
      ),
      false,
    );
  const completed = completedSteps(
    quorum,
    agreeing.map((review) => approvalRights(request, review, Infinity)),
  );
  return confirm(
    completed.some(({ steps }, alternative) => steps > presentStep(request, alternative)),
    completed.some(({ isMet }) => isMet),
  );
}

/** The quorum of a request. Throws if no group could make this person's review valid. Creating an approval link checks this too. */
export function openQuorum(request: AccessRequest, reviewer: string, moment: Moment): Quorum {
  if (request.end !== undefined) throw new DecidedError(request);
  if (isOwnRequest(request, reviewer)) throw new SelfReviewError(request.id, reviewer);
  refuseIfLate(request, moment);
  if (request.quorum === undefined) throw new UndecidedError(request.id);
  return request.quorum;
}

/** An approval may become a denial, never the reverse. */
export function refuseTurning(request: AccessRequest, reviewer: string, verdict: Review['verdict']): void {
  if (reviewBy(request, reviewer)?.verdict === 'deny' && verdict === 'approve')
    throw new NotReviewerError(request.id, reviewer, 'has_denied');
}

/** Records a review and, when it completes the quorum, the decision with its grants, in one step. */
export function reviewRequest(
  request: AccessRequest,
  command: ReviewCommand,
  context: ReviewContext,
  moment: Moment,
): Transition<RequestWithGrants> {
  const quorum = openQuorum(request, moment.actor, moment);
  const review = acceptReview(request, quorum, command, context, moment);
  const given = reviewBy(request, review.reviewer);
  // A repeated review still counts the quorum again, because a reviewer may have returned to a group.
  const isRepeated = given !== undefined && addsNothing(request, quorum, given, review, moment);
  const reviews = isRepeated ? request.reviews : [...request.reviews.filter((other) => other !== given), review];
  if (review.verdict === 'approve') refuseTooMany(request, reviews);
  const step = decide(request, quorum, { review, reviews, isRepeated }, context, moment);
  if (isRepeated) return step;
  return { ...step, entries: [entryOf(step.result.request, 'request.reviewed', review.at, review.reviewer, { review }), ...step.entries] };
}

/** @returns the review to record. Throws if this person may not give it, its link is not valid, or its terms cannot be accepted */
function acceptReview(
  request: AccessRequest,
  quorum: Quorum,
  { verdict, reason, comment, as, link, narrowing, auth }: ReviewCommand,
  context: ReviewContext,
  moment: Moment,
): Review {
  const reviewer = moment.actor;
  if (link !== undefined && hasPassed(link.expiresAt, moment)) throw new LinkError('expired', request.id);
  const groups = groupsThatMatter(quorum, context.groups.get(reviewer));
  const rights = rightsOf(request, groups, as, moment.now);
  if (groupsOf(rights).length === 0) throw new NotReviewerError(request.id, reviewer, 'not_in_group');
  const step = lastStep(request, rights);
  if (verdict === 'approve' && step < 0) throw new NotReviewerError(request.id, reviewer, 'not_your_step');
  const { ids, scopes } = lockableOf(request);
  if (verdict === 'approve') refuseIfLocked(locksOf(context), { ids: [reviewer, ...ids], scopes }, moment);
  // A link is good for one review. Reviews by others since it was made do not matter.
  if (link !== undefined && reviewBy(request, reviewer)?.at !== link.reviewedAt) throw new LinkError('used', request.id);
  refuseTurning(request, reviewer, verdict);
  const review = { reviewer, verdict, groups, as, steps: undefined, at: stamp(moment, request), reason, comment };
  if (verdict === 'deny') return makeReview({ ...review, ...AS_REQUESTED, auth: undefined });
  refuseTerms(request, reviewer, narrowing, context.minTtlMs, moment, assuranceProblems(request, auth, moment));
  return makeReview({ ...review, steps: step > 0 ? step : undefined, ...narrowingOf(request, narrowing), auth });
}

/** Whether a review adds nothing to the one that its reviewer has given: that one is not stale, has the same terms, and counts as much. */
function addsNothing(request: AccessRequest, quorum: Quorum, given: Review, review: Review, moment: Moment): boolean {
  const countingIn = ({ groups, as }: Review) => groupsOf(rightsOf(request, groups, as, moment.now));
  return (
    given.verdict === review.verdict &&
    isFresh(given, quorum, moment) &&
    areSameTerms(given, review) &&
    given.steps === review.steps &&
    isWithin(countingIn(review), countingIn(given))
  );
}

/** Judges the reviews, and denies the request, approves it, begins its next steps, or only keeps the reviews. */
function decide(
  request: AccessRequest,
  quorum: Quorum,
  { review, reviews, isRepeated }: { readonly review: Review; readonly reviews: readonly Review[]; readonly isRepeated: boolean },
  context: ReviewContext,
  moment: Moment,
): Transition<RequestWithGrants> {
  const { verdict, reason, at, reviewer: by } = review;
  const locks = verdict === 'approve' ? locksOf(context) : undefined;
  const deny = (ending: Pick<Ending, 'cause' | 'reason'>) => endRequest(request, { status: 'denied', ...ending, by }, moment, { reviews });
  const { denied, approvals, completed } = judge(request, quorum, reviews, context.groups, locks, moment);
  // Judges denials first: enough denials end the request even if its quorum is complete (L16).
  if (denied) return deny({ cause: 'quorum', reason: verdict === 'deny' ? reason : undefined });
  if (context.eligible !== undefined && completed.some((one) => one.isMet)) {
    if (!context.eligible) return deny({ cause: 'ineligible', reason: 'the subject is no longer eligible' });
    if (context.issue === undefined) throw new TypeError('an approval needs its context');
    // Every approval that counts binds, needed or not (L18).
    const ending = { cause: 'quorum', by, reason, granted: leastOf(request, approvals) } as const;
    return approveRequest(request, ending, moment, { reviews }, context.issue);
  }
  // Only an approval completes a step, as only an approval completes the quorum.
  const begun = verdict === 'approve' ? begunBy(request, completed, at) : [];
  if (isRepeated && begun.length === 0) return noChange({ request, grants: [] });
  const next = amend(request, begun.length === 0 ? { reviews } : { reviews, begunSteps: [...(request.begunSteps ?? []), ...begun] });
  const entries = begun.length === 0 ? [] : [steppedEntry(next, quorum, begun, at, by)];
  const dependsOn = locks === undefined ? [] : [locksAsRead(locks)];
  return { result: { request: next, grants: [] }, put: [next], entries, dependsOn };
}

/** The locks by which an approval is judged. */
function locksOf({ locks }: ReviewContext): LocksContext {
  if (locks === undefined) throw new TypeError('an approval needs the locks');
  return locks;
}
