import { describe, expect, it } from 'vitest';
import { calledBy, filtersIn, queryOf, targetOf } from '../../../src/console/app/views/live/filters.js';
import { isBeyond, LATER, placeOf, SOON } from '../../../src/console/app/views/live/time-left.js';

const MINUTE = 60_000;
const filters = (text: string) => filtersIn(new URLSearchParams(text));

describe('the axis of the time that is left', () => {
  it('is linear within the hour, so that a bar shrinks by the same length each second', () => {
    expect([0, 15, 30, 36, 60].map((minutes) => placeOf(SOON, minutes * MINUTE))).toEqual([0, 25, 50, 60, 100]);
  });

  it('gives the nearer ends more room, and a month fits', () => {
    expect(LATER.map((mark) => placeOf(LATER, mark))).toEqual([0, 20, 40, 60, 80, 100]);
    expect(placeOf(LATER, 2.5 * 60 * MINUTE)).toBe(30);
  });

  it('never leaves the picture', () => {
    expect([-1, NaN, Infinity].map((left) => placeOf(LATER, left))).toEqual([0, 100, 100]);
    expect([isBeyond(SOON, 60 * MINUTE), isBeyond(SOON, 60 * MINUTE + 1)]).toEqual([false, true]);
  });

  it('never shows a later end as an earlier one', () => {
    const places = Array.from({ length: 1_000 }, (_, i) => placeOf(LATER, i * 47 * MINUTE));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});

describe('filters', () => {
  it('L48 select held grants and those that begin later, the next end first', () => {
    expect(queryOf(filters(''), true)).toEqual({ status: 'open', order: 'due', all: true });
    // Of one person: for this, a right for that person is enough.
    expect(queryOf(filters('person=user:maya&scope=a&ticket=INC-1'), true)).toEqual({
      ...{ status: 'open', order: 'due' },
      ...{ subject: 'user:maya', pattern: ['a', 'a:**'], ticket: 'INC-1' },
    });
  });

  it.each([
    ['', { kind: 'person', value: '' }],
    ['person=user:maya', { kind: 'person', value: 'user:maya' }],
    ['scope=a', { kind: 'scope', value: 'a' }],
    ['person=user:maya&ticket=INC-1&scope=a', { kind: 'ticket', value: 'INC-1' }],
  ])('begin a form with their narrowest target: %s', (text, target) => {
    expect(targetOf(filters(text))).toEqual(target);
  });

  it('begin the form of a lock with a person or a scope', () => {
    expect(targetOf(filters('ticket=INC-1&scope=a'), ['person', 'scope'])).toEqual({ kind: 'scope', value: 'a' });
  });

  it('name exactly one target', () => {
    expect(calledBy({ kind: 'person', value: ' user:maya ' })).toEqual({ subject: 'user:maya' });
    expect(calledBy({ kind: 'scope', value: 'a' })).toEqual({ scope: 'a' });
    expect(calledBy({ kind: 'ticket', value: 'INC-1' })).toEqual({ ticket: 'INC-1' });
  });
});
