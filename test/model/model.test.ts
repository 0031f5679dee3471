import { describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/index.js';
import { live } from './lives.js';

describe('JitEngine', () => {
  describe('beside the reference model', () => {
    it('L1 L2 L3 L4 L5 L6 L8 L10 L11 L12 L13 L14 L15 L16 L17 L18 L20 L21 L25 L26 L27 L28 L33 L36 L43 500 lives of random steps obey the laws', async () => {
      const { lives, violation } = await live(() => new MemoryGrantStore(), { seed: 8, numRuns: 500 });
      expect(violation).toBeUndefined();
      expect(lives).toBe(500);
    }, 600_000);
  });
});
