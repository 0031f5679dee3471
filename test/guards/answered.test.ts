import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express5, { type RequestHandler } from 'express';
import express4 from 'express-4';
import { JitEngine, MemoryGrantStore } from 'jit-access';
import { requireGrant } from 'jit-access/express';
import { describe, expect, it } from 'vitest';

/** A service whose timeout middleware answers before `subject` has; the test keeps the guard's promise. */
async function serve(express: typeof express5, subject: () => Promise<string>) {
  const engine = new JitEngine({ store: new MemoryGrantStore(), approver: { name: 'yes', decide: () => ({ outcome: 'approve' }) } });
  await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
  const guard = requireGrant(engine, { subject, scope: 'db-prod:write' });
  const guarded: Promise<unknown>[] = [];
  let handled = 0;
  const timesOut: RequestHandler = (_req, res, next) => {
    res.status(503).end('timeout');
    next();
  };
  const kept: RequestHandler = (req, res, next) => {
    // An exception or a rejection of the guard would end the process under Express 4.
    guarded.push(Promise.resolve(guard(req, res, next)).catch((error: unknown) => error));
  };
  const app = express();
  app.get('/orders', timesOut, kept, (_req, res) => {
    handled += 1;
    if (!res.headersSent) res.end('handled');
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;
  const { status } = await fetch(url);
  const outcomes = await Promise.all(guarded);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return { status, outcomes, handled };
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
])('a request that another handler has answered, on %s', (_, express) => {
  const soon = <T>(value: T) => new Promise<T>((resolve) => setImmediate(() => resolve(value)));

  it('is not changed when the guard refuses it late: the guard sends no second answer and does not reject [H4]', async () => {
    expect(await serve(express, () => soon('user:eve'))).toEqual({ status: 503, outcomes: [undefined], handled: 0 });
  });

  it('does not reach its handler when the guard allows it late [H4]', async () => {
    expect(await serve(express, () => soon('user:maya'))).toEqual({ status: 503, outcomes: [undefined], handled: 0 });
  });

  it('is not changed when the guard fails late', async () => {
    const fails = () => soon(undefined).then(() => Promise.reject(new Error('no session store')));
    expect(await serve(express, fails)).toMatchObject({ status: 503, outcomes: [undefined], handled: 0 });
  });
});
