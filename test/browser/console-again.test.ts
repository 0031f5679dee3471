import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA } from '../../src/features/command-line/dev/people.js';
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
  it('decides nothing about a row that the first press has moved under the finger', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const id = await ask();
    const page = await world.open(ANA, 'inbox');
    await page.locator('.row').first().waitFor();
    await world.advance(500);
    await ask({ scope: READ, subject: LEE });
    await world.pass(page.getByRole('button', { name: '1 new' }));
    await page.getByRole('button', { name: '1 new' }).click();
    // The row was drawn long ago, and has another place now.
    const row = page.locator('.row').filter({ has: page.locator('.inbox-what', { hasText: WRITE }) });
    const approve = row.getByRole('button', { name: /^Approve/ });
    await approve.click();
    expect(await page.getByText('Not sent yet').count()).toBe(0);
    await world.advance(500);
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

  it('reads no inbox for the page of an own request', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const id = await ask();
    const calls: string[] = [];
    const page = await world.open(MAYA);
    page.on('request', (request) => calls.push(new URL(request.url()).pathname));
    await page.goto(`${world.origin}/console/requests/${id}`);
    await page.getByText('Waits for approval').first().waitFor();
    await world.advance(HOUR / 60);
    expect(calls.filter((path) => path.endsWith('/reviewers')).length).toBeGreaterThan(0);
    expect(calls.filter((path) => path.endsWith('/inbox') && path.startsWith('/access'))).toEqual([]);
  });
});
