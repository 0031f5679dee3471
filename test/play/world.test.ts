import { grantStatus } from 'jit-access';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denial } from '../../docs/play/scenarios/denial.js';
import { onCall } from '../../docs/play/scenarios/on-call.js';
import { scenarios } from '../../docs/play/scenarios/all.js';
import { answerOf } from '../../docs/play/world/answers.js';
import { MINUTE, SECOND, type Scenario } from '../../docs/play/world/scenario.js';
import { look } from '../../docs/play/world/scene.js';
import { makeIdsSteady } from '../../docs/play/world/steady-ids.js';
import { World, type Act } from '../../docs/play/world/world.js';

let seedIds: (seed: string) => void;
beforeAll(() => {
  seedIds = makeIdsSteady();
});
afterAll(() => {
  Reflect.deleteProperty(crypto, 'getRandomValues');
});

const open = (scenario: Scenario, acts: readonly Act[] = []) => new World(scenario, { seedIds, acts });
const question = { subject: 'user:maya', scope: 'db-prod:write' };

/** A scene without its world. */
async function seen(world: World) {
  const { world: _, ...scene } = await look(world, question);
  return scene;
}

/** The last answer of each step, up to the current one. */
const words = (world: World) => world.done.map(({ calls }) => calls.map((call) => answerOf(call, String).word).at(-1));

async function pendingRequest(world: World): Promise<string> {
  const { items } = await world.engine.listRequests({ status: 'pending' });
  return items[0]!.id;
}

describe('World', () => {
  it.each(scenarios.map((scenario) => [scenario.id, scenario] as const))(
    'is the same at each instant on every path there: %s',
    async (_, scenario) => {
      const strolling = open(scenario);
      for (let at = 0; at <= scenario.lastsMs; at += 47 * SECOND + 1) {
        await strolling.goTo(at);
        // Reads in between must not affect the result.
        if (at % 2 === 0) await seen(strolling);
      }
      await strolling.goTo(scenario.lastsMs);
      const jumping = open(scenario);
      await jumping.goTo(scenario.lastsMs);
      expect(await seen(jumping)).toEqual(await seen(strolling));
      expect((await seen(jumping)).entries.length).toBeGreaterThan(0);
    },
  );

  it('has no access before the approval, access in [startsAt, expiresAt), and none at expiresAt', async () => {
    const world = open(onCall);
    const allowedAt = async (at: number) => {
      await world.goTo(at);
      return (await seen(world)).probe.decision?.allowed;
    };
    expect(await allowedAt(3 * MINUTE - 1)).toBe(false);
    expect(await allowedAt(3 * MINUTE)).toBe(true);
    expect(await allowedAt(18 * MINUTE - 1)).toBe(true);
    expect(await allowedAt(18 * MINUTE)).toBe(false);
  });

  it('lets the viewer approve before the script, whose approval is then refused', async () => {
    const before = open(onCall);
    await before.goTo(90 * SECOND);
    const act: Act = { at: 90 * SECOND, does: 'approve', requestId: await pendingRequest(before), by: 'user:sam' };

    const world = open(onCall, [act]);
    await world.goTo(3 * MINUTE);
    expect(words(world).slice(2)).toEqual(['ERR_JIT_DECIDED', 'ERR_JIT_DECIDED']);
    const [grant] = (await world.engine.getRequest(act.requestId))!.grants;
    expect(grant!.startsAt).toBe(world.begin + act.at);

    await world.goTo(onCall.lastsMs);
    expect(grantStatus((await world.engine.getRequest(act.requestId))!.grants[0]!, world.clock.now())).toBe('expired');
  });

  it("lets the viewer deny, and then refuses the script's approval", async () => {
    const before = open(onCall);
    await before.goTo(MINUTE);
    const world = open(onCall, [{ at: MINUTE, does: 'deny', requestId: await pendingRequest(before), by: 'user:noor' }]);
    await world.goTo(onCall.lastsMs);
    expect(words(world)).toEqual([
      'no_grant',
      'pending',
      'ERR_JIT_DECIDED',
      'ERR_JIT_DECIDED',
      'ERR_JIT_DENIED',
      'ERR_JIT_DENIED',
      'no_grant',
      'no subject',
    ]);
  });

  it.each(['approve', 'deny'] as const)('continues to the end of each scenario after any decision of the viewer: %s', async (does) => {
    for (const scenario of scenarios) {
      const acts: Act[] = [];
      for (const { at } of open(scenario).steps) {
        const world = open(scenario, acts);
        await world.goTo(at);
        const { reviewers } = await seen(world);
        const [first] = reviewers.flatMap(({ id, inbox }) => inbox.map(({ request }) => ({ by: id, requestId: request.id })));
        if (first !== undefined) acts.push({ ...first, at, does });
      }
      const world = open(scenario, acts);
      await world.goTo(scenario.lastsMs);
      expect(world.done.length).toBe(world.steps.length);
      expect(world.actsDone.map(({ calls }) => calls.length)).toEqual(acts.map(() => 1));
    }
  });

  it('keeps the clock that a step has set, and continues where the clock steps back', async () => {
    const clockBack = scenarios.find(({ id }) => id === 'clock-back')!;
    const world = open(clockBack);
    await world.goTo(18 * MINUTE);
    expect(world.clock.now()).toBe(world.begin + 8 * MINUTE);
    expect(world.highest).toBe(world.begin + 18 * MINUTE);
    expect((await seen(world)).probe.decision?.allowed).toBe(false);
    await world.goTo(20 * MINUTE);
    expect(world.clock.now()).toBe(world.begin + 10 * MINUTE);
  });
});

describe('look()', () => {
  it('names an invalid query, instead of failing', async () => {
    const world = open(denial);
    const { probe } = await look(world, { subject: 'user:maya', scope: 'a::b' });
    expect(probe.problem).toMatch(/^scope must be/);
  });
});
