import { describe, expect, it } from 'vitest';
import { applyVerdict } from '../../src/lifecycle/decision.js';
import { countsIn, isEscalationDue, mayAct, reviewBy, reviewRequest } from '../../src/lifecycle/review.js';
import { readVerdict } from '../../src/lifecycle/verdict.js';
import { toJson, type Quorum, type Review } from '../../src/records/index.js';
import { aRequest, START_AT } from '../../src/testing.js';
import { ANA, LEE, MAYA, MINUTE, refusal, SAM } from '../engine/an-engine.js';

/*
 * The rules alone, where an engine never brings them: what it has looked at before can't be relied upon.
 */

const at = (ms: number) => START_AT + ms;
const moment = (ms = 0, actor = SAM) => ({ now: at(ms), highWater: at(ms), forEnds: at(ms), steppedBack: false, actor });
const command = { verdict: 'approve', reason: undefined, comment: undefined, as: undefined, link: undefined } as const;

const QUORUM: Quorum = {
  groups: [
    { name: 'ops', approvals: 1 },
    { name: 'sec', approvals: 1 },
  ],
  denials: 1,
  approvalTtlMs: undefined,
  escalation: { group: 'leads', afterMs: MINUTE },
};
const assigned = { approver: 'x', assignedAt: START_AT, quorum: QUORUM };
const by = (reviewer: string, groups: readonly string[], verdict: Review['verdict'] = 'approve'): Review => ({
  reviewer,
  verdict,
  groups,
  as: undefined,
  at: START_AT,
  reason: undefined,
  comment: undefined,
});
/** Told outright, not found by what happens to break without them. */
const CONTEXT_MISSING = new TypeError('an approval needs its context');
const nobody = { groups: new Map<string, readonly string[]>(), eligible: undefined, issue: undefined };

describe('countsIn()', () => {
  it('L16 is nowhere while there is no quorum, whatever groups somebody is in', () => {
    expect(countsIn(aRequest(), ['ops', 'sec', 'leads'], moment())).toEqual([]);
    expect(mayAct(aRequest(), SAM, ['ops'], moment())).toEqual([]);
  });

  it('L2 an escalation without an instant to run from never begins', () => {
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
    ['nothing stands against it', {}, ['ops']],
    ['it has been decided', { end }, []],
    ['it is their own', { subject: SAM }, []],
    ['they asked for it', { requestedBy: SAM }, []],
    ['there is no quorum, whatever they are said to have said', { quorum: undefined, reviews: [by(SAM, ['ops'])] }, []],
    ['its time is over', { reviewBy: START_AT }, []],
    ['they have said something that is fresh', { reviews: [by(SAM, ['ops'])] }, []],
    ['somebody else has', { reviews: [by(ANA, ['ops'])] }, ['ops']],
  ])('L13 L15 L16 names the groups in which somebody can still say something: %s', (_, over, groups) => {
    expect(mayAct(aRequest({ ...assigned, ...over }), SAM, ['ops'], moment())).toEqual(groups);
  });
});

describe('reviewBy()', () => {
  it('finds what a reviewer has said', () => {
    const reviews = [by(ANA, ['ops']), by(LEE, ['sec'])];
    expect(reviewBy(aRequest({ reviews }), LEE)).toBe(reviews[1]);
    expect(reviewBy(aRequest({ reviews }), SAM)).toBeUndefined();
  });
});

describe('reviewRequest()', () => {
  it('L17 refuses a reviewer whose groups were not asked about', async () => {
    await refusal(() => reviewRequest(aRequest(assigned), command, nobody, moment()), 'ERR_JIT_NOT_REVIEWER');
  });

  it('L9 L13 L15 L16 refuses in this order: decided, own, late, no quorum, an expired link, no group, a used link, a denial before', async () => {
    const end = { status: 'denied', cause: 'quorum', at: START_AT, by: ANA, reason: undefined } as const;
    const link = { expiresAt: at(1), reviewedAt: at(-1) };
    const said = { ...command, link };
    const own = aRequest({ subject: SAM, end, reviewBy: at(1) });
    const member = { ...nobody, groups: new Map([[SAM, ['ops']]]) };
    const late = aRequest({ reviewBy: at(1) });
    const denied = aRequest({ ...assigned, reviews: [by(SAM, ['ops'], 'deny')] });
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
    const fresh = { ...command, link: { ...link, reviewedAt: START_AT } };
    expect(await refusal(() => reviewRequest(denied, fresh, member, moment()), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({
      why: 'has_denied',
    });
  });

  it('L25 L27 a denial has on record, in one step, the review that made it', () => {
    const groups = new Map([[SAM, ['ops', 'elsewhere']]]);
    const said = { ...command, verdict: 'deny', reason: 'not tonight' } as const;
    const request = aRequest({ ...assigned, reviews: [by(ANA, ['sec'])] });
    const step = reviewRequest(request, said, { ...nobody, groups }, moment(5));
    const review = { ...by(SAM, ['ops'], 'deny'), at: at(5), reason: 'not tonight' };
    const end = { status: 'denied', cause: 'quorum', at: at(5), by: SAM, reason: 'not tonight' };
    expect(step.put).toEqual([{ ...request, version: 2, reviews: [...request.reviews, review], end }]);
    expect(step.entries.map(({ type, data }) => [type, data['review'] ?? data['reviews']])).toEqual([
      ['request.reviewed', toJson(review)],
      ['request.denied', toJson([...request.reviews, review])],
    ]);
  });

  it.each([2, 1.5, 2 ** 53, Infinity])('L16 one approval never suffices where a group needs %s', (approvals) => {
    const quorum = { ...QUORUM, groups: [{ name: 'ops', approvals }] };
    const groups = new Map([[SAM, ['ops']]]);
    const { result } = reviewRequest(aRequest({ ...assigned, quorum }), command, { groups, eligible: false, issue: undefined }, moment());
    expect(result.request.end).toBeUndefined();
  });

  it('L10 gives nothing without what an approval needs: that is a mistake of its caller, and told', () => {
    const request = aRequest({ ...assigned, reviews: [by(ANA, ['ops'])] });
    const groups = new Map([
      [SAM, ['sec']],
      [ANA, ['ops']],
    ]);
    expect(() => reviewRequest(request, command, { groups, eligible: true, issue: undefined }, moment())).toThrow(CONTEXT_MISSING);
    expect(reviewRequest(request, command, { groups, eligible: false, issue: undefined }, moment()).result.request.end).toMatchObject({
      status: 'denied',
      cause: 'ineligible',
      reason: 'the subject is no longer eligible',
    });
    // Nobody asked whether the subject may hold it: that is no yes.
    expect(reviewRequest(request, command, { groups, eligible: undefined, issue: undefined }, moment()).result.request.end).toBeUndefined();
  });
});

describe('settle()', () => {
  it('L10 gives nothing without what an approval needs', () => {
    expect(() => applyVerdict(aRequest({ subject: MAYA }), readVerdict('x', { outcome: 'approve' }), undefined, moment())).toThrow(
      CONTEXT_MISSING,
    );
  });

  it('L10 gives nothing yet where people are to decide', () => {
    const answer = readVerdict('x', { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } });
    const { result, put } = applyVerdict(aRequest(), answer, undefined, moment());
    expect(result).toMatchObject({ request: { quorum: { denials: 1 }, end: undefined }, grants: [] });
    expect(put).toEqual([result.request]);
  });
});
