import type { Page } from '../../core/ports.js';
import type { FindQuery, Row } from '../../core/store-port.js';
import { MAX_LOOK, placeOf, readPlace } from '../../records/index.js';
import type { Columns } from './database.js';
import type { Dialect } from './dialect/dialect.js';
import { besideServer, ROW } from './fragments.js';
import { fromColumn, toColumn } from './order.js';
import { integerOf, rowOf, textOf } from './rows.js';

/** Which conditions a page has. Each combination has its own statement. */
export interface Asked {
  readonly subject: boolean;
  readonly scope: boolean;
  readonly open: boolean | undefined;
  readonly during: boolean;
  readonly order: NonNullable<FindQuery['order']>;
}

const COLUMNS = ROW.join(', ');

export const askedBy = ({ subject, scope, open, during, order = 'oldest' }: FindQuery): Asked => ({
  subject: subject !== undefined,
  scope: scope !== undefined,
  // The order `due` lists only open rows, because a closed row has no `sortAt`.
  open: order === 'due' ? (open ?? true) : open,
  during: during !== undefined,
  order,
});

export const findName = ({ subject, scope, open, during, order }: Asked): string =>
  `find_${order}${subject ? '_subject' : ''}${scope ? '_scope' : ''}${open === undefined ? '' : open ? '_open' : '_closed'}${during ? '_during' : ''}`;

/**
 * Parameters: $1 namespace, $2 kind, $3 and $4 the place after which the page starts, $5 the number of rows. Then, if
 * asked for, come subject, scope, and the window's `until` and `from`.
 *
 * One index has the order of the page. Without a condition on `open`, the statement merges two ranges of that index: the
 * open and the closed rows. Conditions that the index does not cover are applied to at most {@link MAX_LOOK} rows of it.
 * `looked` is the number of those rows. `last_at` and `last_id` are the place of the last one: the next page starts after it.
 */
export function findText(dialect: Dialect, asked: Asked): string {
  const { open, order } = asked;
  const by = order === 'due' ? 'sort_at' : 'created_at';
  const [is, direction, back] = order === 'newest' ? ['<', ' desc', ''] : ['>', '', ' desc'];
  const [indexed, filters] = conditionsOf(asked);
  const inOrder = (from: string, limit: string) =>
    `select ${COLUMNS} from ${from} order by ${by}${direction}, id${direction} limit ${limit}`;
  const limit = filters.length > 0 ? String(MAX_LOOK) : '$5';
  const { at, kind } = order === 'due' && asked.subject ? dialect.dueOfSubject : { at: by, kind: 'kind' };
  const run = (isOpen: string) => {
    // In another form than the column, a missing place would come first.
    const behind = [...(at === by ? [] : [`${at} >= 0`]), `${at} ${is}= $3`, `(${at}, id) ${is} ($3, $4)`];
    const where = ['namespace = $1', `${kind} = $2`, isOpen, ...indexed, ...behind].join(' and ');
    return `select ${COLUMNS} from jit_rows${dialect.indexedBy(`jit_rows_${indexOf(asked)}`)} where ${where} order by ${at}${direction}, id${direction} limit ${limit}`;
  };
  const rows =
    open === undefined
      ? inOrder(`(select * from (${run(dialect.isOpen)}) as a union all select * from (${run(dialect.isClosed)}) as b) as u`, limit)
      : run(open ? dialect.isOpen : dialect.isClosed);
  if (filters.length === 0) return besideServer(dialect, ROW, rows);
  const last = (column: string) => `(select ${column} from seen order by ${by}${back}, id${back} limit 1)`;
  const how = `, (select count(*) from seen) as looked, ${last(by)} as last_at, ${last('id')} as last_id`;
  return `with seen as (${rows}) ${besideServer(dialect, ROW, inOrder(`seen where ${filters.join(' and ')}`, '$5'), how)}`;
}

const indexOf = ({ subject, scope, order }: Asked): string => (subject ? 'subject' : order === 'due' ? 'sort' : scope ? 'scope' : 'kind');

/** Splits the conditions into those that the index answers, and those that are applied to each of its rows. */
function conditionsOf({ subject, scope, during, order }: Asked): readonly [indexed: readonly string[], filters: readonly string[]] {
  let next = 6;
  const indexed: string[] = [];
  const filters: string[] = [];
  if (subject) indexed.push(`subject = $${next++}`);
  if (scope) (subject || order === 'due' ? filters : indexed).push(`scope = $${next++}`);
  if (during) filters.push(`from_at < until_at and from_at < $${next} and until_at > $${next + 1}`);
  return [indexed, filters];
}

/** An instant before all places, and one after them. */
const FIRST = -1;
const BEYOND = 8_640_000_000_000_001;

/** @throws InvalidArgumentError for an `after` that is not a place */
export function findValues(namespace: string, { kind, subject, scope, during, order, after, limit }: FindQuery): readonly unknown[] {
  const { at, id } = after === undefined ? { at: order === 'newest' ? BEYOND : FIRST, id: '' } : readPlace(after);
  return [
    namespace,
    toColumn(kind),
    at,
    toColumn(id),
    Math.min(limit, MAX_LOOK) + 1,
    ...(subject === undefined ? [] : [subject]),
    ...(scope === undefined ? [] : [scope]),
    ...(during === undefined ? [] : [during.until, during.from]),
  ];
}

/**
 * The page, from the rows of the statement. The statement asks for one row more than the page has: that row shows that there
 * is another page.
 *
 * @throws StoreError
 */
export function pageOfFind(found: readonly Columns[], { order = 'oldest', limit }: FindQuery): Page<Row> {
  const page = pageOfRows(found.filter((columns) => columns['kind'] !== null).map(rowOf), limit, order);
  if (page.next !== undefined) return page;
  const [first = {}] = found;
  const isCut = 'looked' in first && integerOf(first, 'looked') === MAX_LOOK;
  return isCut ? { ...page, next: JSON.stringify([integerOf(first, 'last_at'), fromColumn(textOf(first, 'last_id'))]) } : page;
}

/** The page, from rows of which one more was asked for than the page has. */
export function pageOfRows(rows: Row[], limit: number, order: Asked['order'] = 'oldest'): Page<Row> {
  const wanted = Math.min(limit, MAX_LOOK);
  // SQL guarantees no order after a join. Sorting rows that are already in order costs almost nothing.
  const items = rows.sort(inOrder(order)).slice(0, wanted);
  const last = items.at(-1);
  return { items, next: rows.length > wanted && last !== undefined ? placeOf(last, order) : undefined };
}

function inOrder(order: Asked['order']): (a: Row, b: Row) => number {
  const at = (row: Row) => (order === 'due' ? (row.sortAt ?? 0) : row.createdAt);
  const sign = order === 'newest' ? -1 : 1;
  return (a, b) => sign * (at(a) - at(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
