import { describe, expect, it } from 'vitest';
import { watch } from '../../src/followers/watch.js';
import type { Unsubscribe } from '../../src/core/store-port.js';

function watched(watches: ((wake: () => void) => unknown) | undefined) {
  const told: unknown[] = [];
  let woken = 0;
  const store = watches === undefined ? {} : { watch: watches as (wake: () => void) => Unsubscribe };
  const end = watch(
    store,
    () => (woken += 1),
    (error, during) => told.push([error, during]),
  );
  return { end, told, woken: () => woken };
}

describe('watching a store', () => {
  it("wakes at the store's hints until it ends", () => {
    let wake = () => {};
    const { end, told, woken } = watched((hint) => {
      wake = hint;
      return () => (wake = () => {});
    });
    wake();
    end();
    wake();
    expect([woken(), told]).toEqual([1, []]);
  });

  it('works without a watch of the store', () => {
    const { end, told } = watched(undefined);
    end();
    expect(told).toEqual([]);
  });

  it('L28 reports what the store throws at the start and at the end, and does not throw', async () => {
    const error = new Error('LISTEN is not allowed here');
    const fail = () => {
      throw error;
    };
    const never = watched(fail);
    never.end();
    expect(never.told).toEqual([[error, 'watch']]);
    const ended = watched(() => fail);
    expect(ended.told).toEqual([]);
    ended.end();
    expect(ended.told).toEqual([[error, 'watch']]);
  });

  it('L28 reports the rejection of a promise, which the contract does not allow', async () => {
    const error = new Error('LISTEN is not allowed here');
    const { told } = watched(() => Promise.reject(error));
    await Promise.resolve();
    await Promise.resolve();
    expect(told).toEqual([[error, 'watch']]);
  });
});
