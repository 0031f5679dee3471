import { readInstant } from './instant.js';
import { readBoundedList, readCount, readId, readOptions } from './parse.js';
import type { DueNamespacesQuery } from './store-port.js';

/** The most namespaces that one call of `heads` names, and that a page of `dueNamespaces` looks at (L42). */
export const MAX_NAMESPACES = 1_000;

/**
 * Reads the argument of {@link GrantStore.heads}. A store calls this first, so that every store accepts the same arguments.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function readHeadsQuery(namespaces: unknown): readonly string[] {
  return readBoundedList('namespaces', namespaces, 0, MAX_NAMESPACES).map((name, i) => readId(`namespaces[${i}]`, name));
}

/**
 * Reads the argument of {@link GrantStore.dueNamespaces}. A store calls this first, so that every store accepts the same arguments.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function readDueNamespacesQuery(query: unknown): DueNamespacesQuery {
  const { at, after, limit } = readOptions('query', query, ['at', 'after', 'limit']);
  return {
    at: readInstant('at', at),
    after: after === undefined ? undefined : readId('after', after),
    limit: readCount('limit', limit, 1),
  };
}
