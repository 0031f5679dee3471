import { describe, expect, it } from 'vitest';
import type { Lock } from '../../src/index.js';
import { activateGrant } from '../../src/lifecycle/start.js';
import { consumeUse, endUsedUp, isRepeatable } from '../../src/lifecycle/usage.js';
import { isHeldAt } from '../../src/lifecycle/status.js';
import { makeLocks, makeUsage, type Grant, type GrantEnd, type Usage } from '../../src/records/index.js';
import { aGrant, START_AT } from '../../src/testing.js';
import { refusal } from '../engine/an-engine.js';

const at = (ms: number): number => START_AT + ms;
const moment = (ms: number) => ({ now: at(ms), highWater: at(ms), forEnds: at(ms), steppedBack: false, actor: 'user:maya' });

/** A lock on exactly this subject, or on exactly this scope. */
const lockedBy = (target: Partial<Pick<Lock, 'subject' | 'scope'>>) => {
  const lock = {
    id: 'l1',
    subject: undefined,
    scope: undefined,
    ...target,
    by: 'user:ops',
    at: at(0),
    until: undefined,
    completedAt: at(0),
  };
  return { row: makeLocks({ version: 1, locks: [lock], ended: [] }), overlaps: (a: string, b: string) => a === b };
};

const counted = (over: Partial<Grant> = {}, used: Partial<Usage> = {}) => {
  const grant = aGrant({ maxUses: 2, ...over });
  const { id, subject, scope, startsAt, expiresAt, idleTtlMs } = grant;
  const unused = { version: 1, usedAt: undefined, uses: 0, endedAt: undefined };
  return { grant, usage: makeUsage({ id, subject, scope, startsAt, expiresAt, idleTtlMs, ...unused, ...used }) };
};

describe('a lock on the subject or on the scope of a grant', () => {
  const { subject, scope } = aGrant();

  it.each([
    ['subject', { subject }],
    ['scope', { scope }],
  ])('refuses a use: %s', async (_, target) => {
    await refusal(() => consumeUse(counted(), undefined, lockedBy(target), moment(1)), 'ERR_JIT_LOCKED');
    expect(consumeUse(counted(), undefined, lockedBy({ subject: 'user:noor' }), moment(1)).put).toHaveLength(1);
    expect(consumeUse(counted(), undefined, lockedBy({ scope: 'other' }), moment(1)).put).toHaveLength(1);
  });

  it.each([
    ['subject', { subject }],
    ['scope', { scope }],
  ])('leaves a start unrecorded: %s', (_, target) => {
    const use = { grant: aGrant({ startsAt: at(100), activatedAt: undefined, asksAtStart: true }), usage: undefined };
    const nothing = { successors: [], requests: [] };
    expect(activateGrant(use, nothing, lockedBy(target), true, moment(100)).put).toEqual([]);
    expect(activateGrant(use, nothing, lockedBy({ scope: 'other' }), true, moment(100)).put).toHaveLength(1);
  });
});

describe('isRepeatable()', () => {
  const ended = (cause: string): GrantEnd => ({ status: 'expired', cause, at: at(5), by: 'system:sweeper', reason: undefined }) as never;
  const last = { usesLeft: 0 };

  it('L36 repeats a use while its grant allows, and a last use that alone ended its grant', () => {
    expect(isRepeatable({ usesLeft: 1 }, counted(), moment(1))).toBe(true);
    const used = counted({ end: ended('used_up') }, { uses: 2, usedAt: at(5), endedAt: at(5) });
    expect(isRepeatable(last, used, moment(6))).toBe(true);
    expect(isRepeatable({ usesLeft: 1 }, used, moment(6))).toBe(false);
  });

  it('L36 repeats no last use whose grant ended otherwise, has no end, has no usage row, or is out of its window', () => {
    const uses = { uses: 2, usedAt: at(5), endedAt: at(5) };
    expect(isRepeatable(last, counted({ end: ended('time') }, uses), moment(6))).toBe(false);
    expect(isRepeatable(last, counted({}, uses), moment(6))).toBe(false);
    const { grant } = counted({ end: ended('used_up') });
    expect(isRepeatable(last, { grant, usage: undefined }, moment(6))).toBe(false);
    expect(isRepeatable(last, counted({ end: ended('used_up') }, uses), { ...moment(6), forEnds: grant.expiresAt })).toBe(false);
    expect(isRepeatable(last, counted({ end: ended('used_up'), startsAt: at(7), activatedAt: at(7) }, uses), moment(6))).toBe(false);
  });
});

describe('endUsedUp()', () => {
  it('ends a grant whose uses are taken, and no other', () => {
    expect(endUsedUp(counted({}, { uses: 2, usedAt: at(1) }), moment(2)).result.end).toMatchObject({ cause: 'used_up' });
    for (const use of [
      counted({}, { uses: 1, usedAt: at(1) }),
      counted({ maxUses: undefined, idleTtlMs: 5_000 }, { uses: 2, usedAt: at(1) }),
    ])
      expect(endUsedUp(use, moment(2)).result.end).toBeUndefined();
  });
});

describe('isHeldAt()', () => {
  it('L27 judges an instant up to the highest reading by what is recorded, and a later one by what is expected', () => {
    // Its start is due, and its approver has not confirmed it.
    const use = { grant: aGrant({ startsAt: at(5), activatedAt: undefined, asksAtStart: true }), usage: undefined };
    expect(isHeldAt(use, at(10), { highWater: at(10) })).toBe(false);
    expect(isHeldAt(use, at(11), { highWater: at(10) })).toBe(true);
  });
});
