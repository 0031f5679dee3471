import { JitEngine, MemoryGrantStore, runSubject, type AgentRun, type AuditEntry } from 'jit-access';
import { readJournal } from 'jit-access/journal';
import { definePolicy, simulate, type Policy, type PolicyDefinition, type PolicyRule } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';

const AGENT = 'agent:7';
const ANN = 'user:ann';
const ANNS: AgentRun = { agent: AGENT, operator: ANN };
const RUN = runSubject(ANNS);
const MINUTE = 60_000;

const rule = (id: string, over: Partial<PolicyRule> = {}): PolicyRule => ({
  id,
  scopes: ['db:read'],
  subjects: [AGENT],
  approve: true,
  ...over,
});
const denying = (id: string, subjects: PolicyRule['subjects'], scopes = ['db:**']): PolicyRule => ({ id, scopes, subjects, deny: 'no' });
const policyOf = (rules: readonly PolicyRule[], over: Partial<PolicyDefinition> = {}): Policy => definePolicy({ rules, ...over });

describe('lint() of rules for an agent and its runs', () => {
  const codes = (...rules: readonly PolicyRule[]) =>
    policyOf(rules, { groups: { runs: [RUN], people: [ANN] } })
      .lint()
      .filter(({ code }) => code !== 'unused_group')
      .map((finding) => `${finding.code} ${finding.rule ?? finding.group ?? ''}`);
  const withRuns = { runs: true };
  const ofRun = { subjects: [RUN] };

  it('leaves the runs to the rule after a rule for the agent alone (L43) [H2]', () => {
    expect(codes(rule('agent'), rule('again'))).toEqual(['shadowed again']);
    expect(codes(rule('agent'), rule('runs', withRuns))).toEqual([]);
    expect(codes(rule('agent', withRuns), rule('runs', withRuns))).toEqual(['shadowed runs']);
    for (const over of [ofRun, { subjects: [{ like: 'agent:7/run/*' }] }, { subjects: [{ group: 'runs' }] }])
      expect(codes(rule('agents', { subjects: [{ like: 'agent:*' }] }), rule('run', over))).toEqual([]);
  });

  it('finds a rule for runs after a rule for every subject, or for all ids of that form (L43) [H2]', () => {
    expect(codes(rule('all', { subjects: undefined }), rule('run', ofRun))).toEqual(['shadowed run']);
    expect(codes(rule('runs', { subjects: [{ like: 'agent:7/run/*' }] }), rule('run', ofRun))).toEqual(['shadowed run']);
    expect(codes(rule('all', { subjects: undefined }), rule('runs', withRuns))).toEqual(['shadowed runs']);
  });

  it('finds a rule with `runs` whose agent is denied by a deny rule (L43) [H2]', () => {
    expect(codes(rule('runs', withRuns), denying('no', [AGENT]))).toEqual(['never_matches runs']);
    expect(codes(rule('runs', withRuns), denying('no', [RUN]))).toEqual([]);
    expect(codes(rule('runs', { subjects: [AGENT, ANN], runs: true }), denying('no', [AGENT]))).toEqual([]);
  });

  it('finds a wide pattern for an agent with `runs` before a rule for one of its runs (L43) [H2]', () => {
    const wide = (over: Partial<PolicyRule>) => rule('wide', { scopes: ['db:**'], ...over });
    for (const subjects of [[RUN], [{ like: 'agent:7/run/*' }], [{ group: 'runs' }]]) {
      expect(codes(wide(withRuns), rule('run', { subjects }))).toEqual(['wide_pattern wide']);
      expect(codes(wide({}), rule('run', { subjects }))).toEqual([]);
    }
    for (const subjects of [[ANN], [{ like: 'agent:8/run/*' }], [runSubject({ agent: 'agent:8', operator: ANN })], [{ group: 'people' }]])
      expect(codes(wide(withRuns), rule('other', { subjects }))).toEqual([]);
  });

  it('does not report a rule for a run that applies to a pattern which the runs of its agent may have (L43) [H2]', () => {
    const everybody = rule('everybody', { scopes: ['db:**'], subjects: undefined });
    const given = (over: Partial<PolicyRule>) => rule('given', { scopes: ['*:read'], patterns: true, ...over });
    expect(codes(everybody, rule('run', ofRun), given(withRuns))).not.toContain('shadowed run');
    expect(codes(everybody, rule('run', ofRun), given({}))).toContain('shadowed run');
  });
});

describe('explain() to a run', () => {
  const asked = { subject: RUN, scope: 'db:read', ttl: '5m' } as const;
  const considered = async (policy: Policy, question: Parameters<Policy['explain']>[0] = asked) =>
    (await policy.explain(question)).scopes[0]?.considered;

  it('says that a rule names its agent and not its runs (L43) [H2]', async () => {
    const policy = policyOf([rule('agent')]);
    expect(await policy.explain(asked)).toMatchObject({ outcome: 'ineligible', rule: undefined });
    expect(await considered(policy)).toEqual([
      { rule: 'agent', verdict: 'passed_over', why: 'its subjects include agent:7, but not the runs of that agent (runs)' },
    ]);
    expect(await considered(policyOf([rule('other', { subjects: ['agent:8'] })]))).toEqual([
      { rule: 'other', verdict: 'passed_over', why: `its subjects do not include ${RUN}` },
    ]);
  });

  it('is decided by a rule with `runs`, by a rule for every subject, and by a rule for the run itself (L43) [H2]', async () => {
    for (const over of [{ runs: true }, { subjects: undefined }, { subjects: [RUN] }, { subjects: [{ like: 'agent:7/run/*' }] }]) {
      const policy = policyOf([rule('r', over)]);
      expect(await policy.explain(asked)).toMatchObject({ outcome: 'approve', rule: 'r' });
    }
    // A rule for a run does not apply to its agent.
    expect(await policyOf([rule('r', { subjects: [RUN] })]).explain({ ...asked, subject: AGENT })).toMatchObject({ outcome: 'ineligible' });
  });

  it('is denied by a deny rule for its agent, in each form, before any rule that grants (L43) [H2]', async () => {
    for (const subjects of [[AGENT], [{ like: 'agent:*' }], [{ group: 'agents' }]]) {
      const policy = policyOf([rule('runs', { runs: true }), denying('no', subjects)], { groups: { agents: [AGENT] } });
      expect(await policy.explain(asked)).toMatchObject({ outcome: 'deny', rule: 'no', reason: 'no' });
      expect((await considered(policy))?.map(({ verdict }) => verdict)).toEqual(['decides', 'decides']);
    }
    const other = policyOf([rule('runs', { runs: true }), denying('no', ['agent:8', ANN])]);
    expect(await other.explain(asked)).toMatchObject({ outcome: 'approve' });
  });

  it('asks through its agent, on behalf of the operator that the question names (L43) [H2]', async () => {
    const byAgent = policyOf([rule('r', { subjects: [RUN], requesters: [AGENT] })]);
    expect(await byAgent.explain(asked)).toMatchObject({ outcome: 'approve' });
    const forAnn: PolicyDefinition['groups'] = { ann: { isMember: (_, { operator }) => operator === ANN } };
    const policy = policyOf([rule('r', { subjects: [{ group: 'ann' }] })], { groups: forAnn });
    expect(await policy.explain({ ...asked, operator: ANN })).toMatchObject({ outcome: 'approve' });
    expect(await policy.explain(asked)).toMatchObject({ outcome: 'ineligible' });
  });
});

describe('simulate() over the requests of runs', () => {
  const journalOf = async (policy: Policy, ...work: ((engine: JitEngine) => Promise<unknown>)[]): Promise<readonly AuditEntry[]> => {
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: policy, store, clock: new ManualClock() });
    for (const each of work) await each(engine);
    await engine.close();
    const entries: AuditEntry[] = [];
    for await (const entry of readJournal(store)) entries.push(entry);
    return entries;
  };
  const asks = (engine: JitEngine) => engine.requestAccess({ run: ANNS, scope: 'db:read', ttl: 5 * MINUTE });
  const agentAsks = (engine: JitEngine) => engine.requestAccess({ subject: AGENT, scope: 'db:read', ttl: 5 * MINUTE });
  const differences = async (policy: Policy, entries: readonly AuditEntry[]) =>
    (await simulate(policy, entries)).map(({ subject, requestedBy, was, would }) => [subject, requestedBy, was.outcome, would.outcome]);

  it('lists what the runs lose if a rule no longer says `runs`, and no request of the agent (L43) [H2]', async () => {
    const entries = await journalOf(policyOf([rule('r', { runs: true })]), asks, agentAsks);
    expect(await differences(policyOf([rule('r', { runs: true })]), entries)).toEqual([]);
    expect(await differences(policyOf([rule('r')]), entries)).toEqual([[RUN, AGENT, 'approve', 'ineligible']]);
  });

  it('lists what the runs lose by a deny rule for their agent, and by one for themselves alone (L43) [H2]', async () => {
    const runs = rule('r', { runs: true });
    const entries = await journalOf(policyOf([runs]), asks, agentAsks);
    expect(await differences(policyOf([runs, denying('no', [AGENT])]), entries)).toEqual([
      [RUN, AGENT, 'approve', 'deny'],
      [AGENT, AGENT, 'approve', 'deny'],
    ]);
    expect(await differences(policyOf([runs, denying('no', [RUN])]), entries)).toEqual([[RUN, AGENT, 'approve', 'deny']]);
  });

  it('compares break-glass of a run as it compares its requests (L43) [H2]', async () => {
    const breakGlass = (over: object) =>
      policyOf([], {
        breakGlass: [
          { id: 'b', scopes: ['db:*'], subjects: [AGENT], maxTtl: '1h', reviewWithin: '1d', reviewers: ['sec'], ...over },
        ] as never,
        groups: { sec: [ANN] },
      });
    const takes = (engine: JitEngine) => engine.breakGlass({ subject: RUN, scope: 'db:read', ttl: 5 * MINUTE, justification: 'it burns' });
    const entries = await journalOf(breakGlass({ runs: true }), takes);
    expect(await differences(breakGlass({ runs: true }), entries)).toEqual([]);
    expect(await differences(breakGlass({}), entries)).toEqual([[RUN, AGENT, 'approve', 'ineligible']]);
  });
});
