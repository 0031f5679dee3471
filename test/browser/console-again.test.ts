import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const WRITE = 'db-prod:orders:write';
const READ = 'db-prod:orders:read';
const HOUR = 3_600_000;

let world: World;
afterEach(() => world.close());

describeChromium('a second press in the console', (browser) => {
  const ask = async (more: object = {}) => {
    const values = { subject: MAYA, scope: WRITE, ttl: '2h', justification: 'Release the orders', ticket: 'INC-4711' } as const;
    return (await world.engine.requestAccess({ ...values, ...more })).request.id;
  };
  /** Lets a call reach the service, and loses its answer. The client repeats it twice by itself, so the first press loses three. */
  const loseAnswers = (page: Page, path: string) =>
    page.evaluate((end) => {
      const { fetch } = window;
      const keys: (string | undefined)[] = [];
      Object.assign(window, { keys$: keys });
      window.fetch = async (url, init) => {
        const answer = await fetch(url, init);
        if (!(url as string).endsWith(end) || (init?.body as string | undefined)?.includes('"dryRun":true') === true) return answer;
        keys.push((init?.headers as Record<string, string>)['idempotency-key']);
        // What is not read never ends for the test, which waits for each call.
        if (keys.length <= 3) await answer.text();
        if (keys.length <= 3) throw new TypeError('the answer is lost');
        return answer;
      };
    }, path);
  const keysOf = (page: Page) => page.evaluate(() => (window as unknown as { keys$: readonly string[] }).keys$);

  it('takes break-glass once, although the first answer was lost', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(MAYA);
    await page.getByRole('button', { name: 'Emergency access' }).click();
    const form = page.getByRole('dialog');
    await form.getByRole('button', { name: WRITE }).click();
    await form.getByRole('textbox', { name: /Why/ }).fill('Orders are lost, and nobody answers');
    await loseAnswers(page, 'break-glass');
    const press = () => form.getByRole('button', { name: 'Take access now' }).click();
    await press();
    await world.pass(page.getByRole('dialog').getByRole('alert'));
    await press();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const keys = await keysOf(page);
    expect([keys.length, new Set(keys).size]).toEqual([4, 1]);
    expect((await world.engine.listGrants({ subject: MAYA })).items).toHaveLength(1);
  });

  it('locks once, with the same end, although the first answer was lost', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(SAM, 'live?person=user%3Alee');
    await page.getByRole('button', { name: 'Lock', exact: false }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox').last().selectOption('hour');
    // Nothing is open under this id: it is locked by a step that names it.
    await world.pass(dialog.getByRole('checkbox'));
    await dialog.getByRole('checkbox').check();
    await loseAnswers(page, 'locks');
    const press = () => dialog.getByRole('button', { name: /^Lock/ }).click();
    await world.advance(500);
    await press();
    await world.pass(dialog.getByRole('alert'));
    await world.advance(2_000);
    await press();
    await dialog.waitFor({ state: 'detached' });
    const keys = await keysOf(page);
    expect([keys.length, new Set(keys).size]).toEqual([4, 1]);
    expect(await world.engine.listLocks()).toHaveLength(1);
  });

  it('decides nothing about a row that the first press has moved under the finger', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const id = await ask();
    const page = await world.open(ANA, 'inbox');
    await page.locator('.row').first().hover();
    await world.advance(500);
    await ask({ scope: READ, subject: LEE });
    await world.pass(page.getByRole('button', { name: '1 new' }));
    const news = page.getByRole('button', { name: '1 new' });
    const { x, y, width, height } = (await news.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await news.click();
    // The row was drawn long ago, and has another place now: that of the first press.
    const row = page.locator('.row').filter({ has: page.locator('.inbox-what', { hasText: WRITE }) });
    const approve = row.getByRole('button', { name: /^Approve/ });
    await approve.dispatchEvent('click', { clientX: x + width / 2, clientY: y + height / 2, detail: 1 });
    expect(await page.getByText('Not sent yet').count()).toBe(0);
    // A press at another place was meant for the row, however soon it comes.
    await approve.click();
    await page.getByText('Not sent yet').waitFor();
    await world.advance(6_000);
    await expect.poll(async () => (await world.engine.getRequest(id))?.outcome).toBe('granted');
  });

  it('takes no key that is held down on the page of a request', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const id = await ask();
    const page = await world.open(ANA, `requests/${id}`);
    const approve = page.getByRole('button', { name: /^Approve/ });
    await approve.waitFor();
    await world.advance(500);
    await approve.focus();
    await page.keyboard.down('Enter');
    await page.getByText('Not sent yet').waitFor();
    for (let n = 0; n < 3; n++) await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    expect(await page.getByText('Not sent yet').count()).toBe(1);
    await world.advance(6_000);
    await expect.poll(async () => (await world.engine.getRequest(id))?.outcome).toBe('granted');
  });

  it('only counts the inbox beside the page of an own request', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const id = await ask();
    const calls: string[] = [];
    const page = await world.open(MAYA);
    page.on('request', (request) => calls.push(request.url()));
    await page.goto(`${world.origin}/console/requests/${id}`);
    await page.getByText('Waits for approval').first().waitFor();
    await world.advance(HOUR / 60);
    expect(calls.filter((path) => path.includes('/reviewers?')).length).toBeGreaterThan(0);
    expect(calls.filter((path) => path.includes('/inbox?') && !path.endsWith('/inbox?limit=50'))).toEqual([]);
  });
});
