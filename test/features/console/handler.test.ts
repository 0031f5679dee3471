import { describe, expect, it } from 'vitest';
import { aConsole, HTML, ORIGIN } from './page.js';

const SECURITY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; worker-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const partsOf = async (response: Response) => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  body: await response.text(),
});

const DEPTHS = ['/console/', '/console/inbox', '/console/requests/6f1c', '/console/requests/6f1c/'];

describe('the page of the console', () => {
  const { get, page } = aConsole();

  it('is not stored, and has the security headers and nothing else', async () => {
    const { status, headers, body } = await partsOf(await get('/console/'));
    expect(status).toBe(200);
    expect(headers).toEqual({ ...SECURITY, 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    expect(body).toMatch(/^<!doctype html>\n<html lang="en" dir="ltr">/);
  });

  it('has nothing inline that its policy forbids, and names no other origin', async () => {
    const { html, files } = await page();
    expect(html).not.toMatch(/<style|style=| on\w+=|<base|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect(html).not.toMatch(/<script(?! type="module" src="[^"]+"><\/script>)/);
    expect(files.filter((file) => !file.startsWith(`${ORIGIN}/console/assets/`))).toEqual([]);
  });

  it.each(DEPTHS)('names its files by the depth of its address: %s', async (path) => {
    const { files, base, api } = await page(path);
    expect([base, api]).toEqual([`${ORIGIN}/console/`, `${ORIGIN}/access`]);
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) expect([file, (await get(new URL(file).pathname)).status]).toEqual([file, 200]);
  });

  it.each([
    ['/console', '/access', '/access'],
    ['/console', '', '/'],
    ['', '/access', '/access'],
    ['/ops/console', '/ops/access', '/ops/access'],
    ['/access/console', '/access', '/access/'],
    ['/ops', '/ops/v2/access', '/ops/v2/access'],
    ['/ops', '/operations', '/operations'],
  ])('below "%s" finds the API at "%s"', async (basePath, api, found) => {
    const { page: read } = aConsole({ basePath, api });
    for (const path of ['/', '/inbox', '/requests/1']) expect((await read(`${basePath}${path}`)).api).toBe(`${ORIGIN}${found}`);
  });

  it('is answered to HEAD without its body', async () => {
    const read = await partsOf(await get('/console/inbox'));
    expect(await partsOf(await get('/console/inbox', { accept: HTML }, 'HEAD'))).toEqual({ ...read, body: '' });
  });

  it.each(['/console/inbox?scope=db-prod%3Awrite', '/console/anything', '/console/requests/a%2Fb%3Fc'])(
    'has each address, because a person can send it: %s',
    async (path) => expect((await get(path)).status).toBe(200),
  );

  it.each([{ accept: 'application/json' }, { accept: '*/*' }, { accept: 'text/htmlx' }, {}])(
    'is no answer to a program: %j',
    async (headers) =>
      expect(await partsOf(await get('/console/inbox', headers as Record<string, string>))).toMatchObject({ status: 404, body: '' }),
  );

  it.each(['/', '/consoles', '/consoles/', '/Console/', '/access/v1/me', '/console//inbox', '/console//', '/console/a/b/c/d/e'])(
    'is not at %s',
    async (path) => {
      const { status, headers, body } = await partsOf(await get(path));
      expect({ status, headers, body }).toEqual({ status: 404, headers: { ...SECURITY, 'cache-control': 'no-store' }, body: '' });
    },
  );

  it('is reached from its base path by a relative redirect, which keeps the query', async () => {
    const { status, headers } = await partsOf(await get('/console?view=inbox'));
    expect(status).toBe(302);
    expect(headers).toEqual({ ...SECURITY, 'cache-control': 'no-store', location: 'console/?view=inbox' });
    expect((await aConsole({ basePath: '/ops/console' }).get('/ops/console')).headers.get('location')).toBe('console/');
    expect((await aConsole({ basePath: '' }).get('/')).status).toBe(200);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('changes nothing by %s', async (method) => {
    const { status, headers } = await partsOf(await get('/console/', { accept: HTML }, method));
    expect(status).toBe(405);
    expect(headers).toEqual({ ...SECURITY, 'cache-control': 'no-store', allow: 'GET, HEAD' });
  });
});

describe('a file of the page', () => {
  const { get, page } = aConsole({ messages: { de: { texts: { 'inbox.title': 'Eingang' } } } });
  const TYPES = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', json: 'application/json; charset=utf-8' };

  it('never changes, because its name has a hash', async () => {
    const { files, languages } = await page();
    for (const file of [...files, ...languages]) {
      const { status, headers, body } = await partsOf(await get(new URL(file).pathname, { accept: '*/*' }));
      const type = TYPES[file.slice(file.lastIndexOf('.') + 1) as keyof typeof TYPES];
      expect(file).toMatch(/-[\w-]{8}\.(?:js|css|json)$/);
      expect(status).toBe(200);
      expect(headers).toEqual({ ...SECURITY, 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' });
      expect(body).not.toBe('');
      expect(await partsOf(await get(new URL(file).pathname, {}, 'HEAD'))).toEqual({ status, headers, body: '' });
    }
  });

  it('is each file that another one imports', async () => {
    const { script } = await page();
    const found = new Set([script]);
    for (const file of found) {
      const text = await (await get(new URL(file).pathname)).text();
      expect([file, text === '']).toEqual([file, false]);
      for (const [, path = ''] of text.matchAll(/["'`](\.\/[\w.-]+\.(?:js|css))["'`]/g)) found.add(new URL(path, file).href);
    }
    // The views that load later.
    expect(found.size).toBeGreaterThan(2);
  });

  it.each(['console-00000000.js', '', 'toString', '__proto__', 'a/console.css', '..%2fmain.js'])(
    'that this version does not have is 404, also for a person, and is not stored: %s',
    async (name) => {
      const { status, headers } = await partsOf(await get(`/console/assets/${name}`));
      expect(status).toBe(404);
      expect(headers).toEqual({ ...SECURITY, 'cache-control': 'no-store' });
    },
  );

  it('uses nothing that its policy forbids', async () => {
    const { script } = await page();
    const found = new Set([script]);
    for (const file of found) {
      const text = await (await get(new URL(file).pathname)).text();
      for (const [, path = ''] of text.matchAll(/["'`](\.\/[\w.-]+\.(?:js|css))["'`]/g)) found.add(new URL(path, file).href);
      expect([
        file,
        /\beval\(|new Function|document\.write|serviceWorker|\bcaches\b|localStorage\.setItem\("draft/.exec(text)?.[0],
      ]).toEqual([file, undefined]);
    }
  });
});
