import { describe, expect, it } from 'vitest';
import { calledBy, filtersIn, queryOf, targetOf } from '../../../src/console/app/views/live/filters.js';
import { axisFor, placeOf } from '../../../src/console/app/views/live/axis.js';
import { groupingIn, groupsOf } from '../../../src/console/app/views/live/groups.js';
import { revokeEach, type Result } from '../../../src/console/app/views/live/revoke-each.js';
import type { GrantWithStatus } from '../../../src/index.js';

const MINUTE = 60_000;
const filters = (text: string) => filtersIn(new URLSearchParams(text));

describe('the axis of Live', () => {
  const HOUR = 60 * MINUTE;

  it.each([
    [[], 1],
    [[10 * MINUTE, HOUR], 1],
    [[HOUR + 1], 4],
    [[4 * HOUR, 12 * HOUR], 12],
    [[25 * HOUR, MINUTE], 7 * 24],
    [[8 * 24 * HOUR], 31 * 24],
    // Beyond the longest one.
    [[400 * 24 * HOUR], 31 * 24],
  ])('is the shortest on which all ends lie: %j', (ends, hours) => {
    const axis = axisFor(
      ends.map((end) => 1_000 + end),
      1_000,
    );
    expect(axis.at(-1)).toBe(hours * HOUR);
    expect([axis[1], Math.sign(axis[0] ?? 0)]).toEqual([0, -1]);
  });

  it('has its marks at equal distances, and says what lies outside', () => {
    const axis = axisFor([HOUR], 0);
    expect(axis.map((mark) => placeOf(axis, mark))).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect([-15 * MINUTE - 1, HOUR + 1, NaN].map((ms) => placeOf(axis, ms))).toEqual([-1, 2, 2]);
    expect(placeOf(axis, 7.5 * MINUTE)).toBeCloseTo(0.3);
  });

  it('never shows a later end as an earlier one', () => {
    const axis = axisFor([30 * 24 * HOUR], 0);
    const places = Array.from({ length: 1_000 }, (_, i) => placeOf(axis, (i - 2) * 47 * MINUTE));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});

describe('the groups of Live', () => {
  const row = (key: string, scope: string, subject: string) => ({ key, item: { scope, subject } as GrantWithStatus, isGone: false });
  const rows = [row('1', 'b', 'user:x'), row('2', 'a', 'user:y'), row('3', 'b', 'user:y')];
  const keys = (by: 'end' | 'scope' | 'person', names: Record<string, string> = {}) =>
    groupsOf(rows, by, (id) => names[id] ?? id).map((group) => [group.key, group.rows.map(({ key }) => key).join('')]);

  it('are by the address, and keep the order of the list', () => {
    expect(['', 'group=scope', 'group=person', 'group=x'].map((text) => groupingIn(new URLSearchParams(text)))).toEqual([
      ...['end', 'scope', 'person', 'end'],
    ]);
    expect(keys('end')).toEqual([['', '123']]);
    expect(keys('scope')).toEqual([
      ['a', '2'],
      ['b', '13'],
    ]);
  });

  it('are sorted by the name of a person, and two people of one name stay apart', () => {
    expect(keys('person', { 'user:x': 'Zed', 'user:y': 'Ann' })).toEqual([
      ['user:y', '23'],
      ['user:x', '1'],
    ]);
    expect(keys('person', { 'user:x': 'Ann', 'user:y': 'Ann' })).toEqual([
      ['user:x', '1'],
      ['user:y', '23'],
    ]);
  });
});

describe('the revocation of what is chosen', () => {
  const ids = ['1', '2', '3', '4', '5', '6'];
  const ended = (by: string) => ({ end: { by } }) as GrantWithStatus;
  /** Sends all, until each has its result. The answers are given by hand. */
  const begin = () => {
    const results = new Map<string, Result['kind']>();
    const open = new Map<string, { readonly answer: (grant: GrantWithStatus) => void; readonly fail: (error: unknown) => void }>();
    const late: (() => void)[] = [];
    const end = new AbortController();
    const done = revokeEach(ids, {
      send: (id) => new Promise((answer, fail) => open.set(id, { answer, fail })),
      caller: 'me',
      signal: end.signal,
      after: (_, call) => {
        late.push(call);
        return () => undefined;
      },
      onResult: (id, { kind }) => results.set(id, kind),
    });
    return { results, open, late, end, done };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('sends at most four calls at once, and gives the outcome of each', async () => {
    const { results, open, late, done } = begin();
    expect([...open.keys()]).toEqual(['1', '2', '3', '4']);
    open.get('1')?.answer(ended('me'));
    open.get('2')?.answer(ended('other'));
    await turn();
    expect([...open.keys()]).toEqual(ids);
    open.get('3')?.fail(Object.assign(new Error('no'), { status: 403 }));
    open.get('4')?.fail(Object.assign(new Error('down'), { status: 503 }));
    open.get('5')?.fail(new TypeError('no answer'));
    late.at(-1)?.();
    await done;
    expect(Object.fromEntries(results)).toEqual({
      ...{ 1: 'revoked', 2: 'ended', 3: 'refused', 4: 'unanswered', 5: 'unanswered', 6: 'unanswered' },
    });
  });

  it('sends nothing more after a stop, and waits for what is on its way', async () => {
    const { results, open, end, done } = begin();
    end.abort();
    for (const id of ['1', '2', '3', '4']) open.get(id)?.answer(ended('me'));
    await done;
    expect([...open.keys()]).toEqual(['1', '2', '3', '4']);
    expect([...results.values()]).toEqual(['revoked', 'revoked', 'revoked', 'revoked', 'notSent', 'notSent']);
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
