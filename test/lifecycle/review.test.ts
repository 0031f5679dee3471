import { describe, expect, it } from 'vitest';
import { applyVerdict } from '../../src/lifecycle/decision.js';
import { countsIn, mayAct, questionsOf, reviewBy, reviewRequest, type ReviewCommand } from '../../src/lifecycle/review.js';
import { isEscalationDue } from '../../src/lifecycle/steps.js';
import { readVerdict } from '../../src/lifecycle/verdict.js';
import { toJson, type Quorum } from '../../src/records/index.js';
import { aRequest, START_AT } from '../../src/testing.js';
import { ANA, HOUR, LEE, MAYA, MINUTE, refusal, SAM } from '../engine/an-engine.js';
import { aQuorum } from './a-quorum.js';
import { APPROVE, aReview, ISSUE } from './a-review.js';
import { NO_LOCKS } from './no-locks.js';

/*
 * Tests the rules alone: in cases that an engine never reaches, and in the tables of cases that need no engine.
 */

const at = (ms: number) => START_AT + ms;
const moment = (ms = 0, actor = SAM) => ({ now: at(ms), highWater: at(ms), forEnds: at(ms), steppedBack: false, actor });
const QUORUM = aQuorum({
  groups: [
    { name: 'ops', approvals: 1 },
    { name: 'sec', approvals: 1 },
  ],
  escalation: { group: 'leads', afterMs: MINUTE },
});
const assigned = { approver: 'x', assignedAt: START_AT, quorum: QUORUM };
/** Thrown explicitly, instead of an accidental error without the context. */
const CONTEXT_MISSING = new TypeError('an approval needs its context');
const nobody = { groups: new Map<string, readonly string[]>(), eligible: undefined, issue: undefined, locks: NO_LOCKS, minTtlMs: 1 };

describe('countsIn()', () => {
  it('L16 returns no group while there is no quorum, for any groups of the reviewer', () => {
    expect(countsIn(aRequest(), ['ops', 'sec', 'leads'], moment())).toEqual([]);
    expect(mayAct(aRequest(), SAM, ['ops'], moment())).toEqual([]);
  });

  it('L2 an escalation without an instant to count from never begins', () => {
    const request = aRequest({ ...assigned, assignedAt: undefined });
    expect(countsIn(request, ['leads'], moment(9 * MINUTE))).toEqual([]);
    expect(isEscalationDue(request, moment(9 * MINUTE))).toBe(false);
    expect(isEscalationDue(aRequest(assigned), moment(MINUTE))).toBe(true);
    expect(isEscalationDue(aRequest(assigned), moment(MINUTE - 1))).toBe(false);
    const end = { status: 'denied', cause: 'quorum', at: START_AT, by: ANA, reason: undefined } as const;
    expect(isEscalationDue(aRequest({ ...assigned, end }), moment(MINUTE))).toBe(false);
    expect(countsIn(aRequest(assigned), ['leads'], moment(MINUTE))).toEqual(['ops', 'sec']);
    expect(countsIn(aRequest(assigned), ['leads'], moment(MINUTE - 1))).toEqual([]);
  });
});

describe('mayAct()', () => {
  const end = { status: 'denied', cause: 'quorum', at: START_AT, by: ANA, reason: undefined } as const;

  it.each([
    ['nothing prevents a review', {}, ['ops']],
    ['the request has been decided', { end }, []],
    ['the reviewer is the subject', { subject: SAM }, []],
    ['the reviewer is the requester', { requestedBy: SAM }, []],
    ['there is no quorum, even with an earlier review', { quorum: undefined, reviews: [aReview(SAM, ['ops'])] }, []],
    ['the deadline has passed', { reviewBy: START_AT }, []],
    ['the reviewer has a fresh review', { reviews: [aReview(SAM, ['ops'])] }, []],
    ['another reviewer has a fresh review', { reviews: [aReview(ANA, ['ops'])] }, ['ops']],
  ])('L13 L15 L16 names the groups in which a reviewer can still review: %s', (_, over, groups) => {
    expect(mayAct(aRequest({ ...assigned, ...over }), SAM, ['ops'], moment())).toEqual(groups);
  });
});

describe('reviewBy()', () => {
  it('finds the review of a reviewer', () => {
    const reviews = [aReview(ANA, ['ops']), aReview(LEE, ['sec'])];
    expect(reviewBy(aRequest({ reviews }), LEE)).toBe(reviews[1]);
    expect(reviewBy(aRequest({ reviews }), SAM)).toBeUndefined();
  });
});

describe('reviewRequest()', () => {
  it('L17 refuses a reviewer whose groups are not known', async () => {
    await refusal(() => reviewRequest(aRequest(assigned), APPROVE, nobody, moment()), 'ERR_JIT_NOT_REVIEWER');
  });

  it('L9 L13 L15 L16 refuses in this order: decided, own, late, no quorum, an expired link, no group, a used link, an earlier denial', async () => {
    const end = { status: 'denied', cause: 'quorum', at: START_AT, by: ANA, reason: undefined } as const;
    const link = { expiresAt: at(1), reviewedAt: at(-1) };
    const said = { ...APPROVE, link };
    const own = aRequest({ subject: SAM, end, reviewBy: at(1) });
    const member = { ...nobody, groups: new Map([[SAM, ['ops']]]) };
    const late = aRequest({ reviewBy: at(1) });
    const denied = aRequest({ ...assigned, reviews: [aReview(SAM, ['ops'], 'deny')] });
    for (const [request, facts, ms, code, what] of [
      [own, nobody, 1, 'ERR_JIT_DECIDED', {}],
      [{ ...own, end: undefined }, nobody, 1, 'ERR_JIT_SELF_REVIEW', {}],
      [late, nobody, 1, 'ERR_JIT_DEADLINE', {}],
      [aRequest(), nobody, 1, 'ERR_JIT_UNDECIDED', {}],
      [denied, nobody, 1, 'ERR_JIT_LINK', { why: 'expired' }],
      [denied, nobody, 0, 'ERR_JIT_NOT_REVIEWER', { why: 'not_in_group' }],
      [denied, member, 0, 'ERR_JIT_LINK', { why: 'used' }],
    ] as const) {
      expect(await refusal(() => reviewRequest(request, said, facts, moment(ms)), code)).toMatchObject(what);
    }
    const fresh = { ...APPROVE, link: { ...link, reviewedAt: START_AT } };
    expect(await refusal(() => reviewRequest(denied, fresh, member, moment()), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({
      why: 'has_denied',
    });
  });

  it('L25 L27 a denial records in one step the review that made it', () => {
    const groups = new Map([[SAM, ['ops', 'elsewhere']]]);
    const said = { ...APPROVE, verdict: 'deny', reason: 'not tonight' } as const;
    const request = aRequest({ ...assigned, reviews: [aReview(ANA, ['sec'])] });
    const step = reviewRequest(request, said, { ...nobody, groups }, moment(5));
    const review = { ...aReview(SAM, ['ops'], 'deny'), at: at(5), reason: 'not tonight' };
    const end = { status: 'denied', cause: 'quorum', at: at(5), by: SAM, reason: 'not tonight' };
    expect(step.put).toEqual([{ ...request, version: 2, reviews: [...request.reviews, review], end }]);
    expect(step.entries.map(({ type, data }) => [type, data['review'] ?? data['reviews']])).toEqual([
      ['request.reviewed', toJson(review)],
      ['request.denied', toJson([...request.reviews, review])],
    ]);
  });

  it.each([2, 1.5, 2 ** 53, Infinity])('L16 one approval never suffices where a group needs %s', (approvals) => {
    const quorum = { ...QUORUM, groups: [{ name: 'ops', approvals, denials: undefined }] };
    const groups = new Map([[SAM, ['ops']]]);
    const { result } = reviewRequest(aRequest({ ...assigned, quorum }), APPROVE, { ...nobody, groups, eligible: false }, moment());
    expect(result.request.end).toBeUndefined();
  });

  it('L10 throws without the context of an approval, and grants nothing', () => {
    const request = aRequest({ ...assigned, reviews: [aReview(ANA, ['ops'])] });
    const groups = new Map([
      [SAM, ['sec']],
      [ANA, ['ops']],
    ]);
    expect(() => reviewRequest(request, APPROVE, { ...nobody, groups, eligible: true }, moment())).toThrow(CONTEXT_MISSING);
    expect(reviewRequest(request, APPROVE, { ...nobody, groups, eligible: false }, moment()).result.request.end).toMatchObject({
      status: 'denied',
      cause: 'ineligible',
      reason: 'the subject is no longer eligible',
    });
    // Without an answer about eligibility, the request is not approved.
    expect(reviewRequest(request, APPROVE, { ...nobody, groups }, moment()).result.request.end).toBeUndefined();
  });
});

type Members = Readonly<Record<string, readonly string[]>>;

/**
 * A request with a quorum, and a function that records one review of it and returns the outcome. The rule receives the answers
 * that an engine asks for: the reviewer's groups and, where the review may complete the quorum, those of all reviewers.
 */
function reviewed(quorum: Partial<Quorum>) {
  let request = aRequest({ ...assigned, quorum: { ...QUORUM, escalation: undefined, ...quorum }, reviewBy: at(9 * HOUR) });
  return (members: Members, reviewer: string, said: Partial<ReviewCommand> & { readonly ms?: number } = {}): string => {
    const { ms = 0, ...over } = said;
    const groupsOf = (who: string) => members[who] ?? [];
    const { reviewers: confirm } = questionsOf(request, reviewer, over.verdict ?? 'approve', groupsOf(reviewer));
    const groups = new Map([reviewer, ...confirm].map((who) => [who, groupsOf(who)]));
    const context = confirm.length > 0 ? { groups, eligible: true, issue: ISSUE, locks: NO_LOCKS, minTtlMs: 1 } : { ...nobody, groups };
    request = reviewRequest(request, { ...APPROVE, ...over }, context, moment(ms, reviewer)).result.request;
    return request.end?.status ?? 'pending';
  };
}

const TEAMS: Members = { ola: ['ops'], oke: ['ops'], sia: ['sec'], sem: ['sec'], bo: ['ops', 'sec'], lo: ['leads'], lea: ['leads'] };
const groupsOf = (approvals: Readonly<Record<string, number>>) =>
  Object.entries(approvals).map(([name, count]) => ({ name, approvals: count, denials: undefined }));

describe('a quorum of several groups', () => {
  const XYZ: Members = { a: ['x', 'y', 'z'], b: ['x', 'y'], c: ['x'], d: ['y', 'z'] };

  it.each<[Readonly<Record<string, number>>, Members, readonly string[]]>([
    [{ ops: 2, sec: 1 }, TEAMS, ['ola', 'oke', 'sia']],
    [{ ops: 2, sec: 1 }, TEAMS, ['sia', 'sem', 'ola', 'oke']],
    [{ ops: 2, sec: 1 }, TEAMS, ['bo', 'ola', 'oke']],
    [{ ops: 2, sec: 1 }, TEAMS, ['bo', 'sia', 'ola']],
    [{ ops: 1, sec: 1 }, TEAMS, ['bo', 'ola']],
    [{ ops: 1, sec: 1 }, TEAMS, ['bo', 'sia']],
    [{ x: 1, y: 1, z: 1 }, XYZ, ['a', 'b', 'c']],
    [{ x: 1, y: 1, z: 1 }, XYZ, ['c', 'b', 'a']],
    [{ x: 1, y: 1, z: 1 }, XYZ, ['b', 'a', 'c']],
    [{ x: 1, y: 1, z: 1 }, XYZ, ['a', 'd', 'c']],
    [{ x: 1, y: 1, z: 1 }, XYZ, ['d', 'b', 'c']],
    // Enough reviewers in all, but too few in one group.
    [{ ops: 1, sec: 2 }, TEAMS, ['ola', 'oke', 'sia', 'sem']],
    // Enough reviewers who all sit in one group.
    [{ ops: 2, sec: 1 }, { ...TEAMS, ot: ['ops'] }, ['ola', 'oke', 'ot', 'bo']],
  ])('L14 %j of %j is complete with the last of %j, and not before', (approvals, members, order) => {
    const review = reviewed({ groups: groupsOf(approvals) });
    const outcomes = order.map((reviewer) => review(members, reviewer));
    expect(outcomes).toEqual(order.map((_, i) => (i === order.length - 1 ? 'approved' : 'pending')));
  });

  it.each([
    ['ola', 'sec'],
    ['x', 'finance'],
    ['x', 'sec'],
    ['bo', 'ops,sec'],
    ['bo', 'OPS'],
    ['bo', '*'],
  ])('L17 %s may not review as %j', async (reviewer, as) => {
    const members = { ...TEAMS, x: ['ops', 'finance'] };
    for (const verdict of ['approve', 'deny'] as const) {
      const error = await refusal(() => reviewed({})(members, reviewer, { verdict, as }), 'ERR_JIT_NOT_REVIEWER');
      expect(error.why).toBe('not_in_group');
    }
  });
});

describe('an approval that goes stale', () => {
  for (const [ms, counts] of [
    [MINUTE - 1, true],
    [MINUTE, false],
    [MINUTE + 1, false],
  ] as const) {
    it(`L17 ${counts ? 'counts' : 'does not count'} ${ms - MINUTE} ms from its end`, () => {
      const review = reviewed({ approvalTtlMs: MINUTE });
      expect(review(TEAMS, 'ola')).toBe('pending');
      expect(review(TEAMS, 'sia', { ms })).toBe(counts ? 'approved' : 'pending');
    });
  }
});

describe('an escalation', () => {
  const escalation = [{ group: 'leads', afterMs: MINUTE }];

  it.each([[['ola']], [['sia']], [['lea']], [['lo', 'ola']]])(
    'L14 counts a member of its group in any group of the quorum, once: with %j the quorum is complete',
    (others) => {
      const review = reviewed({ escalation });
      expect(review(TEAMS, 'lo', { ms: MINUTE })).toBe('pending');
      const outcomes = others.map((reviewer) => review(TEAMS, reviewer, { ms: MINUTE }));
      expect(outcomes).toEqual(others.map((_, i) => (i === others.length - 1 ? 'approved' : 'pending')));
    },
  );

  it.each([
    [['ops', 'leads'], 'ola', 'approved'],
    [['leads'], 'ola', 'approved'],
    // With ops alone the quorum lacks sec, for which a lead may stand in.
    [['ops'], 'ola', 'pending'],
    [['ops'], 'sia', 'approved'],
    [['sec'], 'ola', 'pending'],
  ])('L17 counts a reviewer who was in ops and leads, and is now in %j: with %s the request is %s', (now, other, outcome) => {
    const review = reviewed({ escalation });
    expect(review({ lo: ['ops', 'leads', 'finance'] }, 'lo')).toBe('pending');
    expect(review({ ...TEAMS, lo: now }, other, { ms: MINUTE })).toBe(outcome);
  });
});

describe('the deadline that a rule sets', () => {
  for (const [ms, inTime] of [
    [HOUR - 1, true],
    [HOUR, false],
    [HOUR + 1, false],
  ] as const) {
    it(`L13 ${inTime ? 'accepts' : 'refuses'} a review ${ms - HOUR} ms from it`, async () => {
      const quorum = { groups: [{ name: 'ops', approvals: 2 }], denials: 2, reviewWithinMs: HOUR };
      const answer = readVerdict('x', { outcome: 'review', quorum });
      const { request } = applyVerdict(aRequest({ reviewBy: at(9 * HOUR) }), answer, undefined, moment()).result;
      for (const verdict of ['approve', 'deny'] as const) {
        const review = () => reviewRequest(request, { ...APPROVE, verdict }, { ...nobody, groups: new Map([[SAM, ['ops']]]) }, moment(ms));
        if (inTime) expect(review().result.request.reviews).toHaveLength(1);
        else expect(await refusal(review, 'ERR_JIT_DEADLINE')).toMatchObject({ requestId: request.id, reviewBy: at(HOUR) });
      }
    });
  }
});

describe('applyVerdict()', () => {
  it('L10 throws without the context of an approval', () => {
    expect(() => applyVerdict(aRequest({ subject: MAYA }), readVerdict('x', { outcome: 'approve' }), undefined, moment())).toThrow(
      CONTEXT_MISSING,
    );
  });

  it('L10 issues no grant while reviewers have to decide', () => {
    const answer = readVerdict('x', { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } });
    const { result, put } = applyVerdict(aRequest(), answer, undefined, moment());
    expect(result).toMatchObject({ request: { quorum: { denials: 1 }, end: undefined }, grants: [] });
    expect(put).toEqual([result.request]);
  });
});
