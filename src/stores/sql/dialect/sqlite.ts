import { invalid } from '../../../core/parse.js';
import { isRefusal } from '../failures.js';
import { columns, fields, HELD, keyedRows, READ, serverColumns } from '../fragments.js';
import { handleReads } from '../reads.js';
import type { SqliteHandle } from '../database.js';
import { SQLITE_PROBE } from '../statement.js';
import type { Dialect, Tables } from './dialect.js';

/** SQLite has one writer, and no locks for single namespaces. */
const ONE_WRITER = { shared: 1, apart: Infinity, locked: 1 };

/** The entries `e` that the items of a JSON list name by this column. */
const entriesBy = (column: string, list: string): string =>
  `json_each(${list}) as k cross join jit_journal as e on e.namespace = n.namespace and e.${column} = k.value`;

export const sqlite: Dialect = {
  statement(name, text) {
    const order: number[] = [];
    return { name, text: text.replace(/\$(\d+)/g, (_, n: string) => (order.push(Number(n) - 1), '?')), order };
  },

  isOpen: 'open = 1',
  isClosed: 'open = 0',
  serverColumns: '',
  indexedBy: (index) => ` indexed by ${index}`,
  dueOfSubject: { at: 'sort_at', kind: 'kind' },
  byteOrder: undefined,

  given: (n) => `$${n}`,
  jsonTable: (list, names) => `(select key as i, ${fields(names)} from json_each(${list}))`,
  lookedUp: (isKey) => `jit_rows as r on ${isKey}`,
  rowAsList(names, of) {
    const asJson = (name: string) =>
      name === 'body' || name === 'version'
        ? `${of}.${name}`
        : name.endsWith('_at')
          ? `ifnull(${of}.${name}, 'null')`
          : `json_quote(${of}.${name})`;
    return `'[' || ${names.map(asJson).join(` || ',' || `)} || ']'`;
  },
  rowsAsList: (names, of) => `'[' || group_concat(${sqlite.rowAsList(names, of)}) || ']'`,
  asText: '',

  schema: () =>
    `select ${serverColumns(sqlite)}, (select encoding from pragma_encoding) as encoding, (select file from pragma_database_list where name = 'main') as file`,
  heads: () => 'select k.key as i, h.seq, h.hash, h.moved from json_each($1) as k cross join jit_heads as h on h.namespace = k.value',
  namespaces: (most) => `n(namespace, due_at, looked) as (
  select $1, null, 0
  union all
  select r.namespace, r.due_at, n.looked + 1 from n cross join jit_rows as r on r.rowid = (select rowid from jit_rows indexed by jit_rows_due where due_at is not null and namespace > n.namespace order by namespace, due_at limit 1) where n.looked < ${most}
)`,
  hold: () => `select ${serverColumns(sqlite)}, f.i, ${columns('f', [...HELD, 'seen', ...READ])}
from (select n.i, ${columns('h', HELD)},
  (select revision from jit_heads where namespace = n.namespace) as seen,
  (select json_group_array(json_array(k.i, r.version, case when k.put is not null then r.created_at end)) from ${keyedRows(sqlite, 'n.keys', 'n.namespace', ['put'])}) as kept,
  (select json_group_array(json_array(e.seq, e.hash)) from ${entriesBy('seq', 'n.seqs')}) as hashes,
  (select json_group_array(j.change_id) from (select distinct e.change_id from ${entriesBy('change_id', 'n.ids')}) as j) as applied
from ${sqlite.jsonTable('$1', ['namespace', 'keys', 'ids', 'seqs'])} as n cross join jit_heads as h on h.namespace = n.namespace) as f`,
  holdFree: () => sqlite.hold(),
  lock: undefined,
  guessed: undefined,
  remove: (n) => `delete from jit_rows where rowid in (select r.rowid from ${keyedRows(sqlite, sqlite.given(n))})`,
  joinsWrites: false,
  listening: undefined,

  probe: SQLITE_PROBE,
  probeBegins: true,
  rollbackTells: true,
  begin: () => 'begin immediate',
  busyTimeout: (ms) => `pragma busy_timeout${ms === undefined ? '' : ` = ${ms}`}`,
  close: undefined,
  limit: () => '',

  durability: 'process',
  atOnce: ONE_WRITER,
  atOnceAlone: ONE_WRITER,
  locksHeads: false,
  // A lock or a full disk concerns the whole file.
  mayBeOfOne: isRefusal,
  isStandby: () => false,
  reader(read) {
    const { prepare, inTransaction } = (read ?? {}) as Partial<Record<keyof SqliteHandle, unknown>>;
    if (typeof prepare !== 'function' || typeof inTransaction !== 'boolean')
      throw invalid('read', 'a handle of better-sqlite3 or libsql', read);
    return { reads: (_session, otherwise) => handleReads(read as SqliteHandle, otherwise) };
  },
};

export const sqliteTables: Tables = {
  dialect: sqlite,

  text: 'text',
  integer: 'integer',
  small: 'integer',
  flag: 'integer not null check (open in (0, 1))',
  strict: ' strict',
  generated: 'virtual',
  isJson: (column) => `json_valid(${column})`,
  // For a statement that does not repeat the condition, it would not use the index.
  always: () => '',

  field: (path) => `json_extract(body, '$.${path}')`,
  time: (column) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`,
  char: 'char',

  found: `select 1 as found from sqlite_master where name = 'jit_schema'`,
  concurrently: '',
  invalidIndex: undefined,
  lockHeads: undefined,
  // It has one writer: the commits of others would seldom find it free.
  reliefMs: 20,
};
