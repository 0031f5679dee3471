import { holds, same } from '../assertions.js';
import type { Cases } from './cases.js';
import { isFailed, isRefused, seen } from './steps.js';

/** Texts that an attacker might put into a path to bypass the guard or to inject data into its answer. */
const HOSTILE: readonly string[] = [
  '*',
  '**',
  'a*',
  'prod:*',
  'a:',
  'a::b',
  ' ',
  'prod ',
  'a b',
  'a,b',
  'a"b',
  '", realm="x',
  "a'b",
  'a\\b',
  'a\r\nset-cookie: session=user:sam',
  'a\nb',
  'a\tb',
  '\u0000',
  'a\u0000b',
  'prod\u200b',
  '\u202edorp',
  'pr\u043ed',
  'e\u0301',
  '\u{1f511}',
  '{tag}',
  'b%',
  '%2a',
  'a;b',
  '<script>',
];

/** Unusual but valid scopes, which no subject holds. */
const STRANGE: readonly string[] = ['__proto__', 'constructor', 'toString', '../b', '0', 'prod:admin', 'PROD'];

export const scopes: Cases = (it, hooks) => {
  hostileScopes(it, hooks);
  missingScopes(it, hooks);
};

/** The guard validates a scope of the route, which a client may have put there. */
const hostileScopes: Cases = (it, { problemOf }) => {
  it('checks the scope of the route', async (world) => {
    await world.grant('user:maya', { scope: 'db-orders:write' });
    same(
      (await seen(world, await world.call('routed', 'user:maya', { id: 'orders' }))).scope,
      'db-orders:write',
      'the scope that was checked',
    );
    world.handled.length = 0;
    await isRefused(world, 403, await world.call('routed', 'user:maya', { id: 'users' }));
  });

  it('answers 400 to an invalid scope, and does not call the engine', async (world) => {
    await world.grant();
    const reads = world.store.called('live');
    for (const id of HOSTILE) {
      const response = await world.call('routed', 'user:maya', { id });
      const text = await isRefused(world, 400, response);
      const shown = JSON.stringify(id);
      const body: unknown = JSON.parse(text);
      const problem = (problemOf === undefined ? body : problemOf(body)) as { readonly type?: unknown } | undefined;
      same(problem?.type, 'urn:jit-access:problem:invalid-scope', `the type of the problem with ${shown}`);
      same(response.headers.get('www-authenticate'), null, `the challenge in the answer to ${shown}`);
      same(response.headers.get('set-cookie'), null, `a header of the caller's in the answer to ${shown}`);
      holds(id.length < 2 || !text.includes(JSON.stringify(id).slice(1, -1)), `the answer to ${shown} does not repeat it`);
    }
    same(world.store.called('live'), reads, 'the number of reads');
  });

  it('allows nothing by a segment that is too long, whichever layer refuses it', async (world) => {
    const response = await world.call('routed', 'user:maya', { id: 'x'.repeat(5_000) });
    await response.text();
    holds([400, 404, 414].includes(response.status), `the status is one of 400, 404, 414: got ${response.status}`);
    same(world.handled.length, 0, 'the number of handlers that were called');
  });

  it('refuses a strange scope that no caller holds', async (world) => {
    await world.grant();
    for (const id of STRANGE) {
      const response = await world.call('routed', 'user:maya', { id });
      const challenge = response.headers.get('www-authenticate');
      await isRefused(world, 403, response);
      same(challenge, `Bearer error="insufficient_scope", scope="db-${id}:write"`, `the challenge for ${id}`);
    }
  });
};

/** A route without a valid scope allows nothing. */
const missingScopes: Cases = (it) => {
  for (const id of ['undefined', 'a list']) {
    it(`answers 400 where the route gives no string: ${id}`, async (world) => {
      await world.grant();
      await isRefused(world, 400, await world.call('whole', 'user:maya', { id }));
    });
  }

  it('fails, and allows nothing, where the scope cannot be made', async (world) => {
    await world.grant();
    await isFailed(world, await world.call('whole', 'user:maya', { id: 'throws undefined' }));
  });

  it('answers 401, not 400, where no caller is known', async (world) => {
    await isRefused(world, 401, await world.call('routed', undefined, { id: '*' }));
  });
};
