import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alwaysHolds, changeAfter, holdsAt, neverHolds, type When } from '../../../src/approvers/calendar/hours.js';
import { whenInWords } from '../../../src/approvers/calendar/in-words.js';
import { readWhen, WEEKDAYS } from '../../../src/approvers/calendar/read-when.js';
import type { Calendar } from '../../../src/policy.js';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const BERLIN = 'Europe/Berlin';
const when = (...calendars: readonly Calendar[]): When => readWhen('when', calendars);
const utc = (text: string): number => Date.parse(`${text}Z`);
const iso = (instant: number): string => (instant === Infinity ? 'never' : new Date(instant).toISOString().slice(0, 16));

describe('a calendar (feature 6)', () => {
  it.each([
    [
      'working days',
      { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00', timeZone: BERLIN },
      '2026-11-27T08:00',
      '2026-11-27T17:00',
    ],
    ['one day', { days: ['sat'], timeZone: 'UTC' }, '2026-11-28T00:00', '2026-11-29T00:00'],
    ['a span over midnight', { from: '22:00', to: '06:00', timeZone: BERLIN }, '2026-11-27T21:00', '2026-11-28T05:00'],
    [
      'a span over midnight belongs to its first day',
      { days: ['fri'], from: '22:00', to: '06:00', timeZone: BERLIN },
      '2026-11-27T21:00',
      '2026-11-28T05:00',
    ],
    ['dates, both included', { firstDay: '2026-12-20', lastDay: '2027-01-03', timeZone: BERLIN }, '2026-12-19T23:00', '2027-01-03T23:00'],
    ['a first date', { firstDay: '2026-12-20', timeZone: BERLIN }, '2026-12-19T23:00', 'never'],
    ['a zone with half an hour', { from: '09:00', to: '17:30', timeZone: 'Asia/Kolkata' }, '2026-11-27T03:30', '2026-11-27T12:00'],
    [
      'a zone with three quarters of an hour',
      { from: '09:00', to: '24:00', timeZone: 'Asia/Kathmandu' },
      '2026-11-27T03:15',
      '2026-11-27T18:15',
    ],
  ] as const)('of %s holds from its begin to just before its end', (_, calendar, begins, ends) => {
    const hours = when(calendar);
    const begin = utc(begins);
    expect([holdsAt(hours, begin - 1), holdsAt(hours, begin)]).toEqual([false, true]);
    expect(iso(changeAfter(hours, begin))).toBe(ends);
    expect(iso(changeAfter(hours, begin - 1))).toBe(begins);
    if (ends === 'never') return;
    expect([holdsAt(hours, utc(ends) - 1), holdsAt(hours, utc(ends))]).toEqual([true, false]);
  });

  it.each([
    // In 2026 Berlin's clocks go from 02:00 to 03:00 on 29 March, and from 03:00 back to 02:00 on 25 October.
    ['the night of 23 hours', '22:00', '06:00', '2026-03-28T21:00', '2026-03-29T04:00'],
    ['the night of 25 hours', '22:00', '06:00', '2026-10-24T20:00', '2026-10-25T05:00'],
    ['a span inside the skipped hour begins and ends at no time', '02:10', '02:50', '2026-03-29T00:00', '2026-03-30T00:10'],
    ['a span that begins in the skipped hour begins after it', '02:30', '04:00', '2026-03-29T01:00', '2026-03-29T02:00'],
    ['a span that ends in the skipped hour ends before it', '01:00', '02:30', '2026-03-29T00:00', '2026-03-29T01:00'],
    ['the repeated hour counts twice', '02:00', '03:00', '2026-10-25T00:00', '2026-10-25T02:00'],
    ['a part of the repeated hour, the first time', '02:15', '02:45', '2026-10-25T00:15', '2026-10-25T00:45'],
    ['a part of the repeated hour, the second time', '02:15', '02:45', '2026-10-25T01:15', '2026-10-25T01:45'],
    ['the end of the repeated hour holds until the clock is set back', '02:45', '03:00', '2026-10-25T00:45', '2026-10-25T01:00'],
  ])('is right at a change of the clock: %s', (_, from, to, begins, ends) => {
    expect(iso(changeAfter(when({ from, to, timeZone: BERLIN }), utc(begins)))).toBe(ends);
  });

  it('is right for clocks that change by half an hour', () => {
    // On 4 October 2026 the clocks of Lord Howe Island go from 02:00 to 02:30, on 5 April from 02:00 back to 01:30.
    const night = when({ from: '00:00', to: '03:00', timeZone: 'Australia/Lord_Howe' });
    expect(iso(changeAfter(night, utc('2026-10-03T13:30')))).toBe('2026-10-03T16:00');
    expect(iso(changeAfter(night, utc('2026-04-04T13:00')))).toBe('2026-04-04T16:30');
  });

  it('holds where any of its items holds, and ends where none of them does any more', () => {
    const shifts = when(
      { from: '06:00', to: '14:00', timeZone: 'UTC' },
      { from: '14:00', to: '22:00', timeZone: 'UTC' },
      { days: ['sun'], timeZone: 'UTC' },
    );
    expect(iso(changeAfter(shifts, utc('2026-11-27T07:00')))).toBe('2026-11-27T22:00');
    expect(iso(changeAfter(shifts, utc('2026-11-28T07:00')))).toBe('2026-11-28T22:00');
    expect(iso(changeAfter(shifts, utc('2026-11-29T07:00')))).toBe('2026-11-30T00:00');
  });

  it('never changes again after its last date', () => {
    const freeze = when({ firstDay: '2026-12-20', lastDay: '2027-01-03', timeZone: 'UTC' });
    expect(iso(changeAfter(freeze, utc('2026-01-01T00:00')))).toBe('2026-12-20T00:00');
    expect(changeAfter(freeze, utc('2027-01-04T00:00'))).toBe(Infinity);
    expect(holdsAt(freeze, utc('2040-01-04T00:00'))).toBe(false);
  });

  it('L42 is cut after some months where many items leave no pause, so that a search ends', () => {
    const halves = when({ from: '00:00', to: '12:00', timeZone: 'UTC' }, { from: '12:00', to: '24:00', timeZone: 'UTC' });
    const end = changeAfter(halves, utc('2026-01-01T00:00'));
    expect(end).toBeGreaterThan(utc('2026-06-01T00:00'));
    expect(end).toBeLessThan(Infinity);
  });

  it('agrees with a clock that is read minute by minute, over both changes of the clock', () => {
    const times = fc.constantFrom('00:00', '01:30', '02:00', '02:30', '03:00', '09:00', '18:00', '23:45');
    const calendars = fc.record(
      {
        days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1, maxLength: 4 }),
        from: times,
        to: fc.oneof(times, fc.constant('24:00')),
        timeZone: fc.constantFrom(BERLIN, 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns', 'UTC'),
      },
      { requiredKeys: ['from', 'to', 'timeZone'] },
    );
    // A day before each change of the clock, in any of the zones.
    const starts = fc
      .constantFrom('2026-03-07', '2026-03-28', '2026-04-04', '2026-10-03', '2026-10-24', '2026-10-31')
      .map((day) => utc(`${day}T00:00`));
    fc.assert(
      fc.property(fc.array(calendars, { minLength: 1, maxLength: 2 }), starts, fc.integer({ min: 0, max: 47 }), (items, day, hour) => {
        fc.pre(items.every(({ from, to }) => from !== to));
        const hours = when(...(items as Calendar[]));
        const start = day + hour * HOUR;
        const shown = items.map(clockOf);
        const state = shown.some((holds) => holds(start));
        expect(holdsAt(hours, start)).toBe(state);
        let change = start;
        for (; change < start + 2 * DAY && shown.some((holds) => holds(change)) === state; change += 15 * MINUTE);
        const found = changeAfter(hours, start);
        if (change < start + 2 * DAY) expect(iso(found)).toBe(iso(change));
        else expect(found).toBeGreaterThanOrEqual(change);
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  it('knows calendars that omit no time, and those that match none', () => {
    expect(alwaysHolds(when({ days: [...WEEKDAYS], timeZone: 'UTC' }))).toBe(true);
    expect(alwaysHolds(when({ from: '00:00', to: '12:00', timeZone: 'UTC' }, { from: '11:00', to: '24:00', timeZone: 'UTC' }))).toBe(true);
    expect(alwaysHolds(when({ from: '22:00', to: '21:00', timeZone: 'UTC' }, { from: '21:00', to: '22:00', timeZone: 'UTC' }))).toBe(true);
    expect(alwaysHolds(when({ from: '00:00', to: '12:00', timeZone: 'UTC' }, { from: '12:00', to: '24:00', timeZone: BERLIN }))).toBe(
      false,
    );
    expect(alwaysHolds(when({ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'], timeZone: 'UTC' }))).toBe(false);
    expect(alwaysHolds(when({ firstDay: '2026-01-01', timeZone: 'UTC' }))).toBe(false);
    expect(alwaysHolds(when({ lastDay: '2026-01-01', timeZone: 'UTC' }))).toBe(false);
    expect(neverHolds(when({ days: ['sun'], firstDay: '2026-11-23', lastDay: '2026-11-28', timeZone: 'UTC' }))).toBe(true);
    expect(neverHolds(when({ days: ['sun'], firstDay: '2026-11-23', lastDay: '2026-11-29', timeZone: 'UTC' }))).toBe(false);
    expect(neverHolds(when({ days: ['sun'], firstDay: '2026-11-23', lastDay: '2026-12-29', timeZone: 'UTC' }))).toBe(false);
    expect(neverHolds(when({ firstDay: '2026-11-23', lastDay: '2026-11-23', timeZone: 'UTC' }))).toBe(false);
  });

  it.each([
    [{ days: ['fri', 'mon', 'tue', 'wed', 'thu'], from: '09:00', to: '18:00', timeZone: BERLIN }, 'mon-fri 09:00-18:00 (Europe/Berlin)'],
    [{ days: ['sun', 'sat'], timeZone: 'UTC' }, 'sat, sun (UTC)'],
    [{ days: ['sun', 'fri', 'sat', 'tue'], timeZone: 'UTC' }, 'tue, fri-sun (UTC)'],
    [{ firstDay: '2026-12-20', lastDay: '2027-01-03', timeZone: 'UTC' }, 'from 2026-12-20 on until 2027-01-03, inclusive (UTC)'],
    [{ from: '22:30', timeZone: 'UTC' }, '22:30-24:00 (UTC)'],
  ] as const)('in words: %j', (calendar, words) => {
    expect(whenInWords(when(calendar as Calendar))).toBe(words);
  });
});

/** A second implementation: it reads the text that a clock in the zone shows. */
function clockOf({ days, from = '00:00', to = '24:00', timeZone }: Calendar): (instant: number) => boolean {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return (instant) => {
    const [day = '', time = ''] = format.format(instant).toLowerCase().split(' ');
    const yesterday = WEEKDAYS[(WEEKDAYS.indexOf(day as (typeof WEEKDAYS)[number]) + 6) % 7] as string;
    const matches = (one: string) => days === undefined || (days as readonly string[]).includes(one);
    if (from < to) return matches(day) && from <= time && time < to;
    return (matches(day) && from <= time) || (matches(yesterday) && time < to);
  };
}

describe('readWhen()', () => {
  it.each([
    [undefined, 'when'],
    ['mon-fri', 'when'],
    [[], 'when'],
    [{ timeZone: 'UTC' }, 'when'],
    [{ days: ['mon'] }, 'when.timeZone'],
    [{ days: ['mon'], timeZone: 'Europe/Atlantis' }, 'when.timeZone'],
    [{ days: ['mon'], timeZone: 'x'.repeat(65) }, 'when.timeZone'],
    [{ days: [], timeZone: 'UTC' }, 'when.days'],
    [{ days: ['monday'], timeZone: 'UTC' }, 'when.days[0]'],
    [{ days: ['mon', 'mon'], timeZone: 'UTC' }, 'when.days[1]'],
    [{ from: '9:00', timeZone: 'UTC' }, 'when.from'],
    [{ from: '24:00', timeZone: 'UTC' }, 'when.from'],
    [{ to: '24:01', timeZone: 'UTC' }, 'when.to'],
    [{ from: '09:00', to: '09:00', timeZone: 'UTC' }, 'when.to'],
    [{ firstDay: '2026-02-30', timeZone: 'UTC' }, 'when.firstDay'],
    [{ firstDay: '2026-2-3', timeZone: 'UTC' }, 'when.firstDay'],
    [{ lastDay: 20260101, timeZone: 'UTC' }, 'when.lastDay'],
    [{ firstDay: '2026-01-02', lastDay: '2026-01-01', timeZone: 'UTC' }, 'when.lastDay'],
    [
      [
        { days: ['mon'], timeZone: 'UTC' },
        { day: 'mon', timeZone: 'UTC' },
      ],
      'when[1]',
    ],
    [Array.from({ length: 11 }, () => ({ days: ['mon'], timeZone: 'UTC' })), 'when'],
  ])('refuses %j and names the argument', (value, argument) => {
    expect(() => readWhen('when', value)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }));
  });
});
