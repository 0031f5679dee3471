import { describe, expect, it } from 'vitest';
import { aGrant } from '../../../src/testing.js';
import {
  barOf,
  containing,
  DAY,
  heldWindow,
  instantIn,
  lanesOf,
  lengthOf,
  moved,
  resized,
  sliderStep,
  spanIn,
  ticksOf,
  toAddress,
} from '../../../src/console/app/views/history/span.js';

const NOW = Date.UTC(2026, 0, 31, 12);
const query = (text: string) => new URLSearchParams(text);

describe('the span of an address', () => {
  it('is the month up to now without one', () => {
    expect(spanIn(query(''), NOW)).toEqual({ from: NOW - 31 * DAY, to: NOW });
  });

  it('is what the address says, and is written as it is read', () => {
    const span = { from: NOW - 2 * DAY, to: NOW - DAY };
    expect(spanIn(query(`from=${toAddress(span.from)}&to=${toAddress(span.to)}`), NOW)).toEqual(span);
  });

  it.each([
    ['reversed', `from=${toAddress(NOW)}&to=${toAddress(NOW - DAY)}`],
    ['of the future', `from=${toAddress(NOW + 1)}&to=${toAddress(NOW + DAY)}`],
    ['half', `from=${toAddress(NOW - DAY)}`],
    ['no instant', 'from=yesterday&to=2026-02-30'],
    ['before 1970', 'from=1960-01-01T00:00:00Z&to=1961-01-01T00:00:00Z'],
  ])('is the month up to now if it is %s', (_what, text) => {
    expect(spanIn(query(text), NOW)).toEqual({ from: NOW - 31 * DAY, to: NOW });
  });

  it('is no longer than the API answers at once', () => {
    const from = Date.UTC(2020, 0, 1);
    expect(spanIn(query(`from=${toAddress(from)}&to=${toAddress(NOW)}`), NOW)).toEqual({ from, to: from + 31 * DAY });
  });

  it.each(['2026-01-31', '2026-01-31T12:00:00+01:00', '2026-13-01T00:00:00Z', '31', '', null])('has no instant in %j', (text) => {
    expect(instantIn(text)).toBeUndefined();
  });
});

describe('moving a span', () => {
  const week = resized({ from: NOW - 31 * DAY, to: NOW }, 'week');

  it('keeps its length', () => {
    expect([lengthOf(week), lengthOf(moved(week, -1, NOW)), moved(week, -1, NOW).to]).toEqual(['week', 'week', NOW - 7 * DAY]);
  });

  it('ends now at the latest', () => {
    expect(moved(moved(week, -1, NOW + DAY), 1, NOW + DAY)).toEqual(week);
    expect(moved(week, 1, NOW + DAY)).toEqual({ from: week.from + DAY, to: NOW + DAY });
  });
});

describe('the span of an instant', () => {
  const span = { from: NOW - 2 * DAY, to: NOW - DAY };

  it.each([
    ['in it', NOW - 2 * DAY, span],
    ['at its end, which is not in it', NOW - DAY, { from: NOW - 1.5 * DAY, to: NOW - 0.5 * DAY }],
    ['before it', NOW - 9 * DAY, { from: NOW - 9.5 * DAY, to: NOW - 8.5 * DAY }],
    ['now', NOW - 1, { from: NOW - DAY, to: NOW }],
    ['in 1970', 5, { from: 0, to: 5 + DAY / 2 }],
  ])('has its length and contains it: %s', (_what, at, expected) => {
    expect(containing(span, at, NOW)).toEqual(expected);
  });
});

describe('bars', () => {
  const span = { from: 100, to: 200 };

  it.each([
    [
      { from: 120, to: 150 },
      { x: 20, width: 30, isCutAtStart: false, isCutAtEnd: false },
    ],
    [
      { from: 0, to: 300 },
      { x: 0, width: 100, isCutAtStart: true, isCutAtEnd: true },
    ],
    [
      { from: 100, to: 200 },
      { x: 0, width: 100, isCutAtStart: false, isCutAtEnd: false },
    ],
    // Half-open: a window that ends at the start of the span was not held in it.
    [{ from: 50, to: 100 }, undefined],
    [{ from: 200, to: 250 }, undefined],
    [{ from: Infinity, to: 300 }, undefined],
  ])('of %j', (window, bar) => {
    expect(barOf(span, window)).toEqual(bar);
  });

  it('L27 end where the access ended, and begin at a recorded activation', () => {
    const grant = aGrant({ startsAt: 10, issuedAt: 10, expiresAt: 100 });
    expect(heldWindow(grant)).toEqual({ from: 10, to: 100 });
    const end = { status: 'revoked', cause: 'revoked', at: 40, by: 'user:sam', reason: undefined } as const;
    expect(heldWindow({ ...grant, end })).toEqual({ from: 10, to: 40 });
    expect(heldWindow({ ...grant, asksAtStart: true, activatedAt: 20 })).toEqual({ from: 20, to: 100 });
    expect(heldWindow({ ...grant, asksAtStart: true, activatedAt: undefined })).toBeUndefined();
    expect(heldWindow({ ...grant, end: { ...end, at: 5 } })).toBeUndefined();
  });

  it('have a lane for each person', () => {
    const grants = ['user:maya', 'user:sam', 'user:maya'].map((subject, i) => ({ ...aGrant(), id: `g.${i}`, subject }));
    expect(lanesOf(grants, 'subject').map(({ key, grants: own }) => [key, own.map(({ id }) => id)])).toEqual([
      ['user:maya', ['g.0', 'g.2']],
      ['user:sam', ['g.1']],
    ]);
  });
});

describe('ticks', () => {
  it.each([
    [31 * DAY, 8, true],
    [31 * DAY, 4, true],
    [7 * DAY, 8, true],
    [DAY, 8, false],
    [DAY / 24, 8, false],
  ])('are round times: %d ms in at most %d', (ms, most, areDays) => {
    const ticks = ticksOf({ from: NOW - ms, to: NOW }, most);
    expect(ticks.areDays).toBe(areDays);
    expect(ticks.at.length).toBeGreaterThan(1);
    expect(ticks.at.length).toBeLessThanOrEqual(most + 1);
    for (const at of ticks.at) {
      const local = new Date(at);
      expect(at > NOW - ms && at < NOW).toBe(true);
      expect([local.getSeconds(), local.getMinutes() % 15, areDays ? local.getHours() : 0]).toEqual([0, 0, 0]);
    }
  });

  it('step a slider by whole minutes', () => {
    expect([sliderStep({ from: 0, to: 31 * DAY }), sliderStep({ from: 0, to: 60_000 })]).toEqual([45 * 60_000, 60_000]);
  });
});
