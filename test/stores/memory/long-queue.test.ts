import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LongQueue } from '../../../src/stores/memory/long-queue.js';

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('LongQueue', () => {
  it('behaves as an array under push, slice and removal from the front', () => {
    const work = fc.record({ push: fc.nat(3_000), drop: fc.nat(3_000), from: fc.nat(4_000), limit: fc.nat(3_000) });
    fc.assert(
      fc.property(fc.array(work, { maxLength: 12 }), (steps) => {
        const queue = new LongQueue<number>();
        let model: number[] = [];
        let next = 0;
        for (const { push, drop, from, limit } of steps) {
          for (const item of numbers(next, next + push)) queue.push(item);
          model.push(...numbers(next, next + push));
          next += push;
          const count = Math.min(drop, model.length);
          queue.drop(count);
          model = model.slice(count);
          expect(queue.slice(from, limit)).toEqual(model.slice(from, from + limit));
          expect(queue.slice(0, model.length)).toEqual(model);
        }
      }),
    );
  });

  it('accepts items after everything was dropped, in the middle of a part and at its end', () => {
    for (const count of [1, 1_023, 1_024, 1_025, 2_048]) {
      const queue = new LongQueue<number>();
      for (const item of numbers(0, count)) queue.push(item);
      queue.drop(count);
      expect(queue.slice(0, 10)).toEqual([]);
      queue.push(count);
      expect(queue.slice(0, 10)).toEqual([count]);
    }
  });
});
