import { runSubject } from 'jit-access';
import { describe, expect, it } from 'vitest';
import type { AccessRequest, Approver, JitEngineOptions } from '../../../src/index.js';
import { mcpTool } from '../../../src/ai.js';
import { definePolicy, type PolicyRule } from '../../../src/policy.js';
import { anEngine, MINUTE } from '../../engine/an-engine.js';
import { SDKS, type Options, type Sdk } from './sdks.js';

const AGENT = 'agent:support-7';
const ANN = 'user:ann';
const EVE = 'user:eve';
const TTL = 10 * MINUTE;
const SCOPE = 'billing:42:refund';

/** The operator of the agent reviews for that run. */
const operatorReviews: Approver = {
  name: 'operator',
  decide: () => ({ outcome: 'review', quorum: { groups: [{ name: 'operator', approvals: 1 }] } }),
  groupsOf: (reviewer, { operator, metadata }: AccessRequest) => (reviewer === (operator ?? metadata?.['operator']) ? ['operator'] : []),
};

/** One agent of one service; `ran` lists the operators for whom its tool has run. */
function service(sdk: Sdk, options: Partial<JitEngineOptions> = {}) {
  const made = anEngine({ approver: operatorReviews, ...options });
  const ran: string[] = [];
  const runOf = (over: Partial<Options>) =>
    sdk.open(made.engine, { agent: AGENT, scope: 'billing:{order}:refund', ttl: TTL, ...over }, () => {
      ran.push([over.operator, over.job].filter((part) => part !== undefined).join(' '));
      return 'refunded';
    });
  const approveAs = async (by: string) => {
    const [pending] = (await made.engine.listRequests({ status: 'pending' })).items;
    await made.engine.approve(pending?.id as string, { by });
  };
  return { ...made, ran, runOf, approveAs };
}

describe('an agent that a function names', () => {
  it('cannot be a run of another client: nothing runs (L43)', async () => {
    const { engine, approveAs } = service(SDKS[0] as Sdk);
    await engine.requestAccess({ run: { agent: AGENT, operator: ANN }, scope: SCOPE, ttl: TTL });
    await approveAs(ANN);
    const clientId = runSubject({ agent: AGENT, operator: ANN }, engine).slice('agent:'.length);
    expect(await engine.isAllowed(`agent:${clientId}`, SCOPE)).toBe(true);
    const agent = ({ authInfo }: { authInfo: { clientId: string }; requestId: number }) => `agent:${authInfo.clientId}`;
    const tool = mcpTool(engine, { tool: 'refund', agent, scope: SCOPE, ttl: TTL }, async (_extra: Parameters<typeof agent>[0]) => 'ran');
    expect(await tool({ requestId: 1, authInfo: { clientId } })).toMatchObject({ isError: true });
  });
});

describe.each(SDKS)('runs of one agent, by $name', (sdk) => {
  it('use no access that one operator approved in the run of another operator (L43) [H2]', async () => {
    const { runOf, approveAs, ran, engine } = service(sdk);
    const first = await runOf({ operator: ANN })({ order: '42' });
    await approveAs(ANN);
    await first.resume();
    expect(ran).toEqual([ANN]);
    const eve = await runOf({ operator: EVE })({ order: '42' }, 'call-2');
    expect(ran).toEqual([ANN]);
    expect(eve.state).not.toBe('ran');
    // The request waits for its own operator, and no reviewer was skipped.
    expect((await engine.inbox(EVE)).items.map(({ request }) => request.end)).toEqual([undefined]);
    await approveAs(EVE);
    await eve.resume();
    expect(ran).toEqual([ANN, EVE]);
  });

  it('refuse a run as their agent, as it would use the access of that run (L43)', async () => {
    const { runOf, approveAs, ran, engine } = service(sdk);
    const first = await runOf({ operator: ANN })({ order: '42' });
    await approveAs(ANN);
    await first.resume();
    const run = runSubject({ agent: AGENT, operator: ANN }, engine);
    expect(await engine.isAllowed(run, SCOPE)).toBe(true);
    await expect((async () => runOf({ agent: run })({ order: '42' }, 'call-2'))()).rejects.toThrow(/without \/run\//);
    expect(ran).toEqual([ANN]);
  });

  it('use no access of one job in another job of the same operator (L43) [H2]', async () => {
    const { runOf, approveAs, ran } = service(sdk);
    const first = await runOf({ operator: ANN, job: 'ticket-1' })({ order: '42' });
    await approveAs(ANN);
    await first.resume();
    await runOf({ operator: ANN, job: 'ticket-2' })({ order: '42' }, 'call-2');
    expect(ran).toEqual([`${ANN} ticket-1`]);
  });

  it('keep operator and job separate: no two pairs have the same id when joined (L24) [H2]', async () => {
    const { runOf, approveAs, ran } = service(sdk);
    const first = await runOf({ operator: 'user:ann', job: 'x/job' })({ order: '42' });
    await approveAs(ANN);
    await first.resume();
    for (const other of [
      { operator: 'user_ann', job: 'x/job' },
      { operator: 'user:ann/x', job: 'job' },
      { operator: 'user:ann', job: 'x', agent: `${AGENT}/job` },
      { operator: 'user:ann' },
      { job: 'x/job' },
    ]) {
      await runOf(other)({ order: '42' }, 'call-2');
      expect(ran).toEqual(['user:ann x/job']);
    }
  });

  it('belong to one operator for any form of its id, where canonicalId unifies the forms [H2]', async () => {
    const { runOf, approveAs, ran } = service(sdk, { canonicalId: (id) => id.toLowerCase() });
    const first = await runOf({ operator: 'User:Ann' })({ order: '42' });
    await approveAs('USER:ANN');
    await first.resume();
    await runOf({ operator: 'user:ANN' })({ order: '42' }, 'call-2');
    await runOf({ operator: EVE })({ order: '42' }, 'call-3');
    expect(ran).toEqual(['User:Ann', 'user:ANN']);
  });

  it('are ended by revokeAll of the agent (L43) [H2]', async () => {
    const { runOf, approveAs, ran, engine } = service(sdk);
    for (const operator of [ANN, EVE]) {
      const call = await runOf({ operator })({ order: '42' }, `call of ${operator}`);
      await approveAs(operator);
      await call.resume();
    }
    await runOf({ operator: 'user:lee' })({ order: '42' }, 'call-3');
    expect(ran).toEqual([ANN, EVE]);
    const { grants, requests } = await engine.revokeAll({ subject: AGENT }, { by: 'user:sam' });
    expect(grants.map(({ scope }) => scope)).toEqual([SCOPE, SCOPE]);
    expect(requests).toHaveLength(1);
    for (const operator of [ANN, EVE]) await runOf({ operator })({ order: '42' }, `late call of ${operator}`);
    expect(ran).toEqual([ANN, EVE]);
  });

  // The AI SDK passes no context to functions, so its options are constant ids.
  if (sdk.name !== 'AI SDK') {
    it('run nothing where the option for the operator or the job returns none for the call [H2]', async () => {
      const { runOf, ran, engine } = service(sdk, { approver: { name: 'yes', decide: () => ({ outcome: 'approve' }) } });
      for (const option of ['operator', 'job'] as const) {
        const options = { [option]: () => undefined } as unknown as Partial<Options>;
        expect(await runOf(options)({ order: '42' }, option)).toMatchObject({
          state: 'told',
          told: 'Authentication required: the caller of this tool is unknown. Nothing was done.',
        });
      }
      expect(ran).toEqual([]);
      expect((await engine.listRequests({})).items).toEqual([]);
    });
  }

  describe('under a policy', () => {
    const deny: PolicyRule = { id: 'stopped', scopes: ['billing:**'], subjects: [AGENT], deny: 'the agent is stopped' };
    const approve: PolicyRule = { id: 'lend', scopes: ['billing:*:refund'], approve: true };
    const call = async (...rules: readonly PolicyRule[]) => {
      const { runOf, ran } = service(sdk, { approver: definePolicy({ rules }) });
      const { told } = await runOf({ operator: ANN })({ order: '42' });
      return { ran, told };
    };

    it('are denied by a deny rule for their agent (L43) [H2]', async () => {
      expect(await call(approve)).toMatchObject({ ran: [ANN] });
      expect((await call(approve, deny)).told).toContain('was denied: the agent is stopped');
      expect((await call({ ...approve, subjects: [AGENT], runs: true }, deny)).ran).toEqual([]);
    });

    it('get nothing by a rule for their agent, unless the rule says runs (L43) [H2]', async () => {
      for (const subjects of [[AGENT], [{ like: 'agent:*' }]]) {
        expect((await call({ ...approve, subjects })).ran).toEqual([]);
        expect((await call({ ...approve, subjects, runs: true })).ran).toEqual([ANN]);
      }
    });
  });
});
