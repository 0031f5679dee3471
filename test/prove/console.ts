import type { Page } from 'playwright-core';
import { buildConsole } from '../../.tsup/console.js';
import { SAM } from '../../src/cli/dev/example/people.js';
import { serveDev } from '../../src/cli/dev/server.js';
import { JitEngine, MemoryGrantStore } from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';
import { launch } from '../browser/chromium.js';
import { scaled, type Proof } from './proof.js';

const PENDING = 5_000;
const GRANTS = 100_000;
/** How many scopes an engineer holds, by one request. */
const BUNDLE = 25;
/** How far the wheel of the mouse turns at once, in pixels, and how often. */
const WHEEL = 900;
const TURNS = 200;

/** A service in which Sam reviews every pending request, and sees every grant. */
async function bigService(grants: number, pending: number): Promise<JitEngine> {
  const engineers = [SAM, ...Array.from({ length: Math.ceil(grants / BUNDLE) - 1 }, (_, i) => `user:engineer-${i}`)];
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    approver: definePolicy({
      groups: { engineers, security: [SAM] },
      rules: [
        { id: 'apps', scopes: ['app:**'], subjects: [{ group: 'engineers' }], maxTtl: '8h', approve: true },
        { id: 'databases', scopes: ['db:**'], subjects: [{ group: 'engineers' }], maxTtl: '8h', review: { groups: { security: 1 } } },
      ],
    }),
  });
  for (const [i, subject] of engineers.entries()) {
    const scopes = Array.from({ length: BUNDLE }, (_, j) => `app:service-${j}:${i % 90}`);
    await engine.requestAccess({ subject, scopes, ttl: `${60 + (i % 400)}m`, justification: `Piece of work ${i}` });
  }
  for (let i = 0; i < pending; i++) {
    const subject = engineers[1 + (i % (engineers.length - 1))] as string;
    await engine.requestAccess({ subject, scope: `db:orders-${i}:read`, ttl: '1h', justification: `Order ${i} is missing` });
  }
  return engine;
}

/** How long the page took from its address to an element, in milliseconds. */
async function shownAfter(page: Page, selector: string): Promise<number> {
  const found = await page.waitForFunction((wanted) => document.querySelector(wanted) && performance.now(), selector);
  return (await found.jsonValue()) as number;
}

// Code of the page, as text: what compiles this file would add names to it that the page lacks.
const MEASURE_FRAMES = `{
  window.longest = 0;
  let last = Infinity;
  const measure = (at) => {
    window.longest = Math.max(window.longest, at - last);
    last = at;
    requestAnimationFrame(measure);
  };
  requestAnimationFrame(measure);
}`;

/**
 * Scrolls to the end of many pages. Returns the longest time between two frames, and the most work of the page for one turn of the wheel,
 * in milliseconds: on a busy machine the first is longer because other programs run.
 */
async function longestFrame(page: Page): Promise<{ readonly frame: number; readonly work: number }> {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const workSoFar = async () => {
    const { metrics } = await devTools.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1_000;
  };
  await page.evaluate(MEASURE_FRAMES);
  await page.mouse.move(500, 500);
  let work = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    const before = await workSoFar();
    await page.mouse.wheel(0, WHEEL);
    await page.evaluate('new Promise(requestAnimationFrame)');
    work = Math.max(work, (await workSoFar()) - before);
  }
  return { frame: await page.evaluate<number>('longest'), work };
}

const ms = (time: number): string => `${time.toFixed(0)} ms`;

/** Times are printed, because they depend on the machine. What is shown must be right. */
export const consoleProof: Proof = {
  name: 'console',
  laws: ['L42'],
  what: 'the console over 100,000 grants and 5,000 pending requests in Chromium: My access, Inbox and Live show their first rows, and scroll',
  async run({ scale, progress }) {
    const [grants, pending] = [scaled(GRANTS / BUNDLE, scale) * BUNDLE, scaled(PENDING, scale)];
    Object.assign(globalThis, { JIT_ACCESS_CONSOLE: (await buildConsole())?.files });
    const engine = await bigService(grants, pending);
    progress?.(`${grants} grants and ${pending} pending requests are written`);
    const violations: string[] = [];
    const notes: string[] = [];
    const server = await serveDev(engine, 0, (error) => violations.push(String(error)));
    const browser = await launch();
    try {
      const { origin } = new URL(server.address);
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      context.setDefaultTimeout(0);
      context.on('weberror', (error) => violations.push(String(error.error())));
      await context.request.get(server.address);
      await context.request.post(`${origin}/people`, { form: { person: SAM }, headers: { origin }, maxRedirects: 0 });
      for (const [path, row, shown] of [
        ['', '.grant', BUNDLE],
        ['inbox', '.inbox-row', Math.min(pending, 50)],
        ['live', '.held-row', Math.min(grants, 24)],
      ] as const) {
        const page = await context.newPage();
        await page.goto(`${origin}/console/${path}`);
        const first = await shownAfter(page, row);
        const rows = await page.locator(row).count();
        if (rows < shown) violations.push(`${path} shows ${rows} rows, not ${shown}`);
        // The whole list of the inbox: it grows by presses, and the others by scrolling.
        const more = page.getByRole('button', { name: 'Show more' });
        while (path === 'inbox' && (await more.isVisible())) {
          const before = await page.locator(row).count();
          await more.click();
          await page.waitForFunction(([all, count]) => document.querySelectorAll(all).length > Number(count), [
            row,
            String(before),
          ] as const);
        }
        const { frame, work } = await longestFrame(page);
        const drawn = await page.locator(row).count();
        notes.push(
          `${path || 'My access'}: first view ${ms(first)}, longest frame ${ms(frame)} (${ms(work)} of work), ${drawn} rows drawn`,
        );
        progress?.(notes.at(-1) as string);
        await page.close();
      }
    } finally {
      await browser.close();
      await server.close();
      await engine.close();
    }
    return { count: grants + pending, unit: 'grants and requests', violations, notes };
  },
};
