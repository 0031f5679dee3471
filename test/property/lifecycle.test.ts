import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntryType } from '../../src/index.js';
import { actArb, moveArb, type Step } from './steps.js';
import { World } from './world.js';

const stepArb: fc.Arbitrary<Step> = fc.oneof({ weight: 3, arbitrary: actArb }, { weight: 1, arbitrary: moveArb });

/** Every type of entry that these sequences can reach: about other types they prove nothing. */
const REACHED: readonly EntryType[] = [
  'request.created',
  'request.assigned',
  'request.reused',
  'request.reviewed',
  'request.escalated',
  'request.approved',
  'request.denied',
  'request.cancelled',
  'request.expired',
  'grant.issued',
  'grant.activated',
  'grant.extended',
  'grant.warned',
  'grant.used',
  'grant.expired',
  'grant.revoked',
  'usage.closed',
  'breakGlass.overdue',
  'breakGlass.reviewed',
  'attempt.refused',
];

describe('JitEngine', () => {
  describe('in any sequence of verbs', () => {
    it('L1 L2 L3 L4 L8 L10 L12 L14 L15 L16 L17 L20 L25 L26 L27 hold after each step, one at a time', async () => {
      const reached = new Set<EntryType>();
      const lives = fc.asyncProperty(fc.array(stepArb, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
        const world = new World(false);
        for (const step of steps) {
          await world.try(step);
          await world.look();
        }
        for (const type of await world.lookBack()) reached.add(type);
      });
      // Of this seed, these lives reach every type.
      await fc.assert(lives, { numRuns: 120, seed: 20261132 });
      expect([...reached].sort()).toEqual([...REACHED].sort());
    });

    it('L1 L2 L8 L9 L10 L12 L14 L15 L16 L17 L20 L25 L26 L27 hold after each burst of concurrent verbs, over a store that yields at every await', async () => {
      const burst = fc.record({
        acts: fc.array(actArb, { minLength: 1, maxLength: 6, size: 'max' }),
        moves: fc.array(moveArb, { maxLength: 2, size: 'max' }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(burst, { minLength: 3, maxLength: 10, size: 'max' }), async (bursts) => {
          const world = new World(true);
          for (const { acts, moves } of bursts) {
            await Promise.all(acts.map((step) => world.try(step)));
            await world.look();
            for (const move of moves) await world.try(move);
            await world.look();
          }
          await world.lookBack();
        }),
        { numRuns: 40 },
      );
    });
  });
});
