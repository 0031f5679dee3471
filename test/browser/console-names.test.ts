import { readdirSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { ANA, LEE, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const APP = 'src/console/app';
const LOGS = 'logs:checkout';
const NAME = 'Lee Okafor';
/** A text that is no id and no name. */
const NONE = 'Lee Okafour';

let world: World;
afterEach(() => world.close());

/** The fields of the console that take a person, by file. Each has its tests below. */
const FIELDS = ['parts/filter-bar.tsx', 'views/ask/fields.tsx', 'views/history/finder.tsx', 'views/live/dialogs.tsx'];

describeChromium('a name in the place of an id', (browser) => {
  const begin = async () => (world = await aWorld(browser, { isEmpty: true }));
  const hold = async (subject: string) => {
    await world.engine.requestAccess({ subject, scope: LOGS, ttl: '4h', justification: 'A look' });
  };
  const statusesOf = async (subject: string) => (await world.engine.listGrants({ subject })).items.map(({ status }) => status);
  const dialog = (page: Page) => page.getByRole('dialog');
  const press = (page: Page) => dialog(page).getByRole('button', { name: /^(Lock|End)/ });
  const open = async (page: Page, action: 'Lock' | 'Revoke all', text: string) => {
    await page.getByRole('button', { name: action, exact: true }).click();
    await dialog(page).getByLabel('Person').fill(text);
  };
  /** Two people of one name. */
  const twins = (page: Page) =>
    page.route('**/access/v1/people?*', (route) =>
      route.fulfill({ json: { items: [LEE, 'user:lee2'].map((id) => ({ id, name: NAME })) } }),
    );

  it('[C3] has a test for each field that takes a person', async () => {
    await begin();
    const files = (readdirSync(APP, { recursive: true }) as string[]).filter((name) => name.endsWith('.tsx'));
    expect(files.filter((file) => readFileSync(`${APP}/${file}`, 'utf8').includes('<PersonInput')).sort()).toEqual(FIELDS);
  });

  it('[C3] locks the one person of a displayed name, and ends their grants', async () => {
    await begin();
    await hold(LEE);
    await hold(MAYA);
    const page = await world.open(SAM, 'live');
    await open(page, 'Lock', NAME);
    await world.pass(dialog(page).getByText('Ends 1 grant of 1 person'));
    expect(await dialog(page).getByText(LEE, { exact: true }).isVisible()).toBe(true);
    await dialog(page).getByRole('button', { name: 'Lock, and end 1 grant' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await world.engine.listLocks()).toMatchObject([{ subject: LEE }]);
    expect([await statusesOf(LEE), await statusesOf(MAYA)]).toEqual([['revoked'], ['active']]);
  });

  it('[C3] ends the grants of the one person of a displayed name', async () => {
    await begin();
    await hold(LEE);
    const page = await world.open(SAM, 'live');
    await open(page, 'Revoke all', NAME);
    await world.pass(dialog(page).getByRole('button', { name: 'End 1 grant' }));
    await dialog(page).getByRole('button', { name: 'End 1 grant' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await statusesOf(LEE)).toEqual(['revoked']);
  });

  it.each(['Lock', 'Revoke all'] as const)('[C3] refuses a text that is no id and no one name: %s', async (action) => {
    await begin();
    await hold(LEE);
    const page = await world.open(SAM, 'live');
    await open(page, action, NONE);
    await world.pass(dialog(page).getByText('no one person has this name'));
    expect(await press(page).isDisabled()).toBe(true);
    // Enter sends no form that its button refuses.
    await dialog(page).getByLabel('Reason').press('Enter');
    await twins(page);
    await dialog(page).getByLabel('Person').fill(NAME);
    await world.pass(dialog(page).getByText('Counting').or(dialog(page).getByText('no one person has this name')));
    await world.advance(1_000);
    await world.pass(dialog(page).getByText('no one person has this name'));
    expect(await press(page).isDisabled()).toBe(true);
    expect([await statusesOf(LEE), await world.engine.listLocks()]).toEqual([['active'], []]);
  });

  it('[C3] locks a person who is known and holds nothing, and a scope under which nothing is open by a step of its own', async () => {
    await begin();
    const page = await world.open(SAM, 'live');
    await open(page, 'Lock', LEE);
    await world.pass(dialog(page).getByText('Ends no grant'));
    await world.pass(dialog(page).getByText(NAME));
    await expect.poll(() => press(page).isEnabled()).toBe(true);
    await dialog(page).getByLabel('Of').selectOption('scope');
    await dialog(page).getByLabel('Scope', { exact: true }).fill('deploy:prod');
    await world.pass(dialog(page).getByText('Nothing matches. Check the spelling.'));
    expect(await press(page).isDisabled()).toBe(true);
    const box = dialog(page).getByLabel('Lock this scope although nothing is open under it');
    await box.check();
    expect(await press(page).isEnabled()).toBe(true);
    await dialog(page).getByLabel('Scope', { exact: true }).fill('deploy:prodd');
    await world.pass(dialog(page).getByText('Nothing matches. Check the spelling.'));
    expect([await box.isChecked(), await press(page).isDisabled()]).toEqual([false, true]);
  });

  it.each([
    ['live', 'Person', 'No grant under this id now: Lee Okafour. Check the spelling.'],
    ['history?person=user:maya', 'Person', 'No grant under this id in this span: Lee Okafour. Check the spelling.'],
  ])('[C3] takes the one name for its person, and never says of a text that it held nothing: %s', async (path, label, none) => {
    await begin();
    await hold(LEE);
    // The span of the history ends as the page is opened.
    await world.clock.advance(60_000);
    const page = await world.open(SAM, path);
    const field = page.getByRole('search').getByLabel(label, { exact: true });
    await field.waitFor();
    await field.fill(NAME);
    await field.press('Enter');
    await world.pass(page.getByRole('listitem').filter({ hasText: LOGS }));
    expect(new URL(page.url()).searchParams.get('person')).toBe(LEE);
    expect(await field.inputValue()).toBe(LEE);
    await field.fill(NONE);
    await field.press('Enter');
    await world.pass(page.getByText(none));
    expect(await page.locator('main').innerText()).not.toMatch(/Held now\s+0|No grant was held|No grant fits/);
    await twins(page);
    await field.fill(NAME);
    await field.press('Enter');
    await world.pass(page.getByText(none.replace(NONE, NAME)));
    expect(new URL(page.url()).searchParams.get('person')).toBe(NAME);
  });

  it('[C3] asks for the one person of a name, and shows the id before anything is sent', async () => {
    await begin();
    const page = await world.open(ANA, 'ask?scope=db-prod:orders:read');
    await page.getByLabel('Why').fill('The orders of yesterday');
    await page.locator('summary').filter({ hasText: /More/ }).first().click();
    await page.getByLabel('For whom').fill(NAME);
    await page.getByRole('button', { name: 'See what will happen' }).click();
    await page.getByRole('button', { name: 'Send request' }).waitFor();
    expect(await page.getByLabel('For whom').inputValue()).toBe(LEE);
    await page.getByRole('button', { name: 'Send request' }).click();
    await page.getByText('Waits for approval').first().waitFor();
    expect((await world.engine.listRequests({ subject: LEE })).items).toHaveLength(1);
  });
});
