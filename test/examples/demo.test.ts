import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badge, exactTime, localTime } from '../../examples/demo/badge.js';
import { playIncident, type World } from '../../examples/demo/incident.js';
import { createPage, wantsColour } from '../../examples/demo/page.js';
import { root, run } from './run.js';

/** The incident on a clock that a test moves, and its output. */
function world(over: Partial<World> = {}): { world: World; lines: string[] } {
  const clock = new ManualClock();
  const lines: string[] = [];
  const page = createPage((line) => lines.push(line), false);
  return { lines, world: { clock, page, ttl: '4s', sleepUntil: (instant) => clock.set(instant), ...over } };
}

describe('the demo', () => {
  it('plays the on-call incident in order', async () => {
    const { world: calm, lines } = world();
    await playIncident(calm);
    const told = lines.map((line) => line.trim()).join('\n');
    const steps = [
      /holds standing \*:read/,
      /reads: 1138/,
      /writes: the database refuses/,
      /\[read-only\]/,
      /requests db-prod:write, citing INC-4711/,
      /is it allowed\?\nno/,
      /user:noor +approves/,
      /\[admin \(expires \d\d:\d\d:\d\d\)\]/,
      /writes: done/,
      /No one revokes anything/,
      /is it allowed\?\nno: the window has passed, and no sweep has run/,
      /records that the grant ended/,
      /\[read-only\]/,
      /1 {2}2026-01-01T00:00:00\.000Z request\.created/,
      /6 {2}2026-01-01T00:00:04\.000Z grant\.expired/,
      /verified: 6 entries/,
      /Who had db-prod:write at/,
      /user:maya, from/,
      /And at \d\d:\d\d:04\.000, when the window had passed\? No one\./,
    ];
    let from = 0;
    for (const step of steps) {
      const rest = told.slice(from);
      expect(rest).toMatch(step);
      from += rest.search(step) + 1;
    }
  });

  it('fails where the window does not end', async () => {
    const { world: stuck } = world({ sleepUntil: () => Promise.resolve() });
    await expect(playIncident(stuck)).rejects.toThrow();
  });

  it('fails where the clock stops one millisecond before the end', async () => {
    const clock = new ManualClock();
    const { world: short } = world({ clock, sleepUntil: (instant) => clock.set(instant - 1) });
    await expect(playIncident(short)).rejects.toThrow();
  });
});

describe('the demo as a command', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jit-access-demo-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('exits with 1 when a step has an unexpected result', async () => {
    // An engine that allows every subject: the first refusal that the incident expects does not come.
    const broken = join(folder, 'broken.ts');
    await writeFile(
      broken,
      `import { JitEngine as Sound } from '${root}src/index.ts';
       export * from '${root}src/index.ts';
       export class JitEngine extends Sound { async assertAllowed() { return { allowed: true, at: 0 } as never; } }`,
    );
    const { code, stdout } = await run({ file: 'examples/demo.ts' }, { core: broken });
    expect(code).toBe(1);
    expect(stdout).toContain('holds standing *:read');
  });
});

describe('badge()', () => {
  it('shows read-only where no write access is held', () => {
    expect(
      badge({ subject: 'user:maya', at: 0, standing: ['*:read'], locks: [], held: [], scheduled: [], windows: [], changesAt: undefined }),
    ).toBe('read-only');
  });

  it('shows local time', () => {
    expect(localTime(new Date(2026, 2, 14, 2, 31, 7, 412).getTime())).toBe('02:31:07');
  });

  it('shows the end of a window to the millisecond', () => {
    expect(exactTime(new Date(2026, 2, 14, 2, 31, 7, 4).getTime())).toBe('02:31:07.004');
  });
});

describe('wantsColour()', () => {
  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
    [undefined, {}, false],
  ])('returns for isTTY %s and %o: %s', (isTTY, env, expected) => {
    expect(wantsColour(isTTY === undefined ? {} : { isTTY }, env)).toBe(expected);
  });

  it('prints escape codes only with colours', () => {
    const plain: string[] = [];
    const coloured: string[] = [];
    createPage((line) => plain.push(line), false).step('user:maya', 'asks');
    createPage((line) => coloured.push(line), true).step('user:maya', 'asks');
    expect(plain).toEqual(['  user:maya   asks']);
    expect(coloured).toEqual(['  \u001b[36muser:maya  \u001b[39m asks']);
  });
});
