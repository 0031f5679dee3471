import { ApproverError, ClockError, NotFoundError } from '../../core/errors.js';
import { isId } from '../../core/parse.js';
import { isOwnRequest } from '../../lifecycle/review.js';
import { decodeRequest, groupsIn, type AccessRequest } from '../../records/index.js';
import type { Kernel } from '../../kernel/kernel.js';
import { refuseIfLate } from './identity.js';
import type { Call } from './operation.js';
import { CallerBudgets, MISSED } from './caller-budgets.js';
import { StandIns } from './stand-ins.js';

/*
 * Who sees a request: its subject, its requester, its reviewers, and a caller that `may` permits. For every other caller it does not
 * exist. The answer for a stranger and the answer for an unknown id are the same bytes, after the same calls to the store and to the
 * approver, and after the same questions to the groups of the approver: otherwise their time would say which ids exist. Also the wait for
 * a place does not depend on what exists: see `caller-budgets.ts`.
 */

type Looking = Pick<Call, 'kernel' | 'options' | 'self' | 'may' | 'limit'>;

/**
 * The request with this id, if the caller sees it.
 *
 * @throws NotFoundError for an unknown id, and for a caller who does not see it; HttpError 429 as {@link CallerBudgets}
 */
export async function visibleRequest(call: Looking, id: string): Promise<AccessRequest> {
  // Text that can be no id says nothing about the ids that exist, and no hook needs to read it.
  if (!isId(id)) throw new NotFoundError('request', id);
  const request = await readRequest(call.kernel, id);
  if (request !== undefined && isOwnRequest(request, call.self)) return request;
  const seen = await call.kernel.part(CallerBudgets).run(call.self, () => look(call, id, request));
  if (seen === undefined || seen === MISSED) throw new NotFoundError('request', id);
  return seen;
}

/** @returns `undefined`: there is no request, and `may` permits the caller to know that */
async function look(call: Looking, id: string, request: AccessRequest | undefined) {
  const [first, ...rest] = await call.kernel.part(StandIns).questionsAbout(request);
  const reviews = first !== undefined && (await isSeenAsReviewer(call, first)) && first === request;
  // No hook of the handler: its answer may be as late as one.
  refuseIfLate(call.limit);
  if (reviews || (await call.may('viewRequest', { requestId: id }))) return request;
  // One after another, as an approver may ask the groups of the first question: the sum of the times is the same.
  for (const standIn of rest) await isSeenAsReviewer(call, standIn);
  return MISSED;
}

/**
 * Whether a caller who sees a request also sees why a reviewer does not count: its reviewers, and callers that `may` permits. Never its
 * subject and its requester, even if `may` permits them everything.
 */
export const seesExclusions = (request: AccessRequest, self: string): boolean => !isOwnRequest(request, self);

async function readRequest({ ledger }: Kernel, id: string): Promise<AccessRequest | undefined> {
  const row = await ledger.row('request', id);
  return row && decodeRequest(row);
}

/**
 * A failure of the approver counts as no, for the request as for a stand-in: a 503 for one of them alone would distinguish them. A clock
 * that fails does so for every id.
 */
async function isSeenAsReviewer({ kernel, options, self }: Pick<Call, 'kernel' | 'options' | 'self'>, request: AccessRequest) {
  try {
    return await isItsReviewer(kernel, request, self);
  } catch (error) {
    if (!(error instanceof ApproverError) || error.cause instanceof ClockError) throw error;
    options.onError(error, 'approver');
    return false;
  }
}

/** Whether this person reviews the request, has reviewed it, or could have: reviewers still see a request that was decided. */
export async function isItsReviewer({ approver }: Kernel, request: AccessRequest, person: string): Promise<boolean> {
  const { quorum, reviews, afterReview } = request;
  if (reviews.some(({ reviewer }) => reviewer === person)) return true;
  let groups: readonly string[] = [];
  let mayReview = false;
  try {
    groups = await approver.groupsOf(person, request);
  } finally {
    // Asked also after a failure, so that the groups of the request do not change what is asked.
    mayReview = await approver.mayReviewBreakGlass(person, request);
  }
  return (afterReview !== undefined && mayReview) || (quorum !== undefined && groupsIn(quorum).some((group) => groups.includes(group)));
}
