import { DecidedError, LimitError, NotReviewerError, SelfReviewError } from '../core/errors.js';
import { invalid } from '../core/parse.js';
import {
  makeEnd,
  makeAfterReview,
  makeRequest,
  type AccessRequest,
  type BreakGlassReview,
  type Grant,
  type Subject,
} from '../records/index.js';
import { issueGrants, type IssueContext, type RequestWithGrants } from './grant.js';
import { endGrant, type ExtensionChain } from './extension-chain.js';
import { amend } from './decision.js';
import { createdEntry, draftRequest, type Ask, type RequestLimits } from './request.js';
import { isOwnRequest } from './review.js';
import type { GrantUse } from './status.js';
import { entryOf, combine, stamp, SWEEPER, noChange, type Moment, type Transition } from './transition.js';
import { grantLimitMet, touchSubject } from './subject.js';
import type { ParsedBreakGlass } from './verdict.js';

/** The rows of those whose unreviewed break-glass counts: the subject, and whoever asks on its behalf. */
export interface Debtors {
  readonly subject: Subject | undefined;
  /** The same as `subject` where the subject asks itself. */
  readonly requester: Subject | undefined;
  /** The requests that these rows name as unreviewed, by their id: they say who took the access. */
  readonly unreviewed: ReadonlyMap<string, AccessRequest>;
}

/**
 * Access first: the request, its approval, the review that is owed, and the grants, in one step. The limit on what may
 * be owed is kept by the rows of the subject and of the requester, which this writes.
 */
export function breakGlass(
  ask: Ask,
  id: string,
  { approver, rule, verdict }: ParsedBreakGlass & { readonly verdict: { readonly outcome: 'approve' } },
  debtors: Debtors,
  context: IssueContext & { readonly limits: RequestLimits },
  moment: Moment,
): Transition<RequestWithGrants> {
  const by = ask.requestedBy;
  const draft = draftRequest(ask, id, context.limits, undefined, moment);
  refuseDebtors(ask, debtors, verdict.maxUnreviewed);
  const at = stamp(moment, draft);
  const { reviewers, skippedGroups, skippedPeople, terms } = verdict;
  const afterReview = makeAfterReview({
    reviewBy: at + verdict.reviewWithinMs,
    reviewers,
    skippedGroups,
    skippedPeople,
    missedAt: undefined,
    breakGlassReview: undefined,
  });
  const end = makeEnd({ status: 'approved', cause: 'break_glass', at, by, reason: undefined });
  const written = { approver, rule, terms, end, afterReview };
  const request = makeRequest({ ...draft, ...written });
  const total = terms.maxTotalMs ?? Infinity;
  if (request.ttlMs > total)
    throw new LimitError('maxTotal', total, request.ttlMs, `its rule gives at most ${total} in all (maxTotal); got ${request.ttlMs}`);
  const met = grantLimitMet(context.limits, request, context, true);
  if (met !== undefined) throw met;
  const rows = debtorRows(request, debtors, (unreviewed) => [...unreviewed, id]);
  const issued = issueGrants(request, at, by, context);
  return {
    result: { request, grants: issued.result },
    put: [request, ...issued.put, ...rows.put],
    entries: [
      createdEntry(request, { subjectVersion: rows.versions.subjectVersion }, by),
      entryOf(request, 'request.approved', at, by, { ...written, ...rows.versions }),
      ...issued.entries,
    ],
    creates: true,
  };
}

/**
 * No more emergencies for the subject or the requester while as many reviews are pending as may be. Access that another
 * caller took for one of them doesn't keep that one from an emergency of its own (L44); but through others a subject has
 * no more emergencies than that, whoever takes them.
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

/** The subject's row, and the requester's where that is somebody else; with what an entry says of them. */
function debtorRows(request: AccessRequest, debtors: Debtors, change: (unreviewed: readonly string[]) => readonly string[]) {
  const row = (id: string, before: Subject | undefined) => touchSubject(id, before, { unreviewed: change(before?.unreviewed ?? []) });
  const subject = row(request.subject, debtors.subject);
  const requester = request.requestedBy === request.subject ? undefined : row(request.requestedBy, debtors.requester);
  return {
    put: requester === undefined ? [subject] : [subject, requester],
    versions: { subjectVersion: subject.version, requesterVersion: requester?.version },
  };
}

/** What somebody finds who looks at break-glass access afterwards. */
export interface BreakGlassReviewCommand {
  readonly verdict: BreakGlassReview['verdict'];
  readonly reason: string | undefined;
}

export interface BreakGlassReviewContext {
  /** Whether the approver says that this person may; asked live. */
  readonly may: boolean;
  readonly debtors: Debtors;
  /** The request's grants, each with what ends with it. */
  readonly grants: readonly { readonly use: GrantUse; readonly chain: ExtensionChain }[];
}

/** Gives the review that is owed. `unjustified` ends in the same step what still lives. */
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
  if (!context.may) throw new NotReviewerError(request.id, by, 'not_in_group');
  const at = stamp(moment, request);
  const { verdict, reason } = command;
  const breakGlassReview: BreakGlassReview = { by, verdict, at, reason };
  const next = amend(request, { afterReview: makeAfterReview({ ...afterReview, breakGlassReview: breakGlassReview }) });
  const rows = debtorRows(request, context.debtors, (unreviewed) => unreviewed.filter((id) => id !== request.id));
  const ended: readonly Transition<Grant>[] = context.grants.map(({ use, chain }) =>
    verdict === 'unjustified' ? endGrant(use, chain, { cause: 'unjustified', reason }, moment) : noChange(use.grant),
  );
  const written = { afterReview: next.afterReview, ...rows.versions };
  return combine({ request: next, grants: ended.map((step) => step.result) }, [
    {
      put: [next, ...rows.put],
      entries: [entryOf(next, 'breakGlass.reviewed', at, by, written)],
    },
    ...ended,
  ]);
}

/** Records that the review is overdue; it stays owed. */
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
