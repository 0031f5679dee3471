import { transformSync } from 'esbuild';
import type { LockTarget } from 'jit-access';
import { readJournal, verifyJournal } from 'jit-access/journal';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { scenarios } from '../../docs/play/scenarios/all.js';
import { PANELS } from '../../docs/play/stage/narration.js';
import { answerOf } from '../../docs/play/world/answers.js';
import { MINUTE, type Scenario } from '../../docs/play/world/scenario.js';
import { lanesOf, look } from '../../docs/play/world/scene.js';
import { shownCode } from '../../docs/play/world/shown-code.js';
import { makeIdsSteady } from '../../docs/play/world/steady-ids.js';
import { World } from '../../docs/play/world/world.js';

let seedIds: (seed: string) => void;
beforeAll(() => {
  // As in the page: browsers have none, so the engine has no pool of random bytes there.
  vi.stubGlobal('setImmediate', undefined);
  seedIds = makeIdsSteady();
});
afterAll(() => {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(crypto, 'getRandomValues');
});

const open = (scenario: Scenario) => new World(scenario, { seedIds });
const wordsOf = (world: World) => world.done.map(({ calls }) => calls.map((call) => answerOf(call, String).word).at(-1));

describe.each(scenarios.map((scenario) => [scenario.id, scenario] as const))('scenario %s', (_, scenario) => {
  it('plays to its end, and each step has the stated answer', async () => {
    const world = open(scenario);
    await world.goTo(scenario.lastsMs);
    expect(wordsOf(world)).toEqual(world.steps.map(({ expects }) => expects));
    await expect(verifyJournal(readJournal(world.store))).resolves.toMatchObject({ ok: true });
  });

  it('has steps in order, each at a separate instant, inside its time', () => {
    const at = open(scenario).steps.map((step) => step.at);
    expect(at).toEqual([...new Set(at)].sort((a, b) => a - b));
    expect(at.at(-1)).toBeLessThanOrEqual(scenario.lastsMs);
  });

  it('has a lane for each scope of each request, and words and a panel for each call', async () => {
    const world = open(scenario);
    await world.goTo(scenario.lastsMs);
    expect(lanesOf((await look(world, scenario)).asked)).toHaveLength(scenario.windows);
    for (const call of world.done.flatMap(({ calls }) => calls)) {
      expect(answerOf(call, String).text).not.toBe('done');
      expect(PANELS).toHaveProperty(call.method);
    }
  });

  it('shows the code that it runs', () => {
    const { steps } = open(scenario);
    const shown = shownCode(scenario.source);
    const plain = (code: string) => transformSync(code, { loader: 'ts', minify: true }).code;
    // Variables around a step are in its closure, so only the text of its function can be compared.
    expect(shown.steps.map((code) => plain(`async () => {\n${code}\n}`))).toEqual(steps.map(({ run }) => plain(String(run))));
    expect(shown.options).toContain('approver: ');
  });
});

describe('the answers of a scenario', () => {
  const time = (instant: number) => new Date(instant).toTimeString().slice(0, 5);
  it.each([
    [
      'narrowing',
      [
        'pending: user:sam, user:ana may review',
        'ERR_JIT_REQUIREMENTS (the request asks for 8h; got 1d)',
        'granted: db-prod:write [09:02, 09:32)',
        'allowed: granted, until 09:32',
        'not allowed: no_grant',
        'not allowed: no_grant',
        'no subject',
      ],
    ],
    [
      'lock',
      [
        'pending: user:noor, user:sam may review',
        'granted: [17:01, 18:01)',
        'user:maya is locked; ended: db-prod:write',
        'not allowed: locked',
        'ERR_JIT_LOCKED (user:maya)',
        'the lock on user:maya is lifted',
        'not allowed: no_grant',
        'pending: user:noor, user:sam may review',
        'granted: [17:13, 17:43)',
      ],
    ],
    [
      'steps',
      [
        'pending: user:ana, user:kim may review',
        'ERR_JIT_NOT_REVIEWER (not_your_step)',
        'pending: user:lee may review',
        'not allowed: no_grant',
        'granted: [15:07, 15:37)',
        'allowed: granted, until 15:37',
      ],
    ],
  ])('name the details: %s', async (id, texts) => {
    const world = open(scenarios.find((scenario) => scenario.id === id)!);
    await world.goTo(world.scenario.lastsMs);
    expect(world.done.map(({ calls }) => answerOf(calls.at(-1)!, time).text)).toEqual(texts);
  });

  it('name what a person holds', async () => {
    const world = open(scenarios.find(({ id }) => id === 'revoked')!);
    const heldAt = async (at: number) => {
      await world.goTo(at);
      const value = await world.engine.status('user:maya');
      return answerOf({ method: 'status', outcome: { ok: true, value } }, time).text;
    };
    expect([await heldAt(0), await heldAt(MINUTE)]).toEqual(['held: nothing', 'held: db-prod:write until 12:01']);
  });

  it('name the pending requests that a lock cancels, and a locked scope', async () => {
    const world = open(scenarios.find(({ id }) => id === 'lock')!);
    await world.goTo(MINUTE - 1);
    const lock = async (target: LockTarget) => {
      const value = await world.engine.lock(target, { by: 'user:lee' });
      return answerOf({ method: 'lock', outcome: { ok: true, value } }, time).text;
    };
    expect(await lock({ scope: 'db-prod:**' })).toBe('db-prod:** is locked; ended: db-prod:write');
    expect(await lock({ subject: 'user:maya' })).toBe('user:maya is locked; ended: nothing');
  });
});
