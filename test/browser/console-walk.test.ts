import { afterEach, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { setTimeout } from 'node:timers/promises';
import { ANA, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { isJitError } from '../../src/index.js';
import { change } from '../console/walk/walk.js';
import { Dice } from '../model/dice.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const STEPS = 100;
const SCOPES = ['db-prod:orders:write', 'db-prod:orders:read', 'logs:checkout', 'logs:cart', 'db-staging:orders:read'];
const VIEWS = [
  [MAYA, ''],
  [SAM, 'live'],
  [ANA, 'inbox'],
] as const;

/** What no event announces is read each minute: the numbers of the service. */
const EACH_MINUTE = /(Pending requests|Emergency reviews that wait|Ends that no sweep has recorded)\s+\d+\+?/g;

let world: World;
afterEach(() => world.close());

describeChromium('the console, step by step', (browser) => {
  /** Changes one thing, or lets time pass. @returns what was done */
  const act = async (dice: Dice): Promise<string> => {
    if (dice.once(4)) {
      const seconds = 1 + dice.roll(300);
      await world.advance(seconds * 1_000);
      return `${seconds} seconds`;
    }
    try {
      return await change(world, dice, SCOPES);
    } catch (error) {
      if (!isJitError(error)) throw error;
      return error.code;
    }
  };
  const textOf = async (page: Page) => (await page.locator('#content').innerText()).replace(EACH_MINUTE, '');

  it.each([1, 2])('L48 shows in Chromium what a reload would show, for a hundred steps (seed %i)', async (seed) => {
    world = await aWorld(browser, { isEmpty: true });
    const dice = new Dice(seed);
    const pages: Page[] = [];
    const fresh: Page[] = [];
    for (const [person, view] of VIEWS) pages.push(await world.open(person, view));
    for (const [person, view] of VIEWS) fresh.push(await world.open(person, view));
    for (let step = 0; step < STEPS; step++) {
      const done = await act(dice);
      // Events arrive in real time. Afterwards the page has a second.
      await setTimeout(100);
      await world.advance(1_500);
      const at = step % VIEWS.length;
      const [page, reload] = [pages[at] as Page, fresh[at] as Page];
      await reload.reload();
      await reload.locator('#content h1').waitFor();
      await reload.locator('#content .loading').waitFor({ state: 'detached' });
      await world.advance(500);
      // What is on its way arrives: a minute, after which the page reads by itself, never passes here.
      for (let i = 0; i < 10 && (await textOf(page)) !== (await textOf(reload)); i++) {
        await setTimeout(50);
        await world.advance(200);
      }
      expect(await textOf(page), `step ${step}, ${done}`).toBe(await textOf(reload));
    }
    expect(world.errors).toEqual([]);
  });
});
