import { createServer } from 'node:http';
import { toNodeHandler } from 'jit-access/http';
import { expect, it } from 'vitest';
import { listening } from './mounts.js';
import { aService, MAYA, SCOPE } from './world.js';

it('reads the body of a request that a middleware has paused', async () => {
  const serve = toNodeHandler(aService().handler);
  const server = createServer((request, response) => {
    request.pause();
    setImmediate(() => serve(request, response));
  });
  const { url, close } = await listening({ server });
  try {
    const headers = { 'x-user': MAYA, 'content-type': 'application/json' };
    const body = JSON.stringify({ scope: SCOPE, ttl: '30m', justification: 'INC-204' });
    expect((await fetch(`${url}/v1/requests`, { method: 'POST', headers, body })).status).toBe(201);
  } finally {
    await close();
  }
});
