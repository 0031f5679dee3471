import { describe, expect, it } from 'vitest';
import { patternScopes, reviewers } from '../../../src/index.js';
import { SAM } from '../../engine/an-engine.js';
import { anAuthzen, aProfile, MAYA, WRITE } from './authzen-of.js';
import { evaluate, submissionOf } from './profile-of.js';

const BATCH = {
  subject: MAYA,
  action: WRITE,
  evaluations: Array.from({ length: 100 }, (_, i) => ({ resource: { type: 'db', id: `r${i}` } })),
};

/** An approver that counts its questions, and answers after one more turn of the event loop, or when the test opens it. */
function aCounting(opened?: Promise<void>) {
  const members = reviewers({ members: [SAM] });
  const count = { open: 0, most: 0, all: 0 };
  const approver = {
    ...members,
    decide: async (...given: Parameters<typeof members.decide>) => {
      count.all += 1;
      count.most = Math.max(count.most, ++count.open);
      await (opened ?? new Promise((resolve) => setImmediate(resolve)));
      count.open -= 1;
      return members.decide(...given);
    },
  };
  return { approver, count };
}

/** Lets the event loop take turns until something holds, but at most 200. */
async function turnsUntil(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('L42 the work of one request', () => {
  it('L42 a batch of 100 denials reads each subject once, and asks the approver at most 32 questions at once', async () => {
    const { approver, count } = aCounting();
    const { send, store } = aProfile({}, { approver });
    store.calls.length = 0;
    const { body } = await send('/evaluations', BATCH);
    expect(body['evaluations']).toHaveLength(100);
    expect(count).toEqual({ open: 0, most: 32, all: 100 });
    const methods = store.calls.map(({ method }) => method);
    expect(methods.filter((method) => method === 'find')).toHaveLength(1);
    expect(methods.filter((method) => method === 'live')).toHaveLength(2);
  });

  it.each(['deny_on_first_deny', 'permit_on_first_permit'])('L42 %s asks no more than it needs', async (evaluations_semantic) => {
    const { approver, count } = aCounting();
    const { send } = aProfile({}, { approver });
    await send('/evaluations', { ...BATCH, options: { evaluations_semantic } });
    expect(count.all).toBe(evaluations_semantic === 'deny_on_first_deny' ? 1 : 100);
  });

  it('L42 [WF16] a page of a search judges no more candidates than it needs', async () => {
    const ids = Array.from({ length: 1_500 }, (_, i) => `u${String(i).padStart(4, '0')}`);
    // Of every 100 subjects, the option `standing` allows one alone, or all of them.
    for (const [every, most] of [
      [1, 40],
      [100, 512],
    ] as const) {
      const judged: string[] = [];
      const standing = Object.fromEntries(ids.filter((_, i) => i % every === every - 1).map((id) => [`user:${id}`, ['db:prod:write']]));
      const directory = { subjects: () => ids };
      const { send } = anAuthzen({ directory, map: ({ subject }) => (judged.push(subject.id), undefined) }, { standing });
      const body = { subject: { type: 'user' }, resource: { type: 'db', id: 'prod' }, action: WRITE };
      const found: string[] = [];
      let token: string | undefined;
      for (let page = 0; page < 3; page++) {
        judged.length = 0;
        const answer = await send('/search/subject', { ...body, page: { limit: 1, ...(token !== undefined && { token }) } });
        const { results, page: next } = answer.body as unknown as {
          readonly results: readonly { readonly id: string }[];
          readonly page: { readonly next_token: string };
        };
        found.push(...results.map(({ id }) => id));
        token = next.next_token;
        expect(judged.length).toBeLessThanOrEqual(most);
      }
      expect(found).toEqual(ids.filter((_, i) => i % every === every - 1).slice(0, 3));
      const all = await send('/search/subject', body);
      expect((all.body as unknown as { readonly results: readonly unknown[] }).results).toHaveLength(Math.min(1_000, 1_500 / every));
    }
  });

  it('L42 after the time limit no more questions are asked', async () => {
    let open: () => void = () => undefined;
    const { approver, count } = aCounting(new Promise((resolve) => (open = resolve)));
    const { send, clock } = aProfile({ timeout: '1s' }, { approver });
    const answer = send('/evaluations', BATCH);
    await turnsUntil(() => count.all === 32);
    await clock.advance('2s');
    expect((await answer).status).toBe(503);
    open();
    await turnsUntil(() => false);
    expect(count.all).toBe(32);
  });

  it('L42 after the time limit no more conditions are judged', async () => {
    let judged = 0;
    let open: () => void = () => undefined;
    const opened = new Promise<boolean>((resolve) => (open = () => resolve(true)));
    const directory = { resources: () => BATCH.evaluations.map(({ resource }) => resource.id) };
    const options = { timeout: '1s', directory, condition: () => (judged++, opened) } as const;
    const { send, clock } = anAuthzen(options, {
      standing: { 'user:maya': BATCH.evaluations.map(({ resource: { id } }) => `db:${id}:write`) },
    });
    const answer = send('/search/resource', { subject: MAYA, action: WRITE, resource: { type: 'db' } });
    await turnsUntil(() => judged > 0);
    await clock.advance('2s');
    expect((await answer).status).toBe(503);
    open();
    await turnsUntil(() => false);
    expect(judged).toBe(1);
  });

  it('L42 a search over a long directory lets the event loop take turns', async () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `r${(i * 7_919) % 20_000}`);
    const { send } = anAuthzen(
      { directory: { resources: () => ids } },
      { standing: { 'user:maya': ['db:*:write'] }, scopes: patternScopes },
    );
    const search = async (page: object) => send('/search/resource', { subject: MAYA, action: WRITE, resource: { type: 'db' }, page });
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    // The directory is read and sorted, and no candidate is judged.
    expect((await search({ limit: 0 })).status).toBe(200);
    isOver = true;
    expect(turns).toBeGreaterThan(20_000 / 256);
    const { body } = await search({ limit: 1_000 });
    const found = (body['results'] as unknown as readonly { readonly id: string }[]).map(({ id }) => id);
    expect(found).toEqual([...ids].sort().slice(0, 1_000));
  });
});

describe('B.1 a context with very many members', () => {
  const contextOf = (members: number) => ({
    context: Object.fromEntries(Array.from({ length: members }, (_, i) => [`member_name_number_${i}`, 1])),
  });

  it('Q1 access whose token would be too long cannot be requested', async () => {
    const made = aProfile();
    expect(await evaluate(made, contextOf(300))).toEqual({ decision: false, context: { reason: 'policy_denied' } });
    const body = await submissionOf(made, {}, contextOf(200));
    expect((await made.send('/requests', body)).status).toBe(202);
  });
});
