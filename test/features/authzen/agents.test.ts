import type { AuthzenQuestion } from 'jit-access/authzen';
import { describe, expect, it } from 'vitest';
import { autoApprove, runSubject } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { entriesOf, SAM } from '../../engine/an-engine.js';
import { aProfile, DB, FOR_AGENTS, GATEWAY, MAYA, SUBJECT, WRITE } from './authzen-of.js';
import { evaluate, requestIdOf, submissionOf, type TaskAnswer } from './profile-of.js';

const acting = (act: object) => ({ subject: { ...MAYA, properties: { act } } });

/** The entity of an agent's run, as a search for subjects returns it. */
const runOf = (subject: string) => ({ type: 'agent', id: subject.slice('agent:'.length) });

describe('S1 `may` knows the agent', () => {
  it('S1 each question about a run names its agent', async () => {
    const seen: AuthzenQuestion[] = [];
    const made = aProfile({ may: (question) => (seen.push(question), true) });
    const { send } = made;
    const evaluated = acting({ sub: 'agent:7' });
    const answer = await send('/requests', await submissionOf(made, {}, evaluated));
    const { task } = answer.body as unknown as TaskAnswer;
    await send('/evaluations', { ...evaluated, resource: DB, evaluations: [{ action: WRITE }] });
    await send('/search/resource', { ...evaluated, action: WRITE, resource: { type: 'db' } });
    await send('/search/action', { ...evaluated, resource: DB });
    await send(`/requests/${task.id}`, undefined, { method: 'GET' });
    await send(`/requests/${task.id}/cancel`);
    // A denial asks about `submit` too, because it offers an `access_request` only to a caller that may use it.
    // A pending task asks about `cancel` too, because it has the link only for a caller that may cancel.
    const asking = ['evaluate', 'submit', 'submit', 'cancel', 'evaluate', 'submit', 'search', 'search'];
    const operations = [...asking, 'view', 'cancel', 'view', 'cancel'];
    expect(seen.map(({ operation, agent, subject }) => [operation, agent, subject])).toEqual(
      operations.map((operation) => [operation, 'agent:7', MAYA]),
    );
  });

  it('S1 the agent is that of the hook, and a subject that acts for itself has none', async () => {
    const seen: (string | undefined)[] = [];
    const { send } = aProfile({
      may: ({ agent, operation }) => (operation === 'evaluate' && seen.push(agent), true),
      agent: ({ iss }) => (iss === 'https://idp.example' ? 'agent:of-idp' : undefined),
    });
    for (const subject of [acting({ iss: 'https://idp.example', sub: 'x' }), acting({ sub: 'agent:7' }), { subject: MAYA }])
      await send('/evaluation', { ...subject, resource: DB, action: WRITE });
    expect(seen).toEqual(['agent:of-idp', undefined, undefined]);
  });

  it('S1 `may` can refuse an agent, in an evaluation and in a submission', async () => {
    let isOpen = true;
    const made = aProfile({ may: ({ agent }) => isOpen || agent !== 'agent:7' });
    const body = await submissionOf(made, {}, acting({ sub: 'agent:7' }));
    isOpen = false;
    expect((await made.send('/requests', body)).status).toBe(403);
    expect((await made.send('/evaluation', { ...acting({ sub: 'agent:7' }), resource: DB, action: WRITE })).status).toBe(403);
    expect((await made.send('/evaluation', { ...acting({ sub: 'agent:8' }), resource: DB, action: WRITE })).status).toBe(200);
  });

  it('S1, L43 a subject with the id of a run is a run of its agent, which `may` can refuse', async () => {
    const made = aProfile({ may: ({ agent }) => agent !== 'agent:7' });
    const named = (agent: string) => ({ subject: runOf(runSubject({ agent, operator: 'user:maya' }, made.engine)) });
    const evaluation = { resource: DB, action: WRITE };
    expect((await made.send('/evaluation', { ...named('agent:7'), ...evaluation })).status).toBe(403);
    expect((await made.send('/search/action', { ...named('agent:7'), resource: DB })).status).toBe(403);
    expect((await made.send('/evaluation', { ...named('agent:8'), ...evaluation })).status).toBe(200);
  });

  it('S1, L43 a run that is named by its id asks as its agent, and spoils no other item of a batch', async () => {
    const made = aProfile(FOR_AGENTS);
    const subject = runOf(runSubject({ agent: 'agent:7', operator: 'user:maya' }, made.engine));
    const unknown = { type: 'user', id: `x/run/maya/${'0'.repeat(32)}` };
    const batch = { resource: DB, action: WRITE, evaluations: [{ subject }, { subject: unknown }, { subject: MAYA }] };
    const { status, body } = await made.send('/evaluations', batch);
    expect([status, body['evaluations']]).toMatchObject([
      200,
      [
        { decision: false, context: { reason: 'approval_required' } },
        { decision: false, context: { reason: 'unknown_entity' } },
        { decision: false, context: { reason: 'approval_required' } },
      ],
    ]);
    const answer = await made.send('/requests', await submissionOf(made, {}, { subject }));
    const { task } = answer.body as unknown as TaskAnswer;
    const found = await made.engine.getRequest(requestIdOf(task));
    expect(found?.request).toMatchObject({ subject: `agent:${subject.id}`, requestedBy: 'agent:7', agent: 'agent:7' });
    expect(made.told).toEqual([]);
  });

  it('S1 the agent has the id on which the engine acts', async () => {
    const canonicalId = (id: string) => id.toLowerCase();
    const { send } = aProfile({ may: ({ agent }) => agent !== 'agent:7' }, { canonicalId });
    expect((await send('/evaluation', { ...acting({ sub: 'Agent:7' }), resource: DB, action: WRITE })).status).toBe(403);
  });
});

describe('L44 a service becomes no agent', () => {
  const AGENT = 'agent:payments';
  type Made = ReturnType<typeof aProfile>;

  /** The two forms in which a question names the run. */
  const FORMS: readonly [string, (made: Made) => object][] = [
    ['properties.act', () => acting({ sub: AGENT })],
    ['the id of the run', ({ engine }) => ({ subject: runOf(runSubject({ agent: AGENT, operator: SUBJECT }, engine)) })],
  ];

  const EMERGENCY = { context: { business_justification: 'INC-1' }, requested_access: { emergency: true } };

  /** A policy with break-glass access. */
  const withBreakGlass = () => {
    const rule = { scopes: ['db:**'] };
    return definePolicy({
      groups: { ops: [SAM] },
      rules: [{ id: 'db', ...rule, review: { groups: { ops: 1 } } }],
      breakGlass: [{ id: 'bg', ...rule, maxTtl: '2h', reviewers: ['ops'], reviewWithin: '24h' }],
    });
  };

  it.each(FORMS)('L44 [WF3] by default only the agent itself submits for its run, which %s names', async (_, formOf) => {
    for (const requester of ['caller', 'subject'] as const) {
      const made = aProfile({}, { limits: { maxOpenRequests: 1 } }, { requester, emergency: true });
      const named = formOf(made);
      // The agent's own denial, replayed by a service that has seen it.
      const body = await submissionOf(made, {}, named, AGENT);
      for (const as of [GATEWAY, SUBJECT]) {
        const { context } = await evaluate(made, named, as);
        const { expires_at, binding_token } = context.access_request ?? body.denial;
        for (const more of [{}, EMERGENCY]) {
          for (const headers of [{}, { 'idempotency-key': 'k' }]) {
            const answer = await made.send('/requests', { ...body, denial: { expires_at, binding_token }, ...more }, { as, headers });
            expect([as, answer.status]).toEqual([as, 403]);
          }
        }
        // No denial offers what would be refused.
        expect(context).toEqual({ reason: 'policy_denied' });
      }
      expect((await made.engine.listRequests({})).items).toEqual([]);
      // So no service uses up the limits of the agent.
      const own = await made.send('/requests', body, { as: AGENT });
      expect(own.status).toBe(202);
      const found = await made.engine.getRequest(requestIdOf((own.body as unknown as TaskAnswer).task));
      expect(found?.request).toMatchObject({ requestedBy: AGENT, agent: AGENT });
    }
  });

  it.each(FORMS)('L44 [WF3] the journal names the service that submits for a run, which %s names', async (_, formOf) => {
    for (const more of [{}, EMERGENCY]) {
      const made = aProfile(FOR_AGENTS, { approver: withBreakGlass() }, { emergency: true });
      const answer = await made.send('/requests', await submissionOf(made, more, formOf(made)));
      expect([201, 202]).toContain(answer.status);
      const [created] = await entriesOf(made.store);
      expect(created).toMatchObject({ type: 'request.created', actor: GATEWAY, data: { requestedBy: AGENT } });
    }
  });

  it("L44 [WF3] with requester 'subject' the journal names the service beside the subject, and its refused attempts", async () => {
    let isOpen = true;
    const made = aProfile({}, { approver: autoApprove(() => isOpen) }, { requester: 'subject' });
    const [one, two] = [await submissionOf(made), await submissionOf(made, {}, { action: { name: 'read' } })];
    expect((await made.send('/requests', one)).status).toBe(201);
    isOpen = false;
    await made.engine.lock({ subject: GATEWAY }, { by: SAM, reason: 'stolen' });
    expect((await made.send('/requests', two)).status).toBe(400);
    await made.clock.advance('2m');
    await made.engine.sweep();
    const entries = await entriesOf(made.store);
    const ofAsks = entries.filter(({ type }) => type === 'request.created' || type === 'attempt.refused');
    expect(ofAsks.map(({ type, actor, data }) => [type, actor, data['requestedBy'], data['code']])).toEqual([
      ['request.created', GATEWAY, SUBJECT, undefined],
      ['attempt.refused', GATEWAY, undefined, 'ERR_JIT_LOCKED'],
    ]);
  });
});
