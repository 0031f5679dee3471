import { readdirSync, readFileSync } from 'node:fs';
import type { Locator, Page, Route } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium, violations } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const APP = 'src/console/app';
const LOGS = 'logs:checkout';
const NAME = 'Lee Okafor';
const SEARCH = '**/access/v1/people?*';

let world: World;
afterEach(() => world.close());

/** The fields of the console that take a person, by file. Each has its tests below. */
const FIELDS = ['parts/filter-bar.tsx', 'views/ask/fields.tsx', 'views/history/finder.tsx', 'views/live/targets.tsx'];

describeChromium('a person is chosen, not typed', (browser) => {
  const begin = async () => (world = await aWorld(browser, { isEmpty: true }));
  const hold = async (subject: string) => {
    await world.engine.requestAccess({ subject, scope: LOGS, ttl: '4h', justification: 'A look' });
  };
  const statusesOf = async (subject: string) => (await world.engine.listGrants({ subject })).items.map(({ status }) => status);
  const dialog = (page: Page) => page.getByRole('dialog');
  const press = (page: Page) => dialog(page).getByRole('button', { name: /^(Lock|End)/ });
  const field = (of: Page | Locator) => of.getByRole('combobox', { name: 'Person' });
  const option = (page: Page, text: string | RegExp) => page.getByRole('option').filter({ hasText: text });
  const open = async (page: Page, action: 'Lock' | 'Revoke all', text: string) => {
    await page.getByRole('button', { name: action, exact: true }).click();
    // The field has the focus.
    await field(dialog(page)).waitFor();
    await page.keyboard.type(text);
  };
  /** The search answers with these people, or with an error. */
  const finds = (page: Page, ...people: readonly (readonly [id: string, name: string])[]) =>
    page.route(SEARCH, (route) => route.fulfill({ json: { items: people.map(([id, name]) => ({ id, name })) } }));
  const fails = (page: Page, status: number) =>
    page.route(SEARCH, (route) => route.fulfill({ status, contentType: 'application/problem+json', body: '{}' }));

  it('[C3] has a test for each field that takes a person', async () => {
    await begin();
    const files = (readdirSync(APP, { recursive: true }) as string[]).filter((name) => name.endsWith('.tsx'));
    expect(files.filter((file) => readFileSync(`${APP}/${file}`, 'utf8').includes('<PersonInput')).sort()).toEqual(FIELDS);
  });

  it('[C3] locks no one by a typed name, and the person who is chosen, whose name, detail and id it repeats', async () => {
    await begin();
    await hold(LEE);
    await hold(MAYA);
    const page = await world.open(SAM, 'live');
    await open(page, 'Lock', NAME);
    await world.pass(option(page, LEE));
    expect(await press(page).isDisabled()).toBe(true);
    expect(await dialog(page).getByText('No person is chosen yet.').isVisible()).toBe(true);
    await option(page, LEE).click();
    await world.pass(dialog(page).getByText('Ends 1 grant of 1 person'));
    expect(await dialog(page).locator('.effect').innerText()).toMatch(/Lee Okafor\s+On-call engineer, orders\s+user:lee\s+Ends 1 grant/);
    await dialog(page).getByRole('button', { name: 'Lock, and end 1 grant' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await world.engine.listLocks()).toMatchObject([{ subject: LEE }]);
    expect([await statusesOf(LEE), await statusesOf(MAYA)]).toEqual([['revoked'], ['active']]);
  });

  it('[C3] revokes by the keyboard alone, and Enter in the field takes a person and ends nothing', async () => {
    await begin();
    await hold(LEE);
    const page = await world.open(SAM, 'live');
    await open(page, 'Revoke all', 'okaf');
    await world.pass(option(page, LEE));
    await page.keyboard.press('Enter');
    await world.pass(dialog(page).locator('.chosen').filter({ hasText: LEE }));
    await world.pass(dialog(page).getByRole('button', { name: 'End 1 grant' }));
    for (let n = 0; n < 3; n++) await page.keyboard.press('Enter');
    await world.advance(1_000);
    expect(await statusesOf(LEE)).toEqual(['active']);
    await press(page).press('Enter');
    await dialog(page).waitFor({ state: 'detached' });
    expect(await statusesOf(LEE)).toEqual(['revoked']);
  });

  it('[C3] takes no hit of an older text, of several people of one name, or whose name is the id of another person', async () => {
    await begin();
    await hold(LEE);
    const page = await world.open(SAM, 'live');
    // The answer to the first text comes after the second text.
    let late: Route | undefined;
    await page.route(SEARCH, (route) => {
      if (new URL(route.request().url()).searchParams.get('search') !== 'zz') return route.fulfill({ json: { items: [] } });
      late = route;
      return undefined;
    });
    await open(page, 'Lock', 'zz');
    await page.clock.runFor(500);
    await expect.poll(() => late !== undefined).toBe(true);
    await field(dialog(page)).fill('yy');
    void late?.fulfill({ json: { items: [{ id: 'user:evil', name: 'zz' }] } }).catch(() => undefined);
    await world.pass(dialog(page).getByText('No person is found.'));
    await page.keyboard.press('Enter');
    expect([await field(dialog(page)).inputValue(), await option(page, 'user:evil').count()]).toEqual(['yy', 0]);
    for (const [text, ...people] of [
      [NAME, [LEE, NAME], ['user:lee2', NAME]],
      [SAM, ['user:evil', SAM]],
    ] as const) {
      await page.unroute(SEARCH);
      await finds(page, ...people);
      await field(dialog(page)).fill(text);
      await world.pass(option(page, people.at(-1)?.[0] ?? ''));
      await page.keyboard.press('Enter');
      expect(await field(dialog(page)).inputValue()).toBe(text);
      expect(await dialog(page).getByText('No person is chosen yet.').isVisible()).toBe(true);
      expect(await press(page).isDisabled()).toBe(true);
    }
    await option(page, 'The id').waitFor({ state: 'hidden' });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await dialog(page).locator('.chosen code').innerText()).toBe(SAM);
    expect(await world.engine.listLocks()).toEqual([]);
  });

  it('[C3] without a search takes a text as an id, and locks one under which nothing is open by a step that names it', async () => {
    await begin();
    await hold(LEE);
    const page = await world.open(SAM, 'live');
    await fails(page, 501);
    // The rows name Lee: his name is still no id.
    await open(page, 'Lock', NAME);
    await world.pass(option(page, LEE));
    expect(await press(page).isDisabled()).toBe(true);
    await field(dialog(page)).fill('Lee Okafour');
    await world.pass(dialog(page).getByText('Nothing is open under this id.'));
    expect(await press(page).isDisabled()).toBe(true);
    const step = dialog(page).getByLabel('Lock the id Lee Okafour: nothing is open under it');
    await step.check();
    expect(await press(page).isEnabled()).toBe(true);
    await field(dialog(page)).fill('user:zoe');
    expect(await press(page).isDisabled()).toBe(true);
    await world.pass(dialog(page).getByLabel('Lock the id user:zoe: nothing is open under it'));
    expect(await press(page).isDisabled()).toBe(true);
    await field(dialog(page)).fill(LEE);
    await world.pass(dialog(page).getByText('Ends 1 grant of 1 person'));
    expect(world.answers.filter((line) => line.includes('/people?'))).toEqual([]);
  });

  it.each([429, 503])('[C3] takes no text for an id when the search fails, and says so: %s', async (status) => {
    await begin();
    await hold(LEE);
    const page = await world.open(SAM, 'live');
    await fails(page, status);
    await open(page, 'Lock', 'Zoe');
    await world.pass(dialog(page).getByText('The search did not answer.'));
    expect(await press(page).isDisabled()).toBe(true);
    await page.keyboard.press('Enter');
    expect(await field(dialog(page)).inputValue()).toBe('Zoe');
    // An id can still be chosen as such.
    await option(page, 'The id Zoe').click();
    await world.pass(dialog(page).getByText('Nothing is open under this id.'));
    expect(await press(page).isDisabled()).toBe(true);
  });

  it('leaves the keys of an input method alone, and takes what is pasted without its invisible characters', async () => {
    await begin();
    await hold(LEE);
    const page = await world.open(SAM, 'live');
    await open(page, 'Lock', '');
    const input = field(dialog(page));
    const session = await page.context().newCDPSession(page);
    await session.send('Input.imeSetComposition', { text: 'okafor', selectionStart: 6, selectionEnd: 6 });
    await world.advance(1_000);
    expect(world.answers.filter((line) => line.includes('/people?'))).toEqual([]);
    await input.dispatchEvent('keydown', { key: 'Enter', isComposing: true });
    expect(await option(page, LEE).count()).toBe(0);
    await session.send('Input.insertText', { text: 'okafor' });
    await input.dispatchEvent('compositionend');
    await world.pass(option(page, LEE));
    // Safari sends the key that ends an input method after its end.
    await page.keyboard.press('Enter');
    expect(await input.inputValue()).toBe('okafor');
    await page.keyboard.press('Enter');
    await world.pass(dialog(page).locator('.chosen').filter({ hasText: LEE }));
    await input.fill('');
    await input.evaluate((element) => {
      (element as HTMLInputElement).focus();
      document.execCommand('insertText', false, '\u202e user:lee\u200b\u{e0041} ');
    });
    await world.pass(dialog(page).getByText('Ends 1 grant of 1 person'));
  });

  it.each(['live', 'history?person=user:maya'])(
    '[C3] filters by the person who is chosen, and never says of a text that it held nothing: %s',
    async (path) => {
      await begin();
      await hold(LEE);
      // The span of the history ends as the page is opened.
      await world.clock.advance(60_000);
      const page = await world.open(SAM, path);
      const search = field(page.getByRole('search'));
      await search.waitFor();
      // Enter waits for the answer to its own text.
      await search.fill(NAME);
      await search.press('Enter');
      await world.pass(() => new URL(page.url()).searchParams.get('person') === LEE);
      await world.pass(page.getByRole('listitem').filter({ hasText: LOGS }));
      expect(await search.inputValue()).toBe(NAME);
      expect(await page.getByRole('search').locator('.chosen').getByText(LEE).isVisible()).toBe(true);
      await search.fill('Lee Okafour');
      await search.press('Enter');
      await world.pass(page.getByText('No person is found.'));
      await search.press('Tab');
      expect(new URL(page.url()).searchParams.get('person')).toBe(LEE);
      await page.goto(`${world.origin}/console/${path.split('?')[0] ?? ''}?person=Lee+Okafour`);
      await world.pass(page.getByText('No grant under this id'));
      expect(await page.locator('main').innerText()).not.toMatch(/Held now\s+0|No grant was held|No grant fits/);
    },
  );

  it('[C3] asks for the person who is chosen, and for no one while a text is no choice', async () => {
    await begin();
    const page = await world.open(ANA, 'ask?scope=db-prod:orders:read');
    await page.getByLabel('Why').fill('The orders of yesterday');
    await page.locator('summary').filter({ hasText: /More/ }).first().click();
    const subject = page.getByRole('combobox', { name: 'For whom' });
    await subject.fill('Lee Okafour');
    await world.pass(page.getByText('No person is found.'));
    await page.getByRole('button', { name: 'See what will happen' }).click();
    await expect.poll(() => subject.getAttribute('aria-invalid')).toBe('true');
    expect(world.answers.filter((line) => line.startsWith('POST /access'))).toEqual([]);
    await subject.fill('okafor');
    await world.pass(option(page, LEE));
    await option(page, LEE).click();
    await page.getByRole('button', { name: 'See what will happen' }).click();
    await page.getByRole('button', { name: 'Send request' }).waitFor();
    // Another text has no preview, so it cannot be sent.
    await subject.fill('may');
    await page.getByRole('button', { name: 'Send request' }).waitFor({ state: 'detached' });
    await world.pass(option(page, MAYA));
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'See what will happen' }).click();
    await page.getByRole('button', { name: 'Send request' }).click();
    await page.getByText('Waits for approval').first().waitFor();
    expect((await world.engine.listRequests({ subject: MAYA })).items).toHaveLength(1);
  });

  it('searches only in fields that the viewer may use', async () => {
    await begin();
    const page = await world.open(LEE, 'ask?scope=db-prod:orders:read');
    await page.locator('summary').filter({ hasText: /More/ }).first().click();
    await page.getByRole('combobox', { name: 'For whom' }).fill('maya');
    await world.advance(2_000);
    expect(world.answers.filter((line) => line.includes('/people?'))).toEqual([]);
  });

  it('is a combobox of ARIA: touch, screen reader and narrow windows', async () => {
    await begin();
    for (const subject of [LEE, MAYA, 'agent:release-bot']) await hold(subject);
    const page = await world.open(SAM, 'live', { hasTouch: true, bypassCSP: true, viewport: { width: 320, height: 640 } });
    await page.getByRole('listitem').first().waitFor();
    const input = field(page.getByRole('search'));
    await input.tap();
    await option(page, 'agent:release-bot').waitFor();
    expect(await input.getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('ArrowDown');
    const active = await input.getAttribute('aria-activedescendant');
    expect(await page.locator(`[id="${active ?? ''}"]`).getAttribute('aria-selected')).toBe('true');
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    await page.keyboard.press('Escape');
    await expect.poll(() => input.getAttribute('aria-expanded')).toBe('false');
    await input.tap();
    await option(page, 'agent:release-bot').tap();
    await expect.poll(() => new URL(page.url()).searchParams.get('person')).toBe('agent:release-bot');
    await page.getByRole('button', { name: 'Lock', exact: true }).tap();
    await dialog(page).waitFor();
    await field(dialog(page)).tap();
    await page.keyboard.press('Escape');
    expect(await dialog(page).isVisible()).toBe(true);
    await world.advance(1_000);
    expect(await violations(page)).toEqual([]);
  });

  it('finds a scope and everything below it, and says so', async () => {
    await begin();
    await hold(LEE);
    await hold(MAYA);
    const page = await world.open(SAM, 'live');
    await page.getByRole('listitem').first().waitFor();
    const scope = page.getByRole('search').getByRole('combobox', { name: 'Scope' });
    await scope.fill('log');
    await option(page, /^logs$/).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('scope')).toBe('logs');
    await world.pass(page.getByRole('listitem').filter({ hasText: NAME }));
    expect(await page.getByRole('search').innerText()).toContain('With everything below it.');
    expect(await page.getByRole('listitem').filter({ hasText: LOGS }).count()).toBe(2);
  });
});
