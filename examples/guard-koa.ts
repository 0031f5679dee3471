import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Koa, { type Context } from 'koa';
import { requireGrant } from './guards/koa.js';
import { engine, subjectOf, tour, until } from './guards/tour.js';

const app = new Koa();

app.use(requireGrant(engine, { subject: (ctx: Context) => subjectOf(ctx.get('authorization')), scope: 'db-prod:write' }));
app.use((ctx) => {
  ctx.body = until(ctx.state.access.decision.validUntil);
});

async function main() {
  const server = app.listen(0);
  await once(server, 'listening');
  await tour(`http://localhost:${(server.address() as AddressInfo).port}/orders`);
  server.close();
  server.closeAllConnections();
}

void main();
