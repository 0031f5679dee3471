import { MAX_NAMESPACES } from '../../core/namespaces.js';
import type { SqlDialect } from './database.js';
import { besideServer, given } from './fragments.js';

/** The heads of the namespaces in $1, a JSON list. Each is looked up by its key. */
export function headsText(dialect: SqlDialect): string {
  const heads =
    dialect === 'postgres'
      ? `select k.i - 1 as i, h.seq, h.hash, h.moved from jsonb_array_elements_text(${given(dialect, 1)}) with ordinality as k(namespace, i)
cross join lateral (select * from jit_heads where namespace = k.namespace limit 1) as h`
      : `select k.key as i, h.seq, h.hash, h.moved from json_each($1) as k cross join jit_heads as h on h.namespace = k.value`;
  return besideServer(dialect, ['i', 'seq', 'hash', 'moved'], heads);
}

/**
 * At most $3 namespaces that come after $1 and have a row due by $2. Each step is one look-up in jit_rows_due, which gives
 * the next namespace and its earliest `due_at`. So the cost of a page does not depend on the number of rows in a namespace.
 */
export function dueNamespacesText(dialect: SqlDialect, portable: boolean): string {
  const postgres = dialect === 'postgres';
  const following = 'due_at is not null and namespace > n.namespace order by namespace, due_at limit 1';
  const next = postgres
    ? `lateral (select namespace, due_at from jit_rows where ${following}) as r`
    : `jit_rows as r on r.rowid = (select rowid from jit_rows indexed by jit_rows_due where ${following})`;
  const page = 'select namespace from n where due_at <= $2 order by namespace limit $3';
  // `looked` is the number of namespaces examined, due or not, and `last` the last of them: a page that is cut off continues there.
  const how = ', (select max(looked) from n) as looked, (select namespace from n order by looked desc limit 1) as last';
  return `with recursive n(namespace, due_at, looked) as (
  select ${postgres ? `cast($1 as text)${portable ? '' : ' collate "C"'}, cast(null as bigint)` : '$1, null'}, 0
  union all
  select r.namespace, r.due_at, n.looked + 1 from n cross join ${next} where n.looked < ${MAX_NAMESPACES}
)
${besideServer(dialect, ['namespace'], page, how)}`;
}
