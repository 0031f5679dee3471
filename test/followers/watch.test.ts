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
  it('wakes at its hints, until it is ended', () => {
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

  it('does without, where the store can not be watched', () => {
    const { end, told } = watched(undefined);
    end();
    expect(told).toEqual([]);
  });

  it('L28 tells what a store throws, when it begins and when it ends, and throws nothing', async () => {
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

  it('L28 tells what a promise rejects with that the contract does not know', async () => {
    const error = new Error('LISTEN is not allowed here');
    const { told } = watched(() => Promise.reject(error));
    await Promise.resolve();
    await Promise.resolve();
    expect(told).toEqual([[error, 'watch']]);
  });
});
