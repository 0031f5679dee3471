import { describe, expect, it } from 'vitest';
import { definePolicy, type BreakGlassRule, type Finding, type PolicyDefinition, type PolicyRule } from 'jit-access/policy';
import type { Duration } from '../../../src/index.js';

const dba = { groups: { dba: 1 } };
const people = { dba: ['user:ana', 'user:kim'], sre: ['user:maya'], nobody: [] };

/** The findings for these rules, except those about groups that they do not use. */
const lint = (rules: readonly PolicyRule[], over: Partial<PolicyDefinition> = {}): readonly Finding[] =>
  definePolicy({ groups: people, rules, ...over })
    .lint()
    .filter((finding) => finding.code !== 'unused_group');
const codes = (findings: readonly Finding[]) => findings.map((finding) => `${finding.code} ${finding.rule ?? finding.group ?? ''}`);

describe('lint()', () => {
  it('finds nothing in rules that are ordered from narrow to wide', () => {
    const rules: PolicyRule[] = [
      { id: 'write', scopes: ['db:write'], review: dba },
      { id: 'others', scopes: ['db:*'], subjects: [{ group: 'sre' }], approve: true },
      { id: 'all', scopes: ['**'], subjects: [{ like: 'user:*' }], review: dba },
      { id: 'secret', scopes: ['db:secret'], deny: 'no' },
    ];
    expect(lint(rules)).toEqual([]);
  });

  it('finds an id that reads like a group, a pattern or self', () => {
    const rules: PolicyRule[] = [
      { id: 'no-sre', scopes: ['db:secret'], subjects: ['sre'], deny: 'no' },
      { id: 'users', scopes: ['db:*'], subjects: ['user:*'], requesters: ['self', 'dba'], approve: true },
      {
        id: 'right',
        scopes: ['mail:*'],
        subjects: [{ group: 'sre' }, { like: 'bot:*' }, 'user:self'],
        requesters: [{ self: true }],
        approve: true,
      },
    ];
    const findings = lint(rules, { groups: { ...people, all: ['dba', 'user:maya', 'user:*'] } });
    expect(findings.map(({ code, rule, group, message }) => `${code} ${rule ?? group ?? ''}: ${message}`)).toEqual([
      'misread_id no-sre: rule no-sre names the id sre, which is also a group. Write { "group": "sre" } for its members',
      'misread_id users: rule users names the id self, which is no keyword. Write { "self": true } for the subject itself',
      'misread_id users: rule users names the id user:*, in which * is no wildcard. Write { "like": "..." } with one * for several ids',
      'misread_id users: rule users names the id dba, which is also a group. Write { "group": "dba" } for its members',
      'misread_id all: group all lists the id dba, which is also a group. List each person',
      'misread_id all: group all lists the id user:*, in which * is no wildcard. List each person',
    ]);
  });

  it('finds a scope of the catalogue that no rule gives, or that is denied to every subject (feature 1)', () => {
    const rules: PolicyRule[] = [
      { id: 'db', scopes: ['db:*'], review: dba },
      { id: 'no-payroll', scopes: ['db:payroll'], deny: 'no' },
      { id: 'not-maya', scopes: ['db:secret'], subjects: ['user:maya'], deny: 'no' },
    ];
    const breakGlass = [{ id: 'outage', scopes: ['root'], maxTtl: '15m', reviewers: ['dba'], reviewWithin: '1d' }] as const;
    const catalogue = ['db:orders', 'db:payroll', 'db:secret', 'root', 'mail'].map((scope) => ({ scope }));
    expect(lint(rules, { breakGlass, catalogue })).toEqual([
      {
        code: 'not_given',
        rule: 'no-payroll',
        group: undefined,
        message: 'the catalogue lists db:payroll, but rule no-payroll denies it to every subject. Remove it, or narrow rule no-payroll',
      },
      {
        code: 'not_given',
        rule: undefined,
        group: undefined,
        message: 'the catalogue lists mail, but no rule gives it. Add a rule for it, or remove it',
      },
    ]);
  });

  it('finds a rule all of whose scopes are denied, also by later deny rules', () => {
    const rule: PolicyRule = { id: 'orders', scopes: ['db:orders:*', 'mail:read'], subjects: ['user:maya'], review: dba };
    const denials: PolicyRule[] = [
      { id: 'no-db', scopes: ['db:**'], subjects: [{ group: 'sre' }], deny: 'no' },
      { id: 'no-mail', scopes: ['mail:*'], deny: 'no' },
    ];
    expect(lint([rule, ...denials])).toEqual([
      {
        code: 'never_matches',
        rule: 'orders',
        group: undefined,
        message:
          'rule orders never decides: rules no-db and no-mail deny everything that it covers, and deny rules come first. Narrow the denial, or remove rule orders',
      },
    ]);
    expect(lint([rule, denials[0] as PolicyRule])).toEqual([]);
    expect(lint([{ ...rule, subjects: ['user:zoe'] }, ...denials])).toEqual([]);
  });

  it('finds a rule all of whose scopes are denied by an earlier deny rule', () => {
    const rules: PolicyRule[] = [
      { id: 'no-db', scopes: ['db:**'], deny: 'no' },
      { id: 'orders', scopes: ['db:orders:*'], subjects: ['user:maya'], review: dba },
    ];
    expect(codes(lint(rules))).toEqual(['never_matches orders']);
  });

  it('finds a rule that an earlier rule shadows', () => {
    const later: PolicyRule = { id: 'write', scopes: ['db:write'], subjects: [{ group: 'dba' }], approve: true };
    const shadowed = (subjects: PolicyRule['subjects']) => codes(lint([{ id: 'wide', scopes: ['db:*'], subjects, review: dba }, later]));
    expect(lint([{ id: 'wide', scopes: ['db:*'], review: dba }, later])[0]?.message).toBe(
      'rule write never decides: the earlier rule wide covers all its scopes for all its subjects. Move rule write up, or remove it',
    );
    expect(shadowed(undefined)).toEqual(['shadowed write']);
    const everybody: PolicyRule = { id: 'wide', scopes: ['db:*'], subjects: [{ like: '*' }], review: dba };
    expect(codes(lint([everybody, { id: 'write', scopes: ['db:write'], approve: true }]))).toEqual(['shadowed write']);
    expect(shadowed([{ like: '*' }])).toEqual(['shadowed write']);
    expect(shadowed([{ like: 'user:*' }])).toEqual(['shadowed write']);
    expect(shadowed([{ group: 'dba' }])).toEqual(['shadowed write']);
    expect(shadowed(['user:ana', { like: '*:kim' }])).toEqual(['shadowed write']);
    expect(shadowed([{ like: 'agent:*' }])).toEqual([]);
    expect(shadowed([{ group: 'sre' }])).toEqual([]);
    expect(shadowed(['user:ana'])).toEqual(['wide_pattern wide']);
  });

  it('finds a pattern that is wider than the narrower rules after it', () => {
    const narrow: PolicyRule = { id: 'narrow', scopes: ['mail:read', 'db:write'], subjects: [{ like: 'user:*' }], review: dba };
    expect(lint([{ id: 'wide', scopes: ['db:**'], approve: true }, narrow])).toEqual([
      {
        code: 'wide_pattern',
        rule: 'wide',
        group: undefined,
        message:
          'rule wide comes before rule narrow, and its db:** is wider than db:write. It decides for every subject of both rules. Move rule narrow up, or narrow db:**',
      },
    ]);
    const with_ = (subjects: PolicyRule['subjects'], over: Partial<PolicyDefinition> = {}) =>
      codes(lint([{ id: 'wide', scopes: ['db:**'], subjects, approve: true }, narrow], over)).filter((code) => code.startsWith('wide'));
    expect(with_(['agent:7'])).toEqual([]);
    expect(with_([{ like: 'agent:*' }])).toEqual([]);
    expect(with_([{ like: '*:7' }])).toEqual(['wide_pattern wide']);
    expect(with_([{ group: 'sre' }])).toEqual(['wide_pattern wide']);
    expect(with_([{ group: 'agents' }], { groups: { ...people, agents: ['agent:7'] } })).toEqual([]);
    expect(with_([{ group: 'agents' }], { groups: { ...people, agents: { isMember: () => true } } })).toEqual(['wide_pattern wide']);
    // An equal scope is not a wider pattern.
    expect(codes(lint([{ id: 'same', scopes: ['db:write'], approve: true }, narrow]))).toEqual([]);
  });

  it('[EN10] finds a rule that approves at once behind one that needs a review at some hours', () => {
    const when = { from: '18:00', to: '06:00', timeZone: 'UTC' } as const;
    const night: PolicyRule = { id: 'night', scopes: ['db:*'], when, review: dba };
    const day: PolicyRule = { id: 'day', scopes: ['db:*'], approve: true };
    const found = lint([night, day]);
    expect(codes(found)).toEqual(['milder_outlasts day']);
    expect(found[0]?.message).toContain('Give rule day a `when` for the other hours');
    expect(codes(lint([night, { ...day, scopes: ['db:read', 'mail:*'] }]))).toEqual(['milder_outlasts day']);
    for (const [stricter, milder] of [
      [night, { ...day, when: { from: '06:00', to: '18:00', timeZone: 'UTC' } }],
      [night, { id: 'day', scopes: ['db:*'], review: dba }],
      [night, { ...day, scopes: ['mail:*'] }],
      [
        { ...night, subjects: ['user:ana'] },
        { ...day, subjects: ['user:kim'] },
      ],
      [{ id: 'night', scopes: ['db:*'], when, approve: true }, day],
    ] as readonly (readonly [PolicyRule, PolicyRule])[]) {
      expect(codes(lint([stricter, milder]))).toEqual([]);
    }
  });

  it('finds a rule that several earlier rules shadow together, and names only the rules that it takes', () => {
    const read = (id: string, subjects: PolicyRule['subjects'], scope = 'db:read'): PolicyRule => ({
      id,
      scopes: [scope],
      subjects,
      approve: true,
    });
    const before = [
      read('mail', ['user:maya'], 'mail'),
      read('zoe', ['user:zoe']),
      read('ana', ['user:ana']),
      read('all', [{ like: '*:kim' }]),
    ];
    expect(lint([...before, read('late', [{ group: 'dba' }])])).toEqual([
      {
        code: 'shadowed',
        rule: 'late',
        group: undefined,
        message:
          'rule late never decides: the earlier rules ana and all cover all its scopes for all its subjects. Move rule late up, or remove it',
      },
    ]);
    expect(lint([...before, read('late', [{ group: 'dba' }, 'user:rob'])])).toEqual([]);
    const denials = ['user:ana', 'user:kim'].map((person, i): PolicyRule => ({
      id: `no-${i}`,
      scopes: ['**'],
      subjects: [person],
      deny: 'no',
    }));
    expect(codes(lint([...denials, read('late', [{ group: 'dba' }])]))).toEqual(['never_matches late']);
  });

  it('does not report a rule that applies to a pattern which another rule grants to its subjects', () => {
    const narrow: PolicyRule = { id: 'narrow', scopes: ['db:read'], subjects: [{ group: 'sre' }], review: dba };
    const wide = (over: Partial<PolicyRule> = {}) => ({ id: 'wide', scopes: ['db:**'], approve: true, ...over }) as PolicyRule;
    expect(codes(lint([wide(), narrow]))).toEqual(['shadowed narrow']);
    expect(codes(lint([wide({ patterns: true }), narrow]))).toEqual(['wide_pattern wide']);
    const given = (over: Partial<PolicyRule>) => codes(lint([wide(), narrow, wide({ id: 'given', patterns: true, ...over })]));
    expect(given({ scopes: ['*:read'] })).toEqual(['wide_pattern wide']);
    expect(given({ scopes: ['mail:*'] })).toEqual(['shadowed narrow']);
    expect(given({ scopes: ['*:read'], subjects: ['user:zoe'] })).toEqual(['shadowed narrow']);
    // Its own patterns are covered by the earlier rule, which allows none.
    expect(codes(lint([wide(), { ...narrow, patterns: true }]))).toEqual(['shadowed narrow']);
  });

  it('finds a rule that accepts no requester, and does not advise removing it', () => {
    const rule: PolicyRule = { id: 'r', scopes: ['db'], requesters: [{ group: 'nobody' }], approve: true };
    expect(lint([rule])[0]).toEqual({
      code: 'never_matches',
      rule: 'r',
      group: undefined,
      message: 'rule r accepts no request: the groups of its requesters are empty. Add people to them',
    });
    expect(codes(lint([{ ...rule, requesters: [{ group: 'nobody' }, { self: true }] }]))).toEqual(['empty_group nobody']);
  });

  it('finds more denials than there are people who may deny, the escalation group included', () => {
    const denying = (denials: number, escalate?: { to: string; after: Duration }, groups: object = people) =>
      lint([{ id: 'r', scopes: ['db'], review: { ...dba, denials, escalate } }], { groups: groups as typeof people });
    expect(codes(denying(2))).toEqual([]);
    expect(denying(3)[0]?.message).toBe(
      'rule r needs 3 denials to end a request, but its groups list only 2. Add people to them, or lower denials',
    );
    const escalate = { to: 'sre', after: '1m' } as const;
    expect(codes(denying(3, escalate))).toEqual([]);
    expect(codes(denying(4, escalate))).toEqual(['quorum_too_big r']);
    expect(codes(denying(4, escalate, { ...people, sre: { isMember: () => true } }))).toEqual(['untold_group sre']);
  });

  it('finds deny rules that are redundant, and one of two equal ones', () => {
    const rules: PolicyRule[] = [
      { id: 'narrow', scopes: ['db:secret'], deny: 'no' },
      { id: 'wide', scopes: ['db:**'], deny: 'no' },
      { id: 'twin', scopes: ['db:**'], deny: 'no' },
    ];
    expect(codes(lint(rules))).toEqual(['shadowed narrow', 'shadowed twin']);
    expect(lint(rules)[1]?.message).toBe('rule twin is redundant: rule wide denies all its scopes for all its subjects. Remove it');
  });

  it('finds an empty group, and the rule that needs it', () => {
    expect(lint([{ id: 'prod', scopes: ['db:*'], review: { groups: { nobody: 1 } } }])).toEqual([
      {
        code: 'empty_group',
        rule: undefined,
        group: 'nobody',
        message: 'group nobody of rule prod is empty. Add people to it, or name another group',
      },
    ]);
    const forNobody: PolicyRule[] = [
      { id: 'a', scopes: ['db:*'], subjects: [{ group: 'nobody' }], approve: true },
      { id: 'b', scopes: ['db:*'], subjects: [{ group: 'nobody' }], deny: 'no' },
    ];
    expect(codes(lint(forNobody))).toEqual(['never_matches a', 'never_matches b', 'empty_group nobody']);
  });

  it('finds a group whose members cannot be listed', () => {
    const groups = { managers: { isMember: () => true } };
    expect(lint([{ id: 'prod', scopes: ['db:*'], review: { groups: { managers: 9 } } }], { groups })).toEqual([
      {
        code: 'untold_group',
        rule: undefined,
        group: 'managers',
        message: "group managers of rule prod is code, so lint can't list its members. Check that it has some",
      },
    ]);
  });

  it('finds a group that no rule names, as subjects, requesters, reviewers or escalation', () => {
    const groups = { a: ['x'], b: ['x'], c: ['x'], d: ['x'], e: ['x'], f: ['x'], g: ['x'] };
    const rules: PolicyRule[] = [
      {
        id: 'r',
        scopes: ['db'],
        subjects: [{ group: 'a' }],
        requesters: [{ group: 'b' }],
        review: { groups: { c: 1 }, escalate: { to: 'd', after: '1m' } },
      },
      { id: 's', scopes: ['mail'], subjects: [{ group: 'e' }], deny: 'no' },
    ];
    const breakGlass: BreakGlassRule[] = [{ id: 't', scopes: ['db'], maxTtl: '1m', reviewers: ['f'], reviewWithin: '1d' }];
    expect(definePolicy({ groups, rules, breakGlass }).lint()).toEqual([
      { code: 'unused_group', rule: undefined, group: 'g', message: 'no rule names group g. Name it in a rule, or remove it' },
    ]);
  });

  it('finds a quorum that its groups cannot reach', () => {
    expect(lint([{ id: 'prod', scopes: ['db:*'], review: { groups: { dba: 3, sre: 1 } } }])).toEqual([
      {
        code: 'quorum_too_big',
        rule: 'prod',
        group: 'dba',
        message: 'rule prod needs 3 approvals from group dba, which lists only 2. Add people to it, or lower the number',
      },
    ]);
    const groups = { dba: ['user:ana', 'user:kim'], security: ['user:ana', 'user:kim'] };
    const twice = (security: number) => lint([{ id: 'prod', scopes: ['db:*'], review: { groups: { dba: 1, security } } }], { groups });
    expect(twice(1)).toEqual([]);
    expect(twice(2)[0]?.message).toBe(
      'rule prod needs 3 different reviewers, because each counts in one group only. Its groups list only 2. Add people to them, or lower the numbers',
    );
  });

  it('finds an escalation that is not before the review deadline', () => {
    const escalating = (after: Duration, reviewWithin?: Duration) =>
      codes(lint([{ id: 'prod', scopes: ['db:*'], review: { ...dba, reviewWithin, escalate: { to: 'sre', after } } }]));
    expect(escalating('1h', '1h')).toEqual(['never_escalates prod']);
    expect(escalating('59m', '1h')).toEqual([]);
    expect(escalating('1h')).toEqual([]);
  });

  it('finds reminders that are not before the review deadline (feature 11)', () => {
    const reminding = (remindEvery: Duration, reviewWithin?: Duration) =>
      codes(lint([{ id: 'prod', scopes: ['db:*'], review: { ...dba, reviewWithin, remindEvery } }]));
    expect(reminding('1h', '1h')).toEqual(['never_reminds prod']);
    expect(reminding('59m', '1h')).toEqual([]);
    expect(reminding('1h')).toEqual([]);
  });

  it('checks break-glass rules separately, and against the deny rules', () => {
    const rule = (id: string, scope: string): BreakGlassRule => ({
      id,
      scopes: [scope],
      maxTtl: '1m',
      reviewers: ['dba'],
      reviewWithin: '1d',
    });
    const breakGlass = [rule('x', 'db:**'), rule('y', 'db:write'), rule('z', 'mail:read')];
    expect(
      codes(
        lint(
          [
            { id: 'no', scopes: ['mail:**'], deny: 'no' },
            { id: 'a', scopes: ['db:**'], approve: true },
          ],
          { breakGlass },
        ),
      ),
    ).toEqual(['shadowed y', 'never_matches z']);
  });
});
