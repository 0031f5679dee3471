import type { GrantStore } from '../core/store-port.js';
import { isThenable } from '../core/thenable.js';

/**
 * Watches a store that has `watch`. A watch only gives hints, so its failure is reported to `onError` and has no other effect.
 *
 * @returns a function that ends the watch and never throws
 */
export function watch(
  store: Pick<GrantStore, 'watch'>,
  wake: (headSeq?: number) => void,
  onError: (error: unknown, during: string) => void,
): () => void {
  const guarded = <T>(call: () => T): T | undefined => {
    try {
      return call();
    } catch (error) {
      onError(error, 'watch');
      return undefined;
    }
  };
  const unwatch = guarded(() => store.watch?.(wake));
  // The contract allows no promise here. If a store returns one, its rejection must not stay unhandled.
  if (isThenable(unwatch)) unwatch.then(undefined, (error: unknown) => onError(error, 'watch'));
  return () => guarded(() => unwatch?.());
}
