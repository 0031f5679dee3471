import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lostReplies } from './lost-replies.js';
import { restarts } from './restarts.js';
import { isAvailable, startDurable, type Durable } from './servers.js';

// A server is started and stopped here, on a machine that may be busy. The long runs of all of this: `npm run prove`.
vi.setConfig({ hookTimeout: 60_000, testTimeout: 120_000 });

const SEED = 20_260_101;

describe.each((['postgres', 'redis'] as const).filter((kind) => isAvailable(kind, true)))('a server that fails under load: %s', (kind) => {
  let durable: Durable;
  beforeAll(async () => {
    durable = await startDurable(kind, { own: true });
  });
  afterAll(() => durable.stop());

  it('L12 L32 keeps all that was acknowledged when it is killed and restarted, and its clients continue', async () => {
    const { acknowledged, violations } = await restarts(durable, 1, SEED);
    expect(violations).toEqual([]);
    expect(acknowledged).toBeGreaterThan(20);
  });

  it('L31 has each change once when its reply was lost', async () => {
    expect(await lostReplies(durable, 20, SEED)).toEqual({ count: 20, violations: [] });
  });
});
