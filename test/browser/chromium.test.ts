import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeChromium, leftOut, violations } from './chromium.js';
import { root } from '../docs/pages.js';

if (leftOut !== undefined) console.warn(leftOut);

describe('.ci/run', () => {
  it('requires a browser, so that its tests are not skipped unnoticed', () => {
    expect(readFileSync(`${root}.ci/run`, 'utf8')).toMatch(/^export JIT_TEST_REQUIRE=.*\bchromium\b/m);
  });
});

describeChromium('Chromium', (browser) => {
  it('gives each test a page without the state of another one', async () => {
    const [first, second] = [await browser.open(), await browser.open()];
    await first.context().addCookies([{ name: 'a', value: '1', url: 'http://localhost' }]);
    expect(await second.context().cookies()).toEqual([]);
  });

  it('names the problems that axe-core finds', async () => {
    const page = await browser.open();
    await page.setContent('<html lang="en"><title>a page</title><main><h1>a page</h1><img src="data:,"></main></html>');
    expect(await violations(page)).toEqual(['image-alt: <img src="data:,">']);
  });
});
