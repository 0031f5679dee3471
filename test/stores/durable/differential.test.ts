import { webcrypto } from 'node:crypto';
import fc from 'fast-check';
import { isJitError, JitEngine, MemoryGrantStore, type GrantStore } from 'jit-access';
import { ManualClock } from 'jit-access/testing';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type * as Ids from '../../../src/kernel/ledger/ids.js';
import { engineOptions } from './door.js';
import { KINDS, openStore } from './place.js';
import { Seeded } from './seeded.js';
import { isAvailable, startDurable, type Durable } from './servers.js';
import { wrongsOf } from './verdict.js';
import type { Call } from './workers.js';

// Each store takes other turns of the event loop. From a pool of random bytes, which lasts for one turn, its ids would differ.
vi.mock('../../../src/kernel/ledger/ids.js', async (load) => {
  const ids = await load<typeof Ids>();
  return { ...ids, newId: ids.newSecretId };
});

let places: readonly Durable[];
beforeAll(async () => {
  places = await Promise.all(KINDS.filter((kind) => isAvailable(kind)).map((kind) => startDurable(kind)));
});
afterAll(async () => {
  for (const place of places) await place.stop();
});
afterEach(() => vi.restoreAllMocks());

const SUBJECTS = ['user:maya', 'user:sam', 'user:\u{1f511}', 'user:\uff5e'];
const SCOPES = ['db:read', 'db:write'];
const MINUTE = 60_000;

/** One act; its numbers pick from the records that exist then. */
const step = fc.record({
  verb: fc.constantFrom(
    'ask',
    'ask',
    'ask',
    'approve',
    'approve',
    'deny',
    'cancel',
    'revoke',
    'release',
    'extend',
    'consume',
    'breakGlass',
    'reviewBreakGlass',
    'sweep',
    'revokeAll',
    'lookAround',
  ),
  which: fc.nat(20),
  word: fc.constantFrom('now', 'once', 'idle', 'review', 'review'),
  wait: fc.constantFrom(0, 0, 1, MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE),
  key: fc.constantFrom(undefined, undefined, 'k1', 'k2'),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

it('one random life gives the same decisions and the same journal, byte for byte, on every store (ids and times injected)', async () => {
  let decided = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), fc.nat(), async (steps, seed) => {
      const namespace = places[0]?.namespace() ?? '';
      const opened = await Promise.all(places.map(({ place }) => openStore(place, { namespace })));
      try {
        const expected = await lead(new MemoryGrantStore({ namespace }), steps, seed);
        decided += expected.told.length;
        for (const [i, { store }] of opened.entries()) {
          const kind = places[i]?.place.kind;
          const life = await lead(store, steps, seed);
          expect(life.told, kind).toEqual(expected.told);
          expect(life.journal, kind).toBe(expected.journal);
          expect(await wrongsOf(store), kind).toEqual([]);
        }
      } finally {
        // No shrinking after the first difference: each smaller life would leave its connections open.
        for (const { close } of opened) await close();
      }
    }),
    { numRuns: Number(process.env['JIT_TEST_RUNS'] ?? 8) },
  );
  expect(decided).toBeGreaterThan(100);
});

/** Runs a life on a store, with ids from the seed, and collects every result. */
async function lead(
  store: GrantStore,
  steps: readonly Step[],
  seed: number,
): Promise<{ readonly told: readonly string[]; readonly journal: string }> {
  let chance = new Seeded(seed);
  let calls = 0;
  vi.spyOn(webcrypto, 'getRandomValues').mockImplementation((array) => {
    for (let i = 0; i < (array as Uint8Array).length; i++) (array as Uint8Array)[i] = chance.below(256);
    return array;
  });
  // Over a store that survives a server, a verb that finds a repetition commits an empty change, whose id is drawn like any
  // other (L12). So every store here claims that durability: later ids are then the same.
  // other (L12). So each store passes for such a one: the ids behind it are the same then.
  Object.defineProperty(store, 'durability', { value: 'server' });
  const clock = new ManualClock();
  const engine = new JitEngine({ ...engineOptions(), store, clock });
  const requests: string[] = [];
  const grants: { readonly id: string; readonly subject: string; readonly scope: string }[] = [];
  const told: string[] = [];
  const call = async ([verb, ...args]: Call): Promise<void> => {
    // Each call draws its ids from the start.
    chance = new Seeded(seed + ++calls);
    let result: unknown;
    try {
      result = await (engine[verb as 'sweep'] as (...given: readonly unknown[]) => Promise<unknown>).apply(engine, args);
    } catch (error) {
      if (!isJitError(error)) throw error;
      // A call that is refused before it reads the store shows nothing about the store. The others name a request of another kind.
      if (error.code === 'ERR_JIT_INVALID_ARGUMENT' && error.argument !== 'requestId') throw error;
      result = error.code;
    }
    // Background entries are committed at their turn, on each store the same.
    await engine.flushAudit();
    const { request, grants: issued = [] } = (result ?? {}) as { request?: { id: string }; grants?: readonly (typeof grants)[number][] };
    if (request !== undefined && !requests.includes(request.id)) requests.push(request.id);
    grants.push(...issued.filter(({ id }) => !grants.some((known) => known.id === id)));
    told.push(`${verb} ${JSON.stringify(result)}`);
  };
  for (const { verb, which, word, wait, key } of steps) {
    await clock.set(clock.now() + wait);
    const [subject, scope] = [SUBJECTS[which % 4] ?? '', SCOPES[which % 2] ?? ''];
    const request = requests[which % Math.max(1, requests.length)];
    const grant = grants[which % Math.max(1, grants.length)];
    const ask = { subject, scope, ttl: 5 * MINUTE, justification: word, idempotencyKey: key };
    if (verb === 'ask') await call(['requestAccess', ask]);
    else if (verb === 'breakGlass') await call(['breakGlass', ask]);
    else if (verb === 'sweep') await call(['sweep']);
    else if (verb === 'consume') await call(['consume', subject, scope, { idempotencyKey: key }]);
    else if (verb === 'revokeAll') await call(['revokeAll', { subject }, { by: 'user:root' }]);
    else if (verb === 'lookAround') await lookAround(call, clock.now());
    else if (request !== undefined && (verb === 'approve' || verb === 'deny')) await call([verb, request, { by: `user:r${which % 3}` }]);
    else if (request !== undefined && verb === 'cancel') await call([verb, request, { by: subject }]);
    else if (request !== undefined && verb === 'reviewBreakGlass')
      await call([verb, request, { by: 'user:r1', verdict: which % 2 === 0 ? 'justified' : 'unjustified' }]);
    else if (grant !== undefined && verb === 'revoke') await call([verb, grant.id, { by: 'user:root' }]);
    else if (grant !== undefined && verb === 'release') await call([verb, grant.id, { by: grant.subject }]);
    else if (grant !== undefined && verb === 'extend')
      await call([verb, grant.id, { requestedBy: grant.subject, ttl: 5 * MINUTE, idempotencyKey: key }]);
  }
  await lookAround(call, clock.now());
  const journal = JSON.stringify(await store.journal({ after: 0, limit: 1_000 }));
  await engine.close();
  vi.restoreAllMocks();
  return { told, journal };
}

/** Every query that rows can answer. */
async function lookAround(call: (what: Call) => Promise<void>, now: number): Promise<void> {
  for (const subject of SUBJECTS) {
    await call(['status', subject]);
    for (const scope of SCOPES) await call(['check', subject, scope]);
  }
  for (const scope of SCOPES) await call(['whoHadAccess', { scope, at: now }]);
  await call(['listGrants', { during: { from: now - 10 * MINUTE, to: now } }]);
  await call(['listRequests', {}]);
  for (const order of ['newest', 'oldest', 'due']) {
    await call(['listRequests', { order, from: now - 10 * MINUTE, to: now, limit: 3 }]);
    await call(['listRequests', { order, subject: SUBJECTS[0], scope: SCOPES[0], status: 'pending' }]);
    await call(['listGrants', { order, at: now, scope: SCOPES[0] }]);
    await call(['listGrants', { order, subject: SUBJECTS[0], limit: 2 }]);
  }
  await call(['inbox', 'user:r1']);
  await call(['inbox', 'user:r2', { limit: 2 }]);
  await call(['listRequests', { afterReview: 'pending' }]);
  await call(['inbox', 'user:r1', { of: 'breakGlass' }]);
}
