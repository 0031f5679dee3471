import { once } from 'node:events';
import { createServer, request, Agent, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve as serveHono } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { createHttpHandler, toNodeHandler } from 'jit-access/http';
import { cpuTime } from './cpu-time.js';
import { figureOf, quantile, ratio } from './figure.js';

/** The CPU time of a call of the handler, client included, over the same framework's route that answers `{}`. Medians of the rounds. */
interface HttpCost {
  readonly framework: string;
  /** `GET /me` of a caller who holds a grant. */
  readonly me: number;
  /** The same for a client that has the present version: 304. */
  readonly unchanged: number;
}

const MAYA = 'user:maya';
const CALLS = 300;

async function handlerWithGrant() {
  const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }) });
  const { request: asked } = await engine.requestAccess({ subject: MAYA, scope: 'db-prod:write', ttl: '1h', justification: 'bench' });
  await engine.approve(asked.id, { by: 'user:sam' });
  return createHttpHandler(engine, { identify: () => ({ subject: MAYA }), basePath: '/access' });
}

const FRAMEWORKS: Readonly<Record<string, () => Promise<Server>>> = {
  'node:http': async () => {
    const handle = toNodeHandler(await handlerWithGrant());
    return createServer((incoming, response) => {
      if (incoming.url !== '/empty') return handle(incoming, response);
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
  },
  'Express 5': async () => {
    const app = express();
    app.use(toNodeHandler(await handlerWithGrant()));
    app.get('/empty', (_request, response) => void response.json({}));
    return createServer(app as unknown as RequestListener);
  },
  Hono: async () => {
    const app = new Hono();
    const handler = await handlerWithGrant();
    app.all('/access/*', (context) => handler(context.req.raw));
    app.get('/empty', (context) => context.json({}));
    return serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  },
};

/** Interleaves the routes round by round, so that a busy machine slows all of them alike. */
export async function httpCosts(rounds: number): Promise<readonly HttpCost[]> {
  const costs: HttpCost[] = [];
  for (const [framework, make] of Object.entries(FRAMEWORKS)) {
    const server = await make();
    if (!server.listening) server.listen(0, '127.0.0.1');
    if (!server.listening) await once(server, 'listening');
    costs.push({ framework, ...(await measured((server.address() as AddressInfo).port, rounds)) });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return costs;
}

async function measured(port: number, rounds: number): Promise<Omit<HttpCost, 'framework'>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (path: string, headers: Record<string, string> = {}) => callOnce({ agent, port, path, headers });
  const { etag } = await call('/access/v1/me');
  const times: Record<'empty' | 'me' | 'unchanged', number[]> = { empty: [], me: [], unchanged: [] };
  for (let round = 0; round <= rounds; round++) {
    const empty = await timeOf(() => call('/empty'));
    const me = await timeOf(() => call('/access/v1/me'));
    const unchanged = await timeOf(() => call('/access/v1/me', { 'if-none-match': etag }));
    // The first round is for the compiler.
    if (round === 0) continue;
    times.empty.push(empty);
    times.me.push(me);
    times.unchanged.push(unchanged);
  }
  agent.destroy();
  const { empty, me, unchanged } = times;
  return { me: ratioOf(me, empty), unchanged: ratioOf(unchanged, empty) };
}

const ratioOf = (own: readonly number[], baseline: readonly number[]): number =>
  quantile(
    own.map((us, i) => us / (baseline[i] as number)),
    0.5,
  );

/** Microseconds a call, one call at a time. */
async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const msSince = cpuTime();
  for (let i = 0; i < CALLS; i++) await call();
  return (msSince() * 1e3) / CALLS;
}

interface Target {
  readonly agent: Agent;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function callOnce({ agent, port, path, headers }: Target): Promise<{ readonly etag: string }> {
  return new Promise((resolve, reject) => {
    request({ agent, port, path, headers, host: '127.0.0.1' }, (response) => {
      const { statusCode = 0, headers: got } = response;
      if (statusCode >= 400) reject(new Error(`${path} answered ${statusCode}`));
      response.resume();
      response.on('end', () => resolve({ etag: got.etag ?? '' })).on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

/**
 * The time of the 404 for a request that the caller may not see, over that for an unknown id. Without a server: the
 * difference would be lost in the time of a connection.
 */
export async function strangerRatio(rounds: number): Promise<number> {
  const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }) });
  const { request: asked } = await engine.requestAccess({ subject: MAYA, scope: 'db-prod:write', ttl: '1h', justification: 'bench' });
  const handler = createHttpHandler(engine, { identify: () => ({ subject: 'user:eve' }), basePath: '/access' });
  const call = async (id: string) => (await handler(new Request(`http://127.0.0.1/access/v1/requests/${id}`))).text();
  const known: number[] = [];
  const unknown: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const times = [await timeOf(() => call(asked.id)), await timeOf(() => call('0'.repeat(32)))] as const;
    if (round === 0) continue;
    known.push(times[0]);
    unknown.push(times[1]);
  }
  return ratioOf(known, unknown);
}

/** The ratios of several runs as a line of text. */
export const strangerLine = (runs: readonly number[]): string =>
  `HTTP 404 of a stranger: a request of others, over an unknown id ${ratio(figureOf(runs))}`;

/** The costs of several runs as lines of text. */
export function httpLines(runs: readonly (readonly HttpCost[])[]): string {
  const line = (framework: string): string => {
    const costs = runs.flatMap((run) => run.filter((cost) => cost.framework === framework));
    const [me, unchanged] = [figureOf(costs.map((cost) => cost.me)), figureOf(costs.map((cost) => cost.unchanged))];
    return `HTTP in ${framework}, over its empty route: GET /me ${ratio(me)}; unchanged (304) ${ratio(unchanged)}`;
  };
  return Object.keys(FRAMEWORKS).map(line).join('\n');
}
