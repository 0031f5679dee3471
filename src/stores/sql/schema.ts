import type { SqlDialect } from './database.js';
import { isOpen } from './fragments.js';

/** The schema that this version of the package knows. */
export const SCHEMA_VERSION = 1;

/** The last instant that JavaScript knows; nothing beyond it is kept, nor anything that a number would round. */
const LAST_INSTANT = '8640000000000000';
const LAST_INTEGER = '9007199254740991';

/**
 * Everything that a store needs, as the statements of the first migration.
 *
 * - Instants are integers of epoch milliseconds; a CHECK bounds each, for SQLite would keep a text there, or a number
 *   that JavaScript rounds.
 * - Text compares byte for byte: COLLATE "C", or SQLite's BINARY.
 * - `body` and `data` are text, so that JSON comes back as it was: no number rounded, no key moved.
 */
export function schemaOf(dialect: SqlDialect): readonly string[] {
  const columns = columnsOf(dialect);
  return [
    rowTable(dialect, columns),
    ...rowIndexes(dialect),
    journalTable(columns),
    // Whether a change has been applied is one read of this index. Its condition always holds: it keeps PostgreSQL, which has no
    // statistics of a young table, from this index where a statement names a seq and no change.
    `create index jit_journal_change on jit_journal (namespace, change_id) where change_id is not null`,
    headTable(columns),
    accessView(dialect),
    // A store asks for it before anything else, and refuses what it doesn't know.
    `create table jit_schema (version ${columns.integer} not null)${columns.strict}`,
    `insert into jit_schema (version) values (${SCHEMA_VERSION})`,
  ];
}

type ColumnTypes = ReturnType<typeof columnsOf>;

/** The types of the columns, and the checks that hold their values to what JavaScript knows. */
function columnsOf(dialect: SqlDialect) {
  const postgres = dialect === 'postgres';
  const text = postgres ? 'text collate "C"' : 'text';
  const integer = postgres ? 'bigint' : 'integer';
  return {
    text,
    integer,
    strict: postgres ? '' : ' strict',
    flag: postgres ? 'boolean not null' : 'integer not null check (open in (0, 1))',
    isJson: (column: string) => (postgres ? `(${column}::json) is not null` : `json_valid(${column})`),
    instant: (column: string, rule = '') => `${column} ${integer}${rule} check (${column} between 0 and ${LAST_INSTANT})`,
    count: (column: string, from = 0) => `${column} ${integer} not null check (${column} between ${from} and ${LAST_INTEGER})`,
    hash: (column: string) => `${column} ${text} not null check (length(${column}) = 64)`,
  };
}

/** One row for each record, newest version only: the key is what "must not exist" is held to. */
function rowTable(dialect: SqlDialect, { text, strict, flag, isJson, instant, count }: ColumnTypes): string {
  const isLive = `${isOpen(dialect)} and kind in ('grant', 'usage')`;
  return `create table jit_rows (
  namespace ${text} not null,
  kind ${text} not null,
  id ${text} not null,
  ${count('version', 1)},
  subject ${text},
  scope ${text},
  open ${flag},
  ${instant('created_at', ' not null')},
  ${instant('from_at')},
  ${instant('until_at')},
  ${instant('due_at')},
  ${instant('sort_at')},
  body ${text} not null check (${isJson('body')}),
  live_subject ${text} generated always as (case when ${isLive} then subject end) ${dialect === 'postgres' ? 'stored' : 'virtual'},
  primary key (namespace, kind, id)
)${strict}`;
}

function rowIndexes(dialect: SqlDialect): readonly string[] {
  const postgres = dialect === 'postgres';
  return [
    // A check is one read of this index, however many grants there are and have been. Its column is in no other: a planner
    // would else take the one that goes through all that the subject has ever had.
    `create index jit_rows_live on jit_rows (namespace, live_subject, scope, until_at) where live_subject is not null`,
    // A sweep is one read of this index: it costs what is due.
    `create index jit_rows_due on jit_rows (namespace, due_at, kind, id) where due_at is not null`,
    // The orders of `find`: those of a kind, of a subject and of a scope by their creation, the open ones apart, and the open
    // ones of a kind by the instant at which they are due for people. Without statistics every index on a namespace looks
    // alike to PostgreSQL: each condition, which always holds, keeps its index from questions that do not name its columns.
    `create index jit_rows_kind on jit_rows (namespace, kind, open, created_at, id)${postgres ? ' where created_at is not null' : ''}`,
    `create index jit_rows_subject on jit_rows (namespace, subject, open, kind, created_at, id) where subject is not null`,
    `create index jit_rows_scope on jit_rows (namespace, scope, kind, open, created_at, id) where scope is not null${postgres ? ' and created_at is not null' : ''}`,
    `create index jit_rows_sort on jit_rows (namespace, kind, sort_at, id) where ${isOpen(dialect)} and sort_at is not null`,
  ];
}

/** Append-only, but for a purge. The key keeps two commits from taking one number. */
const journalTable = ({ text, strict, isJson, instant, count, hash }: ColumnTypes): string => `create table jit_journal (
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

/** The commit that holds this row holds the namespace: commits are serial, so numbers have no gap. Each counts up the revision. */
const headTable = ({ text, strict, count, hash }: ColumnTypes): string => `create table jit_heads (
  namespace ${text} not null primary key,
  ${count('revision')},
  ${count('seq')},
  ${hash('hash')},
  ${count('start_seq')},
  ${hash('start_hash')}
)${strict}`;

/** Requests and grants for people with plain SQL. Its `with` makes it read-only on PostgreSQL; on SQLite every view is. */
function accessView(dialect: SqlDialect): string {
  const postgres = dialect === 'postgres';
  const field = (path: string) => (postgres ? `body::json #>> '{${path.replaceAll('.', ',')}}'` : `json_extract(body, '$.${path}')`);
  const plain = (column: string) => `replace(${column}, ${postgres ? `U&'\\+10FFFF'` : 'char(1114111)'}, '')`;
  const time = (column: string) =>
    postgres ? `to_timestamp(${column} / 1000.0)` : `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`;
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
