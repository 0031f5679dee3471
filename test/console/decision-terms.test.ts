import { describe, expect, it } from 'vitest';
import type { AccessRequest, Review } from '../../src/records/index.js';
import { isLess, isStale, shorterThan, termsOf } from '../../src/console/app/parts/decision-terms.js';

const HOUR = 3_600_000;
const request = { scopes: ['db:read', 'db:write'], ttlMs: HOUR } as unknown as AccessRequest;

describe('the terms of an approval', () => {
  it('are those that the reviewer saw: an approval names what earlier ones have left', () => {
    const left = [
      { scopes: ['db:read', 'db:write'], ttlMs: HOUR / 2 },
      { scopes: ['db:read'], ttlMs: HOUR },
    ];
    for (const terms of left) {
      expect(termsOf(request, terms)).toEqual(terms);
      expect(isLess(terms, request)).toBe(true);
    }
  });

  it('are not named where nothing was narrowed: the request says them', () => {
    expect(isLess(termsOf(request), request)).toBe(false);
  });
});

describe('what a reviewer chooses and sees', () => {
  it('are at most five windows, each shorter than the requested one', () => {
    expect(shorterThan(HOUR)).toEqual([HOUR / 4, HOUR / 2]);
    expect(shorterThan(8 * HOUR).map((ms) => ms / HOUR)).toEqual([0.25, 0.5, 1, 2, 4]);
    expect(shorterThan(HOUR / 4)).toEqual([]);
  });

  it('is an approval that no longer counts, from the instant at which it is too old', () => {
    const approval = { verdict: 'approve', at: HOUR } as Review;
    const quorum = { approvalTtlMs: HOUR } as unknown as NonNullable<AccessRequest['quorum']>;
    expect(isStale(approval, { quorum }, 2 * HOUR - 1)).toBe(false);
    expect(isStale(approval, { quorum }, 2 * HOUR)).toBe(true);
    expect(isStale({ ...approval, verdict: 'deny' }, { quorum }, 2 * HOUR)).toBe(false);
    expect(isStale(approval, { quorum: undefined }, 9 * HOUR)).toBe(false);
  });
});
