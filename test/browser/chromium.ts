import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { coverageFolder } from '../../.tsup/console.js';
import { isRequired } from '../required.js';

/** A running browser of the tests. */
export interface TestBrowser {
  /**
   * A fresh page: no cookies, no storage. It is closed after the test, which fails if the page has thrown an uncaught
   * error.
   */
  open(options?: BrowserContextOptions): Promise<Page>;
}

const named = process.env['CHROMIUM_PATH'];
const program = named ?? ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);
const LEFT_OUT = 'there is no chromium on the PATH, and no CHROMIUM_PATH';

/** For the summary of a whole run, which lists what it has skipped; `undefined`: nothing. */
export const leftOut = program === undefined ? `left out: everything in a browser (${LEFT_OUT})` : undefined;

// As root it starts only without its sandbox; and it must not contact any server.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Tests that need a browser: one Chromium, started before them and stopped after. Without one they are skipped, and a
 * placeholder says so, unless JIT_TEST_REQUIRE demands it: then it fails.
 */
export function describeChromium(name: string, define: (browser: TestBrowser) => void): void {
  if (program === undefined) {
    describe(name, () => {
      it(`is skipped where ${LEFT_OUT}`, () => {
        if (isRequired('chromium')) throw new Error(`JIT_TEST_REQUIRE demands chromium, and ${LEFT_OUT}`);
      });
    });
    return;
  }
  describe(name, () => {
    let browser: Browser | undefined;
    const thrown: Error[] = [];
    beforeAll(async () => {
      browser = await launch(program);
    });
    afterEach(async () => {
      for (const context of browser?.contexts() ?? []) {
        await keepCoverage(context);
        await context.close();
      }
      const [first] = thrown.splice(0);
      if (first !== undefined) throw first;
    });
    afterAll(() => browser?.close());
    define({
      open: async (options) => {
        const context = await (browser as Browser).newContext(options);
        // On a busy machine, loading a page may take minutes. The time limit of the test bounds it.
        context.setDefaultTimeout(0);
        // It begins before the page asks for anything: the browser takes both in this order.
        if (coverageFolder() !== undefined)
          context.on('page', (opened) => void opened.coverage.startJSCoverage({ resetOnNavigation: false }));
        const page = await context.newPage();
        context.on('weberror', (error) => thrown.push(error.error()));
        return page;
      },
    });
  });
}

/** Writes which parts of their scripts the open pages have run, for test/browser/coverage.ts. */
async function keepCoverage(context: BrowserContext): Promise<void> {
  const folder = coverageFolder();
  if (folder === undefined) return;
  const scripts = await Promise.all(context.pages().map((page) => page.coverage.stopJSCoverage()));
  const kept = scripts.flat().map(({ url, functions }) => ({ url, functions }));
  writeFileSync(join(folder, `${randomUUID()}.json`), JSON.stringify(kept));
}

/** Starts a Chromium with a fresh profile. It is stopped, and its profile removed, when it is closed or this process ends. */
export async function launch(executable = program): Promise<Browser> {
  if (executable === undefined) throw new Error(LEFT_OUT);
  const executablePath = executable.includes('/') ? executable : which(executable);
  return chromium.launch({ executablePath, headless: true, args: ARGS, timeout: 0 });
}

function which(name: string): string {
  return spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}

/** Accessibility problems that axe-core finds: the rule, and the element. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const found = await axe.run();
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}
