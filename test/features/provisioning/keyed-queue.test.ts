import { describe, expect, it } from 'vitest';
import { KeyedQueue } from '../../../src/features/provisioning/keyed-queue.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('KeyedQueue', () => {
  it('runs one job at a time for a key, and once more for all callers that came while it ran', async () => {
    const turns = new KeyedQueue(8);
    let running = 0;
    let most = 0;
    let runs = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      runs += 1;
      await turn();
      running -= 1;
    };
    await Promise.all(Array.from({ length: 10 }, () => turns.run('a', work)));
    expect([most, runs]).toEqual([1, 2]);
    await turns.run('a', work);
    expect(runs).toBe(3);
  });

  it('runs at most the given number of jobs over all keys, in the order in which they wait', async () => {
    const turns = new KeyedQueue(2);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 7 }, (_, i) =>
        turns.run(`k${i}`, async () => {
          most = Math.max(most, ++running);
          order.push(i);
          await turn();
          running -= 1;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('settled() waits for jobs in flight, and for the jobs that these start', async () => {
    const turns = new KeyedQueue(1);
    const done: string[] = [];
    void turns.run('a', async () => {
      await turn();
      done.push('a');
      void turns.run('b', async () => {
        await turn();
        done.push('b');
      });
    });
    await turns.idle();
    expect(done).toEqual(['a', 'b']);
    await turns.idle();
  });
});
