import { afterEach, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { ANA, KOSTA, LEE, MAYA, NOOR, SAM } from '../../src/cli/dev/example/people.js';
import { HookError, LayoutError, MovedError, PartialError, RollbackError, StoreError } from '../../src/core/errors.js';
import { toProblem } from '../../src/http.js';
import { MemoryGrantStore } from '../../src/index.js';
import { FaultyStore } from '../../src/testing.js';
import { describeChromium } from './chromium.js';
import { aWorld } from './console-world.js';

const HOUR = 3_600_000;

describeChromium('the console, when things go wrong', (browser) => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const world = async (given: Parameters<typeof aWorld>[1] = {}) => {
    const made = await aWorld(browser, given);
    ends.push(made.close);
    return made;
  };

  it('says that the store is down, and shows the view when it answers again', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const { open, pass } = await world({ store });
    store.inject('all', { fault: 'reject' });
    const page = await open(MAYA, 'inbox');
    await pass(page.getByText('The service cannot answer now'));
    // The way on is there, and no claim about who is signed in.
    expect([await page.title(), await page.getByRole('heading', { level: 1 }).innerText()]).toEqual(['Inbox · Access', 'Inbox']);
    await page.getByText('Settings', { exact: true }).click();
    expect(await page.locator('.sheet').innerText()).toContain('The service has not said who is signed in.');
    await page.getByRole('navigation').getByRole('link', { name: 'My access' }).click();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('My access');
    store.clear();
    await pass(page.getByText('You hold 1 scope'));
    await page.getByText('Maya Lindqvist').first().waitFor();
  });

  it('has a title while the file of a view is on its way', async () => {
    const { open, pass } = await world();
    const page = await open(SAM);
    await pass(page.getByText(/You hold/));
    let go = (): void => undefined;
    const mayGo = new Promise<void>((resolve) => (go = resolve));
    await page.route('**/console/assets/*.js', async (route) => {
      await mayGo;
      await route.continue();
    });
    await page.getByRole('navigation').getByRole('link', { name: 'Journal' }).click();
    await page.locator('main').getByText('Loading').waitFor();
    expect([await page.title(), await page.getByRole('heading', { level: 1 }).innerText()]).toEqual(['(1) Journal · Access', 'Journal']);
    go();
    await pass(page.getByText(/Entry \d+/));
  });

  it('keeps theme and density on the device', async () => {
    const { open, pass } = await world();
    const page = await open(MAYA);
    await pass(page.getByText('You hold 1 scope'));
    const height = () =>
      page
        .locator('.row')
        .first()
        .evaluate((row) => row.getBoundingClientRect().height);
    const before = await height();
    await page.locator('.settings summary').click();
    await page.getByLabel('Theme').selectOption('dark');
    await page.getByLabel('Density').selectOption('compact');
    await page.reload();
    await pass(page.getByText('You hold 1 scope'));
    expect(await page.evaluate(() => ({ ...document.documentElement.dataset }))).toEqual({ theme: 'dark', density: 'compact' });
    expect(await height()).toBeLessThan(before);
  });

  it('reads every 15 seconds, and says so, where no events arrive', async () => {
    const { open, pass, engine } = await world({ isEmpty: true });
    const page = await open(KOSTA);
    await page.route('**/access/v1/events', (route) => route.abort());
    await page.goto(`${page.url()}inbox`);
    await pass(page.getByText('Live updates are not available here.'));
    await engine.requestAccess({ subject: LEE, scope: 'db-prod:orders:read', ttl: '1h', justification: 'A look' });
    await pass(page.getByRole('button', { name: '1 new' }).or(page.getByText('A look')));
  });

  it('says that there is no connection, keeps what it shows, and reads again afterwards', async () => {
    const { open, pass, advance, engine } = await world();
    const page = await open(MAYA);
    await page.getByText('You hold 1 scope').waitFor();
    await page.context().setOffline(true);
    await pass(page.getByText('No connection.'));
    expect(await page.getByText('You hold 1 scope').isVisible()).toBe(true);
    const { items } = await engine.listGrants({ subject: MAYA, status: 'active' });
    await engine.revoke(items[0]?.id ?? '', { by: 'user:sam' });
    await page.context().setOffline(false);
    await advance(1_000);
    await pass(page.getByText('You hold no access now.'));
  });

  it('shows "signed out" and the way back, and after the sign-in the same page', async () => {
    const { open, pass, become, origin } = await world();
    const page = await open(ANA, 'inbox');
    await page.getByText('Konstantinos Papadimitriou').first().waitFor();
    await become(page, '');
    await page.evaluate(() => window.dispatchEvent(new Event('focus')));
    await pass(page.getByText('You are signed out'));
    expect(await page.title()).toBe('You are signed out · Access');
    expect(await page.getByText('Konstantinos Papadimitriou').count()).toBe(0);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: /^Ana Ruiz/ }).click();
    await page.waitForURL(`${origin}/console/inbox`);
    await page.getByText('Konstantinos Papadimitriou').first().waitFor();
  });

  it.each([HOUR, -HOUR])('counts down by the clock of the service, if that of the viewer is wrong by %d ms', async (aheadMs) => {
    const { open, advance, pass } = await world();
    const page = await open(MAYA, '', { aheadMs });
    await page.getByText('until 14:42').first().waitFor();
    expect(await page.locator('main').innerText()).toMatch(/The next window ends in 22 min/);
    await advance(90_000);
    await pass(page.getByText(/The next window ends in 21 min/));
  });

  it('loads itself once again where another version is installed, and not twice', async () => {
    const { open, pass } = await world();
    const page = await open(NOOR);
    await page.getByRole('link', { name: 'Journal' }).waitFor();
    const files = '**/console/assets/*.js';
    let missing = 0;
    let loads = 0;
    page.on('load', () => loads++);
    // The balancer sends the first file of the view to a process with another version.
    await page.route(files, (route) => {
      missing++;
      return missing === 1 ? route.fulfill({ status: 404, headers: { 'cache-control': 'no-store' } }) : route.continue();
    });
    await page.getByRole('link', { name: 'Journal' }).click();
    await pass(page.getByText('Verify now'));
    await expect.poll(() => [missing > 1, loads]).toEqual([true, 1]);
    await page.unroute(files);
  });

  it('says what to do where another version lacks the first script', async () => {
    const { open, pass } = await world();
    const page = await open(MAYA);
    await pass(page.getByText('You hold 1 scope'));
    const files = '**/console/assets/*.js';
    await page.route(files, (route) => route.fulfill({ status: 404 }));
    await page.reload();
    await page.getByText('The page did not load.').waitFor();
    await page.unroute(files);
    await page.getByRole('link', { name: 'load the page again' }).click();
    await pass(page.getByText('You hold 1 scope'));
    expect(await page.getByText('The page did not load.').count()).toBe(0);
  });

  /** What the view shows when the store answers, and what opens it from another view. */
  const menu = (name: string) => (page: Page) => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click();
  const openRequest = async (page: Page) => {
    await page
      .getByRole('button', { name: /^Details/ })
      .first()
      .click();
    await page.getByRole('link', { name: 'Open request' }).first().click();
  };
  /** An address that the browser's own buttons lead to, so that the page is not loaded again. */
  const address = (path: string) => (page: Page) =>
    page.evaluate((to) => {
      history.pushState({}, '', to);
      dispatchEvent(new PopStateEvent('popstate'));
    }, path);
  it.each([
    ['My access', SAM, 'ask', menu('My access'), /You hold/],
    ['Ask', MAYA, '', menu('Ask'), 'Orders: read'],
    ['Inbox', ANA, '', menu('Inbox'), 'db-prod:billing:write'],
    ['Request', ANA, 'inbox', openRequest, 'What happened'],
    ['Live', SAM, '', menu('Live'), 'Maya Lindqvist'],
    ['Emergency reviews', SAM, '', menu('Emergency reviews'), 'db-prod:orders:write'],
    ['History', SAM, '', address('history?scope=db-prod%3Aorders%3Awrite'), 'Maya Lindqvist'],
    ['Report', SAM, '', menu('Report'), 'db-prod:orders:write'],
    ['Journal', SAM, '', menu('Journal'), /Entry \d+/],
  ] as const satisfies readonly (readonly [string, string, string, (page: Page) => Promise<void>, string | RegExp])[])(
    'says in %s that the store is down, and shows the view when it answers again',
    async (_, person, from, go, shown) => {
      const store = new FaultyStore(new MemoryGrantStore());
      const { open, pass, advance } = await world({ store });
      const page = await open(person, from);
      await pass(page.locator('main h1'));
      await advance(3_000);
      store.inject('all', { fault: 'reject' });
      await go(page);
      const problem = page.getByText('The service cannot answer now').first();
      await pass(problem);
      store.clear();
      // One press may end the problems of several parts.
      await page.evaluate(() => {
        for (const button of document.querySelectorAll<HTMLElement>('.problem button')) button.click();
      });
      await pass(page.locator('main').getByText(shown));
      await pass(page.locator('main:not(:has(.problem))'));
    },
  );

  /** Answers each call of one method with an error of the engine, as the handler does. */
  const failWith = (page: Page, method: string, error: unknown) =>
    page.route('**/access/v1/**', (route) => {
      const { status, headers, body } = toProblem(error);
      return route.request().method() === method ? route.fulfill({ status, headers, body: JSON.stringify(body) }) : route.fallback();
    });
  const UPGRADE = /The upgrade of the service is not finished: an operator must finish it/;

  it('[A7] says that the service did not say what a person may open, and what to do', async () => {
    const { open, pass } = await world();
    const page = await open(SAM);
    const live = page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Live' });
    await pass(live);
    await page.route('**/access/v1/me/views', (route) => route.fulfill({ status: 503 }));
    await page.reload();
    await pass(page.getByText('The service did not say what you may open. Load the page again.'));
    expect(await live.count()).toBe(0);
    await page.unrouteAll();
    await page.reload();
    await pass(live);
    expect(await page.getByText('The service did not say').count()).toBe(0);
  });

  it('[A33] says in the words of the API that a read or an ask waits for an operator', async () => {
    const { open, pass } = await world();
    const page = await open(MAYA);
    await failWith(page, 'GET', new LayoutError(2, 1, 2));
    await page.reload();
    await pass(page.getByText(UPGRADE));
    await page.unrouteAll();
    await pass(page.getByText('You hold 1 scope'));

    await page.goto(`${page.url()}ask?scope=db-prod%3Aorders%3Aread`);
    await page.getByLabel('Why').fill('A look');
    await failWith(page, 'POST', new MovedError('payments', 'redis'));
    await page.getByRole('button', { name: 'See what will happen' }).click();
    await pass(page.getByRole('alert').getByText(/The records have moved to another store/));
    expect(
      await page
        .getByRole('alert')
        .getByText(/Try again|was sent/)
        .count(),
    ).toBe(0);
  });

  it('[A33] says in the words of the API that a decision or a dialog waits for an operator', async () => {
    const { open, pass, advance } = await world();
    const page = await open(ANA, 'inbox');
    await failWith(page, 'POST', new HookError('c1', new Error('no')));
    await page
      .getByRole('button', { name: /^Approve/ })
      .first()
      .click();
    await advance(6_000);
    await pass(page.locator('.decision-held').getByText(/A hook of the service refuses this change/));
    expect(await page.getByText('No answer arrived').count()).toBe(0);

    const lock = await open(SAM, 'live?person=user%3Alee');
    await lock.getByRole('button', { name: 'Lock', exact: false }).first().click();
    const dialog = lock.getByRole('dialog');
    for (const [error, text] of [
      [new RollbackError({ seq: 3, hash: 'x' }, { seq: 1, hash: 'h' }), /The store has lost entries. An operator must accept that/],
      [new PartialError({ grants: [], requests: [] }, [], 'l'), /Treat the access as not revoked, and repeat/],
      [new StoreError('commit', 'down'), /A change that was sent may be done or not/],
    ] as const) {
      await lock.unrouteAll();
      await failWith(lock, 'POST', error);
      await advance(1_000);
      await dialog.getByRole('button', { name: /^Lock/ }).click();
      await pass(dialog.getByRole('alert').getByText(text));
      expect(await dialog.getByText('Nothing was changed').count()).toBe(0);
    }
  });

  it('drops kept drafts and decisions of another version, or edited by hand', async () => {
    const { open, pass, engine } = await world();
    const page = await open(ANA, 'inbox');
    const { items } = await engine.inbox(ANA);
    const ids = items.map(({ request }) => request.id);
    for (const value of ['7', 'null', '[7,null,{}]', '{"scopes":7,"fields":null,"reason":{}}', '{broken']) {
      await page.evaluate(
        ([caller, kept, names]) => {
          for (const name of names)
            sessionStorage.setItem(`jit-access:draft:${encodeURIComponent(caller)}:${name}`, `{"at":${Date.now()},"value":${kept}}`);
        },
        [ANA, value, ['decisions', 'ask:db-prod:orders:read', ...ids.flatMap((id) => [`decision:${id}`, `comment:${id}`])]] as const,
      );
      await page.reload();
      await pass(page.getByRole('button', { name: /^Approve/ }));
      await page
        .getByRole('button', { name: /^Change/ })
        .first()
        .click();
      await pass(page.getByRole('dialog').getByRole('textbox'));
      await page.keyboard.press('Escape');
      await page
        .getByRole('button', { name: /^Details/ })
        .first()
        .click();
      await page.getByText('Reviews and comments').first().click();
      await pass(page.getByRole('textbox', { name: 'Comment' }));
      await page.goto(`${page.url().replace('inbox', '')}ask?scope=db-prod%3Aorders%3Aread`);
      await pass(page.getByRole('textbox', { name: /Why/ }));
      await page.goto(page.url().replace(/ask.*/, 'inbox'));
    }
  });

  it('shows a person without rights no view that would answer 403, and nothing by an address', async () => {
    const { open, pass, advance } = await world();
    const page = await open(LEE);
    await page.getByRole('heading', { name: 'My access' }).waitFor();
    const menu = page.getByRole('navigation', { name: 'Views' });
    // Without the number of waiting reviews.
    const names = async () => (await menu.getByRole('link').allInnerTexts()).map((text) => text.replace(/\s*\d+\+?$/, ''));
    for (const name of await names()) {
      await menu.getByRole('link', { name }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await advance(1_000);
      expect([name, await page.getByText('Not for you').count()]).toEqual([name, 0]);
    }
    expect(await names()).not.toEqual(expect.arrayContaining(['Live', 'Report', 'Journal']));

    for (const path of ['live', 'report', 'journal', 'history?person=user:maya', 'history?scope=db-prod:orders:write']) {
      const other = await open(LEE, path);
      await pass(other.getByText('Not for you'));
      const text = await other.locator('main').innerText();
      expect([path, text.includes('Maya Lindqvist'), text.includes('INC-')]).toEqual([path, false, false]);
    }
    // `may` permits Ana what the engineers hold, and nothing else.
    const own = await open(ANA, 'history?person=user:maya');
    await pass(own.locator('main').getByText('db-prod:orders:write'));
    const others = await open(ANA, 'history?person=user:kosta');
    await pass(others.getByText('Not for you'));
  });
});
