import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { KOSTA, LEE, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { startSweeper } from '../../src/index.js';
import { describeChromium } from './chromium.js';
import { aWorld, NOW, type World } from './console-world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const LOGS = 'logs:checkout';
const WRITE = 'db-prod:orders:write';

let world: World;
afterEach(() => world.close());

describeChromium('what time alone changes on an open page', (browser) => {
  const begin = async () => (world = await aWorld(browser, { isEmpty: true }));
  const main = (page: Page) => page.locator('main').innerText();
  /** The events of the stream's begin make the page read all once more. */
  const settle = () => world.advance(3 * SECOND);
  /** Lets time pass until an instant. From there on, the page has one second, and its call. */
  const until = async (at: number) => {
    await world.advance(at - world.clock.now());
  };
  const soon = (page: Page, text: string | RegExp) =>
    expect
      .poll(async () => {
        await world.advance(100);
        return (await main(page)).search(text) >= 0 ? 'shown' : await main(page);
      })
      .toBe('shown');
  const hold = async (more: object = {}) =>
    (await world.engine.requestAccess({ subject: MAYA, scope: LOGS, ttl: '2m', justification: 'A look', ...more })).request.id;
  /** Access that begins in two minutes. */
  const schedule = async () => {
    const startsAt = NOW + 2 * MINUTE;
    const id = await hold({ scope: WRITE, startsAt, ttl: '20m', ticket: 'INC-4711' });
    await world.engine.approve(id, { by: KOSTA });
    return startsAt;
  };
  /** A sweeper that writes what has ended, or none. */
  const sweeping = (sweeps: boolean) => (sweeps ? startSweeper(world.engine, { every: '30s' }) : undefined);

  for (const sweeps of [true, false]) {
    const how = sweeps ? 'with a sweeper' : 'without a sweeper';

    it(`[C2] shows an end on My access and Live at once, ${how}`, async () => {
      await begin();
      await hold();
      const stop = sweeping(sweeps);
      const mine = await world.open(MAYA);
      const live = await world.open(SAM, 'live');
      await mine.getByText('You hold 1 scope').waitFor();
      await live.locator('.held-row', { hasText: 'Maya Lindqvist' }).waitFor();
      await settle();
      await until(NOW + 2 * MINUTE);
      await soon(mine, /You hold no access now/);
      await soon(live, /No one holds access now/);
      expect(world.clock.now() - (NOW + 2 * MINUTE)).toBeLessThanOrEqual(2 * SECOND);
      expect(await mine.getByRole('button', { name: /More time|Release/ }).count()).toBe(0);
      expect(await live.locator('.figures').innerText()).toMatch(/Held now\s+0/);
      await stop?.stop();
    });

    it(`[C2] shows a begin on My access and Live at once, ${how}`, async () => {
      await begin();
      const startsAt = await schedule();
      const stop = sweeping(sweeps);
      const mine = await world.open(MAYA);
      const live = await world.open(SAM, 'live');
      await mine.getByText('You hold no access now').waitFor();
      await live.getByText('No one holds access now').waitFor();
      await settle();
      await until(startsAt);
      await soon(mine, /You hold 1 scope/);
      await soon(live, /Maya Lindqvist/);
      expect(world.clock.now() - startsAt).toBeLessThanOrEqual(2 * SECOND);
      await stop?.stop();
    });
  }

  it('[C2] marks access in Live from ten minutes before its end on', async () => {
    await begin();
    const end = NOW + 11 * MINUTE;
    await hold({ ttl: end - NOW });
    const page = await world.open(SAM, 'live');
    const row = page.locator('.held-row', { hasText: 'Maya Lindqvist' });
    await row.waitFor();
    await settle();
    const mark = () => row.locator('.countdown').evaluate((time) => getComputedStyle(time, '::before').content);
    await until(end - 10 * MINUTE - SECOND);
    expect(await mark()).toBe('none');
    await until(end - 10 * MINUTE + 2 * SECOND);
    expect(await mark()).toContain('▲');
  });

  it('[C2] shows the end of a request and of a lock', async () => {
    await begin();
    await world.engine.lock({ subject: LEE }, { by: SAM, until: NOW + 2 * MINUTE });
    const id = await hold({ scope: WRITE, ticket: 'INC-4711' });
    const { reviewBy } = (await world.engine.getRequest(id))?.request ?? { reviewBy: 0 };
    const locked = await world.open(LEE);
    const locks = await world.open(SAM, 'live');
    const mine = await world.open(MAYA);
    const one = await world.open(MAYA, `requests/${id}`);
    await locked.getByText('You are locked until').waitFor();
    await locks.getByText('Standing locks').waitFor();
    await mine.getByText('Pending requests').waitFor();
    await one.getByText('Waits for approval').first().waitFor();
    await settle();
    await until(NOW + 2 * MINUTE);
    await soon(locked, /You hold no access now\.(?![^]*locked)/);
    await expect.poll(async () => (await world.advance(100), main(locks))).not.toMatch(/Standing locks/);
    expect(world.clock.now() - (NOW + 2 * MINUTE)).toBeLessThanOrEqual(2 * SECOND);
    await locks.close();
    await locked.close();
    const left = reviewBy - world.clock.now() - 4 * SECOND;
    // First the service: the pages, which pass a minute's read on the way, take its clock from the answer.
    await world.clock.advance(left);
    await mine.clock.fastForward(left);
    await one.clock.fastForward(left);
    await until(reviewBy);
    // What ended is one line, which opens.
    await soon(mine, /1 ended this week/);
    expect(await main(mine)).not.toContain('expired without a decision');
    await mine.locator('summary', { hasText: 'ended this week' }).press('Enter');
    await soon(mine, /expired without a decision/);
    await soon(one, /[Ee]xpired/);
    expect(world.clock.now() - reviewBy).toBeLessThanOrEqual(2 * SECOND);
  });

  it('[C2] reads at most once a second, and nothing more after the answer', async () => {
    await begin();
    for (let n = 0; n < 5; n++) await hold({ scope: `logs:part-${n}`, ttl: 2 * MINUTE + n * 200 });
    const page = await world.open(MAYA);
    await page.getByText('You hold 5 scopes').waitFor();
    await settle();
    await until(NOW + 2 * MINUTE - SECOND);
    const before = world.answers.length;
    await until(NOW + 2 * MINUTE + 5 * SECOND);
    await soon(page, /You hold no access now/);
    await world.advance(MINUTE);
    const reads = world.answers.slice(before).filter((answer) => answer.includes('/access/v1/me?'));
    expect(reads.length).toBeGreaterThan(0);
    expect(reads.length).toBeLessThanOrEqual(3);
  });

  it.each([
    ['set back by an hour', -60 * MINUTE],
    ['set ahead by an hour', 60 * MINUTE],
    ['asleep for ten minutes', 0],
  ])('[C2] shows an end after the clock of the device was %s', async (_, byMs) => {
    await begin();
    const end = NOW + (byMs === 0 ? 12 : 2) * MINUTE;
    await hold({ ttl: end - NOW });
    const mine = await world.open(MAYA);
    const live = await world.open(SAM, 'live');
    await mine.getByText('You hold 1 scope').waitFor();
    await live.locator('.held-row', { hasText: 'Maya Lindqvist' }).waitFor();
    await settle();
    for (const page of [mine, live]) {
      if (byMs === 0) await page.clock.fastForward(10 * MINUTE);
      else
        await page.evaluate((ms) => {
          const { now } = Date;
          Date.now = () => now() + ms;
        }, byMs);
    }
    if (byMs === 0) await world.clock.advance(10 * MINUTE);
    await world.advance(5 * SECOND);
    // A wrong clock of the device ends nothing.
    await soon(mine, /You hold 1 scope/);
    await soon(live, /Maya Lindqvist/);
    await until(end);
    await soon(mine, /You hold no access now/);
    await soon(live, /No one holds access now/);
    expect(world.clock.now() - end).toBeLessThanOrEqual(2 * SECOND);
  });

  it('[C2] needs no timer that is longer than a browser takes', async () => {
    await begin();
    await world.engine.lock({ subject: MAYA }, { by: SAM, until: NOW + 60 * 1_440 * MINUTE });
    const page = await world.open(MAYA);
    await page.getByText('You are locked until').waitFor();
    await settle();
    const before = world.answers.length;
    await world.advance(MINUTE);
    // Only what is outside the journal is read again each minute.
    expect(world.answers.slice(before).filter((answer) => answer.includes('/me?')).length).toBeLessThanOrEqual(1);
  });
});
