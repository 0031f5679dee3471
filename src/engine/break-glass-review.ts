import type { EndFailure } from '../core/errors.js';
import { invalid, readOptions } from '../core/parse.js';
import { reviewBreakGlass as giveVerdict, type BreakGlassReviewCommand } from '../lifecycle/break-glass.js';
import { grantIds } from '../lifecycle/grant.js';
import { isOwnRequest } from '../lifecycle/review.js';
import { hasPassed } from '../lifecycle/status.js';
import { moment } from '../lifecycle/transition.js';
import { decodeRequest, needsReview, type AccessRequest, type Grant } from '../records/index.js';
import { refuseAgent } from '../kernel/agents.js';
import { loadChain } from '../kernel/context.js';
import type { Kernel } from '../kernel/kernel.js';
import { askTogether } from '../kernel/together.js';
import type { BreakGlassReviewItem } from './answers.js';
import { loadDebtors } from './break-glass.js';
import { EndTally } from './end-tally.js';
import { confirmEnds, endAndTally } from './revocation.js';

/** Which of the pending break-glass reviews. */
export interface BreakGlassReviewQuery {
  readonly subject?: string | undefined;
  /** Those that this person may give. */
  readonly reviewer?: string | undefined;
}

/**
 * Records the verdict of a break-glass review; `unjustified` ends the access.
 *
 * @throws PartialError where a grant that `unjustified` should end could not be read; the verdict is recorded all the same
 */
export async function reviewBreakGlass(
  kernel: Kernel,
  id: string,
  actor: string,
  command: BreakGlassReviewCommand,
): Promise<AccessRequest> {
  const { ledger, clock, settings } = kernel;
  const isEnding = command.verdict === 'unjustified';
  let unreadable: EndFailure[] = [];
  const attempt = async () => {
    unreadable = [];
    const request = await ledger.request(id);
    refuseAgent(settings.isAgent, request, actor);
    const may = needsReview(request) && (await mayReview(kernel, actor, request));
    const debtors = await loadDebtors(kernel, request);
    // An unreadable grant must not keep the others alive.
    const uses = await ledger.grantsWithUsage(grantIds(request), (row, error) => unreadable.push({ kind: 'grant', id: row.id, error }));
    const grants = await Promise.all(uses.map(async (use) => ({ use, chain: await loadChain(kernel, use.grant) })));
    return giveVerdict(request, command, { may, debtors, grants }, moment(clock, actor));
  };
  // Stubborn where it ends access: uses in between must not make it answer "conflict".
  const { request, grants = [] } = await ledger.runDurably(attempt, isEnding);
  if (isEnding) await endLeftovers(kernel, grants, actor, command.reason, unreadable);
  return request;
}

/**
 * Ends the extensions that were asked for while the chains were read, from grants that had just expired.
 *
 * @param ended grants whose end is recorded, by the commit of the review at the latest
 * @param unreadable grants that this commit could not end
 * @throws PartialError
 */
async function endLeftovers(
  kernel: Kernel,
  ended: readonly Grant[],
  actor: string,
  reason: string | undefined,
  unreadable: readonly EndFailure[],
): Promise<void> {
  const tally = new EndTally();
  tally.addWritten(ended);
  for (const { kind, id, error } of unreadable) tally.fail(kind, id, error);
  for (const { id } of ended) await endAndTally(kernel, id, actor, { cause: 'unjustified', reason }, tally);
  await confirmEnds(kernel, tally);
  tally.report();
}

/** The pending reviews in the order of the store: the first due first. */
export async function listBreakGlassReviews(kernel: Kernel, query: BreakGlassReviewQuery): Promise<readonly BreakGlassReviewItem[]> {
  const given = readOptions<keyof BreakGlassReviewQuery>('query', query, ['subject', 'reviewer']);
  const { readId, decodeAll } = kernel.settings;
  const subject = given.subject === undefined ? undefined : readId('subject', given.subject);
  const reviewer = given.reviewer === undefined ? undefined : readId('reviewer', given.reviewer);
  const items: BreakGlassReviewItem[] = [];
  for await (const rows of kernel.ledger.pages({ kind: 'request', subject, open: true, order: 'due' })) {
    const requests = decodeAll(rows, decodeRequest).filter(needsReview);
    const may = await askTogether(requests, async (request) => reviewer === undefined || mayReviewOrNot(kernel, reviewer, request));
    const reading = kernel.clock.read();
    requests.forEach((request, i) => {
      const reviewBy = request.afterReview?.reviewBy as number;
      if (may[i] === true) items.push({ request, reviewBy, isOverdue: hasPassed(reviewBy, reading) });
    });
  }
  return items;
}

/** A request about which the approver fails must not hide the others. */
async function mayReviewOrNot(kernel: Kernel, reviewer: string, request: AccessRequest): Promise<boolean> {
  try {
    return await mayReview(kernel, reviewer, request);
  } catch (error) {
    kernel.settings.onError(error, 'listBreakGlassReviews');
    return false;
  }
}

/** The subject and the requester may not, so the approver is not asked about them, and its failure changes nothing. */
async function mayReview({ approver }: Kernel, reviewer: string, request: AccessRequest): Promise<boolean> {
  return !isOwnRequest(request, reviewer) && approver.mayReviewBreakGlass(reviewer, request);
}

/** Reads one of the two verdicts of a break-glass review. */
export function readReviewVerdict(verdict: unknown): BreakGlassReviewCommand['verdict'] {
  if (verdict !== 'justified' && verdict !== 'unjustified') throw invalid('verdict', "'justified' or 'unjustified'", verdict);
  return verdict;
}
