import { createServer, request as send, type RequestListener } from 'node:http';
import express from 'express';
import express4 from 'express-4';
import { createConsoleHandler } from 'jit-access/console';
import { toNodeHandler } from 'jit-access/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listening, MOUNTS } from '../http/mounts.js';
import { aService, MAYA } from '../http/world.js';
import { HTML, pageOf } from './page.js';

type Listening = Awaited<ReturnType<typeof listening>>;

const consoleAt = (basePath: string, api: string) =>
  createConsoleHandler({ basePath, api, messages: { de: { texts: { title: 'Eingang' } } } });

/** The API and the console of one service. @param prefix of both paths */
function both(prefix = '') {
  const { handler, engine } = aService({ http: { basePath: `${prefix}/access` } });
  return { api: handler, console: consoleAt(`${prefix}/console`, `${prefix}/access`), engine };
}

const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url, { headers: { accept: HTML, ...headers }, redirect: 'manual' });

/** The headers by which a browser protects the page, and the one that decides how long it is kept. */
const headersOf = ({ headers }: Response) =>
  ['content-security-policy', 'referrer-policy', 'x-content-type-options', 'x-frame-options', 'cache-control'].map((name) =>
    headers.get(name),
  );

/** What a browser does: it opens each address, follows the redirect, loads each file and asks the API. */
async function opens(root: string, basePath = '/console', api = '/access') {
  const alone = await consoleAt('/console', '/access')(new Request('http://localhost/console/', { headers: { accept: HTML } }));
  const redirect = await get(`${root}${basePath}`);
  expect([redirect.status, new URL(redirect.headers.get('location') ?? '', `${root}${basePath}`).href]).toEqual([
    302,
    `${root}${basePath}/`,
  ]);
  for (const path of ['/', '/inbox?scope=db-prod%3Awrite', '/requests/6f1c']) {
    const shown = `${root}${basePath}${path}`;
    const response = await get(shown);
    expect([response.status, headersOf(response)]).toEqual([200, headersOf(alone)]);
    const { files, languages, base, api: called } = pageOf(await response.text(), shown);
    expect([base, called]).toEqual([`${root}${basePath}/`, `${root}${api}`]);
    for (const file of [...files, ...languages]) {
      const asset = await get(file, { accept: '*/*' });
      expect([file, asset.status, asset.headers.get('cache-control')]).toEqual([file, 200, 'public, max-age=31536000, immutable']);
      expect((await asset.text()).length).toBeGreaterThan(10);
    }
    const me = await get(`${called}/v1/me`, { 'x-user': MAYA, accept: 'application/json' });
    expect([me.status, await me.json()]).toMatchObject([200, { subject: MAYA }]);
  }
  const head = await fetch(`${root}${basePath}/inbox`, { method: 'HEAD', headers: { accept: HTML } });
  expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'text/html; charset=utf-8', '']);
  const old = await get(`${root}${basePath}/assets/console-00000000.js`);
  expect([old.status, old.headers.get('cache-control')]).toEqual([404, 'no-store']);
  expect((await fetch(`${root}${basePath}/`, { method: 'POST', body: 'x', headers: { accept: HTML } })).status).toBe(405);
}

describe.each(MOUNTS)('the console in $name', ({ make, hasOthers }) => {
  const service = both();
  let server: Listening;
  beforeAll(async () => {
    server = await listening(await make([service.api, service.console]));
  });
  afterAll(async () => {
    await service.engine.close();
    await server.close();
  });

  it('is opened at each address, with its files and the API', () => opens(server.url));

  // Nothing else listens on the server of node:http.
  if (!hasOthers) return;
  it('leaves every other route to the service', async () => {
    const other = await get(`${server.url}/other`);
    expect([other.status, other.headers.get('content-security-policy')]).toEqual([200, null]);
  });
});

/** The headers that the documentation of helmet 8 lists as its defaults. */
const HELMET: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;" +
    "object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-DNS-Prefetch-Control': 'off',
  'X-Download-Options': 'noopen',
  'X-Frame-Options': 'SAMEORIGIN',
  'X-Permitted-Cross-Domain-Policies': 'none',
  'X-XSS-Protection': '0',
};

const EXPRESS = [
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
] as const;

describe.each(EXPRESS)('the console in %s', (_, make) => {
  const servers: Listening[] = [];
  afterAll(() => Promise.all(servers.map(({ close }) => close())));
  const serve = async (listener: RequestListener) => {
    const server = await listening({ server: createServer(listener) });
    servers.push(server);
    return server.url;
  };

  it('has its own policy under helmet, which is stricter', async () => {
    const app = make();
    app.use((_request, response, next) => {
      for (const [name, value] of Object.entries(HELMET)) response.setHeader(name, value);
      next();
    });
    const { api, console } = both();
    for (const handler of [api, console]) app.use(toNodeHandler(handler));
    await opens(await serve(app));
  });

  it('is mounted on a router, with the path of the router in its base path', async () => {
    const app = make();
    const router = make.Router();
    const { api, console } = both('/ops');
    for (const handler of [api, console]) router.use(toNodeHandler(handler));
    app.use('/ops', router);
    await opens(await serve(app), '/ops/console', '/ops/access');
  });

  it('is mounted at a path of the app, and behind a parser', async () => {
    const app = make();
    const { api, console } = both();
    app.use(make.json(), make.urlencoded({ extended: false }));
    app.use('/access', toNodeHandler(api));
    app.use('/console', toNodeHandler(console));
    await opens(await serve(app));
  });

  it('works behind a proxy that removes a prefix', async () => {
    const { api, console } = both();
    const app = make();
    for (const handler of [api, console]) app.use(toNodeHandler(handler));
    const behind = new URL(await serve(app));
    const proxy = await serve((incoming, outgoing) => {
      const [, path] = /^\/(?:eu\/)?tools(\/.*)$/.exec(incoming.url ?? '') ?? [];
      if (path === undefined) return void outgoing.writeHead(404).end();
      const { method, headers } = incoming;
      const forwarded = send({ host: behind.hostname, port: behind.port, path, method, headers: headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(forwarded);
    });
    await opens(proxy, '/tools/console', '/tools/access');
    await opens(proxy, '/eu/tools/console', '/eu/tools/access');
  });
});
