import type { Fault } from '../faulty-store.js';
import { holds, same } from '../assertions.js';
import type { Cases } from './cases.js';
import { isRefused, seen } from './steps.js';

const FAULTS: readonly (readonly [what: string, fault: Fault])[] = [
  ['rejects', { fault: 'reject' }],
  ['rejects with nothing', { fault: 'reject', error: undefined }],
  ['throws', { fault: 'throw' }],
  ['answers nonsense', { fault: 'malformed', answer: 'yes' }],
];

export const outages: Cases = (it) => {
  for (const [what, fault] of FAULTS) {
    for (const route of ['plain', 'stream']) {
      it(`answers 503 with Retry-After to ${route} while the store ${what}, and allows again afterwards`, async (world) => {
        await world.grant();
        const repair = world.store.inject('live', fault);
        const response = await world.call(route, 'user:maya');
        await isRefused(world, 503, response);
        holds(/^[1-9]\d*$/.test(response.headers.get('retry-after') ?? ''), 'Retry-After is a whole number of seconds');
        same(response.headers.get('cache-control'), 'no-store', 'the cache-control of a 503');
        same(response.headers.get('www-authenticate'), null, 'the challenge of a 503');
        holds(world.refused[0]?.error instanceof Error, 'onRefused receives the error');
        repair();
        await seen(world, await world.call('plain', 'user:maya'));
        await world.isAtRest();
      });
    }
  }

  it('refuses where the watch cannot begin after a check that allowed', async (world) => {
    await world.grant();
    // The check reads once, and then the watch reads once.
    const repair = world.store.inject('live', {
      fault: 'malformed',
      answer: (rows: unknown) => (repair(), void world.store.inject('live', { fault: 'reject' }), rows),
    });
    await isRefused(world, 503, await world.call('stream', 'user:maya'));
    await world.isAtRest();
  });

  it('refuses where the access ends between the check and the watch', async (world) => {
    await world.grant();
    const repair = world.store.inject('live', {
      fault: 'malformed',
      answer: (rows: unknown) => (repair(), void world.store.inject('live', { fault: 'malformed', answer: [] }), rows),
    });
    await isRefused(world, 403, await world.call('stream', 'user:maya'));
    await world.isAtRest();
  });

  it('allows standing access, which needs no store, without an end', async (world) => {
    world.store.inject('all', { fault: 'reject' });
    const { reason, validUntil } = await seen(world, await world.call('plain', 'user:reader'));
    same({ reason, validUntil }, { reason: 'standing', validUntil: undefined }, 'what the handler was given');
  });

  it('answers 503 once the engine is closed', async (world) => {
    await world.grant();
    await world.engine.close();
    await isRefused(world, 503, await world.call('plain', 'user:maya'));
  });
};
