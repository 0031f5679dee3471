import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../src/index.js';
import { MAX_CHANGE } from '../../src/core/change-size.js';
import { MAX_REVIEWS } from '../../src/lifecycle/approvals.js';
import { reviewRequest } from '../../src/lifecycle/review.js';
import { AS_REQUESTED } from '../../src/lifecycle/narrowing.js';
import { aRequest, START_AT } from '../../src/testing.js';
import { refusal } from '../engine/an-engine.js';
import { NO_LOCKS } from './no-locks.js';
import { aQuorum } from './a-quorum.js';

const reviewer = (i: number): string => `user:r${i}`;
/** The longest text that the engine accepts, of characters that JSON escapes. */
const TEXT = '"'.repeat(4_096);

/** A request with this many approvals, of which 500 would complete it; one denial ends it. */
function withApprovals(count: number, text?: string, approvalTtlMs?: number): AccessRequest {
  const reviews = Array.from({ length: count }, (_, i) => ({
    ...({ reviewer: reviewer(i), verdict: 'approve', groups: ['ops'], as: undefined, steps: undefined, at: START_AT } as const),
    ...{ reason: text, comment: text, ...AS_REQUESTED, auth: undefined },
  }));
  const quorum = aQuorum({ groups: [{ name: 'ops', approvals: 500 }], approvalTtlMs });
  return aRequest({ approver: 'x', quorum, assignedAt: START_AT, reviews });
}

function review(
  request: AccessRequest,
  by: string,
  verdict: 'approve' | 'deny',
  { later = 0, text }: { later?: number; text?: string } = {},
) {
  const now = START_AT + later;
  const groups = new Map([...request.reviews.map((given) => given.reviewer), by].map((who) => [who, ['ops']]));
  const command = { verdict, reason: text, comment: text, as: undefined, narrowing: AS_REQUESTED, auth: undefined, link: undefined };
  const moment = { now, highWater: now, forEnds: now, steppedBack: false, actor: by };
  return reviewRequest(request, command, { groups, eligible: undefined, issue: undefined, locks: NO_LOCKS, minTtlMs: 1 }, moment);
}

describe('the reviews of a request', () => {
  it('L42 are at most 100: a further approval is refused, and the limit is named', async () => {
    expect(MAX_REVIEWS).toBe(100);
    expect(review(withApprovals(99), 'user:new', 'approve').result.request.reviews).toHaveLength(100);
    const refused = await refusal(() => review(withApprovals(100), 'user:new', 'approve'), 'ERR_JIT_LIMIT');
    expect(refused).toMatchObject({ limit: 'reviews', max: 100, got: 101 });
    expect((refused as Error).message).toContain('at most 100 reviews; only a denial can be added');
  });

  it('L16 L42 always accept a denial, which ends the request', () => {
    const { request } = review(withApprovals(100), 'user:new', 'deny').result;
    expect(request).toMatchObject({ end: { status: 'denied', cause: 'quorum', by: 'user:new' } });
    expect(request.reviews).toHaveLength(101);
    expect(review(withApprovals(100), reviewer(7), 'deny').result.request.end?.status).toBe('denied');
  });

  it('L42 stay 100 when a stale approval is given again, or a fresh one is repeated', () => {
    const request = withApprovals(100, undefined, 1_000);
    const { reviews } = review(request, reviewer(3), 'approve', { later: 1_000 }).result.request;
    expect(reviews).toHaveLength(100);
    expect(reviews.at(-1)).toMatchObject({ reviewer: reviewer(3), at: START_AT + 1_000 });
    expect(review(request, reviewer(3), 'approve').put).toEqual([]);
  });

  it('L42 fit into the change that ends their request, also with the longest texts', () => {
    const { put, entries } = review(withApprovals(100, TEXT), 'user:new', 'deny', { text: TEXT });
    expect(Buffer.byteLength(JSON.stringify({ put, append: entries }))).toBeLessThan(0.9 * MAX_CHANGE.bytes);
  });
});
