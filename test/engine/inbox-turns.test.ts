import { expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/index.js';
import { FaultyStore } from '../../src/testing.js';
import { anEngine, MINUTE, SAM } from './an-engine.js';

it('L42 inbox() yields to the event loop while it looks for denied requests for the same access [M3]', async () => {
  const open = 160;
  const { engine } = anEngine({ store: new FaultyStore(new MemoryGrantStore()), limits: { maxOpenRequests: open } });
  for (let i = 0; i < open; i++) await engine.requestAccess({ subject: 'user:maya', scope: `db:${i}`, ttl: MINUTE });
  let turns = 0;
  let isCounting = true;
  const count = (): void => {
    turns += 1;
    if (isCounting) setImmediate(count);
  };
  setImmediate(count);
  const { items } = await engine.inbox(SAM, { limit: open });
  isCounting = false;
  expect(items).toHaveLength(open);
  // Each of 160 items is compared with 160 requests. inbox() yields after at most 256 comparisons.
  expect(turns).toBeGreaterThanOrEqual(open - 1);
});
