import { describe, expect, it } from 'vitest';
import { readDuration, readWarnBefore } from '../../src/core/duration.js';
import { applyVerdict, approveRequest } from '../../src/lifecycle/decision.js';
import type { IssueContext } from '../../src/lifecycle/grant.js';
import { draftRequest } from '../../src/lifecycle/request.js';
import { isUsable } from '../../src/lifecycle/status.js';
import { recordTime } from '../../src/lifecycle/sweep.js';
import { readVerdict } from '../../src/lifecycle/verdict.js';
import type { AccessRequest, Grant, TermsInput } from '../../src/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { HOUR, MAYA, MINUTE, refusal, SCOPE } from '../engine/an-engine.js';
import { ISSUE } from './a-review.js';

const at = (ms: number): number => START_AT + ms;
const TTL = 15 * MINUTE;
const moment = (ms: number) => ({ now: at(ms), highWater: at(ms), forEnds: at(ms), steppedBack: false, actor: 'user:sam' });
const issueWith = (over: Partial<IssueContext> = {}): IssueContext => ({ ...ISSUE, ...over });
function termsOf(terms: TermsInput) {
  const { verdict } = readVerdict('x', { outcome: 'approve', terms });
  if (verdict.outcome !== 'approve') throw new Error('it is an approval');
  return verdict.terms;
}

/** The request after an approval at this instant, and its only grant, if any. */
function approved(request: AccessRequest, ms: number, context: Partial<IssueContext> = {}) {
  const why = { cause: 'quorum', by: 'user:sam', reason: undefined } as const;
  const { result } = approveRequest(request, why, moment(ms), {}, issueWith(context));
  return { end: result.request.end, grant: result.grants?.[0] };
}

const allows = (grant: Grant | undefined, ms: number): boolean => grant !== undefined && isUsable({ grant, usage: undefined }, moment(ms));

const CAP = 2 * TTL;
const origin = aGrant({ id: 'r0.1', requestId: 'r0' });
const extension = {
  grantIds: [origin.id],
  requestId: undefined,
  from: at(TTL),
  firstStartsAt: at(0),
  until: at(24 * HOUR),
  breakGlass: false,
};
const extended = (ttlMs: number, over: Partial<typeof extension> = {}) => aRequest({ ttlMs, extension: { ...extension, ...over } });

describe('approveRequest() for a request with a start', () => {
  it.each([
    ['1 ms before the start', HOUR - 1, HOUR, undefined],
    ['at the start', HOUR, HOUR, HOUR],
    ['1 ms after the start', HOUR + 1, HOUR + 1, HOUR + 1],
    ['in the last millisecond', HOUR + TTL - 1, HOUR + TTL - 1, HOUR + TTL - 1],
  ])('L4 gives %s the remaining window, and never shifts it', (_, decided, startsAt, activatedAt) => {
    const { grant } = approved(aRequest({ startsAt: at(HOUR), ttlMs: TTL }), decided);
    const window = { issuedAt: at(decided), startsAt: at(startsAt), expiresAt: at(HOUR + TTL) };
    expect(grant).toMatchObject({ ...window, activatedAt: activatedAt === undefined ? undefined : at(activatedAt) });
    expect([allows(grant, decided), allows(grant, HOUR + TTL)]).toEqual([decided >= HOUR, false]);
  });
});

describe('approveRequest() for an extension', () => {
  it.each([
    ['1 ms before the old end', TTL - 1, TTL],
    ['at the old end', TTL, TTL],
    ['1 ms after the old end', TTL + 1, TTL + 1],
    ['long after the old end', TTL + HOUR, TTL + HOUR],
  ])('L4 decided %s, starts at the later of both and lasts the requested time', (_, decided, startsAt) => {
    const { grant } = approved(extended(7 * MINUTE), decided, { origins: [origin] });
    expect(grant).toMatchObject({ extends: origin.id, startsAt: at(startsAt), expiresAt: at(startsAt + 7 * MINUTE) });
    expect([allows(grant, startsAt - 1), allows(grant, startsAt)]).toEqual([false, true]);
    expect([allows(grant, startsAt + 7 * MINUTE - 1), allows(grant, startsAt + 7 * MINUTE)]).toEqual([true, false]);
  });

  it.each([2, 1])('L4 decided %i ms before the cap, gives as much', (left) => {
    const { grant } = approved(extended(TTL, { until: at(CAP) }), CAP - left, { origins: [origin] });
    expect(grant).toMatchObject({ startsAt: at(CAP - left), expiresAt: at(CAP) });
    expect([allows(grant, CAP - 1), allows(grant, CAP)]).toEqual([true, false]);
  });
});

describe('a decision at or after the latest end', () => {
  const limits = {
    minTtlMs: 1,
    maxTtlMs: HOUR,
    maxTotalMs: CAP,
    maxStartAheadMs: 24 * HOUR,
    reviewWithinMs: 24 * HOUR,
    retryMs: MINUTE,
    maxOpenRequests: 9,
    maxGrants: 9,
    duplicates: 'return',
    askAgainAfterMs: undefined,
  } as const;
  const { subject, requestedBy, agent, operator, scopes, justification, ticket, metadata } = aRequest();
  const asked = {
    subject,
    requestedBy,
    agent,
    operator,
    scopes,
    ttlMs: TTL,
    until: undefined,
    replaces: undefined,
    correlation: undefined,
    justification,
    ticket,
    metadata,
  };

  it.each([
    ['a request with a start', 0, HOUR + TTL, { startsAt: at(HOUR), extends: undefined }],
    ['a request with a start', 1, HOUR + TTL, { startsAt: at(HOUR), extends: undefined }],
    ['an extension', 0, CAP, { startsAt: undefined, extends: origin.id }],
    ['an extension', 1, CAP, { startsAt: undefined, extends: origin.id }],
  ])('L4 L13 of %s is refused %i ms after it', async (_, late, latest, over) => {
    const request = draftRequest({ ...asked, ...over }, 'r9', limits, [{ grant: origin, usage: undefined }], moment(0));
    expect(request.reviewBy).toBe(at(latest));
    const decide = (ms: number) =>
      applyVerdict(request, readVerdict('x', { outcome: 'approve' }), issueWith({ origins: [origin] }), moment(ms));
    await refusal(() => decide(latest + late), 'ERR_JIT_DEADLINE');
    expect(decide(latest - 1).result.request.end?.status).toBe('approved');
  });
});

describe('the maxTotal of a rule', () => {
  for (const [ms, status] of [
    [HOUR - 1, 'approved'],
    [HOUR, 'approved'],
    [HOUR + 1, 'denied'],
  ] as const) {
    it(`L3 bounds the first grant: a request ${ms - HOUR} ms from it is ${status}`, () => {
      const { end, grant } = approved(aRequest({ ttlMs: ms, terms: termsOf({ maxTotalMs: HOUR }) }), 0);
      expect([end?.status, allows(grant, 0)]).toEqual([status, status === 'approved']);
      if (status === 'denied') expect([end?.cause, end?.reason]).toEqual(['limit', 'it is longer than the maxTotal of its rule']);
    });
  }
});

describe('the instants of warnings', () => {
  const END = TTL;
  const beforeEnd = (grant: Grant | undefined) => grant?.warnAt.map((instant) => grant.expiresAt - instant);
  const limitsOf = (warnBefore: string | readonly string[] | undefined) => ({
    maxGrants: 200,
    warnBeforeMs: warnBefore === undefined ? [] : readWarnBefore('warnBefore', warnBefore),
  });

  it.each([
    [[MINUTE], '5m', ['1m']],
    [[10 * MINUTE], '5m', ['10m']],
    [
      [MINUTE, 2 * MINUTE],
      ['5m', '4m', '3m'],
      ['2m', '1m'],
    ],
    [undefined, '5m', ['5m']],
    [[MINUTE], undefined, ['1m']],
    [undefined, undefined, []],
  ])('come from the rule (%j) if it sets one, else from the engine (%j): %j before the end', (warnBeforeMs, warnBefore, before) => {
    const { grant } = approved(aRequest({ terms: termsOf({ warnBeforeMs }) }), 0, { limits: limitsOf(warnBefore) });
    expect(beforeEnd(grant)).toEqual(before.map((text) => readDuration('before', text)));
  });

  it.each([5 * MINUTE, 5 * MINUTE - 1, 1])('are the start of a grant of %i ms, if the warning is as long or longer', (ttlMs) => {
    const limits = limitsOf('5m');
    expect(approved(aRequest({ ttlMs }), 0, { limits }).grant?.warnAt).toEqual([at(0)]);
    expect(approved(aRequest({ ttlMs, startsAt: at(HOUR) }), 0, { limits }).grant?.warnAt).toEqual([at(HOUR)]);
  });

  it.each([
    ['20m', ['15m', '10m', '5m']],
    ['15m', ['15m', '10m', '5m']],
    ['12m', ['12m', '10m', '5m']],
    ['10m', ['10m', '5m']],
    ['7m', ['7m', '5m']],
    ['1m', ['1m']],
  ])('L34 that would come at the start of a grant of %s, or before it, become one: %j before the end', (ttl, before) => {
    const request = aRequest({ ttlMs: readDuration('ttl', ttl) });
    const { grant } = approved(request, 0, { limits: limitsOf(['15m', '10m', '5m']) });
    expect(beforeEnd(grant)).toEqual(before.map((text) => readDuration('before', text)));
  });

  /** What a sweep records at this instant, and what the next sweep records. */
  function sweptTwice(warnBeforeMs: readonly number[], ms: number) {
    const grant = aGrant({ warnAt: warnBeforeMs.map((before) => at(END - before)) });
    const first = recordTime([{ grant, usage: undefined }], moment(ms));
    const next = first.put.find((record): record is Grant => record.kind === 'grant') ?? grant;
    return { first, next, second: recordTime([{ grant: next, usage: undefined }], moment(ms)).result };
  }

  for (const [offset, isDue] of [
    [-1, false],
    [0, true],
    [1, true],
  ] as const) {
    it(`${isDue ? 'have come' : 'have not come'} ${offset} ms from one: the entry says whose access ends, where, and when`, () => {
      const now = END - 5 * MINUTE + offset;
      const { first, second } = sweptTwice([5 * MINUTE], now);
      const data = { version: 2, warnedAt: [at(now)], beforeMs: 5 * MINUTE, subject: MAYA, scope: SCOPE, expiresAt: at(END) };
      expect(first.entries).toMatchObject(isDue ? [{ type: 'grant.warned', at: at(now), actor: 'system:sweeper', data }] : []);
      expect([first.result, second]).toEqual([isDue ? ['warned'] : [], []]);
    });
  }

  it.each([
    [END - 1, ['warned']],
    [END, ['ended']],
    [END + HOUR, ['ended']],
  ])('cause no warning at or after the end: a sweep at %i ms of 900000 records %j', (ms, recorded) => {
    const { first, second } = sweptTwice([5 * MINUTE], ms);
    expect([first.result, second]).toEqual([recorded, []]);
  });

  it.each([
    [END - 10 * MINUTE, 10 * MINUTE, 1],
    [END - 5 * MINUTE + 1, 5 * MINUTE, 2],
    [END - 1, MINUTE, 3],
  ])('at %i ms of 900000 are one entry, for the last of those that are overdue: %i ms before the end', (ms, beforeMs, count) => {
    const { first, next, second } = sweptTwice([10 * MINUTE, 5 * MINUTE, MINUTE], ms);
    expect(first.entries).toMatchObject([{ type: 'grant.warned', at: at(ms), data: { beforeMs } }]);
    expect(next.warnedAt).toEqual(Array.from({ length: count }, () => at(ms)));
    expect(second).toEqual([]);
  });
});
