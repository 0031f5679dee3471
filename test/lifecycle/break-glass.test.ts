import { describe, expect, it } from 'vitest';
import {
  reviewBreakGlass,
  breakGlass,
  missReview,
  type BreakGlassReviewContext,
  type Debtors,
  type PendingContext,
} from '../../src/lifecycle/break-glass.js';
import { isPurgeable } from '../../src/lifecycle/purge.js';
import type { Ask } from '../../src/lifecycle/ask.js';
import type { RequestLimits } from '../../src/lifecycle/request.js';
import type { IssueContext } from '../../src/lifecycle/grant.js';
import { workOnRequest } from '../../src/lifecycle/sweep.js';
import { readBreakGlass, type ParsedBreakGlass } from '../../src/lifecycle/verdict.js';
import { decodeRequest, encode, grantedOf, makeLocks, needsReview, type AccessRequest, type Subject } from '../../src/records/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { HOUR, LEE, MAYA, MINUTE, refusal } from '../engine/an-engine.js';
import { NO_LOCKS } from './no-locks.js';

/*
 * Tests the rules alone: they know only their arguments, not what an engine checks before.
 */

const NOOR = 'user:noor';
const at = (ms: number) => START_AT + ms;
const moment = (ms = 0, actor = MAYA) => ({ now: at(ms), highWater: at(ms), forEnds: at(ms), steppedBack: false, actor });

const ASK: Ask = {
  subject: MAYA,
  requestedBy: MAYA,
  agent: undefined,
  operator: undefined,
  scopes: ['a', 'b'],
  ttlMs: MINUTE,
  startsAt: undefined,
  extends: undefined,
  until: undefined,
  replaces: undefined,
  correlation: undefined,
  justification: 'the primary is down',
  ticket: undefined,
  metadata: undefined,
};
const LIMITS: RequestLimits & IssueContext['limits'] = {
  minTtlMs: 1_000,
  maxTtlMs: HOUR,
  maxTotalMs: HOUR,
  maxStartAheadMs: HOUR,
  reviewWithinMs: HOUR,
  retryMs: MINUTE,
  maxOpenRequests: 9,
  maxGrants: 9,
  duplicates: 'return',
  askAgainAfterMs: undefined,
  warnBeforeMs: [],
};
const FACTS: IssueContext & PendingContext & { limits: typeof LIMITS } = {
  open: [],
  covers: (taken, scope) => taken === scope,
  subject: undefined,
  live: [],
  given: new Map(),
  locks: NO_LOCKS,
  limits: LIMITS,
  asksAtStart: false,
  origins: [],
  chains: [],
};

type Approved = ParsedBreakGlass & { readonly verdict: { readonly outcome: 'approve' } };
const verdict = (over: object = {}) => readBreakGlass('policy', { outcome: 'approve', reviewWithinMs: HOUR, ...over }) as Approved;

const aSubject = (id: string, ...unreviewed: readonly string[]): Subject => ({
  ...{ kind: 'subject', id, version: 4, unreviewed, openedForOthers: [], denied: [] },
});
const GRANTED = grantedOf(aRequest());
const owing = (over: Partial<AccessRequest> = {}) =>
  aRequest({
    approver: 'policy',
    end: { status: 'approved', cause: 'break_glass', at: START_AT, by: MAYA, reason: undefined, granted: GRANTED },
    afterReview: {
      reviewBy: at(HOUR),
      reviewers: ['ciso'],
      skippedGroups: [],
      skippedPeople: undefined,
      missedAt: undefined,
      breakGlassReview: undefined,
    },
    ...over,
  });

describe('breakGlass()', () => {
  const NOBODY: Debtors = { subject: undefined, requester: undefined, unreviewed: new Map() };
  const tookBy = (id: string, requestedBy: string) => new Map([[id, owing({ id, requestedBy })]]);

  it('L25 writes request, grants and the row of the subject in one step, each with its entry', () => {
    const step = breakGlass(ASK, 'r9', verdict(), NOBODY, FACTS, moment());
    expect(step.put.map(({ kind, id, version }) => [kind, id, version])).toEqual([
      ['request', 'r9', 1],
      ['grant', 'r9.1', 1],
      ['grant', 'r9.2', 1],
      ['subject', MAYA, 1],
    ]);
    expect(step.entries.map(({ type }) => type)).toEqual(['request.created', 'request.approved', 'grant.issued', 'grant.issued']);
    expect(step.put.at(-1)).toMatchObject({ unreviewed: ['r9'] });
    expect(step.entries[0]?.data).toMatchObject({ subjectVersion: 1 });
  });

  it('L27 writes a request that can be read back and must be reviewed', () => {
    const { request } = breakGlass(ASK, 'r9', verdict({ skippedGroups: ['ops'], skippedPeople: [LEE] }), NOBODY, FACTS, moment()).result;
    expect(decodeRequest(encode(request))).toEqual(request);
    expect(encode(request)).toMatchObject({ open: true, dueAt: at(HOUR), sortAt: at(HOUR), createdAt: at(0) });
    expect(needsReview(request)).toBe(true);
  });

  it('writes the row of another requester too', () => {
    const ask = { ...ASK, requestedBy: NOOR };
    const step = breakGlass(
      ask,
      'r9',
      verdict({ maxUnreviewed: 3 }),
      { subject: aSubject(MAYA, 'x'), requester: aSubject(NOOR, 'y'), unreviewed: new Map() },
      FACTS,
      {
        ...moment(),
        actor: NOOR,
      },
    );
    expect(step.put.filter(({ kind }) => kind === 'subject')).toMatchObject([
      { id: MAYA, version: 5, unreviewed: ['x', 'r9'] },
      { id: NOOR, version: 5, unreviewed: ['y', 'r9'] },
    ]);
    expect(step.entries[1]).toMatchObject({ type: 'request.approved', actor: NOOR, data: { subjectVersion: 5, requesterVersion: 5 } });
  });

  it('is refused for a pending review of the subject or of the requester', async () => {
    const ask = { ...ASK, requestedBy: NOOR };
    for (const [debtors, who] of [
      [{ subject: aSubject(MAYA, 'x'), requester: aSubject(NOOR) }, MAYA],
      [{ subject: aSubject(MAYA), requester: aSubject(NOOR, 'x') }, NOOR],
      [{ subject: undefined, requester: aSubject(NOOR, 'x') }, NOOR],
    ] as const) {
      const known = { ...debtors, unreviewed: tookBy('x', who) };
      const error = await refusal(() => breakGlass(ask, 'r9', verdict(), known, FACTS, moment()), 'ERR_JIT_LIMIT');
      expect(error).toMatchObject({ limit: 'maxUnreviewed', max: 1, got: 2 });
      expect(error.message).toContain(who);
    }
    const one = { subject: aSubject(MAYA, 'x'), requester: undefined, unreviewed: new Map() };
    expect(breakGlass(ask, 'r9', verdict({ maxUnreviewed: 2 }), one, FACTS, moment()).put).toHaveLength(5);
  });

  it('L44 refuses no subject for what others took on its behalf, but refuses all others, and refuses if the requester of it is unknown', () => {
    const take = (requestedBy: string, unreviewed: Debtors['unreviewed']) => {
      const [subject, requester] = [aSubject(MAYA, 'x'), requestedBy === MAYA ? aSubject(MAYA, 'x') : aSubject(requestedBy)];
      return () => breakGlass({ ...ASK, requestedBy }, 'r9', verdict(), { subject, requester, unreviewed }, FACTS, moment());
    };
    expect(take(MAYA, tookBy('x', NOOR))).not.toThrow();
    expect(take(NOOR, tookBy('x', NOOR))).toThrow('must still be reviewed');
    expect(take(LEE, tookBy('x', NOOR))).toThrow('must still be reviewed');
    expect(take(LEE, tookBy('x', MAYA))).toThrow('must still be reviewed');
    expect(take(MAYA, new Map())).toThrow('must still be reviewed');
  });
});

describe('reviewBreakGlass()', () => {
  const facts = (over: Partial<BreakGlassReviewContext> = {}): BreakGlassReviewContext => ({
    may: true,
    locks: NO_LOCKS,
    debtors: { subject: aSubject(MAYA, 'x', 'r1', 'y'), requester: undefined, unreviewed: new Map() },
    grants: [],
    ...over,
  });
  const by = (actor: string) => moment(5, actor);
  const JUSTIFIED = { verdict: 'justified', reason: 'seen it' } as const;

  it('removes this review from the pending reviews, and no other', () => {
    const step = reviewBreakGlass(owing(), JUSTIFIED, facts(), by(LEE));
    expect(step.put).toMatchObject([
      {
        kind: 'request',
        id: 'r1',
        version: 2,
        afterReview: { breakGlassReview: { by: LEE, verdict: 'justified', at: at(5), reason: 'seen it' } },
      },
      { kind: 'subject', id: MAYA, version: 5, unreviewed: ['x', 'y'] },
    ]);
    expect(needsReview(step.result.request)).toBe(false);
    expect(step.dependsOn).toEqual([{ kind: 'lock', id: 'open', version: 0 }]);
    expect(encode(step.result.request)).toMatchObject({ open: false, dueAt: undefined, sortAt: undefined });
  });

  it('is refused to a locked reviewer, and not under a lock on the access', async () => {
    const lock = { id: 'l1', by: NOOR, at: at(0), until: undefined, completedAt: at(0) };
    const locked = (target: { subject: string | undefined; scope: string | undefined }) => ({
      locks: { row: makeLocks({ version: 1, locks: [{ ...lock, ...target }], ended: [] }), overlaps: () => true },
    });
    const onReviewer = facts(locked({ subject: LEE, scope: undefined }));
    await refusal(() => reviewBreakGlass(owing(), JUSTIFIED, onReviewer, by(LEE)), 'ERR_JIT_LOCKED');
    const onScope = facts(locked({ subject: undefined, scope: '**' }));
    expect(reviewBreakGlass(owing(), JUSTIFIED, onScope, by(LEE)).put).toHaveLength(2);
  });

  it('L15 L17 is refused to the subject, to the requester, and to a reviewer who may not review', async () => {
    const request = owing({ requestedBy: NOOR });
    for (const actor of [MAYA, NOOR]) await refusal(() => reviewBreakGlass(request, JUSTIFIED, facts(), by(actor)), 'ERR_JIT_SELF_REVIEW');
    await refusal(() => reviewBreakGlass(request, JUSTIFIED, facts({ may: false }), by(LEE)), 'ERR_JIT_NOT_REVIEWER');
  });

  it('L8 is given once: a repeat by the same person changes nothing, even if that person may no longer review', async () => {
    const done = reviewBreakGlass(owing(), JUSTIFIED, facts(), by(LEE)).result.request;
    expect(reviewBreakGlass(done, { ...JUSTIFIED, reason: 'other' }, facts({ may: false }), by(LEE))).toEqual({
      result: { request: done, grants: [] },
      put: [],
      entries: [],
    });
    for (const [actor, verdictOf] of [
      [LEE, 'unjustified'],
      [NOOR, 'justified'],
    ] as const) {
      await refusal(() => reviewBreakGlass(done, { verdict: verdictOf, reason: undefined }, facts(), by(actor)), 'ERR_JIT_DECIDED');
    }
  });

  it('L8 returns the grants too when it is repeated', () => {
    const done = reviewBreakGlass(owing(), JUSTIFIED, facts(), by(LEE)).result.request;
    const use = { grant: aGrant(), usage: undefined };
    const grants = [{ use, chain: { successors: [], requests: [] } }];
    expect(reviewBreakGlass(done, JUSTIFIED, facts({ grants }), by(LEE)).result.grants).toEqual([use.grant]);
  });

  it('L12 unjustified ends grants, successors and open extensions; justified none of them', () => {
    const grants = [
      {
        use: { grant: aGrant(), usage: undefined },
        chain: {
          successors: [
            { grant: aGrant({ id: 'r2.1', requestId: 'r2', startsAt: at(15 * MINUTE), expiresAt: at(HOUR) }), usage: undefined },
          ],
          requests: [aRequest({ id: 'r3' })],
        },
      },
      {
        use: {
          grant: aGrant({ id: 'r1.2', end: { status: 'expired', cause: 'time', at: at(1), by: 'x', reason: undefined } }),
          usage: undefined,
        },
        chain: { successors: [], requests: [] },
      },
    ];
    const ends = (verdictOf: 'justified' | 'unjustified') =>
      reviewBreakGlass(owing(), { verdict: verdictOf, reason: 'r' }, facts({ grants }), by(LEE))
        .put.filter(({ kind }) => kind !== 'subject')
        .slice(1)
        .map((record) => [record.id, 'end' in record ? record.end?.cause : undefined]);
    expect(ends('unjustified')).toEqual([
      ['r1.1', 'unjustified'],
      ['r2.1', 'origin_ended'],
      ['r3', 'origin_ended'],
    ]);
    expect(ends('justified')).toEqual([]);
  });

  it('L27 has an instant no earlier than the last one on the request', () => {
    const request = owing({ end: { status: 'approved', cause: 'break_glass', at: at(9), by: MAYA, reason: undefined, granted: GRANTED } });
    expect(reviewBreakGlass(request, JUSTIFIED, facts(), by(LEE)).entries).toMatchObject([{ at: at(9) }]);
  });

  it('is refused for a request that is not break-glass', async () => {
    const error = await refusal(() => reviewBreakGlass(aRequest(), JUSTIFIED, facts(), by(LEE)), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error.argument).toBe('requestId');
  });
});

describe('missReview()', () => {
  it('leaves a request unchanged that needs no review', () => {
    const request = aRequest();
    expect(missReview(request, moment())).toEqual({ result: request, put: [], entries: [] });
  });

  it('marks the review as overdue, and leaves it pending', () => {
    const step = missReview(owing(), moment(HOUR + 5));
    expect(step.result.afterReview).toMatchObject({ missedAt: at(HOUR + 5), breakGlassReview: undefined });
    expect(needsReview(step.result)).toBe(true);
    expect(encode(step.result)).toMatchObject({ open: true, dueAt: undefined, sortAt: at(HOUR) });
  });
});

describe('workOnRequest()', () => {
  it.each<[string, Partial<AccessRequest>, number, string | undefined]>([
    ['before its deadline', {}, HOUR - 1, undefined],
    ['at its deadline', {}, HOUR, 'missed'],
    ['after the deadline is recorded', { afterReview: { ...owing().afterReview!, missedAt: at(HOUR) } }, HOUR + 5, undefined],
    [
      'after the review has been given',
      { afterReview: { ...owing().afterReview!, breakGlassReview: { by: LEE, verdict: 'justified', at: at(2), reason: undefined } } },
      HOUR,
      undefined,
    ],
    ['without a pending review', { afterReview: undefined }, HOUR * 99, undefined],
  ])('finds that a review is overdue: %s', (_, over, ms, work) => {
    expect(workOnRequest(owing(over), moment(ms))).toBe(work);
  });
});

describe('isPurgeable()', () => {
  it('L33 never purges a request without a recorded end, of any age', () => {
    expect(isPurgeable(aRequest(), [], new Set(), at(HOUR * 99))).toBe(false);
  });

  it('L33 never purges a request whose review is pending', () => {
    const ended = aGrant({ end: { status: 'expired', cause: 'time', at: at(1), by: 'x', reason: undefined } });
    expect(isPurgeable(owing(), [ended], new Set(), at(HOUR * 99))).toBe(false);
    const done = owing({
      afterReview: {
        reviewBy: at(1),
        reviewers: [],
        skippedGroups: [],
        skippedPeople: undefined,
        missedAt: undefined,
        breakGlassReview: { by: LEE, verdict: 'justified', at: at(2), reason: undefined },
      },
    });
    for (const [before, goes] of [
      [2, false],
      [3, true],
    ] as const)
      expect(isPurgeable(done, [ended], new Set(), at(before))).toBe(goes);
  });

  it('L12 L33 purges no grant through which a live chain is revoked, or which an open request extends', () => {
    const end = (ms: number) => ({ status: 'expired', cause: 'time', at: at(ms), by: 'x', reason: undefined }) as const;
    const request = aRequest({ end: { status: 'approved', cause: 'quorum', at: at(0), by: 'x', reason: undefined, granted: GRANTED } });
    const own = aGrant({ end: end(1) });
    const next = (over: object) => aGrant({ id: 'r2.1', requestId: 'r2', extends: own.id, ...over });
    for (const [what, line, origins, goes] of [
      ['alone', [], [], true],
      ['with all of its chain ended', [next({ end: end(5) })], [], true],
      ['with a live successor', [next({})], [], false],
      ['with a successor that ended after the horizon', [next({ end: end(11) })], [], false],
      ['with a live grant further down the chain', [next({ end: end(5) }), next({ id: 'r3.1', extends: 'r2.1' })], [], false],
      ['with an open request to extend it', [], [own.id], false],
      ['with an open request to extend its successor', [next({ end: end(5) })], ['r2.1'], false],
      ['with an open request to extend another', [], ['r7.1'], true],
    ] as const) {
      expect([what, isPurgeable(request, [own, ...line], new Set<string>(origins), at(10))]).toEqual([what, goes]);
    }
  });
});
