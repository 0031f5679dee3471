import { NotFoundError } from '../../core/errors.js';
import { isId } from '../../core/parse.js';
import { isOwnRequest } from '../../lifecycle/review.js';
import { decodeRequest, groupsIn, type AccessRequest } from '../../records/index.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Call } from './operation.js';
import { absentRequest, hasReviewers, LastApprover } from './absent-request.js';

/*
 * Who sees a request: its subject, its requester, its reviewers, and a caller that `may` permits. For every other caller
 * it does not exist. The answer for a stranger and the answer for an unknown id are the same bytes, after the same number of calls to
 * the store and to the approver: otherwise their time would say which ids exist. A chain of approvers asks the member that decided the
 * request, and for an unknown id the member that decided the last one.
 */

/**
 * The request with this id, if the caller sees it.
 *
 * @throws NotFoundError for an unknown id, and for a caller who does not see it
 */
export async function visibleRequest(call: Pick<Call, 'kernel' | 'self' | 'may'>, id: string): Promise<AccessRequest> {
  const request = isId(id) ? await readRequest(call.kernel, id) : undefined;
  if (request !== undefined && isOwnRequest(request, call.self)) return request;
  const lastApprover = call.kernel.part(LastApprover);
  const approver = await lastApprover.name();
  const asked = request !== undefined && hasReviewers(request) ? request : absentRequest(call.kernel, approver);
  const sees = (await isItsReviewer(call.kernel, asked, call.self)) || (await call.may('viewRequest', { requestId: id }));
  if (request === undefined || !sees) throw new NotFoundError('request', id);
  lastApprover.note(request);
  return request;
}

async function readRequest({ ledger }: Kernel, id: string): Promise<AccessRequest | undefined> {
  const row = await ledger.row('request', id);
  return row && decodeRequest(row);
}

/** Whether this person reviews the request, has reviewed it, or could have: reviewers still see a request that was decided. */
export async function isItsReviewer({ approver }: Kernel, request: AccessRequest, person: string): Promise<boolean> {
  const groups = await approver.groupsOf(person, request);
  const mayReview = await approver.mayReviewBreakGlass(person, request);
  if (request.afterReview !== undefined && mayReview) return true;
  const { quorum, reviews } = request;
  if (reviews.some(({ reviewer }) => reviewer === person)) return true;
  return quorum !== undefined && groupsIn(quorum).some((group) => groups.includes(group));
}
