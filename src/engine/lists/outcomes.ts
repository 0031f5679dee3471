import type { ClockReading } from '../../core/clock.js';
import { TurnBudget } from '../../core/turns.js';
import { grantIds } from '../../lifecycle/grant.js';
import { hasEnded, hasPassed } from '../../lifecycle/status.js';
import { windowOf } from '../../lifecycle/window.js';
import type { AccessRequest } from '../../records/index.js';
import type { Kernel } from '../../kernel/kernel.js';
import { outcomeOf, type ListedRequest, type RequestWithStatus } from '../with-status.js';

const MAX_KEYS = 200;

/** Adds the outcome of each request. */
export async function withOutcomes(
  kernel: Kernel,
  requests: readonly RequestWithStatus[],
  reading: ClockReading,
): Promise<readonly ListedRequest[]> {
  const ended = await endedAmong(kernel, requests, reading);
  return requests.map((request) => Object.freeze({ ...request, outcome: outcomeOf(request, ended.has(request.id)) }));
}

/**
 * The ids of the approved requests none of whose grants can allow, now or later. Most need no further read: their windows have
 * passed. Of the others, the first grant is read, and the rest only if the first has ended.
 */
async function endedAmong(kernel: Kernel, requests: readonly AccessRequest[], reading: ClockReading): Promise<ReadonlySet<string>> {
  const ended = new Set<string>();
  const turns = new TurnBudget();
  const liveAmong = async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
    const live = new Set<string>();
    for (let i = 0; i < ids.length; i += MAX_KEYS) {
      await turns.spend(MAX_KEYS);
      // A grant that is missing or unreadable allows nothing.
      for (const use of await kernel.ledger.grantsWithUsage(ids.slice(i, i + MAX_KEYS))) {
        if (!hasEnded(use, reading)) live.add(use.grant.requestId);
      }
    }
    return live;
  };
  const open: AccessRequest[] = [];
  for (const request of requests) {
    if (request.end?.status !== 'approved') continue;
    ended.add(request.id);
    if (!hasPassed(windowOf(request, request.end.at).expiresAt, reading)) open.push(request);
  }
  const live = await liveAmong(open.flatMap((request) => grantIds(request).slice(0, 1)));
  const others = open.filter(({ id }) => !live.has(id)).flatMap((request) => grantIds(request).slice(1));
  for (const id of [...live, ...(await liveAmong(others))]) ended.delete(id);
  return ended;
}
