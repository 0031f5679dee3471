import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { MINUTE } from '../../docs/play/world/scenario.js';
import { root } from '../docs/pages.js';
import { launch } from './chromium.js';
import { asWebp } from './webp.js';

// The pictures of docs/start/play.md: during the access, with every part of the page visible.
const browser = await launch();
const blank = await browser.newPage();
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.newPage({ colorScheme, locale: 'en-GB', timezoneId: 'UTC', viewport: { width: 1280, height: 860 } });
  await page.goto(pathToFileURL(`${root}docs/play/dist/index.html`).href);
  await page.getByLabel('Time in the scenario').fill(String(5 * MINUTE));
  await page.waitForFunction((at) => document.body.dataset['at'] === at, String(5 * MINUTE));
  await writeFile(`${root}docs/play-${colorScheme}.webp`, await asWebp(blank, await page.screenshot()));
}
await browser.close();
