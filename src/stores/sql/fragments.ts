import type { Dialect } from './dialect/dialect.js';

/* The parts that statements are built from. */

/** The columns of a key. */
export const KEY: readonly string[] = ['namespace', 'kind', 'id'];

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
/** The columns of a head, as a statement that locks it reads them. */
export const HELD: readonly string[] = ['revision', 'seq', 'hash', 'start_seq', 'start_hash', 'moved'];
/** What is read for a locked head, each a JSON list or null. */
export const READ: readonly string[] = ['kept', 'hashes', 'applied'];
/** The columns that are JSON lists themselves. */
const LISTS = new Set(['keys', 'ids', 'seqs', 'guess']);

/** Greater than any layout: see {@link serverColumns}. */
export const LAYOUTS = 10_000;

export const columns = (of: string, names: readonly string[]): string => names.map((name) => `${of}.${name}`).join(', ');

/** The items of the JSON list `value` as columns. @param cast what follows an item */
export const fields = (names: readonly string[], cast: (name: string) => string = () => ''): string =>
  names.map((name, i) => `(value ${LISTS.has(name) ? '->' : '->>'} ${i})${cast(name)} as ${name}`).join(', ');

/**
 * The rows `r` under a JSON list of keys `k`, each looked up on its own.
 *
 * @param namespace of all keys, an expression. Default: each key begins with its namespace
 * @param more columns of `k` that each item of the list has after its key
 * @param id the id of the row for an item, an expression. Default: that of the key
 */
export function keyedRows(dialect: Dialect, keyList: string, namespace?: string, more: readonly string[] = [], id = 'k.id'): string {
  const names = [...KEY.slice(namespace === undefined ? 0 : 1), ...more];
  const isKey = `r.namespace = ${namespace ?? 'k.namespace'} and r.kind = k.kind and r.id = ${id}`;
  return `${dialect.jsonTable(keyList, names)} as k cross join ${dialect.lookedUp(isKey)}`;
}

/**
 * Columns that every answer carries about its server: the two numbers of the layout in one, and on PostgreSQL whether the server is a
 * standby. They need no statement of their own, and stay correct behind a pooler.
 */
export const serverColumns = (dialect: Dialect): string =>
  `(select max(version * ${LAYOUTS} + readable_from) from jit_schema) as layout${dialect.serverColumns}`;

/** Always returns at least one row. If `from` has no rows, it has only the server's columns, and the other columns are null. */
export const besideServer = (dialect: Dialect, names: readonly string[], from: string, more = ''): string =>
  `select s.*, ${columns('f', names)} from (select ${serverColumns(dialect)}${more}) as s left join (${from}) as f on true`;
