import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { MINUTE } from '../../docs/play/world/scenario.js';
import { root } from '../docs/pages.js';
import { launch } from './chromium.js';

/** The same picture in a third of the bytes. */
async function asWebp(blank: Page, png: Buffer): Promise<Buffer> {
  const encoded = await blank.evaluate(async (source) => {
    const image = new Image();
    image.src = `data:image/png;base64,${source}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d')?.drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.9);
  }, png.toString('base64'));
  return Buffer.from(encoded.slice(encoded.indexOf(',') + 1), 'base64');
}

// The README's pictures: during the access, with every part of the page visible.
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
