import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../src/index.js';
import { coveredUntil, isUsable, type GrantUse } from '../../src/lifecycle/status.js';
import { aGrant, START_AT } from '../../src/testing.js';

const MINUTE = 60_000;
const at = (minutes: number): number => START_AT + minutes * MINUTE;
const reading = (now: number, leewayMs = 0, highWater = now) => ({ now, highWater, forEnds: highWater + leewayMs });

let grants = 0;

/** A grant from one minute to another. */
const from = (startsAt: number, expiresAt: number, over: Partial<Grant> = {}): GrantUse => ({
  grant: aGrant({ id: `r1.${++grants}`, startsAt: at(startsAt), expiresAt: at(expiresAt), ...over }),
  usage: undefined,
});

/** A grant that ends when it has not been used for so many minutes. */
function idle(startsAt: number, expiresAt: number, idleMinutes: number, usedAt?: number): GrantUse {
  const { grant } = from(startsAt, expiresAt, { idleTtlMs: idleMinutes * MINUTE });
  const { id, subject, scope, idleTtlMs } = grant;
  const times = { startsAt: grant.startsAt, expiresAt: grant.expiresAt, usedAt: usedAt === undefined ? undefined : at(usedAt) };
  return { grant, usage: { kind: 'usage', id, version: 1, subject, scope, ...times, idleTtlMs, uses: 0, endedAt: undefined } };
}

const ended: Partial<Grant> = { end: { status: 'revoked', cause: 'revoked', at: at(0), by: 'user:sam', reason: undefined } };

describe('coveredUntil()', () => {
  it.each<[string, readonly GrantUse[], number | undefined]>([
    ['no grant', [], undefined],
    ['a grant that begins later', [from(10, 25)], undefined],
    ['a grant that has expired', [from(-15, 5)], undefined],
    ['a grant that was revoked', [from(0, 15, ended)], undefined],
    ['a grant that was not activated', [from(0, 15, { asksAtStart: true, activatedAt: undefined })], undefined],
    ['one grant', [from(0, 15)], 15],
    ['two, of which the first ends later', [from(0, 20), from(0, 15)], 20],
    ['two, of which the second ends later', [from(0, 15), from(0, 20)], 20],
    ['three, of which the first two end in the gap before a successor', [from(0, 8), from(0, 12), from(0, 15), from(13, 30)], 30],
    ['a successor that begins at the end', [from(0, 15), from(15, 30)], 30],
    ['a successor that overlaps', [from(0, 15), from(10, 30)], 30],
    ['a successor after a gap', [from(0, 15), from(16, 30)], 15],
    ['a successor that ends first', [from(0, 15), from(10, 12)], 15],
    ['successors in any order', [from(45, 60), from(30, 45), from(0, 15), from(15, 30)], 60],
    ['a successor of one that ends earlier than another', [from(0, 12), from(0, 15), from(12, 30)], 30],
    ['a successor that was revoked', [from(0, 15), from(15, 30, ended)], 15],
    ['a successor that has to be asked about', [from(0, 15), from(15, 30, { asksAtStart: true, activatedAt: undefined })], 15],
    ['an idle end', [idle(0, 30, 10)], 10],
    ['an idle end that a use has moved', [idle(0, 30, 10, 4)], 14],
    ['an idle end after the window', [idle(0, 8, 10)], 8],
    ['a successor from the idle end on', [idle(0, 30, 10), from(10, 20)], 20],
    ['a successor with an idle end of its own', [from(0, 15), idle(15, 60, 10)], 25],
    ['a counted grant without its usage row', [from(0, 15, { maxUses: 3 })], undefined],
  ])('L1 of %s, five minutes in', (_, held, minutes) => {
    expect(coveredUntil(held, reading(at(5)))).toBe(minutes === undefined ? undefined : at(minutes));
  });

  it('L6 a successor must start before the leeway takes effect: one that starts at the end leaves a gap', () => {
    const second = 1_000;
    const old = from(0, 15);
    const next = (startsAt: number): GrantUse => ({ grant: aGrant({ id: 'r2.1', startsAt, expiresAt: at(30) }), usage: undefined });
    expect(coveredUntil([old, next(at(15))], reading(at(5), second))).toBe(at(15));
    expect(coveredUntil([old, next(at(15) - second + 1)], reading(at(5), second))).toBe(at(15));
    expect(coveredUntil([old, next(at(15) - second)], reading(at(5), second))).toBe(at(30));
  });

  it('L5 judges ends at the highest reading, and starts at the clock itself', () => {
    expect(coveredUntil([from(0, 15)], reading(at(5), 0, at(15) - 1))).toBe(at(15));
    expect(coveredUntil([from(0, 15)], reading(at(5), 0, at(15)))).toBeUndefined();
    expect(coveredUntil([from(10, 20)], reading(at(5), 0, at(12)))).toBeUndefined();
  });

  it('L1 L2 L6 means that some grant is usable at every instant until then, and none at that instant', () => {
    const minute = fc.integer({ min: 0, max: 12 });
    const window = fc.tuple(minute, fc.integer({ min: 1, max: 6 })).map(([start, ttl]) => from(start, start + ttl));
    fc.assert(
      fc.property(fc.array(window, { maxLength: 6 }), minute, fc.constantFrom(0, MINUTE), (held, now, leewayMs) => {
        const isCovered = (t: number) => held.some((one) => isUsable(one, reading(t, leewayMs)));
        const until = coveredUntil(held, reading(at(now), leewayMs));
        expect(until !== undefined).toBe(isCovered(at(now)));
        if (until === undefined) return;
        for (let t = at(now); t < until - leewayMs; t += MINUTE) expect(isCovered(t)).toBe(true);
        expect(isCovered(until - leewayMs)).toBe(false);
      }),
    );
  });
});
