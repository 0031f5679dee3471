import { transformSync } from 'esbuild';
import { readJournal, verifyJournal } from 'jit-access/journal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scenarios } from '../../docs/play/scenarios/all.js';
import { answerOf } from '../../docs/play/world/answers.js';
import type { Scenario } from '../../docs/play/world/scenario.js';
import { shownCode } from '../../docs/play/world/shown-code.js';
import { makeIdsSteady } from '../../docs/play/world/steady-ids.js';
import { World } from '../../docs/play/world/world.js';

let seedIds: (seed: string) => void;
beforeAll(() => {
  seedIds = makeIdsSteady();
});
afterAll(() => {
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

  it('shows the code that it runs', () => {
    const { steps } = open(scenario);
    const shown = shownCode(scenario.source);
    const plain = (code: string) => transformSync(code, { loader: 'ts', minify: true }).code;
    // Variables around a step are in its closure, so only the text of its function can be compared.
    expect(shown.steps.map((code) => plain(`async () => {\n${code}\n}`))).toEqual(steps.map(({ run }) => plain(String(run))));
    expect(shown.options).toContain('approver: ');
  });
});
