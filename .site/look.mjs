import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const MAX_HEIGHT = 18_000;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.webp': 'image/webp' };

/** Serves static files on a free port of this machine. */
export async function serve(folder) {
  const server = createServer((request, response) => {
    const path = join(folder, normalize(decodeURIComponent(new URL(request.url, 'http://site').pathname)));
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'index.html') : path;
    const found = existsSync(file) ? file : join(folder, '404.html');
    response.writeHead(found === file ? 200 : 404, { 'content-type': TYPES[extname(found)] ?? 'text/plain; charset=utf-8' });
    createReadStream(found).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/**
 * What is wrong with the pages in a window of 1,280 x 900: a guide that is too high, a line of code that must be
 * scrolled sideways, a request to another origin, an error of a script.
 */
export async function troublesOf(folder, places, guides) {
  const named = process.env.CHROMIUM_PATH ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (named === undefined) {
    if (/\bchromium\b/.test(process.env.JIT_TEST_REQUIRE ?? '')) return ['JIT_TEST_REQUIRE demands chromium'];
    console.log('there is no chromium: nothing looks at the pages');
    return [];
  }
  const executablePath = named.includes('/') ? named : spawnSync('which', [named], { encoding: 'utf8' }).stdout.trim();
  const { origin, close } = await serve(folder);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], timeout: 0 });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(0);
  const troubles = [];
  let at;
  page.on('pageerror', (error) => troubles.push(`${at}: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(?:data|blob):/.test(url)) troubles.push(`${at}: requests ${url}`);
  });
  for (at of [
    'index.html',
    'play/index.html',
    'api/index.html',
    'no-such-page.html',
    ...places.map((place) => place.replace(/md$/, 'html')),
  ]) {
    await page.goto(`${origin}/${at}`, { waitUntil: 'load' });
    const { height, wide } = await page.evaluate(() => ({
      height: document.documentElement.scrollHeight,
      wide: [...document.querySelectorAll('div[class*="language-"] pre')]
        .filter((block) => block.scrollWidth > block.clientWidth)
        .map((block) =>
          block.textContent
            .trim()
            .split('\n')
            .reduce((a, b) => (b.length > a.length ? b : a)),
        ),
    }));
    if (guides.includes(at.replace(/html$/, 'md')) && height > MAX_HEIGHT) troubles.push(`${at}: ${height} px high, at most ${MAX_HEIGHT}`);
    for (const line of wide) troubles.push(`${at}: a line of code is too wide: ${line}`);
  }
  await browser.close();
  close();
  return troubles;
}
