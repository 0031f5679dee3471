import { adoptionOf } from './adoption.js';
import { contextText } from './context.js';
import type { Dialect } from './dialect/dialect.js';
import { findName, findText, type Asked } from './find.js';
import { besideServer, columns, ENTRY, keyedRows, ROW, serverColumns } from './fragments.js';
import { headsOf } from './locked-heads.js';
import { dueNamespacesText, headsText } from './namespaces.js';
import { writesOf } from './writes.js';

/** The columns of a row that a check reads, in this order. The query itself fixes the others: namespace, subject and open. */
const LIVE = ['kind', 'id', 'version', 'scope', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'body'];

export type Statements = ReturnType<typeof statementsOf>;

/**
 * All statements that a store sends. Values are parameters, and a list is one JSON parameter. So the text of a statement and
 * a commit's number of round trips do not depend on the number of rows.
 */
export function statementsOf(dialect: Dialect) {
  return {
    dialect,
    schema: dialect.statement('schema', dialect.schema()),
    ...rowReads(dialect),
    journal: journal(dialect),
    heads: dialect.statement('heads', headsText(dialect)),
    dueNamespaces: dialect.statement('due_namespaces', dueNamespacesText(dialect)),
    ...transaction(dialect),
    ...headsOf(dialect),
    ...adoptionOf(dialect),
    ...writesOf(dialect),
    listening: listening(dialect),
    ...failedHooks(dialect),
  };
}

/** The reads of rows: by key, for a check, for a sweep, and for lists. */
function rowReads(dialect: Dialect) {
  const live = liveText(dialect);
  return {
    get: dialect.statement(
      'get',
      besideServer(dialect, ['i', ...ROW], `select k.i, ${columns('r', ROW)} from ${keyedRows(dialect, dialect.given(2), '$1')}`),
    ),
    live: dialect.statement('live', live),
    liveOn: dialect.statement('live_on', `${live} and scope = $4`),
    /** Rows after the place ($2, $3, $4) that are due by $5, in the order of the index jit_rows_due. */
    due: dialect.statement(
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
    context: dialect.statement('context', contextText(dialect)),
    /** See {@link findText}. */
    find: (asked: Asked) => dialect.statement(findName(asked), findText(dialect, asked)),
  };
}

/**
 * The read of a check. The index jit_rows_live holds only open rows of grants and their usage. The rows come as one JSON
 * text, a list of lists or null, which is cheaper for a driver than many columns.
 */
function liveText(dialect: Dialect): string {
  /** The row of all open locks of the namespace, which every check needs. It costs one look-up by its key. */
  const lock = `(select ${dialect.rowAsList([...LIVE, 'subject'], 'r')}${dialect.asText} from jit_rows as r
  where namespace = $1 and kind = 'lock' and id = 'open' and ${dialect.isOpen})`;
  return `select ${dialect.rowsAsList(LIVE, 'r')} as found, ${lock} as lock, ${serverColumns(dialect)} from jit_rows as r
where namespace = $1 and live_subject = $2 and until_at > $3`;
}

/** One statement, so that the head, the start and the page are from the same instant. */
const journal = (dialect: Dialect) =>
  dialect.statement(
    'journal',
    `select s.*, h.seq as head_seq, h.hash as head_hash, h.start_seq, h.start_hash, h.moved, ${columns('e', ENTRY)}
from (select ${serverColumns(dialect)}) as s left join jit_heads as h on h.namespace = $1
left join (select * from jit_journal where namespace = $1 and seq > $2 order by seq limit $3) as e on true
order by e.seq`,
  );

/** The statements that begin and end a commit's transaction. */
function transaction(dialect: Dialect) {
  const { busyTimeout, close } = dialect;
  return {
    probe: dialect.statement('probe', dialect.probe),
    begin: (ms: number, lockMs = ms) => dialect.statement('begin', dialect.begin(ms, lockMs)),
    busyTimeout: busyTimeout && ((ms?: number) => dialect.statement('busy_timeout', busyTimeout(ms))),
    /** A `resilientPool` never sends it: see {@link isClose}. */
    close: close === undefined ? undefined : dialect.statement('close', close),
    commit: dialect.statement('commit', 'commit'),
    rollback: dialect.statement('rollback', 'rollback'),
  };
}

/** The list of the changes that were committed without the store's hook, in the table jit_hooks. */
const failedHooks = (dialect: Dialect) => ({
  listHooks: dialect.statement(
    'list_hooks',
    besideServer(
      dialect,
      ['change_id', 'seq'],
      'select change_id, seq from jit_hooks where namespace = $1 and seq > $2 order by seq limit $3',
    ),
  ),
  addHook: dialect.statement('add_hook', 'insert into jit_hooks (namespace, change_id, seq) values ($1, $2, $3)'),
  /** Answers with a row if it was listed. Of two processes at once, one waits and then finds nothing. */
  takeHook: dialect.statement('take_hook', 'delete from jit_hooks where namespace = $1 and change_id = $2 returning seq'),
  entriesOfChange: dialect.statement(
    'entries_of_change',
    `select ${ENTRY.join(', ')} from jit_journal where namespace = $1 and change_id = $2 order by seq`,
  ),
});

/** A hint to every listener that the heads of the namespaces in $1 have moved. */
const listening = ({ listening, statement }: Dialect) =>
  listening && { notify: statement('notify', listening.notify), listen: statement('listen', listening.listen) };
