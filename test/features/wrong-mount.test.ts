import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import express4 from 'express-4';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { createAuthzenHandler, createAuthzenMetadataHandler } from 'jit-access/authzen';
import { createConsoleHandler } from 'jit-access/console';
import { requireGrant } from 'jit-access/fetch';
import { toNodeHandler, type MountedHandler, type NodeResponse } from 'jit-access/http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OPTIONS } from './authzen/authzen-of.js';
import { aService, MAYA } from './http/world.js';

/* [A13] A handler that is mounted without `toNodeHandler` says so at the first request, where each framework shows errors. */

type Handle = (request: Request) => Promise<Response>;

const { engine, handler } = aService({ http: { basePath: '/access' } });
const authzen = createAuthzenHandler(engine, OPTIONS);

/** Each function that makes a handler of `Request` and `Response`, by its entry. */
const MAKERS: Readonly<Record<string, { readonly handle: Handle; readonly remedy: string }>> = {
  'http createHttpHandler': { handle: handler, remedy: 'toNodeHandler' },
  'console createConsoleHandler': { handle: createConsoleHandler({ api: '/access', basePath: '/console' }), remedy: 'toNodeHandler' },
  'authzen createAuthzenHandler': { handle: authzen, remedy: 'toNodeHandler' },
  'authzen createAuthzenMetadataHandler': { handle: createAuthzenMetadataHandler([authzen]), remedy: 'toNodeHandler' },
  'fetch requireGrant': {
    handle: requireGrant(engine, { subject: () => MAYA, scope: 'logs:read' }, () => new Response('in')),
    remedy: 'jit-access/express',
  },
};

/** The functions of the reports whose result takes a `Request` and returns a `Response`. */
function exportedMakers(): readonly string[] {
  const folder = new URL('../../docs/api/', import.meta.url);
  return readdirSync(folder).flatMap((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const types = [...text.matchAll(/export interface (\w+) \{[^}]*?\n {4}\(request: Request\): Promise<Response>;/g)].map(
      ([, name]) => name,
    );
    const isHandler = (result: string) => types.includes(result) || result.endsWith('=> Promise<Response>');
    return [...text.matchAll(/export function (\w+).*\): (\w+|\(.*\) => [\w<>]+);$/gm)]
      .filter(([, , result = '']) => isHandler(result))
      .map(([, name = '']) => `${file.replace('.api.md', '')} ${name}`);
  });
}

/** Answers one request of a server, and ends it. */
async function answerOf(listener: RequestListener): Promise<{ readonly status: number; readonly body: string }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    // A handler that never answers fails the test. No other test reaches this limit.
    const signal = AbortSignal.timeout(2_000);
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/access/v1/me`, { signal });
    return { status: response.status, body: await response.text() };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

afterEach(() => void vi.restoreAllMocks());

describe('[A13] a handler of Request and Response', () => {
  it('has a row in this table, for each one that an entry makes', () => {
    expect(exportedMakers()).toEqual(Object.keys(MAKERS).sort());
  });

  describe.each(Object.entries(MAKERS))('of %s', (_name, { handle, remedy }) => {
    it.each<[name: string, given: unknown]>([
      ['a request of Node', { method: 'GET', url: '/access', headers: { get: 'a header of a client' } }],
      ['a context of Koa', { headers: {}, get: () => '' }],
      ['a context of Hono', { req: new Request('http://localhost/access') }],
      ['nothing', undefined],
      ['null', null],
    ])('throws at once for %s, and names the remedy', (_given, given) => {
      expect(() => handle(given as Request)).toThrow(remedy);
    });

    it.each<[name: string, make: typeof express]>([
      ['4', express4 as unknown as typeof express],
      ['5', express],
    ])('is an error that Express %s prints and answers', async (_version, make) => {
      const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      // As in a service: the error handler of Express is silent in `test`.
      const app = make().set('env', 'development');
      app.use(handle as never);
      const { status, body } = await answerOf(app as RequestListener);
      expect([status, body.includes(remedy)]).toEqual([500, true]);
      // Express prints in a later turn, which has been queued by now.
      await new Promise((done) => setImmediate(done));
      expect(printed.mock.calls.join()).toContain(remedy);
    });

    it('is an error that Fastify answers', async () => {
      const app = Fastify();
      app.get('/access/v1/me', handle as never);
      const { statusCode, body } = await app.inject('/access/v1/me');
      expect([statusCode, body.includes(remedy)]).toEqual([500, true]);
    });

    it('is thrown to the server of node:http', async () => {
      let thrown: unknown;
      await answerOf((request, response) => {
        try {
          void handle(request as never);
        } catch (error) {
          thrown = error;
        }
        response.end();
      });
      expect(String(thrown)).toContain(remedy);
    });

    it('takes the Request of another realm or of a polyfill', async () => {
      const own = new Request('http://localhost/.well-known/none');
      const { method, url, headers, signal } = own;
      // As in node-fetch: own classes, with the members of the standard.
      const foreign = {
        method,
        url,
        signal,
        headers: { get: (name: string) => headers.get(name), [Symbol.iterator]: () => headers.entries() },
      };
      expect((await handle(foreign as never)).status).toBe((await handle(own)).status);
    });
  });

  it('is served in Hono from the raw request', async () => {
    const app = new Hono().all('*', (context) => handler(context.req.raw));
    expect((await app.request('/access/v1/me')).status).toBe(401);
  });
});

describe('[A13] toNodeHandler', () => {
  const serve = toNodeHandler(handler);

  it('throws at once where it gets a Request, and says that the handler itself takes one', () => {
    for (const second of [undefined, {}, () => undefined]) {
      expect(() => serve(new Request('http://localhost/access/v1/me') as never, second as NodeResponse)).toThrow(
        'response must be that of node:http, such as reply.raw of Fastify: where a Request is given, pass the handler itself; got ',
      );
    }
  });

  it('is an error that Fastify and Hono answer if it gets their objects', async () => {
    const fastify = Fastify();
    fastify.get('/access/v1/me', serve as never);
    expect((await fastify.inject('/access/v1/me')).body).toContain('reply.raw');
    const seen: unknown[] = [];
    const hono = new Hono().all('*', serve as never);
    hono.onError((error, context) => {
      seen.push(error.message);
      return context.text('', 500);
    });
    expect((await hono.request('/access/v1/me')).status).toBe(500);
    expect(seen.join()).toContain('pass the handler itself');
  });

  it('serves a function of Request that is not of this package', async () => {
    const other: MountedHandler = Object.assign(async () => new Response('other'), { basePath: '/access' });
    expect((await answerOf(toNodeHandler(other) as RequestListener)).body).toBe('other');
  });
});
