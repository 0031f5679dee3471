import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countGrants, findDuplicate, refuseTooMany, touchSubject } from '../../src/lifecycle/subject.js';
import type { Held } from '../../src/lifecycle/status.js';
import type { Grant } from '../../src/records.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { MAYA, MINUTE, refusal } from '../engine/an-engine.js';

const at = (ms: number) => START_AT + ms;
const moment = (now = 0, late = now) => ({ now: at(now), highest: at(late), late: at(late), steppedBack: false, actor: MAYA });
const held = (over: Partial<Grant> = {}): Held => ({ grant: aGrant(over), usage: undefined });

const REVOKED = { status: 'revoked', cause: 'revoked', at: at(0), by: 'x', reason: undefined } as const;

describe('touchSubject()', () => {
  it('makes the first row, moves on the next, and keeps what is owed', () => {
    expect(touchSubject(MAYA, undefined)).toEqual({ kind: 'subject', id: MAYA, version: 1, unreviewed: [] });
    const before = { kind: 'subject', id: MAYA, version: 3, unreviewed: ['r1'] } as const;
    expect(touchSubject(MAYA, before)).toEqual({ ...before, version: 4 });
    expect(touchSubject(MAYA, before, [])).toEqual({ ...before, version: 4, unreviewed: [] });
  });
});

describe('countGrants()', () => {
  it('counts what is live or scheduled; not what has ended on record, by time, or idle', () => {
    const usage = {
      kind: 'usage',
      id: 'r1.1',
      version: 1,
      subject: MAYA,
      scope: 's',
      startsAt: at(0),
      expiresAt: at(15 * MINUTE),
    } as const;
    const idle = { ...usage, idleTtlMs: MINUTE, usedAt: undefined, uses: 0, endedAt: undefined };
    for (const [one, live, counts] of [
      ['active', held(), true],
      ['scheduled', held({ startsAt: at(5 * MINUTE), activatedAt: undefined }), true],
      ['ended on record', held({ end: REVOKED }), false],
      ['ended by time', held({ expiresAt: at(MINUTE) }), false],
      ['ending a millisecond later', held({ expiresAt: at(MINUTE + 1) }), true],
      ['idle', { grant: aGrant({ idleTtlMs: MINUTE }), usage: idle }, false],
      ['used a millisecond ago', { grant: aGrant({ idleTtlMs: MINUTE }), usage: { ...idle, usedAt: at(1) } }, true],
    ] as const) {
      expect([one, countGrants([live], moment(MINUTE))]).toEqual([one, counts ? 1 : 0]);
    }
  });

  it('L5 goes by the highest reading: a clock that steps back brings nothing back', () => {
    expect(countGrants([held({ expiresAt: at(MINUTE) })], moment(0, MINUTE))).toBe(0);
  });
});

describe('refuseTooMany()', () => {
  const limits = { maxOpenRequests: 2, maxGrants: 3, duplicates: 'return' } as const;
  const asked = { scopes: ['a', 'b'] };

  it('is exact at each limit', async () => {
    const open = (n: number) => Array.from({ length: n }, () => aRequest());
    const live = (n: number) => Array.from({ length: n }, () => held());
    expect(() => refuseTooMany(limits, asked, open(1), live(1), moment())).not.toThrow();
    expect(await refusal(() => refuseTooMany(limits, asked, open(2), [], moment()), 'ERR_JIT_LIMIT')).toMatchObject({
      limit: 'maxOpenRequests',
      max: 2,
      got: 3,
    });
    expect(await refusal(() => refuseTooMany(limits, asked, [], live(2), moment()), 'ERR_JIT_LIMIT')).toMatchObject({
      limit: 'maxGrants',
      max: 3,
      got: 4,
    });
  });

  it('counts no request that has ended or run out', () => {
    const end = { status: 'denied', cause: 'quorum', at: at(0), by: 'x', reason: undefined } as const;
    const gone = [aRequest({ end }), aRequest({ reviewBy: at(MINUTE) })];
    expect(() => refuseTooMany({ ...limits, maxOpenRequests: 1 }, asked, gone, [], moment(MINUTE))).not.toThrow();
    expect(() => refuseTooMany({ ...limits, maxOpenRequests: 1 }, asked, gone, [], moment(MINUTE - 1))).toThrow('maxOpenRequests');
  });
});

describe('findDuplicate()', () => {
  const asked = { subject: MAYA, requestedBy: MAYA, scopes: ['a'], ttlMs: MINUTE, startsAt: undefined, extension: undefined };
  const scope = { scope: 'a' };

  it('finds the first open request for the same, whoever asked and for how long, before any grant', () => {
    const extension = { grantId: 'r1.1', from: at(MINUTE), firstStartsAt: at(0), until: at(9 * MINUTE), breakGlass: false };
    const others = [
      aRequest({ id: 'r4', scopes: ['a', 'b'] }),
      aRequest({ id: 'r5', scopes: ['a'], startsAt: at(MINUTE) }),
      aRequest({ id: 'r6', scopes: ['a'], extension }),
      aRequest({ id: 'r7', scopes: ['a'], reviewBy: at(0) }),
      aRequest({ id: 'r8', scopes: ['a'], end: { status: 'denied', cause: 'quorum', at: at(0), by: 'x', reason: undefined } }),
    ];
    const ours = [
      aRequest({ id: 'r9', scopes: ['a'], ttlMs: 1 }),
      aRequest({ id: 'ra', scopes: ['a'], ttlMs: 99 * MINUTE, requestedBy: 'agent:7' }),
      aRequest({ id: 'rb', scopes: ['a'], requestedBy: MAYA }),
    ];
    for (const [i, { id: requestId }] of ours.entries()) {
      const open = [...others, ...ours.slice(i)];
      expect(findDuplicate(asked, open, [held(scope)], moment())).toEqual({ requestId, what: 'request' });
    }
    expect(findDuplicate(asked, others, [], moment())).toBeUndefined();
    expect(findDuplicate(asked, [], [held(scope)], moment())).toEqual({ requestId: 'r1', what: 'grants' });
    expect(findDuplicate(asked, [], [], moment())).toBeUndefined();
  });

  it('never takes the grants of two requests together', () => {
    const two = { ...asked, scopes: ['a', 'b'] };
    const live = [held(scope), held({ id: 'r2.1', requestId: 'r2', scope: 'b' })];
    expect(findDuplicate(two, [], live, moment())).toBeUndefined();
    const bundle = [held(scope), held({ id: 'r1.2', scope: 'b' })];
    expect(findDuplicate(two, [], bundle, moment())).toEqual({ requestId: 'r1', what: 'grants' });
    expect(findDuplicate(asked, [], bundle, moment())).toBeUndefined();
  });

  it('L5 L6 a grant lasts as long as a new one would, counted from now; whether it is there is judged at both readings', () => {
    const grant = held({ ...scope, expiresAt: at(2 * MINUTE) });
    for (const [now, late, found] of [
      [0, MINUTE + 1, true],
      [MINUTE, MINUTE + 1, true],
      [MINUTE + 1, MINUTE + 1, false],
      [0, 2 * MINUTE - 1, true],
      [0, 2 * MINUTE, false],
    ] as const) {
      expect([now, late, findDuplicate(asked, [], [grant], moment(now, late)) !== undefined]).toEqual([now, late, found]);
    }
    const later = held({ ...scope, startsAt: at(5) });
    expect(findDuplicate(asked, [], [later], moment(4, 5))).toBeUndefined();
    expect(findDuplicate(asked, [], [later], moment(5, 5))).toBeDefined();
  });

  it('L18 a grant whose time has come without its start being confirmed is nothing to come back to, whenever the ask begins', () => {
    const found = (now: number, startsAt: number, activatedAt?: number) => {
      const grant = held({ ...scope, startsAt: at(5), asksAtStart: true, activatedAt: activatedAt && at(activatedAt) });
      return findDuplicate({ ...asked, ttlMs: 1, startsAt: at(startsAt) }, [], [grant], moment(now)) !== undefined;
    };
    expect([found(4, 5), found(4, 4), found(5, 5), found(6, 7)]).toEqual([true, false, false, false]);
    expect([found(5, 5, 5), found(6, 7, 5), found(6, 7, 6)]).toEqual([true, true, true]);
    expect(found(6, 4, 5)).toBe(false);
  });

  it('L18 whatever it finds gives all that was asked, for all of the time (a property)', () => {
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
          const found = findDuplicate(wanted, [], live, moment(now));
          if (found === undefined) return;
          const theirs = live.filter(({ grant }) => grant.requestId === found.requestId).map(({ grant }) => grant);
          const from = Math.max(now, start ?? now);
          const until = start === undefined ? now + ttlMs : start + ttlMs;
          for (const wants of scopes) {
            for (let t = from; t < until; t++) {
              expect(theirs.some((grant) => grant.scope === wants && grant.startsAt <= at(t) && at(t) < grant.expiresAt)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
