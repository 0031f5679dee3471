import * as jose from 'jose';
import { bindingHash, joseSigner } from 'jit-access/authzen/access-request';
import { describe, expect, it } from 'vitest';
import { autoApprove, denyAll } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { ScriptedApprover, throws } from '../../../src/testing.js';
import { at, entriesOf, SAM } from '../../engine/an-engine.js';
import { wholeStore } from '../../engine/whole-store.js';
import { aProfile, EVALUATION, GATEWAY, grant, JWK, OTHER, PUBLIC_URL, SCOPE, signerOf, SUBJECT } from './authzen-of.js';
import { evaluate, submitted } from './profile-of.js';

const policy = definePolicy({
  groups: { ops: [SAM] },
  rules: [
    { id: 'payroll', scopes: ['payroll:**'], deny: 'payroll is opened by finance' },
    { id: 'audit', scopes: ['audit:**'], requesters: [GATEWAY], require: { ticket: 'INC-####' }, review: { groups: { ops: 1 } } },
    { id: 'db', scopes: ['db:**'], requesters: [GATEWAY], review: { groups: { ops: 1 } } },
  ],
});

const ofSubject = definePolicy({ groups: { ops: [SAM] }, rules: [{ id: 'db', scopes: ['db:**'], review: { groups: { ops: 1 } } }] });

describe('B.1 requestable denials', () => {
  it('Q2 Q3 Q5 Q6 Q7 a denial that can be asked for carries a signed token, an id, a reason and one deadline', async () => {
    const made = aProfile();
    const { context } = await evaluate(made);
    expect(context).toEqual({
      reason: 'approval_required',
      evaluation_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      evaluated_at: '2026-01-01T00:00:00.000Z',
      access_request: { expires_at: '2026-01-01T00:10:00.000Z', binding_token: expect.any(String) as string },
    });
    // As another service verifies it: with the published keys.
    const { keys } = (await made.send('/jwks.json', undefined, { method: 'GET', as: null })).body as unknown as jose.JSONWebKeySet;
    const { payload, protectedHeader } = await jose.compactVerify(
      context.access_request?.binding_token ?? '',
      jose.createLocalJWKSet({ keys }),
    );
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'key-1', typ: 'jit-binding+jwt' });
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
      iss: PUBLIC_URL,
      aud: `${PUBLIC_URL}/access/v1/requests`,
      iat: at(0) / 1_000,
      exp: at(600_000) / 1_000,
      jti: expect.any(String) as string,
      evaluation_id: context.evaluation_id,
      denial_expires_at: '2026-01-01T00:10:00.000Z',
      binding_context_members: [],
      binding_hash: bindingHash(EVALUATION),
      client: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      access: expect.stringMatching(/^[\w-]{43}$/) as string,
      subject_act: null,
    });
  });

  it('Q6 the deadline is a whole second, never after the binding window', async () => {
    const { clock, ...rest } = aProfile({}, {}, { bindingWindow: 90_500 });
    await clock.advance(700);
    expect((await evaluate(rest)).context.access_request?.expires_at).toBe('2026-01-01T00:01:31.000Z');
  });

  it('Q1 access that cannot be requested has no access_request', async () => {
    const none = { reason: 'policy_denied' };
    expect((await evaluate(aProfile({}, { approver: denyAll() }))).context).toEqual(none);
    const byPolicy = aProfile({}, { approver: policy });
    expect((await evaluate(byPolicy, { resource: { type: 'payroll', id: 'all' } })).context).toEqual(none);
    expect((await evaluate(byPolicy, { resource: { type: 'unknown', id: 'all' } })).context).toEqual(none);
    expect((await evaluate(byPolicy)).context).toMatchObject({ reason: 'approval_required', access_request: {} });
    // A rule that does not name the caller among its requesters is open only to the subject.
    expect((await evaluate(byPolicy, {}, OTHER)).context).toEqual(none);
    const bySubject = aProfile({}, { approver: ofSubject }, { requester: 'subject' });
    expect((await evaluate(bySubject, {}, OTHER)).context).toMatchObject({ reason: 'approval_required' });
    expect((await evaluate(aProfile({}, { approver: ofSubject }))).context).toEqual(none);
    const locked = aProfile();
    await locked.engine.lock({ subject: SUBJECT }, { by: SAM });
    expect((await evaluate(locked)).context).toEqual(none);
  });

  it('P1 T9 a denial names no rule, no approver and no text of the approver', async () => {
    const { send } = aProfile({}, { approver: policy });
    for (const resource of [
      { type: 'payroll', id: 'all' },
      { type: 'db', id: 'prod' },
    ]) {
      const { text } = await send('/evaluation', { ...EVALUATION, resource });
      expect(text).not.toMatch(/payroll is|finance|ops|user:sam|"db"/);
    }
  });

  it('F1 names the schema where the request needs more values', async () => {
    const made = aProfile({}, { approver: policy });
    expect((await evaluate(made, { resource: { type: 'audit', id: 'log' } })).context.access_request?.request_schema_url).toBe(
      `${PUBLIC_URL}/access/v1/request-schema.json`,
    );
    expect((await evaluate(made)).context.access_request).not.toHaveProperty('request_schema_url');
  });

  it('B.1 a pending request gives approval_pending, still with access_request', async () => {
    const made = aProfile();
    await submitted(made);
    expect((await evaluate(made)).context).toMatchObject({ reason: 'approval_pending', access_request: {} });
    expect((await evaluate(made, { action: { name: 'read' } })).context.reason).toBe('approval_required');
  });

  it('B.1 a scheduled grant is grant_pending with the seconds to its start', async () => {
    const made = aProfile();
    const { request } = await made.engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '5m', startsAt: at(90_500) });
    await made.engine.approve(request.id, { by: SAM });
    expect((await evaluate(made)).context).toEqual({ reason: 'grant_pending', next_action: 'retry', retry_after: 91 });
  });

  it('Q8 a requestable denial is a denial; Q1 a permit has no access_request', async () => {
    const made = aProfile();
    expect((await evaluate(made)).decision).toBe(false);
    await grant(made.engine, SUBJECT, SCOPE);
    const permit = await evaluate(made);
    expect(permit).toEqual({ decision: true, context: { reason: 'granted', valid_until: '2026-01-01T00:15:00.000Z' } });
  });

  it('Q1 an approver that fails leaves the denial without access_request, and is reported', async () => {
    const made = aProfile({}, { approver: new ScriptedApprover({ decide: throws(new Error('down')) }) });
    expect((await evaluate(made)).context).toEqual({ reason: 'policy_denied' });
    expect(made.told.map(({ during }) => during)).toContain('authzen');
  });

  it('A.1 a signer that fails is 503, never a decision', async () => {
    const broken = { ...signerOf(), sign: () => Promise.reject(new Error('down')) };
    const { send } = aProfile({}, {}, { signer: broken });
    const { status, text } = await send('/evaluation', EVALUATION);
    expect(status).toBe(503);
    expect(text).not.toContain('decision');
  });

  it('B.1 each denied item of a batch has a token of its own', async () => {
    const { send } = aProfile();
    const { body } = await send('/evaluations', { evaluations: [EVALUATION, { ...EVALUATION, action: { name: 'read' } }] });
    const tokens = (body['evaluations'] as unknown as Awaited<ReturnType<typeof evaluate>>[]).map(
      ({ context }) => context.access_request?.binding_token,
    );
    expect(new Set(tokens).size).toBe(2);
    expect(tokens).not.toContain(undefined);
  });

  it('Q1 10,000 denials write no row and no entry', async () => {
    const { engine, store, send } = aProfile();
    await grant(engine, 'user:lee', SCOPE);
    const before = { ...(await wholeStore(store)), all: (await entriesOf(store)).length };
    store.calls.length = 0;
    const evaluations = Array.from({ length: 100 }, (_, i) => ({ ...EVALUATION, subject: { type: 'user', id: `u${i}` } }));
    let denials = 0;
    for (let i = 0; i < 100; i++) {
      const { body } = await send('/evaluations', { evaluations, context: { round: i } });
      const items = body['evaluations'] as unknown as Awaited<ReturnType<typeof evaluate>>[];
      denials += items.filter(({ decision, context }) => !decision && context.access_request !== undefined).length;
    }
    expect(denials).toBe(10_000);
    expect(store.calls.filter(({ method }) => method === 'commit')).toEqual([]);
    expect({ ...(await wholeStore(store)), all: (await entriesOf(store)).length }).toEqual(before);
  });

  it('B.1 access that is granted at once can be asked for too', async () => {
    expect((await evaluate(aProfile({}, { approver: autoApprove(() => true) }))).context.access_request).toBeDefined();
  });
});

describe('B1 tokens of the signer', () => {
  const key = (kid: string) => ({ kid, alg: 'ES256' as const, jwk: JWK });

  it('B1 verifies no token of another key, algorithm, type or form', async () => {
    const signer = joseSigner(jose, { keys: [key('a')] });
    const good = await signer.sign({ a: 1 });
    const { privateKey } = await jose.generateKeyPair('ES256');
    const own = await jose.importJWK(JWK, 'ES256');
    const made = async (header: object, payload: string, secret: unknown = own) =>
      new jose.CompactSign(new TextEncoder().encode(payload)).setProtectedHeader(header as never).sign(secret as never);
    const typ = 'jit-binding+jwt';
    const [head = '', body = '', tail = ''] = good.split('.');
    const encoded = (header: object) => jose.base64url.encode(JSON.stringify(header));
    const bad = [
      await made({ alg: 'ES256', kid: 'a', typ }, '{"a":1}', privateKey),
      await made({ alg: 'ES256', kid: 'a', typ: 'JWT' }, '{"a":1}'),
      await made({ alg: 'ES256', kid: 'a' }, '{"a":1}'),
      await made({ alg: 'ES256', kid: 'b', typ }, '{"a":1}'),
      await made({ alg: 'ES256', typ }, '{"a":1}'),
      await made({ alg: 'ES256', kid: 'a', typ }, '[1]'),
      await made({ alg: 'ES256', kid: 'a', typ }, '{"a":1,"a":2}'),
      await made({ alg: 'ES256', kid: 'a', typ }, 'x'),
      await made({ alg: 'HS256', kid: 'a', typ }, '{"a":1}', new TextEncoder().encode(JWK.x)),
      `${encoded({ alg: 'none', kid: 'a', typ })}.${body}.`,
      `${head}.${body}`,
      `${head}.${body}.${tail}.`,
      `${head}.${jose.base64url.encode('{"a":2}')}.${tail}`,
      '',
      '..',
      'x'.repeat(10_000),
    ];
    for (const token of bad) expect([token, await signer.verify(token)]).toEqual([token, undefined]);
    expect(await signer.verify(good)).toEqual({ a: 1 });
  });
});
