import { grantStatus } from 'jit-access';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { denial } from '../../docs/play/scenarios/denial.js';
import { onCall } from '../../docs/play/scenarios/on-call.js';
import { scenarios } from '../../docs/play/scenarios/all.js';
import { answerOf } from '../../docs/play/world/answers.js';
import { MINUTE, SECOND, type Scenario } from '../../docs/play/world/scenario.js';
import { lanesOf, look } from '../../docs/play/world/scene.js';
import { makeIdsSteady } from '../../docs/play/world/steady-ids.js';
import { World, type Act } from '../../docs/play/world/world.js';

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

  it('gives each requested scope a lane, with a window only where an approval names the scope', async () => {
    const narrowing = scenarios.find(({ id }) => id === 'narrowing')!;
    const windows = async (world: World) => {
      await world.goTo(2 * MINUTE);
      return lanesOf((await seen(world)).asked).map(({ scope, grants }) => [scope, grants.map((grant) => grant.scope)]);
    };
    expect(await windows(open(narrowing))).toEqual([
      ['db-prod:write', ['db-prod:write']],
      ['db-prod:drop', []],
    ]);

    const before = open(narrowing);
    await before.goTo(90 * SECOND);
    const act: Act = { at: 90 * SECOND, does: 'approve', requestId: await pendingRequest(before), by: 'user:sam' };
    const whole = open(narrowing, [act]);
    expect(await windows(whole)).toEqual([
      ['db-prod:write', ['db-prod:write']],
      ['db-prod:drop', ['db-prod:drop']],
    ]);
    const hours = `[${whole.begin + act.at}, ${whole.begin + act.at + 8 * 60 * MINUTE})`;
    expect(answerOf(whole.actsDone[0]!.calls[0]!, String).text).toBe(`granted: db-prod:write ${hours} db-prod:drop ${hours}`);
  });

  it('keeps the terms of a narrowed approval with the words of its reviewer', async () => {
    const world = open(scenarios.find(({ id }) => id === 'narrowing')!);
    await world.goTo(2 * MINUTE);
    const { reviewers } = await seen(world);
    expect(reviewers.map(({ id, said }) => [id, said?.scopes, said?.ttlMs])).toEqual([
      ['user:sam', ['db-prod:write'], 30 * MINUTE],
      ['user:ana', undefined, undefined],
    ]);
  });

  it('shows the request to a reviewer of the second step when that step begins', async () => {
    const world = open(scenarios.find(({ id }) => id === 'steps')!);
    const inboxes = async (at: number) => {
      await world.goTo(at);
      return (await seen(world)).reviewers.flatMap(({ id, inbox }) => (inbox.length > 0 ? [id] : []));
    };
    expect(await inboxes(2 * MINUTE)).toEqual(['user:ana', 'user:kim']);
    expect(await inboxes(4 * MINUTE)).toEqual(['user:kim', 'user:lee']);
  });

  it('has a locked subject from the lock on, until a person lifts it', async () => {
    const world = open(scenarios.find(({ id }) => id === 'lock')!);
    const stateAt = async (at: number) => {
      await world.goTo(at);
      const { status, probe } = await seen(world);
      return [status.locks.length, status.held.length, probe.decision?.reason, probe.problem ?? probe.onRecord];
    };
    expect(await stateAt(4 * MINUTE - 1)).toEqual([0, 1, 'granted', 'granted']);
    expect(await stateAt(4 * MINUTE)).toEqual([1, 0, 'locked', 'locked']);
    expect(await stateAt(9 * MINUTE)).toEqual([0, 0, 'no_grant', 'revoked']);
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
