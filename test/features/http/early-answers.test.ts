import { once } from 'node:events';
import { Agent, createServer, request as open, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createAuthzenHandler } from 'jit-access/authzen';
import { toNodeHandler, type MountedHandler } from 'jit-access/http';
import { describe, expect, it, vi } from 'vitest';
import { EVALUATION, GATEWAY, OPTIONS } from '../authzen/authzen-of.js';
import { listening, MOUNTS, type Mount } from './mounts.js';
import { aService, MAYA, turns } from './world.js';

/* Answers that the handlers send before the body of the request has arrived. The next request of the connection stands behind it. */

const KB = 1_000;
const MB = 1_000_000;
const SIZES = [KB, 100 * KB, 200 * KB, MB, 10 * MB];
const BODY = Buffer.alloc(30 * MB, 'x');

/**
 * Keeps the timers that end a connection after its answer, so that only the test fires them. Otherwise a slow machine could end a
 * connection before the client in the same process has read its answer.
 */
function holdLingers() {
  const fire: (() => void)[] = [];
  const real = globalThis.setTimeout;
  const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms?: number, ...rest: unknown[]) => {
    if (ms !== LINGERS_MS) return real(run, ms, ...rest);
    fire.push(run);
    return { unref: () => undefined };
  }) as unknown as typeof setTimeout);
  return { fire, restore: () => timers.mockRestore() };
}

/** What a body costs the process at most: what is dropped after the answer, what the handler read, and the buffers of the socket. */
const MAX_READ = 1_048_576 + 65_536 + 262_144;

/**
 * How long a request may take to arrive. It ends the wait of a test for a connection that stays silent, and no other: with the answer
 * and the next one sent, no case comes near it, and a slow machine changes only when they arrive.
 */
const HANGS_MS = 20_000;

/** How long the adapter lets a body continue after its answer. */
const LINGERS_MS = 500;

interface Early {
  readonly status: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly isChunked?: boolean;
  /** The answer is early only for a body of more bytes than this. */
  readonly above?: number;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const ASKS = '/access/v1/requests';
const EVALUATES = '/authzen/v1/evaluation';
const BY_MAYA = { 'x-user': MAYA, ...JSON_TYPE };
const BY_GATEWAY = { authorization: GATEWAY, ...JSON_TYPE };
const LIMITED = 'user:limited';
const LARGE = 70 * KB;

const HTTP_API: readonly Early[] = [
  { status: 401, path: ASKS, headers: JSON_TYPE },
  { status: 401, path: ASKS, headers: JSON_TYPE, isChunked: true },
  { status: 403, path: ASKS, headers: { ...BY_MAYA, origin: 'https://evil.example' } },
  { status: 404, path: '/access/v1/nothing', headers: BY_MAYA },
  { status: 405, path: ASKS, headers: BY_MAYA, method: 'PUT' },
  { status: 405, path: ASKS, headers: BY_MAYA, method: 'DELETE', isChunked: true },
  { status: 413, path: ASKS, headers: BY_MAYA, above: LARGE },
  { status: 413, path: ASKS, headers: BY_MAYA, above: LARGE, isChunked: true },
  { status: 415, path: ASKS, headers: { 'x-user': MAYA, 'content-type': 'text/plain' } },
  { status: 429, path: ASKS, headers: { ...BY_MAYA, 'x-user': LIMITED } },
];

const AUTHZEN: readonly Early[] = [
  { status: 401, path: EVALUATES, headers: JSON_TYPE },
  { status: 401, path: EVALUATES, headers: JSON_TYPE, isChunked: true },
  { status: 403, path: EVALUATES, headers: { ...BY_GATEWAY, 'sec-fetch-site': 'cross-site' } },
  { status: 404, path: '/authzen/v1/nothing', headers: BY_GATEWAY },
  { status: 405, path: EVALUATES, headers: BY_GATEWAY, method: 'PUT' },
  { status: 413, path: EVALUATES, headers: BY_GATEWAY, above: LARGE },
  { status: 413, path: EVALUATES, headers: BY_GATEWAY, above: LARGE, isChunked: true },
  // The Authorization API has no 415: a wrong content type is 400.
  { status: 400, path: EVALUATES, headers: { authorization: GATEWAY, 'content-type': 'text/plain' } },
  { status: 429, path: EVALUATES, headers: { ...BY_GATEWAY, authorization: LIMITED } },
];

/** Both handlers in one service. It counts what each connection reads. */
async function serve({ make }: Mount) {
  const { engine, handler, clock } = aService({
    http: { basePath: '/access', limit: ({ subject }) => (subject === LIMITED ? 1 : undefined) },
  });
  const authzen = createAuthzenHandler(engine, {
    ...OPTIONS,
    basePath: '/authzen/v1',
    limit: ({ subject }) => (subject === LIMITED ? 1 : undefined),
  });
  const sockets: Socket[] = [];
  const served = await listening(await make([handler, authzen]), (server) => {
    server.requestTimeout = HANGS_MS;
    Object.assign(server, { connectionsCheckingInterval: HANGS_MS / 4 });
    server.on('connection', (socket: Socket) => sockets.push(socket));
  });
  const close = async () => {
    await served.close();
    await engine.close();
  };
  return { ...served, port: Number(new URL(served.url).port), clock, sockets, close };
}

type Served = Awaited<ReturnType<typeof serve>>;

interface Answered {
  readonly status: number;
  readonly connection: string;
  readonly text: string;
}

/** The first whole answer of a text, and what follows it; `undefined`: more must arrive. */
function parseAnswer(text: string): (Answered & { readonly rest: string }) | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Headers(lines.map((each) => each.split(': ', 2) as [string, string]));
  const answer = { status: Number(line.split(' ')[1]), connection: headers.get('connection') ?? '' };
  const body = text.slice(end + 4);
  const length = headers.get('content-length');
  if (length === null) {
    // Each of these answers has at most one chunk.
    const [size = '', chunk] = body.split('\r\n', 2);
    if (!body.includes('0\r\n\r\n')) return undefined;
    const last = body.indexOf('0\r\n\r\n', size === '0' ? 0 : size.length + 2 + Number.parseInt(size, 16)) + 5;
    return { ...answer, text: chunk ?? '', rest: body.slice(last) };
  }
  return body.length < Number(length) ? undefined : { ...answer, text: body.slice(0, Number(length)), rest: body.slice(Number(length)) };
}

/** One connection, as a client that reads while it writes. */
async function connected(port: number) {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  await once(socket, 'connect');
  let text = '';
  let ended: string | undefined;
  let changed = () => {};
  socket.on('data', (data: string) => ((text += data), changed()));
  // An error is a reset: a client that is still writing learns so that the other side has closed.
  socket.on('error', (error) => (ended = error.message));
  socket.on('close', () => ((ended ??= 'closed'), changed()));
  return {
    socket,
    /** The next answer, or why none can come. */
    async answer(): Promise<Answered | string> {
      for (;;) {
        const answer = parseAnswer(text);
        if (answer !== undefined) {
          const { rest, ...given } = answer;
          text = rest;
          return given;
        }
        if (ended !== undefined) return ended;
        await new Promise<void>((resolve) => (changed = resolve));
      }
    },
  };
}

const headOf = (method: string, path: string, headers: Readonly<Record<string, string>>): string =>
  [`${method} ${path} HTTP/1.1`, 'host: localhost', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  );

/** Sends an early request and the next one: on the same connection, unless the answer says that it is closed. */
async function sendTwo({ port }: Served, { path, headers, method = 'POST', isChunked = false }: Early, size: number) {
  let client = await connected(port);
  try {
    const framing = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(size) };
    const body = BODY.subarray(0, size);
    client.socket.cork();
    client.socket.write(headOf(method, path, { ...headers, ...framing }));
    if (isChunked) client.socket.write(`${size.toString(16)}\r\n`);
    client.socket.write(body);
    if (isChunked) client.socket.write('\r\n0\r\n\r\n');
    client.socket.uncork();
    const first = await client.answer();
    if (typeof first === 'object' && first.connection === 'close') {
      client.socket.destroy();
      client = await connected(port);
    }
    client.socket.write(headOf('GET', '/access/v1/health', {}));
    return { first, second: await client.answer() };
  } finally {
    client.socket.destroy();
  }
}

describe.each(MOUNTS)('after an answer before the body was read, in $name [WF1]', (mount) => {
  it.each([
    ['the HTTP API', HTTP_API],
    ['AuthZEN', AUTHZEN],
  ] as const)('L42 the connection serves the next request, or is closed and says so: %s', async (_, answers) => {
    const served = await serve(mount);
    const { restore } = holdLingers();
    try {
      for (const early of answers) {
        const sizes = SIZES.filter((size) => size > (early.above ?? 0));
        const pairs = await Promise.all(sizes.map((size) => sendTwo(served, early, size)));
        for (const [i, { first, second }] of pairs.entries()) {
          expect([early, sizes[i], first]).toMatchObject([early, sizes[i], { status: early.status }]);
          expect([early, sizes[i], second]).toMatchObject([early, sizes[i], { status: 200, text: '{"status":"ok"}' }]);
        }
      }
    } finally {
      restore();
      await served.close();
    }
  });
});

describe.each(MOUNTS.filter(({ isAdapted }) => isAdapted))('a body that no answer needs, in $name [WF1]', (mount) => {
  it.each([
    ['of a stranger', { status: 401, path: ASKS, headers: JSON_TYPE }],
    ['of a stranger, in chunks', { status: 401, path: ASKS, headers: JSON_TYPE, isChunked: true }],
    ['that is too large', { status: 413, path: EVALUATES, headers: BY_GATEWAY }],
    ['of a GET', { status: 404, path: '/access/v1/nothing', headers: {}, method: 'GET' }],
    ['of a TRACE', { status: 405, path: ASKS, headers: {}, method: 'TRACE' }],
  ] as const)('L42 is read to about 1 MiB, %s', async (_, early: Early) => {
    const served = await serve(mount);
    const { restore } = holdLingers();
    try {
      const { first } = await sendTwo(served, early, 30 * MB);
      expect(first).toMatchObject({ status: early.status, connection: 'close' });
      await turns();
      for (const { bytesRead } of served.sockets) expect(bytesRead).toBeLessThan(MAX_READ);
    } finally {
      restore();
      await served.close();
    }
  });

  it('L42 keeps the connection where the body has arrived with its head', async () => {
    const served = await serve(mount);
    try {
      const { first, second } = await sendTwo(served, { status: 401, path: ASKS, headers: JSON_TYPE }, KB);
      expect(first).toMatchObject({ status: 401, connection: 'keep-alive' });
      expect(second).toMatchObject({ status: 200, connection: 'keep-alive' });
      expect(served.sockets).toHaveLength(1);
    } finally {
      await served.close();
    }
  });
});

describe('what a client sees of an answer before the body was read [WF1]', () => {
  const mount = MOUNTS[0] as Mount;

  it.each([
    ['too large', 413, 200 * KB, BY_GATEWAY],
    ['of a stranger', 401, MB, JSON_TYPE],
  ] as const)('L42 fetch has the next decision after a body that is %s', async (_, status, size, headers) => {
    const served = await serve(mount);
    try {
      const refused = await fetch(`${served.url}${EVALUATES}`, { method: 'POST', headers, body: BODY.subarray(0, size) });
      expect([refused.status, await refused.text()]).toEqual([status, expect.stringMatching(/./)]);
      const decided = await fetch(`${served.url}${EVALUATES}`, { method: 'POST', headers: BY_GATEWAY, body: JSON.stringify(EVALUATION) });
      expect([decided.status, await decided.json()]).toMatchObject([200, { decision: false }]);
    } finally {
      await served.close();
    }
  });

  it.each([200 * KB, MB])('L42 a proxy with one connection passes on the call after a stranger sent %i bytes', async (size) => {
    const served = await serve(mount);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const proxy = await listening({
      server: createServer((incoming, response) => {
        const { method, url, headers } = incoming;
        const upstream = open({ host: '127.0.0.1', port: served.port, agent, method, path: url, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 0, { connection: 'close' });
          answer.pipe(response);
        });
        // The upstream closes what it does not read. The answer has arrived before.
        upstream.on('error', () => response.end());
        incoming.pipe(upstream);
      }),
    });
    try {
      const post = fetch(`${proxy.url}${ASKS}`, { method: 'POST', headers: JSON_TYPE, body: BODY.subarray(0, size) });
      expect((await post).status).toBe(401);
      expect((await fetch(`${proxy.url}/access/v1/me`, { headers: { 'x-user': MAYA } })).status).toBe(200);
    } finally {
      agent.destroy();
      await proxy.close();
      await served.close();
    }
  });
});

/** Serves one handler over `node:http`, and says when it closes a connection. */
async function serveOne(handler: MountedHandler, before?: (response: ServerResponse) => void) {
  const failures: unknown[] = [];
  const listener = toNodeHandler(handler);
  const served = await listening(
    {
      server: createServer((request, response) => {
        before?.(response);
        listener(request, response, (error) => {
          failures.push(error);
          response.statusCode = 500;
          response.end('failed');
        });
      }),
    },
    (server) => Object.assign(server, { requestTimeout: HANGS_MS, connectionsCheckingInterval: HANGS_MS / 4 }),
  );
  return { ...served, failures, port: Number(new URL(served.url).port) };
}

const handlerOf = (answer: (request: Request) => Promise<Response>): MountedHandler => Object.assign(answer, { basePath: '/x' });

describe('toNodeHandler() of a body that nothing reads [WF1]', () => {
  it.each([
    ['where the handler fails', () => Promise.reject(new Error('failed')), undefined, [500, 'failed']],
    [
      'where another handler has answered',
      () => Promise.resolve(new Response('late')),
      (response: ServerResponse) => response.end('other'),
      [200, 'other'],
    ],
  ] as const)('L42 frees the connection %s', async (_, answer, before, [status, text]) => {
    // The handler begins to read, so that Node takes the body for one that is read.
    const handler = handlerOf(async (request) => {
      await request.body?.getReader().read();
      return answer();
    });
    const served = await serveOne(handler, before);
    try {
      for (const size of [KB, 200 * KB, MB]) {
        const client = await connected(served.port);
        client.socket.write(
          Buffer.concat([Buffer.from(headOf('POST', '/x/v1', { 'content-length': String(size) })), BODY.subarray(0, size)]),
        );
        expect([size, await client.answer()]).toMatchObject([size, { status, text }]);
        client.socket.write(headOf('GET', '/x/v1', {}));
        expect([size, await client.answer()]).toMatchObject([size, { status, text }]);
        client.socket.destroy();
      }
    } finally {
      await served.close();
    }
  });
});

describe('toNodeHandler() of a body that has not arrived [WF1]', () => {
  it('L42 cancels its answer where another handler answers just before it, and fails nothing', async () => {
    let isCancelled = false;
    let answerOther = () => {};
    const handler = handlerOf(() => {
      // The adapter waits one turn for the body.
      setImmediate(answerOther);
      return Promise.resolve(new Response(new ReadableStream({ cancel: () => void (isCancelled = true) })));
    });
    const served = await serveOne(handler, (response) => (answerOther = () => response.end('other')));
    const client = await connected(served.port);
    try {
      client.socket.write(headOf('POST', '/x/v1', { 'content-length': '10' }));
      expect(await client.answer()).toMatchObject({ status: 200, text: 'other' });
      client.socket.write('0123456789');
      await turns();
      expect([isCancelled, served.failures]).toEqual([true, []]);
    } finally {
      client.socket.destroy();
      await served.close();
    }
  });
});

describe('a body that drips [WF24]', () => {
  it.each([
    ['the HTTP API', 'with 408', 408, ASKS, BY_MAYA],
    ['the HTTP API', 'with 401', 401, ASKS, JSON_TYPE],
    ['AuthZEN', 'with 408', 408, EVALUATES, BY_GATEWAY],
    ['AuthZEN', 'with 401', 401, EVALUATES, JSON_TYPE],
  ] as const)('L42 does not keep its connection: %s, %s', async (_, __, status, path, headers) => {
    const served = await serve(MOUNTS[0] as Mount);
    const { fire, restore } = holdLingers();
    try {
      const client = await connected(served.port);
      const arrived = once(served.server, 'request');
      client.socket.write(`${headOf('POST', path, { ...headers, 'content-length': '1000' })}{`);
      await arrived;
      await turns();
      if (status === 408) await served.clock.advance('10s');
      expect(await client.answer()).toMatchObject({ status, connection: 'close' });
      client.socket.write('x');
      await turns();
      expect([fire.length, served.sockets[0]?.destroyed]).toEqual([1, false]);
      fire[0]?.();
      client.socket.write('x');
      expect(await client.answer()).toMatch(/closed|EPIPE|ECONNRESET/);
      expect(served.sockets[0]?.destroyed).toBe(true);
    } finally {
      restore();
      await served.close();
    }
  });
});

describe('over HTTP/2 [WF1]', () => {
  it('L42 an answer before the body was read ends its stream, and the others continue', async () => {
    const { handler, engine } = aService({ http: { basePath: '/access' } });
    const server = createHttp2Server(toNodeHandler(handler) as never).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      for (const size of [KB, MB, 10 * MB]) {
        const stream = client.request({ ':method': 'POST', ':path': ASKS, ...JSON_TYPE });
        // The server resets what it does not read.
        stream.on('error', () => undefined).end(BODY.subarray(0, size));
        const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
        let text = '';
        for await (const chunk of stream) text += String(chunk);
        expect([size, headers[':status'], headers.connection, text]).toMatchObject([
          size,
          401,
          undefined,
          expect.stringContaining('problem'),
        ]);
        if (!stream.closed) await once(stream, 'close');
        const next = client.request({ ':path': '/access/v1/health' });
        const [health] = (await once(next, 'response')) as [Record<string, unknown>];
        expect(health[':status']).toBe(200);
        next.close();
      }
    } finally {
      client.destroy();
      server.close();
      await engine.close();
    }
  });
});
