import { DecidedError, LimitError, NotReviewerError, SelfReviewError } from '../core/errors.js';
import { invalid } from '../core/parse.js';
import type { ScopeMatcher } from '../core/ports.js';
import {
  grantedOf,
  makeAfterReview,
  makeRequest,
  makeRequestEnd,
  type AccessRequest,
  type BreakGlassReview,
  type Grant,
  type Subject,
} from '../records/index.js';
import { issueGrants, type IssueContext, type RequestWithGrants } from './grant.js';
import { windowOf } from './window.js';
import { endGrants, type ChainedUse } from './extension-chain.js';
import { amend, endRequest } from './decision.js';
import type { Ask } from './ask.js';
import { createdEntry, draftRequest, type RequestLimits } from './request.js';
import { beyondLimits, beyondTerms, refuseUnmet } from './requirements.js';
import { isOwnRequest } from './review.js';
import { holdersWritten, recordHolders } from './holders.js';
import { lockableOf, locksAsRead, refuseIfLocked, type LocksContext } from './lock.js';
import { entryOf, combine, stamp, SWEEPER, noChange, type Moment, type Transition, type Writes } from './transition.js';
import { grantLimitMet, isPending, touchSubject } from './subject.js';
import type { ParsedBreakGlass } from './verdict.js';

/** The subject and the requester, whose pending break-glass reviews count. */
export interface Debtors {
  readonly subject: Subject | undefined;
  /** The same as `subject` if the subject asks itself. */
  readonly requester: Subject | undefined;
  /** The requests that these rows name as unreviewed, by their id. They name the requester who took the access. */
  readonly unreviewed: ReadonlyMap<string, AccessRequest>;
}

/** The pending requests that break-glass access may overtake. */
export interface PendingContext {
  /** The subject's requests without a recorded end, also those that time has ended. Read after the subject's row. */
  readonly open: readonly AccessRequest[];
  /** Whether a taken scope covers a requested one. */
  readonly covers: ScopeMatcher['covers'];
}

/** The most requests that one call overtakes, because a change has a greatest size (L42). Others stay pending. */
const MAX_OVERTAKEN = 250;

/**
 * Takes access at once: the request, its approval, the pending review, and the grants, in one commit. It writes the rows of the
 * subject and of the requester, so that two concurrent calls cannot exceed the limit on pending reviews.
 *
 * The same commit cancels the pending requests of the subject whose scopes all lie in those taken: their later approval would give
 * the access a second time. An approval writes the subject's row too, so the two have one order.
 */
export function breakGlass(
  ask: Ask,
  id: string,
  { approver, rule, verdict }: ParsedBreakGlass & { readonly verdict: { readonly outcome: 'approve' } },
  debtors: Debtors,
  context: IssueContext & PendingContext & { readonly limits: RequestLimits },
  moment: Moment,
): Transition<RequestWithGrants> {
  const by = moment.actor;
  const draft = draftRequest(ask, id, context.limits, [], moment);
  refuseIfLocked(context.locks, lockableOf(draft, by), moment);
  const { reviewers, skippedGroups, skippedPeople, terms } = verdict;
  refuseUnmet(draft, [...beyondLimits(draft, context.limits), ...beyondTerms(draft, rule, terms)]);
  refuseDebtors(ask, debtors, verdict.maxUnreviewed);
  const at = stamp(moment, draft);
  const afterReview = makeAfterReview({
    reviewBy: at + verdict.reviewWithinMs,
    reviewers,
    skippedGroups,
    skippedPeople,
    missedAt: undefined,
    breakGlassReview: undefined,
  });
  const end = makeRequestEnd({ status: 'approved', cause: 'break_glass', at, by, reason: undefined, granted: grantedOf(draft) });
  const written = { approver, rule, terms, end, afterReview };
  const request = makeRequest({ ...draft, ...written });
  const met = grantLimitMet(context.limits, request, context, true);
  if (met !== undefined) throw met;
  const rows = debtorRows(request, debtors, (unreviewed) => [...unreviewed, id]);
  const issued = issueGrants(request, at, by, context);
  const holders = recordHolders(request, issued.result, context.holders, moment, false);
  const overtaken = overtakenBy(request, windowOf(request, at).expiresAt, context, moment);
  return {
    result: { request, grants: issued.result },
    put: [request, ...issued.put, ...rows.put, ...holders, ...overtaken.put],
    entries: [
      createdEntry(request, { subjectVersion: rows.versions.subjectVersion }, by),
      entryOf(request, 'request.approved', at, by, { ...written, ...rows.versions, holders: holdersWritten(holders) }),
      ...issued.entries,
      ...overtaken.entries,
    ],
    dependsOn: [locksAsRead(context.locks)],
    creates: true,
  };
}

/**
 * Cancels the pending requests of the subject that this access overtakes. A request for more than the taken scopes stays, and so
 * does one that starts after this access.
 */
function overtakenBy({ id, scopes }: AccessRequest, expiresAt: number, { open, covers }: PendingContext, moment: Moment): Writes {
  const isTaken = (scope: string): boolean => scopes.some((taken) => covers(taken, scope));
  const pending = open.filter(
    (one) => one.extension === undefined && isPending(one, moment) && one.scopes.every(isTaken) && (one.startsAt ?? moment.now) < expiresAt,
  );
  const ending = { status: 'cancelled', cause: 'overtaken', by: moment.actor, reason: undefined } as const;
  return combine(
    undefined,
    pending.slice(0, MAX_OVERTAKEN).map((one) => endRequest(one, ending, moment, { replacedBy: id })),
  );
}

/**
 * Refuses break-glass access while the subject or the requester has as many pending reviews as the limit allows. When a subject
 * takes access itself, access that other requesters took for it does not count (L44). When another requester takes access for a
 * subject, all pending reviews of the subject count.
 */
function refuseDebtors({ requestedBy }: Ask, debtors: Debtors, maxUnreviewed: number): void {
  for (const debtor of [debtors.subject, debtors.requester]) {
    if (debtor === undefined) continue;
    const takesItself = debtor.id === requestedBy;
    const counting = takesItself
      ? debtor.unreviewed.filter((id) => (debtors.unreviewed.get(id)?.requestedBy ?? requestedBy) === requestedBy)
      : debtor.unreviewed;
    if (counting.length < maxUnreviewed) continue;
    throw new LimitError(
      'maxUnreviewed',
      maxUnreviewed,
      counting.length + 1,
      `${debtor.id} has break-glass access that must still be reviewed: review ${counting.join(', ')} first`,
    );
  }
}

/** The row of the subject, and that of a requester who is not the subject, with their versions for the entry. */
function debtorRows(request: AccessRequest, debtors: Debtors, change: (unreviewed: readonly string[]) => readonly string[]) {
  const row = (id: string, before: Subject | undefined) => touchSubject(id, before, { unreviewed: change(before?.unreviewed ?? []) });
  const subject = row(request.subject, debtors.subject);
  const requester = request.requestedBy === request.subject ? undefined : row(request.requestedBy, debtors.requester);
  return {
    put: requester === undefined ? [subject] : [subject, requester],
    versions: { subjectVersion: subject.version, requesterVersion: requester?.version },
  };
}

/** The verdict of a reviewer on break-glass access. */
export interface BreakGlassReviewCommand {
  readonly verdict: BreakGlassReview['verdict'];
  readonly reason: string | undefined;
}

export interface BreakGlassReviewContext {
  /** Whether this person may review the break-glass access, by the approver's present answer. */
  readonly may: boolean;
  /** A lock on the reviewer refuses the review, and no lock on the access does: the review stays pending. */
  readonly locks: LocksContext;
  readonly debtors: Debtors;
  /** The request's grants, each with the part of its chain that ends with it. */
  readonly grants: readonly ChainedUse[];
}

/** Records the verdict of a pending review. `unjustified` ends the access in the same commit. */
export function reviewBreakGlass(
  request: AccessRequest,
  command: BreakGlassReviewCommand,
  context: BreakGlassReviewContext,
  moment: Moment,
): Transition<RequestWithGrants> {
  const by = moment.actor;
  const { afterReview } = request;
  if (afterReview === undefined) throw invalid('requestId', 'that of a break-glass request', request.id);
  const given = afterReview.breakGlassReview;
  if (given?.by === by && given.verdict === command.verdict) {
    return noChange({ request, grants: context.grants.map(({ use }) => use.grant) });
  }
  if (given !== undefined)
    throw new DecidedError(request, `the break-glass review of request ${request.id} has been given: ${given.verdict}`);
  if (isOwnRequest(request, by)) throw new SelfReviewError(request.id, by);
  refuseIfLocked(context.locks, { ids: [by], scopes: [] }, moment);
  if (!context.may) throw new NotReviewerError(request.id, by, 'not_in_group');
  const at = stamp(moment, request);
  const { verdict, reason } = command;
  const breakGlassReview: BreakGlassReview = { by, verdict, at, reason };
  const next = amend(request, { afterReview: makeAfterReview({ ...afterReview, breakGlassReview: breakGlassReview }) });
  const rows = debtorRows(request, context.debtors, (unreviewed) => unreviewed.filter((id) => id !== request.id));
  const ended: Transition<readonly Grant[]> =
    verdict === 'unjustified'
      ? endGrants(context.grants, { cause: 'unjustified', reason }, moment)
      : noChange(context.grants.map(({ use }) => use.grant));
  const written = { afterReview: next.afterReview, ...rows.versions };
  return combine({ request: next, grants: ended.result }, [
    {
      put: [next, ...rows.put],
      entries: [entryOf(next, 'breakGlass.reviewed', at, by, written)],
      dependsOn: [locksAsRead(context.locks)],
    },
    ended,
  ]);
}

/** Records that the review is overdue; it stays pending. */
export function missReview(request: AccessRequest, moment: Moment): Transition<AccessRequest> {
  const { afterReview } = request;
  if (afterReview === undefined) return noChange(request);
  const missedAt = stamp(moment, request);
  const next = amend(request, { afterReview: makeAfterReview({ ...afterReview, missedAt }) });
  return {
    result: next,
    put: [next],
    entries: [entryOf(next, 'breakGlass.overdue', missedAt, SWEEPER, { afterReview: next.afterReview })],
  };
}
