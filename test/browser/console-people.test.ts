import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, KOSTA, LEE, MAYA } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, hide, type World } from './console-world.js';

const WRITE = 'db-prod:orders:write';
const READ = 'db-prod:orders:read';

let world: World;
afterEach(() => world.close());

describeChromium('two people at one browser, and one at its keyboard', (browser) => {
  const begin = async () => (world = await aWorld(browser, { isEmpty: true }));
  const ask = async (more: object = {}) => {
    const values = { subject: MAYA, scope: WRITE, ttl: '2h', justification: 'Release the orders', ticket: 'INC-4711' } as const;
    return (await world.engine.requestAccess({ ...values, ...more })).request.id;
  };
  const stateOf = async (id: string) => (await world.engine.getRequest(id))?.outcome;
  const row = (page: Page) => page.locator('.row').first();
  const name = (page: Page) => page.locator('.top .settings summary');
  /** A request, and the page on which its approval can still be undone. */
  const approving = async () => {
    await begin();
    const id = await ask();
    const page = await world.open(ANA, 'inbox');
    await row(page).waitFor();
    await world.advance(500);
    await row(page)
      .getByRole('button', { name: /^Approve/ })
      .click();
    await page.getByText('Not sent yet').waitFor();
    return { id, page };
  };

  it('decides nothing in the window of the first person, while the second has signed in beside it', async () => {
    await begin();
    const id = await ask();
    const first = await world.open(ANA, 'inbox');
    await row(first).waitFor();
    await world.advance(500);
    await row(first)
      .getByRole('button', { name: /^Details/ })
      .click();
    await row(first).getByText('Reviews and comments').click();
    await row(first).getByLabel('Comment').fill('Draft of the first');
    await world.become(first, KOSTA);
    const second = await world.beside(first, 'inbox');
    await row(second).waitFor();
    await row(first)
      .getByRole('button', { name: /^Approve/ })
      .click();
    await first.getByText('Not sent yet').waitFor();
    await world.advance(5_000);
    await first.locator('.top').getByText('Konstantinos Papadimitriou').first().waitFor();
    await row(first).waitFor();
    // A read or the decision finds the other person, whichever comes first.
    expect(world.answers.some((answer) => answer.endsWith(' 412'))).toBe(true);
    expect(await stateOf(id)).toBe('pending');
    for (const page of [first, second]) {
      expect(await page.locator('body').innerText()).not.toMatch(/Draft of the first|Not sent yet|Not recorded/);
      expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toMatch(/Draft of the first|ana/);
    }
  });

  it('shows no part of the first page when the browser restores the page, until it knows who looks', async () => {
    await begin();
    await ask();
    const page = await world.open(ANA, 'inbox');
    await row(page).waitFor();
    await world.become(page, LEE);
    let answer = (): void => undefined;
    const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
    const restored = async () => {
      await page.evaluate(() => void window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
      await row(page).waitFor({ state: 'detached' });
    };
    await page.route('**/access/v1/me?*', async (route) => {
      await mayAnswer;
      await route.continue();
    });
    await restored();
    expect(await page.locator('body').innerText()).not.toMatch(/Maya|INC-4711|Release the orders|Ana Ruiz/);
    answer();
    await name(page).getByText('Lee Okafor').waitFor();
    await page.getByText('No request waits for your review.').waitFor();
    expect(await page.locator('body').innerText()).not.toMatch(/Maya|INC-4711|Ana Ruiz/);
    // The same person gets the page back.
    await page.unroute('**/access/v1/me?*');
    await page.evaluate(() => void window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    await page.getByText('No request waits for your review.').waitFor();
  });

  it('sends a decision at once when its window is hidden', async () => {
    const { id, page } = await approving();
    await hide(page, true);
    await expect.poll(() => stateOf(id)).toBe('granted');
  });

  it('sends a decision before it opens the page that signs its person out', async () => {
    const { id, page } = await approving();
    // The server signs her out. With `page.route`, Playwright would hold the decision, and drop it when the page is left.
    await page.evaluate(() => {
      const form = document.body.appendChild(document.createElement('form'));
      form.appendChild(Object.assign(document.createElement('input'), { name: 'person' }));
      Object.assign(form, { method: 'post', action: '/people' }).submit();
    });
    await expect.poll(() => stateOf(id)).toBe('granted');
    await expect.poll(() => world.answers).toContain(`POST /access/v1/requests/${id}/approve 200`);
    expect(world.answers).toContain('POST /people 303');
  });

  it('finds a row, denies it with a reason, and the next one at once, by keyboard alone', async () => {
    await begin();
    const [later, sooner] = [await ask(), await ask({ scope: READ, subject: LEE })];
    const page = await world.open(ANA, 'inbox');
    await row(page).waitFor();
    await world.advance(500);
    const active = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent);
    for (let n = 0; n < 40 && !(await active())?.startsWith('Lee Okafor asks for'); n++) await page.keyboard.press('Tab');
    expect(await active()).toMatch(/^Lee Okafor asks for db-prod:orders:read/);
    await page.keyboard.press('j');
    await expect.poll(active).toMatch(/^Maya Lindqvist asks for/);
    await page.keyboard.press('n');
    await page.getByRole('dialog').waitFor();
    for (let n = 0; n < 40; n++) {
      await page.keyboard.press('Tab');
      if (
        await page
          .getByRole('dialog')
          .getByLabel('Reason')
          .evaluate((field) => field === document.activeElement)
      )
        break;
    }
    await page.keyboard.type('Not during the freeze');
    for (let n = 0; n < 40 && (await active()) !== 'Deny'; n++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Not sent yet').waitFor();
    await expect.poll(active).toBe('Undo');
    await page.keyboard.press('k');
    await expect.poll(active).toMatch(/^Lee Okafor asks for/);
    await page.keyboard.press('d');
    await expect.poll(() => page.getByText('Not sent yet').count()).toBe(2);
    await world.advance(5_000);
    await expect.poll(() => page.getByText('Your denial is recorded.').count()).toBe(2);
    expect([await stateOf(later), await stateOf(sooner)]).toEqual(['denied', 'denied']);
    expect((await world.engine.getRequest(later))?.request.reviews).toMatchObject([{ reviewer: ANA, reason: 'Not during the freeze' }]);
  });
});
