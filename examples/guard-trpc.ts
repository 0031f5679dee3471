import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { requireGrant, responseMeta, t } from './guards/trpc.js';
import { engine, subjectOf, tour, until } from './guards/tour.js';

const guarded = t.procedure.use(
  requireGrant(engine, {
    subject: ({ ctx }) => subjectOf(ctx.session),
    scope: 'db-prod:write',
  }),
);

const router = t.router({
  orders: guarded.query(({ ctx }) => until(ctx.access.decision.validUntil)),
});

async function main() {
  const server = createHTTPServer({
    router,
    responseMeta,
    createContext: ({ req }) => ({ session: req.headers.authorization }),
  });
  await once(server.listen(0), 'listening');
  await tour(
    `http://localhost:${(server.address() as AddressInfo).port}/orders`,
  );
  server.close();
  server.closeAllConnections();
}

void main();
