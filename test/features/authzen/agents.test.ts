import type { AuthzenQuestion } from 'jit-access/authzen';
import { describe, expect, it } from 'vitest';
import { aProfile, DB, MAYA, WRITE } from './authzen-of.js';
import { requestIdOf, submissionOf, type TaskAnswer } from './profile-of.js';

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
    const operations = ['evaluate', 'submit', 'evaluate', 'search', 'search', 'view', 'view', 'cancel'];
    expect(seen.map(({ operation, agent, subject }) => [operation, agent, subject])).toEqual(
      operations.map((operation) => [operation, 'agent:7', MAYA]),
    );
  });

  it('S1 the agent is that of the hook, and a subject that acts for itself has none', async () => {
    const seen: (string | undefined)[] = [];
    const { send } = aProfile({
      may: ({ agent }) => (seen.push(agent), true),
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
    const named = (agent: string) => ({ subject: runOf(made.engine.runSubject({ agent, operator: 'user:maya' })) });
    const evaluation = { resource: DB, action: WRITE };
    expect((await made.send('/evaluation', { ...named('agent:7'), ...evaluation })).status).toBe(403);
    expect((await made.send('/search/action', { ...named('agent:7'), resource: DB })).status).toBe(403);
    expect((await made.send('/evaluation', { ...named('agent:8'), ...evaluation })).status).toBe(200);
  });

  it('S1, L43 a run that is named by its id asks as its agent, and spoils no other item of a batch', async () => {
    const made = aProfile();
    const subject = runOf(made.engine.runSubject({ agent: 'agent:7', operator: 'user:maya' }));
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
