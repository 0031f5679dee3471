import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RefusalThrottle } from '../../src/kernel/refusal-throttle.js';

const NOW = Date.UTC(2026, 0, 15, 9);
const ACTORS = 300;
const KINDS = 30;

/** A full table, most of whose entries are still to be written. */
function full(): RefusalThrottle {
  const refusals = new RefusalThrottle();
  for (let kind = 0; kind < KINDS; kind++)
    for (let actor = 0; actor < ACTORS; actor++)
      refusals.note({ actor: `user:bot${actor}`, scopes: [`noise:${kind}`] }, 'ERR_JIT_LIMIT', NOW);
  return refusals;
}

/** How many maps were iterated since the last call: the table is a map of actors, each with maps of kinds. */
let passes = 0;
const { [Symbol.iterator]: iterate, values } = Map.prototype;
beforeEach(() => {
  Map.prototype[Symbol.iterator] = function (this: Map<unknown, unknown>) {
    passes += 1;
    return iterate.call(this);
  };
  Map.prototype.values = function (this: Map<unknown, unknown>) {
    passes += 1;
    return values.call(this);
  };
});
afterEach(() => {
  Map.prototype[Symbol.iterator] = iterate;
  Map.prototype.values = values;
});

describe('a refused attempt', () => {
  it('reads its own kind only, and all kinds once a second (L29, L44) [M1]', () => {
    const refusals = full();
    passes = 0;
    for (let i = 0; i < 1_000; i++) refusals.note({ actor: 'user:bot7', scopes: ['noise:7'] }, 'ERR_JIT_LIMIT', NOW + 2_000 + (i % 1_000));
    expect(passes).toBeGreaterThanOrEqual(1);
    expect(passes).toBeLessThan(3 * ACTORS);
  });

  it('looks for actors to remove once a second (L29, L44) [M1]', () => {
    const refusals = full();
    passes = 0;
    for (let i = 0; i < 1_000; i++) refusals.note({ actor: `user:new${i}`, scopes: ['noise:0'] }, 'ERR_JIT_LIMIT', NOW + 2_000);
    expect(passes).toBeLessThan(6 * ACTORS);
  });
});
