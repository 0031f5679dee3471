import { describe, expect, it } from 'vitest';
import { patternScopes } from '../../../src/index.js';
import { at, MINUTE } from '../../engine/an-engine.js';
import { anAuthzen, DB, EVALUATION, grant, MAYA, SCOPE, SUBJECT, WRITE } from './authzen-of.js';

const decisionOf = async (send: ReturnType<typeof anAuthzen>['send'], over: object = {}) =>
  (await send('/evaluation', { ...EVALUATION, ...over })).body as unknown as { readonly decision: boolean; readonly context?: object };

describe('A.5 decisions', () => {
  it('A.5 agrees with the check of the engine, before, during and after a grant', async () => {
    const { engine, clock, send } = anAuthzen();
    await engine
      .requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '5m', startsAt: at(10 * MINUTE) })
      .then(({ request }) => engine.approve(request.id, { by: 'user:sam' }));
    expect(await decisionOf(send)).toEqual({ decision: false, context: { reason: 'not_started' } });
    await clock.advance('10m');
    expect(await decisionOf(send)).toEqual({
      decision: true,
      context: { reason: 'granted', valid_until: '2026-01-01T00:15:00.000Z' },
    });
    await clock.advance('5m');
    expect(await decisionOf(send)).toEqual({ decision: false, context: { reason: 'no_grant' } });
  });

  it('A.5 allows standing access, and denies under a lock', async () => {
    const { engine, send } = anAuthzen({}, { standing: { 'user:root': ['db:**'] }, scopes: patternScopes });
    const root = { subject: { type: 'user', id: 'root' } };
    expect(await decisionOf(send, root)).toEqual({ decision: true, context: { reason: 'standing' } });
    await grant(engine, SUBJECT, SCOPE);
    await engine.lock({ subject: SUBJECT }, { by: 'user:sam' });
    expect(await decisionOf(send)).toMatchObject({ decision: false });
  });

  it.each([
    ['an empty id', { subject: { type: 'user', id: '' } }],
    ['an id of more than 256 characters', { subject: { type: 'user', id: 'x'.repeat(300) } }],
    ['an id that is not in NFC', { subject: { type: 'user', id: 'e\u0301' } }],
    ['a resource whose scope would have more than 256 characters', { resource: { type: 'db', id: 'x'.repeat(248) } }],
    ['an empty action', { action: { name: '' } }],
    ['an id of the engine', { subject: { type: 'system', id: 'sweeper' } }],
    ['the run of an agent that the engine does not know', { subject: { type: 'user', id: 'x/run/a/b' } }],
  ])('A.1 %s is unknown: 200 and false', async (_, over) => {
    const { send } = anAuthzen();
    const { status, body } = await send('/evaluation', { ...EVALUATION, ...over });
    expect([status, body]).toEqual([200, { decision: false, context: { reason: 'unknown_entity' } }]);
  });

  it('A.5 a wildcard names no pattern', async () => {
    const { engine, send } = anAuthzen({}, { scopes: patternScopes, standing: { [SUBJECT]: ['db:*:write'] } });
    expect(await decisionOf(send)).toMatchObject({ decision: true });
    await grant(engine, 'user:lee', 'db:~2A:write');
    expect(await decisionOf(send, { subject: { type: 'user', id: 'lee' }, resource: { type: 'db', id: '*' } })).toMatchObject({
      decision: true,
    });
    expect(await decisionOf(send, { subject: { type: 'user', id: 'lee' } })).toMatchObject({ decision: false });
  });

  it('A.5 compares ids byte for byte', async () => {
    const { engine, send } = anAuthzen();
    await grant(engine, SUBJECT, SCOPE);
    for (const over of [
      { subject: { type: 'user', id: 'Maya' } },
      { subject: { type: 'User', id: 'maya' } },
      { action: { name: 'Write' } },
    ])
      expect(await decisionOf(send, over)).toMatchObject({ decision: false });
  });

  it('A.5 applies canonicalId of the engine', async () => {
    const { engine, send } = anAuthzen({}, { canonicalId: (id) => id.toLowerCase() });
    await grant(engine, SUBJECT, SCOPE);
    expect(await decisionOf(send, { subject: { type: 'user', id: 'MAYA' } })).toMatchObject({ decision: true });
  });
});

describe('A.5 hooks', () => {
  it('A.5 condition turns a yes into a no, and never a no into a yes', async () => {
    let answer: unknown = true;
    const asked: unknown[] = [];
    const { engine, send } = anAuthzen({ condition: (evaluation, access) => (asked.push([evaluation, access]), answer as boolean) });
    expect(await decisionOf(send)).toMatchObject({ decision: false });
    expect(asked).toEqual([]);
    await grant(engine, SUBJECT, SCOPE);
    expect(await decisionOf(send, { context: { ip: '10.0.0.1' } })).toMatchObject({ decision: true });
    expect(asked).toEqual([
      [
        { ...EVALUATION, context: { ip: '10.0.0.1' } },
        { caller: { subject: 'service:gateway' }, subject: SUBJECT, scope: SCOPE },
      ],
    ]);
    for (const other of [false, undefined, null, 1, 'yes', {}]) {
      answer = other;
      expect(await decisionOf(send)).toEqual({ decision: false, context: { reason: 'policy_denied' } });
    }
    answer = Promise.resolve(true);
    expect(await decisionOf(send)).toMatchObject({ decision: true });
  });

  it('A.5 map names the scope, `undefined` leaves it to the codec, and all else is unknown', async () => {
    let scope: unknown;
    const { engine, send } = anAuthzen({ map: () => scope as string });
    await grant(engine, SUBJECT, SCOPE);
    await grant(engine, SUBJECT, 'db-prod:write-soft');
    expect(await decisionOf(send)).toMatchObject({ decision: true });
    scope = 'db-prod:write-soft';
    expect(await decisionOf(send)).toMatchObject({ decision: true });
    for (const unknown of [null, '', '*', 'db:*', 'db:**', 7, {}, 'a b']) {
      scope = unknown;
      expect(await decisionOf(send)).toEqual({ decision: false, context: { reason: 'unknown_entity' } });
    }
  });

  it('A.5 the certification fixture: rules 1-8 with a map that folds `soft` into the action', async () => {
    const { engine, send } = anAuthzen({
      map: ({ resource, action }) => (action.properties?.['soft'] === true ? `record:${resource.id}:${action.name}-soft` : undefined),
    });
    for (const scope of ['record:1:read', 'record:1:write', 'record:1:delete-soft']) await grant(engine, 'user:alice', scope);
    for (const scope of ['record:1:read', 'record:2:write']) await grant(engine, 'user:bob', scope);
    const ask = (id: string, resource: string, action: object) =>
      decisionOf(send, { subject: { type: 'user', id }, resource: { type: 'record', id: resource }, action }).then(
        ({ decision }) => decision,
      );
    expect(await ask('alice', '1', { name: 'read' })).toBe(true);
    expect(await ask('alice', '1', { name: 'write' })).toBe(true);
    expect(await ask('bob', '1', { name: 'read' })).toBe(true);
    expect(await ask('bob', '1', { name: 'write' })).toBe(false);
    expect(await ask('bob', '2', { name: 'write' })).toBe(true);
    expect(await ask('alice', '2', { name: 'write' })).toBe(false);
    expect(await ask('alice', '1', { name: 'delete', properties: { soft: true } })).toBe(true);
    expect(await ask('alice', '1', { name: 'delete', properties: { soft: false } })).toBe(false);
  });

  it('B.5 an act in the subject is the run of that agent, not the subject itself', async () => {
    const { engine, send } = anAuthzen();
    await grant(engine, SUBJECT, SCOPE);
    const acting = (act: unknown) => decisionOf(send, { subject: { ...MAYA, properties: { act } } });
    expect(await acting({ sub: 'agent:support' })).toMatchObject({ decision: false, context: { reason: 'no_grant' } });
    const run = { agent: 'agent:support', operator: SUBJECT };
    const { request } = await engine.requestAccess({ run, scope: SCOPE, ttl: '15m' });
    await engine.approve(request.id, { by: 'user:sam' });
    expect(await acting({ sub: 'agent:support', sub_profile: 'ai_agent' })).toMatchObject({ decision: true });
    const unknown = { decision: false, context: { reason: 'unknown_entity' } };
    for (const act of [{ sub: 'user:sam' }, { sub: 7 }, {}, null, 'agent:support', [], { sub: 'agent:support', iss: 'https://idp' }])
      expect(await acting(act)).toEqual(unknown);
    expect(await acting({ sub: 'agent:support', act: { sub: 'agent:b' } })).toEqual(unknown);
  });

  it('B.5 the hook agent names the agent of an act with an issuer', async () => {
    const { engine, send } = anAuthzen({
      agent: ({ iss, sub }) => (iss === 'https://idp.example' ? `agent:${JSON.stringify(sub).slice(1, -1)}` : undefined),
    });
    const { request } = await engine.requestAccess({ run: { agent: 'agent:a', operator: SUBJECT }, scope: SCOPE, ttl: '15m' });
    await engine.approve(request.id, { by: 'user:sam' });
    const acting = (act: object) => decisionOf(send, { subject: { ...MAYA, properties: { act } }, resource: DB, action: WRITE });
    expect(await acting({ iss: 'https://idp.example', sub: 'a' })).toMatchObject({ decision: true });
    expect(await acting({ iss: 'https://other.example', sub: 'a' })).toMatchObject({ decision: false });
  });
});
