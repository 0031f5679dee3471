import type { Tables } from './dialect/dialect.js';

/**
 * The greatest instant of a JavaScript `Date`, and the greatest safe integer. Columns hold nothing greater, because
 * JavaScript would round it.
 */
const LAST_INSTANT = '8640000000000000';
const LAST_INTEGER = '9007199254740991';

/**
 * The statements that create the tables of layout 1.
 *
 * - Instants are integers of epoch milliseconds. A CHECK bounds each of them, because SQLite would also store a text, or a
 *   number that JavaScript rounds.
 * - Text compares byte by byte: COLLATE "C", or SQLite's BINARY. Portable tables name no collation, because the database has it.
 * - `body` and `data` are text, so that JSON is read back unchanged: no number is rounded and no key is moved.
 */
export function schemaOf(tables: Tables): readonly string[] {
  const { integer, strict, always } = tables;
  const columns = columnsOf(tables);
  return [
    rowTable(columns),
    ...rowIndexes(tables),
    journalTable(columns),
    // With this index, one look-up says whether a change was applied.
    `create index jit_journal_change on jit_journal (namespace, change_id)${always('where', 'change_id')}`,
    headTable(columns),
    hookTable(columns),
    accessView(tables),
    // The two numbers of the layout. Every answer and every commit compares them.
    `create table jit_schema (version ${integer} not null, readable_from ${integer} not null)${strict}`,
    `insert into jit_schema (version, readable_from) values (1, 1)`,
  ];
}

type Columns = ReturnType<typeof columnsOf>;

/** The checks limit the values of columns to what JavaScript represents exactly. */
function columnsOf(tables: Tables) {
  const { text, integer } = tables;
  return {
    ...tables,
    instant: (column: string, rule = '') => `${column} ${integer}${rule} check (${column} between 0 and ${LAST_INSTANT})`,
    count: (column: string, from = 0) => `${column} ${integer} not null check (${column} between ${from} and ${LAST_INTEGER})`,
    hash: (column: string) => `${column} ${text} not null check (length(${column}) = 64)`,
  };
}

/**
 * One row for each record, with its newest version only: a write replaces the row that has its primary key. `layout` is that of the
 * process that wrote it, so that a contract finds the rows of older ones. It lies in the padding after `open` and takes no space.
 */
function rowTable({ dialect, text, small, strict, flag, generated, isJson, instant, count }: Columns): string {
  const isLive = `${dialect.isOpen} and kind in ('grant', 'usage')`;
  return `create table jit_rows (
  namespace ${text} not null,
  kind ${text} not null,
  id ${text} not null,
  ${count('version', 1)},
  subject ${text},
  scope ${text},
  open ${flag},
  layout ${small} not null default 1,
  ${instant('created_at', ' not null')},
  ${instant('from_at')},
  ${instant('until_at')},
  ${instant('due_at')},
  ${instant('sort_at')},
  body ${text} not null check (${isJson('body')}),
  live_subject ${text} generated always as (case when ${isLive} then subject end) ${generated},
  primary key (namespace, kind, id)
)${strict}`;
}

function rowIndexes({ dialect, always }: Tables): readonly string[] {
  return [
    // A check reads only this index, so its cost does not depend on how many grants exist. No other index has the column
    // `live_subject`. Otherwise a planner could pick an index with every row that the subject ever had.
    `create index jit_rows_live on jit_rows (namespace, live_subject, scope, until_at) where live_subject is not null`,
    // A sweep reads only this index, so its cost grows with the due rows.
    `create index jit_rows_due on jit_rows (namespace, due_at, kind, id) where due_at is not null`,
    // The orders of `find`: by creation, for a kind, a subject and a scope, with open and closed rows apart; and by
    // `sort_at`, for the open rows of a kind. Without statistics, PostgreSQL rates all indexes on a namespace alike. So each
    // has a condition, which keeps it from queries that do not name its columns.
    `create index jit_rows_kind on jit_rows (namespace, kind, open, created_at, id)${always('where', 'created_at')}`,
    `create index jit_rows_subject on jit_rows (namespace, subject, open, kind, created_at, id) where subject is not null`,
    `create index jit_rows_scope on jit_rows (namespace, scope, kind, open, created_at, id) where scope is not null${always('and', 'created_at')}`,
    `create index jit_rows_sort on jit_rows (namespace, kind, sort_at, id) where ${dialect.isOpen} and sort_at is not null`,
  ];
}

/** Append-only, except for purge. The primary key prevents two commits from using the same seq. */
const journalTable = ({ text, strict, isJson, instant, count, hash }: Columns): string => `create table jit_journal (
  namespace ${text} not null,
  ${count('seq', 1)},
  change_id ${text} not null,
  ${count('v', 1)},
  id ${text} not null,
  type ${text} not null,
  ${instant('at', ' not null')},
  actor ${text} not null,
  request_id ${text},
  grant_id ${text},
  data ${text} not null check (${isJson('data')}),
  ${hash('digest')},
  ${hash('prev_hash')},
  ${hash('hash')},
  primary key (namespace, seq)
)${strict}`;

/**
 * A commit locks this row, so commits to a namespace are serial and sequence numbers have no gap.
 *
 * - `revision`: each commit that writes increments it. So `select count(*), sum(revision) from jit_heads` differs after a commit to any
 *   namespace, and one question can say for all of them that nothing is new.
 * - `moved`: null while the namespace is here. The place to which it has moved, or the empty text while it is still arriving: every
 *   commit, `journal` and `heads` refuse it then.
 */
const headTable = ({ text, strict, count, hash }: Columns): string => `create table jit_heads (
  namespace ${text} not null primary key,
  ${count('revision')},
  ${count('seq')},
  ${hash('hash')},
  ${count('start_seq')},
  ${hash('start_hash')},
  moved ${text}
)${strict}`;

/** The changes that were committed without the store's `onCommit`, until it is called for them. */
const hookTable = ({ text, strict, count }: Columns): string => `create table jit_hooks (
  namespace ${text} not null,
  change_id ${text} not null,
  ${count('seq', 1)},
  primary key (namespace, change_id)
)${strict}`;

/** Requests and grants, readable with plain SQL. `with` makes the view read-only on PostgreSQL; on SQLite every view is read-only. */
function accessView({ field, char, time }: Tables): string {
  // Removes the prefix with which a column keeps the order of ids (`toColumn`).
  const plain = (column: string) => `replace(${column}, ${char}(1114111), '')`;
  return `create view jit_access as
with kept as (select * from jit_rows where kind in ('request', 'grant'))
select
  ${plain('namespace')} as namespace,
  kind,
  ${plain('id')} as id,
  ${field('requestId')} as request_id,
  subject,
  coalesce(scope, ${field('scopes')}) as scope,
  open,
  ${field('end.status')} as ended,
  ${field('end.cause')} as ended_by,
  ${time('from_at')} as held_from,
  ${time('until_at')} as held_until,
  ${field('requestedBy')} as requested_by,
  ${field('justification')} as justification,
  ${field('ticket')} as ticket,
  version
from kept`;
}
