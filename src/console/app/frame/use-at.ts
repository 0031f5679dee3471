import { useEffect, useRef } from 'preact/hooks';
import { effect, untracked } from '@preact/signals';
import { second } from './clock.js';

/**
 * Calls when an instant has come: once for each answer, and never sooner than the next tick after it. It has no timer of its own, because
 * a timer stops while the device sleeps, does not follow a clock that is set, and ends at once beyond 24 days. A hidden page has no ticks:
 * it calls when it is shown.
 *
 * @param at epoch milliseconds. `undefined`: never
 * @param answer the answer of which the instant is a part
 */
export function useAt(at: number | undefined, answer: unknown, call: () => void): void {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    if (at === undefined) return undefined;
    let isNew = true;
    let isCalled = false;
    return effect(() => {
      const isDue = second.value >= at && !isNew && !isCalled;
      isNew = false;
      if (!isDue) return;
      isCalled = true;
      untracked(() => latest.current());
    });
  }, [at, answer]);
}
