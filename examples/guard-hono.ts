import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { requireGrant } from 'jit-access/hono';
import { engine, subjectOf, tour, until } from './guards/tour.js';

const app = new Hono();
const subject = (c: Context) => subjectOf(c.req.header('authorization'));

app.get(
  '/orders',
  requireGrant(engine, { subject, scope: 'db-prod:write' }),
  (c) => c.text(until(c.var.access.decision.validUntil)),
);

async function main() {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  await once(server.listen(0), 'listening');
  await tour(
    `http://localhost:${(server.address() as AddressInfo).port}/orders`,
  );
  server.close();
  server.closeAllConnections();
}

void main();
