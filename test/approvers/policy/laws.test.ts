import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isScope, patternScopes } from 'jit-access';
import { definePolicy, readPolicy, type Explanation, type Policy, type PolicyDefinition, type PolicyRule } from 'jit-access/policy';
import { asking, groups, MINUTE } from './ask.js';

const segment = fc.constantFrom('a', 'b');
const scope = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join(':'));
const pattern = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 0, maxLength: 2 }), fc.constantFrom('a', 'b', '*', '**'))
  .map(([segments, last]) => [...segments, last].join(':'));
/** Every concrete scope of these tests. */
const universe = ['a', 'b'].flatMap((one) => [
  one,
  ...['a', 'b'].flatMap((two) => [`${one}:${two}`, `${one}:${two}:a`, `${one}:${two}:b`]),
]);

const minutes = fc.integer({ min: 1, max: 30 }).map((count) => `${count}m`);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const subjects = maybe(
  fc.uniqueArray(fc.constantFrom({ group: 'sre' }, { group: 'leads' }, { like: 'user:*' }, 'user:maya', 'user:zoe'), {
    minLength: 1,
    maxLength: 2,
  }),
);
const head = fc.record({ scopes: fc.array(pattern, { minLength: 1, maxLength: 2 }), subjects });
const limits = fc.record({
  maxTtl: maybe(fc.integer({ min: 1, max: 15 }).map((count) => `${count}m`)),
  require: maybe(fc.record({ justification: fc.boolean(), ticket: maybe(fc.constantFrom(true as const, 'INC-#')) })),
  patterns: maybe(fc.boolean()),
  warnBefore: maybe(fc.oneof(minutes, fc.uniqueArray(minutes, { minLength: 1, maxLength: 2 }))),
  idleTtl: maybe(minutes),
  maxUses: maybe(fc.integer({ min: 1, max: 9 })),
  maxTotal: maybe(fc.integer({ min: 15, max: 30 }).map((count) => `${count}m`)),
});
const review = fc.record({
  groups: fc.dictionary(fc.constantFrom('dba', 'security'), fc.integer({ min: 1, max: 2 }), { minKeys: 1 }),
  denials: maybe(fc.integer({ min: 1, max: 3 })),
  approvalTtl: maybe(minutes),
  reviewWithin: maybe(minutes),
  remindEvery: maybe(fc.integer({ min: 5, max: 30 }).map((count) => `${count}m`)),
  escalate: maybe(fc.record({ to: fc.constantFrom('leads', 'security'), after: minutes })),
});
const outcome = fc.oneof(
  fc.constant({ approve: true as const }),
  review.map((given) => ({ review: given })),
);
const giving = fc.tuple(head, limits, outcome).map((parts) => Object.assign({}, ...parts) as Omit<PolicyRule, 'id'>);
const denying = head.map((given) => ({ ...given, deny: 'no' }));
const rules = fc.array(fc.oneof({ weight: 6, arbitrary: giving }, { weight: 1, arbitrary: denying }), { minLength: 1, maxLength: 5 });

const define = (list: readonly object[], over: Partial<PolicyDefinition> = {}): Policy =>
  definePolicy({ groups, rules: list.map((rule, i) => ({ ...rule, id: `r${i}` }) as PolicyRule), ...over });

/** A rule that covers everything, so that many asks are granted. */
const last = { scopes: ['**'], patterns: true, approve: true };

const asked = { ttlMs: 10 * MINUTE, justification: 'x', ticket: 'INC-1' };
const explain = (policy: Policy, scopes: readonly string[]) => policy.explain(asking(scopes, asked));

const NOT_SET = Infinity;
/** Whether one answer grants no more than another, and to no subject more easily. */
function isNoWeaker(one: Explanation, other: Explanation): boolean {
  const rank = { deny: 0, ineligible: 0, review: 1, approve: 2 };
  if (rank[one.outcome] === 0) return true;
  if (rank[one.outcome] > rank[other.outcome]) return false;
  const atMost = (a: number | undefined, b: number | undefined) => (a ?? NOT_SET) <= (b ?? NOT_SET);
  const [terms, others] = [one.terms, other.terms];
  const strictTerms =
    atMost(terms?.idleTtlMs, others?.idleTtlMs) &&
    atMost(terms?.maxUses, others?.maxUses) &&
    atMost(terms?.maxTotalMs, others?.maxTotalMs) &&
    (others?.warnBeforeMs ?? []).every((ms) => terms?.warnBeforeMs?.includes(ms));
  if (one.quorum === undefined || other.quorum === undefined) return strictTerms;
  const approvals = new Map((one.quorum.groups ?? []).map((group) => [group.name, group.approvals]));
  const [standIn, otherStandIn] = [one.quorum, other.quorum].map(({ escalation }) => [escalation ?? []].flat()[0]);
  return (
    strictTerms &&
    (other.quorum.groups ?? []).every((group) => (approvals.get(group.name) ?? 0) >= group.approvals) &&
    (one.quorum.denials ?? 1) <= (other.quorum.denials ?? 1) &&
    atMost(one.quorum.approvalTtlMs, other.quorum.approvalTtlMs) &&
    atMost(one.quorum.remindEveryMs, other.quorum.remindEveryMs) &&
    // Without a limit in the quorum, the limit of the request counts, an hour here.
    (one.quorum.reviewWithinMs ?? 60 * MINUTE) <= (other.quorum.reviewWithinMs ?? 60 * MINUTE) &&
    (standIn === undefined || (standIn.group === otherStandIn?.group && standIn.afterMs >= otherStandIn.afterMs))
  );
}

describe('any policy', () => {
  it('L21 gives precedence to a deny rule that overlaps, at any position', async () => {
    let denials = 0;
    await fc.assert(
      fc.asyncProperty(
        rules,
        pattern,
        fc.array(fc.oneof(scope, pattern), { minLength: 1, maxLength: 3 }),
        fc.nat(5),
        async (list, denied, scopes, place) => {
          const at = Math.min(place, list.length);
          const breakGlass = [{ id: 'bg', scopes: ['**'], patterns: true, maxTtl: '1h', reviewers: ['dba'], reviewWithin: '1d' } as const];
          const policy = define([...list.slice(0, at), { scopes: [denied], deny: 'closed' }, ...list.slice(at)], { breakGlass });
          const request = asking(scopes, asked);
          if (!scopes.some((one) => patternScopes.overlaps(denied, one))) return;
          denials += 1;
          expect(await policy.decide(request)).toMatchObject({ outcome: 'deny' });
          expect(await policy.breakGlass?.(request)).toMatchObject({ outcome: 'deny' });
          expect(await policy.isEligible?.(request, 'creation')).toBe(true);
          expect(await policy.isEligible?.(request, 'approval')).toMatchObject({ eligible: false });
          expect(await policy.isEligible?.(request, 'start')).toMatchObject({ eligible: false });
        },
      ),
      { numRuns: 300 },
    );
    expect(denials).toBeGreaterThan(50);
  });

  it('L10 gives several scopes together no more than each alone', async () => {
    let given = 0;
    await fc.assert(
      fc.asyncProperty(rules, fc.array(fc.oneof(scope, pattern), { minLength: 2, maxLength: 3 }), async (list, scopes) => {
        const policy = define([...list, last]);
        const together = await explain(policy, scopes);
        if (together.outcome === 'approve' || together.outcome === 'review') given += 1;
        for (const one of scopes) expect([one, isNoWeaker(together, await explain(policy, [one]))]).toEqual([one, true]);
      }),
      { numRuns: 500 },
    );
    expect(given).toBeGreaterThan(25);
  });

  it('L19 L21 gives a pattern no more than any scope under it', async () => {
    let given = 0;
    await fc.assert(
      fc.asyncProperty(rules, pattern, async (list, wide) => {
        if (isScope(wide)) return;
        // All rules allow patterns: otherwise most patterns would be denied.
        const policy = define([...list.map((rule) => ('deny' in rule ? rule : { ...rule, patterns: true })), last]);
        const whole = await explain(policy, [wide]);
        if (whole.outcome === 'approve' || whole.outcome === 'review') given += 1;
        for (const one of universe.filter((under) => patternScopes.covers(wide, under))) {
          expect([one, isNoWeaker(whole, await explain(policy, [one]))]).toEqual([one, true]);
        }
      }),
      { numRuns: 500 },
    );
    expect(given).toBeGreaterThan(50);
  });

  it('L20 grants only what a rule covers, and a pattern only if a rule allows patterns', async () => {
    await fc.assert(
      fc.asyncProperty(rules, fc.oneof(scope, pattern), async (list, one) => {
        const { outcome } = await explain(define(list), [one]);
        if (outcome !== 'approve' && outcome !== 'review') return;
        const covering = list.filter((rule) => 'scopes' in rule && rule.scopes.some((given) => patternScopes.covers(given, one)));
        expect(covering.length).toBeGreaterThan(0);
        if (!isScope(one)) expect(covering.some((rule) => 'patterns' in rule && rule.patterns === true)).toBe(true);
      }),
    );
  });

  it('decides the same after a round trip through JSON', async () => {
    await fc.assert(
      fc.asyncProperty(rules, fc.array(fc.oneof(scope, pattern), { minLength: 1, maxLength: 3 }), async (list, scopes) => {
        const written = { groups, rules: list.map((rule, i) => ({ ...rule, id: `r${i}` }) as PolicyRule) };
        const [made, read] = [definePolicy(written), readPolicy(JSON.stringify(written))];
        expect(await explain(read, scopes)).toEqual(await explain(made, scopes));
        expect(read.lint()).toEqual(made.lint());
      }),
    );
  });

  it('decides as it explains, and keeps what it grants eligible', async () => {
    await fc.assert(
      fc.asyncProperty(rules, fc.array(fc.oneof(scope, pattern), { minLength: 1, maxLength: 3 }), async (list, scopes) => {
        const policy = define(list);
        const request = asking(scopes, asked);
        const [said, told] = [await policy.decide(request), await policy.explain(request)];
        const may = await policy.isEligible?.(request, 'creation');
        expect(may === true).toBe(told.outcome !== 'ineligible');
        if (told.outcome !== 'ineligible') expect(said.outcome).toBe(told.outcome);
        else expect(['abstain', 'deny']).toContain(said.outcome);
        // A request that is granted now is still eligible now.
        if (said.outcome === 'approve' || said.outcome === 'review') {
          expect(await policy.isEligible?.(request, 'approval')).toBe(true);
          expect(await policy.isEligible?.(request, 'start')).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('L16 decides the same at once as by promises, and asks no group of code where it declares that', async () => {
    const seen = { atOnce: 0, promised: 0 };
    await fc.assert(
      fc.asyncProperty(
        rules,
        fc.array(fc.oneof(scope, pattern), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('user:maya', 'user:zoe'),
        async (list, scopes, requestedBy) => {
          let calls = 0;
          const nobody = { isMember: () => Promise.resolve(calls++ < 0) };
          // The group without members changes no answer, but the policy must wait for it.
          const slow = list.map((rule) => ({
            ...rule,
            ...(rule.subjects && { subjects: [{ group: 'nobody' }, ...rule.subjects] }),
            ...(!('deny' in rule) && { requesters: [{ group: 'nobody' }, { self: true }] }),
          }));
          const request = asking(scopes, { ...asked, requestedBy });
          const [fast, waiting] = [define(list), define(slow, { groups: { ...groups, nobody } })];
          const verdict = fast.decide(request);
          expect([fast.decidesAtOnce?.(request), verdict instanceof Promise]).toEqual([true, false]);
          const atOnce = waiting.decidesAtOnce?.(request);
          const same = waiting.decide(request);
          if (same instanceof Promise || calls > 0) {
            seen.promised += 1;
            expect(atOnce).toBe(false);
          } else seen.atOnce += 1;
          expect(await same).toEqual(verdict);
        },
      ),
      { numRuns: 300 },
    );
    expect(Math.min(seen.atOnce, seen.promised)).toBeGreaterThan(50);
  });

  it('decides the same without the rules that it reports as shadowed', async () => {
    let shadowed = 0;
    await fc.assert(
      // Some rules allow patterns, and sometimes a rule that covers everything does.
      fc.asyncProperty(rules, fc.constantFrom(last, { ...last, patterns: false }, { scopes: ['a'], approve: true }), async (list, wide) => {
        const policy = define([...list, wide]);
        const idle = new Set(
          policy.lint().flatMap((finding) => (finding.code === 'shadowed' || finding.code === 'never_matches' ? (finding.rule ?? []) : [])),
        );
        if (idle.size === 0) return;
        shadowed += 1;
        const without = definePolicy({
          groups,
          rules: [...list, wide].map((rule, i) => ({ ...rule, id: `r${i}` }) as PolicyRule).filter((rule) => !idle.has(rule.id)),
        });
        for (const subject of ['user:maya', 'user:zoe', 'user:rob', 'agent:7']) {
          for (const one of [...universe, '*', 'a:*', 'a:**', '**', '*:b']) {
            const request = asking(one, { ...asked, subject, requestedBy: subject });
            const [before, after] = [await policy.decide(request), await without.decide(request)];
            // The reason for refusing a pattern may be a different one with fewer rules.
            if (!isScope(one) && before.outcome === 'deny' && after.outcome === 'deny') continue;
            expect([one, subject, after]).toEqual([
              one,
              subject,
              'rule' in before && before.outcome === 'deny' && 'rule' in after && after.outcome === 'deny'
                ? { ...before, rule: after.rule }
                : before,
            ]);
          }
        }
      }),
      { numRuns: 200 },
    );
    expect(shadowed).toBeGreaterThan(10);
  });
});
