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
    ['ends as late as one by a clock that is ahead by the tolerance', LONGEST + 60_000, true],
    ['ends later than that, which only a wrong clock writes', LONGEST + 60_001, false],
  ])("L28 L47 is true where another owner's lease %s", (_, ms, isHeld) => {
    expect(isLeased(lease(ms), 'me', START_AT, LONGEST)).toBe(isHeld);
  });

  it('L28 is false for the owner, which may take its own unreleased lease again', () => {
    expect(isLeased(lease(LONGEST, 'me'), 'me', START_AT, LONGEST)).toBe(false);
  });

  it('is false without a row', () => {
    expect(isLeased(undefined, 'me', START_AT, LONGEST)).toBe(false);
  });
});
