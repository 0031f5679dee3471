import { useMemo } from 'preact/hooks';
import { computed } from '@preact/signals';
import { now, second } from './clock.js';

/**
 * Now, by the clock of the service: the part is drawn again at the first tick after each of some instants. It has no timer of its own,
 * because a timer stops while the device sleeps and does not follow a clock that is set.
 *
 * @param answer what the instants are of. Another answer has other instants
 * @returns epoch milliseconds
 */
export function useNow(answer: unknown, instantsOf: () => readonly number[]): number {
  const passed = useMemo(() => {
    const instants = instantsOf();
    return computed(() => Math.max(-Infinity, ...instants.filter((at) => at <= second.value)));
  }, [answer]);
  return Math.max(passed.value, second.peek(), now());
}
