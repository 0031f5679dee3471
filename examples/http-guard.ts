import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isJitError, JitEngine, reviewers } from 'jit-access';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

const engine = new JitEngine<'db-prod:write'>({ approver: reviewers({ members: ['user:sam'] }) });

/**
 * Who is asking. The engine believes what it is told, so this must be what you have proven: a verified session or
 * token, never a header that the client may set. This one looks up a session made by a login that isn't shown.
 */
const sessions = new Map([['s3cr3t', 'user:maya']]);
const subjectOf = (request: IncomingMessage) => sessions.get(request.headers.authorization?.replace('Bearer ', '') ?? '');

/** Lets a request through only while its subject holds the scope. Everything else, an outage included, is a refusal. */
function guarded(scope: 'db-prod:write', handler: Handler): Handler {
  return async (request, response) => {
    try {
      const subject = subjectOf(request);
      if (subject === undefined) return void response.writeHead(401).end();
      await engine.assertAllowed(subject, scope);
    } catch (error) {
      const denied = isJitError(error) && error.code === 'ERR_JIT_DENIED';
      return void response.writeHead(denied ? 403 : 503).end();
    }
    await handler(request, response);
  };
}

async function main() {
  const handler = guarded('db-prod:write', (_request, response) => void response.end('written'));
  const server = createServer((request, response) => void handler(request, response)).listen(0);
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}/orders`;
  const call = async (session: string) => (await fetch(url, { headers: { authorization: `Bearer ${session}` } })).status;

  console.log(await call('guessed')); // 401
  console.log(await call('s3cr3t')); // 403
  const asked = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
  await engine.approve(asked.request.id, { by: 'user:sam' });
  console.log(await call('s3cr3t')); // 200
  server.close();
  server.closeAllConnections();
}

void main();
