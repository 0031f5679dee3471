import type { SqlDialect } from './database.js';
import { findName, findText, type Asked } from './find.js';
import {
  besideServer,
  columns,
  ENTRY,
  given,
  isOneOf,
  isOpen,
  jsonList,
  jsonListOf,
  jsonTable,
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
    get: statement(
      dialect,
      'get',
      besideServer(dialect, ['i', ...ROW], `select k.i, ${columns('r', ROW)} from ${keyedRows(dialect, given(dialect, 2), '$1')}`),
    ),
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
     * The first round trip of a commit. It limits three times, in milliseconds: to `lockMs` the wait for a lock, to `ms` each
     * statement and the silence of a transaction that may hold a lock.
     *
     * `enable_seqscan` is off. Otherwise a plan that was cached while a table was small would still scan it when it is large.
     * `jit` is off, too: a scan that remains has such a cost in the plan that a server with LLVM would compile each statement,
     * which takes a second.
     */
    begin: (ms: number, lockMs = ms) =>
      statement(
        dialect,
        'begin',
        postgres
          ? `begin isolation level read committed; set local lock_timeout = ${lockMs}; set local statement_timeout = ${ms}; set local idle_in_transaction_session_timeout = ${ms}; set local enable_seqscan = off; set local jit = off`
          : 'begin immediate',
      ),
    busyTimeout: postgres
      ? undefined
      : (ms?: number) => statement(dialect, 'busy_timeout', `pragma busy_timeout${ms === undefined ? '' : ` = ${ms}`}`),
    commit: statement(dialect, 'commit', 'commit'),
    rollback: statement(dialect, 'rollback', 'rollback'),
  };
}

/** The statements that create and lock heads. `hashAt` reads the hash that a purge stores as the journal's start. */
function head(dialect: SqlDialect) {
  return {
    /** Creates the head at a namespace's first commit. Of two processes at once, one waits and then finds the row of the other. */
    found: statement(
      dialect,
      'found',
      `insert into jit_heads (namespace, revision, seq, hash, start_seq, start_hash) values ($1, 0, 0, $2, 0, $2)
on conflict (namespace) do nothing`,
    ),
    /** For one namespace only: waits until its head is free. Of two transactions that wait for several, each might hold what the other needs. */
    hold: statement(dialect, 'hold', holdText(dialect, '')),
    /** For any number of namespaces: omits those whose head another transaction holds. */
    holdFree: statement(dialect, 'hold_free', holdText(dialect, ' skip locked')),
    hashAt: statement(dialect, 'hash_at', 'select hash from jit_journal where namespace = $1 and seq = $2'),
  };
}

/**
 * Locks the heads of the namespaces in $1, which makes commits to a namespace serial. In the same statement it reads everything
 * that decides the outcomes, from a list for each namespace:
 * - `keys`: the version and `created_at` of each record relied on,
 * - `ids`: which of the changes were already applied,
 * - `seqs`: the hashes of the entries that the callers know.
 *
 * `i` is the place of the namespace in the list. A namespace without a head has no line in the answer.
 *
 * On PostgreSQL a statement that waited for the lock still sees the other tables as they were before the wait. `seen` is the
 * head's revision in that snapshot. If it differs from the revision of the locked head, the statement must be repeated while
 * the transaction holds the lock.
 */
function holdText(dialect: SqlDialect, wait: string): string {
  const asked = jsonTable(dialect, given(dialect, 1), ['namespace', 'keys', 'ids', 'seqs']);
  const postgres = dialect === 'postgres';
  // Each head is looked up by its key: a join might lock and read all heads, and would read every partition.
  const head = `lateral (select * from jit_heads where namespace = n.namespace limit 1 for update${wait}) as h`;
  return `${postgres ? `with n as materialized ${asked}, h as materialized (select n.i, h.* from n cross join ${head})\n` : ''}select ${serverColumns(dialect)},
  n.i, h.revision, h.seq, h.hash, h.start_seq, h.start_hash,
  (select revision from jit_heads where namespace = n.namespace) as seen,
  ${jsonListOf(dialect, jsonList(dialect, 'k.i', 'r.version', 'r.created_at'), keyedRows(dialect, 'n.keys', 'n.namespace'))} as kept,
  ${jsonListOf(dialect, jsonList(dialect, 'e.seq', 'e.hash'), `jit_journal as e where e.namespace = n.namespace and ${isOneOf(dialect, 'e.seq', 'n.seqs', '::bigint')}`)} as hashes,
  ${jsonListOf(dialect, 'j.change_id', `(select distinct change_id from jit_journal where namespace = n.namespace and ${isOneOf(dialect, 'change_id', 'n.ids')}) as j`)} as applied
from ${postgres ? 'n join h on h.i = n.i' : `${asked} as n cross join jit_heads as h on h.namespace = n.namespace`}`;
}

/**
 * A hint to every listener that the heads of the namespaces in $1 have moved. NOTIFY runs after the commit: inside it, NOTIFY
 * would make the commits of all namespaces wait for each other.
 */
const notices = (dialect: SqlDialect) => ({
  notify: statement(dialect, 'notify', `select pg_notify('jit_access', value) from jsonb_array_elements_text($1::jsonb)`),
  listen: statement(dialect, 'listen', 'listen jit_access'),
});
