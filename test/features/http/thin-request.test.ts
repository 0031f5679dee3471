import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createHttp2Server, connect as connectHttp2 } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { asyncProperty, array, assert, constantFrom, stringMatching, tuple } from 'fast-check';
import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import { jwt, sign } from 'hono/jwt';
import { createHttpHandler, toNodeHandler, type HttpCaller, type HttpOptions } from 'jit-access/http';
import { jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { hasLongHeader, headerOf } from '../../../src/features/json-body/headers.js';
import { targetOf } from '../../../src/features/json-body/request-url.js';
import { ThinRequest } from '../../../src/features/json-body/thin-request.js';
import { listening } from './mounts.js';
import { aService, MAYA } from './world.js';

/* What the functions of a service receive from `toNodeHandler`: a `Request` whose parts are made when they are read. */

interface Seen {
  readonly incoming: IncomingMessage;
  readonly request: Request;
}

type Hook = (request: Request) => unknown;

/** Serves the HTTP API over `node:http`. The hook is part of `identify`. */
async function served(hook: Hook, http: Partial<HttpOptions<HttpCaller & { readonly request: Request }>> = {}, realRequest = false) {
  const { engine } = aService();
  const errors: unknown[] = [];
  const handler = createHttpHandler<HttpCaller & { readonly request: Request }>(engine, {
    identify: async (request) => {
      await hook(request);
      return { subject: MAYA, request };
    },
    onError: (error) => errors.push(error),
    basePath: '/access',
    ...http,
  });
  const incomings: IncomingMessage[] = [];
  const listener = toNodeHandler(handler, { realRequest });
  const server = createServer((incoming, response) => {
    incomings.push(incoming);
    listener(incoming, response);
  });
  return { ...(await listening({ server })), errors, incomings };
}

/** Calls `GET /me`, or `POST /requests` with a body, and returns its status. */
async function statusOf(url: string, body?: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const answer = await fetch(`${url}/access/v1/${body === undefined ? 'me' : 'requests'}`, {
    ...(body !== undefined && { method: 'POST', body }),
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
  });
  await answer.text();
  return answer.status;
}

const ASK = JSON.stringify({ scope: 'logs:read', ttl: '1h' });

describe.each([
  ['thin', false],
  ['of the runtime', true],
] as const)('a hook that receives a request that is %s', (_, realRequest) => {
  const uses: Readonly<Record<string, (request: Request) => unknown>> = {
    'instanceof Request': (request) => expect(request).toBeInstanceOf(Request),
    'instanceof Headers': (request) => expect(request.headers).toBeInstanceOf(Headers),
    'the same headers at each access': (request) => expect(request.headers).toBe(request.headers),
    constructor: (request: Request) => {
      const { constructor } = request as object;
      // A server of Hono, which another test file of this process may have loaded, replaces `Request` by a subclass.
      expect([Object.prototype.toString.call(request), request instanceof constructor]).toEqual(['[object Request]', true]);
    },
    'clone()': (request) => {
      const copy = request.clone();
      expect([copy.url, copy.method, [...copy.headers]]).toEqual([request.url, request.method, [...request.headers]]);
      expect(copy).toBeInstanceOf(Request);
    },
    'new Headers(request.headers)': (request) => expect([...new Headers(request.headers)]).toEqual([...request.headers]),
    'new Request(request.url, request)': (request) => {
      const { url, method, headers } = request;
      expect([...new Request(url, { method, headers }).headers]).toEqual([...headers]);
    },
    'its other members': (request) => {
      const { signal, bodyUsed, redirect, mode, credentials } = request;
      expect([signal.aborted, bodyUsed, redirect, mode, credentials]).toEqual([false, false, 'follow', 'cors', 'same-origin']);
    },
    'a header that it sets': (request) => {
      request.headers.set('x-seen', 'yes');
      expect([request.clone().headers.get('x-seen'), request.headers.get('x-seen')]).toEqual(['yes', 'yes']);
    },
  };

  it.each(Object.keys(uses))('can use %s in identify, may and limit, for a call with and without a body', async (name) => {
    const use = uses[name] as Hook;
    let asked = 0;
    const count = (request: Request) => {
      use(request);
      asked++;
    };
    const service = await served(
      count,
      {
        limit: ({ request }) => void count(request),
        may: ({ caller }) => {
          // The body has been read by now, so no copy of it can be made.
          if (name !== 'clone()' && name !== 'a header that it sets' && name !== 'its other members') count(caller.request);
          else asked++;
          return true;
        },
      },
      realRequest,
    );
    try {
      expect([await statusOf(service.url), service.errors]).toEqual([200, []]);
      const forRaj = JSON.stringify({ scope: 'logs:read', ttl: '1h', subject: 'user:raj' });
      expect(await statusOf(service.url, forRaj)).toBe(403);
      expect([asked, service.errors]).toEqual([5, []]);
    } finally {
      await service.close();
    }
  });

  it('can read the body of a copy, and the handler reads it too', async () => {
    const texts: string[] = [];
    const service = await served(async (request) => void texts.push(await request.clone().text()), {}, realRequest);
    try {
      expect(await statusOf(service.url, ASK)).toBe(201);
      expect([texts, service.errors]).toEqual([[ASK], []]);
    } finally {
      await service.close();
    }
  });

  it('leaves the handler no body where it reads the body itself, and not that of a copy', async () => {
    const service = await served((request) => request.text(), {}, realRequest);
    try {
      expect(await statusOf(service.url, ASK)).toBe(500);
    } finally {
      await service.close();
    }
  });

  it('finds the body used after the handler has read it', async () => {
    const used: unknown[] = [];
    const may: HttpOptions<HttpCaller & { readonly request: Request }>['may'] = async ({ caller: { request } }) => {
      used.push(request.bodyUsed, await request.text().catch((error: unknown) => (error as Error).name));
      return false;
    };
    const service = await served(() => undefined, { may }, realRequest);
    try {
      expect(await statusOf(service.url, JSON.stringify({ scope: 'logs:read', ttl: '1h', subject: 'user:raj' }))).toBe(403);
      expect(used).toEqual([true, 'TypeError']);
    } finally {
      await service.close();
    }
  });

  it('can make a Request of it where the runtime reads its parts: here by `new Request(request)`', async () => {
    const texts: string[] = [];
    const service = await served(
      async (request) => {
        const made = new Request(request.method === 'GET' ? request : request.clone());
        texts.push(made.method, made.url.replace(service.url, ''), made.headers.get('x-a') ?? '', await made.text());
      },
      {},
      realRequest,
    );
    try {
      expect(await statusOf(service.url, undefined, { 'x-a': 'b' })).toBe(200);
      expect(await statusOf(service.url, ASK, { 'x-a': 'b' })).toBe(201);
      expect(texts).toEqual(['GET', '/access/v1/me', 'b', '', 'POST', '/access/v1/requests', 'b', ASK]);
    } finally {
      await service.close();
    }
  });

  it('learns by its signal that the client has gone, also where it asks late', async () => {
    let see = (_: Request) => {};
    const seen = new Promise<Request>((resolve) => (see = resolve));
    const service = await served((request) => (see(request), new Promise(() => undefined)), {}, realRequest);
    try {
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
      socket.write('GET /access/v1/me HTTP/1.1\r\nhost: localhost\r\n\r\n');
      const request = await seen;
      const closed = new Promise((resolve) => service.incomings[0]?.on('close', resolve));
      socket.destroy();
      await closed;
      await new Promise((resolve) => setImmediate(resolve));
      expect(request.signal.aborted).toBe(true);
    } finally {
      await service.close();
    }
  });
});

describe('a sign-in library over the thin request', () => {
  const SECRET = 'a secret of at least 32 characters';

  it('jose verifies its bearer token', async () => {
    const key = new TextEncoder().encode(SECRET);
    const token = await new SignJWT({ sub: MAYA }).setProtectedHeader({ alg: 'HS256' }).sign(key);
    const service = await served(() => undefined, {
      identify: async (request) => {
        const bearer = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
        if (bearer === undefined) return undefined;
        const { payload } = await jwtVerify(bearer, key);
        return { subject: payload.sub ?? '', request };
      },
    });
    try {
      expect(await statusOf(service.url, undefined, { authorization: `Bearer ${token}` })).toBe(200);
      expect(await statusOf(service.url, ASK, { authorization: `Bearer ${token}` })).toBe(201);
      expect(await statusOf(service.url)).toBe(401);
      expect(await statusOf(service.url, undefined, { authorization: `Bearer ${token}x` })).toBe(503);
    } finally {
      await service.close();
    }
  });

  it('an application of Hono verifies its token and reads its cookie', async () => {
    const token = await sign({ sub: MAYA }, SECRET, 'HS256');
    const app = new Hono();
    app.use('*', jwt({ secret: SECRET, alg: 'HS256', cookie: 'session' }));
    app.all('*', (context) =>
      context.json({ sub: (context.get('jwtPayload') as { readonly sub: string }).sub, theme: getCookie(context, 'theme') }),
    );
    const themes: unknown[] = [];
    const service = await served(() => undefined, {
      identify: async (request) => {
        const answer = await app.fetch(request);
        if (!answer.ok) return undefined;
        const { sub, theme } = (await answer.json()) as { readonly sub: string; readonly theme: string };
        themes.push(theme);
        return { subject: sub, request };
      },
    });
    try {
      const cookie = `theme=dark; session=${token}`;
      expect(await statusOf(service.url, undefined, { cookie })).toBe(200);
      expect(await statusOf(service.url, ASK, { cookie })).toBe(201);
      expect(await statusOf(service.url, undefined, { cookie: 'session=other' })).toBe(401);
      expect(themes).toEqual(['dark', 'dark']);
    } finally {
      await service.close();
    }
  });
});

/** The headers of a request as the adapter made them for each request, before there were thin ones. */
function headersBefore(incoming: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (name.startsWith(':')) continue;
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) headers.append(name, one);
  }
  return headers;
}

const NAMES = ['authorization', 'Authorization', 'cookie', 'Cookie', 'set-cookie', 'x-a', 'X-A', 'accept', 'if-none-match', 'prefer'];

/** Names and values of raw header lines, names repeated. */
const LINES = array(tuple(constantFrom(...NAMES), stringMatching(/^[ \t]{0,2}[\x20-\x7e\xa0-\xff]{0,12}[ \t]{0,2}$/)), { maxLength: 12 });

describe('the headers of the thin request', () => {
  it('are those of a Request for any list of raw lines, with repeated Authorization and Cookie', async () => {
    const seen: Seen[] = [];
    const server = createServer((incoming, response) => {
      const { headers: lines } = incoming;
      seen.push({ incoming, request: ThinRequest.of({ method: 'GET', url: 'http://localhost/', lines, init: () => ({}), bytes: never }) });
      response.end();
    });
    const service = await listening({ server });
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('latin1');
    try {
      await assert(
        asyncProperty(LINES, async (lines) => {
          const raw = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
          socket.write(`GET / HTTP/1.1\r\nhost: localhost\r\n${raw}\r\n`, 'latin1');
          await once(socket, 'data');
          const { incoming, request } = seen.pop() as Seen;
          const before = headersBefore(incoming);
          // Each name before the first access to the headers, and then the headers themselves.
          for (const name of NAMES) expect([name, headerOf(request, name.toLowerCase())]).toEqual([name, before.get(name)]);
          expect([...request.headers]).toEqual([...before]);
          for (const name of NAMES) expect(headerOf(request, name.toLowerCase())).toBe(before.get(name));
        }),
      );
    } finally {
      socket.destroy();
      await service.close();
    }
  });

  it('L42 are too long where one of a Request is', () => {
    const requestWith = (lines: Readonly<Record<string, string | readonly string[]>>) =>
      ThinRequest.of({ method: 'GET', url: 'http://localhost/', lines, init: () => ({}), bytes: never });
    expect(hasLongHeader(requestWith({ 'x-a': 'a'.repeat(8_192) }))).toBe(false);
    expect(hasLongHeader(requestWith({ 'x-a': 'a'.repeat(8_193) }))).toBe(true);
    expect(hasLongHeader(requestWith({ 'x-a': ['a'.repeat(5_000), 'a'.repeat(5_000)] }))).toBe(true);
    expect(hasLongHeader(requestWith({ ':path': 'a'.repeat(9_000) }))).toBe(false);
  });

  it('have no pseudo-header of HTTP/2, and its authority is the host', async () => {
    const seen: Request[] = [];
    const { engine } = aService();
    const handler = createHttpHandler(engine, { identify: (request) => (seen.push(request), { subject: MAYA }) });
    const server = createHttp2Server(toNodeHandler(handler) as never).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      const stream = client.request({ ':path': '/v1/me?', ':authority': 'EXAMPLE.com', 'x-a': 'b' });
      stream.resume();
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(headers[':status']).toBe(200);
      const [request] = seen as [Request];
      expect([request.url, [...request.headers]]).toEqual(['http://example.com/v1/me?', [['x-a', 'b']]]);
    } finally {
      client.destroy();
      server.close();
      await engine.close();
    }
  });
});

const never = () => Promise.reject(new Error('no body'));

describe('the URL of the thin request', () => {
  it.each([
    '/access/v1/me',
    '/access/v1/me?',
    '/access/v1/me?a=b&c=%20d',
    "/access/v1/me?a='b'",
    '/access/v1/me?a="b"<c>',
    '/access/v1/me?a=b#c',
    '/access/v1/me?a=/../b',
    '/access/v1/m%65',
    '/access/v1/requests/a@b:c',
  ])('is that of a Request: %s', async (path) => {
    const urls: string[][] = [];
    const service = await served((request) => void urls.push([request.url, request.clone().url, targetOf(request).path]));
    try {
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\nhost: LocalHost:81\r\n\r\n`);
      await once(socket, 'data');
      socket.destroy();
      const { href, pathname } = new URL(`http://localhost:81${path}`);
      // An encoded path has no route, so no hook is asked.
      expect(urls).toEqual(path.includes('%65') ? [] : [[href, href, pathname]]);
    } finally {
      await service.close();
    }
  });

  it.each(['a/b', 'a b', 'a:80', '', 'a@b', '[::1', 'x'.repeat(300)])(
    'has its own host where the request names no valid one: %s',
    async (host) => {
      const urls: string[] = [];
      const service = await served((request) => void urls.push(request.url));
      try {
        const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
        for (const each of ['good.example', host, 'good.example']) {
          socket.write(`GET /access/v1/me HTTP/1.1\r\nhost: ${each}\r\n\r\n`);
          await once(socket, 'data');
        }
        socket.destroy();
        const own = host.length > 200 ? `http://${host}` : 'http://localhost';
        expect(urls).toEqual(['http://good.example', own, 'http://good.example'].map((origin) => `${origin}/access/v1/me`));
      } finally {
        await service.close();
      }
    },
  );
});
