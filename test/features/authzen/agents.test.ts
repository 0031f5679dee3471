import type { AuthzenQuestion } from 'jit-access/authzen';
import { describe, expect, it } from 'vitest';
import { aProfile, DB, MAYA, WRITE } from './authzen-of.js';
import { submissionOf, type TaskAnswer } from './profile-of.js';

const acting = (act: object) => ({ subject: { ...MAYA, properties: { act } } });

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
});
