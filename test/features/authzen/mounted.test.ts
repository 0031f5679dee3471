import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import express4 from 'express-4';
import { createAuthzenHandler, createAuthzenMetadataHandler } from 'jit-access/authzen';
import { toNodeHandler } from 'jit-access/http';
import { describe, expect, it } from 'vitest';
import { aService, MAYA } from '../http/world.js';
import { EVALUATION, GATEWAY, OPTIONS, PUBLIC_URL } from './authzen-of.js';

describe.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
] as const)('the AuthZEN handlers beside the HTTP handler in %s', (_, make) => {
  it.each([
    ['without a parser', undefined],
    ['behind express.json()', express.json()],
  ] as const)('each answer their own paths, %s', async (__, parser) => {
    const { engine, handler } = aService({ http: { basePath: '/access' } });
    const authzen = createAuthzenHandler(engine, { ...OPTIONS, basePath: '/authzen/v1' });
    const metadata = createAuthzenMetadataHandler([authzen]);
    const app = make();
    if (parser !== undefined) app.use(parser);
    for (const each of [handler, authzen, metadata]) app.use(toNodeHandler(each));
    app.use((_request, response) => void response.status(404).send('the service'));
    const server = createServer(app as never).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const call = async (path: string, headers: Record<string, string> = {}, body?: object) => {
      const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { headers, ...sent });
      return { status: response.status, text: await response.text() };
    };
    try {
      const json = { 'content-type': 'application/json' };
      const me = await call('/access/v1/me', { 'x-user': MAYA });
      expect([me.status, me.text]).toEqual([200, expect.stringContaining(MAYA)]);
      const evaluation = await call('/authzen/v1/evaluation', { ...json, authorization: GATEWAY }, EVALUATION);
      expect([evaluation.status, JSON.parse(evaluation.text)]).toEqual([200, { decision: false, context: { reason: 'no_grant' } }]);
      for (const path of [authzen.metadataPath, `${authzen.metadataPath}?x=1`]) {
        const document = await call(path);
        expect([document.status, JSON.parse(document.text)]).toMatchObject([
          200,
          { access_evaluation_endpoint: `${PUBLIC_URL}/authzen/v1/evaluation` },
        ]);
      }

      // The caller of one handler is no caller of another one.
      expect((await call('/access/v1/me', { authorization: GATEWAY })).status).toBe(401);
      expect((await call('/authzen/v1/evaluation', { ...json, 'x-user': MAYA }, EVALUATION)).status).toBe(401);

      expect(await call('/authzen/v1/other')).toEqual({ status: 404, text: 'there is no such endpoint\n' });
      expect(await call(`${authzen.metadataPath}/tenant1`)).toEqual({ status: 404, text: 'there is no metadata here\n' });
      for (const path of ['/authzen', '/authzen/v10/evaluation', '/.well-known/other', `${authzen.metadataPath}-2`])
        expect(await call(path)).toEqual({ status: 404, text: 'the service' });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
