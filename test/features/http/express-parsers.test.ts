import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import express, { type Express, type NextFunction, type Request, type Response as ExpressResponse } from 'express';
import express4 from 'express-4';
import { toNodeHandler, type NodeHandler } from 'jit-access/http';
import { describe, expect, it } from 'vitest';
import { aNodeRequest, aService, MAYA, turns } from './world.js';

const ASK = { scope: 'db-prod:write', ttl: '30m', justification: 'INC-204' };

async function listening(app: object): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(app as never);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** A promise that the test resolves. */
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

/** Sends a request as it is: `fetch` would rewrite its path and its Host. */
function rawAnswer(url: string, path: string, host = 'localhost'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nX-User: user:maya\r\nConnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.on('end', () => resolve(text)).on('error', reject);
  });
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
] as const)('toNodeHandler() in %s', (_, make) => {
  it.each([
    ['a mount path', (app: Express, listener: NodeHandler) => app.use('/access', listener)],
    ['a parser before it', (app: Express, listener: NodeHandler) => app.use(express.json()).use(listener)],
    ['a parser of every body before it', (app: Express, listener: NodeHandler) => app.use(express.text({ type: '*/*' })).use(listener)],
  ] as const)('reads the body behind %s', async (__, mount) => {
    const { handler } = aService({ http: { basePath: '/access' } });
    const app = make();
    mount(app, toNodeHandler(handler));
    const { url, server } = await listening(app);
    try {
      const call = (body: string, type = 'application/json') =>
        fetch(`${url}/access/v1/requests`, { method: 'POST', headers: { 'x-user': MAYA, 'content-type': type }, body });
      expect((await call(JSON.stringify(ASK))).status).toBe(201);
      expect((await call(JSON.stringify({ ...ASK, subject: 'user:sec' }))).status).toBe(403);
      expect((await call('a=b', 'application/x-www-form-urlencoded')).status).toBe(415);
      const me = await fetch(`${url}/access/v1/me`, { headers: { 'x-user': MAYA } });
      expect(me.status).toBe(200);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('leaves every path outside /v1 to the application, also without a base path', async () => {
    const { handler } = aService();
    const app = make();
    app.use(toNodeHandler(handler));
    app.get('/', (_request, response) => void response.send('home'));
    const { url, server } = await listening(app);
    try {
      expect(await (await fetch(url)).text()).toBe('home');
      expect((await fetch(`${url}/v1/health`)).status).toBe(200);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each(['/v1/requests/%2e%2e/locks', '/v1/requests/../locks', '/v1/x\\..\\locks', '/v1/./locks'])(
    'answers 404 for %s, which a URL would rewrite behind the guard of another path',
    async (path) => {
      const { handler } = aService({ http: { may: () => true } });
      const app = make();
      app.use('/v1/locks', (_request, response) => void response.status(403).send('a second factor is needed'));
      app.use(toNodeHandler(handler));
      const { url, server } = await listening(app);
      try {
        const text = await rawAnswer(url, path);
        expect(text).toMatch(/^HTTP\/1\.1 404 /);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
  );

  it('answers a request whose Host is no host by its path', async () => {
    const { handler } = aService({ http: { basePath: '/access' } });
    const app = make();
    app.use(toNodeHandler(handler));
    const { url, server } = await listening(app);
    try {
      const raw = await rawAnswer(url, '/access/v1/me', 'a/b?c#d@e');
      expect(raw).toMatch(/^HTTP\/1\.1 200 /);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('sends no second answer after another handler has answered, and keeps the connection [H4]', async () => {
    const [identified, held] = [gate(), gate()];
    const identify = () => identified.opened.then(() => ({ subject: MAYA, roles: [] }));
    const { handler } = aService({ http: { identify } });
    const failures: unknown[] = [];
    const app = make();
    app.get('/held', (_request, response) => void held.opened.then(() => response.send('held')));
    app.use((_request, response, next) => {
      response.status(503).send('too slow');
      next();
    });
    app.use(toNodeHandler(handler));
    app.use((error: unknown, _request: Request, _response: ExpressResponse, next: NextFunction) => {
      failures.push(error);
      next(error);
    });
    const { url, server } = await listening(app);
    try {
      const connection = connect(Number(new URL(url).port), '127.0.0.1');
      const texts = connection.setEncoding('utf8')[Symbol.asyncIterator]();
      connection.write('GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect((await texts.next()).value).toContain('too slow');
      connection.write('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n');
      identified.open();
      await turns();
      held.open();
      expect((await texts.next()).value).toContain('held');
      expect(failures).toEqual([]);
      connection.destroy();
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('toNodeHandler()', () => {
  it('writes no more of a stream that another handler has ended [H4]', async () => {
    const ended = gate();
    let isCancelled = false;
    const chunks = ['one', 'two'].map((text) => new TextEncoder().encode(text)).values();
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const { done, value } = chunks.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => void (isCancelled = true),
      },
      { highWaterMark: 0 },
    );
    const handler = Object.assign(() => Promise.resolve(new Response(body)), { basePath: '' });
    const written: string[] = [];
    const response = {
      statusCode: 0,
      writableEnded: false,
      setHeader: () => undefined,
      once: () => undefined,
      end: ended.open,
      write(chunk: Uint8Array) {
        written.push(new TextDecoder().decode(chunk));
        return (response.writableEnded = true);
      },
    };
    const request = aNodeRequest('/v1/events');
    toNodeHandler(handler)(request, response);
    await ended.opened;
    expect([written, isCancelled]).toEqual([['one'], true]);
  });
});
