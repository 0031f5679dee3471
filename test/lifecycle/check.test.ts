import { describe, expect, it } from 'vitest';
import { judge, reaches } from '../../src/lifecycle/check.js';
import type { GrantUse } from '../../src/lifecycle/status.js';
import { recordTime } from '../../src/lifecycle/sweep.js';
import type { Grant } from '../../src/records/index.js';
import { aGrant, START_AT } from '../../src/testing.js';
import { HOUR, MAYA, MINUTE, SCOPE } from '../engine/an-engine.js';

const at = (ms: number) => START_AT + ms;
const END = 15 * MINUTE;
const LEEWAY = 500;
const reading = (ms: number, leewayMs = 0) => ({ now: at(ms), highWater: at(ms), forEnds: at(ms) + leewayMs, steppedBack: false });
const check = (grant: Grant, ms: number, leewayMs?: number) => judge([{ grant, usage: undefined }], MAYA, SCOPE, reading(ms, leewayMs));

/** The grant after a sweep at this reading, and what the sweep has recorded. */
function swept(use: GrantUse, ms: number) {
  const step = recordTime([use], { ...reading(ms), actor: 'system:sweeper' });
  const grant = step.put.find((record): record is Grant => record.kind === 'grant') ?? use.grant;
  return { grant, recorded: step.result };
}

describe('reaches()', () => {
  it('L30 does not reach a scope from none, however careless the matcher', () => {
    for (const exact of [true, false]) expect(reaches({ exact, covers: () => true }, undefined, SCOPE)).toBe(false);
    expect(reaches({ exact: false, covers: () => true }, 'b:x', SCOPE)).toBe(true);
  });
});

describe('judge()', () => {
  for (const [ms, allowed] of [
    [0, true],
    [1, true],
    [END - 1, true],
    [END, false],
    [END + 1, false],
    [365 * 24 * HOUR, false],
  ] as const) {
    it(`L1 ${allowed ? 'allows' : 'denies'} ${ms} ms after the start of a window of ${END} ms`, () => {
      const expected = allowed ? { reason: 'granted', validUntil: at(END) } : { reason: 'no_grant', validUntil: undefined };
      expect(check(aGrant(), ms)).toMatchObject({ allowed, at: at(ms), ...expected });
    });

    it(`L1 ${allowed ? 'allows' : 'denies'} at ${ms} ms also after a sweep`, () => {
      const { grant, recorded } = swept({ grant: aGrant(), usage: undefined }, ms);
      expect(recorded).toEqual(allowed ? [] : ['ended']);
      expect(check(grant, ms).allowed).toBe(allowed);
    });
  }

  it('L2 names, of several grants, the one that ends last, or that starts next; among equals the first', () => {
    const judged = (...grants: readonly Grant[]) =>
      judge(
        grants.map((grant) => ({ grant, usage: undefined })),
        MAYA,
        SCOPE,
        reading(0),
      );
    const one = (id: string, startsIn: number, endsIn: number, over: Partial<Grant> = {}) =>
      aGrant({ id, startsAt: at(startsIn), activatedAt: startsIn <= 0 ? at(startsIn) : undefined, expiresAt: at(endsIn), ...over });
    expect(judged(one('a', 0, 5), one('b', 0, 9), one('c', 0, 9), one('d', 0, 7)).grant?.id).toBe('b');
    const waits = { asksAtStart: true, activatedAt: undefined, issuedAt: at(-5) };
    const waiting = judged(one('a', 0, 5, waits), one('b', 0, 9, waits), one('c', 0, 9, waits));
    expect(waiting).toMatchObject({ reason: 'not_activated', grant: { id: 'b' } });
    const upcoming = judged(one('a', 5, 50), one('b', 3, 50), one('c', 3, 50));
    expect(upcoming).toMatchObject({ reason: 'not_started', grant: { id: 'b' } });
  });

  it('L2 denies before the start, until which the answer stays valid', () => {
    expect(check(aGrant(), -1)).toMatchObject({ allowed: false, reason: 'not_started', validUntil: at(0) });
  });

  for (const [ms, allowed] of [
    [END - LEEWAY - 1, true],
    [END - LEEWAY, false],
    [END - LEEWAY + 1, false],
    [END, false],
  ] as const) {
    it(`L6 with ${LEEWAY} ms of leeway ${allowed ? 'allows' : 'denies'} ${END - ms} ms before the end`, () => {
      expect(check(aGrant(), ms, LEEWAY)).toMatchObject({ allowed, validUntil: allowed ? at(END - LEEWAY) : undefined });
    });
  }
});
