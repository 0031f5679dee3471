import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kills } from './kills.js';
import { isAvailable, startDurable, type Durable } from './servers.js';
import { KINDS } from './place.js';

// A server is started and stopped here, on a machine that may be busy.
vi.setConfig({ hookTimeout: 60_000 });

describe.each(KINDS.filter((kind) => isAvailable(kind)))('processes that are killed with -9 at seeded moments, on %s', (kind) => {
  let durable: Durable;
  beforeAll(async () => {
    durable = await startDurable(kind);
  });
  afterAll(() => durable.stop());

  it('L12 L32 leave all that was acknowledged, no entry without its row and no row without its entry', async () => {
    const { count, acknowledged, violations } = await kills(durable, 2, 20_260_101);
    expect(violations).toEqual([]);
    expect(count).toBe(2);
    expect(acknowledged).toBeGreaterThan(20);
  });
});
