import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { patternScopes, type AuditEntry } from '../../src/index.js';
import { accessReport, type AccessReport } from '../../src/journal.js';
import { measureRules } from '../../src/journal/report/use.js';
import { aGrant as aRecord, aRequest, START_AT } from '../../src/testing.js';
import { ANA, anEngine, aPending, at, entriesOf, MAYA, refusal, SAM } from '../engine/an-engine.js';
import { Moody } from '../property/moody.js';
import { approved, created, issued, journal, purged, type Told } from './story.js';

/** A grant as the journal records it, of a separate request. */
function aGrant(
  n: number,
  subject: string,
  scope: string,
  from: number,
  until: number,
  more: readonly Told[] = [],
  over: object = {},
): readonly Told[] {
  const id = `r${n}`;
  const asked = { ...created(id).data, subject, requestedBy: subject, scopes: [scope] };
  const { subjectVersion: _, ...request } = asked as typeof asked & { subjectVersion: unknown };
  const { subjectVersion: __, ...decided } = approved(id).data as NonNullable<Told['data']>;
  const window = {
    subject,
    scope,
    issuedAt: at(from),
    startsAt: at(from),
    expiresAt: at(until),
    firstStartsAt: at(from),
    activatedAt: at(from),
  };
  return [
    created(id, { data: request, change: `a${n}` }),
    approved(id, {
      data: { ...decided, end: { ...(decided['end'] as object), granted: { scopes: [scope], ttlMs: 1_000 } } },
      change: `b${n}`,
    }),
    { ...issued(`${id}.1`, { ...window, ...over }), change: `b${n}` },
    ...more,
  ];
}

const ended = (grantId: string, status: 'revoked' | 'expired', cause: string, ms: number, more: object = {}): Told => ({
  type: `grant.${status}`,
  grantId,
  data: { version: 2, end: { status, cause, at: at(ms), by: SAM }, ...more },
});

const scopesOf = async (entries: readonly AuditEntry[], from: number, to: number): Promise<AccessReport['scopes']> =>
  (await accessReport(entries, { from: at(from), to: at(to) })).scopes;

/** A day of work, with every way in which a request is decided. */
async function aDay() {
  const made = anEngine({ approver: new Moody(), scopes: patternScopes, limits: { maxTtl: 1_000, maxTotal: 2_000 } });
  const { engine, clock, store } = made;
  const ask = (scope: string, justification: string) => engine.requestAccess({ subject: MAYA, scope, ttl: 100, justification });
  await ask('a:x', 'approve'); // 0: policy, waits 0
  await ask('a:y', 'deny'); // 0: policy, waits 0
  await ask('b:x', 'abstain'); // 0: policy, waits 0
  const { request } = await ask('b:*', 'review');
  const cancelled = await ask('b:y', 'solo');
  await engine.cancel(cancelled.request.id, { by: MAYA });
  await clock.advance(10);
  await engine.breakGlass({ subject: SAM, scope: 'a:x', ttl: 20, justification: 'fire' }); // 10
  await engine.approve(request.id, { by: ANA, as: 'sec' });
  await engine.approve(request.id, { by: SAM, as: 'ops' }); // 10: people, waits 10
  const [grant] = (await engine.getRequest(request.id))?.grants ?? [];
  await clock.advance(4);
  const more = await engine.extend(grant?.id ?? '', { requestedBy: MAYA, ttl: 50, justification: 'solo' });
  await clock.advance(6);
  await engine.approve(more.request.id, { by: SAM }); // 20: people, waits 6
  const refused = await engine.extend(grant?.id ?? '', { requestedBy: MAYA, ttl: 50, justification: 'solo' });
  await clock.advance(1);
  await engine.deny(refused.request.id, { by: SAM }); // 21: people, waits 1
  await clock.advance(1_000);
  await engine.sweep();
  return { ...made, entries: await entriesOf(store) };
}

describe('exposure()', () => {
  it('counts who decided, how long that took, and how often extensions were requested', async () => {
    const { entries } = await aDay();
    const { decisions, extensions } = await accessReport(entries, { from: at(0), to: at(1_000) });
    expect(decisions).toEqual({
      decided: 7,
      approved: 4,
      denied: 3,
      byPolicy: 3,
      byPeople: 3,
      byBreakGlass: 1,
      policyShare: 3 / 7,
      // 0 0 0 0 1 6 10
      medianWaitMs: 0,
      // 1 6 10
      medianReviewWaitMs: 6,
    });
    expect(extensions).toEqual({ requests: 8, asked: 2, grants: 4, given: 1 });
  });

  it('counts what falls in a half-open span', async () => {
    const { entries } = await aDay();
    const later = await accessReport(entries, { from: at(10), to: at(21) });
    expect(later.decisions).toMatchObject({
      decided: 3,
      byPolicy: 0,
      byPeople: 2,
      byBreakGlass: 1,
      policyShare: 0,
      medianWaitMs: 6,
      medianReviewWaitMs: 8,
    });
    expect(later.extensions).toEqual({ requests: 3, asked: 2, grants: 3, given: 1 });
    expect((await accessReport(entries, { from: at(0), to: at(10) })).decisions).toMatchObject({
      decided: 3,
      medianReviewWaitMs: undefined,
    });
  });

  it('counts a pending request as made, but not as decided', async () => {
    const { engine, store } = anEngine();
    await aPending(engine);
    const { decisions, extensions } = await accessReport(await entriesOf(store), { from: at(0), to: at(1_000) });
    expect(decisions).toMatchObject({ decided: 0, approved: 0, denied: 0, medianWaitMs: undefined });
    expect(extensions).toEqual({ requests: 1, asked: 0, grants: 0, given: 0 });
  });

  it('returns zeros for an empty journal', async () => {
    const empty = await accessReport([], { from: at(0), to: at(1) });
    expect(empty).toEqual({
      from: at(0),
      to: at(1),
      scopes: [],
      subjects: [],
      heldMs: 0,
      standingMs: 0,
      ratio: undefined,
      use: { grants: 0, used: 0, neverUsed: 0, unknown: 0 },
      rules: [],
      decisions: {
        decided: 0,
        approved: 0,
        denied: 0,
        byPolicy: 0,
        byPeople: 0,
        byBreakGlass: 0,
        policyShare: undefined,
        medianWaitMs: undefined,
        medianReviewWaitMs: undefined,
      },
      extensions: { requests: 0, asked: 0, grants: 0, given: 0 },
    });
  });

  describe('held time', () => {
    it('is the union of windows of one subject, and the sum over subjects, by scope', async () => {
      const entries = journal([
        // 10-50 in three windows that overlap, one inside another, one that starts where another ends; and 60-70.
        ...aGrant(1, MAYA, 'a:x', 10, 30),
        ...aGrant(2, MAYA, 'a:x', 15, 20),
        ...aGrant(3, MAYA, 'a:x', 25, 40),
        ...aGrant(4, MAYA, 'a:x', 60, 70),
        ...aGrant(5, MAYA, 'a:x', 40, 50),
        ...aGrant(6, SAM, 'a:x', 0, 100),
        ...aGrant(7, SAM, 'a:*', 5, 6),
      ]);
      const found = await accessReport(entries, { from: at(0), to: at(100) });
      expect(found.scopes).toEqual([
        { scope: 'a:*', subjects: 1, grants: 1, used: 0, neverUsed: 0, unknown: 1, heldMs: 1, standingMs: 100, ratio: 0.01 },
        { scope: 'a:x', subjects: 2, grants: 6, used: 0, neverUsed: 0, unknown: 6, heldMs: 50 + 100, standingMs: 200, ratio: 0.75 },
      ]);
      expect([found.heldMs, found.standingMs, found.ratio]).toEqual([151, 300, 151 / 300]);
      const unused = { used: 0, neverUsed: 0 };
      expect(found.subjects).toEqual([
        { subject: MAYA, scopes: 1, grants: 5, ...unused, unknown: 5, heldMs: 50, standingMs: 100, ratio: 0.5 },
        { subject: SAM, scopes: 2, grants: 2, ...unused, unknown: 2, heldMs: 101, standingMs: 200, ratio: 0.505 },
      ]);
    });

    it('has equal sums by scope and by subject', async () => {
      const { entries } = await aDay();
      const { scopes, subjects, heldMs, standingMs, use } = await accessReport(entries, { from: at(0), to: at(400) });
      const sums = (reports: readonly { heldMs: number; standingMs: number; grants: number }[]) =>
        reports.reduce((all, one) => [all[0]! + one.heldMs, all[1]! + one.standingMs, all[2]! + one.grants], [0, 0, 0]);
      expect(sums(subjects)).toEqual([heldMs, standingMs, use.grants]);
      expect(sums(scopes)).toEqual(sums(subjects));
    });

    it('is clipped to the span, without windows that only touch it', async () => {
      const entries = journal([...aGrant(1, MAYA, 'a:x', 0, 10), ...aGrant(2, SAM, 'a:x', 20, 30), ...aGrant(3, SAM, 'b:x', 5, 25)]);
      expect(await scopesOf(entries, 10, 20)).toMatchObject([
        { scope: 'b:x', subjects: 1, grants: 1, heldMs: 10, standingMs: 10, ratio: 1 },
      ]);
      expect((await scopesOf(entries, 9, 21)).map(({ scope, heldMs }) => [scope, heldMs])).toEqual([
        ['a:x', 2],
        ['b:x', 12],
      ]);
    });

    it('ends where access ended: revoked, idle, used up or never activated', async () => {
      const used: Told = { type: 'grant.used', grantId: 'r3.1', data: { usageVersion: 2, usedAt: at(8), uses: 0 } };
      const entries = journal([
        ...aGrant(1, MAYA, 'revoked', 0, 100, [ended('r1.1', 'revoked', 'revoked', 30)]),
        ...aGrant(2, MAYA, 'idle', 0, 100, [], { idleTtlMs: 10 }),
        ...aGrant(3, MAYA, 'touched', 0, 100, [used], { idleTtlMs: 10 }),
        ...aGrant(4, MAYA, 'used', 0, 100, [ended('r4.1', 'expired', 'used_up', 5, { usageVersion: 2 })], { maxUses: 1 }),
        ...aGrant(5, MAYA, 'unconfirmed', 10, 100, [], { issuedAt: at(0), activatedAt: undefined, asksAtStart: true }),
        ...aGrant(
          6,
          MAYA,
          'confirmed',
          10,
          100,
          [{ type: 'grant.activated', grantId: 'r6.1', data: { version: 2, activatedAt: at(40) } }],
          { issuedAt: at(0), activatedAt: undefined, asksAtStart: true },
        ),
        ...aGrant(7, MAYA, 'never', 10, 100, [ended('r7.1', 'revoked', 'revoked', 5)], { issuedAt: at(0), activatedAt: undefined }),
      ]);
      const found = await scopesOf(entries, 0, 100);
      expect(found.map(({ scope, heldMs }) => [scope, heldMs])).toEqual([
        ['confirmed', 60],
        ['idle', 10],
        ['revoked', 30],
        ['touched', 18],
        ['used', 5],
      ]);
    });
  });

  describe('was it used (feature 7)', () => {
    const seen = (grantId: string, lastUsedAt: number): Told => ({
      type: 'grant.seen',
      requestId: grantId.split('.')[0],
      grantId,
      data: { activityVersion: 1, subject: MAYA, scope: 'a:x', firstUsedAt: at(0), lastUsedAt: at(lastUsedAt), count: 1 },
    });
    const touched: Told = { type: 'grant.used', grantId: 'r2.1', data: { usageVersion: 2, usedAt: at(8), uses: 0 } };
    const MINUTES = 60_000;
    const report = (told: readonly Told[], recordsUse?: boolean) =>
      accessReport(journal(told), { from: at(0), to: at(100 * MINUTES), recordsUse });

    it.each([
      [true, { used: 2, neverUsed: 1, unknown: 0 }],
      [false, { used: 2, neverUsed: 0, unknown: 1 }],
      [undefined, { used: 2, neverUsed: 0, unknown: 1 }],
    ])('counts used grants, and the others as never used only where every check records its use: %s', async (recordsUse, counted) => {
      const told = [
        ...aGrant(1, MAYA, 'a:x', 0, 100, [seen('r1.1', 10)]),
        ...aGrant(2, MAYA, 'a:x', 0, 100, [touched], { idleTtlMs: 10 }),
        ...aGrant(3, SAM, 'a:x', 0, 100),
      ];
      const found = await report(told, recordsUse);
      expect(found.use).toEqual({ grants: 3, ...counted });
      expect(found.scopes).toMatchObject([{ scope: 'a:x', ...counted }]);
      expect(found.rules).toMatchObject([{ approver: 'auto', rule: undefined, grants: 3, ...counted }]);
    });

    it.each([
      ['shorter than the window', 12 * MINUTES, true, 15 * MINUTES],
      ['at a usual duration, which must be longer than the use', 15 * MINUTES, true, 30 * MINUTES],
      ['as long as the window', 59 * MINUTES, true, undefined],
      ['where some checks record no use', 12 * MINUTES, false, undefined],
    ])('proposes the least usual maxTtl above the longest use: %s', async (_what, lastUse, recordsUse, proposedMaxTtlMs) => {
      const told = [
        ...aGrant(1, MAYA, 'a:x', 0, 60 * MINUTES, [seen('r1.1', lastUse)]),
        ...aGrant(2, SAM, 'a:x', 0, 40 * MINUTES, [seen('r2.1', 1)]),
      ];
      const [rule] = (await report(told, recordsUse)).rules;
      expect(rule).toMatchObject({ longestTtlMs: 60 * MINUTES, longestUseMs: lastUse, proposedMaxTtlMs });
    });

    it('proposes whole days above a day, and nothing for a rule whose grants were never used', async () => {
      const DAY = 24 * 60 * MINUTES;
      const told = [
        ...aGrant(1, MAYA, 'a:x', 0, 5 * DAY, [seen('r1.1', 2 * DAY)]),
        ...aGrant(2, SAM, 'a:x', 0, DAY).map((one) =>
          one.type === 'request.approved' ? { ...one, data: { ...one.data, rule: 'prod', approver: 'policy' } } : one,
        ),
      ];
      expect((await report(told, true)).rules).toMatchObject([
        { approver: 'auto', rule: undefined, longestUseMs: 2 * DAY, proposedMaxTtlMs: 3 * DAY },
        { approver: 'policy', rule: 'prod', neverUsed: 1, longestUseMs: undefined, proposedMaxTtlMs: undefined },
      ]);
    });

    it('L27 counts a use that another clock recorded after the end as a use at the end', async () => {
      const told = [...aGrant(1, MAYA, 'a:x', 0, 100, [seen('r1.1', 50), ended('r1.1', 'revoked', 'revoked', 30)])];
      expect((await report(told, true)).rules).toMatchObject([{ used: 1, longestUseMs: 30 }]);
    });
  });

  it('L33 refuses a span that starts before the purge horizon, with a trimmed and with a whole journal', async () => {
    const entries = journal([purged({ horizon: at(10) })]);
    expect(await refusal(accessReport(entries, { from: at(9), to: at(20) }), 'ERR_JIT_PURGED')).toMatchObject({ horizon: at(10) });
    expect((await accessReport(entries, { from: at(10), to: at(20) })).heldMs).toBe(0);
  });

  it('L33 returns the same for a span after the horizon as before the purge', async () => {
    const { engine, store, entries } = await aDay();
    const span = { from: at(21), to: at(400) };
    const before = await accessReport(entries, span);
    expect(before.scopes.length).toBeGreaterThan(0);
    await purge(engine, { before: at(21), by: 'user:dpo', force: true });
    expect(await accessReport(await entriesOf(store), span)).toEqual(before);
  });

  it.each([
    [{ from: START_AT, to: START_AT }, 'span.to'],
    [{ from: START_AT, to: START_AT - 1 }, 'span.to'],
    [{ from: NaN, to: START_AT }, 'span.from'],
    [{ from: START_AT, to: Infinity }, 'span.to'],
    [{ from: START_AT }, 'span.to'],
    [{ from: START_AT, to: START_AT + 1, by: 'x' }, 'span'],
    [{ from: START_AT, to: START_AT + 1, recordsUse: 1 }, 'span.recordsUse'],
    [null, 'span'],
    ['2026', 'span'],
  ])('refuses %j as a span', async (span, argument) => {
    expect(await refusal(accessReport([], span as never), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument });
  });

  it('L27 refuses inconsistent entries', async () => {
    await refusal(accessReport(journal([approved('r1')]), { from: at(0), to: at(1) }), 'ERR_JIT_CORRUPT');
  });
});

describe('the rules of a report', () => {
  it('are sorted by approver and rule, and a request may have neither, or be missing', async () => {
    const requests = new Map(
      [
        aRequest({ id: 'r1', approver: 'policy', rule: 'staging' }),
        aRequest({ id: 'r2', approver: 'auto' }),
        aRequest({ id: 'r3' }),
        aRequest({ id: 'r4', approver: 'policy', rule: 'production' }),
      ].map((request) => [request.id, request]),
    );
    const heldBy = (requestId: string) => {
      const grant = aRecord({ id: `${requestId}.1`, requestId });
      return { grant, from: grant.startsAt, until: grant.expiresAt, lastUsedAt: undefined };
    };
    const rules = await measureRules({ requests }, ['r1', 'r2', 'r3', 'r4', 'r5'].map(heldBy), false);
    expect(rules.map(({ approver, rule, grants }) => [approver, rule, grants])).toEqual([
      ['auto', undefined, 1],
      ['policy', 'production', 1],
      ['policy', 'staging', 1],
      [undefined, undefined, 2],
    ]);
  });
});
