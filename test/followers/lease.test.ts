import { describe, expect, it } from 'vitest';
import { bookmark } from '../../src/records/bookmark.js';
import { isLeased } from '../../src/followers/lease.js';
import { START_AT } from '../../src/testing.js';

const LONGEST = 30;
const lease = (ms: number, owner = 'other') => bookmark('lease', 'work', 1, { leasedUntil: START_AT + ms, owner });

describe('isLeased()', () => {
  it.each([
    ['ends now', 0, false],
    ['ends in a millisecond', 1, true],
    ['ends as late as one taken by a clock that is as far ahead as a lease is long', 2 * LONGEST, true],
    ['ends later than that: a clock has gone wrong', 2 * LONGEST + 1, false],
  ])('L28 says whether somebody else is at it: their lease %s', (_, ms, isHeld) => {
    expect(isLeased(lease(ms), 'me', START_AT, LONGEST)).toBe(isHeld);
  });

  it('L28 is never in the way of whoever holds it: what could not be given back is taken up again', () => {
    expect(isLeased(lease(LONGEST, 'me'), 'me', START_AT, LONGEST)).toBe(false);
  });

  it('is no one where there is no row', () => {
    expect(isLeased(undefined, 'me', START_AT, LONGEST)).toBe(false);
  });
});
