import type { ObservedAccess } from '../../guards/access.js';
import type { Observation, ObservedAnswer } from '../../guards/outcome.js';
import { same } from '../assertions.js';
import type { Cases, DefineCase } from './cases.js';
import { IDLE_MS, OBSERVED_UNTIL_MS, type GuardWorld } from './world.js';

/** Callers and scopes that a guard would refuse, with its answer. */
const REFUSED: readonly (readonly [what: string, session: string | undefined, id: string, answer: ObservedAnswer])[] = [
  ['holds nothing', 'user:eve', 'prod', 'access-required'],
  ['is not known', undefined, 'prod', 'unauthenticated'],
  ['has an invalid id', 'malformed', 'prod', 'unauthenticated'],
  ['has an id that is not a string', 'a number', 'prod', 'failed'],
  ['cannot be identified', 'throws', 'prod', 'failed'],
  ["cannot be identified, with the value 'route'", "throws 'route'", 'prod', 'failed'],
  ['names an invalid scope', 'user:maya', '*', 'invalid-scope'],
  ['names a scope that cannot be made', 'user:maya', 'throws undefined', 'failed'],
];

export const observes: Cases = (it) => {
  for (const [what, session, id, answer] of REFUSED) {
    it(`runs the handler for a caller that ${what}`, async (world) => {
      await world.grant();
      await isOpen(world, session, answer, id);
    });
  }

  it('runs the handler for a caller that is allowed, and reports the decision', async (world) => {
    const { id } = await world.grant();
    const { decision } = await isOpen(world, 'user:maya', 'allowed');
    same(decision?.grant?.id, id, 'the grant of the decision');
  });

  it('runs the handler under a lock', async (world) => {
    await world.grant();
    await world.engine.lock({ subject: 'user:maya' }, { by: 'user:sam' });
    const { decision } = await isOpen(world, 'user:maya', 'access-required');
    same(decision?.reason, 'locked', 'the reason of the decision');
  });

  for (const fault of ['reject', 'throw'] as const) {
    it(`runs the handler while the store fails: ${fault}`, async (world) => {
      world.store.inject('all', { fault });
      await isOpen(world, 'user:maya', 'unavailable');
    });
  }

  it('runs the handler once the engine is closed', async (world) => {
    await world.engine.close();
    await isOpen(world, 'user:maya', 'unavailable');
  });

  it('takes no use of a grant that ends when it is idle', async (world) => {
    await world.grant('user:maya', { scope: 'db-idle:write', ttl: 2 * IDLE_MS });
    await world.clock.advance(IDLE_MS - 1);
    await isOpen(world, 'user:maya', 'allowed', 'idle');
    await world.engine.flushAudit();
    await world.clock.advance(1);
    await isOpen(world, 'user:maya', 'access-required', 'idle');
  });

  reportsAndEnds(it);

  it('protects no other route', async (world) => {
    await isOpen(world, 'user:eve', 'access-required');
    const response = await world.call('plain', 'user:eve');
    same(response.status, 403, 'the status of a guard that does not observe');
    await response.text();
  });
};

function reportsAndEnds(it: DefineCase): void {
  it('reports to onError that it let a request through', async (world) => {
    await world.grant();
    await isOpen(world, 'user:maya', 'allowed');
    same(world.reminders.length, 0, 'the number of reports while every request is allowed');
    await isOpen(world, 'user:eve', 'access-required');
    await isOpen(world, 'user:eve', 'access-required');
    await world.until(() => world.reminders.length > 0, 'the option onError is called');
    same(world.reminders, ['observe'], 'the reports of an hour');
  });

  it('enforces from the instant until on', async (world) => {
    const status = async () => {
      const response = await world.call('trial', 'user:eve');
      await response.text();
      return response.status;
    };
    await world.clock.set(OBSERVED_UNTIL_MS - 1);
    same(await status(), 200, 'the status before until');
    await world.clock.advance(1);
    same(await status(), 403, 'the status from until on');
    await world.clock.step(-1_000);
    same(await status(), 403, 'the status after the clock was set back');
  });
}

/** Calls the observed route, which must answer as if it had no guard. @returns the access that its handler received */
async function isOpen(world: GuardWorld, session: string | undefined, answer: ObservedAnswer, id = 'prod'): Promise<ObservedAccess> {
  const [handled, observed] = [world.handled.length, world.observed.length];
  const response = await world.call('observed', session, { id });
  same([response.status, await response.text()], [200, 'open'], 'the answer behind a guard that observes');
  same(world.handled.length, handled + 1, 'the number of handlers that were called');
  const access = world.handled[handled] as ObservedAccess;
  same(access.observed, true, 'the field observed of the access');
  await world.until(() => world.observed.length > observed, 'the option observed is called');
  const reported = world.observed[observed] as Observation;
  same(reported.answer, answer, 'the answer that was reported');
  same(reported.decision === access.decision && reported.error === access.error, true, 'the handler receives what was reported');
  same(world.refused.length, 0, 'the number of refusals that were reported');
  return access;
}
