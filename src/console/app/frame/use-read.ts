import { useId } from 'preact/hooks';
import type { AccessClient } from '../../../client.js';
import type { Change } from './types.js';
import { useQuery, type QueryRead } from './use-query.js';

/**
 * The answer to a question of one part alone: read at first, again when `keys` change, after each change that `concerns` it, and each minute.
 *
 * @param read gets a signal that aborts when its answer is no longer wanted
 * @param keys texts, numbers and truth values
 * @param concerns which changes it is read again after. Default: all
 */
export function useRead<T>(
  read: (signal: AbortSignal, client: AccessClient) => PromiseLike<T>,
  keys: readonly (string | number | boolean | undefined)[] = [],
  concerns: (change: Change) => boolean = () => true,
): QueryRead<T> {
  const part = useId();
  return useQuery<T>({ key: `${part} ${JSON.stringify(keys)}`, read: (client, signal) => read(signal, client), isOld: concerns });
}
