import * as jose from 'jose';
import { createAuthzenHandler } from 'jit-access/authzen';
import { accessRequests, joseSigner } from 'jit-access/authzen/access-request';
import { describe, expect, it } from 'vitest';
import { autoApprove, reviewers } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { inTurn, ScriptedApprover, throws } from '../../../src/testing.js';
import { at, entriesOf, SAM } from '../../engine/an-engine.js';
import {
  aProfile,
  clientOf,
  EVALUATION,
  FOR_AGENTS,
  GATEWAY,
  JWK,
  MAYA,
  OPTIONS,
  OTHER,
  PUBLIC_URL,
  SCOPE,
  signerOf,
  SUBJECT,
  TOKEN_KEYS,
} from './authzen-of.js';
import { evaluate, requestIdOf, submissionOf, submitted, typeOf, type TaskAnswer } from './profile-of.js';

const KEY = { headers: { 'idempotency-key': 'submit-1' } };
const JUSTIFIED = { context: { business_justification: 'INC-1: the migration hangs', ticket: 'INC-1' } };
const RESULT = { result: { mode: 'reevaluate' } };

const INVALID = 'urn:jit-access:problem:invalid-request';

type Body = Awaited<ReturnType<typeof submissionOf>>;

const changed = (over: object) => (body: Body) => ({ ...body, ...over });
const withDenial = (over: object) => (body: Body) => ({ ...body, denial: { ...body.denial, ...over } });

type Made = ReturnType<typeof aProfile>;

async function problemOf(made: Pick<Made, 'send'>, body: unknown, headers: Record<string, string> = {}, as = GATEWAY) {
  const answer = await made.send('/requests', body, { headers, as });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ type: expect.any(String) as string, title: expect.any(String) as string, status: answer.status });
  return { status: answer.status, type: typeOf(answer.body), headers: answer.headers, body: answer.body };
}

const requestsOf = async ({ engine }: Made) => (await engine.listRequests({})).items;

describe('B.1 submissions', () => {
  it('T1 a pending request is 202 with its task, Location and Retry-After', async () => {
    const made = aProfile();
    const answer = await made.send('/requests', await submissionOf(made, JUSTIFIED), KEY);
    const { task } = answer.body as unknown as TaskAnswer;
    const url = `${PUBLIC_URL}/access/v1/requests/${task.id}`;
    expect([answer.status, answer.headers.get('location'), answer.headers.get('retry-after'), answer.headers.get('cache-control')]).toEqual(
      [202, url, '5', 'no-store'],
    );
    expect(answer.body).toEqual({
      task: {
        id: task.id,
        status: 'pending',
        status_endpoint: url,
        expires_at: '2026-01-02T00:00:00.000Z',
        links: { cancel: `${url}/cancel` },
      },
    });
  });

  it('T2 T6 a request that is decided at once is 201 with its result', async () => {
    const made = aProfile({}, { approver: autoApprove(() => true) });
    const answer = await made.send('/requests', await submissionOf(made));
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ task: { status: 'approved' }, ...RESULT });
    const { result } = answer.body as unknown as TaskAnswer;
    expect(result?.approval.approved_until).toBe('2026-01-01T01:00:00.000Z');
    expect(await evaluate(made, { context: { approval: result?.approval } })).toMatchObject({
      decision: true,
      context: { approval: result?.approval },
    });
  });

  it('S10 the request is for the subject and the scope, by the caller, and keeps what the submission bound', async () => {
    const made = aProfile();
    const client = { id: 'app-7', name: 'Gateway', source: { session_id: 's' } };
    const body = await submissionOf(made, { client, context: { ip: '10.0.0.1', ...JUSTIFIED.context } }, { context: { ip: '10.0.0.1' } });
    await made.send('/requests', body, KEY);
    const [request] = await requestsOf(made);
    expect(request).toMatchObject({
      subject: SUBJECT,
      scopes: [SCOPE],
      requestedBy: GATEWAY,
      ttlMs: 3_600_000,
      justification: JUSTIFIED.context.business_justification,
      ticket: 'INC-1',
      correlation: body.denial.evaluation_id,
      metadata: {
        authzen: {
          v: 1,
          caller: GATEWAY,
          members: ['ip'],
          evaluationId: body.denial.evaluation_id,
          subject: MAYA,
          client: { id: 'app-7', name: 'Gateway' },
        },
      },
    });
    const created = (await entriesOf(made.store)).find(({ type }) => type === 'request.created');
    expect(JSON.stringify(created?.data)).toContain(body.denial.evaluation_id);
  });

  it('S14 requested_until is an absolute end', async () => {
    const made = aProfile();
    const { task } = await submitted(made, { requested_access: { requested_until: '2026-01-01T02:00:00+01:00', role: 'x' } });
    await made.clock.advance('30m');
    await made.engine.approve(requestIdOf(task), { by: SAM });
    const { body } = await made.send(`/requests/${task.id}`, undefined, { method: 'GET' });
    expect(body).toMatchObject({ result: { approval: { approved_until: '2026-01-01T01:00:00.000Z' } } });
  });

  it('S13 emergency calls breakGlass only where the option is on', async () => {
    const requesters = [{ self: true as const }, GATEWAY];
    const policy = definePolicy({
      groups: { ops: [SAM] },
      rules: [{ id: 'db', scopes: ['db:**'], requesters, review: { groups: { ops: 1 } } }],
      breakGlass: [{ id: 'bg', scopes: ['db:**'], requesters, maxTtl: '2h', reviewers: ['ops'], reviewWithin: '24h' }],
    });
    const emergency = { ...JUSTIFIED, requested_access: { emergency: true } };
    const off = aProfile({}, { approver: policy });
    expect((await submitted(off, emergency)).task.status).toBe('pending');
    const on = aProfile({}, { approver: policy }, { emergency: true });
    const body = await submissionOf(on, emergency);
    const first = await on.send('/requests', body, KEY);
    expect([first.status, first.body]).toMatchObject([201, { task: { status: 'approved' }, ...RESULT }]);
    const again = await on.send('/requests', body, KEY);
    expect((again.body as unknown as TaskAnswer).task.id).toBe((first.body as unknown as TaskAnswer).task.id);
    expect(await problemOf(on, { ...body, requested_access: {} }, KEY.headers)).toMatchObject({ status: 409, type: 'duplicate_request' });
    const subject = aProfile({}, { approver: policy }, { emergency: true, requester: 'subject' });
    expect((await submitted(subject, emergency)).task.status).toBe('approved');
    const refused = aProfile({}, { approver: reviewers({ members: [SAM] }) }, { emergency: true });
    expect(await problemOf(refused, await submissionOf(refused, emergency))).toMatchObject({ status: 400, type: 'not_requestable' });
  });

  it('B.5 an act in the subject asks for the run of that agent', async () => {
    const made = aProfile(FOR_AGENTS);
    const subject = { ...MAYA, properties: { act: { sub: 'agent:support' } } };
    const { task } = await submitted(made, {}, { subject });
    const [request] = await requestsOf(made);
    expect(request).toMatchObject({ requestedBy: 'agent:support', agent: 'agent:support', operator: SUBJECT });
    await made.engine.approve(requestIdOf(task), { by: SAM });
    expect((await evaluate(made, { subject })).decision).toBe(true);
    expect((await evaluate(made)).decision).toBe(false);
  });

  it('B.1 an approver that fails after the request is recorded leaves a pending task', async () => {
    const review = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
    const made = aProfile(
      {},
      { approver: new ScriptedApprover({ decide: inTurn(review, throws(new Error('down')), review), groupsOf: ['ops'] }) },
    );
    const answer = await made.send('/requests', await submissionOf(made), KEY);
    expect([answer.status, answer.body]).toMatchObject([202, { task: { status: 'pending' } }]);
    expect(await requestsOf(made)).toHaveLength(1);
  });
});

describe('B.1 submissions that are refused', () => {
  it.each<[string, (body: Body) => object, string]>([
    ['no denial', ({ denial: _, ...body }) => body, 'invalid_denial_binding'],
    ['S5 an evaluation_id alone', withDenial({ binding_token: undefined }), 'invalid_denial_binding'],
    ['S3 neither token nor id', withDenial({ binding_token: undefined, evaluation_id: undefined }), 'invalid_denial_binding'],
    ['no deadline', withDenial({ expires_at: undefined }), 'invalid_denial_binding'],
    ['S7 another deadline', withDenial({ expires_at: '2026-01-01T00:20:00.000Z' }), 'invalid_denial_binding'],
    ['S7 the same deadline in another form', withDenial({ expires_at: '2026-01-01T00:10:00Z' }), 'invalid_denial_binding'],
    ['a deadline that is no time', withDenial({ expires_at: 'soon' }), 'invalid_denial_binding'],
    ['another evaluation_id', withDenial({ evaluation_id: 'x' }), 'invalid_denial_binding'],
    ['an evaluation_id that is no string', withDenial({ evaluation_id: 7 }), 'invalid_denial_binding'],
    ['S4 a token that is no token', withDenial({ binding_token: 'a.b.c' }), 'invalid_denial_binding'],
    ['B3 another subject', changed({ subject: { type: 'user', id: 'lee' } }), 'invalid_denial_binding'],
    ['B3 another resource', changed({ resource: { type: 'db', id: 'other' } }), 'invalid_denial_binding'],
    ['B3 another action', changed({ action: { name: 'drop' } }), 'invalid_denial_binding'],
    ['B3 more properties', changed({ resource: { ...EVALUATION.resource, properties: { a: 1 } } }), 'invalid_denial_binding'],
    ['B3 a changed member of the context', changed({ context: { ip: '10.0.0.2' } }), 'invalid_denial_binding'],
    ['B3 a removed member of the context', changed({ context: {} }), 'invalid_denial_binding'],
    ['an unknown subject', changed({ subject: { type: 'user', id: '' } }), 'invalid_denial_binding'],
    ['U items', changed({ items: [] }), INVALID],
    ['K callback', changed({ callback: { url: 'https://x.example' } }), INVALID],
    ['V1 client.actor', changed({ client: { actor: { id: 'agent:x' } } }), INVALID],
    ['no subject', ({ subject: _, ...body }) => body, INVALID],
    ['a malformed requested_until', changed({ requested_access: { requested_until: 'tomorrow' } }), INVALID],
    ['a requested_until without a zone', changed({ requested_access: { requested_until: '2026-01-01T02:00:00' } }), INVALID],
    ['a requested_until in the past', changed({ requested_access: { requested_until: '2025-01-01T02:00:00Z' } }), INVALID],
    ['a window beyond the limit', changed({ requested_access: { requested_until: '2026-02-01T02:00:00Z' } }), INVALID],
    ['a requested_until beyond every window', changed({ requested_access: { requested_until: '9999-12-31T23:59:59Z' } }), INVALID],
    ['an emergency that is no boolean', changed({ requested_access: { emergency: 'yes' } }), INVALID],
    ['a justification that is no string', changed({ context: { ip: '10.0.0.1', business_justification: 7 } }), INVALID],
    ['a justification with control characters', changed({ context: { ip: '10.0.0.1', business_justification: 'a\u0000b' } }), INVALID],
    ['a client id of 300 characters', changed({ client: { id: 'x'.repeat(300) } }), INVALID],
  ])('X1 refuses %s, and stores nothing', async (_, change, type) => {
    const made = aProfile();
    const body = await submissionOf(made, {}, { context: { ip: '10.0.0.1' } });
    expect(await problemOf(made, change(body))).toMatchObject({ status: 400, type });
    expect(await requestsOf(made)).toEqual([]);
  });

  it('X1 answers the errors of the transport as problems', async () => {
    const made = aProfile();
    expect(await problemOf(made, '{')).toMatchObject({ status: 400, type: 'urn:jit-access:problem:invalid-request' });
    expect(await problemOf(made, 'x'.repeat(70_000))).toMatchObject({ status: 413, type: 'urn:jit-access:problem:too-large' });
    expect(await problemOf(made, EVALUATION, { 'content-type': 'text/plain' })).toMatchObject({ status: 400 });
    expect(await problemOf(made, EVALUATION, { 'idempotency-key': 'x'.repeat(257) })).toMatchObject({ status: 400 });
    const anonymous = await made.send('/requests', EVALUATION, { as: null });
    expect([anonymous.status, typeOf(anonymous.body), anonymous.headers.get('www-authenticate')]).toEqual([
      401,
      'urn:jit-access:problem:unauthenticated',
      'Bearer',
    ]);
    const get = await made.send('/requests', undefined, { method: 'GET' });
    expect([get.status, get.headers.get('allow'), get.headers.get('content-type')]).toEqual([405, 'POST', 'application/problem+json']);
    const body = await submissionOf(made);
    made.store.inject('all', { fault: 'reject' });
    const down = await problemOf(made, body, KEY.headers);
    expect([down.status, down.type, down.headers.get('retry-after')]).toEqual([503, 'urn:jit-access:problem:unavailable', '5']);
  });

  it('S4 S8 refuses a token of another key, issuer or audience, and of a handler without this endpoint', async () => {
    const made = aProfile();
    const others = [
      { ...OPTIONS, accessRequests: accessRequests({ signer: joseSigner(jose, { keys: [{ kid: 'other', alg: 'ES256', jwk: JWK }] }) }) },
      {
        ...OPTIONS,
        publicUrl: 'https://other.example.com',
        endpointUrl: `${PUBLIC_URL}/access/v1`,
        basePath: '/access/v1',
        accessRequests: accessRequests({ signer: signerOf() }),
      },
      { ...OPTIONS, endpointUrl: `${PUBLIC_URL}/access/v2`, accessRequests: accessRequests({ signer: signerOf() }) },
    ] as const;
    for (const options of others) {
      const body = await submissionOf(clientOf(createAuthzenHandler(made.engine, options)));
      expect(await problemOf(made, body)).toMatchObject({ status: 400, type: 'invalid_denial_binding' });
    }
    const base = { iss: PUBLIC_URL, aud: `${PUBLIC_URL}/access/v1/requests`, exp: at(600_000) / 1_000 };
    const good = await submissionOf(made);
    const claims = JSON.parse(new TextDecoder().decode(jose.base64url.decode(good.denial.binding_token.split('.')[1] ?? ''))) as object;
    for (const change of [
      { aud: undefined },
      { aud: [] },
      { aud: ['https://other.example.com', `${base.aud}/`] },
      { aud: { 0: base.aud } },
      { access: undefined },
      { access: 'x' },
      { exp: undefined },
      { exp: '1' },
      { jti: 7 },
      { binding_hash: null },
      { binding_context_members: 'ip' },
      { client: undefined },
    ]) {
      const token = await signerOf().sign(JSON.parse(JSON.stringify({ ...claims, ...change })) as never);
      expect(await problemOf(made, { ...good, denial: { ...good.denial, binding_token: token } })).toMatchObject({
        type: 'invalid_denial_binding',
      });
    }
    expect((await made.send('/requests', good)).status).toBe(202);
  });

  it('S8 [WF30] accepts a token whose audience is a list with the endpoint', async () => {
    const made = aProfile();
    for (const aud of [[`${PUBLIC_URL}/access/v1/requests`], ['https://other.example.com', `${PUBLIC_URL}/access/v1/requests`]]) {
      const good = await submissionOf(made);
      const claims = JSON.parse(new TextDecoder().decode(jose.base64url.decode(good.denial.binding_token.split('.')[1] ?? ''))) as object;
      const binding_token = await signerOf().sign(JSON.parse(JSON.stringify({ ...claims, aud })) as never);
      expect((await made.send('/requests', { ...good, denial: { ...good.denial, binding_token } })).status).toBe(202);
    }
  });

  it.each<[string, Parameters<typeof aProfile>[0], Parameters<typeof aProfile>[2], object, object]>([
    [
      'a member of the context that the denied evaluation lacked',
      { map: ({ context }) => `db:${context?.['env'] === 'prod' ? 'prod' : 'stage'}:write` },
      {},
      {},
      { context: { env: 'prod' } },
    ],
    [
      'a member of the context that is not bound',
      { map: ({ context }) => `db:${context?.['env'] === 'prod' ? 'prod' : 'stage'}:write` },
      { boundContext: ['ip'] },
      { context: { env: 'stage', ip: '10.0.0.1' } },
      { context: { env: 'prod', ip: '10.0.0.1' } },
    ],
  ])('S5 [WF11] a denial of one access is not accepted for another, by %s', async (_, options, profile, denied, changed) => {
    const made = aProfile(options, {}, profile);
    for (const headers of [{}, { 'idempotency-key': 'k' }]) {
      const body = await submissionOf(made, changed, denied);
      expect(await problemOf(made, body, headers)).toMatchObject({ status: 400, type: 'invalid_denial_binding' });
    }
    expect(await requestsOf(made)).toEqual([]);
    expect((await made.send('/requests', await submissionOf(made, {}, denied))).status).toBe(202);
  });

  it.each([
    ['just before the deadline and the skew', 629_999, 202],
    ['at the deadline and the skew', 630_000, 410],
    ['an hour later', 3_600_000, 410],
  ])('S6 a denial is accepted %s: %i ms -> %i', async (_, ms, status) => {
    const made = aProfile();
    const body = await submissionOf(made);
    await made.clock.advance(ms);
    const answer = await made.send('/requests', body, KEY);
    expect(answer.status).toBe(status);
    if (status === 410) expect(typeOf(answer.body)).toBe('expired_denial');
  });

  it('S2 access that can no longer be asked for is not_requestable', async () => {
    let open = true;
    const made = aProfile({}, { approver: new ScriptedApprover({ isEligible: () => open, decide: { outcome: 'approve' } }) });
    const body = await submissionOf(made);
    open = false;
    expect(await problemOf(made, body)).toMatchObject({ status: 400, type: 'not_requestable' });
    open = true;
    await made.engine.lock({ subject: SUBJECT }, { by: SAM });
    expect(await problemOf(made, body)).toMatchObject({ status: 400, type: 'not_requestable' });
  });

  it('X1 a limit of the engine is 429, with Retry-After where the limit is a pause', async () => {
    const made = aProfile({}, { limits: { maxOpenRequests: 1, askAgainAfter: '1h' } });
    const { task } = await submitted(made);
    const other = await submissionOf(made, {}, { action: { name: 'read' } });
    expect(await problemOf(made, other)).toMatchObject({ status: 429, type: 'urn:jit-access:problem:limit' });
    await made.engine.deny(requestIdOf(task), { by: SAM });
    const again = await problemOf(made, await submissionOf(made));
    expect([again.status, again.headers.get('retry-after')]).toEqual([429, '3600']);
  });

  it('F1 values that a rule requires are listed by field and code alone', async () => {
    const policy = definePolicy({
      groups: { ops: [SAM] },
      rules: [
        {
          id: 'secret-rule',
          requesters: [GATEWAY],
          scopes: ['db:**'],
          require: { ticket: 'INC-####' },
          review: { groups: { ops: 1 } },
        },
      ],
    });
    const made = aProfile({}, { approver: policy });
    const { body } = await problemOf(made, await submissionOf(made));
    expect(body).toMatchObject({ type: 'urn:jit-access:problem:invalid-request', problems: [{ field: 'ticket', code: 'missing' }] });
    expect(JSON.stringify(body)).not.toMatch(/secret-rule|INC/);
    expect((await submitted(made, { context: { ticket: 'INC-4711' } })).task.status).toBe('pending');
  });

  it('S1 only the caller that received the denial may submit it, unless `may` permits another', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    expect(await problemOf(made, body, {}, OTHER)).toMatchObject({ status: 403, type: 'urn:jit-access:problem:forbidden' });
    expect(await requestsOf(made)).toEqual([]);
    const seen: unknown[] = [];
    const may = (question: object) => (seen.push(question), true);
    const open = clientOf(createAuthzenHandler(made.engine, { ...OPTIONS, may, accessRequests: accessRequests({ signer: signerOf() }) }));
    expect((await open.send('/requests', body, { as: OTHER })).status).toBe(202);
    expect(seen.at(0)).toMatchObject({ operation: 'submit', subject: MAYA, byDefault: false, caller: { subject: OTHER } });
  });
});

describe('B.5 retries', () => {
  it('I1 the same key and body give the same task, in its present state', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    const first = (await made.send('/requests', body, KEY)).body as unknown as TaskAnswer;
    await made.engine.approve(requestIdOf(first.task), { by: SAM });
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    const again = await made.send('/requests', reordered, KEY);
    expect([again.status, again.body]).toMatchObject([201, { task: { id: first.task.id, status: 'approved' }, ...RESULT }]);
    expect(await requestsOf(made)).toHaveLength(1);
  });

  it('[WF31] I1 a quoted key, the form of the draft, is the key that it quotes', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    const first = (await made.send('/requests', body, KEY)).body as unknown as TaskAnswer;
    const quoted = { 'idempotency-key': '"submit-1"' };
    expect((await made.send('/requests', body, { headers: quoted })).body).toMatchObject({ task: { id: first.task.id } });
    expect(await problemOf(made, { ...body, extra: 1 }, quoted)).toMatchObject({ type: 'duplicate_request' });
    expect(await requestsOf(made)).toHaveLength(1);
  });

  it.each(['k1, k2', '"k1", "k1"', '"k1', 'k"1'])('[A32] the key %s, which names several keys or a part of one, is 400', async (key) => {
    const made = aProfile();
    const sent = await problemOf(made, await submissionOf(made), { 'idempotency-key': key });
    expect([sent, await requestsOf(made)]).toMatchObject([{ status: 400, type: 'urn:jit-access:problem:invalid-request' }, []]);
  });

  it('I2 the same key and another body are duplicate_request', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    await made.send('/requests', body, KEY);
    for (const over of [JUSTIFIED, { requested_access: { requested_until: '2026-01-01T02:00:00Z' } }, { extra: 1 }])
      expect(await problemOf(made, { ...body, ...over }, KEY.headers)).toMatchObject({ status: 409, type: 'duplicate_request' });
    const other = await submissionOf(made, {}, { action: { name: 'read' } });
    expect(await problemOf(made, other, KEY.headers)).toMatchObject({ status: 409, type: 'duplicate_request' });
  });

  it('I2 also where the key only repeated an open request', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    const first = (await made.send('/requests', body, KEY)).body as unknown as TaskAnswer;
    const second = { headers: { 'idempotency-key': 'submit-2' } };
    const other = await submissionOf(made);
    const repeated = (await made.send('/requests', other, second)).body as unknown as TaskAnswer;
    expect(repeated.task.id).toBe(first.task.id);
    await made.clock.advance('2h');
    expect(((await made.send('/requests', other, second)).body as unknown as TaskAnswer).task.id).toBe(first.task.id);
    expect(await problemOf(made, { ...other, extra: 1 }, second.headers)).toMatchObject({ status: 409, type: 'duplicate_request' });
  });

  it('B.5 a retry after the token has expired returns the old task; without the key it is expired_denial', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    const first = await made.send('/requests', body, KEY);
    await made.clock.advance('2h');
    const again = await made.send('/requests', body, KEY);
    expect((again.body as unknown as TaskAnswer).task.id).toBe((first.body as unknown as TaskAnswer).task.id);
    expect(await problemOf(made, body)).toMatchObject({ status: 410, type: 'expired_denial' });
    expect(await problemOf(made, body, { 'idempotency-key': 'other' })).toMatchObject({ status: 410, type: 'expired_denial' });
  });

  it('B.5 a retry is found before its token is verified, and under an older key of the handler', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    const first = await made.send('/requests', body, KEY);
    const rotated = clientOf(
      createAuthzenHandler(made.engine, {
        ...OPTIONS,
        tokenKeys: [{ id: 'k2', secret: 'n'.repeat(32) }, ...TOKEN_KEYS],
        accessRequests: accessRequests({ signer: signerOf('rotated') }),
      }),
    );
    const again = await rotated.send('/requests', body, KEY);
    expect(requestIdOf((again.body as unknown as TaskAnswer).task)).toBe(requestIdOf((first.body as unknown as TaskAnswer).task));
  });

  it('S14 a submission with requested_until that is repeated 2 seconds later is the same request', async () => {
    const made = aProfile();
    const body = await submissionOf(made, { requested_access: { requested_until: '2026-01-01T02:00:00Z' } });
    const first = await made.send('/requests', body, KEY);
    await made.clock.advance('2s');
    const again = await made.send('/requests', body, KEY);
    expect([again.status, again.text]).toEqual([202, first.text]);
  });

  it('I4 T3 keys belong to their caller, and the id of the request does not follow from the key', async () => {
    const made = aProfile();
    const one = (await made.send('/requests', await submissionOf(made), KEY)).body as unknown as TaskAnswer;
    const theirs = await submissionOf(made, {}, { action: { name: 'read' } }, OTHER);
    const two = await made.send('/requests', theirs, { ...KEY, as: OTHER });
    expect(two.status).toBe(202);
    expect((two.body as unknown as TaskAnswer).task.id).not.toBe(one.task.id);
    // Without the secret of the handler, the same key names no request.
    expect(await made.engine.getRequest({ requestedBy: GATEWAY, idempotencyKey: 'submit-1' })).toBeUndefined();
  });

  it("I4 with requester 'subject' a key counts for each subject, and so it does for each agent", async () => {
    const act = (sub: string) => ({ subject: { ...MAYA, properties: { act: { sub } } } });
    for (const [one, two] of [
      [{}, { subject: { type: 'user', id: 'zed' } }],
      [act('agent:a'), act('agent:b')],
    ] as const) {
      const made = aProfile(FOR_AGENTS, {}, { requester: 'subject' });
      const body = await submissionOf(made, {}, one);
      expect((await made.send('/requests', body, KEY)).status).toBe(202);
      expect(await problemOf(made, { ...body, extra: 1 }, KEY.headers)).toMatchObject({ status: 409, type: 'duplicate_request' });
      expect((await made.send('/requests', await submissionOf(made, {}, two), KEY)).status).toBe(202);
      expect(await requestsOf(made)).toHaveLength(2);
    }
  });

  it('S9 a replay without a key gives the same task', async () => {
    const made = aProfile({}, { limits: { duplicates: 'refuse' } });
    const body = await submissionOf(made);
    const first = await made.send('/requests', body);
    const again = await made.send('/requests', body);
    expect([again.status, again.text]).toEqual([202, first.text]);
  });

  it('S9 [WF15] one denial gives one request: a replay with another text is duplicate_request, also after a denial', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    const first = (await made.send('/requests', body)).body as unknown as TaskAnswer;
    const replay = async () => {
      for (const change of [JUSTIFIED, { requested_access: { requested_until: '2026-01-01T00:30:00.000Z' } }, { client: { id: 'x' } }])
        expect(await problemOf(made, { ...body, ...change })).toMatchObject({ status: 409, type: 'duplicate_request' });
    };
    await replay();
    await made.engine.deny(requestIdOf(first.task), { by: SAM, reason: 'no' });
    await replay();
    expect((await made.send('/requests', body)).body).toMatchObject({ task: { id: first.task.id, status: 'denied' } });
    expect(await requestsOf(made)).toHaveLength(1);
    // A new denial of the same access is a new token.
    expect((await made.send('/requests', await submissionOf(made, JUSTIFIED))).status).toBe(202);
  });

  it.each([
    ['with a key', KEY],
    ['without a key', {}],
  ])('T3 200 identical submissions at once make one request (%s)', async (_, sent) => {
    const made = aProfile();
    const body = await submissionOf(made, JUSTIFIED);
    made.store.inject('all', { fault: 'yield', seed: 7 });
    const answers = await Promise.all(Array.from({ length: 200 }, () => made.send('/requests', body, sent)));
    made.store.release();
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map((answer) => (answer.body as unknown as TaskAnswer).task.id)).size).toBe(1);
    expect(await requestsOf(made)).toHaveLength(1);
  });

  it('I1 a submission whose reply was lost is found again', async () => {
    const made = aProfile();
    const body = await submissionOf(made);
    made.store.inject('commit', { fault: 'lose reply' }, 2);
    const lost = await made.send('/requests', body, KEY);
    const again = await made.send('/requests', body, KEY);
    expect([503, 202]).toContain(lost.status);
    expect(again.status).toBe(202);
    expect(await requestsOf(made)).toHaveLength(1);
  });
});
