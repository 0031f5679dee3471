import type { GrantStore } from '../core/store-port.js';
import { isThenable } from '../core/time.js';

/**
 * Watches a store, where it can be watched. That is only a hint, so a store that fails at it is told, and makes whoever
 * watches no worse off than one that can't.
 *
 * @returns ends it; never throws
 */
export function watch(store: Pick<GrantStore, 'watch'>, wake: () => void, onError: (error: unknown, during: string) => void): () => void {
  const guarded = <T>(call: () => T): T | undefined => {
    try {
      return call();
    } catch (error) {
      onError(error, 'watch');
      return undefined;
    }
  };
  const unwatch = guarded(() => store.watch?.(wake));
  // By the contract it is no promise; where it is one all the same, its failure would be nobody's.
  if (isThenable(unwatch)) unwatch.then(undefined, (error: unknown) => onError(error, 'watch'));
  return () => guarded(() => unwatch?.());
}
