import { isJitError } from '../core/errors.js';
import { TurnBudget } from '../core/time.js';
import type { Page } from '../core/ports.js';
import { lockableOf, lockOn, type LocksContext } from '../lifecycle/lock.js';
import { narrowedTo } from '../lifecycle/approvals.js';
import { mayAct, missingApprovals, reviewBy } from '../lifecycle/review.js';
import { twinsOf } from '../lifecycle/same-ask.js';
import { moment, type Moment } from '../lifecycle/transition.js';
import { decodeRequest, MAX_LOOK, missingInWords, placeOf, type AccessRequest } from '../records/index.js';
import { openRequestsOf, overlapsOf, recentDenialsFor } from '../kernel/context.js';
import { loadReadableLocks } from '../kernel/locks.js';
import { askTogether } from '../kernel/together.js';
import type { Kernel } from '../kernel/kernel.js';
import type { InboxItem } from './answers.js';
import { readableComments } from './comments.js';
import { readPaging, readQuery, type Paging } from './collect.js';
import { cannotReview } from './reviews.js';
import { withStatus } from './with-status.js';

/** How many requests the approver is asked about together. */
const ROUND = 200;

/** A pending request and the groups in which the reviewer may act. */
interface Reviewable {
  readonly request: AccessRequest;
  readonly groups: readonly string[];
}

/** A page of the requests that this person may review now, in the order of their deadlines. @param next the place of a later page */
export async function inbox(kernel: Kernel, reviewer: string, query: Paging, next?: string): Promise<Page<InboxItem>> {
  const { after, limit } = readPaging(readQuery<keyof Paging>(query, ['after', 'limit'], next));
  const turns = new TurnBudget();
  const page = await reviewable(kernel, reviewer, after, limit, turns);
  return { items: await itemsOf(kernel, reviewer, page.items, turns), next: page.next };
}

/**
 * Looks at up to 1,000 pending requests, in rounds. All rounds share one time limit for the approver's answers. The page ends before
 * the first request for which no time was left.
 */
async function reviewable(
  kernel: Kernel,
  reviewer: string,
  after: string | undefined,
  limit: number,
  turns: TurnBudget,
): Promise<Page<Reviewable>> {
  const { approver, clock, ledger, settings } = kernel;
  const time = approver.time();
  const items: Reviewable[] = [];
  // Requests whose deadline has passed come first in this order. A service that runs no sweeper would look at them for each page.
  let from = after ?? placeOf({ createdAt: 0, sortAt: clock.read().forEnds + 1, id: '' }, 'due');
  for (let looked = 0; ; looked += ROUND) {
    await turns.spend(ROUND);
    const page = await ledger.find({ kind: 'request', open: true, order: 'due', after: from, limit: ROUND });
    const candidates = page.items.flatMap((row) =>
      settings.decodeAll([row], decodeRequest).flatMap((request) => (cannotReview(request, reviewer) ? [] : [{ request, row }])),
    );
    const memberships = await approver.groupsOfAll(
      reviewer,
      candidates.map(({ request }) => request),
      time,
    );
    const reading = clock.read();
    const reported = new Set<unknown>();
    for (const [i, { request, row }] of candidates.entries()) {
      const membership = memberships[i];
      if (membership === undefined) return { items, next: from };
      if (items.length === limit) return { items, next: from };
      from = placeOf(row, 'due');
      // Where the approver fails about one request, the inbox still shows the others.
      if (isJitError(membership)) {
        if (!reported.has(membership)) settings.onError(membership, 'inbox');
        reported.add(membership);
        continue;
      }
      const groups = mayAct(request, reviewer, membership, reading);
      if (groups.length > 0) items.push({ request, groups });
    }
    if (page.next === undefined || items.length === limit || looked + ROUND >= MAX_LOOK) return { items, next: page.next };
    from = page.next;
  }
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
