import { createAuthzenHandler } from 'jit-access/authzen';
import { describe, expect, it } from 'vitest';
import { anEngine } from '../../engine/an-engine.js';
import { turns } from '../http/world.js';
import { anAuthzen, aProfile, clientOf, EVALUATION, GATEWAY, grant, OPTIONS, PUBLIC_URL, SCOPE, SUBJECT } from './authzen-of.js';

const fails = (): never => {
  throw new Error('down');
};

const ENDPOINTS = ['/evaluation', '/evaluations', '/search/subject', '/search/resource', '/search/action'];

describe('A.1 transport', () => {
  it('A.1 answers a permit and a deny with 200, JSON and no-store', async () => {
    const { engine, send } = anAuthzen();
    const denied = await send('/evaluation', EVALUATION);
    expect([denied.status, denied.body]).toEqual([200, { decision: false, context: { reason: 'no_grant' } }]);
    await grant(engine, SUBJECT, SCOPE);
    const allowed = await send('/evaluation', EVALUATION);
    expect([allowed.status, allowed.headers.get('content-type'), allowed.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'no-store',
    ]);
    expect(allowed.body).toEqual({ decision: true, context: { reason: 'granted', valid_until: '2026-01-01T00:15:00.000Z' } });
  });

  it.each(['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'])('A.1 accepts %s', async (type) => {
    const { send } = anAuthzen();
    expect((await send('/evaluation', EVALUATION, { headers: { 'content-type': type } })).status).toBe(200);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'application/jsonp', ''])(
    'A.1 CERT 2-4-3 refuses the content type "%s" with 400',
    async (type) => {
      const { send } = anAuthzen();
      for (const endpoint of ENDPOINTS) {
        const { status, headers, text } = await send(endpoint, EVALUATION, { headers: { 'content-type': type } });
        expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([400, 'text/plain; charset=utf-8', 'no-store']);
        expect(text).not.toBe('');
      }
    },
  );

  it('A.1 refuses a body without a content type with 400', async () => {
    const { handler } = anAuthzen();
    const body = new TextEncoder().encode(JSON.stringify(EVALUATION));
    const request = new Request(`${PUBLIC_URL}/access/v1/evaluation`, { method: 'POST', headers: { authorization: GATEWAY }, body });
    request.headers.delete('content-type');
    expect((await handler(request)).status).toBe(400);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('A.1 answers %s with 405 and Allow', async (method) => {
    const { send } = anAuthzen();
    for (const endpoint of ENDPOINTS) {
      const { status, headers } = await send(endpoint, undefined, { method });
      expect([status, headers.get('allow'), headers.get('x-content-type-options')]).toEqual([405, 'POST', 'nosniff']);
    }
  });

  it.each([
    ['no JSON', '{', 400],
    ['an empty body', ' ', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['a string', '"x"', 400],
    ['a repeated member name', '{"subject":{"type":"user","id":"maya"},"subject":{"type":"user","id":"sam"}}', 400],
    ['a repeated member name that is escaped', '{"subject":{"type":"user","id":"maya","i\\u0064":"sam"}}', 400],
    ['a lone surrogate', '{"subject":{"type":"user","id":"\\ud800"}}', 400],
    ['33 levels', `{"a":${'['.repeat(32)}${']'.repeat(32)}}`, 400],
    ['more than 64 KiB', JSON.stringify({ ...EVALUATION, pad: 'x'.repeat(65_536) }), 413],
    ['10,000 levels', '['.repeat(10_000) + ']'.repeat(10_000), 400],
    ['a byte order mark', `\ufeff${JSON.stringify(EVALUATION)}`, 400],
  ])('A.1 refuses %s with a text and without a decision', async (_, body, status) => {
    const { send, store } = anAuthzen();
    store.calls.length = 0;
    for (const endpoint of ENDPOINTS) {
      const answer = await send(endpoint, body);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/plain; charset=utf-8']);
      expect(answer.text).not.toContain('decision');
    }
    expect(store.calls).toEqual([]);
  });

  it('A.1 refuses bytes that are no UTF-8', async () => {
    const { handler } = anAuthzen();
    const headers = { authorization: GATEWAY, 'content-type': 'application/json' };
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    expect((await handler(new Request(`${PUBLIC_URL}/access/v1/evaluation`, { method: 'POST', headers, body }))).status).toBe(400);
  });

  it.each([
    ['subject', { resource: EVALUATION.resource, action: EVALUATION.action }],
    ['resource', { subject: EVALUATION.subject, action: EVALUATION.action }],
    ['action', { subject: EVALUATION.subject, resource: EVALUATION.resource }],
    ['subject.id', { ...EVALUATION, subject: { type: 'user' } }],
    ['subject.type', { ...EVALUATION, subject: { id: 'maya' } }],
    ['resource.id', { ...EVALUATION, resource: { type: 'db' } }],
    ['action.name', { ...EVALUATION, action: {} }],
  ])('A.1 refuses a body without %s with 400, and names the member', async (name, body) => {
    const { send } = anAuthzen();
    const { status, text } = await send('/evaluation', body);
    expect([status, text]).toEqual([400, `${name} is required\n`]);
  });

  it.each([
    ['subject', { ...EVALUATION, subject: 'user:maya' }],
    ['subject.id', { ...EVALUATION, subject: { type: 'user', id: 7 } }],
    ['subject.properties', { ...EVALUATION, subject: { type: 'user', id: 'maya', properties: [] } }],
    ['action.name', { ...EVALUATION, action: { name: null } }],
    ['resource', { ...EVALUATION, resource: [] }],
    ['context', { ...EVALUATION, context: 'x' }],
  ])('A.1 refuses a malformed %s with 400', async (name, body) => {
    const { send } = anAuthzen();
    const { status, text } = await send('/evaluation', body);
    expect([status, text]).toMatchObject([400, expect.stringContaining(`${name} must be`)]);
  });

  it('A.1 takes no member from Object.prototype', async () => {
    const { send } = anAuthzen();
    const polluted = Object.prototype as unknown as Record<string, unknown>;
    Object.assign(polluted, { subject: { type: 'user', id: 'maya' }, id: 'maya' });
    try {
      expect((await send('/evaluation', { resource: EVALUATION.resource, action: EVALUATION.action })).status).toBe(400);
      expect((await send('/evaluation', { ...EVALUATION, subject: { type: 'user' } })).status).toBe(400);
    } finally {
      delete polluted['subject'];
      delete polluted['id'];
    }
  });

  it('A.1 ignores unknown members at every level and the order of members', async () => {
    const { engine, send } = anAuthzen();
    await grant(engine, SUBJECT, SCOPE);
    const body = JSON.parse(
      '{"extra":[1],"__proto__":{"decision":true},"action":{"x":{},"name":"write"},"resource":{"id":"prod","type":"db","y":1},"subject":{"id":"maya","type":"user","z":null}}',
    ) as unknown;
    expect((await send('/evaluation', body)).body).toMatchObject({ decision: true });
  });

  it('A.1 echoes X-Request-ID, also on errors', async () => {
    const { send } = anAuthzen();
    const headers = { 'x-request-id': 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716 "any" string' };
    const id = async (path: string, body: unknown, more = {}) => (await send(path, body, { headers, ...more })).headers.get('x-request-id');
    expect(await id('/evaluation', EVALUATION)).toBe(headers['x-request-id']);
    expect(await id('/evaluation', '{')).toBe(headers['x-request-id']);
    expect(await id('/evaluation', undefined, { method: 'GET' })).toBe(headers['x-request-id']);
    expect(await id('/evaluation', EVALUATION, { as: null })).toBe(headers['x-request-id']);
    expect(await id('/nothing', EVALUATION)).toBe(headers['x-request-id']);
    expect((await send('/evaluation', EVALUATION)).headers.has('x-request-id')).toBe(false);
  });

  it('A.1 answers a caller that is not authenticated with 401 and WWW-Authenticate', async () => {
    const { send, store } = anAuthzen();
    store.calls.length = 0;
    for (const endpoint of ENDPOINTS) {
      const { status, headers } = await send(endpoint, EVALUATION, { as: null });
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    expect(store.calls).toEqual([]);
    const own = anAuthzen({ challenge: 'Bearer realm="pdp"' });
    expect((await own.send('/evaluation', EVALUATION, { as: null })).headers.get('www-authenticate')).toBe('Bearer realm="pdp"');
  });

  it.each([
    ['identify throws', { identify: fails }],
    ['identify returns no object', { identify: () => 'service:gateway' as never }],
    ['identify returns a caller without a valid id', { identify: () => ({ subject: 'system:sweeper' }) }],
    ['may throws', { may: fails }],
    ['map throws', { map: fails }],
    ['limit throws', { limit: fails }],
    ['the codec throws', { codec: { encodeSubject: fails, decodeSubject: fails, encodeScope: fails, decodeScope: fails } }],
  ])('A.1 answers 503 with Retry-After and no decision where %s', async (_, options) => {
    const { send, told } = anAuthzen(options);
    const { status, headers, text } = await send('/evaluation', EVALUATION);
    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
    expect(text).not.toContain('decision');
    expect(told.length).toBeGreaterThan(0);
  });

  it('A.1 answers 503 with Retry-After and no decision where the store or the clock is down', async () => {
    const { engine, store, send } = anAuthzen();
    await grant(engine, SUBJECT, SCOPE);
    store.inject('all', { fault: 'reject' });
    const bodies = {
      '/evaluation': EVALUATION,
      '/evaluations': { evaluations: [EVALUATION, EVALUATION] },
      '/search/subject': { ...EVALUATION, subject: { type: 'user' } },
      '/search/resource': { ...EVALUATION, resource: { type: 'db' } },
      '/search/action': EVALUATION,
    };
    for (const [endpoint, body] of Object.entries(bodies)) {
      const { status, headers, text } = await send(endpoint, body);
      expect([endpoint, status, headers.get('retry-after')]).toEqual([endpoint, 503, '5']);
      expect(text).not.toMatch(/decision|results/);
    }
    const broken = { now: () => Number.NaN };
    const other = anEngine({ clock: broken });
    const { send: ask } = clientOf(createAuthzenHandler(other.engine, OPTIONS));
    expect((await ask('/evaluation', EVALUATION)).status).toBe(503);
  });

  it('A.1 answers 503 when an answer takes longer than the timeout', async () => {
    const { engine, clock, store, send } = anAuthzen({ timeout: '3s' });
    await grant(engine, SUBJECT, SCOPE);
    store.inject('live', { fault: 'hang' }, 1);
    const late = send('/evaluation', EVALUATION);
    await expect.poll(() => store.calls.filter(({ method }) => method === 'live').length).toBeGreaterThan(0);
    await clock.advance('3s');
    expect((await late).status).toBe(503);
    store.release();
  });

  it('A.1 answers a body that arrives too slowly with 408', async () => {
    const { clock, handler } = anAuthzen({ timeout: '4s' });
    let started = false;
    const body = new ReadableStream({
      pull: () => {
        started = true;
        return new Promise<void>(() => undefined);
      },
    });
    const headers = { authorization: GATEWAY, 'content-type': 'application/json' };
    const answer = handler(
      new Request(`${PUBLIC_URL}/access/v1/evaluation`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit),
    );
    await expect.poll(() => started).toBe(true);
    await clock.advance('2s');
    expect((await answer).status).toBe(408);
  });

  it('X1 [WF26] a problem has the status of its answer and a type of its own, for each error of the transport', async () => {
    let limit: number | undefined;
    const { clock, engine, handler, send } = aProfile({ timeout: '4s', limit: () => limit });
    const slow = async () => {
      const body = new ReadableStream({ pull: () => new Promise<void>(() => undefined) });
      const headers = { authorization: GATEWAY, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
      const answer = handler(new Request(`${PUBLIC_URL}/access/v1/requests`, init));
      await turns();
      await clock.advance('2s');
      const response = await answer;
      return { status: response.status, headers: response.headers, body: (await response.json()) as object };
    };
    const task = `/requests/${'0'.repeat(32)}.${'A'.repeat(43)}`;
    const own = 'urn:jit-access:problem:';
    const unknown = 'urn:openid:authzen:access-request:error:unknown_task';
    const errors: readonly [
      number,
      string,
      () => Promise<{ readonly status: number; readonly headers: Headers; readonly body: object }>,
    ][] = [
      [400, `${own}invalid-request`, () => send('/requests', '{')],
      [400, `${own}invalid-request`, () => send('/requests', '{}', { headers: { 'content-type': 'text/plain' } })],
      [401, `${own}unauthenticated`, () => send('/requests', '{}', { as: null })],
      [403, `${own}forbidden`, () => send('/requests', '{}', { headers: { 'sec-fetch-site': 'cross-site' } })],
      [404, unknown, () => send(task, undefined, { method: 'GET' })],
      [405, `${own}method-not-allowed`, () => send('/requests', undefined, { method: 'GET' })],
      [405, `${own}method-not-allowed`, () => send(task, '{}', { method: 'PUT' })],
      [405, `${own}method-not-allowed`, () => send(`${task}/cancel`, undefined, { method: 'GET' })],
      [405, `${own}method-not-allowed`, () => send('/jwks.json', '{}')],
      [405, `${own}method-not-allowed`, () => send('/request-schema.json', undefined, { method: 'DELETE' })],
      [408, `${own}slow-body`, slow],
      [413, `${own}too-large`, () => send('/requests', JSON.stringify({ pad: 'x'.repeat(65_536) }))],
      [429, `${own}limit`, () => ((limit = 3), send('/requests', '{}').finally(() => (limit = undefined)))],
      [431, `${own}headers-too-large`, () => send('/requests', '{}', { headers: { 'x-any': 'x'.repeat(8_193) } })],
      [503, `${own}unavailable`, async () => (await engine.close(), send(task, undefined, { method: 'GET' }))],
    ];
    for (const [status, type, call] of errors) {
      const answer = await call();
      expect([answer.status, answer.body]).toMatchObject([status, { type, status }]);
      const names = ['content-type', 'cache-control', 'x-content-type-options'];
      expect(names.map((name) => answer.headers.get(name))).toEqual(['application/problem+json', 'no-store', 'nosniff']);
    }
  });

  it('refuses requests of other sites, and answers unknown paths with 404', async () => {
    const { send } = anAuthzen();
    expect((await send('/evaluation', EVALUATION, { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    for (const path of [
      '/',
      '/evaluation/',
      '/Evaluation',
      '/search',
      '/constructor',
      '/__proto__',
      '/requests',
      '/jwks.json',
      '/requests/x',
    ])
      expect([path, (await send(path, EVALUATION)).status]).toEqual([path, 404]);
    for (const url of [`${PUBLIC_URL}/access/v2/evaluation`, `${PUBLIC_URL}/access/v1`, `${PUBLIC_URL}/access/v1evaluation`])
      expect((await send(url, EVALUATION)).status).toBe(404);
  });

  it('limits the rate of a caller with 429 and Retry-After', async () => {
    const asked: unknown[] = [];
    const { send } = aProfile({
      limit: (caller, operation) => (asked.push([caller.subject, operation]), operation === 'search' ? 1.5 : undefined),
    });
    expect((await send('/evaluation', EVALUATION)).status).toBe(200);
    const { status, headers } = await send('/search/action', EVALUATION);
    expect([status, headers.get('retry-after')]).toEqual([429, '2']);
    expect(asked).toEqual([
      [GATEWAY, 'evaluate'],
      [GATEWAY, 'search'],
    ]);
  });

  it.each<readonly [unknown, number]>([
    [60, 429],
    [0, 200],
    ...[false, true, '60', null, -1, NaN, Infinity].map((wrong) => [wrong, 503] as const),
  ])('[WF32] permits nothing where `limit` returns no seconds: %s', async (answer, expected) => {
    const { send } = anAuthzen({ limit: () => answer as number });
    expect((await send('/evaluation', EVALUATION)).status).toBe(expected);
  });

  it.each<readonly [number | undefined, number, string | null]>([
    [undefined, 200, null],
    [3, 429, '12'],
  ])('[A40] says the rest of a quota, with wait %s', async (wait, expected, after) => {
    const { send } = anAuthzen({ limit: () => ({ policy: 'pdp', quota: 100, window: 60, remaining: 7, reset: 12, wait }) });
    const fields = ['"pdp";q=100;w=60', '"pdp";r=7;t=12', after];
    for (const [body, status] of [[EVALUATION, expected] as const, [{}, wait === undefined ? 400 : 429] as const]) {
      const answer = await send('/evaluation', body);
      expect([answer.status, ...['ratelimit-policy', 'ratelimit', 'retry-after'].map((name) => answer.headers.get(name))]).toEqual([
        status,
        ...fields,
      ]);
    }
  });

  it('lets `may` refuse a caller with 403, and passes on what identify returned', async () => {
    const questions: unknown[] = [];
    const may = (question: { readonly byDefault: boolean }) => {
      questions.push(question);
      return false;
    };
    const { send } = anAuthzen({ identify: () => ({ subject: GATEWAY, tenant: 't1' }) as { subject: string }, may });
    const { status, text } = await send('/evaluation', { ...EVALUATION, context: { a: 1 } });
    expect([status, text]).toEqual([403, 'the caller may not do this\n']);
    expect(questions).toEqual([
      {
        caller: { subject: GATEWAY, tenant: 't1' },
        operation: 'evaluate',
        subject: EVALUATION.subject,
        resource: EVALUATION.resource,
        action: EVALUATION.action,
        taskId: undefined,
        byDefault: true,
      },
    ]);
    const truthy = anAuthzen({ may: () => 'yes' as never });
    expect((await truthy.send('/evaluation', EVALUATION)).status).toBe(403);
  });

  it('answers no request of a closed engine', async () => {
    const { engine, send } = anAuthzen();
    await engine.close();
    expect((await send('/evaluation', EVALUATION)).status).toBe(503);
  });
});
