import { afterEach, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { setTimeout } from 'node:timers/promises';
import { ANA, MAYA, SAM } from '../../src/cli/dev/example/people.js';
import { isJitError } from '../../src/index.js';
import { change, nextInstants } from '../console/walk/walk.js';
import { Dice } from '../model/dice.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const STEPS = 100;
const MINUTE = 60_000;
const TIME = 'time';
const SCOPES = ['db-prod:orders:write', 'db-prod:orders:read', 'logs:checkout', 'logs:cart', 'db-staging:orders:read'];
const VIEWS = [
  [MAYA, ''],
  [SAM, 'live'],
  [ANA, 'inbox'],
] as const;

/** What no event announces is read each minute: the numbers of the service. */
const EACH_MINUTE = /(Pending requests|Emergency reviews that wait|Ends that no sweep has recorded)\s+\d+\+?/g;

let world: World;
let pages: Page[];
/** Loaded again for each comparison. */
let fresh: Page[];
afterEach(() => world.close());

describeChromium('the console, step by step', (browser) => {
  /** Time passes for the service. The devices sleep, and run the timers that have ended once at the last instant. */
  const sleep = async (ms: number): Promise<void> => {
    if (ms === 0) return;
    await world.clock.advance(ms);
    for (const page of [...pages, ...fresh]) await page.clock.fastForward(ms);
  };
  /** Changes one thing, or lets time pass until something begins or ends. @returns what was done */
  const act = async (dice: Dice): Promise<string> => {
    if (dice.once(3)) {
      const [next = 0] = await nextInstants(world);
      const ms = Math.min(Math.max(0, next - world.clock.now()), 20 * MINUTE);
      // A page reads once a minute in any case. What happens within half a minute after a read it must know.
      await sleep(ms - (ms % (MINUTE / 2)));
      await world.advance(ms % (MINUTE / 2));
      return TIME;
    }
    try {
      return await change(world, dice, SCOPES);
    } catch (error) {
      if (!isJitError(error)) throw error;
      return error.code;
    }
  };
  const textOf = async (page: Page) => (await page.locator('#content').innerText()).replace(EACH_MINUTE, '');

  const compare = async (page: Page, reload: Page, place: string): Promise<void> => {
    await reload.reload();
    await reload.locator('#content h1').waitFor();
    await reload.locator('#content .loading').waitFor({ state: 'detached' });
    await world.advance(500);
    // What is on its way arrives: a minute, after which the page reads by itself, never passes here.
    for (let i = 0; i < 10 && (await textOf(page)) !== (await textOf(reload)); i++) {
      await setTimeout(50);
      await world.advance(200);
    }
    expect(await textOf(page), place).toBe(await textOf(reload));
  };

  it.each([1, 2])('L48 shows in Chromium what a reload would show, for a hundred steps (seed %i)', async (seed) => {
    world = await aWorld(browser, { isEmpty: true });
    const dice = new Dice(seed);
    pages = [];
    fresh = [];
    for (const [person, view] of VIEWS) pages.push(await world.open(person, view));
    for (const [person, view] of VIEWS) fresh.push(await world.open(person, view));
    for (let step = 0; step < STEPS; step++) {
      const done = await act(dice);
      // Events arrive in real time. Afterwards the page has a second.
      await setTimeout(100);
      await world.advance(1_500);
      for (const [i, page] of pages.entries())
        if (done === TIME || i === step % pages.length) await compare(page, fresh[i] as Page, `step ${step}, ${done}`);
    }
    expect(world.errors).toEqual([]);
  });
});
