import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countGrants, countsAgainst, findDuplicate, grantLimitMet, touchSubject } from '../../src/lifecycle/subject.js';
import { freshlyIssued } from '../../src/lifecycle/grant.js';
import type { GrantUse } from '../../src/lifecycle/status.js';
import type { AccessRequest, Grant } from '../../src/records/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { HOUR, MAYA, MINUTE } from '../engine/an-engine.js';
import { NO_LOCKS } from './no-locks.js';

const at = (ms: number) => START_AT + ms;
const moment = (now = 0, late = now) => ({ now: at(now), highWater: at(late), forEnds: at(late), steppedBack: false, actor: MAYA });
const held = (over: Partial<Grant> = {}): GrantUse => ({ grant: aGrant(over), usage: undefined });

const REVOKED = { status: 'revoked', cause: 'revoked', at: at(0), by: 'x', reason: undefined } as const;

/** A context in which the requester of each grant is known. */
const given = (...requests: readonly AccessRequest[]) => new Map(requests.map((request) => [request.id, request]));
const facts = (live: readonly GrantUse[], known: ReadonlyMap<string, AccessRequest> = new Map()) => ({
  subject: undefined,
  live,
  given: known,
  locks: NO_LOCKS,
});

describe('touchSubject()', () => {
  it('creates the first row, increments the version of an existing one, and keeps unchanged fields', () => {
    const lists = { openedForOthers: [], denied: [] };
    expect(touchSubject(MAYA, undefined)).toEqual({ kind: 'subject', id: MAYA, version: 1, unreviewed: [], ...lists });
    const before = { kind: 'subject', id: MAYA, version: 3, unreviewed: ['r1'], openedForOthers: ['r2'], denied: ['r3'] } as const;
    expect(touchSubject(MAYA, before)).toEqual({ ...before, version: 4 });
    for (const name of ['unreviewed', 'openedForOthers', 'denied'] as const) {
      expect(touchSubject(MAYA, before, { [name]: [] })).toEqual({ ...before, version: 4, [name]: [] });
    }
  });
});

describe('countsAgainst()', () => {
  it('L44 counts requests of the same requester and of the subject itself; one with an unknown requester counts', () => {
    const counts = (asker: string, requestedBy: string | undefined) => countsAgainst({ subject: MAYA, requestedBy: asker }, requestedBy);
    for (const [asker, other, expected] of [
      [MAYA, MAYA, true],
      [MAYA, 'agent:7', false],
      ['agent:7', MAYA, true],
      ['agent:7', 'agent:7', true],
      ['agent:7', 'agent:8', false],
      [MAYA, undefined, true],
    ] as const) {
      expect([asker, other, counts(asker, other)]).toEqual([asker, other, expected]);
    }
  });
});

describe('countGrants()', () => {
  const asked = { subject: MAYA, requestedBy: MAYA };

  it('counts grants without a recorded end, expired or not', () => {
    for (const [one, live, counts] of [
      ['active', held(), true],
      ['scheduled', held({ startsAt: at(5 * MINUTE), activatedAt: undefined }), true],
      ['with a recorded end', held({ end: REVOKED }), false],
      ['expired without a recorded end', held({ expiresAt: at(1) }), true],
    ] as const) {
      expect([one, countGrants(facts([live]), asked, false)]).toEqual([one, counts ? 1 : 0]);
    }
  });

  it('L44 counts by requester; break-glass separately, without its extensions', () => {
    const live = [held({ requestId: 'r1' }), held({ requestId: 'r2' }), held({ requestId: 'r3', breakGlass: true })];
    const extended = held({ requestId: 'r4', breakGlass: true, extends: 'r3.1', firstStartsAt: at(-1) });
    const known = given(
      aRequest({ id: 'r1' }),
      aRequest({ id: 'r2', requestedBy: 'agent:7' }),
      aRequest({ id: 'r3' }),
      aRequest({ id: 'r4' }),
    );
    const count = (requestedBy: string, taken: boolean) =>
      countGrants(facts([...live, extended], known), { subject: MAYA, requestedBy }, taken);
    expect([count(MAYA, false), count('agent:7', false), count('agent:8', false)]).toEqual([2, 3, 2]);
    expect([count(MAYA, true), count('agent:8', true)]).toEqual([1, 1]);
    expect(countGrants(facts([...live, extended]), asked, false)).toBe(3);
  });
});

describe('grantLimitMet()', () => {
  const asked = { subject: MAYA, requestedBy: MAYA, scopes: ['a', 'b'] };
  const live = (n: number, over: Partial<Grant> = {}) => facts(Array.from({ length: n }, () => held(over)));

  it('is exact at the limit of grants, and at the reserve of break-glass', () => {
    expect(grantLimitMet({ maxGrants: 3 }, asked, live(1), false)).toBeUndefined();
    expect(grantLimitMet({ maxGrants: 3 }, asked, live(2), false)).toMatchObject({ limit: 'maxGrants', max: 3, got: 4 });
    expect(grantLimitMet({ maxGrants: 1 }, asked, live(9), true)).toBeUndefined();
    expect(grantLimitMet({ maxGrants: 1 }, asked, live(48, { breakGlass: true }), true)).toBeUndefined();
    expect(grantLimitMet({ maxGrants: 99 }, asked, live(49, { breakGlass: true }), true)).toMatchObject({
      limit: 'breakGlassGrants',
      max: 50,
      got: 51,
      message: expect.stringContaining(`${MAYA} may have 50 break-glass grants at a time; got 51`) as string,
    });
  });
});

describe('findDuplicate()', () => {
  const asked = {
    ...{ subject: MAYA, requestedBy: MAYA, agent: undefined, operator: undefined, scopes: ['a'] },
    ...{ ttlMs: MINUTE, until: undefined, startsAt: undefined, extension: undefined },
    ...{ justification: undefined, ticket: undefined, metadata: undefined },
  };
  const scope = { scope: 'a' };
  /** The request of the grants. */
  const theirs = (over: Partial<AccessRequest> = {}) => aRequest({ id: 'r1', scopes: ['a'], ttlMs: MINUTE, ...over });

  it('finds the first open request of the same requester for exactly the same and at most as long, before any grant', () => {
    const extension = {
      grantIds: ['r1.1'],
      requestId: undefined,
      from: at(MINUTE),
      firstStartsAt: at(0),
      until: at(9 * MINUTE),
      breakGlass: false,
    };
    const others = [
      aRequest({ id: 'r4', scopes: ['a', 'b'], ttlMs: MINUTE }),
      aRequest({ id: 'r5', scopes: ['a'], ttlMs: MINUTE, startsAt: at(MINUTE) }),
      aRequest({ id: 'r6', scopes: ['a'], ttlMs: MINUTE, extension }),
      aRequest({ id: 'r7', scopes: ['a'], ttlMs: MINUTE, reviewBy: at(0) }),
      aRequest({
        id: 'r8',
        scopes: ['a'],
        ttlMs: MINUTE,
        end: { status: 'denied', cause: 'quorum', at: at(0), by: 'x', reason: undefined },
      }),
      aRequest({ id: 'r9', scopes: ['a'], ttlMs: MINUTE + 1 }),
      aRequest({ id: 'ra', scopes: ['a'], ttlMs: MINUTE, requestedBy: 'agent:7' }),
    ];
    const ours = [aRequest({ id: 'rb', scopes: ['a'], ttlMs: 1 }), aRequest({ id: 'rc', scopes: ['a'], ttlMs: MINUTE })];
    const holding = facts([held(scope)], given(theirs()));
    for (const [i, { id: requestId }] of ours.entries()) {
      expect(findDuplicate(asked, [...others, ...ours.slice(i)], holding, moment())).toEqual({ requestId, what: 'request' });
    }
    expect(findDuplicate(asked, others, facts([]), moment())).toBeUndefined();
    expect(findDuplicate(asked, [], holding, moment())).toEqual({ requestId: 'r1', what: 'grants' });
    expect(findDuplicate(asked, [], facts([held(scope)]), moment())).toBeUndefined();
    for (const other of [theirs({ requestedBy: 'agent:7' }), theirs({ scopes: ['a', 'b'] })]) {
      expect(findDuplicate(asked, [], facts([held(scope)], given(other)), moment())).toBeUndefined();
    }
    expect(findDuplicate(asked, [], facts([]), moment())).toBeUndefined();
    // More time is no repeat of time that has begun.
    const more = { ...asked, extension };
    const extended = facts([held(scope)], given(theirs({ extension })));
    expect(findDuplicate(more, [], extended, moment())).toBeUndefined();
    expect(findDuplicate(more, [theirs({ extension })], extended, moment())).toEqual({ requestId: 'r1', what: 'request' });
  });

  for (const [what, over, reused] of [
    ['the same', {}, true],
    ['less time', { ttlMs: MINUTE - 1 }, false],
    ['more time', { ttlMs: MINUTE + 1 }, true],
    ['another scope', { scopes: ['other'] }, false],
    ['one scope of the two', { scopes: ['a'] }, false],
    ['a scope more', { scopes: ['a', 'b', 'c'] }, false],
    ['the scopes in another order', { scopes: ['b', 'a'] }, true],
    ['another start', { startsAt: at(HOUR) }, false],
    ['another requester', { requestedBy: 'user:noor' }, false],
  ] as const) {
    it(`${reused ? 'finds' : 'does not find'} an open request for an ask for ${what}`, () => {
      const pending = theirs({ scopes: ['a', 'b'] });
      const found = findDuplicate({ ...asked, scopes: ['a', 'b'], ...over }, [pending], facts([]), moment());
      expect(found).toEqual(reused ? { requestId: 'r1', what: 'request' } : undefined);
    });
  }

  it.each([
    [HOUR, true],
    [HOUR + 1, false],
    [HOUR - 1, false],
    [undefined, false],
  ])('finds an open request that starts after 3600000 ms only for the same start: for %s, %s', (ms, reused) => {
    const startsAt = ms === undefined ? undefined : at(ms);
    expect(findDuplicate({ ...asked, startsAt }, [theirs({ startsAt: at(HOUR) })], facts([]), moment()) !== undefined).toBe(reused);
  });

  it.each([
    [0, 15 * MINUTE, true],
    [0, 15 * MINUTE + 1, false],
    [0, 15 * MINUTE - 1, true],
    [1, 15 * MINUTE, false],
    [5 * MINUTE, 10 * MINUTE, true],
    [5 * MINUTE, 10 * MINUTE + 1, false],
  ])('finds a grant of 900000 ms only while it lasts all of the requested time: at %i ms for %i ms, %s', (now, ttlMs, reused) => {
    const holding = facts([held(scope)], given(theirs({ ttlMs: 15 * MINUTE })));
    expect(findDuplicate({ ...asked, ttlMs }, [], holding, moment(now)) !== undefined).toBe(reused);
  });

  it.each([
    [MINUTE, true],
    [MINUTE - 1, false],
  ])('does not find a grant whose idle end comes before the end of 60000 ms: with an idle time of %i ms, %s', (idleTtlMs, reused) => {
    const use = freshlyIssued(aGrant({ ...scope, idleTtlMs, expiresAt: at(MINUTE) }));
    expect(findDuplicate(asked, [], facts([use], given(theirs())), moment()) !== undefined).toBe(reused);
  });

  it.each([
    [0, HOUR, HOUR, true],
    [0, HOUR, HOUR - 1, true],
    [0, HOUR + 1, HOUR - 1, true],
    [0, HOUR + 1, HOUR, false],
    [0, HOUR - 1, HOUR, false],
    [0, 2 * HOUR, 1, false],
    [0, undefined, 1, false],
    [HOUR, HOUR, HOUR, true],
    [2 * HOUR - 1, HOUR, HOUR, true],
  ])(
    'finds a scheduled grant only for a start and an end in its window: at %i ms, for the start %s and %i ms, %s',
    (now, start, ttlMs, reused) => {
      const use = held({ ...scope, startsAt: at(HOUR), firstStartsAt: at(HOUR), expiresAt: at(2 * HOUR) });
      const holding = facts([use], given(theirs({ ttlMs: HOUR, startsAt: at(HOUR) })));
      const wanted = { ...asked, ttlMs, startsAt: start === undefined ? undefined : at(start) };
      expect(findDuplicate(wanted, [], holding, moment(now)) !== undefined).toBe(reused);
    },
  );

  it('never combines the grants of two requests', () => {
    const two = { ...asked, scopes: ['a', 'b'] };
    const both = given(theirs(), theirs({ id: 'r2', scopes: ['b'] }));
    const live = [held(scope), held({ id: 'r2.1', requestId: 'r2', scope: 'b' })];
    expect(findDuplicate(two, [], facts(live, both), moment())).toBeUndefined();
    const bundle = [held(scope), held({ id: 'r1.2', scope: 'b' })];
    const one = given(theirs({ scopes: ['a', 'b'] }));
    expect(findDuplicate(two, [], facts(bundle, one), moment())).toEqual({ requestId: 'r1', what: 'grants' });
    expect(findDuplicate(two, [], facts(bundle.slice(1), one), moment())).toBeUndefined();
    expect(findDuplicate(asked, [], facts(bundle, one), moment())).toBeUndefined();
  });

  it('L5 L6 counts the remaining time of a grant from now, and judges whether it is live at both readings', () => {
    const grant = held({ ...scope, expiresAt: at(2 * MINUTE) });
    for (const [now, late, found] of [
      [0, MINUTE + 1, true],
      [MINUTE, MINUTE + 1, true],
      [MINUTE + 1, MINUTE + 1, false],
      [0, 2 * MINUTE - 1, true],
      [0, 2 * MINUTE, false],
    ] as const) {
      expect([now, late, findDuplicate(asked, [], facts([grant], given(theirs())), moment(now, late)) !== undefined]).toEqual([
        now,
        late,
        found,
      ]);
    }
    const later = held({ ...scope, startsAt: at(5) });
    expect(findDuplicate(asked, [], facts([later], given(theirs())), moment(4, 5))).toBeUndefined();
    expect(findDuplicate(asked, [], facts([later], given(theirs())), moment(5, 5))).toBeDefined();
  });

  it('L18 does not reuse a grant whose start has come but is not confirmed, for any start of the ask', () => {
    const found = (now: number, startsAt: number, activatedAt?: number) => {
      const grant = held({ ...scope, startsAt: at(5), asksAtStart: true, activatedAt: activatedAt && at(activatedAt) });
      const known = given(theirs({ ttlMs: 1, startsAt: at(startsAt) }));
      return findDuplicate({ ...asked, ttlMs: 1, startsAt: at(startsAt) }, [], facts([grant], known), moment(now)) !== undefined;
    };
    expect([found(4, 5), found(4, 4), found(5, 5), found(6, 7)]).toEqual([true, false, false, false]);
    expect([found(5, 5, 5), found(6, 7, 5), found(6, 7, 6)]).toEqual([true, true, true]);
    expect(found(6, 4, 5)).toBe(false);
  });

  /** A request with its grants, and the differences that the ask and these may have. */
  const approved = (ttlMs: number, scopes: readonly string[]) =>
    ({ status: 'approved', cause: 'quorum', at: at(0), by: 'x', reason: undefined, granted: { scopes, ttlMs } }) as const;
  const run = { agent: 'agent:7', operator: 'user:lee' };
  const reasons = { justification: 'a leak', ticket: 'INC-1', metadata: { a: 1, b: [2] } };

  for (const [what, request, ask, grant, found] of [
    ['nothing else', {}, {}, {}, true],
    ['an earlier longer length', { ttlMs: HOUR }, {}, {}, true],
    ['an earlier start and end', { startsAt: at(0), until: at(15 * MINUTE) }, {}, {}, true],
    ['an asked start in the window', {}, { startsAt: at(MINUTE) }, {}, true],
    ['an asked end in the window', {}, { until: at(15 * MINUTE) }, {}, true],
    ['an asked end after the window', {}, { until: at(15 * MINUTE) + 1 }, {}, false],
    ['an asked start before the window', {}, { startsAt: at(-1) }, {}, false],
    ['another requester', { requestedBy: 'agent:8' }, {}, {}, false],
    ['the same agent and operator', run, run, {}, true],
    ['another agent', run, { ...run, agent: 'agent:8' }, {}, false],
    ['another operator', run, { ...run, operator: 'user:sam' }, {}, false],
    ['no operator', run, { ...run, operator: undefined }, {}, false],
    ['narrowed scopes, and the ask is for these', { scopes: ['a', 'b'], end: approved(MINUTE, ['a']) }, {}, {}, true],
    ['narrowed scopes, and the ask is for all', { scopes: ['a', 'b'], end: approved(MINUTE, ['a']) }, { scopes: ['a', 'b'] }, {}, false],
    ['a narrowed length', { ttlMs: HOUR, end: approved(15 * MINUTE, ['a']) }, {}, {}, true],
    ['one granted scope without a live grant', { scopes: ['a', 'b'], end: approved(MINUTE, ['a', 'b']) }, {}, {}, false],
    ['break-glass', {}, {}, { breakGlass: true }, false],
    ['counted uses', {}, {}, { maxUses: 9 }, false],
    ['a recorded end', {}, {}, { end: REVOKED }, false],
    ['an unconfirmed start', {}, {}, { asksAtStart: true, activatedAt: undefined }, false],
    ['the same reasons', reasons, reasons, {}, true],
    ['metadata in another order', reasons, { metadata: { b: [2], a: 1 } }, {}, true],
    ['reasons that the ask omits', reasons, {}, {}, true],
    ['another justification', reasons, { justification: 'a flood' }, {}, false],
    ['a justification where there was none', {}, { justification: 'a flood' }, {}, false],
    ['another ticket', reasons, { ticket: 'INC-2' }, {}, false],
    ['a ticket where there was none', {}, { ticket: 'INC-2' }, {}, false],
    ['other metadata', reasons, { metadata: { a: 1, b: [2, 3] } }, {}, false],
    ['metadata where there was none', {}, { metadata: {} }, {}, false],
  ] as const) {
    it(`L44 [FE4] ${found ? 'finds' : 'does not find'} held access with ${what}`, () => {
      const use = freshlyIssued(aGrant({ ...scope, expiresAt: at(15 * MINUTE), ...grant }));
      const wanted = { ...asked, ...ask };
      const holding = facts([use], given(theirs(request)));
      expect(findDuplicate(wanted, [], holding, moment())).toEqual(found ? { requestId: 'r1', what: 'grants' } : undefined);
    });
  }

  it('L44 [FE4] finds the access of an extension, from the start of that access', () => {
    const extension = {
      grantIds: ['r0.1'],
      requestId: undefined,
      from: at(MINUTE),
      firstStartsAt: at(0),
      until: at(HOUR),
      breakGlass: false,
    };
    const use = held({ ...scope, startsAt: at(MINUTE), firstStartsAt: at(0), expiresAt: at(5 * MINUTE), extends: 'r0.1' });
    const holding = facts([use], given(theirs({ extension })));
    for (const [now, startsAt, found] of [
      [0, undefined, false],
      [0, MINUTE, true],
      [0, MINUTE - 1, false],
      [MINUTE, undefined, true],
      [4 * MINUTE, undefined, true],
      [4 * MINUTE + 1, undefined, false],
    ] as const) {
      const wanted = { ...asked, startsAt: startsAt === undefined ? undefined : at(startsAt) };
      expect([now, startsAt, findDuplicate(wanted, [], holding, moment(now)) !== undefined]).toEqual([now, startsAt, found]);
    }
  });

  it('L44 [FE4] finds of several the access that lasts longest, then the lower id', () => {
    const lasting = (id: string, ms: number, idleTtlMs?: number) =>
      freshlyIssued(aGrant({ ...scope, id: `${id}.1`, requestId: id, expiresAt: at(ms), idleTtlMs }));
    let ids = ['rc', 'rb', 'ra'];
    const found = (...live: readonly GrantUse[]) =>
      findDuplicate(asked, [], facts(live, given(...ids.map((id) => theirs({ id })))), moment())?.requestId;
    expect(found(lasting('rc', 9 * MINUTE), lasting('rb', 8 * MINUTE), lasting('ra', 7 * MINUTE))).toBe('rc');
    expect(found(lasting('rc', 7 * MINUTE), lasting('rb', 8 * MINUTE), lasting('ra', 8 * MINUTE))).toBe('ra');
    ids = ['ra', 'rb', 'rc'];
    expect(found(lasting('rc', 7 * MINUTE), lasting('rb', 8 * MINUTE), lasting('ra', 8 * MINUTE))).toBe('ra');
    // An idle end is an end.
    expect(found(lasting('ra', 9 * MINUTE, MINUTE), lasting('rb', 2 * MINUTE))).toBe('rb');
  });

  it('L18 finds only what gives everything requested, for all of the time (a property)', () => {
    const ms = fc.integer({ min: 0, max: 6 });
    const names = fc.subarray(['a', 'b', 'c'], { minLength: 1 });
    const one = fc.record({
      requestId: fc.constantFrom('r1', 'r2'),
      scope: fc.constantFrom('a', 'b', 'c'),
      startsAt: ms,
      length: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(
        // A request names each scope once.
        fc.uniqueArray(one, { maxLength: 5, selector: ({ requestId, scope: of }) => `${requestId} ${of}` }),
        names,
        ms,
        fc.integer({ min: 1, max: 6 }),
        fc.option(ms, { nil: undefined }),
        (grants, scopes, now, ttlMs, start) => {
          const live = grants.map(({ requestId, scope: of, startsAt, length }, i) =>
            held({ id: `${requestId}.${i}`, requestId, scope: of, startsAt: at(startsAt), expiresAt: at(startsAt + length) }),
          );
          const wanted = { ...asked, scopes, ttlMs, startsAt: start === undefined ? undefined : at(start) };
          const known = new Map(['r1', 'r2'].map((id) => [id, theirs({ ...wanted, id, ttlMs: Math.max(ttlMs, 3) })]));
          const found = findDuplicate(wanted, [], facts(live, known), moment(now));
          if (found === undefined) return;
          const given = live.filter(({ grant }) => grant.requestId === found.requestId).map(({ grant }) => grant);
          const from = Math.max(now, start ?? now);
          const until = start === undefined ? now + ttlMs : start + ttlMs;
          for (const wants of scopes) {
            for (let t = from; t < until; t++) {
              expect(given.some((grant) => grant.scope === wants && grant.startsAt <= at(t) && at(t) < grant.expiresAt)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
