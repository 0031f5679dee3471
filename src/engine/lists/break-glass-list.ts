import { invalid } from '../../core/parse.js';
import { TurnBudget } from '../../core/turns.js';
import type { Page } from '../../core/ports.js';
import { isOwnRequest } from '../../lifecycle/review.js';
import { hasPassed } from '../../lifecycle/status.js';
import { needsReview, placeOf } from '../../records/index.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { BreakGlassReviewItem } from '../answers.js';
import { readPaging, readQuery, readSubject, type Paging } from './collect.js';
import { dueRequests, type DueSelection } from './due-requests.js';
import { endedWithStatus } from '../with-status.js';

/** Selects all pending break-glass reviews, the first due first. A page looks at up to 1,000 open requests. */
export interface BreakGlassReviewQuery extends Paging {
  /** Selects the break-glass access whose review is pending. */
  readonly afterReview: 'pending';
  /** Selects the reviews of access that this subject took. */
  readonly subject?: string | undefined;
}

/**
 * Selects the pending break-glass reviews that a reviewer may give, the first due first. A page looks at up to 1,000 open requests.
 * The engine asks the approver live, and waits at most `limits.approverTimeout` for all answers of a page. A question that fails
 * hides its request and is reported to `onError`.
 */
export interface BreakGlassInboxQuery extends Paging {
  /** Selects break-glass reviews instead of pending requests. */
  readonly of: 'breakGlass';
}

/** A page of all pending break-glass reviews. @param next the place of a later page than that of the query */
export async function listPendingReviews(kernel: Kernel, query: object, next?: string): Promise<Page<BreakGlassReviewItem>> {
  const given = readQuery<keyof BreakGlassReviewQuery>(query, ['afterReview', 'subject', 'after', 'limit'], next);
  if (given.afterReview !== 'pending') throw invalid('afterReview', "'pending', or omitted", given.afterReview);
  return pendingReviews(kernel, 'listRequests', { subject: readSubject(kernel, given.subject), ...readPaging(given) });
}

/**
 * A page of pending break-glass reviews, the first due first.
 *
 * @param during the verb that lists them, for `onError`
 * @param reviewer selects the reviews that this person may give; `undefined`: all
 */
export function pendingReviews(
  kernel: Kernel,
  during: string,
  page: { readonly subject: string | undefined; readonly after: string | undefined; readonly limit: number },
  reviewer?: string,
): Promise<Page<BreakGlassReviewItem>> {
  const time = kernel.approver.time();
  const selection: DueSelection<boolean, BreakGlassReviewItem> = {
    ...page,
    during,
    after: page.after ?? placeOf({ createdAt: 0, sortAt: 0, id: '' }, 'due'),
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
