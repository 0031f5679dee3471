import { afterEach, expect, it } from 'vitest';
import { ANA, KOSTA, LEE, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, hide, type World } from './console-world.js';

const READ = 'db-prod:orders:read';
const WRITE = 'db-prod:orders:write';

let world: World;
afterEach(() => world.close());

describeChromium('the console, after events of other people', (browser) => {
  const ask = async (subject: string, scope: string) => {
    const { request } = await world.engine.requestAccess({ subject, scope, ttl: '1h', justification: 'A look', ticket: 'INC-4711' });
    return request.id;
  };
  /** The answers to the page that fit a pattern, without the stream and without the first `skipped` of all answers. */
  const reads = (pattern: RegExp, skipped = 0): readonly string[] =>
    world.answers.slice(skipped).filter((answer) => !answer.includes('/events') && pattern.test(answer));

  it('looks once whether a new request is the viewer’s, and reads nothing after its other events', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(ANA);
    await page.getByText('You hold no access now.').waitFor();
    const looks = () => reads(/^GET \/access\/v1\/requests\?(?=.*from=)/).length;
    const lookAfter = async (deed: () => Promise<unknown>) => {
      const before = looks();
      await deed();
      await world.pass(() => looks() > before);
      await world.advance(2_000);
    };
    // After the first event of the stream, the page reads all once again. That event comes before the one of this request.
    await lookAfter(() => ask(LEE, WRITE));
    const first = world.answers.length;
    let foreign = '';
    await lookAfter(async () => (foreign = await ask(LEE, READ)));
    expect(reads(/ \/access\//, first)).toEqual([expect.stringContaining('/requests?')]);
    await world.engine.approve(foreign, { by: KOSTA });
    // Its events come after those of the approval.
    const own = await ask(ANA, READ);
    await world.pass(page.getByText('Pending requests'));
    expect(reads(/ \/access\/v1\/me\?/, first)).toHaveLength(1);
    expect(reads(/ \/access\/v1\/requests\/./, first)).toEqual([expect.stringContaining('/reviewers')]);
    await world.engine.approve(own, { by: KOSTA });
    await world.pass(page.getByText('You hold 1 scope'));
  });

  it('[C7] reads the inbox and what the subjects of its rows hold in one call', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const half = { subject: MAYA, scope: WRITE, ttl: '30m', justification: 'A look', ticket: 'INC-4711' } as const;
    const { id: held } = (await world.engine.requestAccess(half)).request;
    await world.engine.approve(held, { by: KOSTA });
    await ask(MAYA, WRITE);
    await ask(LEE, WRITE);
    const page = await world.open(ANA, 'inbox');
    await page.getByRole('button', { name: /^Details: .* Maya Lindqvist/ }).click();
    await page.getByText('Already holds').waitFor();
    const first = world.answers.length;
    await world.engine.revokeAll({ requestId: held }, { by: KOSTA });
    await world.pass(() => reads(/ \/access\/v1\/inbox/, first).length > 0);
    await page.getByText('Already holds').waitFor({ state: 'detached' });
    expect(reads(/ \/access\/v1\/grants/)).toEqual([]);
    expect(reads(/ \/access\/v1\/inbox/, first).length).toBeLessThanOrEqual(4);
  });

  it('[C1] shows access that is granted while no one holds any, and never says that no one does', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(SAM, 'live');
    await page.getByText('No one holds access now.').waitFor();
    await world.engine.approve(await ask(MAYA, WRITE), { by: KOSTA });
    const row = (name: string) => page.locator('.held-row', { hasText: name });
    await world.pass(row('Maya Lindqvist'));
    expect(await page.getByText('No one holds access now.').count()).toBe(0);
    // Under the pointer the list stands still: what is new waits in the line, and the number counts it.
    await row('Maya Lindqvist').hover();
    await world.engine.approve(await ask(LEE, WRITE), { by: KOSTA });
    await world.pass(page.getByRole('button', { name: '1 new' }));
    expect(await row('Lee Okafor').count()).toBe(0);
    expect(await page.locator('.figures').innerText()).toMatch(/Held now\s+2/);
    await page.mouse.move(0, 0);
    await world.advance(12_000);
    await row('Lee Okafor').waitFor();
  });

  it('counts the waiting reviews in the menu and in the title of each view, also while it is hidden', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const first = await ask(LEE, WRITE);
    const page = await world.open(ANA);
    const inbox = () =>
      page
        .getByRole('navigation')
        .getByRole('link', { name: /^Inbox/ })
        .innerText();
    /** Lets time pass until the number is shown. */
    const counts = async (title: string, link: string) => {
      await expect.poll(async () => (await world.advance(500), page.title())).toBe(title);
      expect(await inbox()).toMatch(new RegExp(`^Inbox\\s*${link}$`));
    };
    await counts('(1) My access · Access', '1');
    await page.getByRole('link', { name: /^Inbox/ }).click();
    await page.locator('.row').waitFor();
    await ask(MAYA, READ);
    // The list may hold its row back, the number does not.
    await page.locator('.row').hover();
    await counts('(2) Inbox · Access', '2');
    const before = world.answers.length;
    await world.advance(10_000);
    expect(reads(/\/inbox/, before)).toEqual([]);
    await hide(page, true);
    await world.engine.approve(first, { by: KOSTA });
    await world.advance(61_000);
    await counts('(1) Inbox · Access', '1');
    const hidden = world.answers.length;
    await world.advance(120_000);
    expect(reads(/ \/access\//, hidden).map((answer) => answer.split('?')[0])).toEqual(['GET /access/v1/inbox', 'GET /access/v1/inbox']);
    await hide(page, false);
    await counts('(1) Inbox · Access', '1');
    await page.getByRole('link', { name: 'Ask' }).click();
    await counts('(1) Ask · Access', '1');
  });

  it('shows a notice of new reviews while it is hidden, once the viewer has allowed it, with nothing that a person wrote', async () => {
    world = await aWorld(browser, { isEmpty: true });
    await ask(LEE, WRITE);
    const page = await world.open(ANA);
    await page.addInitScript(() => {
      const shown: string[] = [];
      const permission = () => sessionStorage.getItem('permission') ?? 'default';
      const notice = class extends EventTarget {
        static get permission() {
          return permission();
        }
        static requestPermission() {
          sessionStorage.setItem('permission', sessionStorage.getItem('next') ?? 'granted');
          return Promise.resolve(permission());
        }
        constructor(title: string, { body }: { readonly body: string }) {
          super();
          shown.push(`${title}: ${body}`);
          Object.assign(window, { last$: this });
        }
        close() {
          return undefined;
        }
      };
      Object.assign(window, { Notification: notice, shown$: shown });
    });
    await page.reload();
    const shown = () => page.evaluate(() => (window as unknown as { shown$: readonly string[] }).shown$);
    const hideAndAsk = async (subject: string, scope: string) => {
      await hide(page, true);
      await world.advance(61_000);
      await ask(subject, scope);
      await world.advance(61_000);
      await expect.poll(() => page.title()).toMatch(/^\([23]\)/);
    };
    await page.getByRole('navigation').getByText('1', { exact: true }).waitFor();
    await hideAndAsk(MAYA, READ);
    // Off at first.
    expect(await shown()).toEqual([]);
    await hide(page, false);
    await page.locator('.settings summary').click();
    await page.getByRole('checkbox', { name: /^Notice of new reviews/ }).check();
    await hideAndAsk(LEE, READ);
    expect(await shown()).toEqual(['Access: 3 reviews wait for you']);
    await world.advance(120_000);
    expect(await shown()).toHaveLength(1);
    await page.evaluate(() => (window as unknown as { last$: EventTarget }).last$.dispatchEvent(new Event('click')));
    await page.waitForURL('**/console/inbox');
    // The viewer has refused it: there is no switch.
    await page.evaluate(() => sessionStorage.setItem('permission', 'denied'));
    await page.reload();
    await page.locator('.settings summary').click();
    expect(await page.getByRole('checkbox', { name: /^Notice of new reviews/ }).count()).toBe(0);
  });

  it('shows no number where the API refuses the inbox, asks no more, and shows none of another person', async () => {
    world = await aWorld(browser, { isEmpty: true });
    await ask(LEE, WRITE);
    const page = await world.open(ANA);
    await expect.poll(() => page.title()).toBe('(1) My access · Access');
    await hide(page, true);
    await world.become(page, MAYA);
    await world.advance(61_000);
    // The page of the first person ends, although it is hidden and hears nothing.
    await page.getByRole('banner').getByText('Maya Lindqvist').first().waitFor({ state: 'attached' });
    expect(await page.title()).toBe('My access · Access');
    const other = await world.open(KOSTA);
    await expect.poll(() => other.title()).toBe('(1) My access · Access');
    await other.route('**/access/v1/inbox?*', (route) =>
      route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{}' }),
    );
    await other.reload();
    await other.getByText('You hold no access now.').waitFor();
    let asked = 0;
    other.on('request', (request) => (asked += Number(request.url().includes('/inbox?'))));
    await world.advance(181_000);
    expect([await other.title(), asked]).toEqual(['My access · Access', 0]);
  });
});
