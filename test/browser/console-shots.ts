import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { buildConsole } from '../../.tsup/console.js';
import { launch } from './chromium.js';
import { aWorld, type World } from './console-world.js';

/** Each view, and the person who sees most of it. */
const VIEWS: Readonly<Record<string, readonly [person: string, path: string]>> = {
  people: ['user:maya', '../'],
  access: ['user:maya', ''],
  ask: ['user:maya', 'ask'],
  'ask-scope': ['user:maya', 'ask?scope=db-prod:orders:read'],
  inbox: ['user:ana', 'inbox'],
  request: ['user:ana', 'request'],
  live: ['user:sam', 'live'],
  'break-glass': ['user:sam', 'break-glass'],
  history: ['user:noor', 'history?scope=db-prod:orders:write'],
  report: ['user:noor', 'report'],
  journal: ['user:noor', 'journal'],
  'signed-out': ['', 'inbox'],
};
const WIDTHS = { narrow: 320, tablet: 768, wide: 1280 } as const;

Object.assign(globalThis, { JIT_ACCESS_CONSOLE: (await buildConsole())?.files });

const [, , chosen] = process.argv;
const folder = join(tmpdir(), 'jit-access-console');
await mkdir(folder, { recursive: true });
const browser = await launch();
const world = await aWorld({ open: async (options) => (await browser.newContext(options)).newPage() });
for (const [view, [person, path]] of Object.entries(VIEWS)) {
  if (chosen !== undefined && !view.startsWith(chosen)) continue;
  for (const [size, width] of Object.entries(WIDTHS)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await world.open(person, await addressOf(world, path), { colorScheme, viewport: { width, height: 900 } });
      await drawn(page);
      await writeFile(join(folder, `${view}-${size}-${colorScheme}.png`), await page.screenshot({ fullPage: true }));
      await page.context().close();
    }
  }
}
await world.close();
await browser.close();
console.log(folder);

/** The request in whose timeline most has happened. */
async function addressOf({ engine }: World, path: string): Promise<string> {
  if (path !== 'request') return path;
  const { items } = await engine.listRequests({ subject: 'user:lee', scope: 'db-prod:billing:write', status: 'pending' });
  return `requests/${items[0]?.id ?? ''}`;
}

/** Waits for what the view reads. */
async function drawn(page: Page): Promise<void> {
  await page.waitForLoadState('load');
  await page.waitForFunction(() => document.querySelector('main .loading, [aria-busy=true]') === null);
  // The first event of the stream reads once more.
  await page.clock.runFor(1_000);
  await page.waitForTimeout(300);
}
