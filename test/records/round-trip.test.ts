import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/store.js';
import {
  decodeProvisioningChange,
  decodeGrant,
  decodeReuse,
  decodeSubject,
  decodeUsage,
  decodeUse,
  encode,
  effectiveEnd,
  idleEnd,
  makeProvisioningChange,
  makeGrant,
  makeReuse,
  makeSubject,
  makeUsage,
  makeUse,
} from '../../src/records/index.js';
import { grantDueAt, lastInstant } from '../../src/records/derived.js';
import { aGrant, START_AT } from '../../src/testing.js';

const through = (row: Row): Row => JSON.parse(JSON.stringify(row)) as Row;
const ms = fc.integer({ min: 1, max: 100_000 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const id = fc.string({ minLength: 1, maxLength: 20 });
const version = fc.integer({ min: 1, max: 1_000_000 });

/** Any grant that the rules could have made. */
const grants = fc
  .record({
    version,
    ahead: fc.integer({ min: 0, max: 50_000 }),
    ttl: ms,
    before: maybe(ms),
    successors: fc.array(fc.record({ grantId: id, at: ms }), { maxLength: 3 }),
    breakGlass: fc.boolean(),
    asks: fc.boolean(),
    activated: maybe(fc.integer({ min: 0, max: 50_000 })),
    warn: fc.uniqueArray(fc.integer({ min: 0, max: 99_999 }), { maxLength: 10 }),
    warned: fc.nat(10),
    idleTtlMs: maybe(ms),
    maxUses: maybe(fc.integer({ min: 1, max: 9 })),
    end: maybe(
      fc.record({
        of: fc.constantFrom(
          { status: 'expired', cause: 'time' } as const,
          { status: 'expired', cause: 'idle' } as const,
          { status: 'expired', cause: 'used_up' } as const,
          { status: 'revoked', cause: 'revoked' } as const,
          { status: 'revoked', cause: 'origin_ended' } as const,
          { status: 'revoked', cause: 'unjustified' } as const,
        ),
        after: fc.integer({ min: 0, max: 200_000 }),
        reason: maybe(fc.string()),
      }),
    ),
  })
  .map((of) => {
    const startsAt = START_AT + of.ahead;
    const expiresAt = startsAt + of.ttl;
    const isLater = of.ahead > 0;
    const warnAt = of.warn
      .map((after) => startsAt + after)
      .filter((at) => at < expiresAt)
      .sort((a, b) => a - b);
    return makeGrant({
      ...aGrant(),
      version: of.version,
      issuedAt: START_AT,
      startsAt,
      expiresAt,
      firstStartsAt: of.before === undefined ? startsAt : startsAt - of.before,
      extends: of.before === undefined ? undefined : 'r0.1',
      successors: of.successors.map(({ grantId, at }) => ({ grantId, at: START_AT + at })),
      breakGlass: of.breakGlass,
      asksAtStart: isLater && of.asks,
      activatedAt: !isLater ? startsAt : of.activated === undefined ? undefined : startsAt + of.activated,
      warnAt,
      warnedAt: warnAt.slice(0, of.warned).map((at) => at + 1),
      idleTtlMs: of.idleTtlMs,
      maxUses: of.maxUses,
      end: of.end && { ...of.end.of, at: START_AT + of.end.after, by: 'user:sam', reason: of.end.reason },
    });
  });

const usages = fc
  .record({ id, version, subject: id, ttl: ms, idleTtlMs: maybe(ms), used: maybe(ms), uses: fc.nat(9), ended: maybe(fc.nat(200_000)) })
  .map(({ ttl, used, ended, ...rest }) =>
    makeUsage({
      ...rest,
      scope: 'db-prod:write',
      startsAt: START_AT,
      expiresAt: START_AT + ttl,
      usedAt: used === undefined ? undefined : START_AT + used,
      endedAt: ended === undefined ? undefined : START_AT - 100 + ended,
    }),
  );

const changes = fc
  .record({
    id,
    version,
    name: id,
    subject: id,
    held: fc.boolean(),
    seq: version,
    failures: fc.nat(9),
    problem: maybe(id),
    wait: ms,
    after: ms,
    outcome: maybe(fc.record({ status: fc.constantFrom('done', 'stuck', 'dismissed'), by: id, reason: maybe(fc.string()) })),
  })
  .map(({ wait, after, outcome, ...rest }) =>
    makeProvisioningChange({
      ...rest,
      scope: 'db-prod:write',
      intendedAt: START_AT,
      tryAt: START_AT + wait,
      changedAt: START_AT + after,
      outcome: outcome && { ...outcome, at: START_AT + after },
    }),
  );

describe('encode() and decode', () => {
  it('return every grant, usage, use, reuse, change and subject, with columns that a store can query', () => {
    fc.assert(
      fc.property(grants, (grant) => {
        const row = encode(grant);
        expect(decodeGrant(through(row))).toEqual(grant);
        expect(row).toMatchObject({ open: grant.end === undefined, from: grant.startsAt });
        // `live` must not lose a grant that allows, nor `find` one that was held.
        expect(row.until).toBe(Math.max(grant.startsAt, effectiveEnd(grant)));
        expect(row.dueAt === undefined).toBe(grant.end !== undefined);
        expect([row.createdAt, row.sortAt]).toEqual([grant.issuedAt, grant.end === undefined ? grant.expiresAt : undefined]);
        if (row.dueAt !== undefined) expect(row.dueAt).toBeLessThanOrEqual(grant.expiresAt);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(usages, (usage) => {
        const row = encode(usage);
        expect(decodeUsage(through(row))).toEqual(usage);
        expect(row).toMatchObject({ createdAt: 0, sortAt: undefined });
        // For any end of the grant, `live` returns its usage row as long as the grant allows.
        if (usage.endedAt === undefined) expect(row).toMatchObject({ open: true, until: usage.expiresAt });
        // A sweep finds the row also if its grant was ended early.
        expect(row.dueAt).toBe(usage.endedAt === undefined ? Math.min(idleEnd(usage), usage.expiresAt) : undefined);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(id, version, id, ms, fc.nat(9), (useId, v, subject, ttl, usesLeft) => {
        const use = makeUse({
          id: useId,
          version: v,
          subject,
          scope: 'a:b',
          grantId: 'r1.1',
          at: START_AT,
          expiresAt: START_AT + ttl,
          usesLeft,
        });
        expect(decodeUse(through(encode(use)))).toEqual(use);
        expect(encode(use)).toMatchObject({ open: false, createdAt: 0, from: undefined, dueAt: undefined, sortAt: undefined });
      }),
    );
    fc.assert(
      fc.property(id, version, id, id, id, (reuseId, v, subject, requestId, askDigest) => {
        const reuse = makeReuse({ id: reuseId, version: v, subject, requestId, askDigest });
        expect(decodeReuse(through(encode(reuse)))).toEqual(reuse);
        expect(encode(reuse)).toMatchObject({
          open: false,
          scope: undefined,
          createdAt: 0,
          from: undefined,
          until: undefined,
          dueAt: undefined,
        });
        expect(encode(reuse).sortAt).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(changes, (change) => {
        const row = encode(change);
        const status = change.outcome?.status;
        expect(decodeProvisioningChange(through(row))).toEqual(change);
        // A sweep finds a change that is to be tried; a stuck change is found by a list, and no purge removes it.
        expect(row.dueAt).toBe(status === undefined ? change.tryAt : undefined);
        expect(row.open).toBe(status === undefined || status === 'stuck');
        expect(row).toMatchObject({ subject: change.subject, scope: change.scope, createdAt: 0, from: undefined, until: undefined });
      }),
      { numRuns: 500 },
    );
    const ids = fc.array(id, { maxLength: 4 });
    fc.assert(
      fc.property(id, version, ids, ids, ids, (subjectId, v, unreviewed, openedForOthers, denied) => {
        const subject = makeSubject({ id: subjectId, version: v, unreviewed, openedForOthers, denied });
        expect(decodeSubject(through(encode(subject)))).toEqual(subject);
        expect(encode(subject)).toMatchObject({ subject: subjectId, open: unreviewed.length > 0 });
      }),
    );
  });

  it('L27 the last instant of a record is not before any of its instants', () => {
    fc.assert(
      fc.property(grants, usages, changes, (grant, usage, change) => {
        for (const at of [change.changedAt, change.outcome?.at])
          if (at !== undefined) expect(lastInstant(change)).toBeGreaterThanOrEqual(at);
        const on = [grant.issuedAt, grant.end?.at, ...grant.warnedAt, ...grant.successors.map(({ at }) => at)];
        for (const at of on) if (at !== undefined) expect(lastInstant(grant)).toBeGreaterThanOrEqual(at);
        for (const at of [usage.usedAt, usage.endedAt]) if (at !== undefined) expect(lastInstant(usage)).toBeGreaterThanOrEqual(at);
      }),
    );
  });

  it('L1 the effective end is one function: never after expiresAt, the idle end or a recorded end', () => {
    fc.assert(
      fc.property(grants, usages, (grant, usage) => {
        const until = effectiveEnd(grant, usage);
        expect(until).toBeLessThanOrEqual(grant.expiresAt);
        if (grant.end === undefined) expect(until).toBe(Math.min(grant.expiresAt, idleEnd(usage)));
        else expect(until).toBe(Math.min(grant.expiresAt, grant.end.at));
        expect(effectiveEnd(grant)).toBeGreaterThanOrEqual(until);
      }),
    );
  });

  it('a record that has ended is never due, and one whose start or end is not recorded is due', () => {
    fc.assert(
      fc.property(grants, (grant) => {
        const due = grantDueAt(grant);
        if (grant.end !== undefined) expect(due).toBeUndefined();
        else if (grant.activatedAt === undefined) expect(due).toBe(grant.startsAt);
        else expect(due).toBe(grant.warnAt[grant.warnedAt.length] ?? grant.expiresAt);
      }),
    );
  });
});
