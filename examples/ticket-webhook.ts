import assert from 'node:assert/strict';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { autoApprove, JitEngine, MemoryGrantStore } from 'jit-access';

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: autoApprove((request) => request.ticket !== undefined),
});

/** Shared with the ticket system. */
const secret = randomBytes(32);
const sign = (body: string) =>
  createHmac('sha256', secret).update(body).digest('hex');

/** A caller that could forge a closed ticket could end the access of every subject. */
function isSigned(body: string, signature: unknown): boolean {
  const expected = Buffer.from(sign(body));
  const given = Buffer.from(typeof signature === 'string' ? signature : '');
  return (
    given.length === expected.length && timingSafeEqual(given, expected)
  );
}

/**
 * Ends what was asked for under a ticket: live and scheduled grants with their extensions, and requests that still wait. A repeated
 * call is allowed. It reads every open record.
 */
async function closeTicket(ticket: string): Promise<number> {
  const { grants, requests } = await engine.revokeAll(
    { ticket },
    { by: 'service:tickets', reason: `${ticket} is closed` },
  );
  return grants.length + requests.length;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) {
      body += chunk;
      if (body.length > 10_000) return void response.writeHead(413).end();
    }
    if (!isSigned(body, request.headers['x-signature']))
      return void response.writeHead(401).end();
    const { ticket, status } = JSON.parse(body) as {
      ticket?: unknown;
      status?: unknown;
    };
    if (typeof ticket !== 'string')
      return void response.writeHead(400).end();
    const ended = status === 'closed' ? await closeTicket(ticket) : 0;
    response.end(JSON.stringify({ ended }));
  } catch {
    // Not done: the ticket system sends it again.
    response.writeHead(503).end();
  }
}

async function main() {
  const server = createServer(
    (request, response) => void handle(request, response),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tickets`;
  async function post(
    event: { readonly ticket: string; readonly status: string },
    signature?: string,
  ) {
    const body = JSON.stringify(event);
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'x-signature': signature ?? sign(body) },
    });
    return response.ok
      ? ((await response.json()) as { ended: number })
      : response.status;
  }

  const ask = {
    subject: 'user:maya',
    scopes: ['db-prod:read', 'db-prod:write'],
    ttl: '1h',
    ticket: 'INC-4711',
  } as const;
  const asked = await engine.requestAccess(ask);
  await engine.requestAccess({
    subject: 'user:noor',
    scope: 'db-prod:read',
    ttl: '1h',
    ticket: 'INC-4712',
  });
  // More time for one of the two grants, asked for under another ticket: it ends with the grant that it extends.
  assert.ok(asked.outcome === 'granted' && asked.grants[0]);
  const extended = await engine.extend(asked.grants[0].id, {
    ttl: '1h',
    ticket: 'INC-4713',
    requestedBy: asked.request.subject,
  });
  assert.equal(extended.outcome, 'granted');

  console.log(
    await post({ ticket: 'INC-4711', status: 'closed' }, 'guessed'),
  ); // 401
  console.log(await post({ ticket: 'INC-4711', status: 'in progress' })); // { ended: 0 }
  assert.equal(await engine.isAllowed('user:maya', 'db-prod:write'), true);

  console.log(await post({ ticket: 'INC-4711', status: 'closed' })); // { ended: 3 }: two grants, and the extension of one
  assert.deepEqual(
    await engine.filterAllowed('user:maya', [
      'db-prod:read',
      'db-prod:write',
    ]),
    [],
  );
  assert.deepEqual((await engine.status('user:maya')).scheduled, []);
  assert.equal(await engine.isAllowed('user:noor', 'db-prod:read'), true);
  console.log(await post({ ticket: 'INC-4711', status: 'closed' })); // { ended: 0 }: it may come twice

  server.close();
  server.closeAllConnections();
}

void main();
