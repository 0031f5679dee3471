import { describe, expect, it } from 'vitest';
import { freshApprovals, narrowedTo, refuseTerms, refuseTooMany } from '../../src/lifecycle/approvals.js';
import {
  areSameTerms,
  isNarrowed,
  AS_REQUESTED,
  leastOf,
  MAX_NARROWED_SCOPES,
  narrowedSize,
  narrowingOf,
  refuseNarrowing,
  type Narrowing,
} from '../../src/lifecycle/narrowing.js';
import { windowOf } from '../../src/lifecycle/window.js';
import { grantIds } from '../../src/lifecycle/grant.js';
import { makeReview, type AccessRequest, type RequestEnd } from '../../src/records/index.js';
import { aRequest, START_AT } from '../../src/testing.js';
import { HOUR, MINUTE, refusal } from '../engine/an-engine.js';
import { aQuorum } from './a-quorum.js';

/*
 * Tests the rules of narrowing alone. test/engine/narrow.test.ts has them with an engine.
 */

const at = (ms: number) => START_AT + ms;
const moment = (ms = 0) => ({ now: at(ms), highWater: at(ms), forEnds: at(ms), steppedBack: false, actor: 'user:sam' });
const request = (over: Partial<AccessRequest> = {}) => aRequest({ scopes: ['a', 'b', 'c'], ttlMs: HOUR, ...over });
const to = (ttlMs?: number, ...scopes: readonly string[]): Narrowing => ({ ttlMs, scopes: scopes.length === 0 ? undefined : scopes });
const approvedTo = (ttlMs: number, ...scopes: readonly string[]): RequestEnd => ({
  ...({ status: 'approved', cause: 'quorum', at: at(0), by: 'user:sam', reason: undefined } as const),
  granted: { scopes, ttlMs },
});

describe('narrowingOf()', () => {
  it.each([
    ['nothing', AS_REQUESTED, AS_REQUESTED],
    ['the requested time and all scopes', to(HOUR, 'c', 'b', 'a'), AS_REQUESTED],
    ['less time', to(MINUTE), to(MINUTE)],
    ['fewer scopes, in another order', to(undefined, 'c', 'a'), to(undefined, 'a', 'c')],
  ] as const)('has one form for equal terms: %s (feature 4)', (_, given, expected) => {
    expect(narrowingOf(request(), given)).toEqual(expected);
  });
});

describe('isNarrowed()', () => {
  it('holds where the time or the scopes are less', () => {
    expect([AS_REQUESTED, to(1), to(undefined, 'a'), to(1, 'a')].map(isNarrowed)).toEqual([false, true, true, true]);
  });
});

describe('areSameTerms()', () => {
  it('compares time and scopes', () => {
    expect(areSameTerms(AS_REQUESTED, to())).toBe(true);
    expect(areSameTerms(to(1, 'a'), to(1, 'a'))).toBe(true);
    for (const other of [to(2, 'a'), to(undefined, 'a'), to(1), to(1, 'b'), to(1, 'a', 'b')]) {
      expect(areSameTerms(to(1, 'a'), other)).toBe(false);
    }
  });
});

describe('leastOf()', () => {
  it('L18 gives the shortest time and the common scopes, in the order of the request (feature 4)', () => {
    expect(leastOf(request(), [])).toEqual({ scopes: ['a', 'b', 'c'], ttlMs: HOUR });
    expect(leastOf(request(), [to(3 * MINUTE, 'c', 'b'), to(2 * MINUTE), to(undefined, 'b', 'c', 'a')])).toEqual({
      scopes: ['b', 'c'],
      ttlMs: 2 * MINUTE,
    });
  });
});

describe('refuseNarrowing()', () => {
  const problems = async (given: Narrowing, others: readonly Narrowing[] = [], of = request(), ms = 0, minTtlMs = MINUTE) => {
    const error = await refusal(() => refuseNarrowing(of, given, others, minTtlMs, moment(ms)), 'ERR_JIT_REQUIREMENTS');
    expect(error).toMatchObject({ requestId: of.id, subject: of.subject, scopes: of.scopes });
    expect(error.message).toContain(`this approval of request ${of.id} must be corrected`);
    return error.problems.map(({ field, code, limit, got }) => [field, code, limit, got]);
  };

  it.each<[string, Narrowing, readonly Narrowing[], Partial<AccessRequest>, number]>([
    ['the request asks for 1h; got 2h; x was not requested', to(2 * HOUR, 'x'), [], {}, 0],
    ['limits.minTtl allows no window shorter than 1m; got 59s', to(59_000), [], {}, 0],
    ['limits.minTtl allows no window shorter than 1m; got 1ms', to(5 * MINUTE), [], { startsAt: at(0) }, 5 * MINUTE - 1],
    ['limits.minTtl allows no window shorter than 1m; got none', to(5 * MINUTE), [], { startsAt: at(0) }, 5 * MINUTE],
    ['limits.minTtl allows no window shorter than 1m; got none', to(5 * MINUTE), [], { startsAt: at(0) }, 6 * MINUTE],
    ['it leaves no scope in common with the other approvals, which leave b', to(undefined, 'a'), [to(undefined, 'b')], {}, 0],
    ['the approvals leave 5m from its start, and that time has passed', AS_REQUESTED, [to(5 * MINUTE)], { startsAt: at(0) }, 6 * MINUTE],
  ])('says %s', async (text, given, others, over, ms) => {
    const error = await refusal(() => refuseNarrowing(request(over), given, others, MINUTE, moment(ms)), 'ERR_JIT_REQUIREMENTS');
    expect(error.message.endsWith(`: ${text}`), error.message).toBe(true);
  });

  it('L18 lists every term that is not less than what was requested (feature 4)', async () => {
    expect(await problems(to(2 * HOUR, 'a', 'x', 'a:b'))).toEqual([
      ['ttl', 'too_long', HOUR, 2 * HOUR],
      ['scopes', 'not_allowed', 'a, b, c', 'x'],
      ['scopes', 'not_allowed', 'a, b, c', 'a:b'],
    ]);
  });

  it('accepts a scope only as it was requested literally, not one that a requested pattern covers', async () => {
    expect(await problems(to(undefined, 'db:x'), [], request({ scopes: ['db:*'] }))).toEqual([['scopes', 'not_allowed', 'db:*', 'db:x']]);
  });

  it('L3 refuses time below limits.minTtl, except the requested time itself', async () => {
    expect(await problems(to(MINUTE - 1))).toEqual([['ttl', 'too_short', MINUTE, MINUTE - 1]]);
    expect(() => refuseNarrowing(request(), to(MINUTE), [], MINUTE, moment())).not.toThrow();
    expect(() => refuseNarrowing(request({ ttlMs: 5 }), to(5), [], MINUTE, moment())).not.toThrow();
  });

  it('L4 counts of a window that has begun only the rest', async () => {
    const begun = request({ startsAt: at(0) });
    expect(await problems(to(5 * MINUTE), [], begun, 4 * MINUTE + 1)).toEqual([['ttl', 'too_short', MINUTE, MINUTE - 1]]);
    expect(await problems(to(5 * MINUTE), [], begun, 6 * MINUTE)).toEqual([['ttl', 'too_short', MINUTE, -MINUTE]]);
    expect(() => refuseNarrowing(begun, to(5 * MINUTE), [], MINUTE, moment(4 * MINUTE))).not.toThrow();
    expect(() => refuseNarrowing(request({ startsAt: at(HOUR) }), to(MINUTE), [], MINUTE, moment())).not.toThrow();
  });

  it('L10 refuses scopes of which the other approvals leave none, and names those that are left (feature 4)', async () => {
    expect(await problems(to(undefined, 'a'), [to(undefined, 'b', 'c'), to(undefined, 'a', 'b')])).toEqual([
      ['scopes', 'nothing_left', 'b', 'a'],
    ]);
    expect(() => refuseNarrowing(request(), to(undefined, 'a', 'b'), [to(undefined, 'b', 'c')], 1, moment())).not.toThrow();
    // Two reviewers may have narrowed at the same time, and neither commit saw the other approval.
    expect(await problems(AS_REQUESTED, [to(undefined, 'a'), to(undefined, 'c')])).toEqual([['scopes', 'nothing_left', '', 'a, b, c']]);
  });

  it('L4 refuses an approval at or after the end that the others leave of a window that has begun', async () => {
    const begun = request({ startsAt: at(0) });
    expect(await problems(AS_REQUESTED, [to(5 * MINUTE)], begun, 5 * MINUTE)).toEqual([['ttl', 'nothing_left', 5 * MINUTE, HOUR]]);
    expect(await problems(to(30 * MINUTE), [to(5 * MINUTE)], begun, 9 * MINUTE)).toEqual([
      ['ttl', 'nothing_left', 5 * MINUTE, 30 * MINUTE],
    ]);
    expect(() => refuseNarrowing(begun, AS_REQUESTED, [to(5 * MINUTE)], 1, moment(5 * MINUTE - 1))).not.toThrow();
    expect(() => refuseNarrowing(begun, AS_REQUESTED, [], 1, moment(2 * HOUR))).not.toThrow();
  });

  it('L27 judges that end also by the last instant of the request, which another clock may have written', async () => {
    const begun = request({ startsAt: at(0), assignedAt: at(MINUTE) });
    expect(await problems(AS_REQUESTED, [to(MINUTE)], begun, MINUTE)).toEqual([['ttl', 'nothing_left', MINUTE, HOUR]]);
  });
});

describe('narrowedTo()', () => {
  it('is undefined for a request without a quorum, which no approval can narrow', () => {
    expect(narrowedTo(request({ quorum: undefined }), moment())).toBeUndefined();
    const review = makeReview({ reviewer: 'user:sam', verdict: 'approve', groups: ['dba'], at: at(0) } as never);
    expect(freshApprovals(request({ quorum: undefined, reviews: [review] }), moment())).toEqual([]);
  });
});

describe('refuseTerms()', () => {
  it("compares with the approvals of the other reviewers: a reviewer's later approval replaces the earlier one", async () => {
    const quorum = aQuorum({ groups: [{ name: 'dba', approvals: 2 }] });
    const earlier = makeReview({ reviewer: 'user:sam', verdict: 'approve', groups: ['dba'], at: at(0), scopes: ['a'] } as never);
    const asked = request({ quorum, reviews: [earlier] });
    expect(() => refuseTerms(asked, 'user:sam', to(undefined, 'b'), 1, moment())).not.toThrow();
    await refusal(() => refuseTerms(asked, 'user:lee', to(undefined, 'b'), 1, moment()), 'ERR_JIT_REQUIREMENTS');
  });
});

describe('a narrowed request', () => {
  const narrowed = request({ end: approvedTo(MINUTE, 'a', 'c') });

  it('L10 has grant ids by the places of its scopes in what was requested, with gaps (feature 4)', () => {
    expect(grantIds(narrowed)).toEqual(['r1.1', 'r1.3']);
    expect(grantIds(request())).toEqual(['r1.1', 'r1.2', 'r1.3']);
    const denied = { status: 'denied', cause: 'quorum', at: at(0), by: 'x', reason: undefined } as const;
    expect(grantIds(request({ end: denied }))).toEqual(['r1.1', 'r1.2', 'r1.3']);
  });

  it.each([
    ['without a start', {}, at(5), at(5) + MINUTE],
    ['with a start that is to come', { startsAt: at(HOUR) }, at(HOUR), at(HOUR) + MINUTE],
    ['with a start that has passed', { startsAt: at(0) }, at(5), at(MINUTE)],
    [
      'of an extension',
      {
        extension: {
          grantIds: ['r0.1'],
          requestId: undefined,
          from: at(HOUR),
          firstStartsAt: at(0),
          until: at(9 * HOUR),
          breakGlass: false,
        },
      },
      at(HOUR),
      at(HOUR) + MINUTE,
    ],
  ])('L4 has the window of its narrowed time: %s', (_, over, startsAt, expiresAt) => {
    expect(windowOf({ ...narrowed, ...over }, at(5))).toEqual({ startsAt, expiresAt });
  });
});

describe('refuseTooMany()', () => {
  const scopes = Array.from({ length: 49 }, (_, i) => `${String(i).padStart(2, '0')}${'x'.repeat(60)}`);
  const reviews = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      makeReview({
        ...({ reviewer: `user:${i}`, verdict: 'approve', groups: ['g'], as: undefined, steps: undefined, at: at(0) } as const),
        ...{ reason: undefined, comment: undefined, ttlMs: undefined, scopes, auth: undefined },
      }),
    );

  it('L42 bounds the scopes that the reviews of a request name in all', async () => {
    const most = Math.floor(MAX_NARROWED_SCOPES / (49 * 65));
    expect(narrowedSize(reviews(2))).toBe(2 * 49 * 65);
    expect(() => refuseTooMany(request(), reviews(most))).not.toThrow();
    const refused = await refusal(() => refuseTooMany(request(), reviews(most + 1)), 'ERR_JIT_LIMIT');
    expect(refused).toMatchObject({ limit: 'narrowedScopes', max: MAX_NARROWED_SCOPES, got: (most + 1) * 49 * 65 });
    const rule = `at most ${MAX_NARROWED_SCOPES} characters of scopes; approve without scopes, or deny`;
    expect((refused as Error).message).toContain(rule);
    // Each scope counts with the three characters around it.
    const named = (length: number) => [{ ...reviews(1)[0], scopes: ['x'.repeat(length - 3)] }] as never;
    expect(() => refuseTooMany(request(), named(MAX_NARROWED_SCOPES))).not.toThrow();
    await refusal(() => refuseTooMany(request(), named(MAX_NARROWED_SCOPES + 1)), 'ERR_JIT_LIMIT');
    expect(narrowedSize([{ ...reviews(1)[0], scopes: undefined }] as never)).toBe(0);
  });
});
