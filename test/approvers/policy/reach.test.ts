import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patternScopes, type ScopeMatcher } from 'jit-access';
import { definePolicy, readPolicy, type PolicyRule } from 'jit-access/policy';
import { readRuleScopes, toParts } from '../../../src/approvers/policy/rule-scopes.js';
import { asking } from './ask.js';

const pattern = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 3 }), fc.constantFrom('a', 'b', '*', '**'))
  .map(([segments, last]) => [...segments, last].join(':'));
const text = fc.oneof({ weight: 9, arbitrary: pattern }, fc.constantFrom('', ':', 'a:', '**:a', 'a*', 'a::b', '__proto__'));

describe('how far scopes reach', () => {
  it('L21 is the same for parsed scopes as for patternScopes, and nothing for invalid scopes', () => {
    const reach = readRuleScopes('scopes', undefined);
    let covered = 0;
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [left, right] = [toParts(a), toParts(b)];
        covered += Number(patternScopes.covers(a, b));
        expect(reach.covers(left, right)).toBe(patternScopes.covers(a, b));
        expect(reach.overlaps(left, right)).toBe(patternScopes.overlaps(a, b));
      }),
      { numRuns: 3_000 },
    );
    expect(covered).toBeGreaterThan(100);
  });
});

/** A grant on a node covers everything below it. */
const below = (a: string, b: string) => a === b || b.startsWith(`${a}:`);
const tree: ScopeMatcher = { name: 'tree', exact: false, covers: below, overlaps: (a, b) => below(a, b) || below(b, a) };

describe('a policy with another matcher', () => {
  const rules: PolicyRule[] = [
    { id: 'no', scopes: ['db:payroll'], deny: 'never' },
    { id: 'write', scopes: ['db:orders:write'], review: { groups: { dba: 1 } } },
    { id: 'orders', scopes: ['db:orders'], approve: true },
    { id: 'all', scopes: ['db', 'wiki'], approve: true },
  ];
  const groups = { dba: ['user:ana'] };

  it('L21 denies a scope that overlaps a deny rule, and applies the conditions of every rule for a part of it', async () => {
    for (const policy of [definePolicy({ groups, rules }, { scopes: tree }), readPolicy({ groups, rules }, { scopes: tree })]) {
      const said = async (scope: string) => {
        const verdict = await policy.decide(asking(scope));
        return [verdict.outcome, 'rule' in verdict ? verdict.rule : undefined];
      };
      expect(await said('db')).toEqual(['deny', 'no']);
      expect(await said('db:payroll:maya')).toEqual(['deny', 'no']);
      expect(await said('db:orders')).toEqual(['review', 'write, orders']);
      expect(await said('db:orders:write:1')).toEqual(['review', 'write']);
      expect(await said('db:orders:read')).toEqual(['approve', 'orders']);
      expect(await said('wiki:home')).toEqual(['approve', 'all']);
      expect(await said('mail')).toEqual(['abstain', undefined]);
      const { scopes } = await policy.explain(asking('db:orders'));
      expect(scopes[0]?.considered[1]).toEqual({
        rule: 'write',
        verdict: 'decides',
        why: 'db:orders overlaps its scopes, so its conditions apply too',
      });
    }
  });

  it('L30 fails if the matcher returns neither true nor false', async () => {
    const policy = definePolicy({ groups, rules }, { scopes: { ...tree, overlaps: () => undefined as never } });
    await expect(policy.decide(asking('db'))).rejects.toThrow('scope matcher tree must return true or false');
  });

  it.each([
    [null, 'options.scopes'],
    [{ covers: below }, 'options.scopes.overlaps'],
    [{ covers: 5, overlaps: below }, 'options.scopes.covers'],
    [{ covers: below, overlaps: below }, 'options.scopes.name'],
  ])('refuses %s', (scopes, argument) => {
    expect(() => definePolicy({ rules: [] }, { scopes: scopes as never })).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }),
    );
  });

  it('refuses a misspelt option', () => {
    expect(() => definePolicy({ rules: [] }, { scope: tree } as never)).toThrow(
      'options must be an object with only scopes, canonicalId; got "scope"',
    );
  });
});
