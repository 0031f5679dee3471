import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../../../src/records/index.js';
import { isLess, termsOf } from '../../../../src/features/console/app/parts/decision-terms.js';

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
