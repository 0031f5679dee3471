import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { BrowserContextOptions, Locator, Page, Request } from 'playwright-core';
import { JitEngine, MemoryGrantStore, patternScopes, type GrantStore } from '../../src/index.js';
import { writeHistory } from '../../src/cli/dev/example/history.js';
import { policy } from '../../src/cli/dev/example/people.js';
import { serveDev } from '../../src/cli/dev/server.js';
import { ManualClock } from '../../src/testing.js';
import type { TestBrowser } from './chromium.js';

/** Now, in the world of the tests and of the pictures: a Monday afternoon. */
export const NOW = Date.UTC(2026, 10, 30, 14, 20);

/** The longest step of time, in milliseconds. A call has longer. */
const STEP = 2_000;

// Code of the page. It draws in frames, and runs the effects of a drawing in a turn of its own: neither is time, so both stay real.
const KEEP = 'window.kept$ = { requestAnimationFrame, cancelAnimationFrame, afterTurn: window.setTimeout }';
const GIVE_BACK = `{
  const { afterTurn, ...frames } = window.kept$;
  const afterTime = window.setTimeout;
  Object.assign(window, { ...frames, setTimeout: (run, ms = 0) => (ms > 0 ? afterTime(run, ms) : -afterTurn(run)) });
}`;

/** The time of the page moves only by `advance`. */
async function holdTime(page: Page, at: number): Promise<void> {
  await page.context().addInitScript({ content: KEEP });
  await page.clock.install({ time: at - 1_000 });
  await page.clock.pauseAt(at);
  await page.context().addInitScript({ content: GIVE_BACK });
}

interface Place {
  readonly aheadMs?: number;
  readonly at?: string;
}

/** The window is hidden, or shown again. */
export const hide = (page: Page, isHidden: boolean): Promise<void> =>
  page.evaluate((hidden) => {
    const values = { hidden, visibilityState: hidden ? 'hidden' : 'visible' };
    for (const [name, value] of Object.entries(values)) Object.defineProperty(document, name, { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);

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
  /** What the server has answered, also to pages that are gone: method, path and status. */
  const answers: string[] = [];
  const onAnswer = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    if (request.headers.host === new URL(origin).host)
      answers.push(`${String(request.method)} ${String(request.url)} ${String(response.statusCode)}`);
  };
  subscribe('http.server.response.finish', onAnswer);

  /** Signs in as one of the six people in the browser of a page; `''`: as none. */
  const become = async (page: Page, person: string): Promise<void> => {
    const { request } = page.context();
    await request.get(server.address);
    const answer = await request.post(`${origin}/people`, { form: { person }, headers: { origin }, maxRedirects: 0 });
    if (answer.status() !== 303) throw new Error(`the page of people answered ${String(answer.status())}`);
  };
  const isCall = (request: Request) => !request.url().endsWith('/events');
  const calls = new Set<Request>();
  const callsEnd = async (): Promise<void> => {
    while (calls.size > 0) await setTimeout(5);
  };
  /** Lets time pass for the service and for each open page, in steps. Before and after each, calls end: one in flight would time out. */
  const advance = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= STEP) {
      await callsEnd();
      const step = Math.min(left, STEP);
      await clock.advance(step);
      // The windows of one browser have one clock.
      for (const { clock } of new Set(pages.filter((one) => !one.isClosed()).map((one) => one.context()))) await clock.runFor(step);
    }
    await callsEnd();
  };
  const watch = (page: Page): void => {
    pages.push(page);
    page.on('request', (request: Request) => isCall(request) && calls.add(request));
    for (const end of ['requestfinished', 'requestfailed'] as const)
      page.on(end as 'requestfailed', (request: Request) => calls.delete(request));
    page.on('close', () => calls.clear());
    // What a page sends as it is left has no end that Playwright reports.
    page.on('framenavigated', (frame) => {
      for (const call of calls) if (call.frame() === frame && !call.isNavigationRequest()) calls.delete(call);
    });
  };
  return {
    engine,
    clock,
    errors,
    origin,
    answers,
    address: server.address,
    become,
    /**
     * A window of a person's own browser, at an address of the console.
     *
     * @param aheadMs by how much the person's clock is wrong
     * @param at where the console is. Default: on the server of `dev`
     */
    async open(person: string, path = '', options: BrowserContextOptions & Place = {}): Promise<Page> {
      const { aheadMs = 0, at = `${origin}/console`, ...context } = options;
      const page = await browser.open({ locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce', ...context });
      watch(page);
      await holdTime(page, clock.now() + aheadMs);
      await become(page, person);
      await page.goto(`${at}/${path}`);
      return page;
    },
    /** Another window of the same browser. */
    async beside(page: Page, path = ''): Promise<Page> {
      const other = await page.context().newPage();
      watch(other);
      await other.goto(`${origin}/console/${path}`);
      return other;
    },
    advance,
    /** Lets time pass until something is shown or true, half a second at a time: events and answers arrive in real time. */
    async pass(end: Locator | (() => boolean)): Promise<void> {
      // A field that suggests people or scopes has their names in a list that is not shown.
      while (!(typeof end === 'function' ? end() : await end.filter({ visible: true }).first().isVisible())) {
        await advance(500);
        await setTimeout(50);
      }
    },
    async close(): Promise<void> {
      unsubscribe('http.server.response.finish', onAnswer);
      await engine.close();
      await server.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof aWorld>>;
