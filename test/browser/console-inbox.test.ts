import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, KOSTA, LEE, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const HOUR = 3_600_000;
const WRITE = 'db-prod:orders:write';
const READ = 'db-prod:orders:read';
const BILLING = 'db-prod:billing:write';
/** For the rest of a row's first half second, in which it ignores keys and presses. */
const QUIET = 500;
const UNDO = 5_000;

let world: World;
afterEach(() => world.close());

describeChromium('the inbox', (browser) => {
  const begin = async () => (world = await aWorld(browser, { isEmpty: true }));
  const ask = async (more: object = {}) => {
    const values = { subject: MAYA, scope: WRITE, ttl: '2h', justification: 'Release the orders', ticket: 'INC-4711' } as const;
    return (await world.engine.requestAccess({ ...values, ...more })).request.id;
  };
  const stateOf = async (id: string) => (await world.engine.getRequest(id))?.outcome;
  const rowOf = (page: Page, scope: string) => page.locator('.row').filter({ has: page.locator('.inbox-what', { hasText: scope }) });
  /** Opens a view, and waits until its rows take keys. */
  const open = async (person: string, path = 'inbox') => {
    const page = await world.open(person, path);
    await page.locator('.row').first().waitFor();
    await world.advance(QUIET);
    return page;
  };
  const postsOf = (page: Page) => {
    const posts: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') posts.push(new URL(request.url()).pathname.split('/').slice(-1).join(''));
    });
    return posts;
  };
  const undoHasFocus = (page: Page) => expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Undo');
  const approve = (page: Page, scope = WRITE) =>
    rowOf(page, scope)
      .getByRole('button', { name: /^Approve/ })
      .click();

  const details = (page: Page, scope: string) =>
    rowOf(page, scope)
      .getByRole('button', { name: /^Details/ })
      .click();

  it('decides the row that was read, as a request with a shorter deadline arrives', async () => {
    await begin();
    const first = await ask();
    const page = await open(ANA);
    await rowOf(page, WRITE).focus();
    const second = await ask({ scope: READ, subject: LEE });
    // The event of the new request arrives by itself; the page reads again when time passes.
    await expect.poll(async () => (await world.advance(200), await page.getByRole('button', { name: '1 new' }).count())).toBe(1);
    expect(await page.locator('.row').count()).toBe(1);
    await page.keyboard.press('a');
    await page.getByText('Not sent yet').waitFor();
    await page.getByRole('button', { name: '1 new' }).click();
    expect(await page.locator('.inbox-what').allInnerTexts()).toMatchObject([
      expect.stringContaining(READ),
      expect.stringContaining(WRITE),
    ]);
    await world.advance(UNDO);
    await page.getByText('Your approval is recorded.').waitFor();
    expect([await stateOf(first), await stateOf(second)]).toEqual(['granted', 'pending']);
    // What was missing is not shown beside the decision that gave it.
    for (const scope of [READ, WRITE]) await details(page, scope);
    expect(await page.getByText(/^Needs 1 of/).count()).toBe(1);
  });

  it('sends a decision after five seconds, and nothing after an undo that names who, what and how long', async () => {
    await begin();
    const id = await ask();
    const page = await open(ANA);
    const posts = postsOf(page);
    await approve(page);
    const held = page.locator('.decision-held');
    expect(await held.innerText()).toMatch(/You approve db-prod:orders:write for Maya Lindqvist, 2 hrs?\.\s+Not sent yet\./);
    await undoHasFocus(page);
    await world.advance(UNDO - 1);
    await page.keyboard.press('Enter');
    await rowOf(page, WRITE).getByRole('button', { name: /^Deny/ }).waitFor();
    await world.advance(UNDO);
    expect([posts, await stateOf(id)]).toEqual([[], 'pending']);
    await rowOf(page, WRITE).getByRole('button', { name: /^Deny/ }).click();
    await world.advance(UNDO);
    await page.getByText('Your denial is recorded.').waitFor();
    expect([posts, await stateOf(id)]).toEqual([['deny'], 'denied']);
  });

  it('approves less by keyboard alone, and takes no key in a field, in a dialog, held down, or on a new row', async () => {
    await begin();
    const id = await ask();
    const page = await world.open(ANA, 'inbox');
    const posts = postsOf(page);
    await rowOf(page, WRITE).focus();
    await world.advance(QUIET - 1);
    await page.keyboard.press('a');
    expect(await page.locator('.decision-held').count()).toBe(0);
    await world.advance(1);
    await page.evaluate(() =>
      document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', repeat: true, bubbles: true })),
    );
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('a');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toContain('row');
    await page.keyboard.press('n');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Tab');
    await page.keyboard.type('a deadline');
    expect(await page.locator('.decision-held').count()).toBe(0);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Not sent yet').waitFor();
    // The undo restores what was typed, and the same keys decide again.
    await undoHasFocus(page);
    await page.keyboard.press('Enter');
    await rowOf(page, WRITE)
      .getByRole('button', { name: /^Change/ })
      .click();
    expect(await page.getByRole('dialog').getByLabel('Reason').inputValue()).toBe('a deadline');
    await page.getByRole('dialog').getByRole('button', { name: 'Approve 1 hr' }).click();
    await page.getByText('Not sent yet').waitFor();
    await world.advance(UNDO);
    await page.getByText('Your approval is recorded.').waitFor();
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('a deadline');
    expect(posts).toEqual(['approve']);
    expect((await world.engine.getRequest(id))?.request).toMatchObject({
      reviews: [{ reviewer: ANA, reason: 'a deadline' }],
      end: { granted: { ttlMs: HOUR } },
    });
  });

  it('opens a row by a press or a key, and shows the whole reason, the risk, and what its subject holds', async () => {
    await begin();
    const reason = `${'Because of this and that. '.repeat(20)}The end <img src=x onerror=alert(1)>`;
    await ask({ justification: reason });
    await ask({ scope: READ, subject: LEE });
    const page = await open(ANA);
    const row = rowOf(page, WRITE);
    const other = rowOf(page, READ);
    const heights = async () => [(await row.boundingBox())?.height ?? 0, (await other.boundingBox())?.height ?? 0];
    const [closed = 0, untouched] = await heights();
    expect(closed).toBeLessThan(110);
    expect(await row.getByText('High risk').count()).toBe(0);
    await details(page, WRITE);
    await row.getByText('High risk').waitFor();
    expect(await row.innerText()).toMatch(
      /INC-4711[^]*The end <img src=x onerror=alert\(1\)>[^]*Holds nothing that overlaps\.[^]*Needs 1 of dba/,
    );
    const toggle = row.getByRole('button', { name: /^Details/ });
    expect([await toggle.getAttribute('aria-expanded'), await row.locator('img').count()]).toEqual(['true', 0]);
    const [open_ = 0, still] = await heights();
    expect([open_ > closed + 100, still]).toEqual([true, untouched]);
    await row.focus();
    await page.keyboard.press('o');
    expect(await toggle.getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('o');
    await row.getByText('High risk').waitFor();
  });

  it('shows that another reviewer was faster', async () => {
    await begin();
    const id = await ask();
    const page = await open(ANA);
    await approve(page);
    await world.engine.deny(id, { by: KOSTA });
    await world.advance(UNDO);
    await page.getByText('Another reviewer was faster: it is denied.').waitFor();
    expect(await page.locator('.decision-held').innerText()).toContain('Not recorded.');
  });

  it('keeps a row in its place whose request was decided or has expired, without its buttons', async () => {
    await begin();
    const id = await ask();
    const other = await ask({ scope: READ, subject: LEE });
    // A list of which all rows have ended is empty at once.
    await ask({ scope: BILLING, subject: LEE });
    const page = await open(ANA);
    const posts = postsOf(page);
    // Where the focus is, the list stands still.
    await rowOf(page, READ).focus();
    await world.engine.approve(id, { by: KOSTA });
    await expect.poll(async () => (await world.advance(200), await rowOf(page, WRITE).innerText())).toContain('No longer waits for you.');
    // A call that is in progress would time out.
    await world.advance(1);
    await world.clock.advance(8 * HOUR);
    // The page slept: its timers are late, and each runs once.
    await page.clock.fastForward(8 * HOUR);
    await expect.poll(() => rowOf(page, READ).innerText()).toContain('The deadline passed');
    await rowOf(page, READ).focus();
    await page.keyboard.press('a');
    const buttons = (scope: string) =>
      rowOf(page, scope)
        .getByRole('button', { name: /^(Approve|Deny)/ })
        .count();
    expect([await buttons(WRITE), await buttons(READ), await buttons(BILLING)]).toEqual([0, 0, 2]);
    expect([await page.locator('.row').count(), posts, await stateOf(other)]).toEqual([3, [], 'expired']);
  });

  it('sends at once when the page is left, and shows a failure at the next visit', async () => {
    await begin();
    const first = await ask();
    const second = await ask({ scope: READ, subject: LEE });
    const page = await open(ANA);
    await approve(page, WRITE);
    await page.goto('about:blank');
    await expect.poll(() => stateOf(first)).toBe('granted');
    await page.goto(`${world.origin}/console/inbox`);
    await rowOf(page, READ).waitFor();
    await world.advance(QUIET);
    expect(await page.locator('.decision-held').count()).toBe(0);
    await approve(page, READ);
    await world.become(page, '');
    await page.goto('about:blank');
    await expect.poll(() => world.answers).toContain(`POST /access/v1/requests/${second}/approve 401`);
    await world.become(page, ANA);
    await page.goto(`${world.origin}/console/`);
    await page.getByRole('link', { name: 'One of your decisions is not recorded.' }).click();
    // The answer may arrive before the page is gone.
    await page.getByText(/the request does not have your decision|You were signed out/).waitFor();
    await world.advance(UNDO);
    expect(await stateOf(second)).toBe('pending');
    await page.getByRole('button', { name: 'Decide this again' }).click();
    await world.advance(UNDO);
    await page.getByText('Your approval is recorded.').waitFor();
    expect(await stateOf(second)).toBe('granted');
  });

  it('keeps a decision whose session has expired, and asks again after the sign-in', async () => {
    await begin();
    const id = await ask();
    const page = await open(ANA);
    await approve(page);
    await world.become(page, '');
    await world.advance(UNDO);
    await page.getByText('You are signed out').first().waitFor();
    await world.become(page, ANA);
    await page.goto(`${world.origin}/console/inbox`);
    await page.getByText('You were signed out.').waitFor();
    await world.advance(UNDO);
    expect(await stateOf(id)).toBe('pending');
    await page.getByRole('button', { name: 'Decide this again' }).click();
    await world.advance(UNDO);
    await page.getByText('Your approval is recorded.').waitFor();
  });

  it('decides nothing for a person who signs in after another one, and keeps no decision of the first', async () => {
    await begin();
    const id = await ask();
    const page = await open(ANA);
    await details(page, WRITE);
    await rowOf(page, WRITE).getByText('Reviews and comments').click();
    await rowOf(page, WRITE).getByLabel('Comment').fill('Draft of Ana');
    await world.become(page, KOSTA);
    await approve(page);
    await world.advance(UNDO);
    await page.getByRole('banner').getByText('Konstantinos Papadimitriou').first().waitFor();
    await page.locator('.row').first().waitFor();
    expect(await stateOf(id)).toBe('pending');
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }) + document.body.innerText);
    expect(kept).not.toMatch(/Draft of Ana|user:ana|user%3Aana|Not sent yet|Not recorded/);
  });

  it('asks again after another sign-in that an approval needs, and never sends it by itself', async () => {
    await begin();
    const id = await ask();
    const page = await open(ANA);
    const posts = postsOf(page);
    await page.route('**/approve', (route) =>
      route.fulfill({
        status: 401,
        headers: { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer error="insufficient_user_authentication"' },
        body: JSON.stringify({
          type: 'urn:jit-access:problem:requirements',
          title: 'Values to correct',
          status: 401,
          detail: 'x',
          code: 'ERR_JIT_REQUIREMENTS',
          problems: [{ field: 'auth.acr', code: 'assurance', limit: 'phr' }],
        }),
      }),
    );
    await approve(page);
    await world.advance(UNDO);
    await page.getByText('needs another sign-in').waitFor();
    expect(await page.getByText('You are signed out').count()).toBe(0);
    await page.unroute('**/approve');
    await page.reload();
    await page.getByText('needs another sign-in').waitFor();
    await world.advance(UNDO);
    expect([posts, await stateOf(id)]).toEqual([['approve'], 'pending']);
  });

  it('reviews break-glass: justified with an undo, not justified after a confirmation', async () => {
    await begin();
    const glass = async (subject: string, scope: string) =>
      (await world.engine.breakGlass({ subject, scope, ttl: '30m', justification: 'No reviewer answers' })).request.id;
    const first = await glass(MAYA, WRITE);
    const second = await glass(LEE, READ);
    const page = await open(SAM, 'break-glass');
    const verdictOf = async (id: string) => (await world.engine.getRequest(id))?.request.afterReview?.breakGlassReview;
    await rowOf(page, WRITE).locator('summary').click();
    await rowOf(page, WRITE).getByLabel('Reason').fill('A real outage');
    await rowOf(page, WRITE)
      .getByRole('button', { name: /^Justified/ })
      .click();
    await page.getByText('Not sent yet').waitFor();
    await rowOf(page, READ).locator('summary').click();
    await rowOf(page, READ)
      .getByRole('button', { name: /^Not justified/ })
      .click();
    expect(await verdictOf(second)).toBeUndefined();
    await page.getByRole('dialog').getByRole('button', { name: 'Record as not justified' }).click();
    await expect.poll(() => stateOf(second)).toBe('ended');
    expect(await verdictOf(first)).toBeUndefined();
    await world.advance(UNDO);
    await page.getByText('Your review is recorded: justified.').waitFor();
    expect(await verdictOf(first)).toMatchObject({ by: SAM, verdict: 'justified', reason: 'A real outage' });
  });

  const BILL_READ = 'db-prod:billing:read';
  const choose = (page: Page, scope: string) => rowOf(page, scope).getByRole('checkbox').check();
  const outcome = (page: Page) => page.locator('.inbox-outcome');

  it('decides several rows at once, each with its result, and one undo for all', async () => {
    await begin();
    const ids = [await ask({ scope: READ }), await ask({ scope: BILL_READ, subject: LEE })] as const;
    const page = await open(ANA);
    const posts = postsOf(page);
    for (const scope of [READ, BILL_READ]) await choose(page, scope);
    await page.getByRole('button', { name: 'Approve 2', exact: true }).click();
    expect(await outcome(page).getByText('Not sent yet.').count()).toBe(2);
    await page.getByRole('button', { name: 'Undo all' }).click();
    expect(await outcome(page).getByText('Not sent.', { exact: true }).count()).toBe(2);
    await world.advance(UNDO);
    expect(posts).toEqual([]);
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await outcome(page).count()).toBe(0);

    await choose(page, READ);
    await page.getByRole('button', { name: 'Choose all that may be' }).click();
    await page.getByRole('button', { name: 'Deny 2', exact: true }).click();
    await world.pass(outcome(page).getByText('Your denial is recorded.').last());
    await expect.poll(async () => (await world.advance(200), await outcome(page).getByText('Your denial is recorded.').count())).toBe(2);
    expect(posts).toEqual(['deny', 'deny']);
    expect(await Promise.all(ids.map(stateOf))).toEqual(['denied', 'denied']);
  });

  it('lets no row be chosen that is decided by itself, and says why', async () => {
    await begin();
    await ask();
    await ask({ scope: READ, subject: LEE });
    const page = await open(ANA);
    const risky = rowOf(page, WRITE).getByRole('checkbox');
    expect(await risky.isDisabled()).toBe(true);
    const why = 'Decide this one alone: its risk is high.';
    expect(await risky.evaluate((box) => document.getElementById(box.getAttribute('aria-describedby') ?? '')?.textContent)).toBe(why);
    await choose(page, READ);
    expect(await page.getByText(why).isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Choose all that may be' }).click();
    expect(await page.getByRole('button', { name: 'Approve 1', exact: true }).count()).toBe(1);
  });

  it('decides nothing about a chosen row that has changed since, and names it', async () => {
    await begin();
    const [kept, commented] = [await ask({ scope: READ }), await ask({ scope: BILL_READ, subject: LEE })];
    const gone = await ask({ scope: 'db-prod:customers:read', subject: LEE });
    const page = await open(ANA);
    for (const scope of [READ, BILL_READ, 'db-prod:customers:read']) await choose(page, scope);
    await world.engine.comment(commented, { by: LEE, text: 'Of all customers' });
    await world.engine.cancel(gone, { by: LEE });
    await world.pass(page.getByText('No longer waits for you.'));
    await page.getByRole('button', { name: 'Approve 3', exact: true }).click();
    expect(await page.getByText('Not decided, because they have changed').isVisible()).toBe(true);
    expect(await outcome(page).locator('ul').last().getByRole('listitem').count()).toBe(2);
    await world.advance(UNDO);
    await expect.poll(async () => (await world.advance(200), await stateOf(kept))).toBe('granted');
    expect(await stateOf(commented)).toBe('pending');
  });
});
