import type { SqlDialect } from './database.js';
import { findName, findText, type Asked } from './find.js';
import {
  besideServer,
  columns,
  ENTRY,
  isOneOf,
  isOpen,
  jsonList,
  jsonListOf,
  keyedRows,
  ROW,
  rowAsList,
  rowsAsList,
  serverColumns,
} from './fragments.js';
import { dueNamespacesText, headsText } from './namespaces.js';
import { statement } from './statement.js';
import { writesOf } from './writes.js';

/** The columns of a row that a check reads, in this order. The query itself fixes the others: namespace, subject and open. */
const LIVE = ['kind', 'id', 'version', 'scope', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'body'];

export type Statements = ReturnType<typeof statementsOf>;

/**
 * All statements that a store sends. Values are parameters, and a list is one JSON parameter. So the text of a statement and
 * a commit's number of round trips do not depend on the number of rows.
 */
export function statementsOf(dialect: SqlDialect) {
  return {
    dialect,
    schema: schema(dialect),
    ...rowReads(dialect),
    journal: journal(dialect),
    heads: statement(dialect, 'heads', headsText(dialect)),
    dueNamespaces: statement(dialect, 'due_namespaces', dueNamespacesText(dialect)),
    ...transaction(dialect),
    ...head(dialect),
    ...writesOf(dialect),
    ...notices(dialect),
  };
}

/** Runs before any other statement: the store refuses another version or encoding. `file` identifies the file on SQLite. */
const schema = (dialect: SqlDialect) =>
  statement(
    dialect,
    'schema',
    dialect === 'postgres'
      ? `select version, current_setting('server_encoding') as encoding from jit_schema`
      : `select version, (select encoding from pragma_encoding) as encoding, (select file from pragma_database_list where name = 'main') as file from jit_schema`,
  );

/** The reads of rows: by key, for a check, for a sweep, and for lists. */
function rowReads(dialect: SqlDialect) {
  const live = liveText(dialect);
  return {
    get: statement(dialect, 'get', besideServer(dialect, ['i', ...ROW], `select k.i, ${columns('r', ROW)} from ${keyedRows(dialect, 2)}`)),
    live: statement(dialect, 'live', live),
    liveOn: statement(dialect, 'live_on', `${live} and scope = $4`),
    /** Rows after the place ($2, $3, $4) that are due by $5, in the order of the index jit_rows_due. */
    due: statement(
      dialect,
      'due',
      besideServer(
        dialect,
        ROW,
        `select ${columns('r', ROW)} from jit_rows as r
where namespace = $1 and due_at is not null and due_at <= $5 and (due_at, kind, id) > ($2, $3, $4)
order by due_at, kind, id limit $6`,
      ),
    ),
    /** See {@link findText}. */
    find: (asked: Asked) => statement(dialect, findName(asked), findText(dialect, asked)),
  };
}

/**
 * The read of a check. The index jit_rows_live holds only open rows of grants and their usage. The rows come as one JSON
 * text, a list of lists or null, which is cheaper for a driver than many columns.
 */
function liveText(dialect: SqlDialect): string {
  const asText = dialect === 'postgres' ? '::text' : '';
  /** The row of all open locks of the namespace, which every check needs. It costs one look-up by its key. */
  const lock = `(select ${rowAsList(dialect, [...LIVE, 'subject'])}${asText} from jit_rows as r
  where namespace = $1 and kind = 'lock' and id = 'open' and ${isOpen(dialect)})`;
  return `select ${rowsAsList(dialect, LIVE)} as found, ${lock} as lock, ${serverColumns(dialect)} from jit_rows as r
where namespace = $1 and live_subject = $2 and until_at > $3`;
}

/** One statement, so that the head, the start and the page are from the same instant. */
const journal = (dialect: SqlDialect) =>
  statement(
    dialect,
    'journal',
    `select s.*, h.seq as head_seq, h.hash as head_hash, h.start_seq, h.start_hash, ${columns('e', ENTRY)}
from (select ${serverColumns(dialect)}) as s left join jit_heads as h on h.namespace = $1
left join (select * from jit_journal where namespace = $1 and seq > $2 order by seq limit $3) as e on true
order by e.seq`,
  );

/** The statements that begin and end a commit's transaction. */
function transaction(dialect: SqlDialect) {
  const postgres = dialect === 'postgres';
  return {
    /**
     * The first round trip of a commit. It limits three times to `ms` milliseconds: the wait for a lock, each statement, and
     * the silence of a transaction that may hold a lock.
     *
     * `enable_seqscan` is off. Otherwise a plan that was cached while a table was small would still scan it when it is large.
     */
    begin: (ms: number) =>
      statement(
        dialect,
        'begin',
        postgres
          ? `begin isolation level read committed; set local lock_timeout = ${ms}; set local statement_timeout = ${ms}; set local idle_in_transaction_session_timeout = ${ms}; set local enable_seqscan = off`
          : 'begin immediate',
      ),
    busyTimeout: postgres
      ? undefined
      : (ms?: number) => statement(dialect, 'busy_timeout', `pragma busy_timeout${ms === undefined ? '' : ` = ${ms}`}`),
    commit: statement(dialect, 'commit', 'commit'),
    rollback: statement(dialect, 'rollback', 'rollback'),
  };
}

/** The statements that create and lock the head of a namespace. `hashAt` reads the hash that a purge stores as the journal's start. */
function head(dialect: SqlDialect) {
  const locked = `select * from jit_heads where namespace = $1`;
  return {
    /** Creates the head at a namespace's first commit. Of two processes at once, one waits and then finds the row of the other. */
    found: statement(
      dialect,
      'found',
      `insert into jit_heads (namespace, revision, seq, hash, start_seq, start_hash) values ($1, 0, 0, $2, 0, $2)
on conflict (namespace) do nothing`,
    ),
    /**
     * Locks the head, which makes commits to a namespace serial. In the same statement it reads everything that decides the
     * outcomes:
     * - the version and `created_at` of each record relied on ($2),
     * - which of the changes ($3) were already applied,
     * - the hashes of the entries that the callers know ($4).
     *
     * On PostgreSQL a statement that waited for the lock still sees the other tables as they were before the wait. `seen` is
     * the head's revision in that snapshot. If it differs from the revision of the locked head, the statement must be
     * repeated while the transaction holds the lock.
     */
    hold: statement(
      dialect,
      'hold',
      `${dialect === 'postgres' ? `with h as materialized (${locked} for update)` : `with h as (${locked})`}
select ${serverColumns(dialect)}, h.revision, h.seq, h.hash, h.start_seq, h.start_hash,
  (select revision from jit_heads where namespace = $1) as seen,
  ${jsonListOf(dialect, jsonList(dialect, 'k.i', 'r.version', 'r.created_at'), keyedRows(dialect, 2))} as kept,
  ${jsonListOf(dialect, jsonList(dialect, 'e.seq', 'e.hash'), `jit_journal as e where e.namespace = $1 and ${isOneOf(dialect, 'e.seq', 4, '::bigint')}`)} as hashes,
  ${jsonListOf(dialect, 'j.change_id', `(select distinct change_id from jit_journal where namespace = $1 and ${isOneOf(dialect, 'change_id', 3)}) as j`)} as applied
from h`,
    ),
    hashAt: statement(dialect, 'hash_at', 'select hash from jit_journal where namespace = $1 and seq = $2'),
  };
}

/**
 * A hint to every listener that a head has moved. NOTIFY runs after the commit: inside it, NOTIFY would make the commits of
 * all namespaces wait for each other.
 */
const notices = (dialect: SqlDialect) => ({
  notify: statement(dialect, 'notify', `select pg_notify('jit_access', $1)`),
  listen: statement(dialect, 'listen', 'listen jit_access'),
});
