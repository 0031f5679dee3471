import { PartialError, type EndFailure } from '../../core/errors.js';
import { invalid, readOptions } from '../../core/parse.js';
import {
  reviewBreakGlass as giveVerdict,
  type BreakGlassReviewCommand,
  type BreakGlassReviewContext,
} from '../../lifecycle/break-glass.js';
import { endGrant, type ExtensionChain } from '../../lifecycle/extension-chain.js';
import { grantIds } from '../../lifecycle/grant.js';
import { isOwnRequest } from '../../lifecycle/review.js';
import { asRead, combine, moment, type Writes } from '../../lifecycle/transition.js';
import { needsReview, type AccessRequest, type Grant } from '../../records/index.js';
import { refuseAgent } from '../../kernel/settings/agents.js';
import { loadChains } from '../../kernel/loading/context.js';
import { fitsChange, fitting } from '../../kernel/ledger/fits-change.js';
import { loadLocks } from '../../kernel/loading/locks.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Settings } from '../../kernel/settings/settings.js';
import { readBy } from '../by.js';
import { loadDebtors } from './break-glass.js';
import { EndTally } from '../endings/end-tally.js';
import { confirmEnds, endAndTally } from '../endings/revocation.js';
import { endedWithStatus, type RequestWithStatus } from '../with-status.js';

/**
 * Records the verdict of a break-glass review; `unjustified` ends the access in the same change.
 *
 * If one change cannot hold that (L42), the grants end first, one change each, in the order of the request. The verdict
 * is recorded last. If the process dies in between, the review is still pending, and any reviewer's next call ends the rest.
 *
 * @throws PartialError if `unjustified` should end a grant that could not be read: the verdict is still recorded
 * @throws PartialError if a call that needs several changes failed after the first: the review is still pending
 */
export async function reviewBreakGlass(
  kernel: Kernel,
  id: string,
  actor: string,
  command: BreakGlassReviewCommand,
  limit: CallLimit | undefined,
): Promise<RequestWithStatus> {
  const { ledger, clock } = kernel;
  const isEnding = command.verdict === 'unjustified';
  const ending: PartialEnding = { tally: new EndTally(limit), left: new Set() };
  const attempt = async () => {
    const loaded = await loadReview(kernel, id, actor);
    const transition = giveVerdict(loaded.request, command, loaded.context, moment(clock, actor));
    if (fitsChange(kernel, transition)) return { ...transition, result: { ...transition.result, unreadable: loaded.unreadable } };
    await endOneByOne(kernel, loaded, actor, command.reason, ending);
    return undefined;
  };
  // Retries for longer if the verdict ends access: concurrent uses must not make the call reject with a conflict.
  const reviewed = await ledger.runSent(attempt, { retriesLonger: isEnding, limit }).catch((error: unknown) => {
    throw failureOf(ending, id, error);
  });
  const { request, grants = [], unreadable } = reviewed.result;
  // Another call recorded this verdict, and that commit may not be durable yet.
  if (reviewed.sent === 'nothing') await ledger.confirmDurable();
  if (isEnding) await endLeftovers(kernel, grants, actor, command.reason, unreadable);
  return endedWithStatus(request);
}

interface LoadedReview {
  readonly request: AccessRequest;
  readonly context: BreakGlassReviewContext;
  readonly unreadable: readonly EndFailure[];
}

async function loadReview(kernel: Kernel, id: string, actor: string): Promise<LoadedReview> {
  const { ledger, settings } = kernel;
  const unreadable: EndFailure[] = [];
  const request = await ledger.request(id);
  refuseAgent(settings.isAgent, request, actor);
  const may = needsReview(request) && (await mayReview(kernel, actor, request));
  const debtors = await loadDebtors(kernel, request);
  // An unreadable grant must not keep the others alive.
  const uses = await ledger.grantsWithUsage(grantIds(request), (row, error) => unreadable.push({ kind: 'grant', id: row.id, error }));
  const chains = await loadChains(
    kernel,
    uses.map(({ grant }) => grant),
  );
  const grants = uses.map((use, i) => ({ use, chain: chains[i] as ExtensionChain }));
  return { request, context: { may, debtors, grants, locks: await loadLocks(kernel) }, unreadable };
}

/** The state of a call that ends its grants in several changes. */
interface PartialEnding {
  readonly tally: EndTally;
  /** The ids of the grants that this call has found and not ended yet. */
  readonly left: Set<string>;
}

/**
 * Ends the grants of a request, each with its chain in one change. Returns early on a conflict: the caller reads all again.
 *
 * Each change depends on the request as it was read, so that no grant ends after another reviewer's verdict.
 */
async function endOneByOne(
  kernel: Kernel,
  { request, context }: LoadedReview,
  actor: string,
  reason: string | undefined,
  { tally, left }: PartialEnding,
): Promise<void> {
  const { ledger, clock } = kernel;
  const command = { cause: 'unjustified', reason } as const;
  const stillPending: Writes = { put: [], entries: [], dependsOn: [asRead(request)] };
  left.clear();
  for (const { use } of context.grants) if (use.grant.end === undefined) left.add(use.grant.id);
  // In the order of the request: its grants have one window, so none of them is more urgent.
  for (const { use, chain } of context.grants) {
    const now = moment(clock, actor);
    // The requests that do not fit are ended after the verdict.
    const transition = fitting(kernel, chain.requests, (requests) => endGrant(use, { ...chain, requests }, command, now));
    if (transition.put.length > 0 && !(await ledger.commit(combine(undefined, [transition, stillPending]), tally.limit))) return;
    tally.addWritten(transition.put);
    left.delete(use.grant.id);
  }
}

/** The error of a review that failed. It names the grants that this call ended, and those that it did not. */
function failureOf({ tally, left }: PartialEnding, requestId: string, error: unknown): unknown {
  if (tally.ended.grants.length === 0) return error;
  for (const grantId of left) tally.fail('grant', grantId, error);
  if (left.size === 0) tally.fail('request', requestId, error);
  return new PartialError(tally.ended, tally.failures);
}

/**
 * Ends the extensions of just-expired grants that were requested while the engine read the chains.
 *
 * @param ended the grants of the request whose end is recorded, now or by the commit of the review
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

/** The subject and the requester may never review, so the engine does not ask the approver about them. */
async function mayReview({ approver }: Kernel, reviewer: string, request: AccessRequest): Promise<boolean> {
  return !isOwnRequest(request, reviewer) && approver.mayReviewBreakGlass(reviewer, request);
}

/** Reads the options of a break-glass review. @throws InvalidArgumentError */
export function readBreakGlassReview(
  settings: Pick<Settings, 'readId'>,
  options: unknown,
): BreakGlassReviewCommand & { readonly by: string } {
  const { verdict, ...who } = readOptions('options', options, ['by', 'reason', 'verdict']);
  if (verdict !== 'justified' && verdict !== 'unjustified') throw invalid('verdict', "'justified' or 'unjustified'", verdict);
  return { verdict, ...readBy(settings, who) };
}
