import { describe, expect, it } from 'vitest';
import { aheadBy } from '../../../src/console/app/frame/clock.js';
import { countdown, duration, fullTime, shortTime } from '../../../src/console/app/frame/time.js';
import { hueOf, initialsOf } from '../../../src/console/app/parts/person.js';

const HOUR = 3_600_000;

describe('the clock of the page', () => {
  it('follows the service if the viewer is wrong by an hour', () => {
    expect(aheadBy(0, 10 * HOUR, 9 * HOUR - 20, 9 * HOUR + 20)).toBe(HOUR);
    expect(aheadBy(0, 9 * HOUR, 10 * HOUR, 10 * HOUR)).toBe(-HOUR);
  });

  it('does not follow what the way of an answer explains', () => {
    expect(aheadBy(HOUR, 10 * HOUR, 9 * HOUR - 100, 9 * HOUR + 200)).toBe(HOUR);
    expect(aheadBy(HOUR, 10 * HOUR + 1_000, 9 * HOUR, 9 * HOUR + 200)).toBe(HOUR + 900);
  });
});

describe('a countdown', () => {
  it('never shows zero before the end', () => {
    expect(countdown(1)).toBe('1 sec');
    expect(countdown(0)).toBe('0 sec');
    expect(countdown(-5)).toBe('0 sec');
  });

  it('shows seconds only within ten minutes', () => {
    expect(countdown(9 * 60_000 + 31_000)).toBe('9 min 31 sec');
    expect(countdown(600_001)).toBe('11 min');
    expect(countdown(90 * 60_000)).toBe('1 hr 30 min');
  });

  it('has the two largest units', () => {
    expect(duration(2 * 24 * HOUR + 4 * HOUR + 60_000)).toBe('2 days 4 hr');
    expect(duration(24 * HOUR + 60_000)).toBe('1 day');
    expect(duration(8 * HOUR)).toBe('8 hr');
  });
});

describe('an instant', () => {
  const at = new Date(2026, 2, 3, 14, 5).getTime();
  it.each([
    ['the time alone on the same day', new Date(2026, 2, 3, 1), '14:05'],
    ['the day of the week within six days', new Date(2026, 2, 6), 'Tue 14:05'],
    ['the day of the month in the same year', new Date(2026, 10, 30), 'Mar 3, 14:05'],
    ['its year in another', new Date(2027, 0, 1), 'Mar 3, 2026, 14:05'],
  ])('has %s', (_, now, text) => {
    expect(shortTime(at, now.getTime())).toBe(text);
  });

  it('names its zone in full', () => {
    const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(at).find(({ type }) => type === 'timeZoneName');
    expect(fullTime(at)).toBe(`Mar 3, 2026, 14:05:00 ${String(zone?.value)}`);
  });
});

describe('a face', () => {
  it('has the first letters of the first and the last word', () => {
    expect(initialsOf('Ana Maria Ruiz')).toBe('AR');
    expect(initialsOf('user:maya')).toBe('M');
    expect(initialsOf('ana.ruiz@example.com')).toBe('AC');
    expect(initialsOf('😀 Ünal')).toBe('😀Ü');
    expect(initialsOf('')).toBe('');
  });

  it('has always the same hue for one id', () => {
    expect(hueOf('user:ana')).toBe(hueOf('user:ana'));
    expect(hueOf('user:ana')).not.toBe(hueOf('user:lee'));
  });
});
