import { adoptionOf } from './adoption.js';
import type { SqlDialect } from './database.js';
import { contextText } from './context.js';
import { findName, findText, type Asked } from './find.js';
import { besideServer, columns, ENTRY, given, isOpen, keyedRows, ROW, rowAsList, rowsAsList, serverColumns } from './fragments.js';
import { headsOf } from './locked-heads.js';
import { BYTE_ORDER } from './schema.js';
import { dueNamespacesText, headsText } from './namespaces.js';
import { SQLITE_PROBE, statement } from './statement.js';
import { writesOf } from './writes.js';

/** The columns of a row that a check reads, in this order. The query itself fixes the others: namespace, subject and open. */
const LIVE = ['kind', 'id', 'version', 'scope', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'body'];

export type Statements = ReturnType<typeof statementsOf>;

/**
 * All statements that a store sends. Values are parameters, and a list is one JSON parameter. So the text of a statement and
 * a commit's number of round trips do not depend on the number of rows.
 *
 * @param portable for servers that speak PostgreSQL's protocol and lack some of its statements
 */
export function statementsOf(dialect: SqlDialect, portable = false) {
  return {
    dialect,
    portable,
    schema: schema(dialect, portable),
    ...rowReads(dialect),
    journal: journal(dialect),
    heads: statement(dialect, 'heads', headsText(dialect)),
    dueNamespaces: statement(dialect, 'due_namespaces', dueNamespacesText(dialect, portable)),
    ...transaction(dialect, portable),
    ...headsOf(dialect, portable),
    ...adoptionOf(dialect),
    ...writesOf(dialect, portable),
    ...notices(dialect),
    ...failedHooks(dialect),
  };
}

/** Runs before any other statement: the store refuses another layout or encoding. `file` identifies the file on SQLite. */
const schema = (dialect: SqlDialect, portable: boolean) =>
  statement(
    dialect,
    'schema',
    dialect === 'postgres'
      ? `select ${serverColumns(dialect)}, current_setting('server_encoding') as encoding${portable ? `, ${BYTE_ORDER}` : ''}`
      : `select ${serverColumns(dialect)}, (select encoding from pragma_encoding) as encoding, (select file from pragma_database_list where name = 'main') as file`,
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
    /** See {@link contextText}. */
    context: statement(dialect, 'context', contextText(dialect)),
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
    `select s.*, h.seq as head_seq, h.hash as head_hash, h.start_seq, h.start_hash, h.moved, ${columns('e', ENTRY)}
from (select ${serverColumns(dialect)}) as s left join jit_heads as h on h.namespace = $1
left join (select * from jit_journal where namespace = $1 and seq > $2 order by seq limit $3) as e on true
order by e.seq`,
  );

/** The statements that begin and end a commit's transaction. */
function transaction(dialect: SqlDialect, portable: boolean) {
  const postgres = dialect === 'postgres';
  return {
    /**
     * A simple query: outside of a transaction it is one of its own, which began with it and has written nothing. A transaction that has
     * written is always recognised; one that began in the same tick of the server's clock and has not, is not.
     */
    probe: statement(
      dialect,
      'probe',
      postgres
        ? `select now() = statement_timestamp()${portable ? '' : ' and pg_current_xact_id_if_assigned() is null'} as outside`
        : SQLITE_PROBE,
    ),
    /**
     * The first statement of the transaction. It limits three times, in milliseconds: to `lockMs` the wait for a lock, to `ms` each
     * statement and the silence of a transaction that may hold a lock.
     *
     * `enable_seqscan` is off. Otherwise a plan that was cached while a table was small would still scan it when it is large.
     * `jit` is off, too: a scan that remains has such a cost in the plan that a server with LLVM would compile each statement,
     * which takes a second.
     *
     * A portable transaction sets nothing, because some servers refuse each setting. It is correct at each isolation level: its first
     * statement locks the head, or fails.
     */
    begin: (ms: number, lockMs = ms) =>
      statement(
        dialect,
        'begin',
        postgres
          ? portable
            ? 'begin'
            : `begin isolation level read committed; set local lock_timeout = ${lockMs}; set local statement_timeout = ${ms}; set local idle_in_transaction_session_timeout = ${ms}; set local enable_seqscan = off; set local jit = off`
          : 'begin immediate',
      ),
    busyTimeout: postgres
      ? undefined
      : (ms?: number) => statement(dialect, 'busy_timeout', `pragma busy_timeout${ms === undefined ? '' : ` = ${ms}`}`),
    /** A `resilientPool` never sends it: see {@link isClose}. */
    close: postgres ? statement(dialect, 'close', 'select 1') : undefined,
    commit: statement(dialect, 'commit', 'commit'),
    rollback: statement(dialect, 'rollback', 'rollback'),
  };
}

/** The list of the changes that were committed without the store's hook, in the table jit_hooks. */
const failedHooks = (dialect: SqlDialect) => ({
  listHooks: statement(
    dialect,
    'list_hooks',
    besideServer(
      dialect,
      ['change_id', 'seq'],
      'select change_id, seq from jit_hooks where namespace = $1 and seq > $2 order by seq limit $3',
    ),
  ),
  addHook: statement(dialect, 'add_hook', 'insert into jit_hooks (namespace, change_id, seq) values ($1, $2, $3)'),
  /** Answers with a row if it was listed. Of two processes at once, one waits and then finds nothing. */
  takeHook: statement(dialect, 'take_hook', 'delete from jit_hooks where namespace = $1 and change_id = $2 returning seq'),
  entriesOfChange: statement(
    dialect,
    'entries_of_change',
    `select ${ENTRY.join(', ')} from jit_journal where namespace = $1 and change_id = $2 order by seq`,
  ),
});

/**
 * A hint to every listener that the heads of the namespaces in $1 have moved. NOTIFY runs after the commit: inside it, NOTIFY
 * would make the commits of all namespaces wait for each other.
 */
const notices = (dialect: SqlDialect) => ({
  notify: statement(dialect, 'notify', `select pg_notify('jit_access', value) from jsonb_array_elements_text(${given('postgres', 1)})`),
  listen: statement(dialect, 'listen', 'listen jit_access'),
});
