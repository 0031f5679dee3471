import { invalid, readCount, readOptions } from '../../core/parse.js';
import { readInstant } from '../../core/instant.js';
import { nextTurn } from '../../core/turns.js';
import type { MaybePromise, Page } from '../../core/ports.js';
import type { FindQuery, Row, RowOrder } from '../../core/store-port.js';
import { MAX_LOOK, placeOf, readPlace, type AccessRequest, type Grant } from '../../records/index.js';
import type { DecodeAll } from '../../kernel/settings/enforcement.js';
import type { Kernel } from '../../kernel/kernel.js';

/** Selects a page of a list. */
export interface Paging {
  /** The `next` of the previous page. One call reads at most 1,000 records, so a page with a `next` may be short or empty. */
  readonly after?: string | undefined;
  /** The greatest number of records, 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

export type GivenPaging = Partial<Record<keyof Paging, unknown>>;

/**
 * Reads the fields of a query.
 *
 * @param next the place of a later page than that of the query
 * @throws InvalidArgumentError
 */
export function readQuery<Field extends string>(
  query: object,
  fields: readonly (Field | 'after')[],
  next: string | undefined,
): Partial<Record<Field | 'after', unknown>> {
  const given = readOptions<Field | 'after'>('query', query, fields);
  return next === undefined ? given : { ...given, after: next };
}

/** @throws InvalidArgumentError */
export function readPaging({ after, limit = 100 }: GivenPaging): { readonly after: string | undefined; readonly limit: number } {
  const read = readCount('limit', limit, 1, MAX_LOOK);
  if (after !== undefined) readPlace(after);
  return { after: after as string | undefined, limit: read };
}

/** The canonical id of the subject that a query names. @throws InvalidArgumentError */
export const readSubject = ({ settings }: Kernel, subject: unknown): string | undefined =>
  subject === undefined ? undefined : settings.readId('subject', subject);

/** A half-open span of creation: records with `from <= createdAt < to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** @throws InvalidArgumentError */
export function readSpan({ from, to }: { readonly from?: unknown; readonly to?: unknown }): Span {
  const span = {
    from: from === undefined ? 0 : readInstant('from', from),
    to: to === undefined ? Infinity : readInstant('to', to),
  };
  if (span.to <= span.from) throw invalid('to', 'an instant after from', to);
  return span;
}

const ORDERS: readonly unknown[] = ['newest', 'oldest', 'due'] satisfies RowOrder[];

/** @throws InvalidArgumentError */
export function readOrder(order: unknown = 'newest'): RowOrder {
  if (!ORDERS.includes(order)) throw invalid('order', "'newest', 'oldest' or 'due'", order);
  return order as RowOrder;
}

/** A malformed row throws: an answer about the past without that record would be wrong. */
export const decodeStrictly: DecodeAll = (rows, decode) => rows.map(decode);

/** The place before the first row of the span, so that the store looks at no row outside it. `undefined`: the begin of the list. */
function beginOf({ from, to }: Span, order: RowOrder): string | undefined {
  const at = order === 'newest' ? to : from;
  const isBounded = order === 'newest' ? to < Infinity : order === 'oldest' && from > 0;
  return isBounded ? placeOf({ createdAt: at, sortAt: undefined, id: '' }, order) : undefined;
}

const isWithin = ({ createdAt }: Row, { from, to }: Span): boolean => from <= createdAt && createdAt < to;

/** Whether the rows after this one lie beyond the span. */
const isBeyond = ({ createdAt }: Row, { from, to }: Span, order: RowOrder): boolean =>
  order === 'newest' ? createdAt < from : order === 'oldest' && createdAt >= to;

/**
 * A page of the selected records. It stops when it has read 1,000 rows (L42). So a page that is short or empty may still have a
 * `next`.
 */
export async function collect<T extends AccessRequest | Grant, Selected extends T>(
  { ledger }: Kernel,
  { span, order, ...query }: Omit<FindQuery, 'after' | 'limit'> & { readonly span: Span; readonly order: RowOrder },
  paging: GivenPaging,
  decode: (row: Row) => T,
  select: (records: readonly T[]) => MaybePromise<readonly Selected[]>,
): Promise<Page<Selected>> {
  const { after, limit } = readPaging(paging);
  const items: Selected[] = [];
  const places = new Map<string, string>();
  for (let from = after ?? beginOf(span, order), looked = 0; ;) {
    const page = await ledger.find({ ...query, order, after: from, limit: limit + 1 });
    // Decodes first: a malformed row must fail as such.
    const records = decodeStrictly(page.items, decode);
    for (const row of page.items) places.set(row.id, placeOf(row, order));
    items.push(...(await select(records.filter((_, i) => isWithin(page.items[i] as Row, span)))));
    const last = items[limit - 1];
    if (items.length > limit && last !== undefined) return { items: items.slice(0, limit), next: places.get(last.id) };
    // A short page with a `next` means that the store has read its maximum of rows.
    looked += page.items.length > limit ? page.items.length : MAX_LOOK;
    const end = page.items.at(-1);
    const isDone = page.next === undefined || (end !== undefined && isBeyond(end, span, order));
    if (isDone || looked >= MAX_LOOK) return { items, next: isDone ? undefined : page.next };
    from = page.next;
    await nextTurn();
  }
}
