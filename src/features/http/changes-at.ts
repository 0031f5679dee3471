import type { ClockReading } from '../../core/clock.js';
import type { InboxItem } from '../../engine/answers.js';
import type { GrantWithStatus, RequestWithStatus } from '../../engine/with-status.js';
import type { Kernel } from '../../kernel/kernel.js';
import { decodeRequest, effectiveEnd, expectedStart, presentSteps } from '../../records/index.js';

/** A part of an answer that time alone may change. */
export interface Changing {
  /**
   * The next instant at which time alone may change the status of what this shows. A person may change it earlier. `undefined`: only a
   * person can. Epoch milliseconds.
   */
  readonly changesAt: number | undefined;
}

/** What an answer shows. Only this decides its `changesAt`: another record would show by it that it exists. */
interface Shown {
  readonly grants?: readonly GrantWithStatus[];
  readonly requests?: readonly RequestWithStatus[];
  readonly inbox?: readonly InboxItem[];
}

/**
 * The `changesAt` of an answer.
 *
 * @param since a reading from before the answer was read
 */
export async function changesAt(
  { ledger, settings: { decodeAll, leewayMs, denialsShownMs } }: Kernel,
  since: ClockReading,
  { inbox = [], grants = [], requests = inbox.map(({ request }) => request) }: Shown,
): Promise<number | undefined> {
  let next = Infinity;
  const add = (at: number) => {
    if (at > since.now && at < next) next = at;
  };
  // The status of a grant has counted its idle end, which is not in the answer.
  const idle = grants.flatMap(({ id, idleTtlMs, end }) => (idleTtlMs === undefined || end !== undefined ? [] : [id]));
  const usages = new Map((await ledger.grantsWithUsage(idle)).map(({ grant, usage }) => [grant.id, usage]));
  for (const grant of grants) {
    add(effectiveEnd(grant, usages.get(grant.id)) - leewayMs);
    if (grant.status === 'scheduled') add(expectedStart(grant, since.forEnds));
  }
  for (const request of requests) {
    if (request.status !== 'pending') continue;
    const { reviewBy, quorum, reviews } = request;
    add(reviewBy - leewayMs);
    // Other groups may stand in, and approvals no longer count. Nothing is added to an instant that is no number.
    for (const { due } of presentSteps(request)) for (const { at } of due) add(at);
    for (const { at } of reviews) add(at + (quorum?.approvalTtlMs ?? NaN) - leewayMs);
  }
  for (const { denials } of inbox) for (const { at } of denials) add(at + denialsShownMs);
  // A twin need not wait for this reviewer, so that it may be no item of the page.
  const twins = new Set(inbox.flatMap((item) => item.twins));
  for (const { request } of inbox) twins.delete(request.id);
  const rows = (await ledger.rows([...twins].map((id) => ({ kind: 'request', id })))).filter((row) => row !== undefined);
  for (const { reviewBy } of decodeAll(rows, decodeRequest)) add(reviewBy - leewayMs);
  return next === Infinity ? undefined : next;
}
