import { DecidedError } from '../../core/errors.js';
import { noteDenial } from '../../lifecycle/same-ask.js';
import {
  countsIn,
  isOwnRequest,
  reviewBy,
  questionsOf,
  reviewRequest,
  type ReviewCommand,
  type ReviewContext,
} from '../../lifecycle/review.js';
import { moment } from '../../lifecycle/transition.js';
import { LOCK_ROW, type AccessRequest } from '../../records/index.js';
import type { ClockReading } from '../../core/clock.js';
import { committedResult } from '../requests/access-result.js';
import { refuseLargeReview } from '../../kernel/ledger/fits-change.js';
import { refuseAgent } from '../../kernel/settings/agents.js';
import type { AccessResult } from '../answers.js';
import { loadDenialContext, loadIssueContext, subjectContextOf, type SubjectRows } from '../../kernel/loading/context.js';
import { locksIn } from '../../kernel/loading/locks.js';
import { readContext } from '../../kernel/ledger/read-context.js';
import { askTogether } from '../../kernel/approver/approver-questions.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';

/**
 * Records a review, and the decision that it completes.
 *
 * @param check called with the request before the engine asks the approver about it
 */
export async function submitReview(
  kernel: Kernel,
  id: string,
  reviewer: string,
  command: ReviewCommand,
  limit: CallLimit | undefined,
  check: (request: AccessRequest) => void = () => undefined,
): Promise<AccessResult> {
  const { clock, ledger, settings } = kernel;
  let reading: ClockReading | undefined;
  const review = async () => {
    const { request, rows } = await readReviewed(kernel, id, command);
    check(request);
    refuseAgent(settings.isAgent, request, reviewer);
    const context = await loadReviewContext(kernel, request, reviewer, command, rows, limit);
    const mayDeny = command.verdict === 'deny' || context.eligible === false;
    const denialContext = mayDeny ? await loadDenialContext(kernel, request) : undefined;
    const now = moment(clock, reviewer);
    reading = now;
    const reviewed = reviewRequest(request, command, context, now);
    // A denial is always recorded: each approval has left room for it.
    if (command.verdict === 'approve') refuseLargeReview(kernel, reviewed.result.request, reviewed);
    return noteDenial(reviewed, denialContext, settings.denialsShownMs, now);
  };
  try {
    return await committedResult(kernel, await ledger.runSent(review, { durably: true, limit }), 'pending', reading);
  } catch (error) {
    // A reviewer who repeats the deciding review learns only from this refusal that the engine recorded the first one.
    if (error instanceof DecidedError && reviewBy(error.request, reviewer)?.verdict === command.verdict) await ledger.confirmDurable();
    throw error;
  }
}

/**
 * The request, and for an approval the rows of its subject: one question, if the store has `context`. The commit shows whether the
 * rows that were read before the approver's answers are current.
 */
async function readReviewed(
  { ledger }: Kernel,
  id: string,
  { verdict }: ReviewCommand,
): Promise<{ readonly request: AccessRequest; readonly rows: SubjectRows | undefined }> {
  if (verdict === 'deny') return { request: await ledger.request(id), rows: undefined };
  const key = { kind: 'request', id };
  const { rows, live } = await readContext(ledger, {
    keys: [key, { subjectOf: key }, LOCK_ROW],
    live: { subject: { subjectOf: key }, at: 0 },
  });
  return { request: ledger.requestOf(id, rows[0]), rows: { subject: rows[1], locks: rows[2], live } };
}

/** Whether a review by this person would count now. */
export async function isReviewer({ approver, clock }: Kernel, request: AccessRequest, reviewer: string): Promise<boolean> {
  if (cannotReview(request, reviewer)) return false;
  return countsIn(request, await approver.groupsOf(reviewer, request), clock.read()).length > 0;
}

/** Loads the input of the review rule: live answers of the approver, and rows of the store. */
async function loadReviewContext(
  kernel: Kernel,
  request: AccessRequest,
  reviewer: string,
  { verdict }: ReviewCommand,
  rows: SubjectRows | undefined,
  limit: CallLimit | undefined,
): Promise<ReviewContext> {
  const { approver } = kernel;
  const { minTtlMs } = kernel.settings.limits;
  const groups = new Map<string, readonly string[]>();
  if (cannotReview(request, reviewer)) return { groups, eligible: undefined, issue: undefined, locks: undefined, minTtlMs };
  const own = await approver.groupsOf(reviewer, request);
  const { reviewers, mayApprove } = questionsOf(request, reviewer, verdict, own);
  groups.set(reviewer, own);
  const others = reviewers.filter((other) => other !== reviewer);
  const theirs = await askTogether(others, (other) => approver.groupsOf(other, request));
  others.forEach((other, i) => groups.set(other, theirs[i] ?? []));
  const eligible = mayApprove ? await approver.mayHold(request, 'approval') : undefined;
  const issue =
    eligible === true
      ? await loadIssueContext(kernel, request, { known: rows && subjectContextOf(kernel, request.subject, rows), limit })
      : undefined;
  // From the one reading that the commit compares: a lock that is set in between refuses.
  const locks = issue?.locks ?? (rows && locksIn(kernel, rows.locks));
  return { groups, eligible, issue, locks, minTtlMs };
}

/** Whether the rules refuse a review by this person, regardless of the groups that the approver names. */
export const cannotReview = (request: AccessRequest, reviewer: string): boolean =>
  request.end !== undefined || request.quorum === undefined || isOwnRequest(request, reviewer);
