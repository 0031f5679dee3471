import { readdirSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA, NOOR, SAM } from '../../src/cli/dev/example/people.js';
import type { Messages } from '../../src/console/app/frame/messages.js';
import { describeChromium } from './chromium.js';
import { aFront } from './console-front.js';
import { aWorld, type World } from './console-world.js';

/** Text that would run, or change the page, if it were anything else than text. */
const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"\'{by}\u202e';

/** The headers of helmet that a handler could break under. */
const HELMET = {
  'content-security-policy': "default-src 'self';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
};

/** Each view, a person who may do most there, and a text that it shows when it has read. */
const VIEWS: readonly (readonly [person: string, path: string, text: string | RegExp])[] = [
  [MAYA, '', 'db-prod:orders:write'],
  [MAYA, 'ask', /db-prod:orders:write|sends no requests/],
  [MAYA, 'ask?scope=db-prod:orders:write', /Why|sends no requests/],
  [ANA, 'inbox', 'db-prod:billing:write'],
  [ANA, 'requests/ID', 'db-prod:billing:write'],
  [SAM, 'live', 'db-prod:orders:write'],
  [SAM, 'break-glass', 'db-prod:orders:write'],
  [NOOR, 'history?scope=db-prod:orders:write', /2026/],
  [NOOR, 'report', 'db-prod:orders:write'],
  [NOOR, 'journal', 'db-prod:orders:write'],
];

/** The buttons that open a dialog, by the ends of their texts. */
const OPENS =
  /(Release|Release all|More time|Change|Change…|Cancel request|Take access now|Revoke|Revoke all…?|Lock…?|Unlock|Not justified…|Keys \?)$/;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describeChromium('the console, mounted elsewhere', (browser) => {
  const begin = async (given: Parameters<typeof aFront>[1]) => {
    const world = await aWorld(browser);
    ends.push(world.close);
    const front = await aFront(world.origin, given);
    ends.push(front.close);
    const { items } = await world.engine.listRequests({ subject: LEE, scope: 'db-prod:billing:write', status: 'pending' });
    const at = `${front.origin}${given.prefix ?? ''}/console`;
    const open = (person: string, path: string, options: Parameters<World['open']>[2] = {}) =>
      world.open(person, path.replace('ID', items[0]?.id ?? ''), { at, ...options });
    return { ...world, at, open, requestId: items[0]?.id ?? '' };
  };
  const shown = (page: Page, text: string | RegExp) => page.locator('main').getByText(text);

  it('works under the headers of helmet behind a proxy that removes a prefix, at three depths', async () => {
    const { open, pass, at } = await begin({ prefix: '/tools/eu', headers: HELMET });
    for (const [path, text] of [
      ['', 'My access'],
      ['journal', 'db-prod:orders:write'],
      ['requests/ID', 'What happened'],
    ] as const) {
      const page = await open(SAM, path);
      const urls: string[] = [];
      const refused: string[] = [];
      page.on('request', (request) => urls.push(request.url()));
      page.on('console', (message) => /Content Security Policy|MIME/.test(message.text()) && refused.push(message.text()));
      const stream = page.waitForResponse((response) => response.url().endsWith('/events'));
      await page.reload();
      await pass(shown(page, text));
      expect((await stream).headers()).toMatchObject({ 'content-type': expect.stringContaining('text/event-stream') as string });
      await page.getByRole('link', { name: 'Live' }).click();
      await pass(shown(page, /Maya Lindqvist/));
      expect(page.url()).toBe(`${at}/live`);
      await page.goBack();
      await pass(shown(page, text));
      expect(refused).toEqual([]);
      expect(urls.length).toBeGreaterThan(5);
      expect(urls.filter((url) => !url.startsWith(at.replace('console', '')))).toEqual([]);
      await page.close();
    }
  });

  it('draws the brand of the service, and keeps the colours of decisions', async () => {
    const logo = "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20width='20'%20height='20'/%3E";
    const { open } = await begin({ console: { brand: { name: '<b>Nordwind</b>', logo, accent: '#ff0' } } });
    const page = await open(ANA, 'inbox', { colorScheme: 'light' });
    const approve = page.getByRole('button', { name: /^Approve/ }).first();
    await approve.waitFor();
    const width = await page.locator('.brand img').evaluate((image: HTMLImageElement) => image.naturalWidth);
    expect([await page.locator('.brand').innerText(), width]).toEqual(['<b>Nordwind</b>', 20]);
    const colour = (locator: Locator, name: 'color' | 'backgroundColor') =>
      locator.evaluate((element, property) => getComputedStyle(element)[property], name);
    expect(await colour(approve, 'backgroundColor')).toBe('rgb(11, 107, 82)');
    // Yellow, as dark as white paper needs it.
    expect(await colour(page.locator('.menu [aria-current]'), 'color')).toMatch(/^rgb\((\d+), \1, 0\)$/);
  });

  it('offers no action in any view where it only shows, and no key decides', async () => {
    const { open, pass, answers, advance } = await begin({ console: { readOnly: true } });
    const offered = new Set<string>();
    for (const [person, path, text] of VIEWS) {
      const page = await open(person, path);
      await pass(shown(page, text));
      for (const summary of await page.locator('main summary').all()) await summary.click();
      const buttons = page.locator('main').locator('button, input[type=submit], textarea');
      for (const name of await buttons.evaluateAll((found) => found.map((one) => one.getAttribute('aria-label') ?? one.textContent)))
        offered.add(name);
      if (path !== 'inbox') continue;
      await advance(1_000);
      await page.locator('.row').first().focus();
      for (const key of ['a', 'd', 'n']) await page.keyboard.press(key);
      await advance(6_000);
      expect(await page.getByRole('dialog').count()).toBe(0);
    }
    // The rest reads, sorts, opens, copies or explains.
    const harmless = /^(Copy|Download|Show|Details|By (end|scope|person|rule)$|policy · [\w-]+: Show)\b|[↕↑↓]$/;
    expect([...offered].filter((name) => !harmless.test(name))).toEqual([]);
    expect(answers.filter((answer) => /^(POST|PUT|PATCH|DELETE) \/access/.test(answer))).toEqual([]);
  });

  it('shows hostile names, tickets, texts of people and messages as text in each view', async () => {
    const folder = new URL('../../src/console/app/', import.meta.url);
    const files = (readdirSync(folder, { recursive: true }) as string[]).filter((path) => path.endsWith('.messages.ts'));
    const tables = await Promise.all(
      files.map(async (path) => Object.values((await import(new URL(path, folder).href)) as Record<string, Messages>)),
    );
    const english = Object.fromEntries(tables.flat().flatMap((table) => Object.entries(table)));
    const hostile = (text: string) => `${HOSTILE} ${text}`;
    const texts = Object.fromEntries(
      Object.entries(english).map(([key, text]) => [
        key,
        typeof text === 'string'
          ? hostile(text)
          : { other: '', ...Object.fromEntries(Object.entries(text).map(([form, one]) => [form, hostile(one)])) },
      ]),
    );
    expect(Object.keys(texts).length).toBeGreaterThan(200);
    const { open, pass, advance } = await begin({
      console: { title: HOSTILE, ticketUrl: 'https://tickets.example.com/{ticket}', messages: { en: { texts } } },
      // Each text that a person has written, and each name.
      change: (text) =>
        text.replace(
          /"(justification|ticket|reason|comment|text|name|detail|title|description)":"(?=[^"])/g,
          (begin) => begin + JSON.stringify(HOSTILE).slice(1, -1),
        ),
    });
    /** Opens each kind of dialog of a view. @returns how many there were */
    const openDialogs = async (page: Page, check: () => Promise<void>): Promise<number> => {
      for (const summary of await page.locator('main summary').all()) await summary.click();
      await advance(1_000);
      for (const field of await page.locator('.emergency textarea, .emergency input').all())
        await field.fill((await field.getAttribute('list')) === null ? HOSTILE : 'db-prod:orders:write');
      const buttons = page.locator('main button').filter({ hasText: OPENS });
      const seen = new Set<string>();
      for (let i = 0; i < (await buttons.count()); i++) {
        const text = await buttons.nth(i).innerText();
        if (seen.has(text) || !(await buttons.nth(i).isEnabled())) continue;
        seen.add(text);
        await buttons.nth(i).click();
        await pass(page.getByRole('dialog'));
        await advance(1_000);
        await check();
        await page.keyboard.press('Escape');
        // By its element: a dialog that is closed has no role, and its buttons are counted until it is removed.
        await page.locator('dialog').waitFor({ state: 'detached' });
      }
      return seen.size;
    };
    let dialogs = 0;
    for (const [person, path] of VIEWS) {
      // Without the policy of the page, what is no text would run.
      const page = await open(person, path, { bypassCSP: true });
      await pass(shown(page, 'window.hacked'));
      await pass(page.locator('main h1'));
      await expect.poll(() => page.locator('main .loading').count()).toBe(0);
      expect([path, await page.evaluate('window.hacked')]).toEqual([path, undefined]);
      expect([path, await page.locator('img, body script').count()]).toEqual([path, 0]);
      await pass(page.locator('main'));
      dialogs += await openDialogs(page, async () => {
        expect([path, await page.evaluate('window.hacked')]).toEqual([path, undefined]);
        expect([path, await page.locator('img, body script').count()]).toEqual([path, 0]);
      });
      const links = await page.locator('a[href]').evaluateAll((all) => all.map((one) => (one as HTMLAnchorElement).href));
      expect(links.filter((href) => !/^(http:\/\/127\.0\.0\.1:\d+\/|https:\/\/tickets\.example\.com\/%3Cimg)/.test(href))).toEqual([]);
      await page.close();
    }
    expect(dialogs).toBeGreaterThanOrEqual(12);
  });
});
