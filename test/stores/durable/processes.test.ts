import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clocksApart } from './clocks.js';
import { counts } from './counters.js';
import { struckOutside } from './outside.js';
import { KINDS } from './place.js';
import { races, runRaces } from './races.js';
import { isAvailable, startDurable, type Durable } from './servers.js';
import { doubledSweepers } from './sweepers.js';
import { viewsFollow } from './views.js';

// The long runs of all of this: `npm run prove`.

const SEED = 20_260_101;

describe.each(KINDS.filter((kind) => isAvailable(kind)))('many processes on one store, on %s', (kind) => {
  let durable: Durable;
  beforeAll(async () => {
    durable = await startDurable(kind);
  });
  afterAll(() => durable.stop());

  it('L8 L9 L10 L11 L12 record a transition once when 64 make it at the same time, and every caller receives the outcome', async () => {
    const { count, violations } = await runRaces(durable, 2, 1);
    expect(violations).toEqual([]);
    expect(count).toBe(Object.keys(races).length);
  });

  it('L8 record each end once when twenty doubled sweepers find it', async () => {
    expect(await doubledSweepers(durable, 2, 300)).toEqual({ count: 300, violations: [] });
  });

  it('L1 L2 L8 L12 use their own clocks, five minutes apart, and an end by either holds for both', async () => {
    expect((await clocksApart(durable, 1, SEED)).violations).toEqual([]);
  });

  it('L31 L32 that write to twelve namespaces over one pool each lose no change and make none twice, in part or elsewhere', async () => {
    const { acknowledged, lost, violations } = await counts(durable, 3, 300, SEED);
    expect(violations).toEqual([]);
    expect(acknowledged).toBeGreaterThan(400);
    if (kind !== 'sqlite') expect(lost).toBeGreaterThanOrEqual(30);
  });

  it('L12 L28 L32 that are killed or suspended while they deliver lose no message and no call, and keep the order', async () => {
    const { count, told, violations } = await struckOutside(durable, 3, SEED);
    expect(violations).toEqual([]);
    expect(count).toBe(3);
    expect(told).toBeGreaterThan(20);
  });

  it('L12 L45 that are killed with -9 leave views that answer as a check, and none that allows after a revoke', async () => {
    const { count, compared, violations } = await viewsFollow(durable, 2, SEED);
    expect(violations).toEqual([]);
    expect(count).toBe(2);
    expect(compared).toBeGreaterThan(20);
  });
});
