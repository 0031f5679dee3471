import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { buildConsole } from '../../.tsup/console.js';
import { root } from '../docs/pages.js';
import { launch } from './chromium.js';
import { aWorld, type World } from './console-world.js';
import { asWebp } from './webp.js';

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
const WIDTHS = { narrow: 320, phone: 390, tablet: 768, laptop: 1024, wide: 1280 } as const;
const THEMES = ['light', 'dark'] as const;

/** The views of which the docs have a picture, and the height that shows the part that matters, in pixels. */
const IN_DOCS: Readonly<Record<string, number>> = { access: 720, inbox: 860, live: 860, history: 860 };

Object.assign(globalThis, { JIT_ACCESS_CONSOLE: (await buildConsole())?.files });

const [, , chosen = ''] = process.argv;
const folder = join(tmpdir(), 'jit-access-console');
await mkdir(folder, { recursive: true });
const browser = await launch();
const blank = await browser.newPage();
const world = await aWorld({
  open: async (options) => {
    const page = await (await browser.newContext(options)).newPage();
    // On a busy machine, loading a page may take minutes.
    page.setDefaultTimeout(0);
    return page;
  },
});
for (const [view, [person, path]] of Object.entries(VIEWS).filter(([name]) => name.startsWith(chosen))) {
  for (const colorScheme of THEMES) {
    const page = await world.open(person, await addressOf(world, path), { colorScheme, viewport: { width: WIDTHS.wide, height: 900 } });
    await drawn(page);
    for (const [size, width] of Object.entries(WIDTHS)) {
      await page.setViewportSize({ width, height: 900 });
      await settled(page);
      await shoot(page, `${view}-${size}-${colorScheme}`);
    }
    const height = IN_DOCS[view];
    if (height !== undefined) {
      await page.setViewportSize({ width: WIDTHS.wide, height });
      await settled(page);
      await writeFile(`${root}docs/console-${view}-${colorScheme}.webp`, await asWebp(blank, await page.screenshot({ timeout: 0 })));
    }
    await page.context().close();
  }
  const german = { locale: 'de', viewport: { width: WIDTHS.narrow, height: 900 } };
  const page = await world.open(person, await addressOf(world, path), german);
  await drawn(page);
  await shoot(page, `${view}-narrow-german`);
  await page.context().close();
}
await world.close();
await browser.close();
console.log(folder);

async function shoot(page: Page, name: string): Promise<void> {
  await writeFile(join(folder, `${name}.png`), await page.screenshot({ fullPage: true, timeout: 0 }));
}

/** The request in whose timeline most has happened. */
async function addressOf({ engine }: World, path: string): Promise<string> {
  if (path !== 'request') return path;
  const { items } = await engine.listRequests({ subject: 'user:lee', scope: 'db-prod:billing:write', status: 'pending' });
  return `requests/${items[0]?.id ?? ''}`;
}

/** Waits for what the view reads. */
async function drawn(page: Page): Promise<void> {
  await page.waitForLoadState('load');
  await settled(page);
  // The first event of the stream reads once more.
  await page.clock.runFor(1_000);
  await page.waitForTimeout(300);
  await settled(page);
}

async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('main .loading, [aria-busy=true]') === null);
  // The width has changed: a frame lays out, and the next one draws.
  await page.evaluate(() => document.querySelector('.menu [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }));
  await page.evaluate(() => new Promise<void>((done) => void requestAnimationFrame(() => requestAnimationFrame(() => done()))));
}
