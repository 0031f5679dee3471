import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessOf, requireGrant } from 'jit-access/fetch';
import { engine, subjectOf, tour, until } from './guards/tour.js';

const subject = (request: Request) =>
  subjectOf(request.headers.get('authorization'));

/** What a route handler of Next exports, and Bun, Deno and Workers take as their `fetch`. */
export const GET = requireGrant(
  engine,
  { subject, scope: 'db-prod:write' },
  (request: Request) =>
    new Response(until(accessOf(request).decision.validUntil)),
);

async function main() {
  // Those runtimes have this in them.
  const server = createServer((incoming, outgoing) => {
    const { authorization = '' } = incoming.headers;
    void GET(
      new Request(`http://localhost${incoming.url}`, {
        headers: { authorization },
      }),
    ).then(async (response) => {
      outgoing
        .writeHead(response.status, Object.fromEntries(response.headers))
        .end(await response.text());
    });
  }).listen(0);
  await once(server, 'listening');
  await tour(
    `http://localhost:${(server.address() as AddressInfo).port}/orders`,
  );
  server.close();
  server.closeAllConnections();
}

void main();
