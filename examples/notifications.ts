import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { notify, type Notice } from 'jit-access/notify';
import {
  verifyWebhook,
  webhookSink,
  WebhookError,
} from 'jit-access/webhook';
import { ManualClock } from 'jit-access/testing';

const clock = new ManualClock();
const secret = `whsec_${randomBytes(32).toString('base64')}`;

/** Represents a chat. It drops repeats by their id, as every `send` should. */
const posted = new Map<string, Notice>();
const chat = notify({
  name: 'chat',
  send: (notice) => {
    if (posted.has(notice.id)) return;
    posted.set(notice.id, notice);
    console.log(
      `#${notice.groups.join() || 'access'} ${notice.people.join()}: ${notice.text.split('\n')[0]}`,
    );
  },
});

/** The other side of the webhook: proves where it comes from, does each once, and is down for the first call. */
const received: { readonly id: string; readonly outcome: string }[] = [];
const done = new Set<string>();
async function receive(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { id, payload } = verifyWebhook({
      body: await text(request),
      headers: request.headers,
      secrets: [secret],
      clock,
    });
    const outcome =
      received.length === 0
        ? 'down'
        : done.has(id)
          ? 'repeated'
          : payload.type;
    received.push({ id, outcome });
    if (outcome !== 'down') done.add(id);
    response.writeHead(outcome === 'down' ? 503 : 204).end();
  } catch (error) {
    response.writeHead(error instanceof WebhookError ? 401 : 500).end();
  }
}

async function main() {
  const server = createServer(
    (request, response) => void receive(request, response),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jit`;

  const siem = webhookSink({
    name: 'siem',
    url,
    secrets: [secret],
    types: ['grant.issued', 'grant.revoked'],
    clock,
  });
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    clock,
    approver: reviewers({ members: ['user:sam'] }),
    audit: [chat, siem],
    onError: (error, during) =>
      console.log(
        `${during}: ${error instanceof WebhookError ? `${error.why} ${error.status}` : String(error)}`,
      ),
  });

  const { request } = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
    justification: 'order 1138 is *stuck* [see](https://evil.example)',
  });
  await engine.flushAudit();
  const approved = await engine.approve(request.id, { by: 'user:sam' });
  assert.equal(approved.outcome, 'granted');
  await engine.flushAudit(); // the receiver is down: nothing waits for it, and nothing is lost
  await engine.revoke(`${request.id}.1`, {
    by: 'user:sam',
    reason: 'done early',
  });
  await engine.flushAudit();

  // What people write is text and nothing else.
  const [asked] = posted.values();
  assert.ok(asked?.markdown.includes('\\*stuck\\* \\[see\\]'));
  assert.deepEqual(
    received.map(({ outcome }) => outcome),
    ['down', 'grant.issued', 'grant.revoked'],
  );
  assert.equal(received[0]?.id, received[1]?.id);
  console.log(
    'webhooks:',
    received.map(({ outcome }) => outcome).join(', '),
  );

  // A caller without the secret is rejected.
  const forged = {
    'webhook-id': 'c1.1',
    'webhook-timestamp': String(clock.now() / 1_000),
    'webhook-signature': 'v1,AAAA',
  };
  const answer = await fetch(url, {
    method: 'POST',
    headers: forged,
    body: '{"type":"grant.issued"}',
  });
  console.log('forged:', answer.status);
  assert.equal(answer.status, 401);

  await engine.close();
  server.close();
  server.closeAllConnections();
}

void main();
