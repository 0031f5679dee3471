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
import type { AccessRequest } from '../../records/index.js';
import type { ClockReading } from '../../core/clock.js';
import { committedResult } from '../requests/access-result.js';
import { refuseAgent } from '../../kernel/settings/agents.js';
import type { AccessResult } from '../answers.js';
import { loadDenialContext, loadIssueContext } from '../../kernel/loading/context.js';
import { loadLocks } from '../../kernel/loading/locks.js';
import { askTogether } from '../../kernel/approver/approver-questions.js';
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
  check: (request: AccessRequest) => void = () => undefined,
): Promise<AccessResult> {
  const { clock, ledger, settings } = kernel;
  let reading: ClockReading | undefined;
  const review = async () => {
    const request = await ledger.request(id);
    check(request);
    refuseAgent(settings.isAgent, request, reviewer);
    const context = await loadReviewContext(kernel, request, reviewer, command);
    const mayDeny = command.verdict === 'deny' || context.eligible === false;
    const denialContext = mayDeny ? await loadDenialContext(kernel, request) : undefined;
    const now = moment(clock, reviewer);
    reading = now;
    return noteDenial(reviewRequest(request, command, context, now), denialContext, settings.denialsShownMs, now);
  };
  try {
    return await committedResult(kernel, await ledger.runSentDurably(review), 'pending', reading);
  } catch (error) {
    // A reviewer who repeats the deciding review learns only from this refusal that the engine recorded the first one.
    if (error instanceof DecidedError && reviewBy(error.request, reviewer)?.verdict === command.verdict) await ledger.confirmDurable();
    throw error;
  }
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
  const issue = eligible === true ? await loadIssueContext(kernel, request) : undefined;
  // After the approver's answers, and from the one reading that the commit compares: a lock that is set in between refuses.
  const locks = verdict === 'approve' ? (issue?.locks ?? (await loadLocks(kernel))) : undefined;
  return { groups, eligible, issue, locks, minTtlMs };
}

/** Whether the rules refuse a review by this person, regardless of the groups that the approver names. */
export const cannotReview = (request: AccessRequest, reviewer: string): boolean =>
  request.end !== undefined || request.quorum === undefined || isOwnRequest(request, reviewer);
