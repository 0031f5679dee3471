import { describe, expect, it } from 'vitest';
import { countRefusal, isWaiting, MAX_REFUSALS } from '../../src/followers/refused-entry.js';
import type { Refusals } from '../../src/model/bookmark.js';
import type { AuditEntry } from '../../src/index.js';
import { anEntry } from '../../src/testing.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = 1_767_225_600_000;
const entry: AuditEntry = { ...anEntry(), seq: 7, prevHash: '', hash: '' };

/** What a follower has counted after an entry was refused this many times. */
function after(times: number): Refusals {
  let refusals: Refusals | undefined;
  for (let i = 0; i < times; i++) refusals = countRefusal(refusals, entry, NOW);
  return refusals as Refusals;
}

describe('countRefusal() (L37)', () => {
  it('lets the follower send at once until the withheld form is refused too', () => {
    for (let times = 1; times <= MAX_REFUSALS; times++) expect(after(times)).toMatchObject({ seq: 7, count: times, retryAt: 0 });
  });

  it('then doubles the wait from a minute to an hour', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 500].map((more) => after(MAX_REFUSALS + more).retryAt - NOW);
    expect(waits.map((ms) => ms / MINUTE)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('begins again with another entry', () => {
    expect(countRefusal(after(MAX_REFUSALS + 3), { ...entry, seq: 8 }, NOW)).toMatchObject({ seq: 8, count: 1, retryAt: 0 });
  });
});

describe('isWaiting()', () => {
  const until = (retryAt: number): Refusals => ({ ...after(MAX_REFUSALS + 1), retryAt });

  it('ends at the instant of the retry', () => {
    expect(isWaiting(until(NOW + 1), NOW)).toBe(true);
    expect(isWaiting(until(NOW), NOW)).toBe(false);
  });

  it('L47 is false for a wait that ends later than one that begins now, by more than the tolerance: a wrong clock began it', () => {
    expect(isWaiting(until(NOW + HOUR + MINUTE), NOW)).toBe(true);
    expect(isWaiting(until(NOW + HOUR + MINUTE + 1), NOW)).toBe(false);
  });
});
