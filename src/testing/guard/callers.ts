import { same } from '../assertions.js';
import type { Cases } from './cases.js';
import { isFailed, isRefused } from './steps.js';

export const callers: Cases = (it, hooks) => {
  unknownCallers(it, hooks);
  noGuesses(it, hooks);
};

/** A caller without an authenticated subject is refused. */
const unknownCallers: Cases = (it) => {
  it('answers 401 with a challenge where no caller is known, and asks neither scope nor store', async (world) => {
    await world.grant();
    const reads = world.store.called('live');
    const response = await world.call('routed', undefined, { id: 'prod' });
    await isRefused(world, 401, response);
    same(response.headers.get('www-authenticate'), 'Bearer realm="jit-access"', 'the challenge of a 401');
    same(response.headers.get('cache-control'), 'no-store', 'the cache-control of a 401');
    same(world.scopes, 0, 'how often the scope was asked for');
    same(world.store.called('live'), reads, 'the number of reads');
  });

  for (const session of ['empty', 'null', 'malformed', 'reserved']) {
    it(`answers 401 to a subject that is no id: ${session}`, async (world) => {
      await world.grant();
      await isRefused(world, 401, await world.call('plain', session));
    });
  }

  for (const session of ['a number', 'an object', 'true', 'a list']) {
    it(`fails, and allows nothing, where the subject is no string: ${session}`, async (world) => {
      await world.grant();
      await isFailed(world, await world.call('plain', session));
    });
  }

  for (const session of ['throws', 'throws undefined', "throws 'route'", "throws 'router'"]) {
    it(`fails, and allows nothing, where the caller cannot be identified: ${session}`, async (world) => {
      await world.grant();
      await isFailed(world, await world.call('plain', session));
    });
  }
};

/** Only the service names the caller, separately for each request. */
const noGuesses: Cases = (it) => {
  it('takes no identity from data of the client', async (world) => {
    await world.grant();
    const claims = [
      'authorization',
      'x-user',
      'x-forwarded-user',
      'x-remote-user',
      'remote-user',
      'x-subject',
      'subject',
      'from',
      'cookie',
    ];
    for (const name of claims) {
      const value = name === 'authorization' ? 'Bearer user:maya' : name === 'cookie' ? 'session=user:maya; user=user:maya' : 'user:maya';
      await isRefused(world, 401, await world.call('plain', undefined, { headers: { [name]: value } }));
    }
    same(world.subjects, claims.length, 'how often the caller was identified');
  });

  it('identifies the caller of each request', async (world) => {
    await world.grant();
    const first = await world.call('plain', 'user:maya');
    same(first.status, 200, 'the status of a call that is allowed');
    await first.text();
    world.handled.length = 0;
    await isRefused(world, 403, await world.call('plain', 'user:sam'));
    await isRefused(world, 401, await world.call('plain', undefined));
  });
};
