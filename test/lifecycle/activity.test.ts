import { describe, expect, it } from 'vitest';
import { recordActivity } from '../../src/lifecycle/activity.js';
import { makeActivity } from '../../src/records/index.js';
import { aGrant, START_AT } from '../../src/testing.js';

const at = (ms: number): number => START_AT + ms;
const EVERY = 1_000;
const moment = (now: number) => ({ now: at(now), highWater: at(now), forEnds: at(now), steppedBack: false, actor: 'system:use' });
const seen = (firstAt: number, lastAt: number, count: number) => ({ firstAt: at(firstAt), lastAt: at(lastAt), count });
const GRANT = aGrant({ startsAt: at(0), expiresAt: at(5_000) });
const { id, subject, scope, requestId } = GRANT;
const BEFORE = makeActivity({ id, version: 3, subject, scope, firstUsedAt: at(100), lastUsedAt: at(300), count: 7 });

describe('recordActivity()', () => {
  it('L25 creates the record at the first use, with its entry, compares the grant and does not write it', () => {
    const step = recordActivity(GRANT, undefined, seen(10, 20, 2), EVERY, moment(30));
    const fields = { subject, scope, firstUsedAt: at(10), lastUsedAt: at(20), count: 2 };
    expect(step).toEqual({
      result: at(30 + EVERY),
      put: [{ kind: 'activity', id, version: 1, ...fields }],
      entries: [{ type: 'grant.seen', at: at(30), actor: 'system:use', requestId, grantId: id, data: { activityVersion: 1, ...fields } }],
      dependsOn: [{ kind: 'grant', id, version: GRANT.version }],
    });
  });

  it.each([
    [1_299, 0],
    [1_300, 1],
    [1_301, 1],
  ])('writes a later use once the last recorded one is as old as `every`: at %i ms', (now, written) => {
    const step = recordActivity(GRANT, BEFORE, seen(200, 400, 5), EVERY, moment(now));
    expect(step.put).toHaveLength(written);
    expect(step.result).toBe(written === 0 ? at(1_300) : at(now + EVERY));
  });

  it.each([
    [-59_701, 1],
    [-59_700, 0],
    [299, 0],
  ])('L47 is kept from recording by no use of a clock that is further ahead than the tolerance: at %i ms', (now, written) => {
    expect(recordActivity(GRANT, BEFORE, seen(-59_900, -59_800, 5), EVERY, moment(now)).put).toHaveLength(written);
  });

  it('L47 [EN3] takes no last use from a wrong clock, its own or another, and stamps the entry with the present reading', () => {
    const others = recordActivity({ ...GRANT, startsAt: at(-90_000) }, BEFORE, seen(-90_000, -80_000, 5), EVERY, moment(-70_000));
    expect(others.put).toMatchObject([{ firstUsedAt: at(-90_000), lastUsedAt: at(-80_000), count: 12 }]);
    expect(others.entries).toMatchObject([{ at: at(-70_000) }]);
    const held = { ...GRANT, startsAt: at(-80_000), issuedAt: at(-80_000) };
    const own = recordActivity(held, undefined, seen(-70_000, 100, 2), EVERY, moment(-60_001));
    expect(own.put).toMatchObject([{ firstUsedAt: at(-70_000), lastUsedAt: at(-60_001) }]);
    expect(own.entries).toMatchObject([{ at: at(-60_001) }]);
    // Never before the start of the grant, which the same clock may have issued.
    const early = recordActivity(GRANT, undefined, seen(20, 100, 2), EVERY, moment(-60_001));
    expect(early.put).toMatchObject([{ firstUsedAt: at(0), lastUsedAt: at(0) }]);
    // A right process has revoked it before its start.
    const revoked = { ...GRANT, end: { status: 'revoked', cause: 'revoked', at: at(-65_000), by: 'user:sam', reason: undefined } } as const;
    const late = recordActivity(revoked, undefined, seen(20, 100, 2), EVERY, moment(-60_001));
    expect(late.put).toMatchObject([{ firstUsedAt: at(-65_000), lastUsedAt: at(-65_000) }]);
  });

  it.each([
    ['later uses', seen(200, 1_400, 5), 100, 1_400],
    ['an earlier use of another process', seen(50, 250, 5), 50, 300],
  ])('keeps the first and the last of all uses, and adds their number: %s', (_what, uses, first, last) => {
    const [next] = recordActivity(GRANT, BEFORE, uses, EVERY, moment(2_000)).put;
    expect(next).toEqual({ ...BEFORE, version: 4, firstUsedAt: at(first), lastUsedAt: at(last), count: 12 });
  });

  it('L27 records no use after the end of the grant, and stamps its entry after that end', () => {
    const end = { status: 'revoked', cause: 'revoked', at: at(500), by: 'user:sam', reason: undefined } as const;
    const step = recordActivity({ ...GRANT, end }, undefined, seen(600, 700, 2), EVERY, moment(400));
    expect(step.put).toMatchObject([{ firstUsedAt: at(500), lastUsedAt: at(500) }]);
    expect(step.entries).toMatchObject([{ at: at(500) }]);
  });

  it('L27 stamps its entry no earlier than a use that a clock which is ahead has read', () => {
    expect(recordActivity(GRANT, undefined, seen(600, 700, 2), EVERY, moment(400)).entries).toMatchObject([{ at: at(700) }]);
  });
});
