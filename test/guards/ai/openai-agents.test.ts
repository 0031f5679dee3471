import { Agent, run, RunContext, RunState, tool } from '@openai/agents';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { needsApproval, type NeedsApprovalOptions } from '../../../src/ai.js';
import { refusal } from '../../engine/an-engine.js';
import { AGENT, anOffice, OPERATOR, RUN, TTL } from './lending.js';
import { CallingModel, REFUND, type Refund } from './sdks.js';

const INPUT = { order: '42', why: null };

interface Session {
  readonly agent?: string;
  readonly user: string;
}

/** An agent whose identity comes with each run. */
function open(made = anOffice()) {
  const ran: string[] = [];
  const failures: unknown[] = [];
  const guarded = needsApproval(
    made.engine,
    {
      tool: 'refund',
      agent: (session: Session) => session.agent,
      operator: (session: Session) => session.user,
      scope: 'billing:{order}:refund',
      ttl: TTL,
      onError: (error) => failures.push(error),
    },
    ({ order }: Refund, runContext) => {
      ran.push(`${order} for ${runContext?.context.user}`);
      return 'refunded';
    },
  );
  const refund = tool({ name: 'refund', description: 'Refunds', parameters: z.object(REFUND), ...guarded });
  const agentWith = (model: CallingModel) => new Agent<Session>({ name: 'support', model, tools: [refund] });
  return { ...made, guarded, ran, failures, agentWith, requests: async () => (await made.engine.listRequests({})).items };
}

const SESSION: Session = { agent: AGENT, user: OPERATOR };

describe('needsApproval()', () => {
  it('takes the agent from the context of the run, and makes no request without one', async () => {
    const { agentWith, requests, ran } = open();
    await run(agentWith(new CallingModel([{ id: 'a', input: INPUT }])), 'x', { context: SESSION });
    expect(await requests()).toMatchObject([{ subject: RUN, requestedBy: AGENT, operator: OPERATOR }]);
    const model = new CallingModel([{ id: 'a', input: INPUT }]);
    const result = await run(agentWith(model), 'x', { context: { user: OPERATOR } });
    expect(result.interruptions).toEqual([]);
    expect(model.told).toEqual(['Authentication required: the caller of this tool is unknown. Nothing was done.']);
    expect(await requests()).toHaveLength(1);
    expect(ran).toEqual([]);
  });

  for (const [what, agent] of [
    ['is invalid', ' a'],
    ['is reserved', 'system:sweeper'],
    ['is not a string', 7],
  ] as const) {
    it(`L23 runs nothing for an agent whose id ${what}, and reports it to onError`, async () => {
      const { agentWith, requests, ran, failures } = open();
      const model = new CallingModel([{ id: 'a', input: INPUT }]);
      await run(agentWith(model), 'x', { context: { agent, user: OPERATOR } as Session });
      expect(model.told).toEqual(['Authentication required: the caller of this tool is unknown. Nothing was done.']);
      expect(failures[0]).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'agent' });
      expect([await requests(), ran]).toEqual([[], []]);
    });
  }

  it('ignores an earlier approval with "always"', async () => {
    const { agentWith, engine, ran, requests } = open();
    const model = new CallingModel([{ id: 'a', input: INPUT }]);
    const agent = agentWith(model);
    const first = await run(agent, 'x', { context: SESSION });
    for (const item of first.interruptions ?? []) first.state.approve(item, { alwaysApprove: true });
    await run(agent, first.state);
    expect(ran).toEqual([]);
    expect(model.told[0]).toMatch(/waits for review/);
    await engine.approve((await requests())[0]?.id as string, { by: OPERATOR });
    expect(await requests()).toHaveLength(1);
  });

  it('resumes a run that was stored as text in the meantime', async () => {
    const { agentWith, engine, ran, requests } = open();
    const model = new CallingModel([{ id: 'a', input: INPUT }]);
    const agent = agentWith(model);
    const text = (await run(agent, 'x', { context: SESSION })).state.toString();
    await engine.approve((await requests())[0]?.id as string, { by: OPERATOR });
    const state = await RunState.fromStringWithContext<Session, typeof agent>(agent, text, new RunContext(SESSION));
    for (const item of state.getInterruptions()) state.approve(item);
    await run(agent, state);
    expect(ran).toEqual([`42 for ${OPERATOR}`]);
    expect(await requests()).toHaveLength(1);
  });

  it('leaves the rejection of a pause to the application', async () => {
    const { agentWith, engine, ran, requests } = open();
    const model = new CallingModel([{ id: 'a', input: INPUT }]);
    const agent = agentWith(model);
    const first = await run(agent, 'x', { context: SESSION });
    await engine.approve((await requests())[0]?.id as string, { by: OPERATOR });
    for (const item of first.interruptions ?? []) first.state.reject(item);
    await run(agent, first.state);
    expect(ran).toEqual([]);
  });

  it('runs without a pause where a grant exists', async () => {
    const { agentWith, engine, ran, requests } = open();
    await run(agentWith(new CallingModel([{ id: 'a', input: INPUT }])), 'x', { context: SESSION });
    await engine.approve((await requests())[0]?.id as string, { by: OPERATOR });
    const result = await run(agentWith(new CallingModel([{ id: 'b', input: INPUT }])), 'x', { context: SESSION });
    expect(result.interruptions).toEqual([]);
    expect(ran).toEqual([`42 for ${OPERATOR}`]);
  });

  it('supports a caller without call ids: it makes one request for all calls', async () => {
    const { guarded, engine, requests } = open();
    const context = { context: SESSION };
    expect(await guarded.needsApproval(context, INPUT)).toBe(true);
    expect(await guarded.execute(INPUT, context)).toMatch(/waits for review/);
    expect(await requests()).toHaveLength(1);
    await engine.approve((await requests())[0]?.id as string, { by: OPERATOR });
    expect(await guarded.needsApproval(context, INPUT)).toBe(false);
    expect(await guarded.execute(INPUT, context)).toBe('refunded');
  });

  it('L23 refuses invalid options at its construction, and names them', async () => {
    const { engine } = open();
    const good = { tool: 'refund', agent: AGENT, scope: 'a:b', ttl: '1m' } as const;
    for (const [argument, options] of [
      ['options', { ...good, tools: {} }],
      ['tool', { ...good, tool: undefined }],
      ['agent', { ...good, agent: undefined }],
      ['operator', { ...good, operator: '' }],
      ['scope', { ...good, scope: 7 }],
      ['ttl', { ...good, ttl: '0' }],
      ['justification', { ...good, justification: 7 }],
    ] as const) {
      const make = () => needsApproval(engine, options as NeedsApprovalOptions<unknown, unknown>, () => 'x');
      expect((await refusal(make, 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
    }
    expect((await refusal(() => needsApproval(engine, good, undefined as never), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('execute');
    expect((await refusal(() => needsApproval(undefined as never, good, () => 'x'), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('engine');
  });
});
