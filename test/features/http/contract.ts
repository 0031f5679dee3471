import { expect } from 'vitest';
import type { Body } from './world.js';

/* What the handler does in every framework and runtime, over real connections. The cases use only HTTP. */

/** A service that listens: the handler at `/access`, and a route of its own at `/other` where the framework has routes. */
export interface HttpServer {
  readonly url: string;
  /** Sent with every call: a server of several services recognises by them which one is meant. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

export interface HttpServed {
  readonly name: string;
  /** Whether the framework serves other routes beside the handler. */
  readonly hasOthers: boolean;
  /** Titles of cases that the runtime cannot pass, as its documentation says. */
  readonly without?: readonly string[];
  /** Serves a new engine with the policy and the callers of `world.ts`, on a free port. */
  readonly serve: () => Promise<HttpServer>;
}

interface Suite {
  readonly describe: (name: string, define: () => void) => void;
  readonly it: (name: string, run: () => Promise<void>) => void;
}

interface Init {
  readonly as?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const MAYA = 'user:maya';
const SAM = 'user:sam';
const EVE = 'user:eve';
const ASK = { scope: 'db-prod:write', ttl: '30m', justification: 'INC-204: backfill' };

/** Calls the handler of a server. A text as the body is sent as it is. */
function caller({ url, headers: ofServer = {} }: HttpServer) {
  const open = (method: string, path: string, { as, body, headers = {}, signal }: Init = {}) =>
    fetch(`${url}/access/v1${path}`, {
      method,
      headers: {
        ...ofServer,
        ...(as === undefined ? {} : { 'x-user': as }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  const call = async (method: string, path: string, init?: Init) => {
    const response = await open(method, path, init);
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
    return { status: response.status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : {}) as Body };
  };
  return { open, call };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

type Caller = ReturnType<typeof caller>;

/** Asks as maya. @returns the id of the request */
async function asked({ call }: Caller, over: object = {}): Promise<string> {
  const { status, body } = await call('POST', '/requests', { as: MAYA, body: { ...ASK, ...over } });
  expect(status).toBe(201);
  return textOf(body.request?.id);
}

/** Reads server-sent events until one of a type has arrived. */
async function untilEvent(response: Response, type: string): Promise<readonly string[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes(`event: ${type}\n`) || !text.endsWith('\n\n')) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended before ${type}: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text.split('\n\n').filter((event) => event.startsWith('event: '));
}

const idOf = (event: string | undefined): string => /^id: (.*)$/m.exec(event ?? '')?.[1] ?? '';

const cases: Readonly<Record<string, (served: Caller, server: HttpServer) => Promise<void>>> = {
  'carries a request from the ask to the release': async ({ call }) => {
    const { status, headers, body } = await call('POST', '/requests', { as: MAYA, body: ASK });
    expect([status, body.outcome, body.request?.status]).toEqual([201, 'pending', 'pending']);
    const id = textOf(body.request?.id);
    expect(headers.get('location')).toBe(`/access/v1/requests/${id}`);
    const inbox = await call('GET', '/inbox', { as: SAM });
    expect(inbox.body.items?.[0]?.request?.id).toBe(id);
    const approved = await call('POST', `/requests/${id}/approve`, { as: SAM, body: { ttl: '10m' } });
    expect([approved.status, approved.body.allowed]).toEqual([200, true]);
    const me = await call('GET', '/me', { as: MAYA });
    expect([me.body.held?.[0]?.scope, me.body.badge?.state]).toEqual([ASK.scope, 'held']);
    const released = await call('POST', `/grants/${id}.1/release`, { as: MAYA, body: { reason: 'done' } });
    expect([released.status, released.body.status]).toEqual([200, 'revoked']);
    expect((await call('GET', '/me', { as: MAYA })).body.badge?.text).toBe('read-only');
  },

  'answers 401 with a challenge, and 404 with the same bytes for a stranger and for an unknown id': async (served) => {
    const id = await asked(served);
    const { status, headers, body } = await served.call('GET', `/requests/${id}`);
    expect([status, headers.get('www-authenticate'), body.type]).toEqual([
      401,
      'Bearer realm="jit-access"',
      'urn:jit-access:problem:unauthenticated',
    ]);
    const stranger = await served.call('GET', `/requests/${id}`, { as: EVE });
    const unknown = await served.call('GET', `/requests/${'0'.repeat(32)}`, { as: EVE });
    expect([stranger.status, stranger.text]).toEqual([404, unknown.text]);
  },

  'repeats a call under its key without a second effect': async ({ call }) => {
    const ask = { as: MAYA, body: ASK, headers: { 'idempotency-key': 'key-1' } };
    const [first, second] = [await call('POST', '/requests', ask), await call('POST', '/requests', ask)];
    expect([first.status, second.status, second.body.reused]).toEqual([201, 200, true]);
    const other = await call('POST', '/requests', { ...ask, body: { ...ASK, ttl: '5m' } });
    expect([other.status, other.body.type]).toEqual([422, 'urn:jit-access:problem:idempotency']);
    expect((await call('GET', '/requests', { as: MAYA })).body.items?.length).toEqual(1);
  },

  'answers 304 to a client that has the present version': async (served) => {
    await asked(served);
    const first = await served.call('GET', '/requests', { as: MAYA });
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    const again = await served.call('GET', '/requests', { as: MAYA, headers: { 'if-none-match': etag } });
    expect([again.status, again.text]).toEqual([304, '']);
    await asked(served, { scope: 'db-prod:read' });
    expect((await served.call('GET', '/requests', { as: MAYA, headers: { 'if-none-match': etag } })).status).toBe(200);
  },

  'refuses what is no JSON object, with a problem that names the rule': async ({ call }) => {
    const post = async (body: string, headers: Record<string, string> = {}) =>
      (await call('POST', '/requests', { as: MAYA, body, headers })).status;
    expect(await post('{"scope":"a","scope":"b"}')).toBe(400);
    expect(await post('[]')).toBe(400);
    expect(await post('{')).toBe(400);
    expect(await post('scope=a', { 'content-type': 'application/x-www-form-urlencoded' })).toBe(415);
    expect(await post(JSON.stringify({ ...ASK, justification: 'x'.repeat(70_000) }))).toBe(413);
    const named = await call('POST', '/requests', { as: MAYA, body: { ...ASK, subjct: MAYA } });
    expect([named.status, named.body.argument]).toEqual([400, 'subjct']);
  },

  'takes no identity from a body or a query': async ({ call }) => {
    const forMaya = await call('POST', '/requests', { as: EVE, body: { ...ASK, subject: MAYA } });
    expect([forMaya.status, forMaya.body.type]).toEqual([403, 'urn:jit-access:problem:forbidden']);
    const asRequester = await call('POST', '/requests', { as: EVE, body: { ...ASK, requestedBy: MAYA } });
    expect([asRequester.status, asRequester.body.argument]).toEqual([400, 'requestedBy']);
  },

  'answers other methods, paths and origins without calling the engine': async ({ call }) => {
    const put = await call('PUT', '/requests', { as: MAYA });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD']);
    expect((await call('GET', '/nothing', { as: MAYA })).status).toBe(404);
    const head = await call('HEAD', '/me', { as: MAYA });
    expect([head.status, head.text]).toEqual([200, '']);
    const crossed = await call('GET', '/me', { as: MAYA, headers: { origin: 'https://evil.example' } });
    expect([crossed.status, crossed.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  },

  'serves its health and its document without a caller': async ({ call }) => {
    expect((await call('GET', '/health')).text).toBe('{"status":"ok"}');
    const { body } = await call('GET', '/openapi.json');
    expect([body.openapi, body.paths?.['/requests']?.post?.operationId]).toEqual(['3.1.0', 'requestAccess']);
  },

  'waits for a decision where the client prefers that': async (served) => {
    const id = await asked(served);
    const waiting = served.call('GET', `/requests/${id}`, { as: MAYA, headers: { prefer: 'wait=20' } });
    await served.call('POST', `/requests/${id}/deny`, { as: SAM, body: { reason: 'use staging' } });
    const { headers, body } = await waiting;
    expect([body.outcome, headers.get('preference-applied')]).toEqual(['denied', 'wait=20']);
  },

  'sends events, and resumes after the last one': async (served) => {
    const id = await asked(served);
    const response = await served.open('GET', '/events', { as: SAM });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const seen = untilEvent(response, 'request.approved');
    await served.call('POST', `/requests/${id}/approve`, { as: SAM, body: {} });
    const events = await seen;
    expect(events[0]).toContain('event: ready');
    expect(events.some((event) => event.includes('request.reviewed') && event.includes(id))).toBe(true);
    // Only a caller that sees every event learns the place of the stream before its first event.
    const [ready, first, ...rest] = events;
    const again = await served.open('GET', '/events', { as: SAM, headers: { 'last-event-id': idOf(first) } });
    expect(await untilEvent(again, 'request.approved')).toEqual([ready, ...rest]);
  },

  'frees the stream of a client that has gone': async ({ open }) => {
    // A caller may have ten streams. Each of these ends before the next opens, or soon after.
    for (let i = 0; i < 25; i++) {
      const gone = new AbortController();
      let response = await open('GET', '/events', { as: MAYA, signal: gone.signal });
      for (let tries = 0; response.status === 429 && tries < 200; tries++) {
        await response.text();
        await new Promise((resolve) => setImmediate(resolve));
        response = await open('GET', '/events', { as: MAYA, signal: gone.signal });
      }
      expect(response.status).toBe(200);
      gone.abort();
    }
  },
};

/** Runs the cases against a server. */
export function httpContract({ describe, it }: Suite, { name, hasOthers, serve, without = [] }: HttpServed): void {
  describe(`the HTTP handler in ${name}`, () => {
    for (const [title, run] of Object.entries(cases)) {
      if (without.includes(title)) continue;
      it(title, async () => {
        const server = await serve();
        try {
          await run(caller(server), server);
        } finally {
          await server.close();
        }
      });
    }
    if (!hasOthers) return;
    it('leaves every other path to the framework', async () => {
      const server = await serve();
      try {
        const other = await fetch(`${server.url}/other`);
        expect([other.status, await other.text()]).toEqual([200, 'a route of the service']);
        expect((await fetch(`${server.url}/accessible`)).status).toBe(404);
      } finally {
        await server.close();
      }
    });
  });
}
