import { TurnBudget } from '../../core/turns.js';
import type { Page } from '../../core/ports.js';
import { isOwnRequest } from '../../lifecycle/review.js';
import { hasPassed } from '../../lifecycle/status.js';
import { needsReview, placeOf } from '../../records/index.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { BreakGlassReviewItem } from '../answers.js';
import { readPaging, readQuery, type Paging } from '../lists/collect.js';
import { dueRequests, type DueSelection } from '../reviews/due-requests.js';
import { readSubject } from '../lists/lists.js';
import { endedWithStatus } from '../with-status.js';

/**
 * Selects pending break-glass reviews. A page looks at up to 1,000 open requests, so it may be short or empty and still have a `next`.
 */
export interface BreakGlassReviewQuery extends Paging {
  /** Selects the reviews of access that this subject took. */
  readonly subject?: string | undefined;
  /**
   * Selects the reviews that this person may give. The engine asks the approver live, and waits at most `limits.approverTimeout` for
   * all answers of a page. A question that fails hides its request and is reported to `onError`.
   */
  readonly reviewer?: string | undefined;
}

const FIELDS = ['subject', 'reviewer', 'after', 'limit'] as const satisfies readonly (keyof BreakGlassReviewQuery)[];

/** A page of the pending break-glass reviews, the first due first. @param next the place of a later page than that of the query */
export async function listBreakGlassReviews(
  kernel: Kernel,
  query: BreakGlassReviewQuery,
  next?: string,
): Promise<Page<BreakGlassReviewItem>> {
  const given = readQuery<keyof BreakGlassReviewQuery>(query, FIELDS, next);
  const { after, limit } = readPaging(given);
  const reviewer = given.reviewer === undefined ? undefined : kernel.settings.readId('reviewer', given.reviewer);
  const time = kernel.approver.time();
  const selection: DueSelection<boolean, BreakGlassReviewItem> = {
    during: 'listBreakGlassReviews',
    subject: readSubject(kernel, given.subject),
    after: after ?? placeOf({ createdAt: 0, sortAt: 0, id: '' }, 'due'),
    limit,
    // The subject and the requester may never review, so the engine does not ask the approver about them.
    isCandidate: (request) => needsReview(request) && (reviewer === undefined || !isOwnRequest(request, reviewer)),
    ask: (requests) => (reviewer === undefined ? requests.map(() => true) : kernel.approver.mayReviewEach(reviewer, requests, time)),
    itemOf(request, mayReview, reading) {
      const reviewBy = request.afterReview?.reviewBy as number;
      return mayReview ? { request: endedWithStatus(request), reviewBy, isOverdue: hasPassed(reviewBy, reading) } : undefined;
    },
  };
  return dueRequests(kernel, selection, new TurnBudget());
}
