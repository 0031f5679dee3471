import { MAX_NAMESPACES } from '../../core/namespaces.js';
import type { Dialect } from './dialect/dialect.js';
import { besideServer } from './fragments.js';

export const headsText = (dialect: Dialect): string => besideServer(dialect, ['i', 'seq', 'hash', 'moved'], dialect.heads());

/**
 * At most $3 namespaces that come after $1 and have a row due by $2. The cost of a page does not depend on the number of rows in a
 * namespace.
 */
export function dueNamespacesText(dialect: Dialect): string {
  const page = 'select namespace from n where due_at <= $2 order by namespace limit $3';
  // `looked` is the number of namespaces examined, due or not, and `last` the last of them: a page that is cut off continues there.
  const how = ', (select max(looked) from n) as looked, (select namespace from n order by looked desc limit 1) as last';
  return `with recursive ${dialect.namespaces(MAX_NAMESPACES)}
${besideServer(dialect, ['namespace'], page, how)}`;
}
