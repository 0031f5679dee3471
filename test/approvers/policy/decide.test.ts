import { JitEngine, MemoryGrantStore } from 'jit-access';
import { ManualClock } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { readVerdict } from '../../../src/lifecycle/verdict.js';
import { definePolicy } from 'jit-access/policy';
import { asking, groups, HOUR, MINUTE, policyOf } from './ask.js';
import { aQuorum } from '../../lifecycle/a-quorum.js';

const extension = { grantIds: ['r0.1'], requestId: undefined, from: 0, firstStartsAt: 0, until: HOUR, breakGlass: false };
const eligible = (policy: ReturnType<typeof policyOf>, ...args: Parameters<typeof asking>) =>
  policy.isEligible?.(asking(...args), 'creation');

describe('the rule that decides', () => {
  it('L20 is missing if no rule covers the scope: the subject is not eligible, and the policy abstains', async () => {
    const policy = policyOf({ id: 'db', scopes: ['db-prod:*'], approve: true });
    expect(await policy.decide(asking('billing:read'))).toEqual({ outcome: 'abstain' });
    expect(await eligible(policy, 'billing:read')).toEqual({ eligible: false, reason: 'no rule covers billing:read for user:maya' });
    expect(await policy.decide(asking([]))).toEqual({ outcome: 'abstain' });
  });

  it('is the first that covers the scope, with its own limits', async () => {
    const policy = policyOf(
      { id: 'read', scopes: ['db-prod:read'], maxTtl: '2h', idleTtl: '5m', approve: true },
      { id: 'all', scopes: ['db-prod:*'], maxTtl: '1m', review: { groups: { dba: 1 } } },
    );
    expect(await policy.decide(asking('db-prod:read', { ttlMs: HOUR }))).toMatchObject({
      outcome: 'approve',
      rule: 'read',
      terms: { idleTtlMs: 5 * MINUTE },
    });
  });

  it('is not one whose subjects do not include the subject', async () => {
    const policy = policyOf(
      { id: 'sre', scopes: ['db:*'], subjects: [{ group: 'sre' }], approve: true },
      { id: 'agents', scopes: ['db:*'], subjects: [{ like: 'agent:*' }], review: { groups: { dba: 1 } } },
      { id: 'one', scopes: ['db:*'], subjects: ['user:zoe'], review: { groups: { leads: 1 } } },
    );
    const ruleFor = async (subject: string) => {
      const verdict = await policy.decide(asking('db:read', { subject, requestedBy: subject }));
      return 'rule' in verdict ? verdict.rule : verdict.outcome;
    };
    expect(await ruleFor('user:lee')).toBe('sre');
    expect(await ruleFor('agent:7')).toBe('agents');
    expect(await ruleFor('user:zoe')).toBe('one');
    expect(await ruleFor('agent:')).toBe('abstain');
    expect(await ruleFor('user:Zoe')).toBe('abstain');
  });

  it('is not a later, laxer one if the ask does not fit the first', async () => {
    const policy = policyOf(
      { id: 'strict', scopes: ['db:write'], maxTtl: '5m', approve: true },
      { id: 'lax', scopes: ['db:*'], approve: true },
    );
    const reason = 'ask for at most 5m (rule strict: maxTtl)';
    const problems = [{ rule: 'strict', field: 'ttl', code: 'too_long', limit: 5 * MINUTE, got: asking('db:write').ttlMs }];
    expect(await eligible(policy, 'db:write')).toEqual({ eligible: false, reason, problems });
    expect(await policy.decide(asking('db:write'))).toEqual({ outcome: 'deny', rule: 'strict', reason });
    expect(await eligible(policy, 'db:read')).toBe(true);
  });
});

describe('a deny rule', () => {
  const policy = policyOf(
    { id: 'all', scopes: ['db-prod:**'], patterns: true, approve: true },
    { id: 'no-payroll', scopes: ['*:payroll:**'], deny: 'payroll stays closed' },
  );

  it('L21 takes precedence over earlier rules, for every scope that overlaps', async () => {
    const denied = { outcome: 'deny', rule: 'no-payroll', reason: 'payroll stays closed' };
    expect(await policy.decide(asking('db-prod:payroll:read'))).toEqual(denied);
    expect(await policy.decide(asking('db-prod:**'))).toEqual(denied);
    expect(await policy.decide(asking(['db-prod:orders:read', 'db-prod:payroll:read']))).toEqual(denied);
    expect(await policy.decide(asking('db-prod:orders:read'))).toMatchObject({ outcome: 'approve' });
  });

  it('is a recorded denial at creation, and ineligibility afterwards', async () => {
    const request = asking('db-prod:payroll:read');
    expect(await policy.isEligible?.(request, 'creation')).toBe(true);
    for (const when of ['approval', 'start'] as const) {
      expect(await policy.isEligible?.(request, when)).toEqual({ eligible: false, reason: 'payroll stays closed (rule no-payroll)' });
    }
  });

  it('applies to its subjects only', async () => {
    const forAgents = policyOf(
      { id: 'no-agents', scopes: ['**'], subjects: [{ like: 'agent:*' }], deny: 'people only' },
      { id: 'all', scopes: ['**'], approve: true },
    );
    expect(await forAgents.decide(asking('db:read'))).toMatchObject({ outcome: 'approve' });
    expect(await forAgents.decide(asking('db:read', { subject: 'agent:7' }))).toMatchObject({ outcome: 'deny' });
  });
});

describe('the conditions of a rule', () => {
  const policy = policyOf({
    id: 'prod',
    scopes: ['db:*'],
    minTtl: '5m',
    maxTtl: '1h',
    maxStartAhead: '1d',
    require: { justification: true, ticket: 'INC-####' },
    approve: true,
  });
  const fits = { justification: 'writes fail', ticket: 'INC-4711' };
  const at = asking('db:write').createdAt;

  it.each([
    ['fits', {}, true],
    ['has the shortest window', { ttlMs: 5 * MINUTE }, true],
    ['has a shorter window', { ttlMs: 5 * MINUTE - 1 }, 'ask for at least 5m (rule prod: minTtl)'],
    ['has the longest window', { ttlMs: HOUR }, true],
    ['has a longer window', { ttlMs: HOUR + 1 }, 'ask for at most 1h (rule prod: maxTtl)'],
    ['has a window that is not a number', { ttlMs: NaN }, /minTtl.*maxTtl/],
    ['starts as late as it may', { startsAt: at + 24 * HOUR }, true],
    ['starts later', { startsAt: at + 24 * HOUR + 1 }, 'start at most 1d ahead (rule prod: maxStartAhead)'],
    ['has no justification', { justification: undefined }, 'give a justification (rule prod: require.justification)'],
    ['has a blank justification', { justification: ' \n' }, 'give a justification (rule prod: require.justification)'],
    ['cites no ticket', { ticket: undefined }, 'cite a ticket like INC-#### (rule prod: require.ticket)'],
    ['cites another ticket', { ticket: 'INC-471' }, 'cite a ticket like INC-#### (rule prod: require.ticket)'],
    ['is by another requester', { requestedBy: 'user:lee' }, 'user:lee may not request this for user:maya (rule prod: requesters)'],
    ['lacks two things', { ttlMs: 1, ticket: '' }, /minTtl.*require\.ticket/],
  ])('L3 name rule and field in the refusal of an ask that does not fit: one that %s', async (_, over, expected) => {
    const answer = await policy.isEligible?.(asking('db:write', { ...fits, ...over }), 'creation');
    if (expected === true) expect(answer).toBe(true);
    else
      expect(answer).toEqual({
        eligible: false,
        reason: expected instanceof RegExp ? (expect.stringMatching(expected) as string) : expected,
        // The requester is a right, every other condition is a value.
        ...('requestedBy' in over ? {} : { problems: expect.any(Array) as unknown }),
      });
  });

  it.each([
    [true, 'anything', true],
    [true, ' ', false],
    ['INC-*', 'INC-4711', true],
    ['INC-*', 'INC-', false],
    ['INC-*', 'INC-47 11', false],
    ['INC-*', 'inc-4711', false],
    ['INC-####', 'INC-47110', false],
    ['INC-####', 'INC-47a1', false],
    ['INC-####', 'INC-4７11', false],
    ['https://t.example/##*', 'https://t.example/123?x=[1]', true],
    ['(a+)+$', '(a+)+$', true],
    ['(a+)+$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', false],
  ] as const)('L22 match tickets character by character: %s accepts %s: %s', async (ticket, given, fine) => {
    const rule = policyOf({ id: 'a', scopes: ['db:*'], require: { ticket }, approve: true });
    expect((await eligible(rule, 'db:write', { ticket: given })) === true).toBe(fine);
  });

  it('accept only the subject as requester, unless the rule names others', async () => {
    const onBehalf = policyOf(
      { id: 'agents', scopes: ['db:*'], subjects: [{ like: 'agent:*' }], requesters: [{ group: 'leads' }, 'user:zoe'], approve: true },
      { id: 'both', scopes: ['db:*'], requesters: [{ self: true }, { group: 'leads' }], approve: true },
    );
    const may = async (subject: string, requestedBy: string) => (await eligible(onBehalf, 'db:read', { subject, requestedBy })) === true;
    expect(await may('agent:7', 'user:rob')).toBe(true);
    expect(await may('agent:7', 'user:zoe')).toBe(true);
    expect(await may('agent:7', 'agent:7')).toBe(false);
    expect(await may('user:maya', 'user:maya')).toBe(true);
    expect(await may('user:maya', 'user:rob')).toBe(true);
    expect(await may('user:maya', 'user:zoe')).toBe(false);
  });

  it('L4 count the first window into maxTotal', async () => {
    const policy = policyOf({ id: 'r', scopes: ['db:*'], maxTotal: '1h', approve: true });
    expect(await policy.isEligible?.(asking('db:read', { ttlMs: HOUR }), 'creation')).toBe(true);
    expect(await policy.isEligible?.(asking('db:read', { ttlMs: HOUR + 1 }), 'creation')).toEqual({
      eligible: false,
      reason: 'ask for at most 1h (rule r: maxTotal)',
      problems: [{ rule: 'r', field: 'ttl', code: 'too_long', limit: HOUR, got: HOUR + 1 }],
    });
  });

  it.each([['\u200b'], ['\u3164 \u2800'], ['\u00ad\n']])('refuse a justification and a ticket without visible text: %j', async (blank) => {
    const policy = policyOf({ id: 'r', scopes: ['db:*'], require: { justification: true, ticket: true }, approve: true });
    expect(await policy.decide(asking('db:read', { justification: blank, ticket: blank }))).toMatchObject({
      outcome: 'deny',
      reason: 'give a justification (rule r: require.justification); cite a ticket (rule r: require.ticket)',
    });
    expect(await policy.decide(asking('db:read', { justification: `${blank}a`, ticket: `${blank}a` }))).toMatchObject({
      outcome: 'approve',
    });
  });

  it('L23 keep a reason within 4 KiB of UTF-8, and still name rule and field', async () => {
    const ids = Array.from({ length: 9 }, (_, i) => `${i}`.padEnd(64, 'r'));
    const policy = policyOf(...ids.map((id, i) => ({ id, scopes: [`db:${i}`], requesters: ['user:zoe'], approve: true }) as const));
    for (const char of ['王', 'é', '\u{1f600}']) {
      const [subject, requestedBy] = [char.repeat(256 / char.length), char.repeat(255 / char.length)];
      const reason = await policy.isEligible?.(
        asking(
          ids.map((_, i) => `db:${i}`),
          { subject, requestedBy },
        ),
        'creation',
      );
      const told = (reason as { reason: string }).reason;
      expect(new TextEncoder().encode(told).length).toBeLessThanOrEqual(4096);
      expect(told).not.toMatch(/[\p{Cs}\ufffd]/u);
      expect(told).toMatch(new RegExp(`^${char}+\\.\\.\\. \\(rule ${ids[0]}: requesters\\); .*; and 1 more$`, 'u'));
    }
  });

  it('keep a reason short, for any number of unmet conditions', async () => {
    const rules = Array.from({ length: 30 }, (_, i) => ({ id: `rule-${i}`, scopes: [`db:${i}`], maxTtl: '1ms', approve: true }) as const);
    const answer = await eligible(
      policyOf(...rules),
      rules.flatMap((rule) => rule.scopes),
    );
    expect(answer).toMatchObject({ reason: expect.stringMatching(/rule-7: maxTtl\); and 22 more$/) as string });
  });
});

describe('a review', () => {
  const review = {
    groups: { dba: 2, security: 1 },
    denials: 2,
    approvalTtl: '30m',
    reviewWithin: '2h',
    escalate: { to: 'leads', after: '20m' },
  } as const;

  it('L16 names the quorum as the rule says', async () => {
    const policy = policyOf({ id: 'prod', scopes: ['db:*'], warnBefore: '5m', maxUses: 3, maxTotal: '4h', review });
    expect(await policy.decide(asking('db:write'))).toEqual({
      outcome: 'review',
      rule: 'prod',
      terms: { warnBeforeMs: [5 * MINUTE], idleTtlMs: undefined, maxUses: 3, maxTotalMs: 4 * HOUR },
      quorum: {
        groups: [
          { name: 'dba', approvals: 2 },
          { name: 'security', approvals: 1 },
        ],
        denials: 2,
        approvalTtlMs: 30 * MINUTE,
        reviewWithinMs: 2 * HOUR,
        escalation: [{ group: 'leads', afterMs: 20 * MINUTE }],
      },
    });
  });

  it('is denied at once if a list shows that too few members may give it', async () => {
    const policy = policyOf({ id: 'lead', scopes: ['db:*'], review: { groups: { dba: 3 } } });
    expect(await policy.decide(asking('db:write'))).toMatchObject({ outcome: 'review' });
    expect(await policy.decide(asking('db:write', { subject: 'user:ana', requestedBy: 'user:ana' }))).toEqual({
      outcome: 'deny',
      rule: 'lead',
      reason:
        'needs 3 approvals from group dba, but only 2 of its members may review this request: its subject and its requester never may',
    });
  });

  it('is requested if an escalation group may stand in, or if a group cannot be listed', async () => {
    const own = asking('db:write', { subject: 'user:rob', requestedBy: 'user:rob' });
    const standIn = policyOf({ id: 'a', scopes: ['db:*'], review: { groups: { leads: 1 }, escalate: { to: 'dba', after: '1h' } } });
    expect(await standIn.decide(own)).toMatchObject({ outcome: 'review' });
    const live = definePolicy({
      groups: { managers: { isMember: () => false } },
      rules: [{ id: 'a', scopes: ['db:*'], review: { groups: { managers: 1 } } }],
    });
    expect(await live.decide(own)).toMatchObject({ outcome: 'review' });
  });
});

describe('an extension', () => {
  it('is decided by the same rules', async () => {
    const policy = policyOf({ id: 'a', scopes: ['db:*'], maxTtl: '1h', approve: true });
    expect(await policy.decide(asking('db:write', { extension }))).toMatchObject({ outcome: 'approve' });
    expect(await policy.decide(asking('db:write', { extension, ttlMs: 2 * HOUR }))).toMatchObject({ outcome: 'deny' });
  });

  it('of break-glass access is never approved without people', async () => {
    const broken = { extension: { ...extension, breakGlass: true } };
    const approving = policyOf({ id: 'a', scopes: ['db:*'], approve: true });
    expect(await approving.decide(asking('db:write', broken))).toMatchObject({
      outcome: 'deny',
      reason: expect.stringContaining('only reviewers can extend break-glass access') as string,
    });
    const reviewing = policyOf({ id: 'a', scopes: ['db:*'], review: { groups: { dba: 1 } } });
    expect(await reviewing.decide(asking('db:write', broken))).toMatchObject({ outcome: 'review' });
  });
});

describe('several scopes', () => {
  const policy = policyOf(
    { id: 'open', scopes: ['wiki:*'], maxTtl: '8h', warnBefore: '1m', maxUses: 9, approve: true },
    {
      id: 'db',
      scopes: ['db:*'],
      idleTtl: '10m',
      maxTotal: '9h',
      review: {
        groups: { dba: 1, security: 2 },
        denials: 2,
        approvalTtl: '1h',
        reviewWithin: '3h',
        escalate: { to: 'leads', after: '1h' },
      },
    },
    {
      id: 'vault',
      scopes: ['vault:*'],
      idleTtl: '20m',
      warnBefore: ['3m', '1h'],
      maxUses: 4,
      review: { groups: { dba: 2 }, denials: 3, approvalTtl: '2h', escalate: { to: 'leads', after: '2h' } },
    },
    { id: 'safe', scopes: ['safe:*'], review: { groups: { dba: 1 }, escalate: { to: 'security', after: '1h' } } },
  );

  it('L10 L20 warn as each of their rules does, at most ten times, the earliest first', async () => {
    const minutes = (from: number) => Array.from({ length: 8 }, (_, i) => (from + i) * MINUTE);
    const odd = policyOf(
      { id: 'a', scopes: ['db:*'], warnBefore: minutes(1), approve: true },
      { id: 'b', scopes: ['wiki:*'], warnBefore: minutes(5), approve: true },
      { id: 'c', scopes: ['vault:*'], approve: true },
    );
    const verdict = await odd.decide(asking(['db:write', 'wiki:write', 'vault:open']));
    expect(verdict).toMatchObject({ terms: { warnBeforeMs: [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((count) => count * MINUTE) } });
    expect(readVerdict('policy', verdict).verdict).toMatchObject({ outcome: 'approve' });
    expect(await odd.decide(asking('vault:open'))).toMatchObject({ terms: { warnBeforeMs: undefined } });
  });

  it('L10 are decided together, each part by the strictest rule', async () => {
    expect(await policy.decide(asking(['vault:open', 'wiki:write', 'db:write']))).toEqual({
      outcome: 'review',
      rule: 'open, db, vault',
      terms: { warnBeforeMs: [HOUR, 3 * MINUTE, MINUTE], idleTtlMs: 10 * MINUTE, maxUses: 4, maxTotalMs: 9 * HOUR },
      quorum: {
        groups: [
          { name: 'dba', approvals: 2 },
          { name: 'security', approvals: 2 },
        ],
        denials: 2,
        approvalTtlMs: HOUR,
        // The rule of the vault sets none, so the limit of the request itself counts, which is shorter.
        reviewWithinMs: HOUR,
        escalation: [{ group: 'leads', afterMs: 2 * HOUR }],
      },
    });
  });

  it('have no escalation if their rules name different groups, or if one names none', async () => {
    const quorum = { outcome: 'review', quorum: { escalation: undefined } };
    expect(await policy.decide(asking(['db:write', 'safe:open']))).toMatchObject(quorum);
    const without = policyOf(
      { id: 'a', scopes: ['a:*'], review: { groups: { dba: 1 }, escalate: { to: 'leads', after: '1h' } } },
      { id: 'b', scopes: ['b:*'], review: { groups: { dba: 1 } } },
    );
    expect(await without.decide(asking(['a:x', 'b:x']))).toMatchObject(quorum);
  });

  it('name as many rules as fit into an id', async () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ id: `${i}`.repeat(64), scopes: [`s:${i}`], approve: true }) as const);
    const scopes = many.flatMap((rule) => rule.scopes);
    const { rule } = await policyOf(...many).explain(asking(scopes));
    expect(rule).toBe(`${'0'.repeat(64)}, ${'1'.repeat(64)}, ${'2'.repeat(64)}, ...`);
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: policyOf(...many), clock: new ManualClock() });
    expect(await engine.requestAccess({ subject: 'user:maya', scopes, ttl: '1s' })).toMatchObject({
      outcome: 'granted',
      request: { rule },
    });
  });

  it('must each be covered', async () => {
    expect(await policy.decide(asking(['mail:read']))).toEqual({ outcome: 'abstain' });
    // Abstaining would let a later, laxer member of a chain give the scope that a rule here covers, too.
    expect(await policy.decide(asking(['db:write', 'mail:read']))).toEqual({
      outcome: 'deny',
      rule: 'db',
      reason: 'rule db covers only a part of this request: ask for that part and for the rest in separate requests',
    });
    expect(await eligible(policy, ['db:write', 'mail:read'])).toEqual({
      eligible: false,
      reason: 'no rule covers mail:read for user:maya',
    });
  });
});

describe('a pattern', () => {
  it('L21 is granted only if its rule allows patterns', async () => {
    const policy = policyOf(
      { id: 'narrow', scopes: ['db:read'], patterns: true, approve: true },
      { id: 'wide', scopes: ['db:**'], approve: true },
      { id: 'later', scopes: ['db:**'], patterns: true, approve: true },
    );
    const reason = 'db:* is a pattern, but rule wide allows only single scopes (patterns)';
    expect(await eligible(policy, 'db:*')).toEqual({ eligible: false, reason });
    expect(await policy.decide(asking('db:*'))).toMatchObject({ outcome: 'deny', reason });
  });

  it('must satisfy every rule that it overlaps', async () => {
    const policy = policyOf(
      { id: 'wide', scopes: ['db:**'], patterns: true, maxTtl: '8h', approve: true },
      { id: 'orders', scopes: ['db:orders:write'], maxTtl: '1h', idleTtl: '5m', review: { groups: { dba: 2 } } },
      { id: 'others', scopes: ['db:orders:*'], subjects: ['user:zoe'], maxTtl: '1s', approve: true },
      { id: 'mail', scopes: ['mail:*'], maxTtl: '1s', approve: true },
    );
    expect(await policy.decide(asking('db:orders:*'))).toMatchObject({
      outcome: 'review',
      rule: 'wide, orders',
      terms: { idleTtlMs: 5 * MINUTE },
      quorum: { groups: [{ name: 'dba', approvals: 2 }] },
    });
    expect(await policy.decide(asking('db:*', { ttlMs: 2 * HOUR }))).toMatchObject({ outcome: 'approve', rule: 'wide' });
    expect(await eligible(policy, 'db:**', { ttlMs: 2 * HOUR })).toEqual({
      eligible: false,
      reason: 'ask for at most 1h (rule orders: maxTtl)',
      problems: [{ rule: 'orders', field: 'ttl', code: 'too_long', limit: HOUR, got: 2 * HOUR }],
    });
  });
});

describe('the answers of a policy', () => {
  it('are frozen, and so is the policy', async () => {
    const policy = policyOf({ id: 'a', scopes: ['db:*'], review: { groups: { dba: 1 } } });
    const isDeep = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeep));
    expect(isDeep(policy)).toBe(true);
    expect(isDeep(await policy.decide(asking('db:write')))).toBe(true);
    expect(isDeep(await policy.isEligible?.(asking('mail:read'), 'creation'))).toBe(true);
    expect(isDeep(await policy.explain(asking('db:write')))).toBe(true);
    expect(isDeep(policy.lint())).toBe(true);
    expect(policy.lint()).not.toEqual([]);
  });

  it('do not change with the object from which the policy was made', async () => {
    const rule = { id: 'a', scopes: ['db:*'], review: { groups: { dba: 1 } } };
    const given = { groups: { dba: ['user:ana'] }, rules: [rule] };
    const policy = definePolicy(given);
    rule.scopes[0] = '**';
    rule.review.groups.dba = 0;
    given.groups.dba.push('user:eve');
    expect(await policy.decide(asking('mail:read'))).toEqual({ outcome: 'abstain' });
    expect(await policy.decide(asking('db:read'))).toMatchObject({ quorum: { groups: [{ approvals: 1 }] } });
    expect(
      await policy.groupsOf?.(
        'user:eve',
        asking('db:read', {
          quorum: aQuorum({ groups: [{ name: 'dba', approvals: 1 }] }),
        }),
      ),
    ).toEqual([]);
  });

  it('come from one name: that of the policy', () => {
    expect(policyOf().name).toBe('policy');
    expect(definePolicy({ name: 'on-call', groups, rules: [] }).name).toBe('on-call');
  });
});
