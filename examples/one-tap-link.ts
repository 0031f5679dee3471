import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
} from 'jit-access';
import { approvalLinks } from 'jit-access/links';

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:sam', 'user:ana'] }),
});
// The first key signs. To change keys, put the new one in front; drop the old one when its links have expired.
const links = approvalLinks(engine, {
  keys: [{ id: '2026-01', secret: randomBytes(32) }],
});

/** Who is asking, as you have proven it: here a session made by a login that isn't shown. */
const sessions = new Map([
  ['s3cr3t-of-sam', 'user:sam'],
  ['s3cr3t-of-ana', 'user:ana'],
]);
const identityOf = (request: IncomingMessage) =>
  sessions.get(request.headers.authorization?.replace('Bearer ', '') ?? '');

const inHtml = (text: string) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** What the link is for, and a form. It decides nothing: mail clients, previews and scanners open links too. */
async function show(token: string): Promise<string> {
  const { request, reviewer, decision } = await links.open(token);
  const minutes = request.ttlMs / 60_000;
  return `<!doctype html><title>Review</title>
<p>${inHtml(request.subject)} asks for ${inHtml(request.scopes.join(', '))}, for ${minutes} minutes: ${inHtml(request.justification ?? '')}
<form method="post"><button>${decision === 'approve' ? 'Approve' : 'Deny'} as ${inHtml(reviewer)}</button></form>`;
}

/** Gives the review as the signed-in person. Having the link proves nothing. */
async function redeem(
  token: string,
  by: string | undefined,
): Promise<string> {
  if (by === undefined) throw new Unauthenticated();
  const { outcome } = await links.redeem(token, { by });
  return `<!doctype html><title>Done</title><p>${outcome}`;
}

class Unauthenticated extends Error {}

function statusOf(error: unknown): number {
  if (error instanceof Unauthenticated) return 401;
  if (!isJitError(error)) return 500;
  switch (error.code) {
    case 'ERR_JIT_LINK':
      return {
        not_yours: 403,
        used: 410,
        expired: 410,
        malformed: 404,
        signature: 404,
        other_request: 404,
      }[error.why];
    case 'ERR_JIT_NOT_REVIEWER':
    case 'ERR_JIT_SELF_REVIEW':
      return 403;
    case 'ERR_JIT_DECIDED':
    case 'ERR_JIT_DEADLINE':
      return 410;
    default:
      return 503;
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // The address holds a secret: keep it out of caches, of the next site's referrer, and of your access log.
  response
    .setHeader('cache-control', 'no-store')
    .setHeader('referrer-policy', 'no-referrer');
  try {
    const [, path, token = ''] = (request.url ?? '').split('/');
    const isPost = request.method === 'POST';
    if (path !== 'review' || !(isPost || request.method === 'GET'))
      return void response.writeHead(404).end();
    const page = isPost
      ? await redeem(token, identityOf(request))
      : await show(token);
    response
      .setHeader('content-type', 'text/html; charset=utf-8')
      .end(page);
  } catch (error) {
    response.writeHead(statusOf(error)).end();
  }
}

async function main() {
  const server = createServer(
    (request, response) => void handle(request, response),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
    justification: 'order <1138> is stuck',
  });
  // Send it to sam only.
  const token = await links.create(asked.request.id, {
    reviewer: 'user:sam',
    decision: 'approve',
    ttl: '10m',
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/review/${token}`;
  const tap = async (session?: string) =>
    (
      await fetch(url, {
        method: 'POST',
        headers:
          session === undefined
            ? {}
            : { authorization: `Bearer ${session}` },
      })
    ).status;
  const isAllowed = () => engine.isAllowed('user:maya', 'db-prod:write');

  const page = await (await fetch(url)).text();
  assert.match(page, /order &#60;1138&#62; is stuck/);
  assert.match(page, /Approve as user:sam/);
  assert.equal(await isAllowed(), false);
  console.log('opened: nothing is decided');

  console.log('not signed in:', await tap()); // 401
  console.log('user:ana:', await tap('s3cr3t-of-ana')); // 403, and recorded
  assert.equal(await isAllowed(), false);
  console.log('user:sam:', await tap('s3cr3t-of-sam')); // 200
  assert.equal(await isAllowed(), true);
  console.log('again:', await tap('s3cr3t-of-sam')); // 410
  assert.equal((await fetch(`${url}x`)).status, 404);

  server.close();
  server.closeAllConnections();
}

void main();
