import { describe, expect, it } from 'vitest';
import { grantStatus, requestStatus, wasHeldAt, type GrantEnd, type RequestEnd } from '../../src/index.js';
import { hasEnded, isUsable, wasHeldDuring } from '../../src/lifecycle/status.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';

const END = START_AT + 15 * 60_000;
const HOUR = START_AT + 60 * 60_000;
const revoked = (at: number): GrantEnd => ({ status: 'revoked', cause: 'revoked', at, by: 'user:sam', reason: undefined });

describe('grantStatus()', () => {
  for (const [now, status] of [
    [START_AT - 1, 'scheduled'],
    [START_AT, 'active'],
    [END - 1, 'active'],
    [END, 'expired'],
    [END + 1, 'expired'],
    [NaN, 'expired'],
  ] as const) {
    it(`L1 L2 is ${status} at ${now - START_AT} ms`, () => {
      expect(grantStatus(aGrant(), now)).toBe(status);
    });
  }

  it('L8 a recorded end always wins', () => {
    for (const now of [START_AT - 1, START_AT, END]) expect(grantStatus(aGrant({ end: revoked(START_AT) }), now)).toBe('revoked');
  });
});

describe('requestStatus()', () => {
  for (const [now, status] of [
    [HOUR - 1, 'pending'],
    [HOUR, 'expired'],
    [HOUR + 1, 'expired'],
    [NaN, 'expired'],
  ] as const) {
    it(`L13 is ${status} at ${now - HOUR} ms from the deadline`, () => {
      expect(requestStatus(aRequest(), now)).toBe(status);
    });
  }

  it('L8 a recorded end always wins', () => {
    const granted = { scopes: ['db-prod:write'], ttlMs: 15 * 60_000 };
    const end: RequestEnd = { status: 'approved', cause: 'quorum', at: START_AT, by: 'user:sam', reason: undefined, granted };
    expect(requestStatus(aRequest({ end }), HOUR + 1)).toBe('approved');
  });
});

describe('isUsable()', () => {
  const isUsableNow = (bounds: object) => isUsable({ grant: aGrant(bounds), usage: undefined }, { now: START_AT, forEnds: START_AT });

  it.each<[string, (at: number) => unknown]>([
    ['NaN', () => NaN],
    ['undefined', () => undefined],
    ['null', () => null],
    ['text', String],
    ['a list', (at) => [at]],
    ['a Date', (at) => new Date(at)],
    ['a big integer', BigInt],
    ['a fraction', (at) => at + 0.5],
    ['below every instant', () => -1],
    ['above every instant', () => Infinity],
  ])('L30 allows nothing if one bound is not an instant: %s', (_, bad) => {
    expect(isUsableNow({ startsAt: START_AT - 5, expiresAt: END })).toBe(true);
    expect(isUsableNow({ startsAt: bad(START_AT - 5), expiresAt: END })).toBe(false);
    expect(isUsableNow({ startsAt: START_AT - 5, expiresAt: bad(END) })).toBe(false);
  });
});

describe('a recorded end that this clock has not reached yet', () => {
  it('L8 still ended the grant: another process, whose clock is ahead, has recorded it', () => {
    const use = { grant: aGrant({ end: revoked(END - 1) }), usage: undefined };
    const instants = { now: START_AT, forEnds: START_AT };
    expect([isUsable(use, instants), hasEnded(use, instants)]).toEqual([false, true]);
  });
});

describe('wasHeldAt()', () => {
  for (const [end, t, held] of [
    [undefined, START_AT - 1, false],
    [undefined, START_AT, true],
    [undefined, END - 1, true],
    [undefined, END, false],
    [revoked(START_AT + 5), START_AT + 4, true],
    [revoked(START_AT + 5), START_AT + 5, false],
    [revoked(START_AT), START_AT, false],
    [revoked(START_AT - 5), START_AT, false],
    // An end recorded after the window has closed does not lengthen it.
    [revoked(END + 5), END, false],
    [undefined, NaN, false],
  ] as const) {
    it(`L27 says ${held} at ${t - START_AT} ms with ${end === undefined ? 'no end' : `an end at ${end.at - START_AT} ms`}`, () => {
      expect(wasHeldAt(aGrant({ end }), t)).toBe(held);
    });
  }

  it('L30 is false at a value that is not an instant', () => {
    const inside = START_AT + 5;
    for (const bad of [NaN, undefined, null, Infinity, inside + 0.5, String(inside), BigInt(inside), [inside], new Date(NaN), {}]) {
      expect(wasHeldAt(aGrant(), bad as number)).toBe(false);
    }
    // A grant that holds from the first instant on: `null` and `false` must not count as 0.
    for (const bad of [null, false, '', -0.5]) expect(wasHeldAt(aGrant({ startsAt: 0 }), bad as number)).toBe(false);
    for (const good of [inside, new Date(inside)]) expect(wasHeldAt(aGrant(), good)).toBe(true);
  });

  it('L30 is false on bounds that are not instants', () => {
    for (const bad of [NaN, undefined, null, String(END), Infinity, -1, 1.5]) {
      expect(wasHeldAt(aGrant({ expiresAt: bad as number }), START_AT)).toBe(false);
      expect(wasHeldAt(aGrant({ startsAt: bad as number }), START_AT)).toBe(false);
    }
  });
});

describe('wasHeldDuring()', () => {
  it.each([
    ['until its start', START_AT - 1, START_AT, false],
    ['over its first instant', START_AT - 1, START_AT + 1, true],
    ['over its last instant', END - 1, END + 1, true],
    ['from its end on', END, END + 1, false],
  ] as const)('L27 counts a span %s as half-open: %s to %s is %s', (_, from, until, held) => {
    expect(wasHeldDuring(aGrant(), from, until)).toBe(held);
  });

  it('L27 a grant that ended at or before its start was held in no span', () => {
    for (const at of [START_AT - 5, START_AT]) expect(wasHeldDuring(aGrant({ end: revoked(at) }), START_AT - 10, END)).toBe(false);
  });
});
