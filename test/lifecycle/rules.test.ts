import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../src/index.js';
import { settle } from '../../src/lifecycle/decision.js';
import { reviewersToConfirm, reviewRequest } from '../../src/lifecycle/review.js';
import { aRequest, START_AT } from '../../src/testing.js';

/*
 * The rules stand on their own, whatever the engine has looked at before it applies them: what it never asks of them is
 * tested here, all else through the engine.
 */
const moment = { now: START_AT, late: START_AT, steppedBack: false, actor: 'user:sam' };
const end = { status: 'denied', cause: 'quorum', at: START_AT, by: 'user:sam', reason: undefined } as const;

describe('settle()', () => {
  const cases: readonly (readonly [string, AccessRequest])[] = [
    ['has been decided', aRequest({ approver: 'x', end })],
    ['has been cancelled before it was decided', aRequest({ end: { ...end, status: 'cancelled', cause: 'cancelled' } })],
    [
      'has its quorum',
      aRequest({ approver: 'x', quorum: { groups: [{ name: 'g', approvals: 1 }], denials: 1, approvalTtlMs: undefined } }),
    ],
  ];
  for (const [what, request] of cases) {
    it(`L8 leaves a request that ${what} as it is`, () => {
      const step = settle(request, { approver: 'late', verdict: { outcome: 'approve', reason: undefined } }, moment);
      expect(step).toEqual({ result: { request, grants: undefined }, put: [], entries: [] });
    });
  }
});

describe('reviewersToConfirm()', () => {
  it('L16 names nobody while there is no quorum', () => {
    expect(reviewersToConfirm(aRequest(), 'user:sam', 'approve', ['g'])).toEqual([]);
  });
});

describe('reviewRequest()', () => {
  it('L17 counts nobody whose groups were not asked about', () => {
    const quorum = { groups: [{ name: 'g', approvals: 2 }], denials: 1, approvalTtlMs: undefined };
    const given = { reviewer: 'user:ana', verdict: 'approve', groups: ['g'], at: START_AT, reason: undefined } as const;
    const request = aRequest({ approver: 'x', quorum, reviews: [given] });
    const facts = { groups: new Map([['user:sam', ['g']]]), eligible: true };
    const step = reviewRequest(request, { verdict: 'approve', reason: undefined }, facts, moment);
    expect(step.result.request.end).toBeUndefined();
    const both = { groups: new Map([...facts.groups, ['user:ana', ['g']]]), eligible: undefined };
    // Eligibility that nobody asked about is no yes either.
    expect(reviewRequest(request, { verdict: 'approve', reason: undefined }, both, moment).result.request.end).toBeUndefined();
    expect(
      reviewRequest(request, { verdict: 'approve', reason: undefined }, { ...both, eligible: true }, moment).result.request.end?.status,
    ).toBe('approved');
  });
});
