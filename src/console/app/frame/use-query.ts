import { useCallback, useEffect, useMemo } from 'preact/hooks';
import { useConsole } from './console.js';
import type { Query, Read } from './read-model.js';

export interface QueryRead<T> extends Read<T> {
  /** Reads again. */
  readonly again: () => void;
}

/** The answer to a question of the page, kept as a new read would find it: see {@link ReadModel}. */
export function useQuery<T>(query: Query<T>): QueryRead<T> {
  const { model } = useConsole();
  const { state, release } = useMemo(() => model.watch(query), [query.key]);
  useEffect(() => release, [release]);
  return {
    ...state.value,
    again: useCallback(() => {
      model.again(query.key);
    }, [query.key]),
  };
}
