import type { ContextKey, ContextQuery, StoreContext, SubjectOf } from '../../core/store-port.js';
import { MAX_LOOK } from '../../records/index.js';
import type { Columns } from './database.js';
import type { Dialect } from './dialect/dialect.js';
import { pageOfRows } from './find.js';
import { keyedRows, ROW, serverColumns } from './fragments.js';
import { toColumn } from './order.js';
import { listedRow, listIn } from './rows.js';

/** The rows of each part, as a JSON text. The first has the index of its key before the columns of the row. */
const KEYED = ['i', ...ROW];

/**
 * One statement, so that all parts are from the same instant: on PostgreSQL each statement has one snapshot.
 *
 * Parameters: $1 namespace; $2 a JSON list of keys, each `[kind, id, null, null]`, or `['subject', null, kind, id]` for the subject
 * of the row with that key. $3 the subject of the live rows, or $4 and $5 the key of a row that names it, and $6 the instant. $7 the
 * kind of the open rows, $8 their subject, or $9 and $10 the key of a row that names it, and $11 how many. A part that is not asked
 * for has nulls.
 */
export function contextText(dialect: Dialect): string {
  const subjectOf = (kind: string, id: string) =>
    `(select b.subject from jit_rows as b where b.namespace = $1 and b.kind = ${kind} and b.id = ${id})`;
  const keyed = keyedRows(dialect, dialect.given(2), '$1', ['of_kind', 'of_id'], `coalesce(k.id, ${subjectOf('k.of_kind', 'k.of_id')})`);
  const all = `select r.* from jit_rows as r where r.namespace = $1`;
  const holder = `coalesce($3, ${subjectOf('$4', '$5')})`;
  const live = `${all} and r.live_subject = ${holder} and r.until_at > $6`;
  // Without a subject there is no part that the lock belongs to.
  const lock = `${all} and r.kind = 'lock' and r.id = 'open' and r.${dialect.isOpen} and ${holder} is not null`;
  const open = `select r.* from jit_rows as r${dialect.indexedBy('jit_rows_subject')} where r.namespace = $1 and r.kind = $7 and r.${dialect.isOpen}
  and r.subject = coalesce($8, ${subjectOf('$9', '$10')}) order by r.created_at, r.id limit $11`;
  const part = (name: string, names: readonly string[], from: string) =>
    `(select ${dialect.rowsAsList(names, 'p')} from (${from}) as p) as ${name}`;
  return `select ${part('keyed', KEYED, `select k.i, r.* from ${keyed}`)},
${part('live', ROW, `${live} union all ${lock}`)},
${part('open', ROW, open)}, ${serverColumns(dialect)}`;
}

/**
 * @param ids the id of the row for each key, as its column stores it, if the store knows it already. Default: the database resolves
 *   `{ subjectOf }`
 */
export function contextValues(
  namespace: string,
  { keys, live, open }: ContextQuery,
  ids: readonly (string | undefined)[],
): readonly unknown[] {
  const keyOf = (key: ContextKey, i: number) => {
    if (!('subjectOf' in key)) return [toColumn(key.kind), toColumn(key.id), null, null];
    return ['subject', ids[i] ?? null, toColumn(key.subjectOf.kind), toColumn(key.subjectOf.id)];
  };
  return [
    namespace,
    JSON.stringify(keys.map(keyOf)),
    ...named(live?.subject),
    live?.at ?? null,
    open === undefined ? null : toColumn(open.kind),
    ...named(open?.subject),
    open === undefined ? 0 : Math.min(open.limit, MAX_LOOK) + 1,
  ];
}

const named = (subject: string | SubjectOf | undefined): readonly (string | null)[] =>
  typeof subject === 'object' ? [null, toColumn(subject.subjectOf.kind), toColumn(subject.subjectOf.id)] : [subject ?? null, null, null];

/** @throws StoreError */
export function contextOf(columns: Columns | undefined, { keys, open }: ContextQuery): StoreContext {
  const listed = (name: string) => (columns === undefined ? [] : listIn(columns, name)) as readonly (readonly unknown[])[];
  const byKey = new Map(listed('keyed').map(([i, ...row]) => [i, listedRow(row)]));
  return {
    rows: keys.map((_, i) => byKey.get(i)),
    live: listed('live').map(listedRow),
    open: open === undefined ? { items: [], next: undefined } : pageOfRows(listed('open').map(listedRow), open.limit),
  };
}

/**
 * The id, as its column stores it, of the row for each `{ subjectOf }` whose subject has another text in that column: see
 * {@link toColumn}. The database cannot make that text. The statement finds no row, and the store asks again with the text.
 */
export const columnsOfSubjects = ({ keys }: ContextQuery, { rows }: StoreContext): readonly (string | undefined)[] =>
  keys.map((key) => {
    if (!('subjectOf' in key)) return undefined;
    const { kind, id } = key.subjectOf;
    const subject = rows.find((row) => row?.kind === kind && row.id === id)?.subject;
    const column = subject && toColumn(subject);
    return column === subject ? undefined : column;
  });
