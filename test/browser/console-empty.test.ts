import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { ANA, KOSTA, LEE, MAYA, NOOR, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const APP = 'src/console/app';
const LOGS = 'logs:checkout';
const WRITE = 'db-prod:orders:write';

let world: World;
afterEach(() => world.close());

/** A list that is open and empty: what it says, what then happens, and what a reload would show. */
interface Empty {
  /** The key of its text. */
  readonly key: string;
  readonly person: string;
  readonly path: string;
  /** Whether the service names no person. Default: no. */
  readonly isUnnamed?: boolean;
  readonly says: string;
  readonly event: (world: World) => Promise<unknown>;
  /** The words of the list, or of the row that must appear without a press. */
  readonly then: RegExp;
}

const ask = ({ engine }: World, subject: string, scope: string) =>
  engine.requestAccess({ subject, scope, ttl: '1h', justification: 'A look', ticket: 'INC-4711' });
const hold = (subject: string) => (world: World) => ask(world, subject, LOGS);
const take = ({ engine }: World) => engine.breakGlass({ subject: MAYA, scope: WRITE, ttl: '15m', justification: 'Orders are lost' });
/** Access that a reviewer grants: its grant is issued by another event than its request. */
const grant = (subject: string) => async (world: World) => {
  const { request } = await ask(world, subject, WRITE);
  await world.engine.approve(request.id, { by: KOSTA });
};

const LISTS: readonly Empty[] = [
  { key: 'access.noneText', person: MAYA, path: '', says: 'You hold no access now.', event: grant(MAYA), then: /You hold 1 scope/ },
  { key: 'inbox.empty', person: ANA, path: 'inbox', says: 'No request waits', event: (at) => ask(at, LEE, WRITE), then: /Lee Okafor/ },
  { key: 'live.none', person: SAM, path: 'live', says: 'No one holds access now.', event: grant(LEE), then: /Lee Okafor/ },
  { key: 'live.noneFiltered', person: SAM, path: `live?scope=${LOGS}`, says: 'No grant fits', event: hold(LEE), then: /Lee Okafor/ },
  {
    key: 'live.noneOfId',
    person: SAM,
    path: `live?person=${LEE}`,
    isUnnamed: true,
    says: 'No grant under this id',
    event: hold(LEE),
    then: /logs:checkout/,
  },
  {
    key: 'history.noneOfId',
    person: SAM,
    path: `history?person=${LEE}`,
    isUnnamed: true,
    says: 'No grant under this id',
    event: hold(LEE),
    then: /logs:checkout/,
  },
  { key: 'break-glass.empty', person: SAM, path: 'break-glass', says: 'No emergency access waits', event: take, then: /Maya Lindqvist/ },
  { key: 'history.none', person: SAM, path: 'history', says: 'No grant was held', event: hold(LEE), then: /Lee Okafor/ },
  { key: 'history.noneOfId', person: LEE, path: 'history', says: 'No grant under this id', event: hold(LEE), then: /logs:checkout/ },
  {
    key: 'history.noneCould',
    person: SAM,
    path: `history?scope=${LOGS}`,
    says: 'No grant allowed',
    event: hold(LEE),
    then: /1 person could use/,
  },
  { key: 'report.none', person: SAM, path: 'report', says: 'No access was held', event: hold(LEE), then: /logs:checkout/ },
  { key: 'journal.none', person: SAM, path: 'journal', says: 'The journal is empty', event: hold(LEE), then: /Lee Okafor was granted/ },
];

/** The answers that are a sentence, also if they are empty. */
const SENTENCES = ['history.noneCould'];

/** Texts in the place of a list that no event of the journal fills, and why. */
const NO_LIST: Readonly<Record<string, string>> = {
  'frame.notFoundText': 'the address is of no view',
  'ask.empty': 'rules and the catalogue are no part of the journal',
  'ask.none': 'the words that the viewer has typed find nothing',
  'ask.readOnly': 'the page shows no action',
  'ask.can.malformed': 'the address has a scope that is none',
  'journal.noneFits': 'it names the entry up to which it was read; newer ones are counted above it',
  'report.tooLong': 'the span is too long to be replayed',
  'request.gone': 'the request does not exist',
};

describeChromium('an empty list of the console', (browser) => {
  it('[C1] has a row below, wherever a view can be empty', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const files = (readdirSync(APP, { recursive: true }) as string[]).filter((name) => name.endsWith('.tsx'));
    const used = files.flatMap((file) =>
      [...readFileSync(`${APP}/${file}`, 'utf8').matchAll(/<Empty[^]*?(?:\/>[;)}]*|\}>)\n/g)].flatMap(([element]) =>
        [...element.matchAll(/['"]([a-z][\w-]*\.[\w.]+)['"]/g)].map(([, key]) => key),
      ),
    );
    expect([...new Set([...used, ...SENTENCES])].sort()).toEqual(
      [...new Set([...LISTS.map(({ key }) => key), ...Object.keys(NO_LIST)])].sort(),
    );
  });

  it.each(LISTS)('[C1] shows by itself what an event brings: $key, $path', async ({ person, path, isUnnamed, says, event, then }) => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(person, path);
    if (isUnnamed) {
      await page.route('**/access/v1/people?*', (route) => route.fulfill({ json: { items: [] } }));
      await page.reload();
    }
    await page.getByText(says).first().waitFor();
    // After the first event of the stream, the page reads all once more.
    await world.advance(3_000);
    await page.getByText(says).first().waitFor();
    await event(world);
    await world.pass(page.locator('main').getByText(then));
    expect(await page.locator('main').getByText(says).count()).toBe(0);
    expect(await page.getByRole('button', { name: /^\d+ new/ }).count()).toBe(0);
  });

  it('is one card on My access, which says what the person may ask for now', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(MAYA);
    const card = page.locator('main .empty');
    const named = () => card.getByRole('listitem').allInnerTexts();
    await card.getByText('You may ask for:').waitFor();
    expect((await named()).slice(0, 2)).toEqual(['Orders: read', 'Orders: write']);
    expect(await named()).toHaveLength(6);
    expect(await page.locator('main .section, main .badge').count()).toBe(0);
    // What is locked may not be asked for.
    await world.engine.lock({ scope: 'db-prod:orders:read' }, { by: SAM });
    await expect.poll(async () => (await world.advance(500), (await named())[0])).toBe('Orders: write');
    await card.getByRole('link', { name: 'Orders: write', exact: true }).click();
    await page.waitForURL('**/console/ask?scope=db-prod%3Aorders%3Awrite');
    // Who may ask for nothing is offered nothing.
    const other = await world.open(NOOR);
    await other.locator('main .empty').getByText('You hold no access now.').waitFor();
    await world.advance(2_000);
    expect(await other.locator('main .empty').getByRole('link').count()).toBe(0);
  });

  it('[C1] shows new access that waits behind its line when the last row leaves', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const first = (await ask(world, MAYA, LOGS)).request.id;
    const page = await world.open(SAM, 'live');
    await page.locator('.held-row', { hasText: 'Maya Lindqvist' }).waitFor();
    await world.advance(3_000);
    await page.getByRole('listitem').filter({ hasText: 'Maya Lindqvist' }).hover();
    await hold(LEE)(world);
    await world.pass(page.getByRole('button', { name: '1 new' }));
    await world.engine.release({ requestId: first }, { by: MAYA });
    await world.pass(page.locator('main').getByText('Lee Okafor'));
    expect(await page.getByText('No one holds access now.').count()).toBe(0);
  });

  it('[C1] reads again by itself after a read that an event had caused has failed', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(SAM, 'live');
    await page.getByText('No one holds access now.').waitFor();
    await world.advance(3_000);
    let failures = 0;
    await page.route('**/access/v1/grants?*', (route) => (failures++ < 3 ? route.fulfill({ status: 500, body: '' }) : route.continue()));
    await hold(LEE)(world);
    await world.pass(page.locator('main').getByText('Lee Okafor'));
  });
});
