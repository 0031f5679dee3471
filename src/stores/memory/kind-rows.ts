import type { Page } from '../../core/ports.js';
import type { FindQuery, Row } from '../../core/store-port.js';
import { MAX_LOOK, placeOf, readPlace } from '../../records/index.js';
import { OrderedRows } from './ordered-rows.js';
import { RowsBy } from './rows-by.js';

/** The open or the closed rows of one kind: in one list of all, and in a list for each subject and for each scope. */
class Half {
  readonly all = inOrderOfCreation();
  /** `undefined` if these rows are not indexed by subject here. */
  readonly bySubject: RowsBy | undefined;
  readonly byScope: RowsBy | undefined;

  constructor(bySubject: boolean, byScope: boolean) {
    this.bySubject = bySubject ? new RowsBy(inOrderOfCreation) : undefined;
    this.byScope = byScope ? new RowsBy(inOrderOfCreation) : undefined;
  }

  change(method: 'add' | 'remove', row: Row): void {
    this.all[method](row);
    if (row.subject !== undefined) this.bySubject?.[method](row.subject, row);
    if (row.scope !== undefined) this.byScope?.[method](row.scope, row);
  }
}

/** The rows of one kind, in the orders of `find`. No page walks the whole history (L42). */
export class KindRows {
  readonly #rows = new Map<string, Row>();
  readonly #open: Half;
  readonly #closed: Half;
  readonly #due = inOrderOfDue();
  readonly #openOf: ((subject: string) => readonly Row[]) | undefined;

  /**
   * @param openOf returns the open rows of a subject from another index. Given for kinds that may have millions of open
   *   rows.
   * @param byScope whether rows are also indexed by scope
   */
  constructor(openOf: ((subject: string) => readonly Row[]) | undefined, byScope: boolean) {
    this.#openOf = openOf;
    this.#open = new Half(openOf === undefined, byScope);
    this.#closed = new Half(true, byScope);
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** Replaces the row of this id; `row` is `undefined` to remove it. */
  replace(id: string, before: Row | undefined, row: Row | undefined): void {
    if (row === undefined) this.#rows.delete(id);
    else this.#rows.set(id, row);
    if (before !== undefined) this.#change('remove', before);
    if (row !== undefined) this.#change('add', row);
  }

  find({ subject, scope, open, during, order = 'oldest', after, limit }: FindQuery): Page<Row> {
    const place = after === undefined ? undefined : readPlace(after);
    const at = (row: Row) => (order === 'due' ? (row.sortAt as number) : row.createdAt);
    const isBefore = place && ((row: Row) => at(row) < place.at || (at(row) === place.at && row.id < place.id));
    const isPast = place && ((row: Row) => at(row) < place.at || (at(row) === place.at && row.id <= place.id));
    const isWanted = (row: Row): boolean =>
      (subject === undefined || row.subject === subject) &&
      (scope === undefined || row.scope === scope) &&
      (during === undefined || meets(row, during.from, during.until));
    const [first, ...others] = order === 'due' ? [this.#dueOf(subject, open)] : this.#listsOf(subject, scope, open);
    const ask = { limit, look: MAX_LOOK, isWanted, isBackwards: order === 'newest', isBehind: order === 'newest' ? isBefore : isPast };
    const { rows, next } = (first as OrderedRows).read(ask, others);
    return { items: rows, next: next && placeOf(next, order) };
  }

  #change(method: 'add' | 'remove', row: Row): void {
    (row.open ? this.#open : this.#closed).change(method, row);
    if (isDue(row)) this.#due[method](row);
  }

  #listsOf(subject: string | undefined, scope: string | undefined, open: boolean | undefined): readonly OrderedRows[] {
    const halves = open === undefined ? [this.#open, this.#closed] : [open ? this.#open : this.#closed];
    return halves.map((half) => {
      if (subject !== undefined) return half.bySubject?.of(subject) ?? listOf(this.#openOf?.(subject) ?? [], inOrderOfCreation());
      return (scope === undefined ? undefined : half.byScope?.of(scope)) ?? half.all;
    });
  }

  /** The open rows with a `sortAt`, in that order. For one subject the cost grows only with the open rows of that subject. */
  #dueOf(subject: string | undefined, open: boolean | undefined): OrderedRows {
    if (open === false) return inOrderOfDue();
    if (subject === undefined) return this.#due;
    const own = this.#openOf?.(subject) ?? this.#open.bySubject?.of(subject).rows() ?? [];
    return listOf(own.filter(isDue), inOrderOfDue());
  }
}

const isDue = (row: Row): boolean => row.open && row.sortAt !== undefined;

function listOf(rows: readonly Row[], list: OrderedRows): OrderedRows {
  for (const row of rows) list.add(row);
  return list;
}

function inOrderOfCreation(): OrderedRows {
  return new OrderedRows((a, b) => (a.createdAt === b.createdAt ? a.id < b.id : a.createdAt < b.createdAt));
}

function inOrderOfDue(): OrderedRows {
  return new OrderedRows((a, b) => (a.sortAt === b.sortAt ? a.id < b.id : (a.sortAt as number) < (b.sortAt as number)));
}

const meets = (row: Row, from: number, until: number): boolean =>
  row.from !== undefined && row.until !== undefined && row.from < row.until && row.from < until && from < row.until;
