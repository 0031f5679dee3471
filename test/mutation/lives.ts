import { expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/index.js';
import { live } from '../model/lives.js';

it('200 lives agree with the reference model', async () => {
  const { violation } = await live(() => new MemoryGrantStore(), { seed: 8, numRuns: 200, shrinks: false });
  expect(violation).toBeUndefined();
});
