import type { SqlDialect } from './database.js';

/* The parts that statements are built from. Each difference between the two databases is a function here. */

/** The columns of `jit_rows`, in the order in which statements read and write them. */
export const ROW: readonly string[] = [
  'kind',
  'id',
  'version',
  'subject',
  'scope',
  'open',
  'created_at',
  'from_at',
  'until_at',
  'due_at',
  'sort_at',
  'body',
];
/** The columns of `jit_journal`, in the order in which statements read and write them. */
export const ENTRY: readonly string[] = [
  'seq',
  'change_id',
  'v',
  'id',
  'type',
  'at',
  'actor',
  'request_id',
  'grant_id',
  'data',
  'digest',
  'prev_hash',
  'hash',
];
/** The columns of `jit_heads`, in the order in which a commit writes them. The statement itself increments the revision. */
export const HEAD: readonly string[] = ['namespace', 'seq', 'hash', 'start_seq', 'start_hash'];
/** The columns whose JSON text PostgreSQL must cast to bigint. */
const INTEGERS = new Set(['version', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'seq', 'start_seq', 'v', 'at']);
/** The columns that are JSON lists themselves. */
const LISTS = new Set(['keys', 'ids', 'seqs', 'guess']);

/** Greater than any layout: see {@link serverColumns}. */
export const LAYOUTS = 10_000;

export const columns = (of: string, names: readonly string[]): string => names.map((name) => `${of}.${name}`).join(', ');

export const isOpen = (dialect: SqlDialect): string => (dialect === 'postgres' ? 'open' : 'open = 1');

/**
 * The JSON list in parameter `n`. The server infers the type of a parameter from its first cast, and postgres.js serializes a value by
 * that type: as `jsonb`, the text of the list would become one JSON string.
 */
export const given = (dialect: SqlDialect, n: number): string => (dialect === 'postgres' ? `$${n}::text::jsonb` : `$${n}`);

/** A JSON list of lists, as a table. @param list an expression: see {@link given} */
export function jsonTable(dialect: SqlDialect, list: string, names: readonly string[]): string {
  const postgres = dialect === 'postgres';
  const cast = (name: string) => (!postgres ? '' : name === 'open' ? '::boolean' : INTEGERS.has(name) ? '::bigint' : '');
  const fields = names.map((name, i) => `(value ${LISTS.has(name) ? '->' : '->>'} ${i})${cast(name)} as ${name}`).join(', ');
  return postgres
    ? `(select ordinality - 1 as i, ${fields} from jsonb_array_elements(${list}) with ordinality)`
    : `(select key as i, ${fields} from json_each(${list}))`;
}

/**
 * The rows under a JSON list of keys, each looked up on its own. SQLite's cross join keeps the keys in the outer loop, and
 * PostgreSQL cannot merge a subquery with a limit into a join.
 *
 * Without statistics, PostgreSQL would join the keys with the whole namespace. A commit would then cost as much as the
 * namespace has rows.
 *
 * @param namespace of all keys, an expression. Default: each key begins with its namespace
 * @param more columns of `k` that each item of the list has after its key
 * @param id the id of the row for an item, an expression. Default: that of the key
 */
export function keyedRows(dialect: SqlDialect, keyList: string, namespace?: string, more: readonly string[] = [], id = 'k.id'): string {
  const names = [...(namespace === undefined ? ['namespace'] : []), 'kind', 'id', ...more];
  const keys = `${jsonTable(dialect, keyList, names)} as k cross join`;
  const isKey = `r.namespace = ${namespace ?? 'k.namespace'} and r.kind = k.kind and r.id = ${id}`;
  return dialect === 'postgres'
    ? `${keys} lateral (select r.* from jit_rows as r where ${isKey} limit 1) as r`
    : `${keys} jit_rows as r on ${isKey}`;
}

/**
 * An entry `e` for each item `k.value` of a JSON list: on PostgreSQL the first one, on SQLite all. PostgreSQL looks up each on its own,
 * as in {@link keyedRows}. Before version 17, a plan that was made for a small journal would compare `any(array)` with all entries of
 * the namespace.
 *
 * @param column of the entry, which the item names
 */
export const entriesBy = (dialect: SqlDialect, column: 'seq' | 'change_id', list: string, namespace: string): string =>
  dialect === 'postgres'
    ? `jsonb_array_elements_text(${list}) as k (value) cross join
    lateral (select * from jit_journal where namespace = ${namespace} and ${column} = k.value${INTEGERS.has(column) ? '::bigint' : ''} limit 1) as e`
    : `json_each(${list}) as k cross join jit_journal as e on e.namespace = ${namespace} and e.${column} = k.value`;

/** One JSON list with an item for each row of `from`, on PostgreSQL in this order. */
export const jsonListOf = (dialect: SqlDialect, item: string, from: string, order: string): string =>
  dialect === 'postgres' ? `(select jsonb_agg(${item} order by ${order}) from ${from})` : `(select json_group_array(${item}) from ${from})`;

export const jsonList = (dialect: SqlDialect, ...values: readonly string[]): string =>
  `${dialect === 'postgres' ? 'jsonb_build_array' : 'json_array'}(${values.join(', ')})`;

/** The columns of a row as one JSON list. The body is inserted as it was stored: no number is rounded and no key is moved. */
export function rowAsList(dialect: SqlDialect, names: readonly string[], of = 'r'): string {
  if (dialect === 'postgres')
    return `json_build_array(${names.map((name) => `${of}.${name}${name === 'body' ? '::json' : ''}`).join(', ')})`;
  const asJson = (name: string) =>
    name === 'body'
      ? `${of}.body`
      : name === 'version'
        ? `${of}.version`
        : name.endsWith('_at')
          ? `ifnull(${of}.${name}, 'null')`
          : `json_quote(${of}.${name})`;
  return `'[' || ${names.map(asJson).join(` || ',' || `)} || ']'`;
}

/** The lists of several rows as one text; null if there is no row. */
export function rowsAsList(dialect: SqlDialect, names: readonly string[], of = 'r'): string {
  const list = rowAsList(dialect, names, of);
  return dialect === 'postgres' ? `json_agg(${list})::text` : `'[' || group_concat(${list}) || ']'`;
}

/**
 * Columns that every answer carries about its server: the two numbers of the layout in one, and on PostgreSQL whether the server is a
 * standby. They need no statement of their own, and stay correct behind a pooler.
 */
export const serverColumns = (dialect: SqlDialect): string =>
  `(select max(version * ${LAYOUTS} + readable_from) from jit_schema) as layout${dialect === 'postgres' ? ', pg_is_in_recovery() as standby' : ''}`;

/** Always returns at least one row. If `from` has no rows, it has only the server's columns, and the other columns are null. */
export const besideServer = (dialect: SqlDialect, names: readonly string[], from: string, more = ''): string =>
  `select s.*, ${columns('f', names)} from (select ${serverColumns(dialect)}${more}) as s left join (${from}) as f on true`;
