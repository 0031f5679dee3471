import { invalid } from '../../../core/parse.js';
import type { PgPool } from '../database.js';
import { codeOf } from '../failures.js';
import { columns, fields, HELD, KEY, keyedRows, READ, serverColumns } from '../fragments.js';
import { poolReads } from '../reads.js';
import { hearErrors } from '../resilient-pool.js';
import { namedStatement } from '../statement.js';
import type { Dialect, Guessed, Tables } from './dialect.js';

/**
 * The heads `h` of the namespaces `n`, which are locked if `wait` says how. Each is looked up by its key: a join might lock all heads, and
 * would read every partition.
 */
const heldHeads = (
  names: readonly string[],
  wait: string,
): string => `with n as materialized ${postgres.jsonTable(postgres.given(1), names)}, h as materialized (select n.i, h.*
from n cross join lateral (select * from jit_heads where namespace = n.namespace limit 1${wait}) as h)`;

/** The columns whose JSON text must be cast to bigint. */
const INTEGERS = new Set(['version', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'seq', 'start_seq', 'v', 'at']);
/** The columns of what a list of a namespace names in the statement that locks heads. */
const ASKED = ['namespace', 'keys', 'ids', 'seqs'];

/**
 * The first entry `e` for each item of a JSON list, looked up on its own. Before version 17, a plan that was made for a small journal would
 * compare `any(array)` with all entries of the namespace.
 */
const entriesBy = (column: string, list: string, cast = ''): string => `jsonb_array_elements_text(${list}) as k (value) cross join
    lateral (select * from jit_journal where namespace = n.namespace and ${column} = k.value${cast} limit 1) as e`;

/** What decides the outcomes, for each head that is held. */
const decisive = (more = ''): string => `select n.i, ${more}${columns('h', HELD)},
  (select revision from jit_heads where namespace = n.namespace) as seen,
  (select jsonb_agg(jsonb_build_array(k.i, r.version, case when k.put is not null then r.created_at end) order by k.i) from ${keyedRows(postgres, 'n.keys', 'n.namespace', ['put'])}) as kept,
  (select jsonb_agg(jsonb_build_array(e.seq, e.hash) order by e.seq) from ${entriesBy('seq', 'n.seqs', '::bigint')}) as hashes,
  (select jsonb_agg(j.change_id order by j.change_id) from (select distinct e.change_id from ${entriesBy('change_id', 'n.ids')}) as j) as applied
from n join h on h.i = n.i`;

const answered = (): string =>
  `select ${serverColumns(postgres)}, ${columns('f', ['i', ...HELD, 'seen'])}, ${READ.map((name) => `f.${name}::text`).join(', ')}`;

/** @param wait how a head is locked */
export const hold = (wait: string): string => `${heldHeads(ASKED, wait)}
${answered()}
from (${decisive()}) as f`;

/** @param text the type and the collation of the namespaces */
export const namespaces = (text: string, most: number): string => `n(namespace, due_at, looked) as (
  select cast($1 as text)${text}, cast(null as bigint), 0
  union all
  select r.namespace, r.due_at, n.looked + 1 from n cross join lateral (select namespace, due_at from jit_rows where due_at is not null and namespace > n.namespace order by namespace, due_at limit 1) as r where n.looked < ${most}
)`;

export const postgres: Dialect = {
  statement: namedStatement,

  isOpen: 'open',
  isClosed: 'not open',
  serverColumns: ', pg_is_in_recovery() as standby',
  indexedBy: () => '',
  // Without statistics PostgreSQL picks the primary key or the index of due rows, and reads the whole kind for one subject.
  dueOfSubject: { at: 'coalesce(sort_at, -1)', kind: "kind || ''" },
  byteOrder: undefined,

  // The server infers the type of a parameter from its first cast, and postgres.js serializes a value by that type: as `jsonb`, the text
  // of the list would become one JSON string.
  given: (n) => `$${n}::text::jsonb`,
  jsonTable(list, names) {
    const cast = (name: string) => (name === 'open' ? '::boolean' : INTEGERS.has(name) ? '::bigint' : '');
    return `(select ordinality - 1 as i, ${fields(names, cast)} from jsonb_array_elements(${list}) with ordinality)`;
  },
  // It cannot merge a subquery with a limit into a join. Without statistics it would join the keys with the whole namespace, and a commit
  // would cost as much as the namespace has rows.
  lookedUp: (isKey) => `lateral (select r.* from jit_rows as r where ${isKey} limit 1) as r`,
  rowAsList: (names, of) => `json_build_array(${names.map((name) => `${of}.${name}${name === 'body' ? '::json' : ''}`).join(', ')})`,
  rowsAsList: (names, of) => `json_agg(${postgres.rowAsList(names, of)})::text`,
  asText: '::text',

  schema: () => `select ${serverColumns(postgres)}, current_setting('server_encoding') as encoding`,
  heads:
    () => `select k.i - 1 as i, h.seq, h.hash, h.moved from jsonb_array_elements_text(${postgres.given(1)}) with ordinality as k(namespace, i)
cross join lateral (select * from jit_heads where namespace = k.namespace limit 1) as h`,
  namespaces: (most) => namespaces(' collate "C"', most),
  hold: () => hold(' for update'),
  holdFree: () => hold(' for update skip locked'),
  lock: undefined,
  guessed: (): Guessed => ({
    begin: `${heldHeads([...ASKED, 'guess'], ' for update skip locked')},
f as materialized (${decisive('n.namespace, n.guess, ')}),
guessed as materialized (select namespace from f
where seen = revision and guess = jsonb_build_array(${columns('f', [...HELD.slice(1), ...READ])}))`,
    where: 'k.namespace = any(array(select namespace from guessed))',
    end: `${answered()},
  f.namespace = any(array(select namespace from guessed)) as is_written from f`,
  }),
  // By ctid: a join by key would read the whole namespace. The oid distinguishes the partitions of a partitioned table.
  remove: (n, where) => `delete from jit_rows as r using (select r.home, r.place from ${postgres.jsonTable(postgres.given(n), KEY)} as k
cross join lateral (select tableoid as home, ctid as place from jit_rows where namespace = k.namespace and kind = k.kind and id = k.id limit 1) as r
where ${where}) as k where r.tableoid = k.home and r.ctid = k.place`,
  joinsWrites: true,
  listening: {
    // It runs after the commit: inside it, NOTIFY would make the commits of all namespaces wait for each other.
    notify: `select pg_notify('jit_access', value) from jsonb_array_elements_text($1::text::jsonb)`,
    listen: 'listen jit_access',
  },

  // A simple query: outside of a transaction it is one of its own, which began with it and has written nothing. A transaction that has
  // written is always recognised; one that began in the same tick of the server's clock and has not, is not.
  probe: 'select now() = statement_timestamp() and pg_current_xact_id_if_assigned() is null as outside',
  probeBegins: false,
  rollbackTells: false,
  // `enable_seqscan` is off. Otherwise a plan that was cached while a table was small would still scan it when it is large. `jit` is off,
  // too: a scan that remains has such a cost in the plan that a server with LLVM would compile each statement, which takes a second.
  begin: (ms, lockMs) =>
    `begin isolation level read committed; set local lock_timeout = ${lockMs}; set local statement_timeout = ${ms}; set local idle_in_transaction_session_timeout = ${ms}; set local enable_seqscan = off; set local jit = off`,
  busyTimeout: undefined,
  close: 'select 1',
  limit: (ms) => `; set local statement_timeout = ${ms}`,

  durability: 'server',
  // Few of those that wait long for a lock run at a time, so that the others find a free connection in the pool.
  atOnce: { shared: 4, apart: Infinity, locked: 4 },
  // Each namespace takes a connection, and reads need some of the pool.
  atOnceAlone: { shared: 0, apart: 6, locked: 2 },
  locksHeads: true,
  mayBeOfOne: (error) => /^(?!08|25P|57P|E[A-Z]{4})[0-9A-Z]{5}$/.test(codeOf(error)),
  isStandby: (first) => first?.['standby'] !== false,
  reader(read) {
    const { query, connect, on } = (read ?? {}) as Partial<Record<keyof PgPool, unknown>>;
    if ([query, connect, on].some((method) => typeof method !== 'function')) throw invalid('read', 'a pool of pg', read);
    const pool = read as PgPool;
    return {
      pool,
      reads(session) {
        hearErrors(pool);
        return poolReads(pool, session);
      },
    };
  },
};

export const postgresTables: Tables = {
  dialect: postgres,

  text: 'text collate "C"',
  integer: 'bigint',
  small: 'smallint',
  flag: 'boolean not null',
  strict: '',
  generated: 'stored',
  isJson: (column) => `(${column}::json) is not null`,
  always: (before, column) => ` ${before} ${column} is not null`,

  field: (path) => `body::json #>> '{${path.replaceAll('.', ',')}}'`,
  time: (column) => `to_timestamp(${column} / 1000.0)`,
  char: 'chr',

  found: `select 1 as found where to_regclass('jit_schema') is not null`,
  concurrently: 'concurrently ',
  // The index is also invalid while another process builds it. Dropping it then would drop the one that process has completed.
  invalidIndex: (name) =>
    `select exists (select from pg_stat_progress_create_index as p where p.index_relid = indexrelid) as is_in_work from pg_index where indexrelid = to_regclass('${name}') and not indisvalid`,
  // `share row exclusive` would let a commit continue after the numbers have changed.
  lockHeads: 'lock table jit_heads in exclusive mode',
  reliefMs: 0,
};
