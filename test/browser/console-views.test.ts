import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ANA, LEE, MAYA, NOOR, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Each view, the person who sees most of it, and a text that it shows when it has read. */
const VIEWS: Readonly<Record<string, readonly [person: string, path: string, text: string | RegExp]>> = {
  'My access': [MAYA, '', 'You hold 1 scope'],
  Ask: [MAYA, 'ask', 'What do you need?'],
  'the form of Ask': [MAYA, 'ask?scope=db-prod:orders:write', 'See what will happen'],
  Inbox: [ANA, 'inbox', /Konstantinos Papadimitriou/],
  Request: [ANA, 'requests/', 'What happened'],
  Live: [SAM, 'live', /Maya Lindqvist/],
  'Emergency reviews': [SAM, 'break-glass', /Lee Okafor/],
  History: [NOOR, 'history?scope=db-prod:orders:write', /Maya Lindqvist/],
  Report: [NOOR, 'report', /db-prod:orders:write/],
  Journal: [NOOR, 'journal', /Maya Lindqvist/],
};

describeChromium('the views of the console', (browser) => {
  let world: World;
  let requestId = '';
  beforeAll(async () => {
    world = await aWorld(browser);
    const { items } = await world.engine.listRequests({ subject: LEE, scope: 'db-prod:billing:write', status: 'pending' });
    requestId = items[0]?.id ?? '';
  });
  afterAll(() => world.close());

  const open = async (view: string): Promise<Page> => {
    const [person, path, text] = VIEWS[view] as (typeof VIEWS)[string];
    const page = await world.open(person, path === 'requests/' ? path + requestId : path);
    // Also the list of a field that suggests people has their names, but it is not shown.
    await world.pass(page.locator('main').getByText(text).filter({ visible: true }).first());
    return page;
  };

  /** What axe finds now: the rule, and the element. Its timers run on the time of the page. */
  const findings = async (page: Page): Promise<readonly string[]> => {
    let isDone = false;
    const found = page
      .evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
        return (await axe.run()).violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
      })
      .finally(() => (isDone = true));
    while (!isDone) await page.clock.runFor(20);
    return found;
  };

  it.each(Object.keys(VIEWS))('axe finds nothing in %s: light and dark, left to right and right to left', async (view) => {
    const page = await open(view);
    await page.evaluate(AXE);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const dir of ['ltr', 'rtl']) {
        await page.evaluate((value) => (document.documentElement.dir = value), dir);
        expect([colorScheme, dir, await findings(page)]).toEqual([colorScheme, dir, []]);
      }
    }
  });

  it.each(Object.keys(VIEWS))('%s fits into 320 px, and each target has 24 px', async (view) => {
    const page = await open(view);
    await page.setViewportSize({ width: 320, height: 700 });
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    // WCAG 2.2, 2.5.8. A box has the size of its label.
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('a, button, summary, select, textarea, input:not([type=checkbox], [type=radio])')]
        .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()] as const)
        .filter(([html, { width, height }]) => width > 0 && !html.includes('skip') && Math.min(width, height) < 24)
        .map(([html, { width, height }]) => `${html} ${width} x ${height}`),
    );
    expect(small).toEqual([]);
  });
});
