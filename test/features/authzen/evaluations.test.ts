import { describe, expect, it } from 'vitest';
import { anAuthzen, aProfile, DB, EVALUATION, grant, MAYA, SCOPE, SUBJECT, WRITE } from './authzen-of.js';

const READ = { name: 'read' };
const PERMIT = { ...EVALUATION };
const DENY = { ...EVALUATION, action: READ };
const DENIED = { decision: false, context: { reason: 'no_grant' } };
const PERMITTED = { decision: true };

async function granted() {
  const made = anAuthzen();
  await grant(made.engine, SUBJECT, SCOPE);
  const batch = async (body: object) => (await made.send('/evaluations', body)).body as unknown;
  return { ...made, batch };
}

describe('A.2 evaluations', () => {
  it('A.2 without evaluations, or with an empty list, answers exactly as the single evaluation', async () => {
    const { send } = await granted();
    const single = await send('/evaluation', PERMIT);
    for (const body of [PERMIT, { ...PERMIT, evaluations: [] }, { ...PERMIT, evaluations: [], options: {} }])
      expect((await send('/evaluations', body)).text).toBe(single.text);
    expect((await send('/evaluations', { evaluations: [] })).status).toBe(400);
  });

  it('A.2 fills absent members from the defaults, and replaces whole entities', async () => {
    const seen: unknown[] = [];
    const { send } = anAuthzen({ map: (evaluation) => void seen.push(evaluation) });
    await send('/evaluations', {
      subject: { ...MAYA, properties: { a: 1 } },
      resource: DB,
      action: WRITE,
      context: { ip: 1 },
      evaluations: [
        {},
        { subject: { type: 'user', id: 'sam', properties: { b: 2 } }, action: READ },
        { context: { time: 2 }, resource: DB },
      ],
    });
    expect(seen).toEqual([
      { subject: { ...MAYA, properties: { a: 1 } }, resource: DB, action: WRITE, context: { ip: 1 } },
      { subject: { type: 'user', id: 'sam', properties: { b: 2 } }, resource: DB, action: READ, context: { ip: 1 } },
      { subject: { ...MAYA, properties: { a: 1 } }, resource: DB, action: WRITE, context: { time: 2 } },
    ]);
  });

  it('A.2 execute_all, the default, answers all items in order', async () => {
    const { batch } = await granted();
    const expected = { evaluations: [DENIED, PERMITTED, DENIED, PERMITTED] };
    const evaluations = [DENY, PERMIT, DENY, PERMIT];
    expect(await batch({ evaluations })).toEqual(expected);
    expect(await batch({ evaluations, options: { evaluations_semantic: 'execute_all', unknown: 1 } })).toEqual(expected);
    expect(await batch({ evaluations, options: {} })).toEqual(expected);
  });

  it('A.2 [WF10] with reasons: false a decision says no part of the policy, and each denial of a batch is exactly {"decision":false}', async () => {
    const make = () => anAuthzen({ reasons: false, condition: ({ resource }) => resource.id !== 'secret' });
    expect(make).not.toThrow();
    const { engine, send } = make();
    await grant(engine, SUBJECT, SCOPE);
    await grant(engine, SUBJECT, 'db:secret:write');
    const denials = {
      'no grant': DENY,
      'an unknown entity': { ...EVALUATION, subject: { type: 'user', id: '' } },
      'the condition': { ...EVALUATION, resource: { type: 'db', id: 'secret' } },
    };
    for (const semantic of ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit']) {
      for (const [name, denial] of Object.entries(denials)) {
        const body = { evaluations: [denial], options: { evaluations_semantic: semantic } };
        expect([name, (await send('/evaluations', body)).text]).toEqual([name, '{"evaluations":[{"decision":false}]}']);
        expect([name, (await send('/evaluation', denial)).text]).toEqual([name, '{"decision":false}']);
      }
      const permit = { evaluations: [PERMIT], options: { evaluations_semantic: semantic } };
      expect((await send('/evaluations', permit)).text).toBe('{"evaluations":[{"decision":true}]}');
    }
    expect((await send('/evaluation', PERMIT)).body).toEqual({
      decision: true,
      context: { valid_until: '2026-01-01T00:15:00.000Z' },
    });
    // What is wrong with an item is no part of the policy.
    expect((await send('/evaluations', { ...EVALUATION, evaluations: [{ action: {} }] })).body).toEqual({
      evaluations: [{ decision: false, context: { error: { status: 400, message: 'action.name is required' } } }],
    });
  });

  it('A.2 [WF10] with reasons: false a requestable denial still has its access_request', async () => {
    const make = () => aProfile({ reasons: false });
    expect(make).not.toThrow();
    const { send } = make();
    const { body } = await send('/evaluation', EVALUATION);
    expect(Object.keys(body['context'] ?? {}).sort()).toEqual(['access_request', 'evaluated_at', 'evaluation_id']);
    const approval = { id: 'unknown.1' };
    expect((await send('/evaluation', { ...EVALUATION, context: { approval } })).body).toEqual({
      decision: false,
      context: { next_action: 'none' },
    });
  });

  it('A.2 deny_on_first_deny ends with the first deny', async () => {
    const { batch } = await granted();
    const options = { evaluations_semantic: 'deny_on_first_deny' };
    expect(await batch({ evaluations: [PERMIT, PERMIT, DENY, PERMIT], options })).toEqual({ evaluations: [PERMITTED, PERMITTED, DENIED] });
    expect(await batch({ evaluations: [PERMIT, PERMIT], options })).toEqual({ evaluations: [PERMITTED, PERMITTED] });
    const failed = { decision: false, context: { error: { status: 400, message: 'subject is required' } } };
    expect(await batch({ evaluations: [PERMIT, { ...PERMIT, subject: undefined }, PERMIT], options })).toEqual({
      evaluations: [PERMITTED, failed],
    });
  });

  it('A.2 permit_on_first_permit ends with the first permit, and a failed item counts as a deny', async () => {
    const { batch } = await granted();
    const options = { evaluations_semantic: 'permit_on_first_permit' };
    const answer = await batch({ evaluations: [DENY, 7, PERMIT, DENY], options });
    expect(answer).toMatchObject({
      evaluations: [DENIED, { decision: false, context: { error: { status: 400 } } }, { decision: true }],
    });
    expect((answer as { readonly evaluations: readonly unknown[] }).evaluations[2]).toEqual({
      decision: true,
      context: { code: '200', reason: 'permit_on_first_permit' },
    });
    expect(await batch({ evaluations: [DENY, DENY], options })).toEqual({ evaluations: [DENIED, DENIED] });
  });

  it.each([
    ['an unknown semantic', { options: { evaluations_semantic: 'all' }, evaluations: [PERMIT] }],
    ['a semantic in other letters', { options: { evaluations_semantic: 'Execute_All' }, evaluations: [PERMIT] }],
    ['a semantic that is no string', { options: { evaluations_semantic: ['execute_all'] }, evaluations: [PERMIT] }],
    ['an unknown semantic without evaluations', { ...PERMIT, options: { evaluations_semantic: 'all' } }],
    ['options that are a list', { options: [], evaluations: [PERMIT] }],
    ['options that are null', { options: null, evaluations: [PERMIT] }],
    ['evaluations that are an object', { ...PERMIT, evaluations: {} }],
    ['evaluations that are a string', { ...PERMIT, evaluations: 'x' }],
    ['evaluations that are null', { ...PERMIT, evaluations: null }],
    ['more than 100 evaluations', { ...PERMIT, evaluations: Array.from({ length: 101 }, () => ({})) }],
    ['a malformed default', { subject: { type: 'user', id: 7 }, evaluations: [PERMIT] }],
    ['a default that is no object', { context: 7, evaluations: [PERMIT] }],
    ['a default without its id', { resource: { type: 'db' }, evaluations: [PERMIT] }],
  ])('A.2 refuses %s with 400 for the whole', async (_, body) => {
    const { send, store } = await granted();
    store.calls.length = 0;
    const { status, headers, text } = await send('/evaluations', body);
    expect([status, headers.get('content-type')]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(text).not.toContain('decision');
    expect(store.calls).toEqual([]);
  });

  it.each([
    ['lacks a member', { resource: DB, action: WRITE }],
    ['is a string', 'x'],
    ['is null', null],
    ['is a list', []],
    ['has a malformed entity', { ...PERMIT, subject: { type: 'user', id: {} } }],
    ['has a malformed context', { ...PERMIT, context: [] }],
  ])('A.2 an item that %s is false with an error, and no other item is', async (_, item) => {
    const { batch } = await granted();
    expect(await batch({ evaluations: [PERMIT, item, PERMIT] })).toEqual({
      evaluations: [PERMITTED, { decision: false, context: { error: { status: 400, message: expect.any(String) as string } } }, PERMITTED],
    });
  });

  it('A.2 answers 100 items, and never a decision beside them', async () => {
    const { send } = await granted();
    const { status, body } = await send('/evaluations', { ...PERMIT, evaluations: Array.from({ length: 100 }, () => ({})) });
    expect([status, Object.keys(body)]).toEqual([200, ['evaluations']]);
    expect(body['evaluations']).toEqual(Array.from({ length: 100 }, () => PERMITTED));
  });

  it('A.5 reads the access of each subject once, and that of a yes again at the end of a batch with more subjects', async () => {
    const { store, batch } = await granted();
    store.calls.length = 0;
    const sam = { type: 'user', id: 'sam' };
    await batch({ evaluations: [PERMIT, DENY, { ...PERMIT, subject: sam }, PERMIT, { ...DENY, subject: sam }, DENY] });
    // The third read is the last one, of maya: her access may have ended while sam's was read.
    expect(store.calls.map(({ method }) => method)).toEqual(['live', 'live', 'live']);
    store.calls.length = 0;
    await batch({ evaluations: [PERMIT, DENY, PERMIT] });
    expect(store.calls.map(({ method }) => method)).toEqual(['live']);
  });

  it('A.1 a store that fails for one subject of a batch is 503 for the whole', async () => {
    const { store, send } = await granted();
    store.inject('live', { fault: 'reject' }, 1);
    const answer = await send('/evaluations', { evaluations: [PERMIT, { ...PERMIT, subject: { type: 'user', id: 'sam' } }] });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(answer.text).not.toContain('decision');
  });

  it('A.2 a hook that fails for one item is an error of that item', async () => {
    const { engine, send, told } = anAuthzen({
      condition: ({ context }) => {
        if (context?.['fail'] === true) throw new Error('down');
        return context?.['no'] !== true;
      },
    });
    await grant(engine, SUBJECT, SCOPE);
    const evaluations = [PERMIT, { ...PERMIT, context: { fail: true } }, { ...PERMIT, context: { no: true } }];
    expect((await send('/evaluations', { evaluations })).body).toEqual({
      evaluations: [
        PERMITTED,
        { decision: false, context: { error: { status: 503, message: 'the service is unavailable' } } },
        { decision: false, context: { reason: 'policy_denied' } },
      ],
    });
    expect(told).toMatchObject([{ during: 'authzen' }]);
  });

  it('A.2 an item that the caller may not ask about is false with the error 403', async () => {
    const { engine, send } = anAuthzen({ may: ({ subject }) => subject?.id === 'maya' });
    await grant(engine, SUBJECT, SCOPE);
    expect((await send('/evaluations', { evaluations: [PERMIT, { ...PERMIT, subject: { type: 'user', id: 'sam' } }] })).body).toMatchObject(
      {
        evaluations: [PERMITTED, { decision: false, context: { error: { status: 403 } } }],
      },
    );
  });
});

describe('a batch that no function of the host has a part in', () => {
  const itemOf = (type: string, id: string, name: string) => ({ subject: { type, id }, action: { name }, resource: EVALUATION.resource });

  it('answers as the same batch over hooks that change nothing, for subjects in any order', async () => {
    const items = [
      PERMIT,
      itemOf('user', 'eve', 'write'),
      PERMIT,
      itemOf('user', '', 'write'),
      itemOf('', MAYA.id, 'write'),
      itemOf('us', 'er:maya', 'write'),
      { ...PERMIT, action: { name: '*' } },
      { ...PERMIT, subject: 'maya' },
      { ...PERMIT, action: undefined },
      DENY,
      PERMIT,
    ];
    for (const evaluations_semantic of ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit']) {
      for (const evaluations of [items, items.slice(1), [...items].reverse()]) {
        const texts = [];
        for (const options of [{}, { may: () => true }, { condition: () => true }]) {
          const { engine, send } = anAuthzen(options);
          await grant(engine, SUBJECT, SCOPE);
          texts.push((await send('/evaluations', { evaluations, options: { evaluations_semantic } })).text);
        }
        if (evaluations_semantic === 'execute_all') expect(texts[0]).toContain('true');
        expect(texts[1]).toBe(texts[0]);
        expect(texts[2]).toBe(texts[0]);
      }
    }
  });

  it('L42 lets the event loop take a turn after 64 items, and judges all of them after it (L1)', async () => {
    const { engine, batch } = await granted();
    const answer = batch({ ...PERMIT, evaluations: Array.from({ length: 100 }, () => ({})) });
    // The first turn in which the handler waits: everything before it waits for no I/O.
    await new Promise((resolve) => setImmediate(resolve));
    const [held] = (await engine.listGrants({ subject: SUBJECT })).items;
    await engine.revoke(held?.id ?? '', { by: 'user:sec' });
    const { evaluations } = (await answer) as { readonly evaluations: readonly unknown[] };
    expect(evaluations).toEqual(Array.from({ length: 100 }, () => DENIED));
  });

  it('names the agent of one item, and of no other', async () => {
    const { batch } = await granted();
    const acting = { ...MAYA, properties: { act: { sub: 'agent:bot' } } };
    const { evaluations } = (await batch({ ...PERMIT, evaluations: [{}, { subject: acting }, {}] })) as {
      readonly evaluations: readonly unknown[];
    };
    expect(evaluations).toMatchObject([PERMITTED, { decision: false }, PERMITTED]);
  });

  it('gives each item entities of its own: a function that changes one changes no other', async () => {
    const ids: unknown[] = [];
    const { send } = anAuthzen({
      map: ({ resource }) => {
        ids.push(resource.id);
        Object.assign(resource, { id: 'changed' });
        return undefined;
      },
    });
    await send('/evaluations', { ...PERMIT, evaluations: [{}, {}] });
    expect(ids).toEqual([PERMIT.resource.id, PERMIT.resource.id]);
  });
});
