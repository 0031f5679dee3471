import type { SqlDialect } from './database.js';
import { findName, findText, type Asked } from './find.js';

/** A statement as the driver takes it. */
export interface Statement {
  /** Unique among this package's statements and their versions: a named prepared statement is kept under it. */
  readonly name: string;
  readonly text: string;
  /** SQLite's `?` have no numbers: which value each of them stands for. `undefined`: they are numbered in the text. */
  readonly order: readonly number[] | undefined;
}

/** The columns of `jit_rows`, in the order in which they are read and written. */
const ROW = ['kind', 'id', 'version', 'subject', 'scope', 'open', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'body'];
const ENTRY = ['seq', 'change_id', 'v', 'id', 'type', 'at', 'actor', 'request_id', 'grant_id', 'data', 'digest', 'prev_hash', 'hash'];
/** Those that no JSON text can be compared with. */
const INTEGERS = new Set(['version', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'seq', 'v', 'at']);

/** What a check needs of a row beyond what it asked by, in the order in which it is read. */
const LIVE = ['kind', 'id', 'version', 'scope', 'created_at', 'from_at', 'until_at', 'due_at', 'sort_at', 'body'];

/** The columns of a row as one JSON list, made by the database. The body stands in it as it was kept: no number rounded, no key moved. */
function listOf(postgres: boolean, names: readonly string[]): string {
  if (postgres) return `json_build_array(${names.map((name) => (name === 'body' ? 'r.body::json' : `r.${name}`)).join(', ')})`;
  const asJson = (name: string) =>
    name === 'body'
      ? 'r.body'
      : name === 'version'
        ? 'r.version'
        : name.endsWith('_at')
          ? `ifnull(r.${name}, 'null')`
          : `json_quote(r.${name})`;
  return `'[' || ${names.map(asJson).join(` || ',' || `)} || ']'`;
}

/** The lists of the live rows as one. */
const liveRows = (postgres: boolean): string =>
  postgres ? `json_agg(${listOf(postgres, LIVE)})::text` : `'[' || group_concat(${listOf(postgres, LIVE)}) || ']'`;

/** The text, with its name in front: so a pool that sees only texts knows which to prepare, and whoever watches the server whose it is. */
const named = (name: string, text: string): string => `/* ${name} */ ${text}`;

/** The name in a text of this package; `undefined`: it is somebody else's. */
export const nameIn = (text: string): string | undefined => /^\/\* (jit_access_\w+) \*\/ /.exec(text)?.[1];

const columns = (of: string, names: readonly string[]) => names.map((name) => `${of}.${name}`).join(', ');

/** One part of what a batch writes, and its values. */
export interface WritePart {
  readonly part: 'remove' | 'put' | 'append' | 'trim' | 'head';
  readonly values: readonly unknown[];
}

export type Statements = ReturnType<typeof statementsOf>;

/**
 * All that a store ever says to a database. Values are parameters; lists travel as one JSON parameter, so that a
 * statement's text is one for any number of rows, and a commit's trips are as many.
 *
 * @param dialect where the two differ, each difference is a name here
 */
export function statementsOf(dialect: SqlDialect) {
  const postgres = dialect === 'postgres';
  const isOpen = postgres ? 'open' : 'open = 1';

  const statement = (name: string, text: string): Statement => {
    if (postgres) return { name: `jit_access_1_${name}`, text: named(`jit_access_1_${name}`, text), order: undefined };
    const order: number[] = [];
    return { name, text: text.replace(/\$(\d+)/g, (_, n: string) => (order.push(Number(n) - 1), '?')), order };
  };

  /** The JSON list of lists in parameter `n`, as a table. */
  const table = (n: number, names: readonly string[]) => {
    const cast = (name: string) => (name === 'open' ? '::boolean' : INTEGERS.has(name) ? '::bigint' : '');
    const fields = names.map((name, i) => (postgres ? `(value ->> ${i})${cast(name)} as ${name}` : `value ->> ${i} as ${name}`)).join(', ');
    return postgres
      ? `(select ordinality - 1 as i, ${fields} from jsonb_array_elements($${n}::jsonb) with ordinality)`
      : `(select key as i, ${fields} from json_each($${n}))`;
  };
  /**
   * The rows of the namespace `$1` under the keys of parameter `n`. Each key is looked up by itself: SQLite's cross join keeps
   * the keys outside, and PostgreSQL cannot merge a subquery that has a limit into a join. Without statistics, PostgreSQL
   * would join the keys with the whole namespace, so a commit would cost as much as the namespace holds rows.
   */
  const keyed = (n: number) => {
    const keys = `${table(n, ['kind', 'id'])} as k cross join`;
    const isKey = 'r.namespace = $1 and r.kind = k.kind and r.id = k.id';
    const place = 'r.tableoid as home, r.ctid as place';
    return postgres
      ? `${keys} lateral (select ${place}, r.* from jit_rows as r where ${isKey} limit 1) as r`
      : `${keys} jit_rows as r on ${isKey}`;
  };
  /** PostgreSQL answers an array from an index, for each of its members; it would join a subquery with the whole namespace. */
  const isOneOf = (column: string, n: number, type = '') =>
    postgres
      ? `${column} = any(array(select value${type} from jsonb_array_elements_text($${n}::jsonb)))`
      : `${column} in (select value from json_each($${n}))`;
  const jsonList = (item: string, from: string) =>
    postgres ? `(select json_agg(${item})::text from ${from})` : `(select json_group_array(${item}) from ${from})`;
  const list = (...values: readonly string[]) => `${postgres ? 'json_build_array' : 'json_array'}(${values.join(', ')})`;

  /**
   * What every answer says of the server that gives it, so that no question of its own is needed and a pooler makes no
   * difference: the schema's version, and on PostgreSQL whether it is a standby.
   */
  const server = `(select max(version) from jit_schema) as schema_version${postgres ? ', pg_is_in_recovery() as standby' : ''}`;
  /** At least one line: where nothing was found, the server's columns are alone in it, and the others are null. */
  const withServer = (names: readonly string[], from: string, more = '') =>
    `select s.*, ${columns('f', names)} from (select ${server}${more}) as s left join (${from}) as f on true`;

  /** The open row of the namespace's locks, which every check brings along: one look-up by its key. */
  const lock = `(select ${listOf(postgres, [...LIVE, 'subject'])}${postgres ? '::text' : ''} from jit_rows as r
  where namespace = $1 and kind = 'lock' and id = 'open' and ${isOpen})`;
  /**
   * A check: open rows that can allow, and no others, for the index jit_rows_live holds no others. They come as one text,
   * which costs a driver less than so many columns: a list of lists, null where there are none.
   */
  const live = `select ${liveRows(postgres)} as found, ${lock} as lock, ${server} from jit_rows as r
where namespace = $1 and live_subject = $2 and until_at > $3`;

  const write: Readonly<Record<WritePart['part'], (n: number) => string>> = {
    remove: (n) =>
      postgres
        ? // By place: a join by key would read the whole namespace. The table's oid tells the partitions of a partitioned table apart.
          `delete from jit_rows as r using (select home, place from ${keyed(n)}) as k where r.tableoid = k.home and r.ctid = k.place`
        : `delete from jit_rows where rowid in (select r.rowid from ${keyed(n)})`,
    /** Whole rows: nothing is left of the one before. */
    put: (n) =>
      `insert into jit_rows (namespace, ${ROW.join(', ')}) select $1, ${columns('k', ROW)} from ${table(n, ROW)} as k where true
on conflict (namespace, kind, id) do update set ${ROW.slice(2)
        .map((name) => `${name} = excluded.${name}`)
        .join(', ')}`,
    append: (n) =>
      `insert into jit_journal (namespace, ${ENTRY.join(', ')}) select $1, ${columns('k', ENTRY)} from ${table(n, ENTRY)} as k`,
    /** What is trimmed was there before this batch: entries that it would trim at once are never inserted. */
    trim: (n) => `delete from jit_journal where namespace = $1 and seq <= $${n}`,
    /** Every commit counts up the revision, so that whoever waited for the head can tell that its view is old. */
    head: (n) =>
      `update jit_heads set revision = revision + 1, seq = $${n}, hash = $${n + 1}, start_seq = $${n + 2}, start_hash = $${n + 3} where namespace = $1`,
  };

  return {
    dialect,
    /** What the schema is: nothing is read or written before it is known. */
    schema: statement(
      'schema',
      postgres
        ? `select version, current_setting('server_encoding') as encoding from jit_schema`
        : `select version, (select encoding from pragma_encoding) as encoding, (select file from pragma_database_list where name = 'main') as file from jit_schema`,
    ),
    get: statement('get', withServer(['i', ...ROW], `select k.i, ${columns('r', ROW)} from ${keyed(2)}`)),
    live: statement('live', live),
    liveOn: statement('live_on', `${live} and scope = $4`),
    /** Behind the place ($2, $3, $4), up to $5, in the order of the index jit_rows_due. */
    due: statement(
      'due',
      withServer(
        ROW,
        `select ${columns('r', ROW)} from jit_rows as r
where namespace = $1 and due_at is not null and due_at <= $5 and (due_at, kind, id) > ($2, $3, $4)
order by due_at, kind, id limit $6`,
      ),
    ),
    /** See {@link findText}. */
    find: (asked: Asked) => statement(findName(asked), findText(dialect, asked, withServer)),
    /** The head, the start and a page belong to one instant: they are one statement. */
    journal: statement(
      'journal',
      `select s.*, h.seq as head_seq, h.hash as head_hash, h.start_seq, h.start_hash, ${columns('e', ENTRY)}
from (select ${server}) as s left join jit_heads as h on h.namespace = $1
left join (select * from jit_journal where namespace = $1 and seq > $2 order by seq limit $3) as e on true
order by e.seq`,
    ),

    /**
     * The first trip of a commit: the server waits for no lock longer than `ms`, and ends the transaction of a holder that is
     * silent for so long. A plan that PostgreSQL made and kept while a table was small must not scan it when it has grown.
     */
    begin: (ms: number) =>
      statement(
        'begin',
        postgres
          ? `begin isolation level read committed; set local lock_timeout = ${ms}; set local statement_timeout = ${ms}; set local idle_in_transaction_session_timeout = ${ms}; set local enable_seqscan = off`
          : 'begin immediate',
      ),
    busyTimeout: postgres
      ? undefined
      : (ms?: number) => statement('busy_timeout', `pragma busy_timeout${ms === undefined ? '' : ` = ${ms}`}`),
    commit: statement('commit', 'commit'),
    rollback: statement('rollback', 'rollback'),
    /** A namespace's first commit. Two at once: one waits, and finds what the other made. */
    found: statement(
      'found',
      `insert into jit_heads (namespace, revision, seq, hash, start_seq, start_hash) values ($1, 0, 0, $2, 0, $2)
on conflict (namespace) do nothing`,
    ),
    /**
     * Takes the head, which makes commits to a namespace serial, and reads all that the changes are judged by: the version
     * and the instant of creation of each record that they rely on ($2), which of them ($3) have been applied already, and the
     * hashes of the entries that their callers know ($4).
     *
     * On PostgreSQL a statement that had to wait for the head still sees the other tables as they were before it waited.
     * `seen` is the revision of that view: if it isn't the head's, the statement is to be repeated, now that the head is held.
     */
    hold: statement(
      'hold',
      `${postgres ? 'with h as materialized (select * from jit_heads where namespace = $1 for update)' : 'with h as (select * from jit_heads where namespace = $1)'}
select ${server}, h.revision, h.seq, h.hash, h.start_seq, h.start_hash,
  (select revision from jit_heads where namespace = $1) as seen,
  ${jsonList(list('k.i', 'r.version', 'r.created_at'), keyed(2))} as kept,
  ${jsonList(list('e.seq', 'e.hash'), `jit_journal as e where e.namespace = $1 and ${isOneOf('e.seq', 4, '::bigint')}`)} as hashes,
  ${jsonList('j.change_id', `(select distinct change_id from jit_journal where namespace = $1 and ${isOneOf('change_id', 3)}) as j`)} as applied
from h`,
    ),
    /** The link that a purge keeps as the journal's start. */
    hashAt: statement('hash_at', 'select hash from jit_journal where namespace = $1 and seq = $2'),
    /**
     * What a batch writes: on PostgreSQL one statement, one trip; no two parts touch one row, so their order means nothing.
     *
     * @param parts with their values, which begin at $2; the namespace is $1 of each
     */
    write(namespace: string, parts: readonly WritePart[]): readonly (readonly [Statement, readonly unknown[]])[] {
      if (parts.length === 0) return [];
      if (!postgres) return parts.map(({ part, values }) => [statement(part, write[part](2)), [namespace, ...values]] as const);
      let next = 2;
      const texts = parts.map(({ part, values }) => {
        const text = write[part](next);
        next += values.length;
        return { part, text };
      });
      const before = texts.slice(0, -1).map(({ part, text }) => `written_${part} as (${text})`);
      const text = `${before.length > 0 ? `with ${before.join(',\n')}\n` : ''}${texts.at(-1)?.text ?? ''}`;
      return [[statement(parts.map(({ part }) => part).join('_'), text), [namespace, ...parts.flatMap(({ values }) => values)]]];
    },
    /** A hint to whoever listens, in a transaction of its own: NOTIFY makes commits of all namespaces wait for each other. */
    notify: statement('notify', `select pg_notify('jit_access', $1)`),
    listen: statement('listen', 'listen jit_access'),
  };
}
