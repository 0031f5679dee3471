import { DecidedError, LinkError, NotReviewerError, SelfReviewError, UndecidedError } from '../core/errors.js';
import { escalatesAt, makeReview, type AccessRequest, type Quorum, type Review } from '../records/index.js';
import type { ClockReading } from '../core/time.js';
import { freshApprovals, isFresh, refuseTerms, refuseTooMany } from './approvals.js';
import type { IssueContext, RequestWithGrants } from './grant.js';
import { amend, approveRequest, endRequest, refuseIfLate, type Ending } from './decision.js';
import { isIdLocked, lockableOf, locksAsRead, refuseIfLocked, type LocksContext } from './lock.js';
import { areSameTerms, AS_REQUESTED, leastOf, narrowingOf, type Narrowing } from './narrowing.js';
import { isMet, missingOf, type MissingApprovals } from './quorum.js';
import { hasPassed } from './status.js';
import { entryOf, stamp, SWEEPER, noChange, type Moment, type Transition } from './transition.js';

/** A review to record. The moment's actor is the reviewer. */
export interface ReviewCommand {
  readonly verdict: Review['verdict'];
  readonly reason: string | undefined;
  readonly comment: string | undefined;
  /** The only group in which the review counts; `undefined`: in the group where it helps most. */
  readonly as: string | undefined;
  /** The terms to which an approval narrows the request. A denial has none. */
  readonly narrowing: Narrowing;
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
  /** Present where `eligible` is true. */
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

/**
 * The groups of the quorum in which a member of `groups` counts. Once the request has escalated, a member of the escalation
 * group counts in every group. The escalation is judged at `now`, without leeway, so that this right never begins early (L6).
 */
function groupsThatCount(request: AccessRequest, groups: readonly string[], now: number): readonly string[] {
  const { quorum } = request;
  if (quorum === undefined) return [];
  const isStandIn =
    quorum.escalation !== undefined && groups.includes(quorum.escalation.group) && (escalatesAt(request) ?? Infinity) <= now;
  return quorum.groups.map((group) => group.name).filter((name) => isStandIn || groups.includes(name));
}

/** The groups of a reviewer that this request names: a review records them. */
function groupsThatMatter(quorum: Quorum, groups: readonly string[] | undefined): readonly string[] {
  const known = new Set([...quorum.groups.map((group) => group.name), quorum.escalation?.group]);
  return [...known].filter((name) => name !== undefined && groups?.includes(name)) as readonly string[];
}

/** {@link groupsThatCount}, limited to the one group that the review may name (`as`). */
const placesOf = (request: AccessRequest, groups: readonly string[], as: string | undefined, now: number): readonly string[] =>
  groupsThatCount(request, groups, now).filter((name) => as === undefined || name === as);

/** The groups of the quorum in which a review by a member of `groups` would count at this clock reading. */
export const countsIn = (request: AccessRequest, groups: readonly string[], { now }: ClockReading): readonly string[] =>
  groupsThatCount(request, groups, now);

/** The groups in which a review by this reviewer would still be recorded; for inboxes. */
export function mayAct(request: AccessRequest, reviewer: string, groups: readonly string[], reading: ClockReading): readonly string[] {
  const { quorum } = request;
  if (request.end !== undefined || quorum === undefined || isOwnRequest(request, reviewer) || hasPassed(request.reviewBy, reading))
    return [];
  const given = reviewBy(request, reviewer);
  return given !== undefined && isFresh(given, quorum, reading) ? [] : groupsThatCount(request, groups, reading.now);
}

/**
 * The approvals that a request still needs, by the groups that each reviewer had at the review. The engine asks these groups again
 * when the quorum would complete (L17).
 */
export function missingApprovals(request: AccessRequest, reading: ClockReading): readonly MissingApprovals[] {
  const { quorum } = request;
  if (quorum === undefined) return [];
  return missingOf(
    quorum,
    freshApprovals(request, reading).map(({ groups, as }) => ({ groups: placesOf(request, groups, as, reading.now) })),
  );
}

/**
 * The reviewers whose groups the engine must ask again, if this review might complete the request (L17). These are all its
 * reviewers, because denials count before approvals. The estimate ignores freshness and escalation on purpose: at worst the
 * engine asks a question too many.
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
  const agreeing = [...others.filter((review) => review.verdict === verdict), { groups, as: undefined }].map((review) => ({
    groups: placesOf(request, review.groups, review.as, Infinity),
  }));
  const mayComplete = verdict === 'deny' ? agreeing.length >= quorum.denials : isMet(quorum, agreeing);
  return mayComplete ? [reviewer, ...others.map((review) => review.reviewer)] : [];
}

/** The quorum of a request. Throws where no group could make this person's review valid. Creating an approval link checks this too. */
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

/** What a review that is accepted records, and the locks by which its approval is judged. */
interface Accepted {
  readonly groups: readonly string[];
  readonly narrowing: Narrowing;
  readonly locks: LocksContext | undefined;
}

/** Refuses a review that this person may not give, whose link is not valid, or whose terms can not be accepted. */
function acceptReview(
  request: AccessRequest,
  quorum: Quorum,
  { verdict, as, link, narrowing }: ReviewCommand,
  context: ReviewContext,
  moment: Moment,
): Accepted {
  const reviewer = moment.actor;
  if (link !== undefined && hasPassed(link.expiresAt, moment)) throw new LinkError('expired', request.id);
  const groups = groupsThatMatter(quorum, context.groups.get(reviewer));
  if (placesOf(request, groups, as, moment.now).length === 0) throw new NotReviewerError(request.id, reviewer, 'not_in_group');
  const locks = verdict === 'approve' ? locksFor(request, reviewer, context, moment) : undefined;
  // A link is good for one review. Reviews by others since it was made do not matter.
  if (link !== undefined && reviewBy(request, reviewer)?.at !== link.reviewedAt) throw new LinkError('used', request.id);
  refuseTurning(request, reviewer, verdict);
  if (verdict === 'deny') return { groups, narrowing: AS_REQUESTED, locks };
  refuseTerms(request, reviewer, narrowing, context.minTtlMs, moment);
  return { groups, narrowing: narrowingOf(request, narrowing), locks };
}

/** Records a review and, when it completes the quorum, the decision with its grants, in one step. */
export function reviewRequest(
  request: AccessRequest,
  command: ReviewCommand,
  context: ReviewContext,
  moment: Moment,
): Transition<RequestWithGrants> {
  const reviewer = moment.actor;
  const quorum = openQuorum(request, reviewer, moment);
  const { verdict, reason, comment, as } = command;
  const { groups, narrowing, locks } = acceptReview(request, quorum, command, context, moment);
  const given = reviewBy(request, reviewer);
  // A repeated review adds nothing unless the first is stale or has other terms. It still counts the quorum again, because a
  // reviewer may have returned to a group.
  const isRepeated = given?.verdict === verdict && isFresh(given, quorum, moment) && areSameTerms(given, narrowing);
  const at = stamp(moment, request);
  const review = makeReview({ reviewer, verdict, groups, as, at, reason, comment, ...narrowing });
  const reviews = isRepeated ? request.reviews : [...request.reviews.filter((other) => other !== given), review];
  if (verdict === 'approve') refuseTooMany(request, reviews);
  const withReview = (step: Transition<RequestWithGrants>): Transition<RequestWithGrants> => ({
    ...step,
    entries: [...(isRepeated ? [] : [entryOf(step.result.request, 'request.reviewed', at, reviewer, { review })]), ...step.entries],
  });
  const deny = (ending: Pick<Ending, 'cause' | 'reason'>) =>
    withReview(endRequest(request, { status: 'denied', ...ending, by: reviewer }, moment, { reviews }));

  const counted = countedReviews(request, reviews, context, moment);
  // Counts denials first: enough denials end the request even where its quorum is complete (L16).
  if (counted.filter((review) => review.verdict === 'deny').length >= quorum.denials) {
    return deny({ cause: 'quorum', reason: verdict === 'deny' ? reason : undefined });
  }
  // An approval does not count while its reviewer is locked. A denial does.
  const approvals = counted.filter(
    (review) => review.verdict === 'approve' && isFresh(review, quorum, moment) && !isIdLocked(locks, review.reviewer, moment.now),
  );
  if (context.eligible !== undefined && isMet(quorum, approvals)) {
    if (!context.eligible) return deny({ cause: 'ineligible', reason: 'the subject is no longer eligible' });
    if (context.issue === undefined) throw new TypeError('an approval needs its context');
    // Every approval that counts binds, needed or not (L18).
    const ending = { cause: 'quorum', by: reviewer, reason, granted: leastOf(request, approvals) } as const;
    return withReview(approveRequest(request, ending, moment, { reviews }, context.issue));
  }
  if (isRepeated) return noChange({ request, grants: [] });
  const next = amend(request, { reviews });
  const dependsOn = locks === undefined ? [] : [locksAsRead(locks)];
  return withReview({ result: { request: next, grants: [] }, put: [next], entries: [], dependsOn });
}

/** The reviews whose reviewer was in a group when giving it, and still is in one of those groups (L17). */
const countedReviews = (
  request: AccessRequest,
  reviews: readonly Review[],
  { groups }: ReviewContext,
  { now }: Moment,
): readonly Review[] =>
  reviews
    .map((review) => {
      const still = review.groups.filter((name) => groups.get(review.reviewer)?.includes(name));
      return { ...review, groups: placesOf(request, still, review.as, now) };
    })
    .filter((review) => review.groups.length > 0);

/** The locks by which an approval is judged. @throws LockedError where the reviewer or the requested access is locked */
function locksFor(request: AccessRequest, reviewer: string, { locks }: ReviewContext, moment: Moment): LocksContext {
  if (locks === undefined) throw new TypeError('an approval needs the locks');
  const { ids, scopes } = lockableOf(request);
  refuseIfLocked(locks, { ids: [reviewer, ...ids], scopes }, moment);
  return locks;
}

/** Whether the escalation has begun and is not recorded yet. */
export function isEscalationDue(request: AccessRequest, { now }: ClockReading): boolean {
  const at = escalatesAt(request) ?? Infinity;
  return request.end === undefined && request.escalatedAt === undefined && at <= now;
}

/** Records that another group may stand in, so that it can be notified. Its right began by time, recorded or not. */
export function escalate(request: AccessRequest, moment: Moment): Transition<AccessRequest> {
  const escalatedAt = stamp(moment, request);
  const next = amend(request, { escalatedAt });
  // The quorum, so that a reader of this entry knows whom to notify.
  const data = { escalatedAt, quorum: request.quorum };
  return { result: next, put: [next], entries: [entryOf(next, 'request.escalated', escalatedAt, SWEEPER, data)] };
}
