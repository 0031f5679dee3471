import { describe, expect, it } from 'vitest';
import { GRANT_ENDS, REQUEST_ENDS } from '../../src/model/ends.js';
import type { GrantEnd } from '../../src/model/grant.js';
import type { RequestEnd, Terms } from '../../src/model/request.js';
import type { Granted, QuorumAlternative, QuorumGroup, QuorumStep } from '../../src/model/review.js';
import { anyText, count, instant, list, oneOf, optional, struct, text, variants, whole } from '../../src/records/fields.js';

const group = struct<QuorumGroup>()({ name: text, approvals: count, denials: optional(count) });
const granted = struct<Granted>()({ scopes: list(text, 1), ttlMs: count });
const how = { at: instant, by: text, reason: optional(anyText) };
const expired = { cause: oneOf(...GRANT_ENDS.expired), ...how };
const revoked = { cause: oneOf(...GRANT_ENDS.revoked), ...how };
const grantEnd = variants<GrantEnd>()('status')({ expired, revoked });

describe('a table of fields', () => {
  it('compiles only where it has the fields of the interface, at every depth', () => {
    const refused = [
      // @ts-expect-error a field is missing
      struct<QuorumGroup>()({ name: text, approvals: count }),
      // @ts-expect-error the interface lacks the field
      struct<QuorumGroup>()({ name: text, approvals: count, denials: optional(count), escalation: optional(count) }),
      // @ts-expect-error the interface lacks the field, which another object contains
      struct<Granted>()({ ...{ scopes: list(text, 1), ttlMs: count, at: instant } }),
      // @ts-expect-error another type
      struct<QuorumGroup>()({ name: text, approvals: text, denials: optional(count) }),
      // @ts-expect-error only the interface lets the field be undefined
      struct<QuorumGroup>()({ name: text, approvals: count, denials: count }),
      // @ts-expect-error only the table lets the field be undefined
      struct<QuorumGroup>()({ name: text, approvals: optional(count), denials: optional(count) }),
      // @ts-expect-error another type inside a list
      struct<Pick<Terms, 'maxHolders'>>()({ maxHolders: optional(list(text)) }),
      // @ts-expect-error a part of the possible values
      struct<Pick<GrantEnd, 'status'>>()({ status: oneOf('expired') }),
      // @ts-expect-error a list of objects, whose field is unknown
      struct<QuorumStep>()({ groups: list(struct<QuorumGroup>()({ name: text, approvals: count, denials: optional(count), x: text })) }),
      struct<QuorumAlternative>()({
        groups: optional(list(group, 1)),
        steps: optional(list(struct<QuorumStep>()({ groups: list(group), escalation: optional(list(struct()({}))) as never }))),
        denials: optional(count),
        // @ts-expect-error the drift that the schema of the HTTP API had
        escalation: optional(count),
      }),
    ];
    expect(refused.every(({ is }) => typeof is === 'function')).toBe(true);
  });

  it('compiles only where it has every variant of a union, each with its own fields', () => {
    const refused = [
      // @ts-expect-error a variant is missing
      variants<GrantEnd>()('status')({ expired }),
      // @ts-expect-error the union lacks the variant
      variants<GrantEnd>()('status')({ expired, revoked, purged: expired }),
      // @ts-expect-error the causes of another variant
      variants<GrantEnd>()('status')({ expired: revoked, revoked }),
      // @ts-expect-error the variant lacks the field
      variants<GrantEnd>()('status')({ expired: { ...expired, extra: text }, revoked }),
      variants<RequestEnd>()('status')({
        // @ts-expect-error a field of the variant is missing
        approved: { cause: oneOf(...REQUEST_ENDS.approved), ...how },
        denied: { cause: oneOf(...REQUEST_ENDS.denied), ...how },
        cancelled: { cause: oneOf(...REQUEST_ENDS.cancelled), ...how },
        expired: { cause: oneOf(...REQUEST_ENDS.expired), ...how },
      }),
    ];
    expect(refused.every(({ is }) => typeof is === 'function')).toBe(true);
  });

  it.each(['toString', 'constructor', '__proto__', 'hasOwnProperty', 'x'])('L30 refuses an object with the further key %s', (key) => {
    const value = JSON.parse(`{"scopes":["a"],"ttlMs":1,${JSON.stringify(key)}:1}`) as unknown;
    expect([granted.is(value), granted.is({ scopes: ['a'], ttlMs: 1 })]).toEqual([false, true]);
  });

  it('L30 accepts a variant only with its own values', () => {
    const end = { at: 1, by: 'user:sam' };
    expect(
      [
        { ...end, status: 'expired', cause: 'idle' },
        { ...end, status: 'expired', cause: 'revoked' },
        { ...end, status: 'toString', cause: 'idle' },
        { ...end, cause: 'idle' },
        undefined,
      ].map((value) => grantEnd.is(value)),
    ).toEqual([true, false, false, false, false]);
    expect([0, 1, -1, 0.5, '0'].map((value) => whole.is(value))).toEqual([true, true, false, false, false]);
  });
});
