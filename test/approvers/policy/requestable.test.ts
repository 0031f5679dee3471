import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { definePolicy, type Policy, type PolicyDefinition, type PolicyRule } from 'jit-access/policy';
import { patternScopes, runSubject, type AccessRequest } from '../../../src/index.js';
import type { RequestableAnswer, RequestableInput } from '../../../src/explain.js';
import { asking, groups, HOUR, MINUTE } from './ask.js';

const MAYA = 'user:maya';
const policy = (over: Partial<PolicyDefinition>): Policy => definePolicy({ groups, rules: [], ...over });
const listed = async (over: Partial<PolicyDefinition>, subject = MAYA) => (await policy(over).requestable?.(subject)) as RequestableAnswer;
const scopesOf = async (...question: Parameters<typeof listed>) => (await listed(...question)).items.map(({ scope }) => scope);

const staging: PolicyRule = { id: 'staging', scopes: ['db-staging:**'], subjects: [{ group: 'sre' }], maxTtl: '8h', approve: true };
const production: PolicyRule = {
  id: 'production',
  title: 'Production database',
  description: 'Reads and writes of orders',
  risk: 'high',
  scopes: ['db-prod:*'],
  subjects: [{ group: 'sre' }],
  minTtl: '5m',
  maxTtl: '1h',
  maxStartAhead: '1d',
  require: { justification: true, ticket: 'INC-####' },
  review: { groups: { dba: 2 }, denials: 2, escalate: { to: 'leads', after: '30m' } },
};

describe('requestable() of a policy (feature 1)', () => {
  it('describes each rule by what an ask must contain, who must approve and how long it may last', async () => {
    const outage = {
      id: 'outage',
      scopes: ['db-prod:*'],
      maxTtl: '15m',
      reviewers: ['leads'],
      reviewWithin: '1d',
      risk: 'critical',
    } as const;
    expect(await listed({ rules: [staging, production], breakGlass: [outage] })).toEqual({
      items: [
        {
          scope: 'db-staging:**',
          outcome: 'approve',
          rule: 'staging',
          except: [],
          patterns: false,
          maxTtlMs: 8 * HOUR,
          needs: { justification: false, fields: [] },
        },
        {
          scope: 'db-prod:*',
          title: 'Production database',
          description: 'Reads and writes of orders',
          risk: 'high',
          outcome: 'review',
          rule: 'production',
          except: [],
          patterns: false,
          minTtlMs: 5 * MINUTE,
          maxTtlMs: HOUR,
          maxStartAheadMs: 24 * HOUR,
          needs: { justification: true, ticket: 'INC-####', fields: [] },
          quorum: { groups: [{ name: 'dba', approvals: 2 }], denials: 2, escalation: [{ group: 'leads', afterMs: 30 * MINUTE }] },
          reviewers: ['user:ana', 'user:kim', 'user:sam'],
        },
        {
          scope: 'db-prod:*',
          risk: 'critical',
          outcome: 'break_glass',
          rule: 'outage',
          except: [],
          patterns: false,
          maxTtlMs: 15 * MINUTE,
          needs: { justification: true, fields: [] },
          afterReview: { groups: ['leads'], withinMs: 24 * HOUR },
          reviewers: ['user:rob'],
        },
      ],
      denied: [],
      complete: true,
    });
  });

  it('lists no rule for other subjects, and none that accepts no ask of this requester', async () => {
    const forLeads: PolicyRule = { id: 'vault', scopes: ['vault:*'], requesters: [{ group: 'leads' }], approve: true };
    expect(await scopesOf({ rules: [staging, forLeads] }, 'user:eve')).toEqual([]);
    const answer = await policy({ rules: [forLeads] }).requestable?.(MAYA, {
      at: 0,
      scopes: patternScopes,
      canonicalId: undefined,
      requestedBy: 'user:rob',
      operator: undefined,
    });
    expect(answer?.items.map(({ scope }) => scope)).toEqual(['vault:*']);
  });

  it('omits what an earlier rule decides, and excludes what an earlier rule refuses this requester', async () => {
    const all: PolicyRule = { id: 'all', scopes: ['db-prod:orders', 'db-prod:**', 'db-prod:**', 'mail'], approve: true };
    expect(await scopesOf({ rules: [production, all] })).toEqual(['db-prod:*', 'db-prod:**', 'mail']);
    const refuses: PolicyRule = { ...production, requesters: [{ group: 'leads' }] };
    const { items, denied } = await listed({ rules: [refuses, all] });
    expect(items.map(({ scope, except }) => [scope, except])).toEqual([
      ['db-prod:**', ['db-prod:*']],
      ['mail', []],
    ]);
    // So a later member of a chain does not list it either.
    expect(denied).toEqual(['db-prod:*']);
  });

  it('omits what is denied to this subject, and excludes the parts that are', async () => {
    const denials: PolicyRule[] = [
      { id: 'payroll', scopes: ['db-prod:payroll', 'mail:**'], deny: 'ask finance' },
      { id: 'not-eve', scopes: ['db-staging:**'], subjects: ['user:eve'], deny: 'no' },
      { id: 'not-maya', scopes: ['db-staging:secret:*'], subjects: [MAYA], deny: 'no' },
    ];
    const mail: PolicyRule = { id: 'mail', scopes: ['mail:read', 'mail:*'], approve: true };
    const { items, denied } = await listed({ rules: [staging, production, mail, ...denials] });
    expect(items.map(({ scope, except }) => [scope, except])).toEqual([
      ['db-staging:**', ['db-staging:secret:*']],
      ['db-prod:*', ['db-prod:payroll']],
    ]);
    expect(denied).toEqual(['db-prod:payroll', 'mail:**', 'db-staging:secret:*']);
  });

  it('omits a rule for which too few reviewers are left, which the policy would deny at once', async () => {
    const two: PolicyRule = { id: 'two', scopes: ['a'], review: { groups: { security: 2 } } };
    const outage = { id: 'outage', scopes: ['a'], maxTtl: '15m', reviewers: ['leads'], reviewWithin: '1d' } as const;
    expect((await listed({ rules: [two], breakGlass: [outage] })).items.map(({ outcome }) => outcome)).toEqual(['review', 'break_glass']);
    expect(await scopesOf({ rules: [two] }, 'user:noor')).toEqual([]);
    expect(await scopesOf({ rules: [], breakGlass: [outage] }, 'user:rob')).toEqual([]);
  });

  it('lists the catalogue first, each scope with its own texts, by the rule that decides it', async () => {
    const { items } = await listed({
      rules: [production, staging, { id: 'no', scopes: ['db-prod:payroll'], deny: 'no' }, { id: 'one', scopes: ['mail'], approve: true }],
      breakGlass: [{ id: 'outage', scopes: ['db-prod:orders'], maxTtl: '15m', reviewers: ['leads'], reviewWithin: '1d' }],
      catalogue: [
        { scope: 'db-prod:orders', title: 'Orders' },
        { scope: 'db-prod:payroll', title: 'Payroll' },
        { scope: 'mail', title: 'Mail', description: 'The archive', risk: 'low' },
        { scope: 'unknown' },
      ],
    });
    expect(items.map(({ scope, title, risk, rule, outcome }) => [scope, title, risk, rule, outcome])).toEqual([
      ['db-prod:orders', 'Orders', 'high', 'production', 'review'],
      ['db-prod:orders', 'Orders', undefined, 'outage', 'break_glass'],
      ['mail', 'Mail', 'low', 'one', 'approve'],
      ['db-prod:*', 'Production database', 'high', 'production', 'review'],
      ['db-staging:**', undefined, undefined, 'staging', 'approve'],
    ]);
  });

  it('lists a pattern that a rule grants, and the window by maxTotal', async () => {
    const wide: PolicyRule = { id: 'wide', scopes: ['a:*', 'b'], patterns: true, maxTotal: '2h', require: { ticket: true }, approve: true };
    const { items } = await listed({ rules: [wide] });
    expect(items.map(({ scope, patterns, maxTtlMs, needs }) => [scope, patterns, maxTtlMs, needs?.ticket])).toEqual([
      ['a:*', true, 2 * HOUR, true],
      ['b', false, 2 * HOUR, true],
    ]);
  });

  it('L43 lists for a run what rules give to runs, asked by its agent', async () => {
    const run = runSubject({ agent: 'agent:7', operator: MAYA });
    const forAgent: PolicyRule = { id: 'agent', scopes: ['a'], subjects: ['agent:7'], approve: true };
    expect(await scopesOf({ rules: [forAgent] }, run)).toEqual([]);
    expect(await scopesOf({ rules: [{ ...forAgent, runs: true }] }, run)).toEqual(['a']);
    expect(await scopesOf({ rules: [forAgent] }, 'agent:7')).toEqual(['a']);
    // A deny rule for the agent reaches its runs.
    const denies: PolicyRule = { id: 'no', scopes: ['a'], subjects: ['agent:7'], deny: 'no' };
    expect(await scopesOf({ rules: [{ ...forAgent, runs: true }, denies] }, run)).toEqual([]);
  });

  it('L42 asks a group of code about all rules together, with a request for the scopes of each', async () => {
    const seen: AccessRequest[][] = [];
    const owners = {
      isMember: () => {
        throw new Error('asked one by one');
      },
      isMemberForAll: (_: string, requests: readonly AccessRequest[]) => {
        seen.push([...requests]);
        return requests.map(({ scopes }) => scopes[0] === 'a');
      },
    };
    const rules: PolicyRule[] = ['a', 'b'].map((scope) => ({
      id: scope,
      scopes: [scope],
      subjects: [{ group: 'owners' }, { group: 'dba' }],
      approve: true,
    }));
    rules.push({ id: 'lists', scopes: ['c'], subjects: [{ group: 'sre' }], approve: true });
    expect(await scopesOf({ groups: { ...groups, owners }, rules })).toEqual(['a', 'c']);
    expect(seen.map((requests) => requests.map(({ subject, requestedBy, scopes }) => [subject, requestedBy, scopes]))).toEqual([
      [
        [MAYA, MAYA, ['a']],
        [MAYA, MAYA, ['b']],
      ],
    ]);
  });

  it('L30 fails where a group of code fails, and lists only 100 reviewers', async () => {
    const down = { isMember: () => Promise.reject(new Error('LDAP is down')) };
    const rule: PolicyRule = { id: 'a', scopes: ['a'], subjects: [{ group: 'down' }], approve: true };
    await expect(listed({ groups: { down }, rules: [rule] })).rejects.toThrow('LDAP is down');
    const crowd = Array.from({ length: 101 }, (_, i) => `user:${i}`);
    const reviewed = (members: readonly string[], group: object = members): Promise<RequestableAnswer> =>
      listed({ groups: { crowd: group as readonly string[] }, rules: [{ id: 'a', scopes: ['a'], review: { groups: { crowd: 1 } } }] });
    expect((await reviewed(crowd)).items[0]?.reviewers).toBeUndefined();
    expect((await reviewed([...crowd, 'user:x', 'user:y'])).items[0]?.reviewers).toBeUndefined();
    expect((await reviewed(crowd.slice(1))).items[0]?.reviewers).toHaveLength(100);
    expect((await reviewed([], { isMember: () => true, members: () => crowd })).items[0]?.reviewers).toBeUndefined();
    expect((await reviewed([], { isMember: () => true })).items[0]?.reviewers).toEqual(['group:crowd']);
  });

  it('L42 stops at 2,000 items, and says that the list is incomplete', async () => {
    const many = (id: string): PolicyRule => ({ id, scopes: Array.from({ length: 1_000 }, (_, i) => `${id}:${i}`), approve: true });
    const two = await listed({ rules: [many('a'), many('b')] });
    expect([two.items.length, two.complete]).toEqual([2_000, true]);
    const three = await listed({ rules: [many('a'), many('b'), many('c')] });
    expect([three.items.length, three.complete]).toEqual([2_000, false]);
    const catalogue = Array.from({ length: 1_000 }, (_, i) => ({ scope: `a:${i}` }));
    const emergency = (id: string) => ({ id, scopes: ['a:*'], maxTtl: '15m', reviewers: ['leads'], reviewWithin: '1d' }) as const;
    const full = await listed({ rules: [{ id: 'a', scopes: ['a:*'], approve: true }], breakGlass: [emergency('e')], catalogue });
    expect([full.items.length, full.complete]).toEqual([2_000, false]);
  });

  it('omits an item with more than 1,000 exceptions, and says that the list is incomplete', async () => {
    const deny = (id: string, count: number): PolicyRule => ({
      id,
      scopes: Array.from({ length: count }, (_, i) => `${id}:${i}`),
      deny: 'no',
    });
    const all: PolicyRule = { id: 'all', scopes: ['**'], approve: true };
    const most = await listed({ rules: [all, deny('a', 1_000)] });
    expect([most.items[0]?.except?.length, most.denied?.length, most.complete]).toEqual([1_000, 1_000, true]);
    const more = await listed({ rules: [all, deny('a', 1_000), deny('b', 1)] });
    expect([more.items, more.denied?.length, more.complete]).toEqual([[], 1_000, false]);
  });

  it('judges by the matcher of the engine that asks', async () => {
    // `a` also covers every scope that begins with `a:`.
    const tree = {
      name: 'tree',
      exact: false,
      covers: (granted: string, required: string) => required === granted || required.startsWith(`${granted}:`),
      overlaps: (a: string, b: string) => a === b || a.startsWith(`${b}:`) || b.startsWith(`${a}:`),
      isWide: (scope: string) => !scope.includes(':'),
    };
    const context = { at: 0, scopes: tree, canonicalId: undefined, requestedBy: MAYA, operator: undefined };
    const rules: PolicyRule[] = [
      { id: 'a', scopes: ['a'], maxTtl: '2h', approve: true },
      { id: 'wide', scopes: ['c'], patterns: true, maxTtl: '2h', approve: true },
      { id: 'part', scopes: ['c:d'], maxTtl: '1h', require: { ticket: 'INC-#' }, review: { groups: { dba: 1 } } },
    ];
    const catalogue = [{ scope: 'a' }, { scope: 'a:b' }, { scope: 'c' }];
    const answer = await policy({ rules, catalogue }).requestable?.(MAYA, context);
    expect(answer?.items.map(({ scope, rule, outcome, maxTtlMs, needs }) => [scope, rule, outcome, maxTtlMs, needs?.ticket])).toEqual([
      // `a` alone reaches further than itself, and rule a gives no such scope.
      ['a:b', 'a', 'approve', 2 * HOUR, undefined],
      ['c', 'wide, part', 'review', HOUR, 'INC-#'],
      ['a', 'a', 'approve', 2 * HOUR, undefined],
    ]);
  });

  it('needs no context outside an engine', async () => {
    const forAgents: PolicyRule = { id: 'a', scopes: ['a'], runs: true, approve: true };
    expect(await scopesOf({ rules: [forAgents] }, runSubject({ agent: 'agent:7', job: 'nightly' }))).toEqual(['a']);
  });
});

const SCOPES = ['a', 'b', 'a:a', 'a:b', 'b:a', 'b:b'];
const patternArb = fc.constantFrom(...SCOPES, '*', '**', 'a:*', 'a:**', 'b:*', '*:a', '*:*');
const peopleArb = fc.option(fc.constantFrom(...[[{ group: 'sre' }], [MAYA], ['user:eve'], [{ like: 'user:*' }], [{ group: 'live' }]]), {
  nil: undefined,
});
const requestersArb = fc.option(fc.constantFrom([{ self: true as const }], [{ group: 'leads' }], [{ group: 'live' }]), { nil: undefined });
const outcomeArb = fc.constantFrom<object>(
  { approve: true },
  { review: { groups: { dba: 1 } } },
  { review: { groups: { security: 2 } } },
  { review: { groups: { leads: 1 } } },
  { deny: 'no' },
);
const ruleArb = fc.record({
  scopes: fc.uniqueArray(patternArb, { minLength: 1, maxLength: 2 }),
  subjects: peopleArb,
  requesters: requestersArb,
  maxTtl: fc.option(fc.constantFrom<'1h' | '2h'>('1h', '2h'), { nil: undefined }),
  ticket: fc.boolean(),
  outcome: outcomeArb,
});

function rulesOf(drawn: readonly (typeof ruleArb extends fc.Arbitrary<infer T> ? T : never)[]): PolicyRule[] {
  return drawn.map(({ scopes, subjects, requesters, maxTtl, ticket, outcome }, i) => {
    const head = { id: `r${i}`, scopes, subjects };
    if ('deny' in outcome) return { ...head, ...outcome } as unknown as PolicyRule;
    return { ...head, requesters, maxTtl, ...(ticket && { require: { ticket: 'INC-#' } }), ...outcome } as unknown as PolicyRule;
  });
}

/** The item that applies to an ask: the first that covers the scope, unless the scope is excluded. */
function itemFor(items: readonly RequestableInput[], scope: string): RequestableInput | undefined {
  const first = items.find((item) => item.outcome !== 'break_glass' && patternScopes.covers(item.scope, scope));
  return first?.except?.some((one) => patternScopes.overlaps(one, scope)) === true ? undefined : first;
}

describe('requestable() of any policy (feature 1)', () => {
  it('agrees with the decision about every ask: whether, by which rule, for how long and with which outcome', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(ruleArb, { maxLength: 5 }),
        fc.uniqueArray(fc.constantFrom(...SCOPES), { maxLength: 2 }),
        fc.constantFrom(MAYA, 'user:eve', 'user:noor', 'user:rob'),
        fc.boolean(),
        async (drawn, catalogued, subject, isIn) => {
          const made = definePolicy({
            groups: { ...groups, live: { isMember: () => isIn } },
            rules: rulesOf(drawn),
            catalogue: catalogued.map((scope) => ({ scope })),
          });
          const { items, complete } = (await made.requestable?.(subject)) as RequestableAnswer;
          expect(complete).toBe(true);
          for (const scope of SCOPES) {
            const item = itemFor(items, scope);
            const fitting = asking(scope, { subject, requestedBy: subject, ttlMs: HOUR, ticket: 'INC-1' });
            const said = await made.explain(fitting);
            expect([item?.outcome, item?.rule]).toEqual(
              said.outcome === 'approve' || said.outcome === 'review' ? [said.outcome, said.rule] : [undefined, undefined],
            );
            if (item === undefined) continue;
            const longer = await made.explain({ ...fitting, ttlMs: HOUR + 1 });
            expect(longer.problems.some(({ code }) => code === 'too_long')).toBe(item.maxTtlMs === HOUR);
            const bare = await made.explain({ ...fitting, ticket: undefined });
            expect(bare.problems.map(({ limit }) => limit)).toEqual(item.needs?.ticket === undefined ? [] : ['INC-#']);
            expect(item.quorum).toEqual(said.quorum);
            expect(item.reviewers).toEqual(said.reviewers);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
