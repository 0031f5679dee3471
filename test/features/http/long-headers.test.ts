import { once } from 'node:events';
import { createServer, request as open, type IncomingMessage } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createAuthzenHandler } from 'jit-access/authzen';
import { toNodeHandler } from 'jit-access/http';
import { describe, expect, it } from 'vitest';
import { EVALUATION, GATEWAY, OPTIONS } from '../authzen/authzen-of.js';
import { aService, BASE, MAYA, SCOPE } from './world.js';

const ASK = JSON.stringify({ scope: SCOPE, ttl: '30m', justification: 'INC-204' });
const NAMES = [
  'authorization',
  'content-encoding',
  'content-type',
  'cookie',
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'origin',
  'prefer',
  'x-any',
  'x-request-id',
] as const;

/** Both faces, each with a request that it answers, and the calls of its hooks. */
function faces() {
  const asked: string[] = [];
  const identify = (request: Request) => {
    asked.push(request.url);
    return { subject: request.headers.get('x-user') ?? GATEWAY, roles: [] };
  };
  const { engine, handler } = aService({ http: { identify } });
  const authzen = createAuthzenHandler(engine, { ...OPTIONS, identify, basePath: '/authzen/v1' });
  const json = { 'content-type': 'application/json' };
  return {
    asked,
    engine,
    all: {
      'the HTTP API': { handler, path: '/v1/requests', headers: { ...json, 'x-user': MAYA }, body: ASK, accepted: 201, refused: 415 },
      // The Authorization API has no 415.
      AuthZEN: {
        handler: authzen,
        path: '/authzen/v1/evaluation',
        headers: { ...json, authorization: GATEWAY },
        body: JSON.stringify(EVALUATION),
        accepted: 200,
        refused: 400,
      },
    },
  };
}

const FACES = ['the HTTP API', 'AuthZEN'] as const;
/** A `Content-Type` whose blanks cost the square of their number where an expression backtracks over them. */
const blanks = (length: number) => `application/json;charset=${' '.repeat(length)}x y`;

describe.each(FACES)('a header of %s [WF2]', (face) => {
  it.each(NAMES)('L42 %s is read up to 8,192 characters, and 431 before any hook beyond', async (name) => {
    const { all, asked } = faces();
    const { handler, path, headers, body } = all[face];
    const send = async (length: number) => {
      const long = new Headers(headers);
      long.set(name, 'x'.repeat(length));
      return (await handler(new Request(`${BASE}${path}`, { method: 'POST', headers: long, body }))).status;
    };
    expect(await send(8_193)).toBe(431);
    expect(asked).toEqual([]);
    expect(await send(8_192)).not.toBe(431);
  });

  it.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['Application/JSON ; Charset = "UTF-8"', true],
    ['application/json;q=1;charset=utf8', true],
    [`application/json;charset=${' '.repeat(226)}utf-8`, true],
    [`application/json;charset=${' '.repeat(227)}utf-8`, false],
    [`application/json;${'x'.repeat(240)}`, false],
    [blanks(200), false],
    ['application/json;charset="', false],
    ['application/json;charset==utf-8', false],
    ['application/json;charset=utf-16;charset=utf-8', false],
  ] as const)('L42 Content-Type is one of JSON within 256 characters: %j', async (type, isAccepted) => {
    const { handler, path, headers, body, accepted, refused } = faces().all[face];
    const request = new Request(`${BASE}${path}`, { method: 'POST', headers: { ...headers, 'content-type': type }, body });
    expect((await handler(request)).status).toBe(isAccepted ? accepted : refused);
  });

  it('L42 is bounded over HTTP/1.1, where Node allows 16 KiB', async () => {
    const { all, engine } = faces();
    const { handler, path, headers, body } = all[face];
    const server = createServer(toNodeHandler(handler)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const sent = open({ port, path, method: 'POST', headers: { ...headers, 'content-type': blanks(15_700) } });
      sent.end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      expect(response.resume().statusCode).toBe(431);
    } finally {
      server.closeAllConnections();
      server.close();
      await engine.close();
    }
  });

  it('L42 is bounded over HTTP/2, where Node allows 64 KiB', async () => {
    const { all, engine } = faces();
    const { handler, path, headers, body } = all[face];
    const server = createHttp2Server(toNodeHandler(handler) as never).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      const stream = client.request({ ':method': 'POST', ':path': path, ...headers, 'content-type': blanks(60_000) });
      stream.end(body);
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(answer[':status']).toBe(431);
    } finally {
      client.destroy();
      server.close();
      await engine.close();
    }
  });
});

it.each(FACES)('a content coding is refused with the one that %s takes', async (face) => {
  const { handler, path, headers, body, refused } = faces().all[face];
  const request = new Request(`${BASE}${path}`, { method: 'POST', headers: { ...headers, 'content-encoding': 'gzip' }, body });
  const { status, headers: answered } = await handler(request);
  expect([status, answered.get('accept-encoding')]).toEqual([refused, 'identity']);
});
