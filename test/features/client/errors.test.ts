import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createClient, HttpClientError, type AccessClient } from '../../../src/client.js';
import * as library from '../../../src/index.js';
import { engineErrorOf } from '../../../src/features/client/errors.js';
import { PROBLEMS } from '../../../src/features/http/problem.js';
import { toProblem } from '../../../src/http.js';
import { aService, EVE, MAYA, SAM, SCOPE } from '../http/world.js';
import { aClient, caught } from './client-world.js';

const { isJitError, JitError, DecidedError, NotFoundError, RequirementsError } = library;
const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;

describe('an error of a call', () => {
  it('is an instance of the class of its code, with the fields of the answer and the answer as its cause', async () => {
    const service = aService();
    const { client } = aClient(service);
    const { request } = await client.requestAccess(ASK);
    await client.cancel(request.id);
    const error = (await caught(aClient(service, SAM).client.approve(request.id))) as library.DecidedError;
    expect(error).toBeInstanceOf(DecidedError);
    expect(isJitError(error)).toBe(true);
    expect({ ...error }).toEqual({ code: 'ERR_JIT_DECIDED', name: 'DecidedError', requestId: request.id, status: 'cancelled' });
    expect(error.message).toBe(`request ${request.id} is already cancelled`);
    expect(error.stack).toContain('errors.ts');
    expect(error.cause).toBeInstanceOf(HttpClientError);
    expect(error.cause).toMatchObject({ status: 409, type: 'urn:jit-access:problem:decided', problem: { title: 'Already decided' } });
  });

  it('has the problems that a form shows', async () => {
    const { client } = aClient(aService());
    const error = (await caught(client.requestAccess({ scope: SCOPE, ttl: '9h' }))) as library.RequirementsError;
    expect(error).toBeInstanceOf(RequirementsError);
    expect(error.problems.map(({ field, code }) => [field, code])).toEqual([
      ['ttl', 'too_long'],
      ['ttl', 'too_long'],
      ['justification', 'missing'],
    ]);
  });

  it('says nothing about a request of others', async () => {
    const service = aService();
    const { request } = await aClient(service).client.requestAccess(ASK);
    const [seen, unknown] = await Promise.all(
      [request.id, 'f'.repeat(32)].map((id) => caught(aClient(service, EVE).client.getRequest(id))),
    );
    expect(seen).toBeInstanceOf(NotFoundError);
    expect({ ...(seen as object) }).toEqual({ ...(unknown as object) });
  });

  it.each([
    ['no caller', 401, 'urn:jit-access:problem:unauthenticated', (c) => c.status()],
    ['a call that may refuses', 403, 'urn:jit-access:problem:forbidden', (c) => c.listLocks()],
  ] satisfies [string, number, string, (client: ReturnType<typeof aClient>['client']) => Promise<unknown>][])(
    'is an HttpClientError for %s',
    async (_, status, type, call) => {
      const { client } = aClient(aService(), MAYA, status === 401 ? { headers: {} } : {});
      const error = await caught(call(client));
      expect(error).toBeInstanceOf(HttpClientError);
      expect(isJitError(error)).toBe(false);
      expect(error).toMatchObject({ name: 'HttpClientError', status, type });
    },
  );

  it.each([
    ['a page of a proxy', new Response('<html>sign in</html>', { status: 200 }), 'GET /me: status 200, not from the handler'],
    ['an answer without a body', new Response(null, { status: 204 }), 'GET /me: status 204, not from the handler'],
    ['a 304 that the client did not ask for', new Response(null, { status: 304 }), 'GET /me: status 304, not from the handler'],
    ['JSON of another service', Response.json({ error: 'nope' }, { status: 418 }), 'GET /me: status 418, not from the handler'],
  ])('is an HttpClientError for %s', async (_, response, message) => {
    const { client } = aClient(aService(), MAYA, { fetch: async () => response });
    expect(await caught(client.status())).toMatchObject({ name: 'HttpClientError', message, problem: undefined, type: undefined });
  });

  describe.each([301, 302, 303, 307, 308])('[WF6] is an HttpClientError for a redirect (%i), which is not followed', (status) => {
    it.each([
      ['of a POST', (client) => client.lock({ subject: EVE })],
      ['of a GET', (client) => client.status()],
      ['of a page', (client) => client.listRequests()],
      ['of a list', (client) => client.listLocks()],
      ['of the events', (client) => client.events()[Symbol.asyncIterator]().next()],
    ] satisfies [string, (client: AccessClient) => PromiseLike<unknown>][])('%s', async (_, call) => {
      const received: (readonly [port: number | undefined, token: unknown])[] = [];
      const serve = async (location?: string) => {
        const server = createServer(({ headers, socket, url = '' }, response) => {
          received.push([socket.localPort, headers['x-access-token']]);
          if (location === undefined) response.end('{"badge":"forged","items":[]}');
          else response.writeHead(status, { location: `${location}${url}` }).end('{"moved":true}');
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        return { server, port: (server.address() as AddressInfo).port };
      };
      const other = await serve();
      const own = await serve(`http://127.0.0.1:${other.port}`);
      const client = createClient({ baseUrl: `http://127.0.0.1:${own.port}`, headers: { 'x-access-token': 'of-maya' } });
      const error = await caught(Promise.resolve(call(client)).then((value) => Promise.reject(new Error(JSON.stringify(value)))));
      expect(error).toMatchObject({ name: 'HttpClientError', status, message: expect.stringMatching(/not from the handler$/) as string });
      expect(received).toEqual([[own.port, 'of-maya']]);
      for (const { server } of [own, other]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });
  });

  it('is an HttpClientError with the cause where the network fails', async () => {
    const cause = new TypeError('fetch failed');
    const { client } = aClient(aService(), MAYA, { fetch: () => Promise.reject(cause) });
    const error = await caught(client.approve('some-id'));
    expect(error).toMatchObject({ message: 'POST /requests/some-id/approve: no answer (fetch failed)', status: undefined, cause });
  });

  it('is the error of the function that makes the headers', async () => {
    const failure = new Error('no token');
    const { client } = aClient(aService(), MAYA, { headers: () => Promise.reject(failure) });
    expect(await caught(client.status())).toBe(failure);
  });
});

/** One error of each class, by its code. */
const REQUEST = { id: 'r1', end: { status: 'denied' } } as never;
const SAMPLES: { readonly [Code in library.JitErrorCode]: Extract<library.AnyJitError, { code: Code }> } = {
  ERR_JIT_INVALID_ARGUMENT: new library.InvalidArgumentError('ttl', 'short', '9h'),
  ERR_JIT_STORE: new library.StoreError('get', 'down'),
  ERR_JIT_OUTCOME_UNKNOWN: new library.OutcomeUnknownError('c1'),
  ERR_JIT_HOOK: new library.HookError('c1', new Error('the row was refused')),
  ERR_JIT_CONFLICT: new library.ConflictError(3),
  ERR_JIT_DECIDED: new library.DecidedError(REQUEST),
  ERR_JIT_DEADLINE: new library.DeadlineError('r1', 5),
  ERR_JIT_UNDECIDED: new library.UndecidedError('r1'),
  ERR_JIT_NOT_FOUND: new library.NotFoundError('request', 'r1'),
  ERR_JIT_SELF_REVIEW: new library.SelfReviewError('r1', MAYA),
  ERR_JIT_NOT_REVIEWER: new library.NotReviewerError('r1', MAYA, 'not_in_group'),
  ERR_JIT_ENDED: new library.EndedError('g1', undefined),
  ERR_JIT_LINK: new library.LinkError('used', 'r1'),
  ERR_JIT_INELIGIBLE: new library.IneligibleError(MAYA, [SCOPE], 'no rule'),
  ERR_JIT_REQUIREMENTS: new library.RequirementsError(MAYA, [SCOPE], [], 'why'),
  ERR_JIT_LOCKED: new library.LockedError({ id: 'l1', subject: MAYA, until: 5 } as never),
  ERR_JIT_IDEMPOTENCY: new library.IdempotencyError('r1'),
  ERR_JIT_LIMIT: new library.LimitError('maxGrants', 1, 2),
  ERR_JIT_CLOCK: new library.ClockError('back'),
  ERR_JIT_LAYOUT: new library.LayoutError(2, 2, 1),
  ERR_JIT_ROLLBACK: new library.RollbackError({ seq: 2, hash: 'a' }, { seq: 1, hash: 'b' }),
  ERR_JIT_MOVED: new library.MovedError('payments', 'a new place'),
  ERR_JIT_PURGED: new library.PurgedError(5),
  ERR_JIT_CORRUPT: new library.CorruptError('grant', 'g1', 'cut'),
  ERR_JIT_APPROVER: new library.ApproverError('policy', undefined, 'slow'),
  ERR_JIT_DENIED: new library.DeniedError('no', MAYA, undefined),
  ERR_JIT_CLOSED: new library.ClosedError(),
  ERR_JIT_PARTIAL: new library.PartialError({ grants: [], requests: [] }, [{ kind: 'grant', id: 'g1', error: undefined }], 'l1'),
};

describe('the error of a code', () => {
  it.each(Object.entries(SAMPLES))('has the class, the name and the fields of the answer: %s', (code, thrown) => {
    const { status, body } = toProblem(thrown);
    const error = engineErrorOf(new HttpClientError(body.detail, undefined, status, body)) as Error & Record<string, unknown>;
    expect(isJitError(error)).toBe(true);
    expect([error.code, error.name, error.message]).toEqual([code, thrown.name, body.detail]);
    // A failure of the service has no fields that its class promises.
    expect(Object.getPrototypeOf(error)).toBe(status >= 500 ? JitError.prototype : Object.getPrototypeOf(thrown));
    const { type: _, title: _title, status: _status, detail: _detail, outcome, ...members } = body;
    expect({ ...error }).toEqual({ ...members, code, name: thrown.name, ...(outcome === undefined ? {} : { status: outcome }) });
    for (const [name, value] of Object.entries(error)) expect([name, value]).toEqual([name, thrown[name as keyof typeof thrown]]);
  });

  it('of a later version is a JitError', () => {
    const body = { type: 'urn:jit-access:problem:quota', title: 'Quota', status: 429, detail: 'wait', code: 'ERR_JIT_QUOTA', left: 0 };
    const error = engineErrorOf(new HttpClientError('wait', undefined, 429, body));
    expect(error).toBeInstanceOf(JitError);
    expect({ ...(error as Error) }).toEqual({ name: 'QuotaError', code: 'ERR_JIT_QUOTA' });
    expect(error).toMatchObject({ cause: { problem: { left: 0 } } });
  });

  it('has each member that the handler gives', () => {
    const members = [...new Set(PROBLEMS.flatMap(({ members }) => members))];
    const body = { type: 't', title: 't', status: 409, detail: 'd', code: 'ERR_JIT_DECIDED' };
    for (const name of members) {
      const error = engineErrorOf(new HttpClientError('d', undefined, 409, { ...body, [name]: 'given' }));
      expect(error).toHaveProperty(name === 'outcome' ? 'status' : name, 'given');
    }
    expect(members.length).toBeGreaterThan(15);
  });

  it('takes no other member, which could replace a part of it', async () => {
    const hostile =
      '"__proto__":{"x":1},"constructor":1,"toString":1,"valueOf":1,"toJSON":1,"stack":"s","message":{"x":1},"name":"n","cause":1,"end":1';
    const body = `{"type":"t","status":409,"title":"x","detail":"d","code":"ERR_JIT_DECIDED",${hostile},"requestId":"r1"}`;
    const { client } = aClient(aService(), MAYA, { fetch: async () => new Response(body, { status: 409 }) });
    const error = (await caught(client.getRequest('r1'))) as library.DecidedError;
    expect({ ...error }).toEqual({ code: 'ERR_JIT_DECIDED', name: 'DecidedError', requestId: 'r1' });
    expect(error).toBeInstanceOf(DecidedError);
    expect([String(error), error.stack?.includes('errors.ts'), error.cause]).toEqual([
      'DecidedError: d',
      true,
      expect.any(HttpClientError),
    ]);
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it.each(['{"toString":1,"valueOf":1}', '7', 'null'])(
    'is an HttpClientError where the answer has no text as its detail: %s',
    async (detail) => {
      const body = `{"type":"t","code":"ERR_JIT_DECIDED","detail":${detail}}`;
      const { client } = aClient(aService(), MAYA, { fetch: async () => new Response(body, { status: 409 }) });
      expect(await caught(client.status())).toMatchObject({
        name: 'HttpClientError',
        message: 'GET /me: status 409, not from the handler',
      });
    },
  );

  it.each(['constructor', '__proto__', 'toString', 'ERR_JIT_', 'ERR_JIT_X\u001b[2J', 'ERR_JIT_Decided', 7, undefined])(
    'is the failure itself for no code of the library: %s',
    (code) => {
      const failure = new HttpClientError('x', undefined, 400, { type: 't', title: 't', status: 400, detail: 'd', ...(code && { code }) });
      expect(engineErrorOf(failure)).toBe(failure);
    },
  );
});
