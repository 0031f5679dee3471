import { adoptionOf } from './adoption.js';
import { contextText } from './context.js';
import type { Dialect } from './dialect/dialect.js';
import { findName, findText, type Asked } from './find.js';
import { besideServer, columns, ENTRY, keyedRows, ROW, serverColumns } from './fragments.js';
import { headsOf } from './locked-heads.js';
import { MAX_NAMESPACES } from '../../core/namespaces.js';
import { writesOf } from './writes.js';

/** The columns of a row that a check reads, in this order. The query itself fixes the others: namespace, subject and open. */
const LIVE = ['kind', 'id', 'version', 'scope', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'body'];

export type Statements = ReturnType<typeof statementsOf>;

/**
 * All statements that a store sends. Values are parameters, and a list is one JSON parameter. So the text of a statement and
 * a commit's number of round trips do not depend on the number of rows.
 */
export function statementsOf(dialect: Dialect) {
  const { statement } = dialect;
  return {
    dialect,
    schema: statement('schema', dialect.schema()),
    ...rowReads(dialect),
    journal: journal(dialect),
    heads: statement('heads', besideServer(dialect, ['i', 'seq', 'hash', 'moved'], dialect.heads())),
    dueNamespaces: statement('due_namespaces', dueNamespacesText(dialect)),
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
  const { statement } = dialect;
  const live = liveText(dialect);
  return {
    get: statement(
      'get',
      besideServer(dialect, ['i', ...ROW], `select k.i, ${columns('r', ROW)} from ${keyedRows(dialect, dialect.given(2), '$1')}`),
    ),
    live: statement('live', live),
    liveOn: statement('live_on', `${live} and scope = $4`),
    /** Rows after the place ($2, $3, $4) that are due by $5, in the order of the index jit_rows_due. */
    due: statement(
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
    context: statement('context', contextText(dialect)),
    /** See {@link findText}. */
    find: (asked: Asked) => statement(findName(asked), findText(dialect, asked)),
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
function transaction({ statement, probe, probeBegins, begin, rollbackTells, busyTimeout, close }: Dialect) {
  return {
    probe: statement('probe', probe),
    probeBegins,
    rollbackTells,
    begin: (ms: number, lockMs = ms) => statement('begin', begin(ms, lockMs)),
    busyTimeout: busyTimeout && ((ms?: number) => statement('busy_timeout', busyTimeout(ms))),
    /** A `resilientPool` never sends it: see {@link isClose}. */
    close: close === undefined ? undefined : statement('close', close),
    commit: statement('commit', 'commit'),
    rollback: statement('rollback', 'rollback'),
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

/**
 * At most $3 namespaces that come after $1 and have a row due by $2. The cost of a page does not depend on the number of rows in a
 * namespace.
 */
function dueNamespacesText(dialect: Dialect): string {
  const page = 'select namespace from n where due_at <= $2 order by namespace limit $3';
  // `looked` is the number of namespaces examined, due or not, and `last` the last of them: a page that is cut off continues there.
  const how = ', (select max(looked) from n) as looked, (select namespace from n order by looked desc limit 1) as last';
  return `with recursive ${dialect.namespaces(MAX_NAMESPACES)}
${besideServer(dialect, ['namespace'], page, how)}`;
}

/** A hint to every listener that the heads of the namespaces in $1 have moved. */
const listening = ({ listening, statement }: Dialect) =>
  listening && { notify: statement('notify', listening.notify), listen: statement('listen', listening.listen) };
