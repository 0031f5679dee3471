import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { accessOf, requireGrant } from 'jit-access/express';
import { engine, subjectOf, tour, until } from './guards/tour.js';

const app = express();
const subject = (req: express.Request) =>
  subjectOf(req.get('authorization'));

app.get(
  '/orders',
  requireGrant(engine, { subject, scope: 'db-prod:write' }),
  (_req, res) => {
    res.send(until(accessOf(res).decision.validUntil));
  },
);

async function main() {
  const server = app.listen(0);
  await once(server, 'listening');
  await tour(
    `http://localhost:${(server.address() as AddressInfo).port}/orders`,
  );
  server.close();
  server.closeAllConnections();
}

void main();
