import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scenarios } from '../../docs/play/scenarios/all.js';
import { MINUTE, SECOND } from '../../docs/play/world/scenario.js';
import { root } from '../docs/pages.js';
import { describeChromium, violations, type TestBrowser } from './chromium.js';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jit-play-'));
  await build({ configFile: `${root}docs/play/vite.config.ts`, build: { outDir: folder }, logLevel: 'error' });
  file = join(folder, 'index.html');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function openPlay(browser: TestBrowser, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.open({ viewport: WIDE, locale: 'en-GB', ...options });
  await page.goto(pathToFileURL(file).href);
  await isAt(page, 0);
  // The month is simulated before the figures appear and the panel has its final height.
  await page.waitForFunction(() => {
    const figures = [...document.querySelectorAll('.figures strong')].map((figure) => figure.textContent);
    return figures.length > 0 && !figures.includes('…');
  });
  return page;
}

/** Resolves when the page shows this instant, in milliseconds since the scenario's begin. */
const isAt = (page: Page, at: number) => page.waitForFunction((text) => document.body.dataset['at'] === text, String(at));

async function seek(page: Page, at: number): Promise<void> {
  await page.getByLabel('Time in the scenario').fill(String(at));
  await isAt(page, at);
}

const stepOn = (page: Page) => page.getByRole('button', { name: 'One step forward' }).click();
const badge = (page: Page) => page.locator('jit-badge [part]').textContent();
const probe = (page: Page) => page.locator('.answer-big').textContent();
const verdict = (page: Page) => page.locator('.verdict');
const entries = (page: Page) => page.locator('.entries strong').allTextContents();

/** Everything on the page that the viewer does not move: the sentence, the panels, the clock. */
async function shown(page: Page): Promise<string> {
  // The journal is drawn once it has been verified.
  const state = () =>
    page.evaluate(() =>
      ['.narration', '.subject', '.deciders', '.ends', '.script', '.journal', '.probe', '.clock']
        .map((panel) => document.querySelector(panel)?.innerHTML)
        .join('\n'),
    );
  let last = await state();
  for (let next = await state(); next !== last; next = await state()) last = next;
  return `${last}\n${await badge(page)}`.replaceAll(' class=""', '');
}

const onCall = scenarios[0]!;

describeChromium('the demo page', (browser) => {
  it('opens from disk without any request, and its policy allows none', async () => {
    const page = await browser.open();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await isAt(page, 0);
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(file).href]);
    expect(await page.evaluate(() => fetch('data:,x').then(String, (error: unknown) => String(error)))).toMatch(/Failed to fetch/);
    expect(await readFile(file, 'utf8')).not.toMatch(/<(?:link|script|img)[^>]+(?:href|src)="(?!data:)/);
  });

  it('plays the incident step by step', async () => {
    const page = await openPlay(browser);
    const told: unknown[] = [];
    for (let i = 0; i < 8; i++) {
      await stepOn(page);
      await page.locator('.count', { hasText: `Step ${i + 1} of 8` }).waitFor();
      told.push([
        await page.locator('.narration .answer').last().textContent(),
        await badge(page),
        await probe(page),
        await page.locator('.deciders').getByRole('button').count(),
        (await entries(page)).length,
      ]);
    }
    expect(told).toEqual([
      ['not allowed: no_grant', 'read-only', 'No', 0, 0],
      ['pending: user:noor, user:sam may review', 'read-only', 'No', 4, 2],
      ['ERR_JIT_SELF_REVIEW', 'read-only', 'No', 4, 3],
      ['granted: [02:13:00, 02:28:00)', 'admin (expires 02:28)', 'Yes', 0, 6],
      ['allowed: granted, until 02:28:00', 'admin (expires 02:28)', 'Yes', 0, 6],
      ['allowed: granted, until 02:28:00', 'admin (expires in 01:00)', 'Yes', 0, 6],
      ['not allowed: no_grant', 'read-only', 'No', 0, 6],
      ['user:maya [02:13:00, 02:28:00)', 'read-only', 'No', 0, 7],
    ]);
    expect(await entries(page)).toEqual([
      'request.created',
      'request.assigned',
      'attempt.refused',
      'request.reviewed',
      'request.approved',
      'grant.issued',
      'grant.expired',
    ]);
    await expect.poll(() => verdict(page).textContent()).toBe('Verified: 7 entries, each chained to the entry before it.');
  });

  it('plays to the end by itself, with time to read each step', async () => {
    const page = await browser.open({ viewport: WIDE });
    await page.clock.install();
    await page.goto(pathToFileURL(file).href);
    await isAt(page, 0);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    const told = new Set<string | null>();
    let second = 0;
    for (; (await page.getByRole('button', { name: 'Pause', exact: true }).count()) > 0; second++) {
      expect(second).toBeLessThan(60);
      await page.clock.runFor(1_000);
      told.add(await page.locator('.says').textContent());
    }
    await isAt(page, onCall.lastsMs);
    expect(told.size).toBeGreaterThanOrEqual(8);
    expect(second).toBeGreaterThan(30);
  });

  it.each([
    ['wide', WIDE],
    ['narrow', NARROW],
  ] as const)('does not move its panels while it plays, and fits the screen: %s', async (_, viewport) => {
    const page = await openPlay(browser, { viewport, reducedMotion: 'reduce' });
    const places = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('.panel')].map((panel) => {
          const { top, left, width, height } = panel.getBoundingClientRect();
          return `${panel.className.replace(' now', '')} ${[top + scrollY, left, width, height].map(Math.round).join(' ')}`;
        }),
      );
    for (const scenario of scenarios) {
      await page.getByRole('radio', { name: scenario.title }).check({ force: true });
      await page.locator('.count', { hasText: scenario.title }).waitFor();
      const before = await places();
      const steps = await page.locator('.steps li').count();
      for (let step = 1; step < steps; step++) {
        await stepOn(page);
        await page.locator('.count', { hasText: `Step ${step} of` }).waitFor();
        expect.soft([scenario.id, step, await places()]).toEqual([scenario.id, step, before]);
        expect.soft(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
      }
    }
  });

  it('follows the story on a narrow screen: the sentence and the panel that it is about stay in view', async () => {
    const page = await openPlay(browser, { viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' });
    const steps = await page.locator('.steps li').count();
    for (let step = 1; step < steps; step++) {
      await stepOn(page);
      await page.locator('.count', { hasText: `Step ${step} of` }).waitFor();
      const seen = await page.evaluate(() => {
        const box = (query: string) => document.querySelector(query)!.getBoundingClientRect();
        const panel = box('.panel.now');
        return [box('.says').top >= 0, panel.top >= box('.narration').bottom || panel.height > 500, panel.top < box('.transport').top];
      });
      expect([step, ...seen]).toEqual([step, true, true, true]);
    }
  });

  it.each([
    {
      title: 'A narrowed approval',
      at: 2 * MINUTE,
      wish: 'may use db-prod:write until 09:32:00, and not a moment longer',
      inboxes: ['Approved only db-prod:write for 30 minutes at 09:02: “no drop without a backup”.', 'Nothing to decide.'],
      summary: '[09:02:00, 09:32:00): from its end on, every check says no.',
      labels: ['db-prod:write', 'db-prod:drop: not approved'],
      now: 'Who decides',
    },
    {
      title: 'A locked account',
      at: 4 * MINUTE,
      wish: 'has been locked since 17:04:00: no grant counts, and every ask is refused',
      inboxes: ['Approved at 17:01.', 'Nothing to decide.'],
      summary: 'Ended by a lock at 17:04:00, before its time.',
      labels: ['db-prod:write'],
      now: 'The window',
    },
    {
      title: 'Review in two steps',
      at: 2 * MINUTE,
      wish: 'asks for db-prod:drop for 30 minutes: “the table is unused”',
      inboxes: [...Array<string>(2).fill('db-prod:drop for 30 minutes: “the table is unused”ApproveDeny'), 'Nothing to decide.'],
      summary: 'No window yet: an approval opens one.',
      labels: [],
      now: 'Who decides',
    },
  ])('shows the state in its panels: $title', async ({ title, at, ...panels }) => {
    const page = await openPlay(browser);
    await page.getByRole('radio', { name: title }).check({ force: true });
    await page.locator('.count', { hasText: title }).waitFor();
    await seek(page, at);
    expect({
      wish: await page.locator('.wish').textContent(),
      inboxes: await page.locator('.inbox').allTextContents(),
      summary: await page.locator('.summary').textContent(),
      labels: await page.locator('.lanes .label').allTextContents(),
      now: await page.locator('.panel.now h2').textContent(),
    }).toEqual(panels);
  });

  it('pauses, and plays faster', async () => {
    const page = await browser.open({ viewport: WIDE });
    await page.clock.install();
    await page.goto(pathToFileURL(file).href);
    await isAt(page, 0);
    await page.getByLabel('Speed').selectOption('4×');
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.clock.runFor(5_000);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    const at = await page.locator('body').getAttribute('data-at');
    expect(Number(at)).toBeGreaterThanOrEqual(3 * MINUTE);
    await page.clock.runFor(5_000);
    expect(await page.locator('body').getAttribute('data-at')).toBe(at);
  });

  it('jumps from step to step where the viewer prefers reduced motion', async () => {
    const page = await browser.open({ viewport: WIDE, reducedMotion: 'reduce' });
    await page.clock.install();
    await page.goto(pathToFileURL(file).href);
    await isAt(page, 0);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    const seen = new Set<number>();
    for (let i = 0; i < 80; i++) {
      await page.clock.runFor(300);
      seen.add(Number(await page.locator('body').getAttribute('data-at')));
    }
    const stops = [0, 10 * SECOND, MINUTE, 2 * MINUTE, 3 * MINUTE, 5 * MINUTE, 17 * MINUTE, 18 * MINUTE, 21 * MINUTE, 22 * MINUTE];
    expect(stops).toEqual(expect.arrayContaining([...seen]));
    expect(seen.size).toBeGreaterThan(4);
  });

  describe('one-tap approval', () => {
    const taps: readonly [string, (page: Page) => Promise<void>][] = [
      ['click', (page) => page.getByRole('button', { name: 'Approve as Sam' }).click()],
      [
        'keyboard',
        async (page) => {
          await page.getByRole('button', { name: 'Approve as Sam' }).focus();
          await page.keyboard.press('Enter');
        },
      ],
    ];
    it.each(taps)("starts the window at that moment, by %s, and the script's approval comes too late", async (_, tap) => {
      const page = await openPlay(browser);
      await seek(page, 90 * SECOND);
      await tap(page);
      await page.locator('.narration', { hasText: 'You decided.' }).waitFor();
      expect(await page.locator('.narration .answer').textContent()).toBe('granted: [02:11:30, 02:26:30)');
      expect(await badge(page)).toBe('admin (expires 02:26)');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Inbox of Sam');

      await seek(page, 3 * MINUTE);
      expect(await page.locator('.narration .answer').textContent()).toBe('ERR_JIT_DECIDED');
      await seek(page, 16.5 * MINUTE);
      expect(await badge(page)).toBe('read-only');

      // The approval stays until the scenario is restarted.
      await seek(page, MINUTE);
      expect(await badge(page)).toBe('read-only');
      await seek(page, 2 * MINUTE);
      expect(await badge(page)).toBe('admin (expires 02:26)');
      await page.getByRole('button', { name: 'Restart' }).click();
      await isAt(page, 0);
      await seek(page, 2 * MINUTE);
      expect(await badge(page)).toBe('read-only');
    });
  });

  it('shows the same at an instant after any scrubbing', async () => {
    const page = await openPlay(browser);
    const stops = [0, 65 * SECOND, 3 * MINUTE, 10 * MINUTE, 18 * MINUTE, 22 * MINUTE];
    const first: string[] = [];
    for (const at of stops) {
      await seek(page, at);
      first.push(await shown(page));
    }
    for (const at of [...stops].reverse()) {
      await seek(page, at);
      expect(await shown(page)).toBe(first[stops.indexOf(at)]);
    }
    expect(new Set(first).size).toBe(stops.length);
  });

  it("finds the viewer's tampering, and names the entry", async () => {
    const page = await openPlay(browser);
    await seek(page, onCall.lastsMs);
    await page.getByRole('button', { name: 'Tamper with entry 4' }).click();
    await page.getByLabel('Actor').fill('user:mallory');
    await page.getByRole('button', { name: 'Save the edit' }).click();
    await expect.poll(() => verdict(page).textContent()).toBe('Tampering found. Entry 4 was edited: its digest does not match.');
    expect(await page.locator('.entries .bad .seq').textContent()).toBe('4');

    await page.getByRole('button', { name: 'Undo tampering' }).click();
    await expect.poll(() => verdict(page).textContent()).toMatch(/^Verified: 7 entries/);

    // An exported head shows that the last entry is missing too.
    await page.getByRole('button', { name: 'Tamper with entry 7' }).click();
    await page.getByRole('button', { name: 'Remove the entry' }).click();
    await expect.poll(() => verdict(page).textContent()).toMatch(/^Tampering found\. Entry 7/);
    expect(await page.locator('.entries .bad').textContent()).toBe('7removed');
  });

  it('refuses an edit that is not JSON, and keeps the journal', async () => {
    const page = await openPlay(browser);
    await seek(page, onCall.lastsMs);
    await page.getByRole('button', { name: 'Tamper with entry 1' }).click();
    await page.getByLabel('Data').fill('{');
    await page.getByRole('button', { name: 'Save the edit' }).click();
    expect(await page.getByRole('alert').textContent()).toBe('The data is not a JSON object.');
    await page.keyboard.press('Escape');
    await expect.poll(() => verdict(page).textContent()).toMatch(/^Verified/);
  });

  it('changes the badge at the instant of the approval, and back at the instant of the end', async () => {
    const page = await openPlay(browser);
    const flips: [number, string | null][] = [];
    for (const at of [179, 180, 779, 780, 1_079, 1_080]) {
      await seek(page, at * SECOND);
      flips.push([at, await badge(page)]);
    }
    expect(flips).toEqual([
      [179, 'read-only'],
      [180, 'admin (expires 02:28)'],
      [779, 'admin (expires 02:28)'],
      [780, 'admin (expires in 05:00)'],
      [1_079, 'admin (expires in 00:01)'],
      [1_080, 'read-only'],
    ]);
  });

  it('is usable by keyboard alone', async () => {
    const page = await openPlay(browser);
    await page.keyboard.press('ArrowRight');
    await isAt(page, 10 * SECOND);
    await page.keyboard.press('End');
    await isAt(page, onCall.lastsMs);
    await page.keyboard.press('ArrowLeft');
    await isAt(page, 21 * MINUTE);
    await page.keyboard.press('Home');
    await isAt(page, 0);
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();

    // Each control is reached by Tab, and has an accessible name.
    const names = new Set<string | null>();
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      names.add(
        await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? null),
      );
    }
    for (const name of [
      'Play',
      'One step back',
      'One step forward',
      'Restart',
      'Speed',
      'Time in the scenario',
      'The code of the scenario',
      'The journal',
    ])
      expect(names).toContain(name);

    await page.getByRole('radio', { name: 'On call at night' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.count', { hasText: 'A denial' }).waitFor();
  });

  it("answers the viewer's own checks", async () => {
    const page = await openPlay(browser);
    await seek(page, 4 * MINUTE);
    expect(await page.locator('.probe dd').allTextContents()).toEqual(['granted a window is open', 'at 02:28:00', 'granted']);
    await page.getByLabel('Wants to use').fill('db-prod:read');
    await page.locator('.probe dd', { hasText: 'standing' }).first().waitFor();
    expect(await probe(page)).toBe('Yes');
    await page.getByLabel('Who', { exact: true }).fill('user:mallory');
    await page.locator('.probe dd', { hasText: 'no_grant' }).waitFor();
    expect(await probe(page)).toBe('No');
    await page.getByLabel('Wants to use').fill('db-prod:');
    await page.locator('.probe dd', { hasText: 'scope must be' }).waitFor();
    expect(await probe(page)).toBe('Invalid question');
  });

  it('compares windows with requests: longer and wider windows hold more access, and need fewer requests', async () => {
    const page = await openPlay(browser);
    /** The figures of the first drawing that meets the condition: earlier, a figure is an ellipsis, or from the drawing before. */
    const figuresWhere = async (holds: (held: number, requests: number) => boolean): Promise<readonly [number, number]> => {
      let found: readonly [number, number] | undefined;
      await expect
        .poll(async () => {
          const texts = await page.locator('.figures strong').allTextContents();
          const [held = NaN, requests = NaN] = texts.map((text) => Number(text.replaceAll(/[,%\s]/g, '')));
          if (Number.isFinite(held) && Number.isFinite(requests) && holds(held, requests)) found = [held, requests];
          return found;
        })
        .toBeDefined();
      return found!;
    };
    const [held, requests] = await figuresWhere(() => true);
    await page.getByLabel('How long each window is').fill('5');
    const [longer, fewer] = await figuresWhere((_, now) => now < requests);
    expect(longer).toBeGreaterThan(held);
    await page.getByLabel('How much each request opens').fill('2');
    const [, fewest] = await figuresWhere((now) => now > longer);
    expect(fewest).toBeLessThan(fewer);
  });

  describe.each(['light', 'dark'] as const)('the page in %s', (colorScheme) => {
    it.each([
      ['wide', WIDE],
      ['narrow', NARROW],
    ] as const)('has no problem for axe-core in each of its states: %s', async (_, viewport) => {
      // The page's own policy refuses the script that axe-core injects.
      const page = await openPlay(browser, { colorScheme, viewport, bypassCSP: true });
      await seek(page, 2 * MINUTE);
      expect(await violations(page)).toEqual([]);
      await seek(page, 17 * MINUTE);
      await page.getByRole('button', { name: 'Tamper with entry 4' }).click();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Remove the entry' }).click();
      await page.locator('.entries .bad').waitFor();
      expect(await violations(page)).toEqual([]);
    });
  });
});
