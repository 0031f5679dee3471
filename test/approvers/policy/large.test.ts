import { afterEach, describe, expect, it, vi } from 'vitest';
import { patternScopes, type ScopeMatcher } from '../../../src/index.js';
import { definePolicy, type PolicyRule } from '../../../src/policy.js';
import * as scope from '../../../src/core/scope.js';
import { asking } from './ask.js';

afterEach(() => void vi.restoreAllMocks());

/** This many rules of this many scopes, all of them in one place of the tree. */
const rulesOf = (count: number, scopes: number, more: Partial<PolicyRule> = { approve: true }): PolicyRule[] =>
  Array.from(
    { length: count },
    (_, i) => ({ id: `r${i}`, scopes: Array.from({ length: scopes }, (__, j) => `db:r${i}:s${j}`), ...more }) as PolicyRule,
  );
const fifty = Array.from({ length: 50 }, (_, i) => `db:r${999 - i}:s${i}`);

/** How often `some` iterated over an array, which is how scopes are compared one by one. */
function countingSome() {
  const some = vi.spyOn(Array.prototype, 'some');
  return () => some.mock.calls.length;
}

describe('a large policy', () => {
  it('L42 an ask for 50 scopes is not compared with each of 1,000 rules of 100 scopes [F3]', async () => {
    const policy = definePolicy({ rules: [...rulesOf(500, 100, { deny: 'no' }), ...rulesOf(1_000, 100).slice(500)] });
    await policy.decide(asking('db:other'));
    const calls = countingSome();
    expect((await policy.decide(asking(fifty))).outcome).toBe('approve');
    expect(calls()).toBeLessThan(2_000);
  });

  it('L42 lint does not compare each scope of each rule with every other [F3]', () => {
    const policy = definePolicy({ rules: rulesOf(300, 20) });
    const calls = countingSome();
    expect(policy.lint()).toEqual([]);
    expect(calls()).toBeLessThan(20_000);
  });

  const counted = (): ScopeMatcher & { calls: number } => ({
    ...patternScopes,
    name: 'counted',
    calls: 0,
    covers(a: string, b: string) {
      this.calls += 1;
      return scope.patternScopes.covers(a, b);
    },
  });

  it('L42 with a custom matcher an ask yields to other work while it compares [F3]', async () => {
    const policy = definePolicy({ rules: rulesOf(200, 100) }, { scopes: counted() });
    let turns = 0;
    let isOver = false;
    const others = (): void => {
      turns += 1;
      if (!isOver) setTimeout(others, 0);
    };
    setTimeout(others, 0);
    await policy.decide(asking(Array.from({ length: 5 }, (_, i) => `q:${i}`)));
    isOver = true;
    expect(turns).toBeGreaterThan(4);
  });

  it('L42 with a custom matcher lint stops after a million comparisons, and reports that [F3]', () => {
    const scopes = counted();
    const found = definePolicy({ rules: rulesOf(300, 20) }, { scopes }).lint();
    expect(scopes.calls).toBeLessThanOrEqual(1_000_000);
    expect(found.map(({ code }) => code)).toEqual(['too_large']);
  });
});
