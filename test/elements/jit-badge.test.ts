import { build } from 'esbuild';
import { expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { describeChromium, violations } from '../browser/chromium.js';
import { root } from '../docs/pages.js';

const AT = 1_767_225_600_000;
const MINUTE = 60_000;

/** A page with a badge, a ManualClock, and records of changes, errors and announcements. */
async function aPage(page: Page, html = '<jit-badge label="admin"></jit-badge>'): Promise<void> {
  const contents = `import { defineJitBadge } from './src/elements.ts'; import { ManualClock } from './src/testing/manual-clock.ts';
    window.clock = new ManualClock(${AT}); window.told = []; window.said = [];
    for (const type of ['change', 'error']) addEventListener('jit-badge-' + type, (event) => told.push(event.detail.state ?? type));
    defineJitBadge(); defineJitBadge();
    window.badge = document.querySelector('jit-badge'); badge.clock = clock;
    window.live = badge.shadowRoot.querySelector('output');
    new MutationObserver(() => live.textContent && said.push(live.textContent)).observe(live, { childList: true });
    window.give = (...windows) => { badge.status = { at: clock.now(), windows: windows.map(([scope, startsAt, endsAt]) => ({ scope, startsAt: ${AT} + startsAt, endsAt: ${AT} + endsAt })) }; };`;
  const { outputFiles } = await build({ stdin: { contents, resolveDir: root }, bundle: true, write: false, format: 'iife' });
  await page.setContent(`<!doctype html><html lang="en-GB"><title>Badge</title><main><h1>Maya</h1>${html}</main></html>`);
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
}

const shown = (page: Page) => page.evaluate<string>(`badge.shadowRoot.querySelector('span').textContent`);

describeChromium('<jit-badge>', (browser) => {
  it('changes at the right instant, counts the last minutes down, and changes back by itself at the end', async () => {
    const page = await browser.open({ timezoneId: 'UTC' });
    await aPage(page);
    expect(await shown(page)).toBe('read-only');
    await page.evaluate(`give(['db:write', 0, ${15 * MINUTE}])`);
    expect(await shown(page)).toBe('admin (expires 00:15)');
    await page.evaluate(`clock.set(${AT + 10 * MINUTE - 1})`);
    expect(await shown(page)).toBe('admin (expires 00:15)');
    await page.evaluate(`clock.set(${AT + 10 * MINUTE})`);
    expect(await shown(page)).toBe('admin (expires in 05:00)');
    await page.evaluate(`clock.set(${AT + 15 * MINUTE - 1})`);
    expect(await shown(page)).toBe('admin (expires in 00:01)');
    await page.evaluate(`clock.set(${AT + 15 * MINUTE})`);
    expect(await shown(page)).toBe('read-only');
    await page.evaluate(`clock.set(${AT})`);
    expect(await shown(page)).toBe('read-only');
    expect(await page.evaluate('told')).toEqual(['held', 'ending', 'read-only']);
    expect(await page.evaluate('said')).toEqual(['admin (expires 00:15)', 'admin (expires in 05:00)', 'read-only']);
    expect(await page.evaluate('clock.sleepers')).toBe(0);
  });

  it('shows several grants, a scheduled one, and a revoke', async () => {
    const page = await browser.open({ timezoneId: 'UTC' });
    await aPage(page, '<jit-badge lang="en_US"></jit-badge>');
    await page.evaluate(`badge.lang = 'en-GB'; give(['a', 0, ${10 * MINUTE}], ['b', 0, ${20 * MINUTE}], ['c', ${MINUTE}, ${20 * MINUTE}])`);
    expect(await shown(page)).toBe('a (expires 00:10), b (expires 00:20)');
    await page.evaluate(`clock.set(${AT + MINUTE})`);
    expect(await shown(page)).toBe('a (expires 00:10), b (expires 00:20), c (expires 00:20)');
    await page.evaluate(`give()`);
    expect(await shown(page)).toBe('read-only');
  });

  it.each(['{', '5', '{}', '{"at":1,"windows":[{"scope":"a","startsAt":0,"endsAt":"9"}]}'])('shows no access for %s', async (json) => {
    const page = await browser.open();
    await aPage(page);
    await page.evaluate(`give(['a', 0, ${10 * MINUTE}]); badge.setAttribute('status', ${JSON.stringify(json)})`);
    expect(await shown(page)).toBe('read-only');
    expect(await page.evaluate('told')).toEqual(['held', 'read-only', 'error']);
  });

  it('accepts the same status as JSON, uses the language of the page, and shows markup as text', async () => {
    const page = await browser.open({ timezoneId: 'UTC' });
    await aPage(page, '<jit-badge lang="de" words="nur lesen|bis {}|noch {}"></jit-badge>');
    expect(await shown(page)).toBe('nur lesen');
    await page.evaluate(`give(['<b>a</b>', 0, ${15 * MINUTE}]); badge.setAttribute('status', JSON.stringify(badge.status))`);
    expect(await shown(page)).toBe('<b>a</b> (bis 00:15)');
    await page.evaluate(`badge.status = null; badge.status = JSON.stringify({ at: clock.now(), windows: [] })`);
    expect(await shown(page)).toBe('nur lesen');
    await page.evaluate(`give(['b', 0, ${15 * MINUTE}]); badge.status = JSON.stringify(badge.status)`);
    expect(await shown(page)).toBe('b (bis 00:15)');
  });

  it.each(['light', 'dark'] as const)('passes axe-core in every state: %s', async (colorScheme) => {
    const page = await browser.open({ colorScheme });
    await aPage(page);
    await page.addStyleTag({ content: ':root{color-scheme:light dark}' });
    for (const left of [0, 20, 3]) {
      await page.evaluate(left === 0 ? 'give()' : `give(['a', 0, ${left * MINUTE}])`);
      expect(await violations(page)).toEqual([]);
    }
  });
});
