import { invalid } from '../../core/parse.js';
import { TurnBudget } from '../../core/turns.js';
import type { Page } from '../../core/ports.js';
import { lockableOf, lockOn, type LocksContext } from '../../lifecycle/lock.js';
import { narrowedTo } from '../../lifecycle/approvals.js';
import { mayAct, missingApprovals, reviewBy } from '../../lifecycle/review.js';
import { twinsOf } from '../../lifecycle/same-ask.js';
import { moment, type Moment } from '../../lifecycle/transition.js';
import { missingInWords, placeOf, type AccessRequest } from '../../records/index.js';
import { openRequestsOf, overlapsOf, recentDenialsFor } from '../../kernel/loading/context.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import { askTogether } from '../../kernel/approver/approver-questions.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { BreakGlassReviewItem, InboxItem } from '../answers.js';
import { pendingReviews, type BreakGlassInboxQuery } from '../lists/break-glass-list.js';
import { readableComments } from '../requests/comments.js';
import { readPaging, readQuery, type Paging } from '../lists/collect.js';
import { dueRequests, type DueSelection } from '../lists/due-requests.js';
import { cannotReview } from './reviews.js';
import { withStatus } from '../with-status.js';

/** A pending request and the groups in which the reviewer may act. */
interface Reviewable {
  readonly request: AccessRequest;
  readonly groups: readonly string[];
}

/**
 * A page of the requests that this person may review now, or of break-glass reviews, in the order of their deadlines.
 *
 * @param next the place of a later page
 */
export async function inbox(
  kernel: Kernel,
  reviewer: string,
  query: Paging | BreakGlassInboxQuery,
  next?: string,
): Promise<Page<InboxItem | BreakGlassReviewItem>> {
  const { of, ...given } = readQuery<keyof BreakGlassInboxQuery>(query, ['of', 'after', 'limit'], next);
  if (of !== undefined && of !== 'breakGlass') throw invalid('of', "'breakGlass', or omitted", of);
  const { after, limit } = readPaging(given);
  if (of === 'breakGlass') return pendingReviews(kernel, 'inbox', { subject: undefined, after, limit }, reviewer);
  const turns = new TurnBudget();
  const page = await reviewable(kernel, reviewer, after, limit, turns);
  return { items: await itemsOf(kernel, reviewer, page.items, turns), next: page.next };
}

/** The requests of a page. */
function reviewable(
  kernel: Kernel,
  reviewer: string,
  after: string | undefined,
  limit: number,
  turns: TurnBudget,
): Promise<Page<Reviewable>> {
  const { approver, clock } = kernel;
  const time = approver.time();
  const selection: DueSelection<readonly string[], Reviewable> = {
    during: 'inbox',
    subject: undefined,
    // Requests whose deadline has passed come first in this order. A service that runs no sweeper would look at them for each page.
    after: after ?? placeOf({ createdAt: 0, sortAt: clock.read().forEnds + 1, id: '' }, 'due'),
    limit,
    isCandidate: (request) => !cannotReview(request, reviewer),
    ask: (requests) => approver.groupsOfAll(reviewer, requests, time),
    itemOf(request, membership, reading) {
      const groups = mayAct(request, reviewer, membership, reading);
      return groups.length > 0 ? { request, groups } : undefined;
    },
  };
  return dueRequests(kernel, selection, turns);
}

async function itemsOf(kernel: Kernel, reviewer: string, page: readonly Reviewable[], turns: TurnBudget): Promise<readonly InboxItem[]> {
  const requests = page.map(({ request }) => request);
  const denials = await recentDenialsFor(kernel, requests, turns);
  const open = await openBySubject(kernel, requests, turns);
  const commentsOf = await readableComments(
    kernel,
    requests.map(({ id }) => id),
    turns,
  );
  const locks = await loadReadableLocks(kernel, 'inbox');
  const now = moment(kernel.clock, reviewer);
  const overlaps = overlapsOf(kernel);
  const items: InboxItem[] = [];
  for (const { request, groups } of page) {
    const ofSubject = open.get(request.subject) ?? [];
    await turns.spend(ofSubject.length);
    const missing = missingApprovals(request, now);
    items.push({
      request: withStatus(request, 'pending'),
      groups,
      locked: locks === undefined || isLocked(locks, request, reviewer, now),
      missing,
      missingInWords: missingInWords(missing),
      narrowedTo: narrowedTo(request, now),
      ownReview: reviewBy(request, reviewer),
      comments: commentsOf(request.id),
      denials: denials.of(request, now),
      twins: twinsOf(request, ofSubject, overlaps, now).map(({ id }) => id),
    });
  }
  return items;
}

function isLocked(locks: LocksContext, request: AccessRequest, reviewer: string, { now }: Moment): boolean {
  const { ids, scopes } = lockableOf(request);
  return lockOn(locks, { ids: [reviewer, ...ids], scopes }, now) !== undefined;
}

/** The open requests of each subject: only requests for the same subject can be twins. */
async function openBySubject(
  kernel: Kernel,
  requests: readonly AccessRequest[],
  turns: TurnBudget,
): Promise<ReadonlyMap<string, readonly AccessRequest[]>> {
  const subjects = [...new Set(requests.map(({ subject }) => subject))];
  const open = await askTogether(subjects, (subject) => openRequestsOf(kernel, subject, turns));
  return new Map(subjects.map((subject, i) => [subject, open[i] ?? []]));
}
