import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../src/index.js';
import type { GrantUse } from '../../src/lifecycle/status.js';
import { isUsable } from '../../src/lifecycle/status.js';
import { judge } from '../../src/lifecycle/check.js';
import { recordTime, workOn } from '../../src/lifecycle/sweep.js';
import { closeUsage, consumeUse, endUsedUp, grantToConsume, isTouchDue, isUsageLeft, touchGrant } from '../../src/lifecycle/usage.js';
import { usageDueAt } from '../../src/records/derived.js';
import { makeUsage, type Usage } from '../../src/records/index.js';
import { aGrant, START_AT } from '../../src/testing.js';
import { NO_LOCKS } from './no-locks.js';

const at = (ms: number): number => START_AT + ms;
const moment = (now: number, over: { highWater?: number; forEnds?: number; steppedBack?: boolean } = {}) => ({
  now: at(now),
  highWater: over.forEnds ?? at(now),
  forEnds: at(now),
  steppedBack: false,
  actor: 'user:maya',
  ...over,
});

type Counted = GrantUse & { readonly usage: Usage };
function counted(grant: Partial<Grant> = {}, usage: Partial<Usage> = {}): Counted {
  const made = aGrant(grant);
  const { id, subject, scope, startsAt, expiresAt, idleTtlMs } = made;
  const unused = { version: 1, usedAt: undefined, uses: 0, endedAt: undefined };
  return { grant: made, usage: makeUsage({ id, subject, scope, startsAt, expiresAt, idleTtlMs, ...unused, ...usage }) };
}

describe('closeUsage()', () => {
  it('L8 closes nothing while the grant has no recorded end, or without a usage row', () => {
    const nothing = { result: undefined, put: [], entries: [] };
    expect(closeUsage(counted({ maxUses: 3 }), moment(0))).toEqual(nothing);
    const end = { status: 'revoked', cause: 'revoked', at: at(1), by: 'user:sam', reason: undefined } as const;
    expect(closeUsage({ grant: aGrant({ end }), usage: undefined }, moment(2))).toEqual(nothing);
    const [closed] = closeUsage(counted({ maxUses: 3, end }), moment(2)).put;
    expect(closed).toMatchObject({ kind: 'usage', version: 2, endedAt: at(1) });
  });
});

describe('isTouchDue()', () => {
  it.each([
    [100, undefined, 10, false],
    [100, undefined, 11, true],
    [100, 50, 60, false],
    [100, 50, 61, true],
    [15, undefined, 1, false],
    [15, undefined, 2, true],
    [9, undefined, 0, false],
    [9, undefined, 1, true],
    [1, undefined, 1, true],
    // With a clock that reads an instant before the last use.
    [100, 50, 0, false],
  ])('L34 with an idle time of %i, last used at %s, is at %i: %s', (idleTtlMs, usedAt, now, due) => {
    expect(isTouchDue(counted({ idleTtlMs }, { usedAt: usedAt === undefined ? undefined : at(usedAt) }), moment(now))).toBe(due);
  });

  it('L34 is never due without an idle time, or without a usage row', () => {
    expect(isTouchDue(counted({ maxUses: 3 }), moment(800_000))).toBe(false);
    expect(isTouchDue({ grant: aGrant({ idleTtlMs: 5 }), usage: undefined }, moment(800_000))).toBe(false);
  });
});

describe('touchGrant()', () => {
  const idle = { idleTtlMs: 1_000 };
  const end = { status: 'revoked', cause: 'revoked', at: at(1), by: 'user:sam', reason: undefined } as const;

  it.each<[string, GrantUse, ReturnType<typeof moment>]>([
    ['is idle', counted(idle), moment(1_000)],
    ['is idle at the highWater reading, for any time of the clock', counted(idle), moment(999, { forEnds: at(1_000) })],
    ['has expired', counted({ idleTtlMs: 10_000_000 }), moment(900_000)],
    ['has been revoked', counted({ ...idle, end }), moment(500)],
    ['has not started', counted({ ...idle, startsAt: at(600), firstStartsAt: at(600), activatedAt: undefined }), moment(500)],
    [
      'has not been activated',
      counted({ ...idle, startsAt: at(5), firstStartsAt: at(5), activatedAt: undefined, asksAtStart: true }),
      moment(500),
    ],
    ['has been used up', counted({ ...idle, maxUses: 1 }, { uses: 1 }), moment(500)],
    ['has a closed usage row', counted(idle, { endedAt: at(1) }), moment(500)],
    ['has no usage row', { grant: aGrant(idle), usage: undefined }, moment(500)],
    ['was used just now', counted(idle, { usedAt: at(450) }), moment(500)],
  ])('L8 leaves a grant that %s unchanged', (_, held, now) => {
    expect(touchGrant(held, now)).toEqual({ result: undefined, put: [], entries: [] });
  });

  it('L12 L27 writes only the usage row, depends on the grant, and stamps nothing before the last instant of either', () => {
    const held = counted({ ...idle, version: 4, warnAt: [at(1)], warnedAt: [at(700)] }, { usedAt: at(300), version: 6 });
    const step = touchGrant(held, moment(600));
    expect(step.put).toEqual([{ ...held.usage, version: 7, usedAt: at(700) }]);
    expect(step.dependsOn).toEqual([{ kind: 'grant', id: 'r1.1', version: 4 }]);
    expect(step.entries).toMatchObject([{ type: 'grant.used', at: at(700), data: { usageVersion: 7, usedAt: at(700), uses: 0 } }]);
  });
});

describe('an idle end', () => {
  const [IDLE, TTL, LEEWAY] = [100_000, 900_000, 1_000];

  for (const [offset, allowed] of [
    [-1, true],
    [0, false],
    [1, false],
  ] as const) {
    it(`L1 ${allowed ? 'allows' : 'denies'} a grant that was never used, ${offset} ms from its idle end`, () => {
      const expected = { allowed, validUntil: allowed ? at(IDLE) : undefined };
      expect(judge([counted({ idleTtlMs: IDLE })], 'user:maya', 'x', moment(IDLE + offset))).toMatchObject(expected);
    });

    it(`L6 ${allowed ? 'allows' : 'denies'} it ${offset} ms from its idle end less the leeway`, () => {
      const now = IDLE - LEEWAY + offset;
      expect(isUsable(counted({ idleTtlMs: IDLE }), moment(now, { forEnds: at(now + LEEWAY) }))).toBe(allowed);
    });
  }

  it.each([TTL, TTL + 1, 86_400_000])('L1 after %i ms, at or after the end of the window, has no effect', (idleTtlMs) => {
    const use = counted({ idleTtlMs });
    expect(usageDueAt(use.usage)).toBe(at(TTL));
    expect([isUsable(use, moment(TTL - 1)), isUsable(use, moment(TTL))]).toEqual([true, false]);
    const { result, entries } = recordTime([use], moment(TTL));
    expect(result).toEqual(['ended']);
    expect(entries[0]).toMatchObject({ type: 'grant.expired', data: { end: { cause: 'time', at: at(TTL) } } });
  });

  it('L1 is at most a tenth early and never late, for any sequence of touches (a property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.array(fc.integer({ min: 0, max: 1_500 }), { maxLength: 25 }),
        (idleTtlMs, ttl, steps) => {
          let use = counted({ idleTtlMs, expiresAt: at(ttl) });
          let now = 0;
          let used = 0;
          for (const step of steps) {
            now += step;
            const truly = now < Math.min(used + idleTtlMs, ttl);
            const allowed = isUsable(use, moment(now));
            // Never late: a grant that has been idle for that long, or has expired, does not allow.
            if (allowed) expect(truly).toBe(true);
            // At most a tenth early.
            if (!allowed && now < ttl) expect(now).toBeGreaterThanOrEqual(used + idleTtlMs - idleTtlMs / 10);
            if (!allowed) return;
            const [usage] = touchGrant(use, moment(now)).put;
            if (usage?.kind === 'usage') use = { ...use, usage };
            used = now;
          }
          expect(isUsable(use, moment(Math.min(used + idleTtlMs, ttl)))).toBe(false);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('grantToConsume()', () => {
  it('takes the counted grant that ends first; of two that end together the first by id', () => {
    const uncounted: GrantUse = { grant: aGrant({ id: 'r1.0', expiresAt: at(1) }), usage: undefined };
    const idle = counted({ id: 'r1.1', idleTtlMs: 5, expiresAt: at(2) });
    const long = counted({ id: 'r1.2', maxUses: 1, expiresAt: at(900) });
    const idleSooner = counted({ id: 'r1.3', maxUses: 1, idleTtlMs: 100, expiresAt: at(5_000) });
    const twins = ['r1.6', 'r1.5', 'r1.7'].map((id) => counted({ id, maxUses: 1, expiresAt: at(50) }));
    expect(grantToConsume([])).toBeUndefined();
    expect(grantToConsume([uncounted, idle])).toBeUndefined();
    expect(grantToConsume([uncounted, long, idle])).toBe(long);
    expect(grantToConsume([long, idleSooner])).toBe(idleSooner);
    expect(grantToConsume([long, ...twins, idleSooner])).toBe(twins[1]);
  });
});

describe('consumeUse()', () => {
  it('L1 L9 gives exactly as many uses as there are, and the last one ends the grant', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 12 }), (maxUses, steps) => {
        let held = counted({ maxUses });
        let now = 0;
        let taken = 0;
        for (const step of steps) {
          now += step;
          if (!isUsable(held, moment(now))) break;
          const { result, put, dependsOn, entries } = consumeUse(held, undefined, NO_LOCKS, moment(now));
          taken += 1;
          expect(result.usesLeft).toBe(maxUses - taken);
          const grant = (put.find(({ kind }) => kind === 'grant') as Grant | undefined) ?? held.grant;
          const usage = put.find(({ kind }) => kind === 'usage') as Usage;
          expect(usage).toMatchObject({ version: taken + 1, uses: taken, usedAt: at(now) });
          const isLast = taken === maxUses;
          expect(entries.map(({ type }) => type)).toEqual(isLast ? ['grant.used', 'grant.expired'] : ['grant.used']);
          expect(grant.end?.cause).toBe(isLast ? 'used_up' : undefined);
          expect(usage.endedAt).toBe(isLast ? at(now) : undefined);
          // Written or only read, the version of the grant is compared.
          const locks = { kind: 'lock', id: 'open', version: 0 };
          expect(dependsOn).toEqual(isLast ? [locks] : [locks, { kind: 'grant', id: 'r1.1', version: 1 }]);
          expect(put.filter(({ kind }) => kind === 'usage')).toHaveLength(1);
          held = { grant, usage };
        }
        expect(taken).toBe(Math.min(maxUses, steps.length));
      }),
    );
  });

  it('L27 ends no grant after its window, for any instant that another clock has written', () => {
    const held = counted({ maxUses: 1, expiresAt: at(100) }, { usedAt: at(150) });
    const { result, entries } = consumeUse(held, { id: 'use-1', scope: 'db-prod:write' }, NO_LOCKS, moment(99));
    expect(result.grant.end).toMatchObject({ at: at(100) });
    expect(entries.map((entry) => entry.at)).toEqual([at(150), at(150)]);
  });

  it('L11 records the use of a key with the uses left', () => {
    const { put, entries } = consumeUse(counted({ maxUses: 3 }), { id: 'use-1', scope: 'db-prod:write' }, NO_LOCKS, moment(5));
    expect(put[0]).toEqual({
      kind: 'use',
      id: 'use-1',
      version: 1,
      subject: 'user:maya',
      scope: 'db-prod:write',
      grantId: 'r1.1',
      at: at(5),
      expiresAt: aGrant().expiresAt,
      usesLeft: 2,
    });
    expect(entries[0]?.data).toMatchObject({ useId: 'use-1' });
    expect(entries[0]?.data).not.toHaveProperty('useScope');
  });

  it('L11 L27 records the requested scope of a key, if the grant covers more', () => {
    const { put, entries } = consumeUse(
      counted({ maxUses: 3, scope: 'db-prod:*' }),
      { id: 'use-1', scope: 'db-prod:write' },
      NO_LOCKS,
      moment(5),
    );
    expect(put[0]).toMatchObject({ kind: 'use', scope: 'db-prod:write' });
    expect(entries[0]?.data).toMatchObject({ useId: 'use-1', useScope: 'db-prod:write' });
  });

  it('L5 is refused while the clock is behind', () => {
    expect(() => consumeUse(counted({ maxUses: 3 }), undefined, NO_LOCKS, moment(5, { steppedBack: true }))).toThrow(/stepped back/);
  });
});

describe('endUsedUp()', () => {
  const held = (uses: number, over: Partial<Grant> = {}): GrantUse => {
    const { grant, usage } = counted({ maxUses: 2, ...over });
    return { grant, usage: usage && makeUsage({ ...usage, uses }) };
  };

  it('ends a grant whose uses are all taken, as used up (L8)', () => {
    expect(endUsedUp(held(2), moment(3)).result.end).toMatchObject({ status: 'expired', cause: 'used_up', at: at(3) });
  });

  it.each<[string, GrantUse]>([
    ['that has uses left', held(1)],
    ['that has no number of uses', held(0, { maxUses: undefined, idleTtlMs: 1_000 })],
    ['whose usage cannot be read', { ...held(2), usage: undefined }],
    ['that has expired', held(2, { expiresAt: at(2) })],
  ])('leaves a grant %s unchanged (L8)', (_, one) => {
    const { result, put, entries } = endUsedUp(one, moment(3));
    expect([result, put, entries]).toEqual([one.grant, [], []]);
  });
});

describe('the usage row after a revoke', () => {
  const end = { status: 'revoked', cause: 'revoked', at: at(7), by: 'user:sam', reason: undefined } as const;

  it('L25 L27 is closed by a sweep: at the end of the grant, once, with an entry of its own', () => {
    const held = counted({ maxUses: 3, version: 4, end }, { version: 6, uses: 2, usedAt: at(5) });
    expect(workOn(held, moment(9))).toBe('closed');
    const { result, put, entries } = recordTime([held], moment(9));
    expect(result).toEqual(['closed']);
    expect(put).toEqual([{ ...held.usage, version: 7, endedAt: at(7) }]);
    expect(entries).toEqual([
      {
        type: 'usage.closed',
        at: at(9),
        actor: 'user:maya',
        requestId: 'r1',
        grantId: 'r1.1',
        data: { usageVersion: 7, endedAt: at(7) },
      },
    ]);
    const closed = { ...held, usage: put[0] as Usage };
    expect([workOn(closed, moment(9)), recordTime([closed], moment(9)).put]).toEqual([undefined, []]);
  });

  it('L27 is stamped no earlier than the last instant of either record', () => {
    const held = counted({ idleTtlMs: 1_000, end: { ...end, at: at(50) } }, { usedAt: at(40) });
    expect(recordTime([held], moment(9)).entries).toMatchObject([{ type: 'usage.closed', at: at(50) }]);
  });

  it('needs no work if the grant is not counted or has not ended, or if the row is closed', () => {
    expect(workOn({ grant: aGrant({ end }), usage: undefined }, moment(9))).toBeUndefined();
    expect(workOn(counted({ maxUses: 3 }), moment(9))).toBeUndefined();
    expect(workOn(counted({ maxUses: 3, end }, { endedAt: at(7) }), moment(9))).toBeUndefined();
    expect(isUsageLeft(counted({ maxUses: 3 }))).toBe(false);
  });

  it('L25 is closed in the same step as an expiry', () => {
    const { put, entries } = recordTime([counted({ idleTtlMs: 100 }, { version: 2 })], moment(500));
    expect(put).toMatchObject([
      { kind: 'grant', end: { cause: 'idle', at: at(100) } },
      { kind: 'usage', version: 3, endedAt: at(100) },
    ]);
    expect(entries).toMatchObject([{ type: 'grant.expired', data: { usageVersion: 3 } }]);
  });

  it.each([undefined, at(7)])('L12 allows no use, closed at %s or not', (endedAt) => {
    const held = counted({ maxUses: 3, idleTtlMs: 1_000, end }, { endedAt });
    expect(isUsable(held, moment(9))).toBe(false);
    expect(touchGrant(held, moment(900)).put).toEqual([]);
  });
});
