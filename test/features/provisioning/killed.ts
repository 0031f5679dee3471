import type { MemoryGrantStore } from '../../../src/index.js';
import { FaultyStore } from '../../../src/testing.js';

/** The store of a killed process: after the given number of calls, no call is answered. */
export function killedAfter(inner: MemoryGrantStore, calls: number) {
  let left = calls;
  const kill = { happened: false };
  const store = new Proxy(new FaultyStore(inner), {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (property === 'watch' || property === 'in') return value.bind(target) as unknown;
      return (...args: unknown[]) => {
        if (left-- <= 0) {
          kill.happened = true;
          return new Promise(() => undefined);
        }
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { store, kill };
}

/** Lets background work run. */
export const turns = async (n: number) => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};
