import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../src/core/single-flight.js';

/** Work that settles on command, and counts its starts. */
function controlled<T>() {
  const runs: { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void }[] = [];
  const work = () => new Promise<T>((resolve, reject) => runs.push({ resolve, reject }));
  return { runs, work };
}

describe('SingleFlight', () => {
  it('starts the work at once, and shares its result with every call while it is in flight', async () => {
    const flight = new SingleFlight<number>();
    const { runs, work } = controlled<number>();
    const calls = [flight.join(work), flight.join(work), flight.join(work)];
    expect([runs.length, flight.size]).toEqual([1, 1]);
    runs[0]?.resolve(7);
    expect(await Promise.all(calls)).toEqual([7, 7, 7]);
  });

  it('has removed the run when its callers continue: the next call starts another run', async () => {
    const flight = new SingleFlight<number>();
    const { runs, work } = controlled<number>();
    const first = flight.join(work).then(() => [flight.size, void flight.join(work), runs.length]);
    runs[0]?.resolve(1);
    expect(await first).toEqual([0, undefined, 2]);
    expect(flight.get()).toBeDefined();
  });

  it('passes a failure to every call that shares the run, and to no later call', async () => {
    const flight = new SingleFlight<number>();
    const { runs, work } = controlled<number>();
    const calls = [flight.join(work), flight.join(work)];
    runs[0]?.reject(new Error('down'));
    for (const call of calls) await expect(call).rejects.toThrow('down');
    const next = flight.join(work);
    runs[1]?.resolve(2);
    expect(await next).toBe(2);
  });

  it('keeps no run of work that throws before its first await', async () => {
    const flight = new SingleFlight<number>();
    const failing = (): Promise<number> => {
      throw new Error('a bug');
    };
    await expect(flight.join(failing)).rejects.toThrow('a bug');
    expect(flight.size).toBe(0);
    expect(await flight.join(() => Promise.resolve(1))).toBe(1);
  });

  it('shares nothing between keys', async () => {
    const flight = new SingleFlight<string>();
    const { runs, work } = controlled<string>();
    const [a, b] = [flight.join(work, 'a'), flight.join(work, 'b')];
    void flight.join(work, 'a');
    expect([runs.length, flight.size, flight.get('c')]).toEqual([2, 2, undefined]);
    runs[1]?.resolve('of b');
    expect(await b).toBe('of b');
    expect([flight.get('a'), flight.get('b')]).toEqual([a, undefined]);
  });

  it('removes a run that has landed before it settles, and keeps a run that starts after that', async () => {
    const flight = new SingleFlight<number>();
    const { runs, work } = controlled<number>();
    const landed = flight.join(async (land) => {
      const answer = await work();
      land();
      void flight.join(work);
      return answer;
    });
    runs[0]?.resolve(1);
    expect(await landed).toBe(1);
    expect([runs.length, flight.size]).toEqual([2, 1]);
  });

  it('settled() waits for runs in flight, and does not reject with them', async () => {
    const flight = new SingleFlight<number>();
    const { runs, work } = controlled<number>();
    await flight.settled();
    const failing = flight.join(work, 'a');
    void flight.join(work, 'b');
    let isSettled = false;
    const settled = flight.settled().then(() => (isSettled = true));
    runs[0]?.reject(new Error('down'));
    await expect(failing).rejects.toThrow('down');
    expect(isSettled).toBe(false);
    runs[1]?.resolve(2);
    expect(await settled).toBe(true);
  });
});
