import { describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/index.js';
import { live } from './lives.js';
import { reached } from './model.js';

describe('JitEngine', () => {
  describe('beside the reference model', () => {
    it('L1 L2 L3 L4 L5 L6 L8 L10 L11 L12 L13 L14 L15 L16 L17 L18 L20 L21 L25 L26 L27 L28 L33 L36 L43 500 lives of random steps obey the laws', async () => {
      reached.clear();
      const { lives, violation } = await live(() => new MemoryGrantStore(), { seed: 8, numRuns: 500 });
      expect(violation).toBeUndefined();
      expect(lives).toBe(500);
      for (const status of ['approved', 'denied', 'pending'])
        for (const commits of ['in one commit', 'in two commits'])
          expect(reached.get(`${status}, ${commits}`) ?? 0, `${status}, ${commits}`).toBeGreaterThan(0);
    }, 600_000);

    it('L17 L27 L33 L39 L47 250 lives with a process whose clock is ahead, once or permanently, obey the laws', async () => {
      reached.clear();
      const { violation } = await live(() => new MemoryGrantStore(), { seed: 12, numRuns: 250, hasWrongClock: true });
      expect(violation).toBeUndefined();
      for (const state of [
        'a stamp on a record with an instant of a wrong clock',
        'a lock after one of a clock ahead',
        'an approval of a wrong clock',
        'an early end of a grant that was used by a clock ahead',
        'a start that only a wrong clock has confirmed',
        'a lock whose end the journal confirms',
      ])
        expect(reached.get(state) ?? 0, state).toBeGreaterThan(0);
    }, 600_000);
  });
});
