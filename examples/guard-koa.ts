import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Koa, { type Context } from 'koa';
import type { Access } from 'jit-access/guard';
import { requireGrant } from './guards/koa.js';
import { engine, subjectOf, tour, until } from './guards/tour.js';

const app = new Koa();

app.use(
  requireGrant(engine, {
    subject: (ctx: Context) => subjectOf(ctx.get('authorization')),
    scope: 'db-prod:write',
  }),
);
app.use((ctx) => {
  const { access } = ctx.state as { readonly access: Access };
  ctx.body = until(access.decision.validUntil);
});

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
