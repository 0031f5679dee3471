import { describe, expect, it } from 'vitest';
import type { Grant } from '../../src/index.js';
import { activateGrant, isStartDue } from '../../src/lifecycle/start.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { NO_LOCKS } from './no-locks.js';

const at = (ms: number): number => START_AT + ms;
const END = at(15 * 60_000);
const moment = (now: number, over: { forEnds?: number; steppedBack?: boolean } = {}) => ({
  now,
  highWater: over.forEnds ?? now,
  forEnds: now,
  steppedBack: false,
  actor: 'user:maya',
  ...over,
});
const NOTHING = { successors: [], requests: [] };

const scheduled = (over: Partial<Grant> = {}) => ({
  grant: aGrant({ startsAt: at(100), firstStartsAt: at(100), activatedAt: undefined, asksAtStart: true, ...over }),
  usage: undefined,
});
const revoked = { status: 'revoked', cause: 'revoked', at: at(1), by: 'user:sam', reason: undefined } as const;

describe('isStartDue()', () => {
  it.each([
    [at(99), {}, false],
    [at(100), {}, true],
    [at(101), {}, true],
    [at(100), { activatedAt: at(100) }, false],
    [at(100), { end: revoked }, false],
    [NaN, {}, false],
  ])('L2 at %d with %j is %s', (now, over, due) => {
    expect(isStartDue(scheduled(over), { now, forEnds: now })).toBe(due);
  });
});

describe('activateGrant()', () => {
  it('L2 leaves a grant unchanged before its start, for any highest reading', () => {
    const held = scheduled();
    for (const eligible of [true, false]) {
      expect(activateGrant(held, NOTHING, NO_LOCKS, eligible, moment(at(99), { forEnds: at(5_000) }))).toEqual({
        result: held.grant,
        put: [],
        entries: [],
      });
    }
  });

  it('L8 leaves an ended or active grant unchanged', () => {
    for (const held of [scheduled({ end: revoked }), scheduled({ activatedAt: at(100) })]) {
      expect(activateGrant(held, NOTHING, NO_LOCKS, false, moment(at(200))).put).toEqual([]);
    }
  });

  it('L1 records the expiry of a grant that has expired in the meantime, for any answer', () => {
    for (const eligible of [true, false]) {
      const { result, entries } = activateGrant(scheduled(), NOTHING, NO_LOCKS, eligible, moment(END));
      expect(result).toMatchObject({ activatedAt: undefined, end: { status: 'expired', cause: 'time', at: END } });
      expect(entries.map(({ type }) => type)).toEqual(['grant.expired']);
    }
    const late = activateGrant(scheduled(), NOTHING, NO_LOCKS, true, moment(at(200), { forEnds: END }));
    expect(late.result.end?.status).toBe('expired');
  });

  it('L5 confirms no start while the clock is behind, but revokes, and records a start that needs no answer', () => {
    const back = moment(at(200), { forEnds: at(5_000), steppedBack: true });
    expect(() => activateGrant(scheduled(), NOTHING, NO_LOCKS, true, back)).toThrow(/stepped back/);
    expect(activateGrant(scheduled(), NOTHING, NO_LOCKS, false, back).result.end?.cause).toBe('ineligible');
    expect(activateGrant(scheduled({ asksAtStart: false }), NOTHING, NO_LOCKS, true, back).result.activatedAt).toBe(at(200));
  });

  it('L27 has an instant no earlier than the last one on the grant', () => {
    const held = scheduled({ successors: [{ grantId: 'r2.1', at: at(300) }] });
    expect(activateGrant(held, NOTHING, NO_LOCKS, true, moment(at(200))).result.activatedAt).toBe(at(300));
  });

  it('L12 ends the extensions of a grant whose subject is no longer eligible, in the same step', () => {
    const successor = scheduled({
      id: 'r2.1',
      requestId: 'r2',
      extends: 'r1.1',
      startsAt: END,
      firstStartsAt: at(100),
      expiresAt: END + 5,
    });
    const request = aRequest({ id: 'r3' });
    const { put, entries } = activateGrant(scheduled(), { successors: [successor], requests: [request] }, NO_LOCKS, false, moment(at(100)));
    expect(put.map(({ id }) => id)).toEqual(['r1.1', 'r2.1', 'r3']);
    expect(put).toMatchObject([{ end: { cause: 'ineligible' } }, { end: { cause: 'origin_ended' } }, { end: { cause: 'origin_ended' } }]);
    expect(new Set(entries.map(({ actor }) => actor))).toEqual(new Set(['system:approver']));
  });
});
