import type { BrowserContextOptions, Page } from 'playwright-core';
import { JitEngine, MemoryGrantStore, patternScopes, type GrantStore } from '../../src/index.js';
import { writeHistory } from '../../src/features/command-line/dev/history.js';
import { policy } from '../../src/features/command-line/dev/people.js';
import { serveDev } from '../../src/features/command-line/dev/server.js';
import { ManualClock } from '../../src/testing.js';
import type { TestBrowser } from './chromium.js';

/** Now, in the world of the tests and of the pictures: a Monday afternoon. */
export const NOW = Date.UTC(2026, 10, 30, 14, 20);

/** The time of the page moves only by `advance`. Frames stay real: the page draws and reads in them, and none waits for time. */
async function holdTime(page: Page, at: number): Promise<void> {
  await page.context().addInitScript(() => Object.assign(window, { frames$: [window.requestAnimationFrame, window.cancelAnimationFrame] }));
  await page.clock.install({ time: at - 1_000 });
  await page.clock.pauseAt(at);
  await page.context().addInitScript(() => {
    const [requestAnimationFrame, cancelAnimationFrame] = (window as unknown as { frames$: (typeof window.requestAnimationFrame)[] })
      .frames$;
    Object.assign(window, { requestAnimationFrame, cancelAnimationFrame });
  });
}

/** What `dev` serves, on a clock that the test moves. */
export async function aWorld(browser: Pick<TestBrowser, 'open'>, given: { readonly store?: GrantStore; readonly isEmpty?: boolean } = {}) {
  const { store = new MemoryGrantStore(), isEmpty = false } = given;
  if (!isEmpty) await writeHistory(store, NOW);
  const clock = new ManualClock(NOW);
  const errors: unknown[] = [];
  const engine = new JitEngine({
    store,
    clock,
    approver: policy(),
    scopes: patternScopes,
    recordUse: true,
    onError: (error) => errors.push(error),
  });
  const server = await serveDev(engine, 0, (error) => errors.push(error));
  const { origin } = new URL(server.address);
  const pages: Page[] = [];

  /** Signs in as one of the six people in the browser of a page; `''`: as none. */
  const become = async (page: Page, person: string): Promise<void> => {
    const { request } = page.context();
    await request.get(server.address);
    const answer = await request.post(`${origin}/people`, { form: { person }, headers: { origin }, maxRedirects: 0 });
    if (answer.status() !== 303) throw new Error(`the page of people answered ${String(answer.status())}`);
  };
  return {
    engine,
    clock,
    errors,
    origin,
    address: server.address,
    become,
    /** A window of a person's own browser, at an address of the console. @param aheadMs by how much the person's clock is wrong */
    async open(person: string, path = '', options: BrowserContextOptions & { readonly aheadMs?: number } = {}): Promise<Page> {
      const { aheadMs = 0, ...context } = options;
      const page = await browser.open({ locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce', ...context });
      pages.push(page);
      await holdTime(page, clock.now() + aheadMs);
      await become(page, person);
      await page.goto(`${origin}/console/${path}`);
      return page;
    },
    /** Lets time pass for the service and for each open page. */
    async advance(ms: number): Promise<void> {
      await clock.advance(ms);
      for (const page of pages.filter((one) => !one.isClosed())) await page.clock.runFor(ms);
    },
    async close(): Promise<void> {
      await engine.close();
      await server.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof aWorld>>;
