import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { FaultyStore } from '../../../src/testing.js';
import { createHttpHandler, toProblem, type HttpOptions } from '../../../src/http.js';
import { JitEngine, MemoryGrantStore, reviewers, StoreError } from '../../../src/index.js';
import { PROBLEMS } from '../../../src/features/http/problem.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { inputSchemaOf } from '../../../src/features/http/schemas/input-schema.js';
import { refusal } from '../../engine/an-engine.js';
import { exampleOf } from './examples.js';
import { aService, BASE, identify, MAYA, read, SAM, SCOPE, SEC, sender, turns, type TestCaller } from './world.js';

const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204' };
/** The write may have been recorded before a failure, so no answer to a failure may match this. */
const SAYS_NOTHING_WAS_DECIDED = /nothing (was|is|has)|cannot be decided|not (recorded|decided|changed)/i;
const JSON_BODY = { 'content-type': 'application/json', 'x-user': MAYA };

const send = async (service: ReturnType<typeof aService>, init: RequestInit, path = '/requests') =>
  read(await service.handler(new Request(`${BASE}/v1${path}`, { method: 'POST', headers: JSON_BODY, ...init })));

describe('a hostile body', () => {
  const bodies: readonly (readonly [string, string | Uint8Array<ArrayBuffer>, number])[] = [
    ['a repeated name', '{"scope":"a:b","scope":"a:c"}', 400],
    ['a name repeated by an escape', '{"scope":"a:b","sc\\u006fpe":"a:c"}', 400],
    ['a name repeated deep inside', `{"metadata":{"a":[{"b":1,"b":2}]},"scope":"${SCOPE}","ttl":"5m"}`, 400],
    ['33 levels', `{"metadata":${'{"a":'.repeat(32)}1${'}'.repeat(32)}}`, 400],
    ['a hundred thousand brackets', '['.repeat(60_000), 400],
    ['a lone surrogate', '{"scope":"\\ud800"}', 400],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400],
    ['a byte order mark', '\ufeff{}', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['a number', '1', 400],
    ['nothing', '', 400],
    ['a comment', '{"scope":"a:b" /* */}', 400],
    ['too many bytes', `{"justification":"${'x'.repeat(66_000)}"}`, 413],
    ['a prototype', '{"__proto__":{"subject":"user:sec"},"scope":"a:b","ttl":"5m"}', 400],
    ['a constructor', '{"constructor":{"prototype":{"x":1}},"scope":"a:b","ttl":"5m"}', 400],
    ['a huge number', '{"scope":"a:b","ttl":1e999}', 400],
    ['a list as a scope', '{"scope":["a:b"],"ttl":"5m"}', 400],
    ['a reviewer', `{"scope":"a:b","ttl":"5m","reviewer":"${SAM}"}`, 400],
  ];
  it.each(bodies)('with %s is refused, and nothing is stored', async (_, body, status) => {
    const service = aService();
    const answer = await send(service, { body });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    expect(await journalHead(service.engine)).toMatchObject({ seq: 0 });
    expect(({} as Record<string, unknown>).subject).toBeUndefined();
  });

  it.each([
    ['', undefined, 'the body is empty: send {} if no field is needed.'],
    ['{', undefined, 'the body is not valid JSON.'],
    [
      '{"scope":"a:b","ttl":"15 minutes"}',
      'ttl',
      "ttl must be a duration such as '30m' or '1h30m', or a whole number of milliseconds; got \"15 minutes\"",
    ],
    ['{"scope":"a:b","ttl":true}', 'ttl', "ttl must be a duration such as '30m' or '1h30m', or a whole number of milliseconds; got true"],
  ])('%s is refused with what to send', async (body, argument, detail) => {
    expect((await send(aService(), { body })).body).toMatchObject({ detail, ...(argument !== undefined && { argument }) });
  });

  it.each([
    ['/holders?scope=a:b&at=2026-01-01T00:00:00Z', 'at must be an instant in epoch milliseconds; got "2026-01-01T00:00:00Z"'],
    ['/requests?limit=ten', 'limit must be a whole number; got "ten"'],
  ])('of the query %s is refused with what to send', async (path, detail) => {
    const answer = await aService().send('GET', path, { as: SEC });
    expect([answer.status, answer.body.detail]).toEqual([400, detail]);
  });

  it('with metadata that looks like a request of its reader breaks no answer', async () => {
    const service = aService();
    const metadata = { kind: 'request', subject: SAM, requestedBy: SAM, reviews: 'none' };
    expect((await send(service, { body: JSON.stringify({ ...ASK, metadata }) })).status).toBe(201);
    const inbox = await service.send('GET', '/inbox', { as: SAM });
    expect([inbox.status, inbox.body.items?.[0]?.request?.metadata]).toEqual([200, metadata]);
  });

  it('with prototype names as metadata is stored as data, or refused', async () => {
    const service = aService();
    const answer = await send(service, { body: JSON.stringify({ ...ASK, metadata: { constructor: 'x', toString: 'y' } }) });
    expect(answer.status).toBe(201);
    expect(answer.body.request?.metadata).toEqual({ constructor: 'x', toString: 'y' });
    const proto = await send(service, { body: `{"scope":"db-prod:read","ttl":"5m","justification":"x","metadata":{"__proto__":{}}}` });
    expect([proto.status, proto.body.type]).toEqual([400, 'urn:jit-access:problem:invalid-body']);
  });

  it.each([
    ['no content type', { 'x-user': MAYA, 'content-type': '' }],
    ['a form', { 'x-user': MAYA, 'content-type': 'application/x-www-form-urlencoded' }],
    ['a text', { 'x-user': MAYA, 'content-type': 'text/plain' }],
    ['another charset', { 'x-user': MAYA, 'content-type': 'application/json; charset=utf-16' }],
    ['a content coding', { ...JSON_BODY, 'content-encoding': 'gzip' }],
  ])('with %s is 415', async (_, headers) => {
    expect((await send(aService(), { headers, body: JSON.stringify(ASK) })).status).toBe(415);
  });

  it('that is JSON in UTF-8 may say so', async () => {
    const headers = { ...JSON_BODY, 'content-type': 'application/json; charset="UTF-8"' };
    expect((await send(aService(), { headers, body: JSON.stringify(ASK) })).status).toBe(201);
  });

  it('that arrives too slowly ends the call', async () => {
    const service = aService();
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) });
    const answer = send(service, { body, duplex: 'half' } as RequestInit);
    await turns();
    await service.clock.advance('10s');
    expect((await answer).status).toBe(408);
  });

  it('that its sender cuts short is 400', async () => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('gone')) });
    expect((await send(aService(), { body, duplex: 'half' } as RequestInit)).status).toBe(400);
  });
});

describe('a hostile request', () => {
  it.each([
    ['a repeated name in the query', '/requests?status=pending&status=denied', 400],
    ['an unknown name in the query', '/requests?reviewer=user:sam', 400],
    ['a query where none is taken', '/me?subject=user:sam', 400],
    ['a limit that is no number', '/requests?limit=1e3', 400],
    ['a limit of 0', '/requests?limit=0', 400],
    ['a place of another list', '/requests?after=zzz', 400],
    ['a malformed escape', '/requests/%E0%A4%A', 404],
    ['an encoded slash', '/requests/a%2Fapprove', 404],
    ['an empty id', '/requests/', 404],
    ['a path above the base', '/../v1/me/../../etc', 404],
    ['a prototype name as an id', '/requests/__proto__', 404],
    ['a long id', `/requests/${'x'.repeat(5_000)}`, 404],
  ])('with %s is refused', async (_, path, status) => {
    const service = aService();
    const { status: got, headers } = await service.send('GET', path, { as: MAYA });
    expect([got, headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    expect(service.errors).toEqual([]);
  });

  it('[NC15] for a path that does not exist names the document of the paths, and for an unknown id does not', async () => {
    const service = aService({ http: { basePath: '/access' } });
    const wrong = await service.send('GET', '/who-had-access', { as: MAYA });
    expect([wrong.status, wrong.body.detail]).toEqual([404, 'There is no such path: /access/v1/openapi.json lists the paths.']);
    expect((await service.send('GET', '/requests/unknown', { as: MAYA })).body.detail).toBe('There is no such resource.');
  });

  it.each([
    ['from', `from=${9e12}&to=${9e12 + 1}`],
    ['to', 'from=5&to=5'],
    ['scope', 'from=5&to=6&scope=db:*'],
  ])('for the history names %s as the query does', async (argument, query) => {
    const { status, body } = await aService().send('GET', `/history?${query}`, { as: SEC });
    expect([status, body.argument]).toEqual([400, argument]);
  });

  it('[WF26] for a dry run is answered with 200, and creates nothing', async () => {
    const service = aService();
    const answer = await send(service, { body: JSON.stringify({ ...ASK, dryRun: true }) });
    expect([answer.status, answer.body.dryRun, (await service.engine.listRequests()).items]).toEqual([200, true, []]);
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('with the method %s is 405, with the methods that there are', async (method) => {
    const { status, headers } = await aService().send(method, '/inbox', { as: MAYA });
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it.each(['', ' x', 'a\u200bb', 'k'.repeat(257)])('with the key %j is refused', async (key) => {
    const headers = new Headers(JSON_BODY);
    try {
      headers.set('idempotency-key', key);
    } catch {
      // No client can send this header either.
      return;
    }
    const status = (await send(aService(), { headers, body: JSON.stringify(ASK) })).status;
    // A header is trimmed on its way, so a space around it is not part of the key.
    expect(status).toBe(key === ' x' ? 201 : 400);
  });

  it.each([
    ['"abc"', 'abc', true],
    ['"a\\\\b"', 'a\\b', true],
    ['abc', 'ABC', false],
  ])('[WF31] with the keys %s and %s is one call: %s', async (first, second, isOne) => {
    const service = aService();
    const from = (key: string, body: object = ASK) =>
      send(service, { headers: { ...JSON_BODY, 'idempotency-key': key }, body: JSON.stringify(body) });
    const { status } = await from(first);
    const other = await from(second, { ...ASK, scope: 'db-prod:read' });
    expect([status, other.status]).toEqual([201, isOne ? 422 : 201]);
    if (isOne) expect(other.body.type).toBe('urn:jit-access:problem:idempotency');
    expect((await from('""')).status).toBe(400);
  });

  it.each(['k1, k2', 'k1,k1', '"k1", "k2"', '"k1","k1"', '"k1', 'k1"', 'k"1', '"k"1"', '"k1";a=1', '"k\\1"'])(
    '[A32] with the key %s, which names several keys or a part of one, is refused',
    async (key) => {
      const service = aService();
      const { status, body } = await send(service, { headers: { ...JSON_BODY, 'idempotency-key': key }, body: JSON.stringify(ASK) });
      expect([status, body.argument, (await service.engine.listRequests()).items]).toEqual([400, 'Idempotency-Key', []]);
    },
  );

  it('[A32] with a repeated Idempotency-Key is refused, also if both are equal', async () => {
    const headers = new Headers(JSON_BODY);
    for (const key of ['k1', 'k1']) headers.append('idempotency-key', key);
    expect((await send(aService(), { headers, body: JSON.stringify(ASK) })).status).toBe(400);
  });

  const texts = operations.flatMap(({ query, ...operation }) =>
    Object.entries(query?.().shape ?? {}).flatMap(([name, schema]) => {
      const { type } = inputSchemaOf(schema, () => ({}));
      return type === 'string' ? [[operation.id, name, { ...operation, query }] as const] : [];
    }),
  );
  it('[A29] the operations take some texts in their queries', () => {
    expect(texts.map(([id, name]) => `${id} ${name}`)).toContain('searchPeople search');
  });
  it.each(texts)('[A29] gives no code of the service a control in a text of the query: %s, %s', async (_, name, operation) => {
    const given: unknown[] = [];
    const take = (answer: unknown) => (argument: unknown) => {
      given.push(argument);
      return answer as never;
    };
    const people = { describe: take({}), search: take([]) };
    for (const part of ['\0', '\n', '\u001b', '\u202e', '\u2028']) {
      const { service, url } = await exampleOf(operation, MAYA, { http: { may: take(true), people, limit: take(0) } });
      const to = new URL(url, BASE);
      given.length = 0;
      to.searchParams.set(name, `db${part}b:c`);
      const { status } = await service.send('GET', `${to.pathname}${to.search}`, { as: SEC });
      expect([status, JSON.stringify(given)]).toEqual([expect.any(Number), expect.not.stringContaining(JSON.stringify(part).slice(1, -1))]);
    }
  });

  it('of a page of another origin is refused, with any cookies', async () => {
    const service = aService();
    const from = (headers: Record<string, string>) => service.send('POST', '/requests', { as: MAYA, body: ASK, headers });
    expect((await from({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await from({ origin: 'null' })).status).toBe(403);
    expect((await from({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await from({ origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' })).status).toBe(403);
    expect((await journalHead(service.engine)).seq).toBe(0);
    expect((await from({ origin: BASE })).status).toBe(201);
    expect((await from({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  it('[NC5] of a page of another Host, which a proxy has rewritten, is refused with a report of publicUrl and of both origins, once', async () => {
    const page = 'http://localhost:5173';
    const service = aService();
    const from = (origin: string) => service.send('POST', '/requests', { as: MAYA, body: ASK, headers: { origin } });
    const { status, body } = await from(page);
    expect([status, body.detail]).toEqual([403, expect.stringContaining('publicUrl')]);
    await from(page);
    expect(service.errors).toHaveLength(1);
    for (const part of ['publicUrl', page, BASE]) expect(String(service.errors[0])).toContain(part);
    for (let i = 0; i < 20; i++) await from(`https://evil${i}.example`);
    expect(service.errors).toHaveLength(10);
    const configured = aService({ http: { publicUrl: page } });
    const { status: accepted } = await configured.send('POST', '/requests', { as: MAYA, body: ASK, headers: { origin: page } });
    expect([accepted, configured.errors]).toEqual([201, []]);
  });

  it('of a configured origin is answered with its CORS headers, and no other gets any', async () => {
    const service = aService({ http: { corsOrigins: ['https://app.example.com'], publicUrl: BASE } });
    const preflight = (origin: string) =>
      service.send('OPTIONS', '/requests', { headers: { origin, 'access-control-request-method': 'POST' } });
    const allowed = await preflight('https://app.example.com');
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example.com']);
    const refused = await preflight('https://evil.example');
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([405, null]);
    const called = await service.send('GET', '/me', { as: MAYA, headers: { origin: 'https://app.example.com' } });
    expect([called.status, called.headers.get('access-control-allow-credentials'), called.headers.get('vary')]).toEqual([
      200,
      'true',
      'Origin',
    ]);
  });
});

const raise = (error: Error): never => {
  throw error;
};

describe('what the host provides', () => {
  it.each([
    ['identify', { identify: () => Promise.reject(new Error('the session store is down')) }],
    ['identify, with no subject', { identify: () => ({}) as TestCaller }],
    ['limit', { limit: () => Promise.reject(new Error('the counter is down')) }],
  ] satisfies [string, Partial<HttpOptions<TestCaller>>][])('failing in %s is 503, and decides nothing', async (_, http) => {
    const service = aService({ http });
    const { status, headers, text } = await service.send('POST', '/requests', { as: MAYA, body: ASK });
    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
    expect(text).not.toMatch(/session store|counter/);
    expect((await journalHead(service.engine)).seq).toBe(0);
  });

  it('failing in `onError`, at once or later, does not end the process', async () => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', hear);
    try {
      const identify = () => Promise.reject(new Error('the session store is down'));
      const failing: (() => unknown)[] = [
        () => Promise.reject(new Error('the reporter is down')),
        () => raise(new Error('the reporter is wrong')),
      ];
      for (const onError of failing) {
        const { status } = await aService({ http: { identify, onError } }).send('GET', '/me', { as: MAYA });
        expect(status).toBe(503);
      }
      await turns();
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', hear);
    }
  });

  it('failing in `may` is 503, and permits nothing', async () => {
    const may = () => Promise.reject(new Error('down'));
    const { status } = await aService({ http: { may } }).send('POST', '/revocations', { as: SEC, body: { scope: '**' } });
    expect(status).toBe(503);
  });

  it.each([undefined, 1, 'yes', {}])('permits only by true, and not by %j', async (answer) => {
    const service = aService({ http: { may: () => answer as unknown as boolean } });
    expect((await service.send('GET', '/locks', { as: SEC })).status).toBe(403);
  });

  it.each<readonly [unknown, number, string | null]>([
    [1.2, 429, '2'],
    [60, 429, '60'],
    [0, 200, null],
    [undefined, 200, null],
    ...[false, true, '60', null, -1, NaN, Infinity, 1e300].map((wrong) => [wrong, 503, '5'] as const),
  ])('[WF32] limits a caller by the seconds to wait, and permits nothing by any other answer: %s', async (answer, expected, retryAfter) => {
    const asked: string[] = [];
    const limit = (_: TestCaller, route: string) => {
      asked.push(route);
      return answer as number;
    };
    const { status, headers } = await aService({ http: { limit } }).send('GET', '/me', { as: MAYA });
    expect([status, headers.get('retry-after'), asked]).toEqual([expected, retryAfter, ['status']]);
  });

  it.each<readonly [object, number, readonly (string | null)[]]>([
    [{ quota: 100, window: 60, remaining: 7, reset: 11.2 }, 200, ['"default";q=100;w=60', '"default";r=7;t=12', null]],
    [{ policy: 'reads', quota: 9, remaining: 0 }, 200, ['"reads";q=9', '"reads";r=0', null]],
    [{ quota: 100, remaining: 0, reset: 12, wait: 30 }, 429, ['"default";q=100', '"default";r=0;t=12', '30']],
    [{ quota: 100, remaining: 0, reset: 12, wait: 0.5 }, 429, ['"default";q=100', '"default";r=0;t=12', '12']],
    ...[
      { quota: 1 },
      { remaining: 1 },
      { quota: 1, remaining: -1 },
      { quota: 1.5, remaining: 1 },
      { quota: 1, remaining: 1, window: 0 },
      { quota: 1, remaining: 1, reset: NaN },
      { quota: 1, remaining: 1, wait: -1 },
      { quota: 1e15, remaining: 1 },
      { quota: 1, remaining: 1, policy: 'a"\r\nb' },
      { quota: 1, remaining: 1, left: 1 },
    ].map((wrong) => [wrong, 503, [null, null, '5']] as const),
  ])('[A40] says the rest of a quota, and permits nothing by a wrong one: %j', async (left, expected, fields) => {
    const origin = 'https://pages.example.com';
    const service = aService({ http: { limit: () => left as { quota: number; remaining: number }, corsOrigins: [origin] } });
    const { status, headers } = await service.send('GET', '/me', { as: MAYA, headers: { origin } });
    const of = (got: Headers) => ['ratelimit-policy', 'ratelimit', 'retry-after'].map((name) => got.get(name));
    expect([status, of(headers)]).toEqual([expected, fields]);
    for (const name of ['RateLimit', 'RateLimit-Policy']) expect(headers.get('access-control-expose-headers')?.split(', ')).toContain(name);
    // A refusal of the call itself has them too, and a caller who is not known learns nothing.
    const refused = await service.send('GET', '/requests/none', { as: MAYA });
    expect([refused.status, of(refused.headers)]).toEqual([expected === 200 ? 404 : expected, fields]);
    const stranger = await service.send('GET', '/me');
    expect([stranger.status, of(stranger.headers)]).toEqual([401, [null, null, null]]);
  });

  it('a store that is down is 503 with Retry-After, and no decision', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const service = aService({ engine: { store } });
    store.inject('all', { fault: 'reject' });
    for (const [method, path, body] of [
      ['GET', '/me', undefined],
      ['GET', '/requests', undefined],
      ['GET', '/health', undefined],
      ['POST', '/requests', ASK],
    ] as const) {
      const { status, headers, text } = await service.send(method, path, { as: MAYA, ...(body === undefined ? {} : { body }) });
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '5']);
      expect(text).not.toContain('allowed');
    }
  });

  it('answers 401 without a caller, for a tenant that does not exist as for any other', async () => {
    const byTenant = createHttpHandler<TestCaller>(() => undefined, { identify });
    const service = aService();
    const [absent, known] = [await sender(byTenant)('GET', '/me'), await service.send('GET', '/me')];
    expect([absent.status, absent.text]).toEqual([401, known.text]);
  });

  it('a tenant whose engine cannot be found is 503', async () => {
    const byTenant = createHttpHandler<TestCaller>(() => Promise.reject(new Error('the directory is down')), { identify });
    expect((await sender(byTenant)('GET', '/me', { as: MAYA })).status).toBe(503);
  });

  it.each([null, {}, 'tenant-a', () => undefined])('a tenant whose engine is %j is 503, which `onError` receives', async (engine) => {
    const errors: unknown[] = [];
    const options = { identify, onError: (error: unknown) => errors.push(error) };
    const { status, text } = await sender(createHttpHandler<TestCaller>(() => engine as never, options))('GET', '/me', { as: MAYA });
    expect([status, String(errors[0])]).toEqual([503, expect.stringContaining('engine must be a JitEngine')]);
    expect(text).not.toContain('JitEngine');
  });

  it('an authentication of `identify` that cannot be read is 503, which `onError` receives', async () => {
    const caller = Object.assign({ subject: SAM, roles: [] }, { auth: { acr: 5 } });
    const service = aService({ http: { identify: () => caller } });
    const { request } = await service.engine.requestAccess({ ...ASK, subject: MAYA, ttl: '30m' });
    const { status, text } = await service.send('POST', `/requests/${request.id}/approve`, { body: {} });
    expect([status, String(service.errors[0])]).toEqual([503, expect.stringContaining('identify.auth.acr must be')]);
    expect(text).not.toContain('acr');
  });

  it('a tenant that does not exist is the 404 of an unknown id', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: [SAM] }) });
    const byTenant = createHttpHandler<TestCaller>((request) => (request.headers.get('x-tenant') === 'a' ? engine : undefined), {
      identify,
    });
    const call = sender(byTenant);
    const unknown = await call('GET', `/requests/${'0'.repeat(32)}`, { as: MAYA, headers: { 'x-tenant': 'a' } });
    const absent = await call('GET', '/me', { as: MAYA, headers: { 'x-tenant': 'b' } });
    expect([absent.status, absent.text]).toEqual([404, unknown.text]);
  });

  it('a closed engine is 503', async () => {
    const service = aService();
    await service.engine.close();
    expect((await service.send('GET', '/me', { as: MAYA })).status).toBe(503);
  });

  it('a call that takes too long is 503', async () => {
    const service = aService({ engine: { store: new FaultyStore(new MemoryGrantStore()) } });
    (service.store as FaultyStore).inject('live', { fault: 'hang' });
    const answer = service.send('GET', '/me', { as: MAYA });
    await turns();
    await service.clock.advance('10s');
    expect((await answer).body.type).toBe('urn:jit-access:problem:timeout');
  });
});

/** [A31] URLs that no browser sends as an `Origin`. */
const NO_ORIGINS = [
  'https://*.example.com',
  'https://a.example/',
  'https://a.example/access',
  'https://a.example?b',
  'https://a.example#b',
  'https://user:secret@a.example',
  'https://A.example',
  'HTTPS://a.example',
  'https://a.example:443',
  'http://a.example:80',
  ' https://a.example',
  'https://ä.example',
  'https://127.1',
  'null',
  'ws://a.example',
  'file:///a',
  '',
  7,
] as const;

describe('createHttpHandler()', () => {
  const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: [SAM] }) });
  it.each<readonly [options: object, argument: string]>([
    [{}, 'identify'],
    [{ identify, basePath: 'access' }, 'basePath'],
    [{ identify, basePath: '/access/' }, 'basePath'],
    [{ identify, publicUrl: 'access.example.com' }, 'publicUrl'],
    [{ identify, corsOrigins: 'https://a.example' }, 'corsOrigins'],
    [{ identify, corsOrigins: ['*'] }, 'corsOrigins[0]'],
    ...NO_ORIGINS.flatMap((origin) => [
      [{ identify, corsOrigins: ['https://a.example', origin] }, 'corsOrigins[1]'] as const,
      [{ identify, publicUrl: origin }, 'publicUrl'] as const,
    ]),
    [{ identify, may: true }, 'may'],
    [{ identify, realm: 'a"b' }, 'realm'],
    [{ identify, linkKeys: [] }, 'linkKeys'],
    [{ identify, auth: identify }, 'options'],
  ])('refuses the options %j, naming %s', async (options, argument) => {
    const make = () => createHttpHandler(engine, options as unknown as HttpOptions);
    expect((await refusal(make, 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
  });

  it('[A31] shows no password of an origin, and takes origins as browsers send them', async () => {
    const make = () => createHttpHandler(engine, { identify, corsOrigins: ['https://user:secret@a.example'] });
    const refused = await refusal(make, 'ERR_JIT_INVALID_ARGUMENT');
    expect(refused.message).not.toContain('secret');
    for (const origin of [
      'https://a.example',
      'http://localhost:5173',
      'https://[::1]:8443',
      'https://xn--4ca.example',
      'https://a_b.example',
    ])
      expect(createHttpHandler(engine, { identify, corsOrigins: [origin], publicUrl: origin }).basePath).toBe('');
  });

  it.each([undefined, null, {}, 'engine'])('refuses %j as an engine', async (wrong) => {
    const make = () => createHttpHandler(wrong as JitEngine, { identify });
    expect((await refusal(make, 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('engine');
  });
});

describe('toProblem()', () => {
  it.each([...PROBLEMS.filter(({ status }) => status >= 500).map(({ name }) => name), 'unexpected'])(
    '[WF9] does not say of a failure that nothing was decided: %s',
    (name) => {
      const code = `ERR_JIT_${name.toUpperCase().replaceAll('-', '_')}`;
      const failure = Object.assign(new StoreError('get', 'no answer'), { code });
      expect(toProblem(name === 'unexpected' ? new Error('x') : failure).body.detail).not.toMatch(SAYS_NOTHING_WAS_DECIDED);
    },
  );

  it.each([undefined, null, 'text', new Error('secret'), { code: 'ERR_JIT_DECIDED' }])(
    'answers %s with 500 and no part of it',
    (thrown) => {
      const { status, body } = toProblem(thrown);
      expect([status, body.type]).toEqual([500, 'urn:jit-access:problem:internal']);
      expect(JSON.stringify(body)).not.toContain('secret');
    },
  );
});

describe('an id in another form', () => {
  it('is judged by `may` in the form on which the engine acts', async () => {
    const canonicalId = (id: string) => id.toLowerCase();
    const ceo = 'user:ceo';
    const service = aService({ engine: { canonicalId }, http: { may: ({ target }) => target.subject !== ceo } });
    for (const path of ['/requests?subject=User:CEO', '/grants?subject=User:CEO', '/requests?requestedBy=User:CEO&subject=User:CEO']) {
      expect([path, (await service.send('GET', path, { as: SEC })).status]).toEqual([path, 403]);
    }
    for (const [path, body] of [
      ['/locks', { subject: 'User:CEO' }],
      ['/revocations', { subject: 'User:CEO' }],
      ['/requests', { ...ASK, subject: 'User:CEO' }],
    ] as const) {
      expect([path, (await service.send('POST', path, { as: SEC, body })).status]).toEqual([path, 403]);
    }
    expect((await service.engine.listLocks()).length).toBe(0);
  });
});

describe('time', () => {
  it('of a hanging `identify` is bounded, for a call and for a stream, and delays no other stream', async () => {
    let isHanging = false;
    const service = aService({
      http: {
        identify: (request) => (isHanging && request.headers.get('x-user') === MAYA ? new Promise(() => undefined) : identify(request)),
      },
    });
    const open = (as: string) => service.handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': as } }));
    const [maya, sam] = [await open(MAYA), await open(SAM)];
    isHanging = true;
    const call = service.send('GET', '/me', { as: MAYA });
    await turns();
    await service.clock.advance('10s');
    expect((await call).status).toBe(503);
    await service.clock.advance('30s');
    await turns();
    await service.clock.advance('10s');
    expect((await maya.text()).match(/keep-alive/g)?.length).toBe(2);
    await service.clock.advance('1m');
    await service.engine.close();
    expect((await sam.text()).match(/keep-alive/g)?.length).toBeGreaterThan(6);
  });

  it('of a failing clock is 503, and the process survives it', async () => {
    const service = aService();
    const { now } = service.clock;
    const stream = await service.handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': SAM } }));
    service.clock.now = () => {
      throw new Error('the clock is broken');
    };
    for (const path of ['/me', '/health', '/requests']) {
      expect([path, (await service.send('GET', path, { as: MAYA })).status]).toEqual([path, 503]);
    }
    service.clock.now = now;
    expect((await service.send('GET', '/health')).status).toBe(200);
    await service.engine.close();
    expect(await stream.text()).toMatch(/^event: ready/);
  });

  it.each([
    ['requestAccess', () => '/requests', MAYA, ASK],
    ['approve', (id: string) => `/requests/${id}/approve`, SAM, {}],
    ['deny', (id: string) => `/requests/${id}/deny`, SAM, {}],
    ['cancel', (id: string) => `/requests/${id}/cancel`, MAYA, {}],
    ['revokeAll', () => '/revocations', SEC, { subject: MAYA }],
  ] satisfies [string, (id: string) => string, string, object][])(
    '[WF9] of a clock that fails once in %s is 503, and no answer says that nothing was decided',
    async (_, path, as, body) => {
      let isReached = true;
      for (let failing = 1; isReached; failing++) {
        const service = aService();
        const { request } = await service.engine.requestAccess({ ...ASK, subject: MAYA, ttl: '30m', scope: 'db-prod:read' });
        const { clock } = service;
        const now = clock.now.bind(clock);
        let reads = 0;
        clock.now = () => (++reads === failing ? raise(new Error('no clock')) : now());
        const { status, text } = await service.send('POST', path(request.id), { as, body });
        isReached = reads >= failing;
        // An approver's answer whose time limit fails counts as a failed approver.
        expect([failing, status, text]).toEqual([failing, expect.toSatisfy((got: number) => got < 300 || got === 503), text]);
        expect(text).not.toMatch(SAYS_NOTHING_WAS_DECIDED);
        clock.now = now;
        await service.engine.close();
      }
    },
  );

  it('of a clock that fails while a body arrives is 503, and no fault of the client', async () => {
    const service = aService();
    const { clock } = service;
    const sleep = clock.sleep.bind(clock);
    let sleeps = 0;
    // The first sleep bounds the caller, the second the call, the third its body.
    clock.sleep = (until, signal) => (++sleeps === 3 ? Promise.reject(new Error('no timer')) : sleep(until, signal));
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) });
    const { status, body: problem } = await send(service, { body, duplex: 'half' } as RequestInit);
    expect([status, problem.code]).toEqual([503, 'ERR_JIT_CLOCK']);
    await service.engine.close();
  });

  it('of a late answer opens no stream', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const service = aService({ engine: { store } });
    for (let i = 0; i < 12; i++) {
      const restore = store.inject('journal', { fault: 'hang' });
      const late = service.handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': SAM } }));
      await turns();
      await service.clock.advance('10s');
      expect((await late).status).toBe(503);
      restore();
      store.release();
      await turns();
    }
    const open = await service.handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': SAM } }));
    expect(open.status).toBe(200);
    await service.engine.close();
  });

  it('of a wait is given to ten calls of a caller at a time', async () => {
    const service = aService();
    const { body } = await service.send('POST', '/requests', { as: MAYA, body: ASK });
    const id: unknown = body.request?.id;
    if (typeof id !== 'string') throw new Error('expected an id');
    const waits = Array.from({ length: 12 }, () => service.send('GET', `/requests/${id}`, { as: MAYA, headers: { prefer: 'wait=30' } }));
    await turns();
    await service.engine.deny(id, { by: SAM });
    const answers = await Promise.all(waits);
    expect(answers.filter(({ headers }) => headers.has('preference-applied'))).toHaveLength(10);
    expect(answers.map(({ body: found }) => found.outcome as unknown as string).filter((outcome) => outcome === 'denied')).toHaveLength(10);
  });

  it('of a wait is free again after calls whose client had gone', async () => {
    const service = aService();
    const { body } = await service.send('POST', '/requests', { as: MAYA, body: ASK });
    const id: unknown = body.request?.id;
    if (typeof id !== 'string') throw new Error('expected an id');
    const wait = { as: MAYA, headers: { prefer: 'wait=30' } };
    const gone = AbortSignal.abort();
    const headers = { 'x-user': MAYA, prefer: 'wait=30' };
    for (let calls = 0; calls < 12; calls++) await service.handler(new Request(`${BASE}/v1/requests/${id}`, { headers, signal: gone }));
    const waiting = service.send('GET', `/requests/${id}`, wait);
    await turns();
    await service.engine.deny(id, { by: SAM });
    expect((await waiting).body.outcome).toBe('denied');
  });
});
