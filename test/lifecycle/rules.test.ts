import { describe, expect, it } from 'vitest';
import type { AccessRequest, Grant } from '../../src/index.js';
import { approveRequest, cancelRequest, applyVerdict } from '../../src/lifecycle/decision.js';
import { anyGrantIds, grantIds, reasonOfTime } from '../../src/lifecycle/grant.js';
import { differencesFrom } from '../../src/lifecycle/ask.js';
import { openRequest } from '../../src/lifecycle/request.js';
import { beyondLimits, beyondTerms, refusalOf, refuseUnmet } from '../../src/lifecycle/requirements.js';
import { questionsOf, reviewRequest, type ReviewContext } from '../../src/lifecycle/review.js';
import { touchGrant } from '../../src/lifecycle/usage.js';
import { windowOf } from '../../src/lifecycle/window.js';
import { makeTerms, makeUsage } from '../../src/records/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { refusal } from '../engine/an-engine.js';
import { aQuorum } from './a-quorum.js';
import { APPROVE, aReview, ISSUE as issue } from './a-review.js';
import { NO_LOCKS } from './no-locks.js';

/*
 * The rules do not rely on what the engine checks before it applies them. These tests cover what the engine never asks of the
 * rules; the tests of the engine cover the rest.
 */
const moment = { now: START_AT, highWater: START_AT, forEnds: START_AT, steppedBack: false, actor: 'user:sam' };
const quorumOf = (approvals: number) => aQuorum({ groups: [{ name: 'g', approvals }] });
const terms = makeTerms({
  ...{ warnBeforeMs: undefined, idleTtlMs: undefined, maxUses: undefined, maxTotalMs: undefined },
  ...{ endBy: undefined, maxHolders: undefined },
});
const end = { status: 'denied', cause: 'quorum', at: START_AT, by: 'user:sam', reason: undefined } as const;

describe('applyVerdict()', () => {
  const cases: readonly (readonly [string, AccessRequest])[] = [
    ['has been decided', aRequest({ approver: 'x', end })],
    ['has been cancelled before it was decided', aRequest({ end: { ...end, status: 'cancelled', cause: 'cancelled' } })],
    ['has its quorum', aRequest({ approver: 'x', quorum: quorumOf(1) })],
  ];
  for (const [what, request] of cases) {
    it(`L8 leaves a request that ${what} unchanged`, () => {
      const step = applyVerdict(
        request,
        { approver: 'late', rule: undefined, verdict: { outcome: 'approve', reason: undefined, terms } },
        issue,
        moment,
      );
      expect(step).toEqual({ result: { request, grants: undefined }, put: [], entries: [] });
    });
  }
});

describe('applyVerdict() for an extension of break-glass access', () => {
  const extension = {
    grantIds: ['r0.1'],
    requestId: undefined,
    from: START_AT,
    firstStartsAt: START_AT,
    until: START_AT + 3_600_000,
    breakGlass: true,
  };
  const answer = { approver: 'policy', rule: 'night', verdict: { outcome: 'approve', reason: undefined, terms } } as const;

  it('denies for any verdict of the approver, and records the reason and the approver', () => {
    const { result, entries } = applyVerdict(aRequest({ extension }), answer, issue, moment);
    expect(result.request).toMatchObject({ approver: 'policy', rule: 'night', end: { status: 'denied', cause: 'approver' } });
    expect(result.request.end?.reason).toContain('break-glass');
    expect(entries).toMatchObject([{ type: 'request.denied', data: { approver: 'policy', rule: 'night' } }]);
    expect(result.grants).toEqual([]);
  });
});

describe('cancelRequest()', () => {
  it.each([
    ['cancelled', 'cancelled'],
    ['expired', 'time'],
  ] as const)('L8 changes nothing, and returns no grants, if the request is %s', (status, cause) => {
    const request = aRequest({ end: { ...end, status, cause } as AccessRequest['end'] });
    const step = cancelRequest(request, { cause: 'revoked', reason: undefined }, moment);
    expect(step).toEqual({ result: { request, grants: [] }, put: [], entries: [] });
  });
});

describe('questionsOf()', () => {
  it('L16 names no reviewer while there is no quorum', () => {
    expect(questionsOf(aRequest(), 'user:sam', 'approve', ['g']).reviewers).toEqual([]);
  });
});

describe('questionsOf()', () => {
  const said = (reviewer: string) => aReview(reviewer, ['g']);
  const confirm = (...reviewers: readonly string[]) =>
    questionsOf(aRequest({ quorum: quorumOf(2), reviews: reviewers.map(said) }), 'user:sam', 'approve', ['g']).reviewers;

  it('L14 ignores the earlier review of a reviewer who reviews again', () => {
    expect(confirm('user:sam')).toEqual([]);
    expect(confirm('user:sam', 'user:ana')).toEqual(['user:sam', 'user:ana']);
    expect(confirm('user:ana')).toEqual(['user:sam', 'user:ana']);
  });

  it('L16 counts no approval for a denial', () => {
    const request = aRequest({ quorum: { ...quorumOf(3), denials: 2 }, reviews: [said('user:ana')] });
    expect(questionsOf(request, 'user:sam', 'deny', ['g']).reviewers).toEqual([]);
  });

  it('L16 asks about every reviewer if one denial ends the request, for any number of required approvals', () => {
    const request = aRequest({ quorum: quorumOf(3), reviews: [said('user:ana')] });
    expect(questionsOf(request, 'user:sam', 'deny', ['g']).reviewers).toEqual(['user:sam', 'user:ana']);
  });
});

describe('reviewRequest()', () => {
  it('L14 L25 does not record a repeated review again, also if the quorum is complete only now', () => {
    const reviews = [aReview('user:sam', ['g'])];
    const request = aRequest({ approver: 'x', quorum: quorumOf(1), assignedAt: START_AT, reviews });
    const step = reviewRequest(
      request,
      APPROVE,
      { groups: new Map([['user:sam', ['g']]]), eligible: true, issue, locks: NO_LOCKS, minTtlMs: 1 },
      moment,
    );
    expect(step.entries.map(({ type }) => type)).toEqual(['request.approved', 'grant.issued']);
    expect(step.result.request.reviews).toEqual(reviews);
  });

  it('L10 issues no grant until the quorum is complete, for a first or a repeated review', () => {
    const groups = new Map([['user:sam', ['g']]]);
    const facts = { groups, eligible: undefined, issue: undefined, locks: NO_LOCKS, minTtlMs: 1 };
    const asked = aRequest({ approver: 'x', quorum: quorumOf(2), assignedAt: START_AT });
    const first = reviewRequest(asked, APPROVE, facts, moment);
    expect(first.result.grants).toEqual([]);
    expect(reviewRequest(first.result.request, APPROVE, facts, moment)).toEqual({
      result: { request: first.result.request, grants: [] },
      put: [],
      entries: [],
    });
  });

  it('L16 L17 an earlier denial that counts again ends the request, without the reason of the approval that asked about it', () => {
    const reviews = [{ ...aReview('user:ana', ['g'], 'deny'), reason: 'not today' }];
    const request = aRequest({ approver: 'x', quorum: quorumOf(1), assignedAt: START_AT, reviews });
    const command = { ...APPROVE, reason: 'go ahead' };
    const groups = new Map(['user:sam', 'user:ana'].map((who) => [who, ['g']]));
    const { result } = reviewRequest(request, command, { groups, eligible: true, issue, locks: NO_LOCKS, minTtlMs: 1 }, moment);
    expect(result.request.end).toMatchObject({ status: 'denied', cause: 'quorum', by: 'user:sam', reason: undefined });
  });

  it('L16 is never complete with 0 required approvals: 0 does not mean always', () => {
    const quorum = { ...quorumOf(1), groups: [{ name: 'g', approvals: 0, denials: undefined }] };
    const request = aRequest({ approver: 'x', quorum, assignedAt: START_AT });
    const groups = new Map([['user:sam', ['g']]]);
    expect(
      reviewRequest(request, APPROVE, { groups, eligible: true, issue, locks: NO_LOCKS, minTtlMs: 1 }, moment).result.request.end,
    ).toBeUndefined();
  });

  it('L16 counts no denial as an approval, also if more denials are required to end the request', () => {
    const reviews = [aReview('user:ana', ['g'], 'deny')];
    const request = aRequest({ approver: 'x', quorum: { ...quorumOf(2), denials: 2 }, assignedAt: START_AT, reviews });
    const groups = new Map(['user:sam', 'user:ana'].map((who) => [who, ['g']]));
    expect(
      reviewRequest(request, APPROVE, { groups, eligible: true, issue, locks: NO_LOCKS, minTtlMs: 1 }, moment).result.request.end,
    ).toBeUndefined();
  });

  it('L17 counts no reviewer whose groups are not known', () => {
    const request = aRequest({ approver: 'x', quorum: quorumOf(2), assignedAt: START_AT, reviews: [aReview('user:ana', ['g'])] });
    const endOf = (facts: ReviewContext) => reviewRequest(request, APPROVE, facts, moment).result.request.end;
    const groups = new Map([['user:sam', ['g']]]);
    expect(endOf({ groups, eligible: true, issue, locks: NO_LOCKS, minTtlMs: 1 })).toBeUndefined();
    const both = new Map([...groups, ['user:ana', ['g']]]);
    // Unknown eligibility does not count as a yes either.
    expect(endOf({ groups: both, eligible: undefined, issue, locks: NO_LOCKS, minTtlMs: 1 })).toBeUndefined();
    expect(endOf({ groups: both, eligible: true, issue, locks: NO_LOCKS, minTtlMs: 1 })?.status).toBe('approved');
  });
});

describe('approveRequest()', () => {
  const origin = aGrant({ id: 'r0.1', requestId: 'r0' });
  const extension = {
    grantIds: [origin.id],
    requestId: undefined,
    from: origin.expiresAt,
    firstStartsAt: START_AT,
    until: START_AT + 3_600_000,
    breakGlass: false,
  };
  const request = aRequest({ extension });
  const approve = (old: Grant | undefined) =>
    approveRequest(request, { cause: 'approver', by: 'x', reason: undefined }, moment, {}, { ...issue, origins: [old] });

  it.each(['revoked', 'released', 'ineligible', 'origin_ended', 'unjustified'] as const)(
    'L12 extends no grant that was %s, even if that end did not see this request',
    (cause) => {
      const step = approve({ ...origin, end: { status: 'revoked', cause, at: START_AT, by: 'user:ciso', reason: undefined } });
      expect(step.result.request.end).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
      expect(step.result.grants).toEqual([]);
      expect(step.put.map(({ kind }) => kind)).toEqual(['request']);
    },
  );

  it('L12 extends no missing grant', () => {
    expect(approve(undefined).result.request.end).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
  });

  it.each(['time', 'idle', 'used_up'] as const)('L12 extends a grant that has ended by itself (%s), and updates it', (cause) => {
    const step = approve({ ...origin, end: { status: 'expired', cause, at: START_AT, by: 'system:sweeper', reason: undefined } });
    expect(step.result.request.end?.status).toBe('approved');
    expect(step.put.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['request r1', 'grant r1.1', 'grant r0.1', 'subject user:maya']);
  });
});

describe('the grants of an extension chain', () => {
  const origin = aGrant({ id: 'r0.1', requestId: 'r0' });
  const chainOf = (count: number) => new Set(['r0.1', ...Array.from({ length: count - 1 }, (_, i) => `s${i}.1`)]);
  const limits = {
    minTtlMs: 1_000,
    maxTtlMs: 3_600_000,
    maxTotalMs: 36_000_000,
    maxStartAheadMs: 0,
    reviewWithinMs: 1_000,
    retryMs: 1_000,
    maxOpenRequests: 9,
    maxGrants: 9,
    duplicates: 'return',
    askAgainAfterMs: undefined,
  } as const;
  const none = {
    subject: undefined,
    chains: [],
    live: [],
    given: new Map(),
    locks: NO_LOCKS,
    open: [],
    denied: [],
    requester: undefined,
    openedForOthers: [],
  };
  const overlaps = (a: string, b: string) => a === b;
  const { subject, requestedBy, agent, operator, scopes, ttlMs, until, startsAt, replaces, correlation, justification, ticket, metadata } =
    aRequest();
  const ask = {
    subject,
    requestedBy,
    agent,
    operator,
    scopes,
    ttlMs,
    until,
    startsAt,
    replaces,
    correlation,
    justification,
    ticket,
    metadata,
    extends: 'r0.1',
  };
  const open = (count: number) => {
    const held = { grant: origin, usage: undefined };
    return openRequest(ask, 'r9', false, limits, { ...none, overlaps, chains: [chainOf(count)], origins: [held] }, moment);
  };

  const others = (count: number, by: string) =>
    Array.from({ length: count }, (_, i) =>
      aRequest({
        id: `e${i}`,
        requestedBy: by,
        extension: {
          grantIds: [origin.id],
          requestId: undefined,
          from: origin.expiresAt,
          firstStartsAt: START_AT,
          until: 1,
          breakGlass: false,
        },
      }),
    );
  const extendBeside = (by: string, requests: readonly AccessRequest[]) =>
    openRequest(
      { ...ask, requestedBy: by },
      'r9',
      false,
      { ...limits, maxOpenRequests: 99, duplicates: 'return' },
      { ...none, overlaps, chains: [chainOf(1)], origins: [{ grant: origin, usage: undefined }], open: requests },
      moment,
    );

  it('L42 have at most ten open requests, and says what to do', async () => {
    const pending = (count: number) => others(count, 'agent:7').map((one) => ({ ...one, end })) as readonly AccessRequest[];
    expect(extendBeside(subject, pending(9)).result).toBe('r9');
    const error = await refusal(() => extendBeside(subject, pending(10)), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'extensionRequests', max: 10, got: 11 });
    expect((error as Error).message).toContain('at most 10 open extension requests; wait for their decisions or cancel one');
  });

  it('L44 have at most five open requests by others than the subject, which can still ask', async () => {
    const ofOthers = others(5, 'agent:7').map((one) => ({ ...one, end })) as readonly AccessRequest[];
    const ofSubject = others(5, subject).map((one) => ({ ...one, end })) as readonly AccessRequest[];
    const error = await refusal(() => extendBeside('agent:8', ofOthers), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'extensionRequests', max: 5, got: 6 });
    expect((error as Error).message).toContain(`at most 5 open extension requests by requesters other than ${subject}`);
    expect(extendBeside(subject, ofOthers).result).toBe('r9');
    expect(extendBeside('agent:8', ofOthers.slice(1)).result).toBe('r9');
    expect(extendBeside('agent:8', ofSubject).result).toBe('r9');
  });

  it('L42 are at most fifty, because one change ends them all: a request for one more is not opened', async () => {
    expect(open(49).result).toBe('r9');
    expect(await refusal(() => open(50), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'extensions', max: 50, got: 51 });
  });

  it('L12 are not requested for a missing grant', async () => {
    const facts = { ...none, overlaps, origins: [] };
    const error = await refusal(() => openRequest(ask, 'r9', false, limits, facts, moment), 'ERR_JIT_ENDED');
    expect(error).toMatchObject({ grantId: 'r0.1' });
  });

  it.each([
    [49, 'approved', 'approver'],
    [50, 'denied', 'limit'],
    [51, 'denied', 'limit'],
  ])('L42 with %i of them an earlier request is %s', (count, status, cause) => {
    const { id: grantId, expiresAt: from } = origin;
    const extension = {
      grantIds: [grantId],
      requestId: undefined,
      from,
      firstStartsAt: START_AT,
      until: START_AT + 36_000_000,
      breakGlass: false,
    };
    const facts = { ...issue, chains: [chainOf(count)], origins: [origin] };
    const step = approveRequest(aRequest({ extension }), { cause: 'approver', by: 'x', reason: undefined }, moment, {}, facts);
    expect(step.result.request.end).toMatchObject({ status, cause });
    const isApproved = status === 'approved';
    expect(step.put.filter((record) => record.id === 'r0.1')).toHaveLength(isApproved ? 1 : 0);
    expect(step.put.filter(({ kind }) => kind === 'grant')).toHaveLength(isApproved ? 2 : 0);
    if (!isApproved) expect(step.result.request.end?.reason).toContain('at most 50 grants');
  });
});

describe('openRequest()', () => {
  const limits = {
    ...{ minTtlMs: 1_000, maxTtlMs: 3_600_000, maxTotalMs: 3_600_000, maxStartAheadMs: 0, reviewWithinMs: 1_000, retryMs: 1_000 },
    ...({ maxOpenRequests: 2, maxGrants: 9, duplicates: 'return', askAgainAfterMs: undefined } as const),
  };
  const none = {
    ...{ subject: undefined, chains: [], live: [], given: new Map(), locks: NO_LOCKS, open: [], denied: [] },
    ...{ overlaps: (a: string, b: string) => a === b, origins: [], requester: undefined, openedForOthers: [] },
  };
  const { subject, requestedBy, agent, operator, scopes, ttlMs, until, startsAt } = aRequest();
  const { replaces, justification, ticket, metadata, correlation } = aRequest();
  const ask = {
    ...{ subject, requestedBy, agent, operator, scopes, ttlMs, until, startsAt },
    ...{ replaces, justification, ticket, metadata, correlation, extends: undefined },
  };
  const origin = aGrant({ id: 'r0.1', requestId: 'r0', version: 4 });
  const open = (over: object = {}, context: object = {}, limit: object = {}, isKeyed = false) =>
    openRequest({ ...ask, ...over }, 'r9', isKeyed, { ...limits, ...limit }, { ...none, ...context }, moment);
  const ofLocks = { kind: 'lock', id: 'open', version: 0 };
  const extended = { origins: [{ grant: origin, usage: undefined }], chains: [new Set(['r0.1'])] };

  it('L25 depends on the locks, on the grant that it extends, and on its key', () => {
    expect(open().dependsOn).toEqual([ofLocks]);
    expect(open({ extends: 'r0.1' }, extended).dependsOn).toEqual([ofLocks, { kind: 'grant', id: 'r0.1', version: 4 }]);
    expect(open({}, {}, {}, true).dependsOn).toEqual([ofLocks, { kind: 'reuse', id: 'r9', version: 0 }]);
  });

  it('L44 is refused by a standing denial only where the engine has a pause, and never as an extension', async () => {
    const denied = { denied: [aRequest({ id: 'r8', reviews: [aReview('user:sam', [], 'deny')] })] };
    expect(open({}, denied).result).toBe('r9');
    await refusal(() => open({}, denied, { askAgainAfterMs: 60_000 }), 'ERR_JIT_LIMIT');
    expect(open({ extends: 'r0.1' }, { ...denied, ...extended }, { askAgainAfterMs: 60_000 }).result).toBe('r9');
  });

  it('L44 counts what a requester opened for others against no ask of its own', () => {
    const opened = { openedForOthers: [aRequest({ id: 'a1', subject: 'x' }), aRequest({ id: 'a2', subject: 'x' })] };
    expect(open({}, opened).result).toBe('r9');
  });

  it('L4 is refused where access would last too long without a break, and says for how long', async () => {
    const held = { grant: aGrant({ scope: scopes[0] as string, startsAt: START_AT, expiresAt: START_AT + ttlMs }), usage: undefined };
    const later = { startsAt: START_AT + ttlMs };
    const limit = { maxTotalMs: ttlMs, maxStartAheadMs: 3_600_000 };
    const error = await refusal(() => open(later, { live: [held] }, limit), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'maxTotal', max: ttlMs, got: 2 * ttlMs });
    expect((error as Error).message).toContain('without a break, adjoining grants and open requests included; got 30m');
  });

  describe('for a requester who is not the subject', () => {
    const row = { kind: 'subject', id: 'agent:7', version: 3, unreviewed: [], openedForOthers: ['r1', 'r2'], denied: [] } as const;
    const openBy = (requester: typeof row | undefined, ...stillOpen: readonly string[]) =>
      open({ requestedBy: 'agent:7' }, { requester, openedForOthers: stillOpen.map((id) => aRequest({ id })) });

    it('L44 notes it on the row of the requester, and removes those that have ended', () => {
      const { put, entries } = openBy(row, 'r2');
      expect(put.at(-1)).toEqual({ ...row, version: 4, openedForOthers: ['r2', 'r9'] });
      expect(entries[0]?.data).toMatchObject({ requesterVersion: 4, ended: ['r1'] });
    });

    it('L44 names no ended requests where there are none, also for the first request', () => {
      expect(openBy({ ...row, openedForOthers: ['r2'] } as never, 'r2').entries[0]?.data).not.toHaveProperty('ended');
      const first = openBy(undefined);
      expect(first.entries[0]?.data).not.toHaveProperty('ended');
      expect(first.put.at(-1)).toMatchObject({ id: 'agent:7', version: 1, openedForOthers: ['r9'] });
    });

    it('L44 is refused beyond the limit of the requester, who is named', async () => {
      const error = await refusal(() => openBy(row, 'r1', 'r2'), 'ERR_JIT_LIMIT');
      expect(error).toMatchObject({ limit: 'maxOpenRequests', max: 2, got: 3 });
      expect((error as Error).message).toContain('at most 2 open requests for others; agent:7 has 2');
    });
  });
});

describe('differencesFrom()', () => {
  it('L11 compares metadata by its contents', () => {
    const asked = { ttlMs: 60_000, until: undefined, justification: undefined, ticket: undefined };
    const request = (metadata: object | undefined) => aRequest({ ...asked, metadata: metadata as never });
    expect(differencesFrom({ ...asked, metadata: { a: 1 } }, request({ a: 1 }))).toEqual([]);
    expect(differencesFrom({ ...asked, metadata: undefined }, request(undefined))).toEqual([]);
    expect(differencesFrom({ ...asked, metadata: { a: 2 } }, request({ a: 1 }))).toEqual(['metadata']);
    expect(differencesFrom({ ...asked, metadata: undefined }, request({ a: 1 }))).toEqual(['metadata']);
  });
});

describe('anyGrantIds()', () => {
  it('L10 are the ids that issued grants can have: from 1 to 50', () => {
    const ids = anyGrantIds('r1');
    expect([ids.length, ids[0], ids[49]]).toEqual([50, 'r1.1', 'r1.50']);
    expect(grantIds(aRequest({ id: 'r1', scopes: ['a', 'b'] }))).toEqual(ids.slice(0, 2));
  });
});

describe('the values of an ask beyond the limits of the engine', () => {
  const limits = { minTtlMs: 60_000, maxTtlMs: 3_600_000, maxTotalMs: 1_800_000, maxStartAheadMs: 60_000 };
  const ask = { subject: 'user:maya', scopes: ['a'] };
  const messageOf = async (over: object) => {
    const unmet = beyondLimits(aRequest({ ttlMs: 60_000, ...over }), limits);
    return ((await refusal(() => refuseUnmet(ask, unmet), 'ERR_JIT_REQUIREMENTS')) as Error).message;
  };

  it('are named with their limit, all of them', async () => {
    expect(await messageOf({ ttlMs: 7_200_000 })).toContain(
      'limits.maxTtl allows at most 1h; got 2h; limits.maxTotal allows at most 30m; got 2h',
    );
    expect(await messageOf({ ttlMs: 1_000 })).toContain('limits.minTtl allows no window shorter than 1m; got 1s');
    expect(await messageOf({ startsAt: START_AT + 120_000 })).toContain('limits.maxStartAhead allows at most 1m; got 2m');
  });

  it('A6 are named where the terms of a break-glass rule bound them: the total, and the end of its hours', () => {
    const night = { ...terms, maxTotalMs: 60_000, endBy: START_AT + 30_000 };
    const beyond = (ttlMs: number, over: object = {}) => beyondTerms(aRequest({ ttlMs, ...over }), 'night', night);
    expect(beyond(30_000)).toEqual([]);
    const end = { rule: 'night', field: 'ttl', code: 'outside_hours', limit: START_AT + 30_000 };
    expect(beyond(30_001).map(({ problem }) => problem)).toEqual([{ ...end, got: START_AT + 30_001 }]);
    expect(beyond(30_001)[0]?.text).toMatch(/^its rule gives access until 2026-\d\d-\d\dT\S+ \(endBy\); got 2026/);
    const total = { rule: 'night', field: 'ttl', code: 'too_long', limit: 60_000, got: 60_001 };
    expect(beyond(60_001).map(({ problem }) => problem)).toEqual([total, { ...end, got: START_AT + 60_001 }]);
    expect(beyondTerms(aRequest({ ttlMs: 60_001 }), undefined, terms)).toEqual([]);
    const until = START_AT + 60_001;
    const named = [total, { ...end, got: until }].map((problem) => ({ ...problem, field: 'until' }));
    expect(beyond(60_001, { until }).map(({ problem }) => problem)).toEqual(named);
    expect(beyond(30_000, { until: START_AT + 30_000 })).toEqual([]);
  });

  it('are named by field and code where an approver gives no reason', () => {
    const problems = [{ field: 'ticket', code: 'missing' } as const, { field: 'ttl', code: 'too_long' } as const];
    const refused = refusalOf(aRequest({ ttlMs: 60_000 }), { reason: undefined, problems }, limits);
    expect(refused.message).toContain('ticket: missing; ttl: too_long');
  });
});

describe('applyVerdict() with a review of a request that could not be granted', () => {
  it('L3 denies it, and asks no reviewer', () => {
    const short = { ...terms, maxTotalMs: 1_000 };
    const verdict = { outcome: 'review', quorum: quorumOf(1), reviewWithinMs: undefined, terms: short } as const;
    const { result, entries } = applyVerdict(aRequest({ ttlMs: 1_001 }), { approver: 'x', rule: undefined, verdict }, issue, moment);
    expect(result.request.end).toMatchObject({ status: 'denied', cause: 'limit', reason: 'it is longer than the maxTotal of its rule' });
    expect(entries.map(({ type }) => type)).toEqual(['request.denied']);
  });
});

describe('reasonOfTime()', () => {
  const within = (maxTotalMs: number) => ({ terms: { ...terms, maxTotalMs } });
  const extension = {
    grantIds: ['r0.1'],
    requestId: undefined,
    from: START_AT + 10,
    firstStartsAt: START_AT,
    until: START_AT + 3_600_000,
    breakGlass: false,
  };

  it('L3 refuses a request that is longer than its rule allows, and does not cut it', () => {
    expect(reasonOfTime(aRequest({ ttlMs: 30, ...within(30) }), START_AT)).toBeUndefined();
    expect(reasonOfTime(aRequest({ ttlMs: 31, ...within(30) }), START_AT)).toContain('maxTotal');
  });

  it('A6 refuses a request that ended after the endBy of its rule when it was asked, and no late decision', () => {
    const endingBy = (ms: number) => ({ terms: { ...terms, endBy: START_AT + ms } });
    expect(reasonOfTime(aRequest({ ttlMs: 30, ...endingBy(30) }), START_AT)).toBeUndefined();
    expect(reasonOfTime(aRequest({ ttlMs: 30, ...endingBy(30) }), START_AT + 20)).toBeUndefined();
    expect(reasonOfTime(aRequest({ ttlMs: 31, ...endingBy(30) }), START_AT)).toBe('it ends after the endBy of its rule');
    expect(reasonOfTime(aRequest({ ttlMs: 5, startsAt: START_AT + 26, ...endingBy(30) }), START_AT)).toBe(
      'it ends after the endBy of its rule',
    );
    expect(reasonOfTime(aRequest({ ttlMs: 30, ...endingBy(30) }), START_AT + 30)).toBe('its rule allows no access at this time');
    expect(reasonOfTime(aRequest({ ttlMs: 31, extension, ...endingBy(30) }), START_AT)).toBeUndefined();
    expect(reasonOfTime(aRequest({ ttlMs: 31, extension, ...endingBy(10) }), START_AT)).toBe('its rule allows no access at this time');
  });

  it.each([
    ['in time', {}, 30, undefined],
    ['after endBy', {}, 31, 'it ends after the endBy of its rule'],
    ['in time, of an extension', { extension }, 30, undefined],
    ['after endBy, of an extension', { extension }, 31, 'it ends after the endBy of its rule'],
    ['in total, of an extension', { extension, ...within(30) }, 30, undefined],
    ['beyond the total, of an extension', { extension, ...within(29) }, 30, 'it ends after the maxTotal of its rule'],
  ] as const)('L3 refuses a requested end beyond its rule, and never cuts it: %s (feature 10)', (_, over, ms, expected) => {
    const from = 'extension' in over ? 10 : 0;
    const ending = { terms: { ...terms, endBy: START_AT + 30 } };
    const request = aRequest({ ttlMs: ms - from, until: START_AT + ms, ...ending, ...over });
    for (const late of [0, 5, 25]) expect(reasonOfTime(request, START_AT + late)).toBe(expected);
  });

  it('L4 cuts an extension that exceeds the total of its rule, as long as any time is left', () => {
    const request = aRequest({ ttlMs: 31, extension, ...within(30) });
    expect(reasonOfTime(request, START_AT)).toBeUndefined();
    expect(windowOf(request, START_AT)).toEqual({ startsAt: START_AT + 10, expiresAt: START_AT + 30 });
    expect(reasonOfTime(aRequest({ ttlMs: 31, extension, ...within(10) }), START_AT)).toContain('no time is left');
    const ended = { ...extension, until: START_AT + 10 };
    expect(reasonOfTime(aRequest({ ttlMs: 31, extension: ended, terms: undefined }), START_AT)).toContain('no time is left');
  });
});

describe('touchGrant()', () => {
  const grant = aGrant({ idleTtlMs: 1_000 });
  const { id, subject, scope, startsAt, expiresAt, idleTtlMs } = grant;
  const usage = makeUsage({
    id,
    version: 1,
    subject,
    scope,
    startsAt,
    expiresAt,
    idleTtlMs,
    usedAt: undefined,
    uses: 0,
    endedAt: undefined,
  });

  it.each([
    [999, 1],
    [1_000, 0],
    [1_001, 0],
  ])(
    'L1 revives nothing, regardless of earlier checks: %i ms after the start of a grant that ends when idle for 1,000 ms',
    (ms, writes) => {
      const now = START_AT + ms;
      expect(touchGrant({ grant, usage }, { ...moment, now, highWater: now, forEnds: now }).put).toHaveLength(writes);
    },
  );
});
