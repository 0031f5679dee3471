import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findReason, narrow, reasonOfNothing, type Finding, type KnownRecords, type ScopeRelation } from '../../src/lifecycle/explain.js';
import type { GrantUse } from '../../src/lifecycle/status.js';
import { patternScopes } from '../../src/core/scope.js';
import type { AccessRequest, Grant, GrantEnd, RequestEnd, Usage } from '../../src/records/index.js';
import { aGrant, aRequest } from '../../src/testing.js';
import { at, MINUTE } from '../engine/an-engine.js';
import { untilReached } from '../property/reach.js';
import { askedGroups } from '../../src/records/index.js';
import { aQuorum } from './a-quorum.js';

const SCOPE = 'db-prod:write';
const NOW = 10 * MINUTE;
/** The grant of a builder ends after 15 minutes, the request after 60. */
const END = at(15 * MINUTE);
const DEADLINE = at(60 * MINUTE);

const read = (now = NOW, { forEnds = 0, highWater = now } = {}) => ({
  now: at(now),
  highWater: at(highWater),
  forEnds: at(highWater + forEnds),
  steppedBack: false,
});
const reach = (scope = SCOPE): ScopeRelation => ({
  covers: (named) => patternScopes.covers(named, scope),
  overlaps: (named) => patternScopes.overlaps(named, scope),
});
const held = (over: Partial<Grant> = {}, usage?: Partial<Usage>): GrantUse => {
  const grant = aGrant(over);
  const { id, subject, scope, startsAt, expiresAt, idleTtlMs } = grant;
  const whole = { kind: 'usage', id, version: 1, subject, scope, startsAt, expiresAt, idleTtlMs, usedAt: undefined, uses: 0 } as const;
  return { grant, usage: usage && { ...whole, endedAt: undefined, ...usage } };
};
const later = (over: Partial<Grant> = {}) =>
  held({ id: 'r2.1', startsAt: at(20 * MINUTE), expiresAt: at(40 * MINUTE), activatedAt: undefined, ...over });
const ended = (ms: number, over: Partial<GrantEnd> = {}) =>
  ({ status: 'revoked', cause: 'revoked', at: at(ms), by: 'user:sam', reason: undefined, ...over }) as GrantEnd;
const closed = (ms: number, over: Partial<RequestEnd> = {}) =>
  ({
    ...{ status: 'denied', cause: 'quorum', at: at(ms), by: 'user:sam', reason: undefined },
    ...(over.status === 'approved' ? { granted: { scopes: ['db-prod:write'], ttlMs: MINUTE } } : {}),
    ...over,
  }) as RequestEnd;

/** The reason that some records give, the id of the record, and when the reason changes. */
function told(records: readonly (GrantUse | AccessRequest)[], reading = read(), of = reach()) {
  const found = findReason(known(records), of, reading);
  return found && [found.reason, idOf(found), found.changesAt];
}
const known = (records: readonly (GrantUse | AccessRequest)[]): KnownRecords => ({
  requests: records.filter((one): one is AccessRequest => !('grant' in one)),
  grants: records.filter((one): one is GrantUse => 'grant' in one),
});
function idOf({ request, grant }: Finding): string | undefined {
  expect((request === undefined) !== (grant === undefined)).toBe(true);
  return (request ?? grant)?.id;
}

const WAITING = { asksAtStart: true, activatedAt: undefined } as const;
const IDLE = { idleTtlMs: 5 * MINUTE } as const;

describe('findReason()', () => {
  describe('for one record that covers', () => {
    const table: readonly (readonly [string, GrantUse | AccessRequest, Finding['reason'], number | undefined])[] = [
      ['a usable grant', held(), 'granted', END],
      ['a usable grant with uses left', held({ maxUses: 2 }, { uses: 1 }), 'granted', END],
      ['a usable grant that is idle before it ends', held(IDLE, { usedAt: at(7 * MINUTE) }), 'granted', at(12 * MINUTE)],
      ['a grant whose start has not been confirmed', held(WAITING), 'not_activated', at(NOW)],
      ['a grant that starts later', later(), 'not_started', at(20 * MINUTE)],
      ['a grant that starts later and will be asked about', later(WAITING), 'not_started', at(20 * MINUTE)],
      ['an expired grant', held({ expiresAt: at(NOW) }), 'expired', undefined],
      ['a grant whose end a sweep has recorded', held({ end: ended(1, { status: 'expired', cause: 'time' }) }), 'expired', undefined],
      ['an idle grant', held(IDLE, { usedAt: at(5 * MINUTE) }), 'expired', undefined],
      ['a grant that was recorded as idle', held({ ...IDLE, end: ended(1, { status: 'expired', cause: 'idle' }) }), 'expired', undefined],
      [
        'a grant whose uses are used up',
        held({ maxUses: 1, end: ended(1, { status: 'expired', cause: 'used_up' }) }),
        'expired',
        undefined,
      ],
      ['a grant read before the end that closed its usage row', held({ maxUses: 1 }, { uses: 1, endedAt: at(5) }), 'expired', undefined],
      [
        'a grant used up in the millisecond in which it started',
        held({ maxUses: 1, startsAt: at(NOW), activatedAt: at(NOW) }, { uses: 1, usedAt: at(NOW), endedAt: at(NOW) }),
        'expired',
        undefined,
      ],
      ['a grant that expired unconfirmed', held({ ...WAITING, expiresAt: at(NOW) }), 'expired', undefined],
      ...(['revoked', 'released', 'origin_ended', 'unjustified'] as const).map(
        (cause) => [`one that ended by ${cause}`, held({ end: ended(1, { cause }) }), 'revoked', undefined] as const,
      ),
      ['a grant whose subject was not eligible at its start', held({ end: ended(1, { cause: 'ineligible' }) }), 'ineligible', undefined],
      ['a pending request', aRequest(), 'pending', DEADLINE],
      ['a pending request one of whose scopes covers', aRequest({ scopes: ['a', 'db-prod:*'] }), 'pending', DEADLINE],
      ['a request that was not decided in time', aRequest({ reviewBy: at(NOW) }), 'expired', undefined],
      [
        'a request whose expiry a sweep has recorded',
        aRequest({ end: closed(1, { status: 'expired', cause: 'time' }) }),
        'expired',
        undefined,
      ],
      ...(['approver', 'quorum', 'abstained', 'limit'] as const).map(
        (cause) => [`a request that was denied by ${cause}`, aRequest({ end: closed(1, { cause }) }), 'denied', undefined] as const,
      ),
      ['a request whose subject was not eligible', aRequest({ end: closed(1, { cause: 'ineligible' }) }), 'ineligible', undefined],
      ...(['cancelled', 'revoked', 'origin_ended'] as const).map((cause) => {
        const request = aRequest({ end: closed(1, { status: 'cancelled', cause }) });
        return [`a request that was cancelled by ${cause}`, request, 'cancelled', undefined] as const;
      }),
    ];
    for (const [what, record, reason, changesAt] of table) {
      it(`${what}: ${reason}`, () => {
        expect(told([record])).toEqual([reason, 'grant' in record ? record.grant.id : record.id, changesAt]);
      });
    }

    it('no record: no reason', () => {
      expect(told([])).toBeUndefined();
    });

    describe('an approved request', () => {
      const approved = aRequest({ id: 'a', end: closed(5, { status: 'approved', cause: 'quorum' }) });
      it('gives the reason of its grants, in any state of them', () => {
        for (const over of [{}, WAITING, { expiresAt: at(NOW) }, { end: ended(5) }, { end: ended(6) }]) {
          for (const records of [
            [approved, held(over)],
            [held(over), approved],
          ]) {
            expect(told(records)).toEqual(told([held(over)]));
          }
        }
      });

      it('L30 is unreadable if no grant gives a reason, and nothing that covers is live or ended later', () => {
        expect(told([approved])).toEqual(['unreadable', 'a', undefined]);
        expect(told([approved, held({ maxUses: 1 })])).toEqual(['unreadable', 'a', undefined]);
        expect(told([approved, held({ scope: 'db-prod:read' })])?.[0]).toBe('unreadable');
        expect(told([approved, aRequest({ id: 'd', end: closed(4) })])?.[0]).toBe('unreadable');
        expect(told([approved, aRequest({ id: 'd', end: closed(6) })])?.[0]).toBe('denied');
        expect(told([approved, aRequest({ id: 'p' })])?.[0]).toBe('pending');
        const elsewhere = closed(5, { status: 'approved', granted: { scopes: ['a'], ttlMs: MINUTE } });
        expect(told([{ ...approved, scopes: ['a'], end: elsewhere }])).toBeUndefined();
      });

      it('is narrowed for a scope that its reviewers omitted, unless a later record decides (feature 4)', () => {
        const granted = { scopes: ['a'], ttlMs: MINUTE };
        const end = closed(5, { status: 'approved', granted });
        const narrowed = aRequest({ id: 'n', scopes: ['a', 'db-prod:write'], end });
        expect(told([narrowed])).toEqual(['narrowed', 'n', undefined]);
        expect(told([narrowed, held()])?.[0]).toBe('granted');
        expect(told([narrowed, held({ end: ended(6) })])?.[0]).toBe('revoked');
        expect(told([narrowed, held({ end: ended(4) })])?.[0]).toBe('narrowed');
        expect(told([narrowed, aRequest({ id: 'd', end: closed(6) })])?.[0]).toBe('denied');
        expect(told([narrowed, aRequest({ id: 'd', end: closed(4) })])?.[0]).toBe('narrowed');
      });
    });

    it('returns the end of a record that has ended', () => {
      const endOf = (record: GrantUse | AccessRequest) => findReason(known([record]), reach(), read())?.endedAt;
      expect(endOf(held({ end: ended(5) }))).toBe(at(5));
      expect(endOf(held({ expiresAt: at(NOW) }))).toBe(at(NOW));
      expect(endOf(aRequest({ end: closed(6) }))).toBe(at(6));
      expect(endOf(aRequest({ reviewBy: at(7), end: closed(9, { status: 'expired', cause: 'time' }) }))).toBe(at(7));
      for (const live of [held(), later(), held(WAITING), aRequest(), held({ scope: 'db-prod:read' })]) expect(endOf(live)).toBeUndefined();
    });

    it('L30 gives no reason for a grant without its usage row, before or after its end, unless its end is recorded', () => {
      for (const over of [{ maxUses: 1 }, IDLE, { ...IDLE, ...WAITING }, { ...IDLE, startsAt: at(12 * MINUTE), activatedAt: undefined }]) {
        for (const now of [NOW, 20 * MINUTE]) expect(told([held(over)], read(now))).toBeUndefined();
      }
      expect(told([held({ maxUses: 1, end: ended(1) })])).toEqual(['revoked', 'r1.1', undefined]);
    });
  });

  it('L1 L2 L13 is exact at each instant', () => {
    for (const [record, now, reason] of [
      [held(), 15 * MINUTE - 1, 'granted'],
      [held(), 15 * MINUTE, 'expired'],
      [later(), 20 * MINUTE - 1, 'not_started'],
      [later(), 20 * MINUTE, 'granted'],
      [later(WAITING), 20 * MINUTE, 'not_activated'],
      [aRequest(), 60 * MINUTE - 1, 'pending'],
      [aRequest(), 60 * MINUTE, 'expired'],
    ] as const) {
      expect([now, told([record], read(now))?.[0]]).toEqual([now, reason]);
    }
  });

  it('L5 L6 judges ends at the highest reading and early by the leeway, and starts at the clock', () => {
    const forEnds = MINUTE;
    expect(told([held()], read(14 * MINUTE - 1, { forEnds }))).toEqual(['granted', 'r1.1', at(14 * MINUTE)]);
    expect(told([held()], read(14 * MINUTE, { forEnds }))?.[0]).toBe('expired');
    expect(told([aRequest()], read(NOW, { forEnds }))).toEqual(['pending', 'r1', at(59 * MINUTE)]);
    expect(told([later()], read(20 * MINUTE - 1, { forEnds }))).toEqual(['not_started', 'r2.1', at(20 * MINUTE)]);
    // Ends before it starts, because the leeway is longer than the window.
    const short = later({ expiresAt: at(20 * MINUTE + 1000) });
    expect(told([short], read(NOW, { forEnds }))).toEqual(['not_started', 'r2.1', at(19 * MINUTE + 1000)]);
    expect(told([short], read(19 * MINUTE + 1000, { forEnds }))?.[0]).toBe('expired');
    // After the clock steps back, an ended record stays ended, and a started one counts as not started.
    expect(told([held()], read(NOW, { highWater: 15 * MINUTE }))?.[0]).toBe('expired');
    expect(told([later()], read(NOW, { highWater: 25 * MINUTE }))?.[0]).toBe('not_started');
  });

  describe('for several records that cover', () => {
    const pending = aRequest({ id: 'p' });
    const waiting = held({ id: 'w.1', ...WAITING });
    const denied = aRequest({ id: 'd', end: closed(5) });
    it('prefers a record that may give access to an ended one: usable, to be confirmed, scheduled, pending', () => {
      const all = [denied, pending, later(), waiting, held()];
      const reasons = ['granted', 'not_activated', 'not_started', 'pending', 'denied'];
      for (let n = all.length; n > 0; n--) {
        expect(told(all.slice(0, n))?.[0]).toBe(reasons[all.length - n]);
        expect(told(all.slice(0, n).reverse())?.[0]).toBe(reasons[all.length - n]);
      }
    });

    const table: readonly (readonly [string, string, readonly (GrantUse | AccessRequest)[]])[] = [
      ['the usable grant that ends last', 'b.1', [held(), held({ id: 'b.1', expiresAt: at(16 * MINUTE) })]],
      ['the waiting grant that ends last', 'b.1', [waiting, held({ id: 'b.1', ...WAITING, expiresAt: at(16 * MINUTE) })]],
      ['the scheduled grant that starts first', 'b.1', [later(), later({ id: 'b.1', startsAt: at(19 * MINUTE) })]],
      ['the pending request with the latest deadline', 'b', [pending, aRequest({ id: 'b', reviewBy: at(61 * MINUTE) })]],
      ['the grant that ended last', 'b.1', [held({ end: ended(5) }), held({ id: 'b.1', end: ended(6) })]],
      ['the request that ended last', 'b', [aRequest({ id: 'b', end: closed(6) }), denied]],
      ['a request that ended after a grant', 'd', [denied, held({ end: ended(4) })]],
      ['a grant that ended after a request', 'r1.1', [denied, held({ end: ended(6) })]],
      ['a grant that expired after a request', 'r1.1', [denied, held({ expiresAt: at(6) })]],
      ['a grant whose usage row was closed after a request ended', 'r1.1', [denied, held({ maxUses: 1 }, { uses: 1, endedAt: at(6) })]],
      ['a request that ended after a usage row was closed', 'd', [denied, held({ maxUses: 1 }, { uses: 1, endedAt: at(4) })]],
      [
        'a request by its deadline, not by the sweep that came later',
        'd',
        [denied, aRequest({ id: 'b', reviewBy: at(4), end: closed(9, { status: 'expired', cause: 'time' }) })],
      ],
      ['a grant rather than the request that ended with it', 'r1.1', [denied, held({ end: ended(5) })]],
      ['a grant rather than the request that ended with it, read first', 'r1.1', [held({ end: ended(5) }), denied]],
      [
        'a request that was made and answered in the instant of the end',
        'd2',
        [held({ expiresAt: at(5) }), aRequest({ id: 'd2', createdAt: at(5), end: closed(5) })],
      ],
      ['the first of two equal records', 'r1.1', [held(), held({ id: 'r2.1' })]],
    ];
    for (const [what, id, records] of table) {
      it(`returns ${what}`, () => {
        expect(told(records)?.[1]).toBe(id);
      });
    }
  });

  describe('for no record that covers', () => {
    const of = { scope: 'db-prod:read' } as const;
    const table: readonly (readonly [string, string | undefined, readonly (GrantUse | AccessRequest)[]])[] = [
      ['a usable grant', 'r1.1', [held(of)]],
      ['a scheduled grant', 'r2.1', [later(of)]],
      ['a grant to be confirmed', 'r1.1', [held({ ...of, ...WAITING })]],
      ['a pending request', 'r1', [aRequest({ scopes: ['db-prod:read'] })]],
      ['a usable grant before a scheduled one', 'r1.1', [later(of), held(of)]],
      ['a scheduled grant before a pending request', 'r2.1', [aRequest({ scopes: ['a'], reviewBy: at(99 * MINUTE) }), later(of)]],
      ['the usable grant that ends last', 'b.1', [held(of), held({ ...of, id: 'b.1', expiresAt: at(16 * MINUTE) })]],
      ['the scheduled grant that ends last', 'b.1', [later(of), later({ ...of, id: 'b.1', expiresAt: at(41 * MINUTE) })]],
      ['no ended record', undefined, [held({ ...of, end: ended(1) }), aRequest({ scopes: ['a'], end: closed(1) })]],
    ];
    for (const [what, id, records] of table) {
      it(`returns ${what}`, () => {
        const found = told(records);
        expect(found?.slice(0, 2)).toEqual(id === undefined ? undefined : ['scope_mismatch', id]);
      });
    }

    it('returns when that record ends by itself', () => {
      expect(told([held(of)])?.[2]).toBe(END);
      expect(told([later(of)])?.[2]).toBe(at(40 * MINUTE));
      expect(told([held({ ...of, ...WAITING })])?.[2]).toBe(END);
      expect(told([held(of)], read(NOW, { forEnds: MINUTE }))?.[2]).toBe(END - MINUTE);
      expect(told([aRequest({ scopes: ['a'] })])?.[2]).toBe(DEADLINE);
    });

    it('prefers a record that overlaps to a usable one', () => {
      // A matcher in which asking for a parent asks for everything below it.
      const below: ScopeRelation = { covers: (named) => named === 'db', overlaps: (named) => named.startsWith('db:') };
      const pending = aRequest({ scopes: ['a', 'db:x'] });
      expect(told([held(), pending], read(), below)?.slice(0, 2)).toEqual(['scope_mismatch', 'r1']);
    });

    it('prefers an ended record that covers to a live one that does not cover', () => {
      expect(told([held(of), held({ id: 'b.1', end: ended(1) })])?.slice(0, 2)).toEqual(['revoked', 'b.1']);
    });
  });

  it('L21 treats a pattern in a request like a pattern in a grant', () => {
    const any = { scope: 'db-prod:*' } as const;
    expect(told([held(any)])?.[0]).toBe('granted');
    expect(told([held(any)], read(), reach('db-prod:write:rows'))?.[0]).toBe('scope_mismatch');
    expect(told([aRequest({ scopes: ['db-prod:**'] })], read(), reach('db-prod:write:rows'))?.[0]).toBe('pending');
  });
});

describe('narrow()', () => {
  it('keeps every live record, and the last ended one that covers', () => {
    const gone = [held({ end: ended(4) }), held({ id: 'x.1', scope: 'a', end: ended(9) }), aRequest({ id: 'd', end: closed(6) })];
    const live = [held({ id: 'l.1' }), later({ scope: 'a' }), aRequest({ scopes: ['a'] })];
    expect(narrow(known([...gone, ...live]), reach(), read())).toEqual(known([gone[2] as AccessRequest, ...live]));
  });

  const scopes = fc.constantFrom(SCOPE, 'db-prod:*', 'a');
  const instant = fc.integer({ min: 0, max: 20 }).map((n) => at(n * MINUTE));
  const grants = fc
    .record({ scope: scopes, startsAt: instant, length: fc.integer({ min: 1, max: 10 }), end: fc.option(instant), asks: fc.boolean() })
    .map(({ scope, startsAt, length, end, asks }) =>
      held({
        id: 'g.1',
        scope,
        startsAt,
        expiresAt: startsAt + length * MINUTE,
        asksAtStart: asks,
        activatedAt: undefined,
        end: end === null ? undefined : { ...ended(0), at: end },
      }),
    );
  const requests = fc
    .record({ scope: scopes, createdAt: instant, end: fc.option(instant), status: fc.constantFrom('denied', 'approved') })
    .map(({ scope, createdAt, end, status }) =>
      aRequest({
        scopes: [scope],
        createdAt,
        reviewBy: createdAt + 5 * MINUTE,
        end: end === null ? undefined : closed(0, { at: end, status, granted: { scopes: [scope], ttlMs: MINUTE } }),
      }),
    );

  it('keeps the reason, for now and for later, and at most one ended record', async () => {
    const instants = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }));
    const reasons = new Set<string>();
    const records = fc.property(
      fc.array(grants, { maxLength: 6 }),
      fc.array(requests, { maxLength: 6 }),
      instants,
      (someGrants, someRequests, [n, after]) => {
        const all = {
          grants: someGrants.map(({ grant }, i) => ({ grant: { ...grant, id: `g${i}.1` }, usage: undefined })),
          requests: someRequests.map((request, i) => ({ ...request, id: `r${i}` })),
        };
        const now = read(n * MINUTE);
        const then = read((n + after) * MINUTE);
        const few = narrow(all, reach(), now);
        expect(findReason(few, reach(), now)).toEqual(findReason(all, reach(), now));
        expect(findReason(few, reach(), then)).toEqual(findReason(all, reach(), then));
        // Narrowing page by page gives the same as narrowing all pages together.
        const half = narrow({ grants: all.grants, requests: [] }, reach(), now);
        expect(narrow({ ...half, requests: all.requests }, reach(), then)).toEqual(narrow(all, reach(), then));
        const over = [
          ...few.grants.filter(({ grant }) => grant.end !== undefined || grant.expiresAt <= now.forEnds),
          ...few.requests,
        ].filter((one) => 'grant' in one || one.end !== undefined || one.reviewBy <= now.forEnds);
        expect(over.length).toBeLessThanOrEqual(1);
        reasons.add(String(findReason(all, reach(), now)?.reason));
        // By time alone, the reason stays the same until the returned instant.
        const found = findReason(all, reach(), now);
        if (found !== undefined && then.now < (found.changesAt ?? Infinity))
          expect(findReason(all, reach(), then)?.reason).toBe(found.reason);
      },
    );
    const all = [
      'denied',
      'expired',
      'granted',
      'not_activated',
      'not_started',
      'pending',
      'revoked',
      'scope_mismatch',
      'unreadable',
      'undefined',
    ];
    await untilReached(all, reasons, async () => fc.assert(records, { numRuns: 1_000 }));
    expect(reasons.size).toBe(all.length);
  });
});

describe('reasonOfNothing()', () => {
  it('is purged if the record may be purged, else ineligible if the subject is not eligible, else no_request', () => {
    expect(reasonOfNothing(true, true)).toBe('purged');
    expect(reasonOfNothing(true, false)).toBe('purged');
    expect(reasonOfNothing(false, true)).toBe('ineligible');
    expect(reasonOfNothing(false, false)).toBe('no_request');
  });
});

describe('askedGroups()', () => {
  const groups = [
    { name: 'dba', approvals: 1 },
    { name: 'security', approvals: 2 },
  ];
  const quorum = aQuorum({ groups, escalation: { group: 'leads', afterMs: MINUTE } });
  const assigned = { quorum, assignedAt: at(0), begunSteps: undefined, escalatedAt: undefined };

  it('names the groups of the quorum, and the escalation group from its instant on, never early', () => {
    expect(askedGroups(assigned, at(MINUTE - 1))).toEqual(['dba', 'security']);
    expect(askedGroups(assigned, at(MINUTE))).toEqual(['dba', 'security', 'leads']);
    const own = aQuorum({ groups, escalation: { group: 'dba', afterMs: MINUTE } });
    expect(askedGroups({ ...assigned, quorum: own }, at(MINUTE))).toEqual(['dba', 'security']);
    expect(askedGroups({ ...assigned, quorum: { ...quorum, escalation: undefined } }, at(MINUTE))).toEqual(['dba', 'security']);
  });

  it('L16 names no group while the approver has named no quorum', () => {
    expect(askedGroups({ ...assigned, quorum: undefined, assignedAt: undefined }, at(MINUTE))).toEqual([]);
  });
});
