import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA, NOOR, SAM } from '../../src/cli/dev/example/people.js';
import { journalHead } from '../../src/journal.js';
import { describeChromium, violations } from './chromium.js';
import { aWorld, NOW, type World } from './console-world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LOGS = 'logs:checkout';

/** Text that would run, or change the page, if it were anything else than text. */
const HOSTILE = '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>{actor}';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describeChromium('who holds what, and who had it', (browser) => {
  const begin = async (isEmpty = true) => (world = await aWorld(browser, { isEmpty }));
  /** Access that the policy grants at once. */
  const hold = async (subject: string, scope = LOGS, more: object = {}) => {
    const { request } = await (world as World).engine.requestAccess({ subject, scope, ttl: '4h', justification: 'look', ...more });
    return `${request.id}.1`;
  };
  const grantsOf = async (subject: string) => (await (world as World).engine.listGrants({ subject })).items;
  const rowOf = (page: Page, name: RegExp) => page.getByRole('listitem').filter({ hasText: name });
  const dialog = (page: Page) => page.getByRole('dialog');
  /** The page waits for a moment before it counts what a target is. */
  const counted = async (page: Page, text: string | RegExp) => {
    await expect.poll(async () => (await (world as World).advance(300), await dialog(page).getByText(text).count())).toBeGreaterThan(0);
  };

  it('states in numbers what revoke all ends, follows them as they change, and ends exactly that', async () => {
    const { open } = await begin();
    const [first] = [await hold(MAYA), await hold(MAYA, 'logs:release'), await hold(LEE)];
    const page = await open(SAM, 'live');
    await page.getByRole('button', { name: 'Revoke all' }).click();
    // Without a target nothing can be ended.
    expect(await dialog(page).getByRole('button', { name: /^End/ }).isDisabled()).toBe(true);
    await dialog(page).getByLabel('Of').selectOption('scope');
    await dialog(page).getByLabel('Scope').fill('logs');
    await counted(page, 'Nothing matches. Check the spelling.');
    expect(await dialog(page).getByRole('button', { name: /^End/ }).isDisabled()).toBe(true);
    await dialog(page).getByLabel('Scope').fill('logs:**');
    await counted(page, 'Ends 3 grants of 2 people');
    await (world as World).engine.release(first, { by: MAYA });
    await counted(page, 'Ends 2 grants of 2 people');
    expect((await grantsOf(LEE)).map(({ status }) => status)).toEqual(['active']);
    await dialog(page).getByLabel('Reason').fill(HOSTILE);
    await dialog(page).getByRole('button', { name: 'End 2 grants' }).click();
    await page.getByText('No one holds access now.').waitFor();
    const ended = [...(await grantsOf(LEE)), ...(await grantsOf(MAYA))].map(({ end }) => [end?.by, end?.cause]);
    expect(ended.filter(([by]) => by === SAM)).toEqual([
      [SAM, 'revoked'],
      [SAM, 'revoked'],
    ]);
  });

  it('revokes one grant by keyboard alone, and gives the focus to the next row', async () => {
    const { open } = await begin();
    await hold(MAYA);
    await hold(LEE, LOGS, { ttl: '6h' });
    const page = await open(SAM, 'live');
    await page.getByRole('button', { name: /^Revoke logs:checkout of Maya/ }).focus();
    await page.keyboard.press('Enter');
    await dialog(page).getByText('Ends 1 grant of 1 person, 4 hr before its end.').waitFor();
    // The focus is in the reason. Enter sends the form.
    await page.keyboard.type('INC-9');
    await page.keyboard.press('Enter');
    await rowOf(page, /Maya/).waitFor({ state: 'detached' });
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toMatch(/^Revoke logs:checkout of Lee/);
    expect((await grantsOf(MAYA))[0]?.end).toMatchObject({ by: SAM, reason: 'INC-9' });
    expect((await grantsOf(LEE))[0]?.status).toBe('active');
  });

  it('locks and unlocks, and says before what each does', async () => {
    const { open, engine, pass } = await begin();
    await hold(LEE);
    const page = await open(SAM, `live?person=${LEE}`);
    await page.getByRole('button', { name: 'Lock', exact: true }).click();
    await counted(page, 'Ends 1 grant of 1 person');
    await dialog(page).getByLabel('Until').selectOption('hour');
    await dialog(page).getByRole('button', { name: 'Lock, and end 1 grant' }).click();
    await pass(page.getByRole('button', { name: /^Unlock/ }));
    const [lock] = await engine.listLocks();
    expect(lock).toMatchObject({ subject: LEE, by: SAM });
    expect(Math.round(((lock?.until ?? 0) - (lock?.at ?? 0)) / MINUTE)).toBe(60);
    await page.getByRole('button', { name: /^Unlock/ }).click();
    await dialog(page).getByText('Restores 0 grants').waitFor();
    await dialog(page).getByRole('button', { name: 'Unlock' }).click();
    await page.getByRole('heading', { name: /Standing locks/ }).waitFor({ state: 'detached' });
    expect(await engine.listLocks()).toEqual([]);
    expect((await grantsOf(LEE))[0]?.status).toBe('revoked');
  });

  it('finds a person by name who is on no page, for the filter of Live and for a question about the past', async () => {
    const { open, advance } = await begin();
    await hold(LEE);
    const found = async (page: Page) => (await page.getByRole('option').filter({ visible: true }).allInnerTexts()).join();
    for (const view of ['live', 'history?person=user:lee']) {
      const page = await open(SAM, view);
      const field = page.getByRole('search').getByRole('combobox', { name: 'Person' });
      await field.waitFor();
      expect(await found(page)).not.toContain(MAYA);
      await field.fill('lindq');
      await expect.poll(async () => (await advance(300), found(page))).toContain(MAYA);
    }
    // A field that suggests nothing is no combobox, and takes any ticket.
    const ticket = (await open(SAM, 'live')).getByRole('search').getByRole('searchbox', { name: 'Ticket' });
    expect(await ticket.getAttribute('maxlength')).toBe('4096');
  });

  it('does not move under its reader: what is new waits, and what has ended leaves', async () => {
    const { open, advance } = await begin();
    await hold(MAYA, LOGS, { ttl: '30m' });
    const page = await open(SAM, 'live');
    await rowOf(page, /Maya/).hover();
    await hold(LEE, LOGS, { ttl: '10m' });
    await expect.poll(async () => (await advance(400), await page.getByRole('button', { name: '1 new' }).count())).toBe(1);
    expect(await rowOf(page, /Lee/).count()).toBe(0);
    await page.getByRole('button', { name: '1 new' }).click();
    // Without any event, time ends the access. Under the pointer its row stays, marked and without its button.
    await rowOf(page, /Lee/).hover();
    await advance(11 * MINUTE);
    await rowOf(page, /Lee/).getByText('ended').waitFor();
    expect(await rowOf(page, /Lee/).getByRole('button').count()).toBe(0);
    await page.mouse.move(0, 0);
    await advance(12_000);
    await rowOf(page, /Lee/).waitFor({ state: 'detached' });
    expect(await rowOf(page, /Maya/).count()).toBe(1);
  });

  it('shows an auditor no action, and a person without rights nothing by an address', async () => {
    const { open } = await begin();
    await hold(MAYA);
    await hold(LEE);
    const auditor = await open(NOOR, 'live');
    await rowOf(auditor, /Maya/).waitFor();
    expect(await auditor.getByRole('button', { name: /Revoke|Lock/ }).count()).toBe(0);

    for (const path of [
      'live',
      `live?person=${MAYA}`,
      `live?scope=${LOGS}`,
      `history?person=${MAYA}`,
      `history?scope=${LOGS}`,
      'report',
      'journal',
    ]) {
      const page = await open(LEE, path);
      await page.getByRole('alert').first().waitFor();
      expect(await page.locator('main').innerText()).not.toMatch(/Maya|4 hr/);
      await page.close();
    }
    // With a right for one person, that one.
    const lead = await open(ANA, `live?person=${MAYA}`);
    await rowOf(lead, /Maya/).waitFor();
    expect(await rowOf(lead, /Lee/).count()).toBe(0);
    await lead.goto(`${(world as World).origin}/console/live`);
    await lead.getByRole('alert').first().waitFor();
    expect(await lead.locator('main').innerText()).not.toMatch(/Maya|Lee/);
  });

  it('answers who had a scope at an instant, by an address that another person opens', async () => {
    const { open, engine, advance } = await begin();
    await advance(7_000);
    await hold(MAYA, LOGS, { ttl: '1h' });
    await advance(2 * HOUR);
    await hold(LEE, LOGS, { ttl: '1h' });
    await advance(10 * MINUTE);
    const at = (ms: number) => new Date(NOW + ms).toISOString();
    const page = await open(SAM, `history?scope=${LOGS}&from=${at(-HOUR)}&to=${at(2 * HOUR + 10 * MINUTE)}&at=${at(MINUTE)}`);
    const then = page.getByRole('heading', { name: /1 person had it/ });
    await then.waitFor();
    const holders = page.locator('section', { has: then }).last();
    expect(await holders.getByRole('listitem').allInnerTexts()).toMatchObject([expect.stringMatching(/Maya[^]*expired/) as string]);

    // The slider, by keyboard: to the end of the span.
    await page.getByRole('slider', { name: 'Instant' }).focus();
    await page.keyboard.press('End');
    await expect
      .poll(async () => (await advance(500), await holders.getByRole('listitem').allInnerTexts()))
      .toMatchObject([expect.stringMatching(/Lee[^]*still held/) as string]);
    await expect.poll(() => new URL(page.url()).searchParams.get('at')).not.toBe(at(MINUTE));

    // The address is the answer.
    const other = await open(NOOR, page.url().split('/console/')[1]);
    await other.getByRole('heading', { name: /1 person had it/ }).waitFor();
    expect(await other.locator('section', { hasText: '1 person had it' }).last().getByRole('listitem').allInnerTexts()).toMatchObject([
      expect.stringMatching(/Lee/) as string,
    ]);
    // The start of a grant is an instant, to the second.
    await page.getByRole('list', { name: 'All grants of the span' }).getByRole('link', { name: '14:20' }).click();
    await expect
      .poll(async () => (await advance(500), await holders.getByRole('listitem').allInnerTexts()))
      .toMatchObject([expect.stringMatching(/Maya[^]*expired/) as string]);
    expect(await page.getByLabel('Instant').first().inputValue()).toBe('2026-11-30T14:20:07');
    // A start before the span is no instant of it.
    const later = await open(SAM, `history?scope=${LOGS}&from=2026-11-30T14:30:00Z&to=2026-11-30T17:00:00Z`);
    const starts = later.getByRole('list', { name: 'All grants of the span' });
    await starts.getByText('14:20', { exact: true }).waitFor();
    expect(await starts.getByRole('link', { name: '14:20' }).count()).toBe(0);
    // Without a question: all access, for those who may see it.
    const all = await open(SAM, 'history');
    await all.getByRole('heading', { name: 'All access' }).waitFor();
    await expect.poll(() => all.locator('.grant-row').count()).toBe(2);
    // A person sees the own past without any right.
    const own = await open(MAYA, 'history');
    await own.getByRole('heading', { name: /What Maya/ }).waitFor();
    await own.locator('.grant-row').first().waitFor();
    expect(await own.locator('.grant-row').count()).toBe(1);
    expect((await engine.listGrants({ subject: MAYA })).items).toHaveLength(1);
  });

  it('shows a grant of a minute in the picture of a month, and counts no people after its end', async () => {
    const { open, engine, clock } = await begin();
    const id = await hold(MAYA);
    await clock.advance(MINUTE);
    await engine.revoke(id, { by: SAM, reason: 'Done' });
    await clock.advance(2_000);
    const page = await open(SAM, `history?scope=${LOGS}`);
    await page.getByText('No grant gave it at this instant.').waitFor();
    expect(await page.locator('main').innerText()).not.toContain('had it');
    expect((await page.locator('.lane .held').boundingBox())?.width).toBeGreaterThan(2);
  });

  it('downloads a history as CSV, in which no text is a formula', async () => {
    const { open, engine, clock } = await begin();
    const id = await hold(MAYA);
    await clock.advance(MINUTE);
    await engine.revoke(id, { by: SAM, reason: '=HYPERLINK("https://evil.example";"a,b")\r\n@x' });
    const page = await open(SAM, `history?person=${MAYA}`);
    const begun = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download as CSV' }).click();
    const text = await readFile(await (await begun).path(), 'utf8');
    const [head, ...lines] = text.slice(1).split('\r\n"');
    expect(text.startsWith('\uFEFF"Person","Name"')).toBe(true);
    expect(head).toMatch(/"Grant"$/);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${MAYA}","Maya Lindqvist","${LOGS}","2026-11-30T14:20:00.000Z"`);
    expect(lines[0]).toContain(`"'=HYPERLINK(""https://evil.example"";""a,b"")\r\n'@x"`);
  });

  it('opens the grants behind a figure of the report, and suggests a window once use is recorded everywhere', async () => {
    const { open } = await begin(false);
    const page = await open(NOOR, 'report');
    await page.getByRole('heading', { name: 'Exposure by person' }).waitFor();
    expect(await page.getByText('would be enough').count()).toBe(0);
    await page.getByRole('checkbox').check();
    await page.getByText('2 hr would be enough').waitFor();
    expect(new URL(page.url()).searchParams.get('recordsUse')).toBe('true');
    const line = page.getByRole('link', { name: /^db-prod:orders:write .* grants$/ });
    const count = /(\d+) grants$/.exec(await line.innerText())?.[1];
    await line.click();
    await page.getByRole('heading', { name: `All grants of the span ${count ?? ''}` }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/history');
  });

  it('verifies the journal when asked, and names the entry that is not whole', async () => {
    const { open, engine } = await begin();
    await engine.requestAccess({ subject: MAYA, scope: LOGS, ttl: '1h', justification: HOSTILE });
    const page = await open(NOOR, 'journal');
    await page.getByText('Not verified since this page was opened.').waitFor();
    await page.getByText(HOSTILE).first().waitFor();
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText(/Valid: \d+ entries, up to entry \d+\./).waitFor();
    // The last verification stays while another view is shown.
    await page.getByRole('link', { name: 'Report' }).click();
    await page.getByRole('heading', { name: 'Report' }).waitFor();
    await page.getByRole('link', { name: 'Journal' }).click();
    await page.getByText(/Valid: \d+ entries/).waitFor();
    await page.route('**/journal/verification*', (route) =>
      route.fulfill({ json: { ok: false, seq: 2, problem: 'does not follow from the entry before it' } }),
    );
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText('Not valid: entry 2 does not follow from the entry before it').waitFor();
    expect(await page.evaluate(() => (window as { hacked?: boolean }).hacked)).toBeUndefined();
  });

  it('reads the journal to its oldest entry, holds still under its reader, and copies its head', async () => {
    const { open, engine, pass } = await begin();
    for (let n = 0; n < 20; n++) await hold(MAYA, `logs:part-${String(n)}`);
    const page = await open(NOOR, 'journal');
    const entries = page.locator('.entries .entry');
    const more = page.getByRole('button', { name: 'Show more' });
    await more.waitFor();
    expect(await entries.count()).toBe(40);
    await page.route('**/v1/journal?*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{}' }));
    await more.click();
    await page.getByRole('alert').waitFor();
    expect(await entries.count()).toBe(40);
    await page.unroute('**/v1/journal?*');
    await more.click();
    await page.getByText('This is the oldest entry.').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    const { seq } = await journalHead(engine);
    expect(await entries.count()).toBe(seq);

    await hold(LEE);
    const newer = page.getByRole('button', { name: /^\d+ newer entr/ });
    await pass(newer);
    expect(await page.locator('main').innerText()).not.toContain('Lee Okafor');
    await newer.click();
    await page.getByText('Lee Okafor').first().waitFor();
    const head = await journalHead(engine);
    await page
      .getByText(`Entry ${String(head.seq)}`)
      .first()
      .waitFor();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy the head' }).click();
    await page.getByText('The head is copied.').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${String(head.seq)}.${head.hash}`);
  });

  it('gives those who may only verify the journal its head, and none of its entries', async () => {
    const { open, engine } = await begin();
    await hold(MAYA);
    const views = '**/access/v1/me/views';
    const page = await open(NOOR);
    await page.route(views, (route) => route.fulfill({ json: { actions: ['journalHead', 'verifyJournal'] } }));
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${(world as World).origin}/console/journal`);
    const { seq } = await journalHead(engine);
    await page.getByText(`Entry ${String(seq)}`).waitFor();
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText(`Valid: ${String(seq)} entries, up to entry ${String(seq)}.`).waitFor();
    expect(await page.locator('.entries').count()).toBe(0);
    expect(asked.filter((path) => path.endsWith('/v1/journal'))).toEqual([]);
  });

  it('copies an address that holds the whole answer, or says where it is', async () => {
    const { open } = await begin();
    await hold(MAYA);
    const page = await open(SAM, `history?person=${MAYA}`);
    const copy = page.getByRole('button', { name: 'Copy the address' });
    await copy.waitFor();
    await page.evaluate(() => Object.assign(navigator.clipboard, { writeText: () => Promise.reject(new Error('not permitted')) }));
    await copy.click();
    await page.getByText('Copy the address from the address bar. It has the whole answer.').waitFor();
    const { searchParams } = new URL(page.url());
    // Where the address had no span, the answer had one: without it, the answer would change with the day.
    expect([...searchParams.keys()].sort()).toEqual(['from', 'person', 'to']);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.evaluate(() => delete (navigator.clipboard as { writeText?: unknown }).writeText);
    await copy.click();
    await page.getByText('The address is copied.').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
  });

  it('keeps the filters of Live in the address, and clears them together', async () => {
    const { open } = await begin();
    await hold(MAYA);
    await hold(LEE, 'logs:release');
    const page = await open(SAM, 'live');
    await rowOf(page, /Lee/).waitFor();
    const scope = page.getByRole('search').getByLabel('Scope');
    await scope.fill(` ${LOGS} `);
    await scope.press('Enter');
    await rowOf(page, /Lee/).waitFor({ state: 'detached' });
    expect(await rowOf(page, /Maya/).count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?scope=logs%3Acheckout');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await rowOf(page, /Lee/).waitFor();
    expect(new URL(page.url()).search).toBe('');
    expect(await scope.inputValue()).toBe('');
  });

  it('shows the requests that a rule has decided, and no other', async () => {
    const { open, engine, clock } = await begin();
    await hold(MAYA);
    const values = { subject: LEE, scope: 'db-prod:orders:read', ttl: '1h', justification: 'look' } as const;
    await engine.approve((await engine.requestAccess(values)).request.id, { by: ANA });
    await clock.advance(MINUTE);
    const page = await open(NOOR, 'report');
    await page.getByRole('button', { name: 'policy · prod-read: Show the requests of this rule' }).click();
    const requests = dialog(page).getByRole('listitem');
    await requests.first().waitFor();
    expect(await requests.allInnerTexts()).toEqual([expect.stringMatching(/Lee[^]*db-prod:orders:read/)]);
    await dialog(page).getByRole('button', { name: 'Close' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^policy · logs/ }).click();
    await requests.first().waitFor();
    expect(await requests.allInnerTexts()).toEqual([expect.stringMatching(/Maya[^]*logs:checkout/)]);
    await requests.getByRole('link').click();
    await page.waitForURL('**/requests/*');
  });

  it('shows hostile text as text, and has no finding of axe', async () => {
    const { open, engine, clock } = await begin();
    const id = await hold(MAYA, LOGS, { justification: HOSTILE, ticket: HOSTILE });
    await hold(LEE, LOGS);
    await clock.advance(MINUTE);
    await engine.revoke(id, { by: SAM, reason: HOSTILE });
    await engine.lock({ subject: HOSTILE.slice(0, 40) }, { by: SAM, reason: HOSTILE });
    for (const path of [
      'live',
      `live?person=${encodeURIComponent(HOSTILE)}`,
      `history?person=${MAYA}`,
      `history?scope=${LOGS}`,
      'report',
      'journal',
    ]) {
      const page = await open(SAM, path, { bypassCSP: true });
      await page.waitForFunction(() => document.querySelector('main h1') !== null && document.querySelector('main .loading') === null);
      await expect.poll(() => page.locator('main').innerText()).toMatch(/<img|Lee|No grant fits/);
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => (window as { hacked?: boolean }).hacked)).toBeUndefined();
      expect(await page.locator('main img').count()).toBe(0);
      await page.close();
    }
  });

  it('prints without buttons, with whole times, and with the head of the journal', async () => {
    const { open, clock } = await begin();
    await hold(MAYA);
    await clock.advance(MINUTE);
    const page = await open(SAM, `history?person=${MAYA}`);
    const row = page.locator('.grant-row');
    await row.waitFor();
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await row.innerText()).toMatch(/Nov 30, 2026, 14:20:00 UTC/);
    expect(await page.locator('.print-foot').innerText()).toMatch(/Times are in UTC[^]*entry \d+, hash [0-9a-f]{64}/);
    // On the screen the name of a rule is a button.
    const report = await open(SAM, 'report');
    await report.emulateMedia({ media: 'print' });
    await expect.poll(() => report.locator('.rule-row').allInnerTexts()).toEqual([expect.stringContaining('logs')]);
  });
});
