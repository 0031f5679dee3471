import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, KOSTA, LEE, MAYA, NOOR, SAM } from '../../src/cli/dev/example/people.js';
import { provision } from '../../src/provisioning.js';
import { describeChromium, violations } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WRITE = 'db-prod:orders:write';

/** Text that would run, or change the page, if it were anything else than text. */
const HOSTILE = '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>{by}{scope}\u202e';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describeChromium('asking, and the page of a request', (browser) => {
  const begin = async () => (world = await aWorld(browser, { isEmpty: true }));
  const ask = async (more: object = {}) => {
    const { engine } = world as World;
    const values = { subject: MAYA, scope: WRITE, ttl: '1h', justification: 'Release the orders', ticket: 'INC-4711' } as const;
    return (await engine.requestAccess({ ...values, ...more })).request.id;
  };
  const requestsOf = async (subject: string) => (await (world as World).engine.listRequests({ subject })).items;
  const fill = async (page: Page) => {
    await page.getByLabel('Why').fill('Release the orders');
    await page.getByLabel('Ticket').fill('INC-4711');
  };
  const check = (page: Page) => page.getByRole('button', { name: 'See what will happen' }).click();
  const send = (page: Page) => page.getByRole('button', { name: 'Send request' }).click();

  it('leads from words to a request, by keyboard alone, and says before what will happen', async () => {
    const { open } = await begin();
    const page = await open(MAYA, 'ask');
    await page.getByLabel('What do you need?').focus();
    await page.keyboard.type('orders write dba');
    await page.getByRole('link', { name: /Orders: write/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('radio', { name: '15 min' }).waitFor();
    expect(await page.getByRole('radio', { name: '15 min' }).isChecked()).toBe(true);
    await page.getByRole('radio', { name: '15 min' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Release the orders');
    await page.keyboard.press('Tab');
    await page.keyboard.type('INC-4711');
    await page.keyboard.press('Enter');
    const outcome = page.getByRole('heading', { name: 'What will happen' });
    await outcome.waitFor();
    await expect.poll(() => outcome.evaluate((heading) => heading === document.activeElement)).toBe(true);
    expect(await page.locator('.ask-outcome').innerText()).toMatch(/Reviewers decide before[^]*30 min[^]*Ana Ruiz[^]*Konstantinos/);
    expect(await requestsOf(MAYA)).toEqual([]);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Waits for approval').waitFor();
    expect(await requestsOf(MAYA)).toMatchObject([
      { scopes: [WRITE], ttlMs: HOUR / 2, justification: 'Release the orders', ticket: 'INC-4711' },
    ]);
  });

  it('says what will happen as the person stops to type, at most each two seconds, and moves no focus', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(MAYA, `ask?scope=${WRITE}`);
    const why = page.getByLabel('Why');
    await page.getByLabel('Ticket').fill('INC-4711');
    await world.advance(3_000);
    const { answers } = world;
    const dryRuns = () => answers.filter((answer) => answer.startsWith('POST /access/v1/requests ')).length;
    expect(dryRuns()).toBe(0);
    await why.pressSequentially('Orders');
    await world.advance(400);
    await why.pressSequentially(' wait');
    await world.advance(400);
    expect(dryRuns()).toBe(0);
    await world.pass(page.getByText(/Reviewers decide before/));
    expect([dryRuns(), await why.evaluate((field) => field === document.activeElement)]).toEqual([1, true]);
    for (let n = 0; n < 4; n++) {
      await why.pressSequentially('.');
      await world.advance(600);
    }
    expect(dryRuns()).toBeLessThanOrEqual(2);
    // A value that would be refused marks no field before a press.
    await page.getByLabel('Ticket').fill('nothing');
    await world.pass(page.getByText('It would be refused like this.'));
    expect(await page.locator('[aria-invalid]').count()).toBe(0);
    expect((await world.engine.listRequests({ subject: MAYA })).items).toEqual([]);
  });

  it('needs one press for what is granted at once', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(MAYA, 'ask?scope=logs:checkout');
    await page.getByRole('button', { name: 'Get the access' }).click();
    await page.getByText('Granted', { exact: true }).first().waitFor();
    expect(await world.engine.isAllowed(MAYA, 'logs:checkout')).toBe(true);
  });

  it('begins in the search, moves by arrows, and shows first what the viewer has asked for', async () => {
    world = await aWorld(browser, { isEmpty: true });
    await world.engine.requestAccess({ subject: MAYA, scope: 'db-prod:users:read', ttl: '1h', justification: 'A look' });
    const page = await world.open(MAYA);
    await page.getByRole('navigation').getByRole('link', { name: 'Ask' }).click();
    await page.getByRole('list', { name: 'You asked for before' }).waitFor();
    await expect.poll(() => page.getByRole('searchbox').evaluate((field) => field === document.activeElement)).toBe(true);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.locator('.ask-head').getByText('db-prod:users:read').waitFor();
  });

  it('makes one request if the answer to the send is lost, and the person sends again', async () => {
    const { open, advance } = await begin();
    const page = await open(MAYA, `ask?scope=${WRITE}`);
    await fill(page);
    await check(page);
    await page.getByRole('heading', { name: 'What will happen' }).waitFor();
    let lost = 0;
    await page.route('**/v1/requests', async (route) => {
      lost++;
      await route.fetch();
      await route.abort();
    });
    await send(page);
    // The client repeats the call by itself, after pauses that the test ends.
    await expect.poll(async () => (await advance(2_000), await page.getByRole('alert').count())).toBe(1);
    expect(await page.getByRole('alert').innerText()).toContain('this makes no second request');
    expect(lost).toBeGreaterThan(0);
    await page.unroute('**/v1/requests');
    await send(page);
    await page.getByText('Waits for approval').waitFor();
    expect(await requestsOf(MAYA)).toHaveLength(1);
  });

  it('shows each problem at its field, and the first one has the focus', async () => {
    const { open } = await begin();
    const page = await open(MAYA, `ask?scope=${WRITE}&ttl=5h`);
    const described = (label: string) =>
      page.getByLabel(label, { exact: true }).evaluate((input) => {
        const ids = input.getAttribute('aria-describedby')?.split(' ') ?? [];
        return `${String(input.getAttribute('aria-invalid'))}: ${ids.map((id) => document.getElementById(id)?.textContent).join(' | ')}`;
      });
    await check(page);
    await expect.poll(() => described('Why')).toBe('true: Reviewers read this. Write what you will do. | Fill this in. ');
    expect(await described('Ticket')).toContain('Fill this in.');
    await page.getByLabel('Why').fill('Release the orders');
    await page.getByLabel('Ticket').fill('4711');
    await check(page);
    await expect.poll(() => described('Ticket')).toContain('Write it like INC-####. Rule: prod-write');
    const length = page.getByRole('textbox', { name: 'Another length' });
    expect(await length.getAttribute('aria-invalid')).toBe('true');
    await expect.poll(() => length.evaluate((input) => input === document.activeElement)).toBe(true);
    expect(await described('Why')).toMatch(/^null/);
    expect(await requestsOf(MAYA)).toEqual([]);
  });

  it('takes only the scope and the window from an address, and sends nothing', async () => {
    const { open } = await begin();
    const page = await open(MAYA, 'ask');
    const posts: string[] = [];
    page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
    const texts = 'justification=trust%20me&ticket=INC-1&reason=x&subject=user%3Alee&start=2026-12-01T00%3A00&text=x';
    await page.goto(`${(world as World).origin}/console/ask?scope=${WRITE}&ttl=30m&${texts}`);
    await page.getByRole('radio', { name: '30 min' }).waitFor();
    expect(await page.getByRole('radio', { name: '30 min' }).isChecked()).toBe(true);
    await page.getByText('More choices').click();
    const values = await page
      .locator('form input:not([type=radio]), form textarea')
      .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value));
    expect(values.length).toBeGreaterThan(2);
    expect(values.filter(Boolean)).toEqual([]);
    expect(posts).toEqual([]);
  });

  it('takes only the values that the rule allows, and leads from a repeated ask to the request', async () => {
    const { open } = await begin();
    const page = await open(LEE, 'ask?scope=deploy:prod');
    await page.getByLabel('Why').fill('Release of Tuesday');
    await page.getByLabel('Ticket').fill('4711');
    await check(page);
    await page.getByText('Fill this in.').waitFor();
    const region = page.getByLabel('region');
    expect(await region.locator('option').allInnerTexts()).toEqual(['Choose', 'eu', 'us']);
    await region.selectOption('eu');
    await check(page);
    await page.getByText('Write it like CHG-####.').waitFor();
    expect(await page.getByText('Fill this in.').count()).toBe(0);
    await page.getByLabel('Ticket').fill('CHG-0815');
    await check(page);
    await send(page);
    await page.getByText('Waits for approval').waitFor();
    const [made] = await requestsOf(LEE);
    expect(made).toMatchObject({ ticket: 'CHG-0815', metadata: { region: 'eu' } });

    await page.goto(`${(world as World).origin}/console/ask?scope=deploy:prod`);
    await page.getByLabel('Why').fill('Release of Wednesday');
    await page.getByLabel('Ticket').fill('CHG-0815');
    await region.selectOption('eu');
    await check(page);
    await page.getByText('This request was made already.').waitFor();
    expect(await page.getByRole('button', { name: 'Send request' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Open it' }).click();
    await page.waitForURL(`**/requests/${made?.id ?? ''}`);
    expect(await requestsOf(LEE)).toHaveLength(1);
  });

  it('keeps what was typed over a sign-in, and shows it to no other person', async () => {
    const { open, become } = await begin();
    const page = await open(MAYA, `ask?scope=${WRITE}`);
    await page.getByLabel('Why').fill('a secret of maya');
    await page.getByRole('radio', { name: '1 hr' }).check();
    await become(page, '');
    await page.reload();
    await page.getByText('You are signed out').waitFor();
    await become(page, MAYA);
    await page.reload();
    await page.getByLabel('Why').waitFor();
    expect(await page.getByLabel('Why').inputValue()).toBe('a secret of maya');
    expect(await page.getByRole('radio', { name: '1 hr' }).isChecked()).toBe(true);
    await become(page, LEE);
    await page.reload();
    await page.getByLabel('Why').waitFor();
    expect(await page.getByLabel('Why').inputValue()).toBe('');
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain('secret');
  });

  it('says of a scope that is not listed what canAsk says', async () => {
    const { open, engine } = await begin();
    await engine.lock({ scope: 'vault:**' }, { by: SAM });
    const page = await open(MAYA, 'ask?scope=db-prod:payroll:read');
    await page.getByText('Finance opens payroll. Ask in #finance-access.').waitFor();
    for (const [scope, text] of [
      ['vault:other', 'A lock refuses this. A person must lift it.'],
      ['mail:read', 'You are not eligible for this access.'],
      [HOSTILE, 'This is not a scope.'],
    ] as const) {
      await page.goto(`${(world as World).origin}/console/ask?scope=${encodeURIComponent(scope)}`);
      await page.getByText(text).waitFor();
    }
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('names the scope that is asked for, not the pattern that covers it', async () => {
    const { open } = await begin();
    const page = await open(MAYA, 'ask?scope=db-prod:shipping:write');
    const heading = page.locator('.ask-head .scope');
    await heading.waitFor();
    expect(await heading.innerText()).toBe('db-prod:shipping:write');
    // A text that is no scope within the pattern leaves the pattern.
    await page.getByRole('textbox', { name: 'Scope' }).fill('db-prod:billing');
    await expect.poll(() => heading.innerText()).toBe('db-prod:*:write');
  });

  it('asks for another person whom the API permits, and names the refusal at the field', async () => {
    const { open, advance } = await begin();
    const page = await open(ANA, `ask?scope=${WRITE}`);
    await fill(page);
    await page.getByText('More choices').click();
    const chosen = (name: string) =>
      expect
        .poll(async () => (await advance(1_000), page.getByRole('option').filter({ visible: true }).allInnerTexts()))
        .toContainEqual(expect.stringContaining(name));
    await page.getByLabel('For whom').fill(SAM);
    await chosen(SAM);
    await page.keyboard.press('Enter');
    await check(page);
    await page.getByText('You may not ask for this person.').waitFor();
    await page.getByLabel('For whom').fill('lindq');
    await chosen(MAYA);
    await page.keyboard.press('Enter');
    await check(page);
    await page.locator('.ask-outcome').waitFor();
    await send(page);
    await page.getByText('Waits for approval').waitFor();
    expect(await requestsOf(MAYA)).toMatchObject([{ requestedBy: ANA, subject: MAYA }]);
  });

  it('shows a request from the ask to the end as text, also if every text is hostile', async () => {
    const { open, engine, clock } = await begin();
    const id = await ask({ justification: HOSTILE, ticket: 'INC-4711', metadata: { [HOSTILE]: HOSTILE } });
    await clock.advance(MINUTE);
    await engine.comment(id, { by: ANA, text: HOSTILE });
    await clock.advance(MINUTE);
    await engine.approve(id, { by: KOSTA, reason: HOSTILE });
    const page = await open(MAYA, `requests/${id}`);
    const lines = page.locator('.timeline .moment-what');
    await expect
      .poll(() => lines.allInnerTexts())
      .toEqual([
        'Maya Lindqvist asked',
        'The rules named the reviewers',
        'Ana Ruiz commented',
        'Konstantinos Papadimitriou approved',
        'Approved: all approvals are given',
        `${WRITE} granted`,
      ]);
    expect(await page.locator('.timeline blockquote').allTextContents()).toEqual([HOSTILE, HOSTILE, HOSTILE]);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('shows state and buttons first on a phone, and folds a long reason and the ids', async () => {
    const { open } = await begin();
    const long = 'Orders wait for a payment that has arrived. '.repeat(20).trim();
    const id = await ask({ justification: long });
    for (const [person, says, button] of [
      [KOSTA, 'Your decision is needed before', /^Deny/],
      [MAYA, 'The reviewers must decide before', 'Cancel request'],
      [NOOR, 'There is nothing for you to do.', undefined],
    ] as const) {
      const page = await open(person, `requests/${id}`, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
      await page.getByText(says).waitFor();
      const facts = await page.locator('.request-facts').boundingBox();
      const found = button === undefined ? page.getByText(says) : page.getByRole('button', { name: button });
      const box = await found.boundingBox();
      const bottom = (box?.y ?? NaN) + (box?.height ?? NaN);
      expect([person, bottom < Math.min(844, facts?.y ?? 0)]).toEqual([person, true]);
      expect([person, (await page.locator('main').innerText()).includes(id)]).toEqual([person, false]);
    }
    const page = await open(MAYA, `requests/${id}`);
    const reason = page.locator('.request-facts .request-said');
    const height = async () => (await reason.boundingBox())?.height ?? NaN;
    await reason.getByRole('button', { name: 'Show all' }).waitFor();
    const folded = await height();
    expect(await reason.locator('blockquote').textContent()).toBe(long);
    await reason.getByRole('button', { name: 'Show all' }).click();
    await reason.getByRole('button', { name: 'Show less' }).waitFor();
    expect(await height()).toBeGreaterThan(folded * 2);
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByRole('button').count()).toBe(0);
    await page.emulateMedia({ media: 'screen' });
    await page.getByText('Ids', { exact: true }).click();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy: Request' }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(id);
    await page.evaluate(() => Object.assign(navigator.clipboard, { writeText: () => Promise.reject(new Error('not permitted')) }));
    await page.getByRole('button', { name: 'Copy: For' }).click();
    await page.getByText('Not copied. Select the text to copy it.').waitFor();
  });

  it('says what happens until an extension is decided', async () => {
    const { open, engine, advance } = await begin();
    const id = await ask({ ttl: '10m' });
    await engine.approve(id, { by: KOSTA });
    const { request } = await engine.extend({ requestId: id }, { requestedBy: MAYA, ttl: '5m', justification: 'More', ticket: 'INC-4711' });
    const page = await open(MAYA, `requests/${request.id}`);
    const says = () => page.locator('.request-now').innerText();
    await expect.poll(says).toContain('If it is approved before 14:30, the access continues.');
    expect(await page.locator('.request-facts').innerText()).toContain('5 min from 14:30, or from a later approval');
    await advance(10 * MINUTE);
    await expect.poll(says).toContain('The access that it extends ended 14:30. It begins again with the approval.');
    expect(await engine.isAllowed(MAYA, WRITE)).toBe(false);
  });

  it('follows a request that another reviewer decides first', async () => {
    const { open, engine, advance } = await begin();
    const id = await ask();
    const page = await open(KOSTA, `requests/${id}`);
    await page.getByRole('button', { name: /^Approve/ }).waitFor();
    await engine.deny(id, { by: ANA, reason: 'Not during the release' });
    await expect.poll(async () => (await advance(200), await page.locator('.chip').innerText())).toBe('Denied');
    await page.getByText('Not during the release').waitFor();
    expect(await page.getByRole('button', { name: /Approve|Deny|Add the comment/ }).count()).toBe(0);
  });

  it('expires in front of its reader, by the clock of the service', async () => {
    const { open, advance, clock } = await begin();
    const id = await ask();
    await clock.advance(48 * HOUR - MINUTE);
    const page = await open(KOSTA, `requests/${id}`, { aheadMs: HOUR });
    await page.getByRole('button', { name: /^Approve/ }).waitFor();
    await advance(MINUTE / 2);
    expect(await page.locator('.chip').innerText()).toBe('Waits for approval');
    await advance(MINUTE / 2);
    await expect.poll(async () => (await advance(1_000), await page.locator('.chip').innerText())).toBe('Expired');
    expect(await page.getByRole('button', { name: /Approve|Deny/ }).count()).toBe(0);
  });

  it('lets a requester comment, change and cancel', async () => {
    const { open, engine } = await begin();
    const id = await ask();
    const page = await open(MAYA, `requests/${id}`);
    await page.getByLabel('Comment').fill('It takes 20 minutes.');
    await page.getByRole('button', { name: 'Send comment' }).click();
    await page.locator('.timeline').getByText('It takes 20 minutes.').waitFor();
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByRole('dialog').getByRole('radio', { name: '30 min' }).check();
    await page.getByRole('button', { name: 'Replace request' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByText('Replaces a request').waitFor();
    const [next] = (await engine.listRequests({ subject: MAYA, status: 'pending' })).items;
    expect(next).toMatchObject({ replaces: id, ttlMs: HOUR / 2 });
    await page.getByRole('button', { name: 'Cancel request' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('Found it in the logs');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel request' }).click();
    await expect.poll(() => page.locator('.chip').innerText()).toBe('Cancelled');
    expect((await engine.getRequest(next?.id ?? ''))?.request.end).toMatchObject({
      status: 'cancelled',
      by: MAYA,
      reason: 'Found it in the logs',
    });
  });

  it('asks for more time for all access of a request, and names a refusal at its field', async () => {
    const { open, engine } = await begin();
    const id = await ask();
    await engine.approve(id, { by: KOSTA });
    const page = await open(MAYA, `requests/${id}`);
    await page.getByRole('button', { name: 'More time' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why').fill('The backfill is at 60 %');
    await dialog.getByRole('radio', { name: 'Another length' }).check();
    const length = dialog.getByRole('textbox', { name: 'Another length' });
    await length.fill('9h');
    await dialog.getByRole('button', { name: 'Send request' }).click();
    await dialog.getByText('At most 2 hr.').waitFor();
    expect(await requestsOf(MAYA)).toHaveLength(1);
    await length.fill('20m');
    await dialog.getByRole('button', { name: 'Send request' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByText('More time for a request').waitFor();
    await page.getByText('The backfill is at 60 %').first().waitFor();
    const [next] = (await engine.listRequests({ subject: MAYA, status: 'pending' })).items;
    expect(next).toMatchObject({ ttlMs: 20 * MINUTE, ticket: 'INC-4711', extension: { requestId: id } });
  });

  it('shows the deliveries of its access to an external system, and of no other, to those who read the journal', async () => {
    const { open, engine } = await begin();
    const [none, mine, other] = [await ask({ scope: 'db-prod:orders:read' }), await ask(), await ask({ subject: LEE })];
    let isDown = true;
    const apply = async () => {
      if (isDown) throw new Error('the directory is down');
    };
    provision(engine, { name: 'directory', scopes: [WRITE], apply });
    for (const id of [none, mine, other]) await engine.approve(id, { by: KOSTA });
    await engine.flushAudit();
    const page = await open(SAM, `requests/${mine}`);
    const show = page.getByRole('button', { name: 'Show deliveries to external systems' });
    await page.route('**/v1/journal?*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{}' }));
    await show.click();
    await page.getByRole('alert').waitFor();
    await page.unroute('**/v1/journal?*');
    await show.click();
    const lines = page.locator('.request-deliveries .moment-what');
    await lines.first().waitFor();
    expect(await lines.allInnerTexts()).toEqual([
      `Due: directory: ${WRITE} opened`,
      `Failed, and is tried again: directory: ${WRITE} opened`,
    ]);
    isDown = false;
    await page.goto(`${(world as World).origin}/console/requests/${none}`);
    await show.click();
    await page.getByText('No delivery of this access is recorded.').waitFor();
  });

  it('lets the subject release it, and who may, revoke, after it has counted', async () => {
    const { open, engine, become } = await begin();
    const [mine, other] = [await ask(), await ask({ subject: LEE })];
    for (const id of [mine, other]) await engine.approve(id, { by: KOSTA });
    const page = await open(MAYA, `requests/${mine}`);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => page.locator('.chip').innerText()).toBe('Access has ended');
    await become(page, SAM);
    await page.goto(`${(world as World).origin}/console/requests/${other}`);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Ends 1 grant of 1 person now.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await expect.poll(() => page.locator('.chip').innerText()).toBe('Access has ended');
    expect((await engine.getRequest(other))?.grants).toMatchObject([{ end: { cause: 'revoked', by: SAM } }]);
  });

  it('shows a request that the viewer may not see as one that does not exist', async () => {
    const { open } = await begin();
    const id = await ask();
    const page = await open(LEE, `requests/${id}`);
    const gone = page.getByText('There is no such request, or you are not one of the people who see it.');
    await gone.waitFor();
    const shown = await page.locator('main').innerText();
    await page.goto(`${(world as World).origin}/console/requests/unknown`);
    await gone.waitFor();
    expect(await page.locator('main').innerText()).toBe(shown);
  });

  it('keeps what it shows while the service cannot answer, and reads again by itself', async () => {
    const { open, engine, advance } = await begin();
    const id = await ask();
    const page = await open(NOOR, `requests/${id}`);
    await page.getByText('Waits for approval').waitFor();
    await page.route('**/v1/requests/**', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{}' }));
    await engine.approve(id, { by: KOSTA });
    await expect.poll(async () => (await advance(1_000), await page.getByRole('alert').count())).toBe(1);
    expect(await page.locator('.timeline').innerText()).toContain('Maya Lindqvist asked');
    await page.unroute('**/v1/requests/**');
    await expect.poll(async () => (await advance(1_000), await page.locator('.chip').innerText())).toBe('Granted');
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it.each(['light', 'dark'] as const)('has no finding of axe in %s', async (colorScheme) => {
    const { open } = await begin();
    const id = await ask();
    // The policy of the page permits no script that a test adds.
    const page = await open(KOSTA, `requests/${id}`, { colorScheme, bypassCSP: true });
    await page.getByRole('button', { name: /^Approve/ }).waitFor();
    await page.getByText('Ids', { exact: true }).click();
    expect(await violations(page)).toEqual([]);
    for (const path of ['ask', `ask?scope=${WRITE}`]) {
      await page.goto(`${(world as World).origin}/console/${path}`);
      await page.getByText(path === 'ask' ? 'What do you need?' : 'How long').waitFor();
      expect(await violations(page)).toEqual([]);
    }
    await fill(page);
    await page.getByText('More choices').click();
    await check(page);
    await page.locator('.ask-outcome').waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
