import { createAuthzenHandler, createAuthzenMetadataHandler, type AuthzenOptions } from 'jit-access/authzen';
import { accessRequests, joseSigner } from 'jit-access/authzen/access-request';
import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../src/index.js';
import { anEngine } from '../../engine/an-engine.js';
import { EVALUATION, GATEWAY, JWK, OPTIONS, signerOf } from './authzen-of.js';

const handlerOf = (options: Partial<AuthzenOptions> = {}) => createAuthzenHandler(anEngine().engine, { ...OPTIONS, ...options });
const read = async (handlers: readonly ReturnType<typeof handlerOf>[], url: string, method = 'GET') => {
  const response = await createAuthzenMetadataHandler(handlers)(new Request(url, { method, headers: { 'x-request-id': 'r1' } }));
  // [WF22] A shared cache gives a public answer to other clients.
  const isPublic = response.headers.get('cache-control')?.startsWith('public') === true;
  expect(response.headers.get('x-request-id')).toBe(isPublic ? null : 'r1');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  return response;
};

const WELL_KNOWN = '/.well-known/authzen-configuration';

describe('A.4 metadata', () => {
  it('A.4 names the endpoints, without members that have no value', async () => {
    const response = await read([handlerOf()], `https://pdp.example.com${WELL_KNOWN}`);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'public, max-age=3600',
    ]);
    expect(await response.json()).toEqual({
      policy_decision_point: 'https://pdp.example.com',
      access_evaluation_endpoint: 'https://pdp.example.com/access/v1/evaluation',
      access_evaluations_endpoint: 'https://pdp.example.com/access/v1/evaluations',
      search_subject_endpoint: 'https://pdp.example.com/access/v1/search/subject',
      search_resource_endpoint: 'https://pdp.example.com/access/v1/search/resource',
      search_action_endpoint: 'https://pdp.example.com/access/v1/search/action',
    });
  });

  it('D1 D2 D3 names the request endpoint, the keys and the capability of the profile', async () => {
    const response = await read(
      [handlerOf({ accessRequests: accessRequests({ signer: signerOf() }) })],
      `https://pdp.example.com${WELL_KNOWN}`,
    );
    expect(await response.json()).toMatchObject({
      access_request_endpoint: 'https://pdp.example.com/access/v1/requests',
      jwks_uri: 'https://pdp.example.com/access/v1/jwks.json',
      capabilities: ['urn:openid:authzen:capability:access-request'],
    });
  });

  it('A.4 puts the path of a tenant behind the well-known path', async () => {
    const handlers = [handlerOf({ publicUrl: 'https://h.example/tenant1' }), handlerOf({ publicUrl: 'https://h.example/tenant2' })];
    for (const tenant of ['tenant1', 'tenant2']) {
      const body = (await (await read(handlers, `https://h.example${WELL_KNOWN}/${tenant}`)).json()) as Record<string, string>;
      expect(body['policy_decision_point']).toBe(`https://h.example/${tenant}`);
      expect(body['access_evaluation_endpoint']).toBe(`https://h.example/${tenant}/access/v1/evaluation`);
    }
    expect((await read(handlers, `https://h.example${WELL_KNOWN}`)).status).toBe(404);
    expect((await read(handlers, `https://h.example${WELL_KNOWN}/tenant3`)).status).toBe(404);
    const post = await read(handlers, `https://h.example${WELL_KNOWN}/tenant1`, 'POST');
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('A.4 [WF27] answers HEAD like GET, without the body', async () => {
    const handler = handlerOf({ accessRequests: accessRequests({ signer: signerOf() }) });
    const open = createAuthzenMetadataHandler([handler]);
    const both = (request: Request) => (request.url.includes('.well-known') ? open(request) : handler(request));
    const url = 'https://pdp.example.com';
    for (const path of [WELL_KNOWN, `${WELL_KNOWN}/none`, '/access/v1/jwks.json', '/access/v1/request-schema.json', '/access/v1/none']) {
      const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => both(new Request(`${url}${path}`, { method }))));
      expect([path, head?.status, [...(head?.headers ?? [])]]).toEqual([path, get?.status, [...(get?.headers ?? [])]]);
      expect([await head?.text(), (await get?.text()) === '']).toEqual(['', false]);
    }
  });

  it('serves another base path behind a gateway, under the URL that clients use', async () => {
    const handler = handlerOf({
      publicUrl: 'https://api.example/authz',
      basePath: '/internal/pdp',
      endpointUrl: 'https://api.example/authz/v1/',
    });
    expect([handler.basePath, handler.metadataPath]).toEqual(['/internal/pdp', `${WELL_KNOWN}/authz`]);
    expect(handler.metadata['access_evaluation_endpoint']).toBe('https://api.example/authz/v1/evaluation');
    const init = {
      method: 'POST',
      headers: { authorization: GATEWAY, 'content-type': 'application/json' },
      body: JSON.stringify(EVALUATION),
    };
    expect((await handler(new Request('http://10.0.0.7:8080/internal/pdp/evaluation', init))).status).toBe(200);
    expect((await handler(new Request('https://api.example/authz/v1/evaluation', init))).status).toBe(404);
  });

  it('D3 publishes only public members of the keys', async () => {
    const handler = handlerOf({ accessRequests: accessRequests({ signer: signerOf('key-7') }) });
    const response = await handler(new Request('https://pdp.example.com/access/v1/jwks.json'));
    const { d: _, ...open } = JWK;
    expect([response.status, await response.json()]).toEqual([200, { keys: [{ ...open, kid: 'key-7', alg: 'ES256', use: 'sig' }] }]);
  });

  it('F1 publishes a JSON Schema of what a submission may add', async () => {
    const handler = handlerOf({ accessRequests: accessRequests({ signer: signerOf() }) });
    const response = await handler(new Request('https://pdp.example.com/access/v1/request-schema.json'));
    expect(await response.json()).toMatchObject({
      type: 'object',
      properties: {
        context: { properties: { business_justification: { type: 'string' }, ticket: { type: 'string' } } },
        requested_access: { properties: { requested_until: { format: 'date-time' }, emergency: { type: 'boolean' } } },
      },
    });
  });
});

describe('options', () => {
  const signer = signerOf();
  it.each<[string, object]>([
    ['publicUrl', { publicUrl: undefined }],
    ['publicUrl', { publicUrl: 'http://pdp.example.com' }],
    ['publicUrl', { publicUrl: 'https://u:p@pdp.example.com' }],
    ['publicUrl', { publicUrl: 'https://pdp.example.com?x=1' }],
    ['publicUrl', { publicUrl: 'https://pdp.example.com/#' }],
    ['publicUrl', { publicUrl: 'ftp://pdp.example.com' }],
    ['publicUrl', { publicUrl: 'pdp.example.com' }],
    ['endpointUrl', { endpointUrl: 'http://pdp.example.com/x' }],
    ['basePath', { basePath: '/access/' }],
    ['basePath', { basePath: 'access' }],
    ['basePath', { basePath: '/a%2Fb' }],
    ['identify', { identify: undefined }],
    ['may', { may: true }],
    ['limit', { limit: 5 }],
    ['map', { map: {} }],
    ['condition', { condition: 'x' }],
    ['reasons', { reasons: 'no' }],
    ['codec', { codec: {} }],
    ['directory', { directory: { things: () => [] } }],
    ['directory.subjects', { directory: { subjects: [] } }],
    ['agent', { agent: 'agent:x' }],
    ['tokenKeys', { tokenKeys: [] }],
    ['tokenKeys', { tokenKeys: undefined }],
    ['tokenKeys[0].secret', { tokenKeys: [{ id: 'a', secret: 'short' }] }],
    ['tokenKeys[0].id', { tokenKeys: [{ id: 'a b', secret: 's'.repeat(32) }] }],
    ['tokenKeys[1].id', { tokenKeys: [1, 2].map(() => ({ id: 'a', secret: 's'.repeat(32) })) }],
    ['challenge', { challenge: 'a\nb' }],
    ['timeout', { timeout: 0 }],
    ['options', { unknown: 1 }],
    // The options of the profile, or a value of another copy of the package, are no profile.
    ['accessRequests', { accessRequests: { signer } }],
    ['accessRequests', { accessRequests: { experimental: 'access-request' } }],
    ['accessRequests', { accessRequests: null }],
    ['accessRequests', { accessRequests: true }],
  ])('refuses a wrong %s and names it (%#)', (argument, options) => {
    const make = () => handlerOf(options);
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(expect.objectContaining({ argument }) as Error);
    expect(make).not.toThrow(/short/);
  });

  it.each<[string, object]>([
    ['options', { signer, callback: true }],
    ['signer', {}],
    ['signer', { signer: { sign: () => '' } }],
    ['ttl', { signer, ttl: 'x' }],
    ['bindingWindow', { signer, bindingWindow: 999 }],
    ['clockSkewMs', { signer, clockSkewMs: 60_001 }],
    ['clockSkewMs', { signer, clockSkewMs: Number.NaN }],
    ['retention', { signer, retention: -1 }],
    ['boundContext', { signer, boundContext: 'ip' }],
    ['boundContext[0]', { signer, boundContext: [7] }],
    ['emergency', { signer, emergency: 'yes' }],
    ['exactTuple', { signer, exactTuple: 1 }],
  ])('accessRequests refuses a wrong %s and names it (%#)', (argument, options) => {
    expect(() => accessRequests(options as never)).toThrow(InvalidArgumentError);
    expect(() => accessRequests(options as never)).toThrow(expect.objectContaining({ argument }) as Error);
  });

  it('accepts http: on this machine, and refuses any value other than an engine', () => {
    for (const publicUrl of ['http://localhost:8080', 'http://127.0.0.1', 'http://[::1]:1'])
      expect(handlerOf({ publicUrl }).basePath).toBe('/access/v1');
    expect(() => createAuthzenHandler({} as never, OPTIONS)).toThrow(expect.objectContaining({ argument: 'engine' }) as Error);
    expect(() => createAuthzenMetadataHandler([], { maxAge: -1 })).toThrow(expect.objectContaining({ argument: 'maxAge' }) as Error);
  });

  it.each<[string, unknown, object]>([
    ['jose', {}, { keys: [] }],
    ['jose', undefined, { keys: [] }],
    ['keys', jose, { keys: [] }],
    ['keys[0].kid', jose, { keys: [{ kid: '', alg: 'ES256', jwk: JWK }] }],
    ['keys[0].alg', jose, { keys: [{ kid: 'a', alg: 'HS256', jwk: JWK }] }],
    ['keys[0].alg', jose, { keys: [{ kid: 'a', alg: 'none', jwk: JWK }] }],
    ['keys[0].jwk', jose, { keys: [{ kid: 'a', alg: 'ES256', jwk: { kty: 'EC', x: JWK.x } }] }],
    ['options', jose, { key: [] }],
  ])('joseSigner refuses a wrong %s and names it (%#)', (argument, module, options) => {
    expect(() => joseSigner(module as never, options as never)).toThrow(expect.objectContaining({ argument }) as Error);
  });
});
