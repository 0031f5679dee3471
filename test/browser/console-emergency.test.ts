import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const WRITE = 'db-prod:orders:write';
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

let world: World;
afterEach(() => world.close());

describeChromium('emergency access in the console', (browser) => {
  const begin = async () => (world = await aWorld(browser, { isEmpty: true }));
  const dialog = (page: Page) => page.getByRole('dialog');
  const press = (page: Page) => page.getByRole('button', { name: 'Emergency access' });
  const why = (page: Page) => dialog(page).getByRole('textbox', { name: /Why/ });
  const take = (page: Page) => dialog(page).getByRole('button', { name: 'Take access now' });
  const ask = async () =>
    (await world.engine.requestAccess({ subject: MAYA, scope: WRITE, ttl: '2h', justification: 'Release', ticket: 'INC-4711' })).request.id;

  it('[C4] takes three presses on a phone, from the top of any page', async () => {
    await begin();
    const id = await ask();
    for (const path of ['', 'ask', 'inbox', 'break-glass', `requests/${id}`, 'ask?scope=logs:checkout', 'no-such-page']) {
      const page = await world.open(MAYA, path, PHONE);
      await press(page).first().waitFor();
      const box = await press(page).first().boundingBox();
      expect([path, box && box.y >= 0 && box.y + box.height <= PHONE.viewport.height]).toEqual([path, true]);
      await page.context().close();
    }
    const page = await world.open(MAYA, '', PHONE);
    await press(page).tap();
    await dialog(page).getByRole('button', { name: WRITE }).tap();
    await expect.poll(() => why(page).evaluate((field) => field === document.activeElement)).toBe(true);
    await page.keyboard.type('Orders are lost');
    await take(page).tap();
    await page.getByText('Granted', { exact: true }).first().waitFor();
    expect(await world.engine.isAllowed(MAYA, WRITE)).toBe(true);
  });

  it('[C4] takes two presses and a reason for the scope that a guard has refused, and for a request that waits', async () => {
    await begin();
    const id = await ask();
    for (const path of [`ask?scope=${WRITE}`, `requests/${id}`]) {
      const page = await world.open(MAYA, path);
      const offer = page.locator('main').getByRole('button', { name: 'Take it now: emergency' });
      await offer.click();
      await dialog(page).getByText(WRITE).waitFor();
      expect(await take(page).isDisabled()).toBe(true);
      await why(page).fill('Orders are lost');
      await dialog(page)
        .getByRole('textbox', { name: /Ticket/ })
        .press('Enter');
      expect(await world.engine.isAllowed(MAYA, WRITE)).toBe(false);
      if (path.startsWith('ask')) {
        await page.context().close();
        continue;
      }
      await take(page).click();
      await page.getByText('Granted', { exact: true }).first().waitFor();
      expect(await world.engine.isAllowed(MAYA, WRITE)).toBe(true);
    }
    // No rule gives the key in an emergency, and logs need none.
    for (const scope of ['vault:root-key', 'logs:checkout']) {
      const page = await world.open(MAYA, `ask?scope=${scope}`);
      await page.getByText('How long').first().waitFor();
      expect([scope, await page.locator('main').getByRole('button', { name: 'Take it now: emergency' }).count()]).toEqual([scope, 0]);
    }
  });

  it('[C4] chooses nothing by itself, takes a written scope within a pattern, and reads the list at the press', async () => {
    await begin();
    const page = await world.open(MAYA);
    await press(page).click();
    await dialog(page).getByRole('button', { name: WRITE }).waitFor();
    expect(await take(page).count()).toBe(0);
    const search = dialog(page).getByRole('searchbox');
    await search.fill('db-prod:users:write');
    await dialog(page).getByRole('button', { name: 'db-prod:users:write' }).waitFor();
    await search.fill('db-prod:*:write');
    await dialog(page).getByText('You can take no such scope.').waitFor();
    await search.fill('vault:root-key');
    await dialog(page).getByText('You can take no such scope.').waitFor();
    await dialog(page).getByRole('button', { name: 'Back' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    await world.engine.lock({ subject: MAYA }, { by: SAM, reason: 'INC-9' });
    await press(page).click();
    await dialog(page).getByText('A lock refuses you access now').waitFor();
    expect(await dialog(page).getByRole('button', { name: WRITE }).count()).toBe(0);
  });

  it('[C4] is in no menu of a person whom no rule gives it, until a review waits, and the menu has its number', async () => {
    await begin();
    const ana = await world.open(ANA);
    await ana.getByText('You hold no access now.').waitFor();
    const entry = ana.getByRole('navigation').getByRole('link', { name: /Emergency reviews/ });
    expect([await press(ana).count(), await entry.count()]).toEqual([0, 0]);
    for (const subject of [MAYA, LEE])
      await world.engine.breakGlass({ subject, scope: WRITE, ttl: '30m', justification: 'No reviewer answers' });
    await world.pass(entry.getByText('2', { exact: true }));
    await entry.click();
    await ana.getByRole('listitem').filter({ hasText: 'Maya Lindqvist' }).waitFor();
    expect(await ana.getByRole('button', { name: /^Justified/ }).count()).toBe(0);
  });

  it('has one line for each review, and folds a long reason in the line that opens', async () => {
    await begin();
    const justification = 'No reviewer answers, and orders are lost. '.repeat(20).trim();
    await world.engine.breakGlass({ subject: MAYA, scope: WRITE, ttl: '30m', justification });
    const page = await world.open(SAM, 'break-glass', { viewport: { width: 1280, height: 800 } });
    const row = page.getByRole('listitem').filter({ hasText: 'Maya Lindqvist' });
    await row.first().waitFor();
    const height = async () => (await row.first().boundingBox())?.height ?? NaN;
    expect(await height()).toBeLessThan(64);
    await row.first().locator('summary').click();
    await row.getByRole('button', { name: 'Show all' }).waitFor();
    const folded = await height();
    expect(await row.locator('blockquote').textContent()).toBe(justification);
    await row.getByRole('button', { name: 'Show all' }).click();
    await row.getByRole('button', { name: 'Show less' }).waitFor();
    expect(await height()).toBeGreaterThan(folded + 60);
    expect(await page.locator('main').innerText()).not.toMatch(/break-glass/i);
  });
});
