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

  it('revokes what is chosen with one reason, four calls at once, and lists the result of each', async () => {
    const { open, engine, advance, pass } = await begin();
    const ids: string[] = [];
    for (let n = 0; n < 8; n++) ids.push(await hold(n % 2 === 0 ? MAYA : LEE, `logs:part-${String(n)}`, { ttl: (n + 1) * HOUR }));
    const page = await open(SAM, 'live', { bypassCSP: true });
    await rowOf(page, /part-7/).waitFor();
    await page.getByRole('checkbox', { name: 'Choose all that are shown' }).check();
    await page.getByRole('checkbox', { name: 'Choose logs:part-7 of Lee Okafor' }).uncheck();
    expect(await page.getByRole('checkbox', { name: 'Choose all that are shown' }).isChecked()).toBe(false);
    await page.getByText('7 chosen').waitFor();
    await page.getByRole('button', { name: 'Revoke 7 grants' }).click();
    await dialog(page).getByRole('heading', { name: 'Revoke 7 grants' }).waitFor();
    expect(await violations(page)).toEqual([]);
    const items = dialog(page).getByRole('listitem');
    expect(await items.first().innerText()).toMatch(/Maya Lindqvist[^]*user:maya[^]*logs:part-0/);
    // What ends while the dialog is open is named, and not sent.
    await engine.revoke(ids[6] ?? '', { by: ANA });
    await pass(dialog(page).getByText('Ended since you chose, so not revoked:'));
    await pass(dialog(page).getByRole('button', { name: 'Revoke 6 grants' }));
    expect(await items.last().innerText()).toMatch(/logs:part-6/);

    const sent: (() => void)[] = [];
    const asked: string[] = [];
    await page.route('**/grants/*/revoke', async (route) => {
      asked.push(route.request().postData() ?? '');
      const id = decodeURIComponent(new URL(route.request().url()).pathname.split('/').at(-2) ?? '');
      await new Promise<void>((go) => sent.push(go));
      if (id === ids[1]) await engine.revoke(id, { by: ANA });
      if (id === ids[2]) await route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{"status":403,"title":"No"}' });
      else await route.continue();
    });
    await dialog(page).getByLabel('Reason').fill('INC-9');
    await dialog(page).getByRole('button', { name: 'Revoke 6 grants' }).click();
    await expect.poll(() => sent.length).toBe(4);
    // Time enough for a fifth call, and for a press that is no double click.
    await page.clock.runFor(1_000);
    expect(sent.length).toBe(4);
    await dialog(page).getByRole('button', { name: 'Stop' }).click();
    for (const go of sent) go();
    await dialog(page).getByRole('button', { name: 'Close' }).waitFor();
    expect(await items.allInnerTexts()).toEqual(
      ['revoked', 'already ended', 'refused', 'revoked', 'not sent', 'not sent'].map(
        (result, n) => expect.stringMatching(new RegExp(`part-${String(n)}[^]*${result}`)) as string,
      ),
    );
    await dialog(page).getByText('2 of 6 revoked').waitFor();
    expect([asked.length, new Set(asked)]).toEqual([4, new Set(['{"reason":"INC-9"}'])]);
    await dialog(page).getByRole('alert').getByText('Not for you').waitFor();
    expect(await violations(page)).toEqual([]);

    // Again: only what is still open.
    await page.unroute('**/grants/*/revoke');
    await page.clock.runFor(1_000);
    await dialog(page).getByRole('button', { name: 'Try again' }).click();
    await dialog(page).getByText('5 of 6 revoked').waitFor();
    await dialog(page).getByRole('button', { name: 'Close' }).click();
    await page.mouse.move(0, 0);
    await advance(12_000);
    await expect.poll(() => page.locator('.held-row .scope').allInnerTexts()).toEqual(['logs:part-7']);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Live');
    const ends = (await engine.listGrants({ scope: 'logs:part-5' })).items[0]?.end;
    expect([ends?.by, ends?.reason]).toEqual([SAM, 'INC-9']);
    expect(await page.getByText(/chosen/).count()).toBe(0);
  });

  it('stands still while a row is chosen, and what has ended loses its box', async () => {
    const { open, advance, pass } = await begin();
    await hold(MAYA, LOGS, { ttl: '20m' });
    await hold(MAYA, 'logs:short', { ttl: '2m' });
    const page = await open(SAM, 'live');
    await page.getByRole('checkbox', { name: 'Choose logs:checkout of Maya Lindqvist' }).check();
    await page.mouse.move(0, 0);
    await page.locator('main h1').focus();
    await hold(LEE, 'logs:first', { ttl: '1m' });
    await advance(15_000);
    await pass(page.getByRole('button', { name: '1 new' }));
    await advance(3 * MINUTE);
    await rowOf(page, /logs:short/)
      .getByText('ended')
      .waitFor();
    expect(
      await rowOf(page, /logs:short/)
        .getByRole('checkbox')
        .count(),
    ).toBe(0);
    await page.getByRole('button', { name: 'Choose none' }).click();
    await page.mouse.move(0, 0);
    await advance(12_000);
    await rowOf(page, /logs:short/).waitFor({ state: 'detached' });
  });

  it('groups Live by scope or person, in the address, on one axis for all rows', async () => {
    const { open } = await begin();
    await hold(MAYA, LOGS, { ttl: '1h' });
    await hold(LEE, LOGS, { ttl: '2h' });
    await hold(MAYA, 'logs:release', { ttl: '5h' });
    const page = await open(SAM, 'live');
    await rowOf(page, /Lee/).waitFor();
    expect(await page.getByRole('button', { name: 'By end' }).getAttribute('aria-pressed')).toBe('true');
    // The axis is a picture. Each row says the same.
    expect(await page.locator('.marks > span').allInnerTexts()).toEqual(['−1 hr', 'now', '1 hr', '4 hr', '8 hr', '12 hr']);
    expect(await page.locator('.marks').getAttribute('aria-hidden')).toBe('true');
    await rowOf(page, /release/)
      .getByRole('img', { name: 'From 14:20 until 19:20' })
      .waitFor();
    await page.getByRole('button', { name: 'By person' }).click();
    await page.getByRole('heading', { name: /Maya Lindqvist 2/ }).waitFor();
    expect(new URL(page.url()).search).toBe('?group=person');
    const other = await open(SAM, `live?group=scope&person=${MAYA}`);
    await other.getByRole('heading', { name: 'logs:checkout 1' }).waitFor();
    expect(await other.getByRole('heading', { level: 3 }).allInnerTexts()).toEqual(['logs:checkout 1', 'logs:release 1']);
    await other.emulateMedia({ media: 'print' });
    expect(await other.locator('.marks').isVisible()).toBe(true);
  });

  it('has 20 rows on a screen of 1,080 px, more if compact, and buttons that a hint of a filter does not move', async () => {
    const { open, pass } = await begin();
    for (let n = 0; n < 24; n++) await hold(MAYA, `logs:part-${String(n)}`);
    const page = await open(SAM, 'live', { viewport: { width: 1280, height: 1080 } });
    await rowOf(page, /part-0/).waitFor();
    const heights = () =>
      page.locator('[role=listitem].held-row').evaluateAll((rows) => [...new Set(rows.map((row) => row.getBoundingClientRect().height))]);
    expect(await heights()).toEqual([44]);
    await page.locator('.held-lists').evaluate((list) => list.scrollIntoView());
    const shown = await page.locator('[role=listitem].held-row').evaluateAll(
      (rows) =>
        rows.filter((row) => {
          const { top, bottom } = row.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        }).length,
    );
    expect(shown).toBeGreaterThanOrEqual(20);
    await page.evaluate(() => (document.documentElement.dataset['density'] = 'compact'));
    expect(await heights()).toEqual([36]);
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 1080 });
      const places = () =>
        page
          .locator('main .actions button')
          .evaluateAll((buttons) => buttons.map((button) => button.getBoundingClientRect().top + scrollY));
      const before = await places();
      const person = page.getByRole('search').getByRole('combobox', { name: 'Person' });
      await person.fill('zzz');
      await pass(page.getByText('No person is chosen yet.'));
      expect([before.length, await places()]).toEqual([2, before]);
      await person.fill('');
    }
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
    await page.getByRole('heading', { name: '1 person could use logs:checkout at Nov 30, 2026, 14:21:00 UTC' }).waitFor();
    const holders = page.getByRole('list', { name: /^Who had/ });
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
    await other.getByRole('heading', { name: /^1 person could use/ }).waitFor();
    expect(
      await other
        .getByRole('list', { name: /^Who had/ })
        .getByRole('listitem')
        .allInnerTexts(),
    ).toMatchObject([expect.stringMatching(/Lee/) as string]);
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
    await page.getByRole('heading', { name: /^No grant allowed logs:checkout at / }).waitFor();
    expect(await page.locator('main').innerText()).not.toContain('could use');
    expect((await page.locator('.lane .held').boundingBox())?.width).toBeGreaterThan(2);
  });

  it('downloads the answer as CSV with its question, in which no text is a formula', async () => {
    const { open, engine, clock } = await begin();
    const id = await hold(MAYA);
    await clock.advance(MINUTE);
    await engine.revoke(id, { by: SAM, reason: '=HYPERLINK("https://evil.example";"a,b")\r\n@x' });
    const saved = async (page: Page, name: string) => {
      const begun = page.waitForEvent('download');
      await page.getByRole('button', { name }).click();
      return (await readFile(await (await begun).path(), 'utf8')).slice(1).split('\r\n"');
    };
    const page = await open(NOOR, `history?person=${MAYA}`);
    const [head, ...lines] = await saved(page, 'Download this span as CSV');
    expect(head).toMatch(/^"Person","Name".*"Grant","question","read_at","journal_head"$/);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${MAYA}","Maya Lindqvist","${LOGS}","2026-11-30T14:20:00.000Z"`);
    expect(lines[0]).toContain(`"'=HYPERLINK(""https://evil.example"";""a,b"")\r\n'@x"`);
    const { seq, hash } = await journalHead(engine);
    expect(lines[0]).toContain(`"Grants of ${MAYA} held from 2026-10-30T14:21:00.000Z until 2026-11-30T14:21:00.000Z","2026-11-30T14:21:`);
    expect(lines[0]).toContain(`"${String(seq)}.${hash}"`);

    // The instant alone, and an answer without a grant, which still names its question. Without the right to it, no head.
    const then = new Date(NOW + 1_000).toISOString();
    const views = '**/access/v1/me/views';
    const other = await open(NOOR);
    await other.route(views, (route) => route.fulfill({ json: { actions: ['whoHadAccess', 'history'], patterns: true } }));
    await other.goto(
      `${(world as World).origin}/console/history?pattern=logs&from=2026-11-30T14:00:00Z&to=2026-11-30T14:21:00Z&at=${then}`,
    );
    await other.getByRole('heading', { name: /^1 person could use logs, or a part of it, at/ }).waitFor();
    const [, ...held] = await saved(other, 'Download this instant as CSV');
    expect(held).toEqual([expect.stringContaining(`"Who could use logs and everything below it at ${then}","2026-11-30T14:21:`)]);
    expect(held[0]).toMatch(/,""\r\n$/);
    await other.goto(
      `${(world as World).origin}/console/history?scope=logs:none&from=2026-11-30T14:00:00Z&to=2026-11-30T14:21:00Z&at=${then}`,
    );
    await other.getByRole('heading', { name: /^No grant allowed/ }).waitFor();
    const [, ...none] = await saved(other, 'Download this instant as CSV');
    expect(none).toEqual([expect.stringMatching(/^(",){0,1}(""|"),.*"Who could use logs:none at /)]);
  });

  it('stops an export and an answer that is read on, says how far each came, and offers no part as the whole', async () => {
    const { open, clock } = await begin();
    await hold(MAYA);
    await hold(LEE);
    await clock.advance(MINUTE);
    const page = await open(SAM);
    let files = 0;
    page.on('download', () => files++);
    await page.route(/v1\/(holders|history)\?/, async (route) => {
      // The second page never arrives.
      if (new URL(route.request().url()).searchParams.has('after')) return;
      const body = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...body, next: 'second' } });
    });
    await page.goto(`${(world as World).origin}/console/history?scope=${LOGS}`);
    await page.getByRole('heading', { name: /^At least 2 people could use logs:checkout at/ }).waitFor();
    await page.getByText('Still reading: 2 grants so far.').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped after 2 grants. There may be more.').waitFor();
    await page.getByRole('button', { name: 'Read on' }).click();
    await page.getByText('Still reading: 2 grants so far.').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();

    const button = page.getByRole('button', { name: 'Download this span as CSV' });
    await (world as World).advance(1_000);
    await button.click();
    await page.getByText('2 grants read').waitFor();
    await page.getByRole('button', { name: 'Stop' }).focus();
    await page.keyboard.press('Enter');
    await button.waitFor();
    expect(await page.getByText('grants read').count()).toBe(0);
    expect(files).toBe(0);
  });

  it('asks who could use a scope and all below it at an instant, in three presses', async () => {
    const { open, clock } = await begin();
    await hold(MAYA, 'logs:checkout', { ttl: '1h' });
    await clock.advance(1_000);
    await hold(LEE, 'logs:release', { ttl: '1h' });
    await clock.advance(3 * HOUR);
    const page = await open(NOOR, 'history');
    await page
      .getByRole('searchbox', { name: 'Scope' })
      .or(page.getByRole('combobox', { name: 'Scope' }))
      .fill('logs');
    await page.getByLabel('Instant').first().fill('2026-11-30T14:30:00');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('heading', { name: '2 people could use logs, or a part of it, at Nov 30, 2026, 14:30:00 UTC' }).waitFor();
    await page.getByText('Searched: logs and everything below it.').waitFor();
    const rows = page.getByRole('list', { name: /^Who had/ }).getByRole('listitem');
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(/Lee[^]*logs:release[^]*a part of it/),
      expect.stringMatching(/Maya[^]*logs:checkout[^]*a part of it/),
    ]);
    // Who holds all of it is called no holder of a part.
    await page.goto(`${(world as World).origin}/console/history?pattern=${LOGS}&at=2026-11-30T14:30:00Z`);
    await page.getByRole('heading', { name: /^1 person could use logs:checkout at/ }).waitFor();
    expect(await rows.getByText('a part of it').count()).toBe(0);
    // It stays what it was when it was read. A grant that a later event ends may be shown: then it says so.
    expect(await page.getByText('As of Nov 30, 2026, 17:20:01').count()).toBe(1);
  });

  it('says that an answer up to the present may be old, and reads it again only when asked', async () => {
    const { open, pass, clock } = await begin();
    await hold(MAYA);
    await clock.advance(MINUTE);
    const page = await open(SAM, `history?scope=${LOGS}`);
    await page.getByRole('heading', { name: /^1 person could use/ }).waitFor();
    const rows = page.getByRole('list', { name: 'All grants of the span' }).getByRole('listitem');
    await rows.first().waitFor();
    await (world as World).advance(20_000);
    expect(await page.getByText('may have changed').count()).toBe(0);
    await hold(LEE);
    await pass(page.getByText('Access may have changed since then.'));
    expect(await rows.count()).toBe(1);
    await page.getByRole('button', { name: 'Read again' }).click();
    await expect.poll(async () => (await (world as World).advance(500), rows.count())).toBe(2);
    expect(await page.getByText('may have changed').count()).toBe(0);
    await pass(page.getByRole('heading', { name: /^2 people could use/ }));
  });

  it('offers no pattern without the right for everything, and none where the service compares scopes in its own way', async () => {
    const { open } = await begin();
    await hold(MAYA);
    const page = await open(SAM);
    const field = page.getByRole('searchbox', { name: 'Scope' }).or(page.getByRole('combobox', { name: 'Scope' }));
    const views = '**/access/v1/me/views';
    await page.route(views, (route) => route.fulfill({ json: { actions: [] } }));
    await page.goto(`${(world as World).origin}/console/history`);
    await page.getByLabel('Whose access').selectOption('scope');
    await field.fill('logs:*');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('Ask for one exact scope.').waitFor();
    await field.fill(HOSTILE);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('No scope is written like this.').waitFor();
    await field.fill(LOGS);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('heading', { name: /could use logs:checkout at|No grant allowed/ }).waitFor();
    expect(new URL(page.url()).searchParams.get('scope')).toBe(LOGS);

    await page.unroute(views);
    const refusal = {
      code: 'ERR_JIT_INVALID_ARGUMENT',
      argument: 'pattern',
      rule: 'omitted',
      got: '"x"',
      detail: 'x',
      title: 'x',
      type: 'about:blank',
      status: 400,
    };
    await page.route(/[?&]pattern=/, (route) =>
      /v1\/(holders|history)/.test(route.request().url())
        ? route.fulfill({ status: 400, contentType: 'application/problem+json', body: JSON.stringify(refusal) })
        : route.continue(),
    );
    await page.goto(`${(world as World).origin}/console/history?pattern=${LOGS}`);
    await page.getByText(`Searched: ${LOGS}.`).waitFor();
    expect(new URL(page.url()).searchParams.get('scope')).toBe(LOGS);
    await field.fill('logs:*');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('Ask for one exact scope.').waitFor();
    // A text that is no pattern is no question about everything.
    await page.unroute(/[?&]pattern=/);
    await page.goto(`${(world as World).origin}/console/history?pattern=a::b`);
    await page.getByText('No scope is written like this.').waitFor();
    expect(await page.locator('.grant-row').count()).toBe(0);
  });

  it('answers in one sentence, opens the grants behind a figure, and suggests a window once use is recorded everywhere', async () => {
    const { open } = await begin(false);
    const page = await open(NOOR, 'report');
    const answer = page.locator('.report-answer');
    await answer.waitFor();
    expect(await answer.innerText()).toContain(
      '81 grants were held for 149 hr in all, which is 1.3% of the 11,160 hr of standing access. 72 were used',
    );
    await page.getByRole('button', { name: 'By rule' }).click();
    const rule = page.getByRole('row', { name: /logs/ });
    await rule.waitFor();
    await page.getByText('To suggest a window, say above').waitFor();
    const enough = () => rule.getByRole('cell').nth(2).innerText();
    expect(await enough()).toBe('–');
    await page.getByRole('checkbox').check();
    await expect.poll(enough).toBe('2 hr');
    const { searchParams } = new URL(page.url());
    expect([searchParams.get('recordsUse'), searchParams.get('by')]).toEqual(['true', 'rule']);
    await page.getByRole('button', { name: 'By scope' }).click();
    const row = page.getByRole('row', { name: /db-prod:orders:write/ });
    const count = await row.getByRole('cell').nth(3).innerText();
    await row.getByRole('link').click();
    await page.getByRole('heading', { name: `All grants of the span ${count}` }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/history');
  });

  it('sorts the table of the report by each column, by keyboard, and says so to a screen reader', async () => {
    const { open } = await begin();
    await hold(MAYA, 'logs:b');
    await hold(LEE, 'logs:b');
    await hold(MAYA, 'logs:a');
    await hold(LEE, 'logs:c');
    await (world as World).advance(MINUTE);
    const page = await open(NOOR, 'report');
    const order = () => page.getByRole('rowheader').allInnerTexts();
    const header = (name: string) => page.getByRole('columnheader', { name });
    await header('Scope').waitFor();
    // The larger amount first, and equal ones in their order.
    expect([await order(), await header('Held').getAttribute('aria-sort')]).toEqual([['logs:b', 'logs:a', 'logs:c'], 'descending']);
    await header('People').getByRole('button').focus();
    for (const [key, sorting, rows] of [
      ['Enter', 'descending', ['logs:b', 'logs:a', 'logs:c']],
      ['Space', 'ascending', ['logs:a', 'logs:c', 'logs:b']],
    ] as const) {
      await page.keyboard.press(key);
      expect([await order(), await header('People').getAttribute('aria-sort')]).toEqual([rows, sorting]);
    }
    expect(await page.locator('[aria-sort]').count()).toBe(1);
    await header('Scope').getByRole('button').click();
    expect([await order(), await header('Scope').getAttribute('aria-sort')]).toEqual([['logs:a', 'logs:b', 'logs:c'], 'ascending']);
    // As cards, the roles stay.
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.getByRole('row').count()).toBe(4);
    expect(
      await page
        .getByRole('cell')
        .first()
        .evaluate((cell) => getComputedStyle(cell, '::before').content),
    ).toContain('Held');
  });

  it('ends no report that takes long, and stops it when asked', async () => {
    const { open } = await begin();
    await hold(MAYA);
    await (world as World).advance(MINUTE);
    const page = await open(NOOR);
    let isOpen = false;
    let failed = 0;
    page.on('requestfailed', (request) => (failed += Number(request.url().includes('access-report'))));
    await page.route('**/access/v1/access-report?*', (route) => (isOpen ? route.continue() : undefined));
    await page.goto(`${(world as World).origin}/console/report`);
    // Longer than any other read may take.
    await expect.poll(async () => (await page.clock.runFor(2_000), page.getByText('Reading the journal').count())).toBe(1);
    await page.clock.runFor(15_000);
    expect([failed, await page.getByRole('alert').count()]).toEqual([0, 0]);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped. Nothing is shown').waitFor();
    isOpen = true;
    await page.getByRole('button', { name: 'Read again' }).click();
    await page.locator('.report-answer').waitFor();
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
    await page.locator('.entries').getByText('Lee Okafor').first().waitFor();
    const head = await journalHead(engine);
    await page
      .getByText(`Entry ${String(head.seq)}`)
      .first()
      .waitFor();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy the head' }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${String(head.seq)}.${head.hash}`);
  });

  it('stops a verification, and says how far it came', async () => {
    const { open, engine } = await begin();
    await hold(MAYA);
    const { seq, hash } = await journalHead(engine);
    const page = await open(NOOR, 'journal');
    await page.route('**/journal/verification*', (route) =>
      // The second part has no end.
      route.request().url().includes('after=')
        ? undefined
        : route.fulfill({ json: { ok: true, count: 100_000, head: { seq, hash }, next: `${String(seq)}.${hash}` } }),
    );
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText('100,000 entries verified').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped after 100,000 entries. The rest is not verified.').waitFor();
    expect(await page.getByText(/^Valid/).count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Verify now');
    await page.unroute('**/journal/verification*');
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText(`Valid: ${String(seq)} entries`).waitFor();
  });

  it('selects entries by person, type and day, from an address that can be sent, and on paper', async () => {
    const { open, pass } = await begin(false);
    const page = await open(NOOR, 'journal');
    const entries = page.locator('.entries > .entry');
    await entries.first().waitFor();
    const bar = page.getByRole('search');
    await bar.getByLabel('What happened').selectOption('Access granted');
    await page.getByText(/entries were read\. Older ones may fit\./).waitFor();
    // Entries that are far away are not drawn, and have no inner text.
    const texts = async () => (await entries.locator('> .entry-what > p').allTextContents()).join('\n');
    expect((await texts()).split('\n').filter((text) => !text.includes(' was granted '))).toEqual([]);
    await bar.getByLabel('Person').fill('maya');
    await pass(page.getByRole('option', { name: /Maya Lindqvist/ }));
    await page.getByRole('option', { name: /Maya Lindqvist/ }).click();
    await expect.poll(texts).not.toContain('Lee Okafor');
    await bar.getByLabel('Day').fill('2026-11-30');
    await page.getByText(/\d+ entries were read\. No older one fits\./).waitFor();
    await expect.poll(texts).toMatch(/^(Maya Lindqvist was granted .*\n?)+$/);
    const address = new URL(page.url());
    expect(Object.fromEntries(address.searchParams)).toEqual({ person: MAYA, type: 'granted', day: '2026-11-30' });

    const sent = await open(SAM, `journal${address.search}`);
    await sent.getByText(/No older one fits\./).waitFor();
    expect(await sent.locator('.entries > .entry > .entry-what > p').allInnerTexts()).toHaveLength(await entries.count());
    await sent.emulateMedia({ media: 'print' });
    expect(await sent.locator('main').innerText()).toMatch(/Maya Lindqvist Access granted 2026-11-30/);
    await page.getByRole('link', { name: 'Report' }).click();
    await page.getByRole('heading', { name: 'Report', level: 1 }).waitFor();
    await page.goBack();
    await page.getByText(/No older one fits\./).waitFor();
    expect(new URL(page.url()).search).toBe(address.search);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await expect.poll(() => entries.count()).toBeGreaterThan(20);
  });

  it('reads the journal for a filter until it is stopped, says how far it came, and continues', async () => {
    const { open, engine, pass } = await begin();
    for (let n = 0; n < 190; n++) await hold(MAYA, `logs:part-${String(n)}`);
    await hold(LEE);
    const page = await open(NOOR);
    let isSlow = true;
    // The second part has no end.
    await page.route(/v1\/journal\?.*after=0\b/, (route) => (isSlow ? undefined : route.fallback()));
    await page.goto(`${(world as World).origin}/console/journal?person=${LEE}`);
    await page.getByText('500 entries read').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('500 entries were read. Older ones may fit.').waitFor();
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('journal-end');
    isSlow = false;
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText(/\d+ entries were read\. No older one fits\./).waitFor();
    expect(await page.locator('.entries > .entry').count()).toBe(1);
    await page.locator('.entries').getByText('Lee Okafor').first().waitFor();
    // What the rules decided is folded into the ask.
    expect(await page.locator('.entry-rules').innerText()).toContain('Lee Okafor was granted');
    await hold(MAYA, 'logs:last');
    await pass(page.getByRole('button', { name: /newer entries, which may fit/ }));
    await page.goto(`${(world as World).origin}/console/journal?person=user:nobody`);
    const { seq } = await journalHead(engine);
    await page.getByText(`No entry up to entry ${String(seq)} fits.`).waitFor();
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
    const page = await open(NOOR, 'report?by=rule');
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
      'report?by=person',
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
    const report = await open(SAM, 'report?by=rule');
    await report.emulateMedia({ media: 'print' });
    await expect.poll(() => report.getByRole('rowheader').allInnerTexts()).toEqual([expect.stringContaining('logs')]);
  });
});
