import Fastify from 'fastify';
import { jitAccess } from 'jit-access/fastify';
import { engine, subjectOf, tour, until } from './guards/tour.js';

async function main() {
  const app = Fastify({ forceCloseConnections: true });
  await app.register(jitAccess, {
    engine,
    subject: (request) => subjectOf(request.headers.authorization),
  });

  app.get(
    '/orders',
    { preHandler: app.requireGrant('db-prod:write') },
    async (request) => until(request.access.decision.validUntil),
  );

  await tour(`${await app.listen({ port: 0 })}/orders`);
  await app.close();
}

void main();
