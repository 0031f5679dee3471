import { same } from '../assertions.js';
import type { Cases } from './cases.js';
import { isRefused, seen } from './steps.js';
import { IDLE_MS } from './world.js';

const MINUTE = 60_000;

export const letsThrough: Cases = (it, hooks) => {
  windowsOfAccess(it, hooks);
  concurrentRequests(it, hooks);
  handlerAccess(it, hooks);
};

/** A request is allowed within the window of a grant for its subject and scope, and refused outside. */
const windowsOfAccess: Cases = (it) => {
  it('passes the decision to the handler, with the instant until which it is valid', async (world) => {
    const grant = await world.grant();
    const response = await world.call('plain', 'user:maya');
    same(response.status, 200, 'the status of a call that is allowed');
    const expected = { allowed: true, reason: 'granted', subject: 'user:maya', scope: 'db-prod:write', validUntil: grant.expiresAt };
    same(await response.json(), expected, 'what the handler was given');
    same(world.handled[0]?.decision.grant?.id, grant.id, 'the grant of the decision that the handler was given');
  });

  it('refuses a caller that holds nothing, and does not call the handler', async (world) => {
    await world.grant('user:sam');
    await isRefused(world, 403, await world.call('plain', 'user:maya'));
  });

  it('refuses access that is held for another scope', async (world) => {
    await world.grant('user:maya', { scope: 'db-prod:read' });
    await isRefused(world, 403, await world.call('plain', 'user:maya'));
  });

  it('refuses before the start, allows from it on, and refuses from the end on', async (world) => {
    const startsAt = world.clock.now() + 10 * MINUTE;
    const { expiresAt } = await world.grant('user:maya', { startsAt });
    await world.clock.set(startsAt - 1);
    await isRefused(world, 403, await world.call('plain', 'user:maya'));
    await world.clock.set(startsAt);
    same((await seen(world, await world.call('plain', 'user:maya'))).validUntil, expiresAt, 'the end, at the start');
    await world.clock.set(expiresAt - 1);
    same((await seen(world, await world.call('plain', 'user:maya'))).validUntil, expiresAt, 'the end, right before it');
    world.handled.length = 0;
    await world.clock.set(expiresAt);
    await isRefused(world, 403, await world.call('plain', 'user:maya'));
  });

  it('refuses once a revoke has resolved', async (world) => {
    const grant = await world.grant();
    await seen(world, await world.call('plain', 'user:maya'));
    world.handled.length = 0;
    await world.engine.revoke(grant.id, { by: 'user:sam' });
    await isRefused(world, 403, await world.call('plain', 'user:maya'));
  });
};

/** The guard keeps concurrent requests apart. */
const concurrentRequests: Cases = (it) => {
  it('distinguishes concurrent requests', async (world) => {
    world.store.inject('all', { fault: 'yield', seed: 7 });
    const subjects = Array.from({ length: 24 }, (_, i) => `user:${i}`);
    const isHolder = (i: number) => i % 3 !== 0;
    const ends = await Promise.all(
      subjects.map(async (subject, i) =>
        isHolder(i) ? (await world.grant(subject, { scope: `db-${i}:write`, ttl: MINUTE + i })).expiresAt : undefined,
      ),
    );
    const responses = await Promise.all(subjects.map((subject, i) => world.call('routed', subject, { id: String(i) })));
    for (const [i, response] of responses.entries()) {
      same(response.status, isHolder(i) ? 200 : 403, `the status of call ${i} of 24 at once`);
      if (!isHolder(i)) await response.text();
      else {
        const { subject, scope, validUntil } = (await response.json()) as Record<string, unknown>;
        same(
          { subject, scope, validUntil },
          { subject: subjects[i], scope: `db-${i}:write`, validUntil: ends[i] },
          `what call ${i} of 24 at once was given`,
        );
      }
    }
  });
};

/** The handler gets a signal only with `abortOnEnd`, and an allowed request counts as a use. */
const handlerAccess: Cases = (it) => {
  it('gives no signal where there is no abortOnEnd: reading one fails, and nothing is watched', async (world) => {
    await world.grant();
    await seen(world, await world.call('plain', 'user:maya'));
    let code: unknown;
    try {
      same(world.handled[0]?.signal, undefined, 'what no signal is');
    } catch (error) {
      code = (error as { readonly code?: string }).code;
    }
    same(code, 'ERR_JIT_INVALID_ARGUMENT', 'what reading the signal throws');
    same(world.clock.sleepers, 0, 'the number of sleepers');
  });

  it('counts an allowed request as a use of a grant that ends when it is idle', async (world) => {
    await world.grant('user:maya', { scope: 'db-idle:write', ttl: 12 * IDLE_MS });
    for (let hour = 0; hour < 3; hour++) {
      await world.clock.advance(IDLE_MS - 1);
      await seen(world, await world.call('routed', 'user:maya', { id: 'idle' }));
      // The engine writes a use in the background.
      await world.engine.flushAudit();
    }
    world.handled.length = 0;
    await world.clock.advance(IDLE_MS);
    await isRefused(world, 403, await world.call('routed', 'user:maya', { id: 'idle' }));
  });
};
