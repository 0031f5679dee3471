import { freshlyIssued, type RequestWithGrants } from '../../lifecycle/grant.js';
import { lockOn } from '../../lifecycle/lock.js';
import { isOwnRequest, mayAct, reviewBy } from '../../lifecycle/review.js';
import { accessAt, requestStatus, type Access, type GrantUse, type RequestStatus } from '../../lifecycle/status.js';
import type { AccessRequest } from '../../records/index.js';
import type { ClockReading } from '../../core/clock.js';
import type { AccessGranted, AccessResult } from '../answers.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Committed } from '../../kernel/ledger/ledger.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import { grantWithStatus, withStatus } from '../with-status.js';

/**
 * The result that the engine returns for a request. After a commit the engine does not read the clock again: it returns what
 * it committed.
 *
 * @param open the status while no end is recorded: pending, or expired
 * @param reading the reading at which the engine issued the grants
 */
export async function accessResultOf(
  kernel: Kernel,
  { request, grants }: RequestWithGrants,
  open: RequestStatus,
  reading?: ClockReading,
): Promise<AccessResult> {
  const outcome = request.end?.status ?? open;
  const common = { request: withStatus(request, outcome), reused: false, differs: [], allowed: false };
  switch (outcome) {
    case 'approved':
      return {
        ...common,
        ...(grants === undefined || reading === undefined ? await readAccess(kernel, request) : issuedAccess(grants, reading)),
      };
    case 'denied':
      return { outcome, ...common, reason: request.end?.reason };
    case 'pending':
      return { outcome, ...common, reviewers: await reviewersOf(kernel, request) };
    default:
      return { outcome, ...common };
  }
}

/**
 * The result of a commit. If the change was sent more than once, the engine reads again: a revoke may have followed the attempt that
 * applied it.
 *
 * @param open the status while no end is recorded
 */
export async function committedResult(
  kernel: Kernel,
  { result, sent }: Committed<RequestWithGrants>,
  open: RequestStatus,
  reading: ClockReading | undefined,
): Promise<AccessResult> {
  if (sent !== 'resent') return accessResultOf(kernel, result, open, reading);
  const { request, status } = await readRequest(kernel, result.request.id);
  return accessResultOf(kernel, { request, grants: undefined }, status);
}

/**
 * Reads a request and its status. If the deadline passes during the read, it reads again: a row from before the deadline
 * may lack a decision that was made in time.
 */
export async function readRequest(
  { clock, ledger }: Kernel,
  id: string,
): Promise<{ readonly request: AccessRequest; readonly status: RequestStatus }> {
  for (;;) {
    const begun = clock.read().forEnds;
    const request = await ledger.request(id);
    const status = requestStatus(request, clock.read().forEnds);
    if (status === requestStatus(request, begun)) return { request, status };
  }
}

/** The possible reviewers, for people to read. `undefined`: the approver cannot list them or failed. The rest of the result stays. */
export async function reviewersOf({ approver, clock, settings }: Kernel, request: AccessRequest): Promise<readonly string[] | undefined> {
  try {
    const members = await approver.membersOf(request);
    const reading = clock.read();
    // A reviewer whose review counts has nothing left to do, unless it is stale or a later step has begun.
    const isDone = (member: string): boolean => {
      const given = reviewBy(request, member);
      return given !== undefined && mayAct(request, member, given.groups, reading).length === 0;
    };
    return members?.filter((member) => !isOwnRequest(request, member) && !isDone(member));
  } catch (error) {
    settings.onError(error, 'membersOf');
    return undefined;
  }
}

/** The access of an approved request, read from the store. */
export async function readAccess(kernel: Kernel, request: AccessRequest): Promise<AccessGranted> {
  const { ledger, clock } = kernel;
  for (;;) {
    const begun = clock.read();
    // Before the grants: a lock may end them and be lifted in between.
    const locks = await loadReadableLocks(kernel, 'locks');
    const uses = await ledger.grantUsesOf(request);
    const reading = clock.read();
    const { hasEnded } = accessAt(uses, reading);
    // A concurrent use may have moved an idle end that passed during the read, so the engine reads the rows again.
    if (hasEnded && !accessAt(uses, begun).hasEnded) continue;
    // An unfinished lock denies grants that it has not ended yet. Unreadable locks deny.
    const unlocked = uses.filter(
      ({ grant: { subject, scope } }) =>
        locks !== undefined && lockOn(locks, { ids: [subject], scopes: [scope] }, reading.now) === undefined,
    );
    return granted(uses, { hasEnded, allowed: accessAt(unlocked, reading).allowed }, reading);
  }
}

/** The access of a request whose grants the caller has just issued, judged at the reading at which it issued them. */
export function issuedAccess(grants: NonNullable<RequestWithGrants['grants']>, reading: ClockReading): AccessGranted {
  const uses = grants.map(freshlyIssued);
  return granted(uses, accessAt(uses, reading), reading);
}

const granted = (uses: readonly GrantUse[], { allowed, hasEnded }: Access, reading: ClockReading): AccessGranted => ({
  outcome: hasEnded ? 'ended' : 'granted',
  allowed,
  grants: uses.map((use) => grantWithStatus(use, reading)),
});
