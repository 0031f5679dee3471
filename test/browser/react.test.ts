import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { createHttpHandler, toNodeHandler } from '../../src/http.js';
import { JitEngine, MemoryGrantStore } from '../../src/index.js';
import { root } from '../docs/pages.js';
import { MAYA, policy, SAM, SCOPE } from '../features/http/world.js';
import { describeChromium } from './chromium.js';

/** A page with the badge of maya, and one with the inbox of sam, each named by its query. */
const PAGE = `
import { createElement as h, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from './src/client.ts';
import { defineJitBadge } from './src/elements.ts';
import { useAccess, useInbox } from './src/react.ts';

defineJitBadge();
const client = createClient({ baseUrl: '/access', headers: { 'x-user': new URLSearchParams(location.search).get('as') } });

function Access() {
  const { data, isLoading, error } = useAccess(client);
  window.renders = (window.renders ?? 0) + 1;
  if (isLoading) return h('p', null, 'loading');
  return h('p', null, h('jit-badge', { status: JSON.stringify(data ?? null), label: 'admin' }), h('output', null, error === undefined ? '' : error.name));
}

function Inbox() {
  const { data = [], isLoading, error, approve } = useInbox(client);
  const [refused, setRefused] = useState('');
  const decide = (id) => approve(id, { reason: 'fine' }).catch((failure) => setRefused(failure.code));
  return h('ul', { 'aria-busy': isLoading },
    data.map(({ request, missingInWords }) => h('li', { key: request.id }, request.subject + ': ' + missingInWords,
      h('button', { onClick: () => decide(request.id) }, 'Approve'))),
    h('li', { className: 'error' }, refused || (error === undefined ? '' : error.name)));
}

createRoot(document.querySelector('main')).render(h(StrictMode, null, h(Access), h(Inbox)));
`;

/** The page's program, with a version of React. */
async function bundled(react: string, dom: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: root },
    ...{ bundle: true, write: false, format: 'iife', define: { 'process.env.NODE_ENV': '"development"' } },
    alias: { react, 'react-dom': dom },
  });
  return outputFiles[0]?.text ?? '';
}

let server: Server | undefined;
let engine: JitEngine | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  await engine?.close();
});

/** A service on a free port: the handler, and one page. */
async function serve(program: string) {
  const made = (engine = new JitEngine({ store: new MemoryGrantStore(), approver: policy() }));
  const asked: string[] = [];
  const handler = toNodeHandler(
    createHttpHandler(made, {
      basePath: '/access',
      identify: (request) => {
        const subject = request.headers.get('x-user');
        asked.push(`${String(subject)} ${new URL(request.url).pathname}`);
        return subject === null || subject === 'null' ? undefined : { subject };
      },
    }),
  );
  const html = `<!doctype html><html lang="en-GB"><title>Access</title><main></main><script src="/page.js"></script></html>`;
  const listening = (server = createServer((request, response) => {
    if (request.url?.startsWith('/access/') === true) return void handler(request, response);
    const isProgram = request.url === '/page.js';
    response.writeHead(200, { 'content-type': isProgram ? 'text/javascript' : 'text/html' });
    response.end(isProgram ? program : html);
  }));
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { engine: made, asked, url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}` };
}

const badge = (page: Page) => page.evaluate<string>(`document.querySelector('jit-badge')?.shadowRoot.querySelector('span').textContent`);
const inbox = (page: Page) => page.locator('li:not(.error)').allTextContents();

describeChromium('useAccess and useInbox', (browser) => {
  it.each([
    ['19', 'react', 'react-dom'],
    ['18', 'react-18', 'react-dom-18'],
  ])('show an approval without a reload, with React %s in StrictMode', async (_, react, dom) => {
    const { engine: made, url, asked } = await serve(await bundled(react, dom));
    const [maya, sam] = [await browser.open({ locale: 'en-GB' }), await browser.open({ locale: 'en-GB' })];
    await maya.goto(`${url}/?as=${MAYA}`);
    await sam.goto(`${url}/?as=${SAM}`);
    await expect.poll(() => badge(maya)).toBe('read-only');
    expect(await inbox(sam)).toEqual([]);

    const asks = { subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;
    const { request } = await made.requestAccess(asks);
    await expect.poll(() => inbox(sam)).toEqual(['user:maya: 1 more of leadsApprove']);
    await sam.getByRole('button', { name: 'Approve' }).click();
    await expect.poll(() => inbox(sam)).toEqual([]);
    await expect.poll(() => badge(maya)).toMatch(/^admin \(expires \d\d:\d\d\)$/);

    await made.revoke(`${request.id}.1`, { by: SAM, reason: 'over' });
    await expect.poll(() => badge(maya)).toBe('read-only');
    // One stream serves both hooks of a page. StrictMode mounts each twice, and the first stream is closed.
    expect(asked.filter((call) => call === `${MAYA} /access/v1/events`).length).toBeLessThanOrEqual(2);
    expect(await maya.locator('.error').textContent()).toBe('');
  });

  it('show why they know nothing', async () => {
    const { url } = await serve(await bundled('react', 'react-dom'));
    const page = await browser.open();
    await page.goto(`${url}/`);
    await expect.poll(() => page.locator('.error').textContent()).toBe('HttpClientError');
    expect(await badge(page)).toBe('read-only');
  });
});
