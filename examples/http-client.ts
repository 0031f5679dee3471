import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
} from 'jit-access';
import { createClient } from 'jit-access/client';
import { createHttpHandler, toNodeHandler } from 'jit-access/http';

/** Who is calling, as you have proven it: here by tokens of a login that isn't shown. */
const tokens = new Map([
  ['t0ken-of-maya', 'user:maya'],
  ['t0ken-of-sam', 'user:sam'],
]);

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:sam'] }),
});
const handler = createHttpHandler(engine, {
  identify: (request) => {
    const subject = tokens.get(
      request.headers.get('authorization')?.replace('Bearer ', '') ?? '',
    );
    return subject === undefined ? undefined : { subject };
  },
  basePath: '/access',
});

async function main() {
  const server = createServer(toNodeHandler(handler)).listen(0);
  await once(server, 'listening');
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}/access`;
  const clientOf = (token: string) =>
    createClient({
      baseUrl,
      headers: { authorization: `Bearer ${token}` },
    });
  const [maya, sam] = [clientOf('t0ken-of-maya'), clientOf('t0ken-of-sam')];

  const { request } = await maya.requestAccess({
    scope: 'db-prod:write',
    ttl: '30m',
    justification: 'INC-204',
  });
  console.log('asked by', request.subject);

  // The reviewer's page: it shows the inbox, and again after each event.
  for await (const { type } of sam.events()) {
    const { items } = await sam.inbox();
    console.log(`${type}: ${items.length} to review`);
    break;
  }
  // The answer waits until the reviewer has decided, for at most 30 seconds.
  const decided = maya.getRequest(request.id, { wait: 30 });
  await sam.approve(request.id, {
    ttl: '15m',
    reason: 'enough for a backfill',
  });
  const { outcome, grants } = await decided;
  console.log(
    outcome,
    grants.map(
      ({ scope, startsAt, expiresAt }) =>
        `${scope} for ${(expiresAt - startsAt) / 60_000} minutes`,
    ),
  );

  const { badge } = await maya.status();
  console.log('badge:', badge.state);

  // A refusal is an instance of the same class as in the service.
  await sam
    .deny(request.id)
    .catch((error: unknown) =>
      console.log(isJitError(error) && error.code),
    );

  server.close();
  server.closeAllConnections();
  await engine.close();
}

void main();
