import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA, NOOR, SAM } from '../../src/cli/dev/example/people.js';
import { LimitError } from '../../src/index.js';
import { toProblem } from '../../src/http.js';
import { describeChromium } from './chromium.js';
import { aFront } from './console-front.js';
import { aWorld } from './console-world.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const headingOf = (page: Page) => page.locator('main h1');
const langOf = (page: Page) => page.locator('html').getAttribute('lang');

/** Each view, and a person who sees most of it. */
const VIEWS: readonly (readonly [person: string, path: string])[] = [
  [MAYA, ''],
  [MAYA, 'ask'],
  [MAYA, 'ask?scope=db-prod:orders:write'],
  [ANA, 'inbox'],
  [ANA, 'requests/ID'],
  [SAM, 'live'],
  [SAM, 'break-glass'],
  [NOOR, 'history?scope=db-prod:orders:write'],
  [NOOR, 'report'],
  [NOOR, 'journal'],
];

describeChromium('the languages of the console', (browser) => {
  const begin = async () => {
    const world = await aWorld(browser);
    ends.push(world.close);
    return world;
  };
  /** Opens the settings, and chooses a language there. */
  const choose = async (page: Page, lang: string) => {
    await page.locator('.settings summary').click();
    const select = page.locator('.settings select').filter({ has: page.locator('option[lang]') });
    await select.selectOption(lang);
    return select;
  };

  it('change without a reload, are named by themselves, and load one file each', async () => {
    const { open, pass } = await begin();
    const page = await open(MAYA);
    const files: string[] = [];
    page.on('request', (request) => files.push(...(request.url().match(/messages-\w+(?=-)|\bmain\b/g) ?? [])));
    await pass(headingOf(page).getByText('My access'));
    await page.evaluate('window.sameDocument = true');
    const select = await choose(page, 'de');
    expect(await select.locator('option').allInnerTexts()).toEqual(['Deutsch', 'English', 'español']);
    await pass(headingOf(page).getByText('Mein Zugriff'));
    expect([await langOf(page), await page.title(), await page.evaluate('window.sameDocument')]).toEqual([
      'de',
      '(1) Mein Zugriff · Access',
      true,
    ]);
    // Durations and dates, too.
    await pass(page.getByText(/noch \d+ (Std|Min)\./));
    await select.selectOption('es');
    await pass(headingOf(page).getByText('Mi acceso'));
    expect(files).toEqual(['messages-de', 'messages-es']);
    await page.reload();
    await pass(headingOf(page).getByText('Mi acceso'));
    expect(await langOf(page)).toBe('es');
  });

  it('come from the browser until the viewer chooses, and only from those that are offered', async () => {
    const { open, pass, origin } = await begin();
    const page = await open(MAYA, '', { locale: 'de-CH' });
    await pass(headingOf(page).getByText('Mein Zugriff'));
    for (const kept of ['xx', '__proto__', 'constructor', '<img>']) {
      await page.evaluate(`localStorage.setItem('jit-access:language', ${JSON.stringify(kept)})`);
      await page.goto(`${origin}/console/`);
      await pass(headingOf(page).getByText('Mein Zugriff'));
      expect([kept, await langOf(page)]).toEqual([kept, 'de']);
    }
  });

  it('stay as they are if a file does not load', async () => {
    const { open, pass, origin } = await begin();
    const page = await open(MAYA);
    const said: string[] = [];
    page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
    await pass(headingOf(page).getByText('My access'));
    await page.route('**/messages-*', (route) => route.fulfill({ body: '<!doctype html>' }));
    const select = await choose(page, 'de');
    await expect.poll(() => said).toEqual([expect.stringContaining('The texts of the language de did not load.')]);
    expect([await select.inputValue(), await langOf(page), await headingOf(page).innerText()]).toEqual(['en', 'en', 'My access']);
    // At the next start, too: what was chosen is kept.
    await page.goto(`${origin}/console/`);
    await expect.poll(() => said.length).toBe(2);
    await pass(headingOf(page).getByText('My access'));
    expect(await langOf(page)).toBe('en');
  });

  it('are those of the service first, as text, and say what the API has refused', async () => {
    const world = await begin();
    const hostile = '<img src=x onerror="window.hacked=1">';
    const texts = { 'view.live': hostile, 'problem.is.limit': `${hostile} {limit}` };
    const front = await aFront(world.origin, { console: { languages: ['de', 'es'], messages: { de: { texts } } } });
    ends.push(front.close);
    for (const [locale, said] of [
      ['de', `${hostile} maxLocks`],
      ['es', 'Un límite del servicio lo impide: maxLocks, como máximo 12.345.'],
    ] as const) {
      // Without the policy of the page, what is no text would run.
      const page = await world.open(SAM, 'live?person=user%3Alee', { locale, at: `${front.origin}/console`, bypassCSP: true });
      await page
        .getByRole('button', { name: locale === 'de' ? 'Sperren' : 'Bloquear' })
        .first()
        .click();
      const dialog = page.getByRole('dialog');
      await world.advance(1_000);
      // It has counted.
      const { status, body } = toProblem(new LimitError('maxLocks', 12_345, 12_346));
      await page.route('**/access/v1/**', (route) =>
        route.request().method() === 'POST' ? route.fulfill({ status, json: body }) : route.fallback(),
      );
      await dialog.getByRole('button', { name: locale === 'de' ? /^Sperren/ : /^Bloquear/ }).click();
      await world.pass(dialog.getByRole('alert').getByText(said));
      expect(await page.locator('.menu [aria-current]').innerText()).toContain(locale === 'de' ? hostile : 'En vivo');
      expect([await page.evaluate('window.hacked'), await page.locator('main img').count()]).toEqual([undefined, 0]);
      await page.context().close();
    }
  });

  it.each(['de', 'es'])('fit a narrow screen: %s', async (locale) => {
    const { open, pass, engine } = await begin();
    const { items } = await engine.listRequests({ subject: LEE, scope: 'db-prod:billing:write', status: 'pending' });
    for (const [person, path] of VIEWS) {
      const page = await open(person, path.replace('ID', items[0]?.id ?? ''), { locale, viewport: { width: 320, height: 900 } });
      await pass(headingOf(page));
      await expect.poll(() => page.locator('main .loading, main [aria-busy=true]').count()).toBe(0);
      for (const summary of await page.locator('main summary').all()) await summary.click();
      const found = await page.evaluate(() => {
        const cut = (element: Element) => element.scrollWidth > element.clientWidth + 1;
        const buttons = [...document.querySelectorAll('button, .button, main h1, main h2')].filter(
          (one) => one.clientWidth > 1 && cut(one),
        );
        return { isWide: cut(document.documentElement), cut: buttons.map((one) => one.textContent) };
      });
      expect([path, found]).toEqual([path, { isWide: false, cut: [] }]);
      await page.context().close();
    }
  });
});
