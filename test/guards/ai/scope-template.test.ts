import fc from 'fast-check';
import { needsApproval } from 'jit-access/ai';
import { describe, expect, it } from 'vitest';
import { readScopeFrom } from '../../../src/guards/ai/scope-from.js';
import { AGENT, anOffice, TTL } from './lending.js';

const guard = (scope: string) => () => needsApproval(anOffice().engine, { tool: 'refund', agent: AGENT, scope, ttl: TTL }, () => 'ran');

describe('a scope template', () => {
  it.each(['shop:{tenant}-{order}:refund', 'shop:{a}{b}', '{a}.x.{b}', 'shop:{a}/{a}'])(
    'L24 is refused at construction where one segment has two fields: %s [H3]',
    (scope) => {
      expect(guard(scope)).toThrow(/at most one \{field\} in each segment/);
    },
  );

  it.each(['shop:{tenant}:{order}:refund', 'shop-{tenant}:order-{order}.eu:refund', 'shop:all:refund'])(
    'may have one field in each segment, with constant text around it: %s [H3]',
    (scope) => {
      expect(guard(scope)).not.toThrow();
    },
  );

  it('L24 makes two different scopes from two different inputs, or none [H3]', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '/', '='), minLength: 1, maxLength: 4 });
    const input = fc.record({ tenant: part, order: part });
    const scopeOf = readScopeFrom<object>('scope', 'shop-{tenant}-eu:{order}:refund');
    fc.assert(
      fc.property(input, input, (one, other) => {
        const isSame = one.tenant === other.tenant && one.order === other.order;
        expect(scopeOf(one) === scopeOf(other)).toBe(isSame);
      }),
      { seed: 20261126, numRuns: 500 },
    );
  });
});
