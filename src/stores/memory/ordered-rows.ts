import type { Row } from '../../core/store-port.js';

/**
 * The greatest number of rows in one list.
 *
 * The JavaScript engine grows an array in steps. After a split each half needs one growth step to hold 70 rows; a longer
 * list would need two and waste memory.
 */
const LIST = 70;

/** Which rows `read` returns. */
export interface OrderedPage {
  readonly limit: number;
  /** The greatest number of rows to examine. Default: unlimited. */
  readonly look?: number | undefined;
  /** Whether to read from the last row to the first. Default: false. */
  readonly isBackwards?: boolean | undefined;
  /**
   * True for all rows before a boundary row, and false from there on. Forwards, the page starts at the boundary row;
   * backwards, at the row before it.
   */
  readonly isBehind?: ((row: Row) => boolean) | undefined;
  /** Whether a row, and every row after it, is past the end of the range. */
  readonly isBeyond?: ((row: Row) => boolean) | undefined;
  readonly isWanted?: ((row: Row) => boolean) | undefined;
}

/** A position: the index of a list, and the index of a row in that list. */
interface Place {
  list: number;
  index: number;
}

/**
 * Rows in a fixed order, stored as a sequence of short sorted lists.
 *
 * Adding or removing a row finds its list by binary search and moves only the rows of that list. No write copies, sorts or
 * compacts the whole index (L42). The cost of reading a page grows with the rows returned, not with the rows stored.
 */
export class OrderedRows {
  readonly #before: (a: Row, b: Row) => boolean;
  /** No list is empty, and all rows of a list come before those of the next list. */
  readonly #lists: Row[][] = [];

  /** @param before a total order of the rows held at one time; it must not depend on anything that changes */
  constructor(before: (a: Row, b: Row) => boolean) {
    this.#before = before;
  }

  add(row: Row): void {
    const { list, index } = this.#firstNot((other) => this.#before(other, row));
    const rows = this.#lists[list];
    const last = this.#lists.at(-1);
    if (rows !== undefined) this.#insert(rows, list, index, row);
    // The row comes after all others. A full last list is not split, so rows added in order fill every list.
    else if (last === undefined || last.length === LIST) this.#lists.push([row]);
    else last.push(row);
  }

  /** Removes this row object. Another object with the same key is left in place. */
  remove(row: Row): void {
    const { list, index } = this.#firstNot((other) => this.#before(other, row));
    const rows = this.#lists[list];
    if (rows?.[index] !== row) return;
    rows.splice(index, 1);
    if (rows.length === 0) this.#lists.splice(list, 1);
    this.#join(list);
    this.#join(list - 1);
  }

  get isEmpty(): boolean {
    return this.#lists.length === 0;
  }

  rows(): readonly Row[] {
    return this.#lists.flat();
  }

  /**
   * Reads a page of rows in order.
   *
   * @param others lists to merge with this one
   * @returns `next`: the row after which the following page starts; `undefined` if this is the last page
   */
  read(page: OrderedPage, others: readonly OrderedRows[] = []): { readonly rows: readonly Row[]; readonly next: Row | undefined } {
    const { limit, look = Infinity, isBackwards = false, isBehind, isBeyond, isWanted } = page;
    const cursors = [this, ...others].map((list) => ({ list, place: list.#begin(isBackwards, isBehind) }));
    const rows: Row[] = [];
    let last: Row | undefined;
    for (let looked = 0; ; looked++) {
      let following: Row | undefined;
      let [from] = cursors as [(typeof cursors)[number]];
      for (const cursor of cursors) {
        const row = cursor.list.#at(cursor.place);
        if (row === undefined || (following !== undefined && this.#before(row, following) === isBackwards)) continue;
        following = row;
        from = cursor;
      }
      if (following === undefined || isBeyond?.(following) === true) return { rows, next: undefined };
      if (looked === look) return { rows, next: last };
      if (isWanted === undefined || isWanted(following)) {
        // The page is full. This extra row only shows that there is another page.
        if (rows.length === limit) return { rows, next: rows.at(-1) };
        rows.push(following);
      }
      last = following;
      if (isBackwards) from.list.#retreat(from.place);
      else from.list.#advance(from.place);
    }
  }

  /**
   * @param isBehind forwards: true for the rows before the page. Backwards: true for the rows of the page, and for those after
   *   it in reading order
   */
  #begin(isBackwards: boolean, isBehind: ((row: Row) => boolean) | undefined): Place {
    if (!isBackwards) return isBehind === undefined ? { list: 0, index: 0 } : this.#firstNot(isBehind);
    const place = isBehind === undefined ? { list: this.#lists.length, index: 0 } : this.#firstNot(isBehind);
    this.#retreat(place);
    return place;
  }

  #insert(rows: Row[], list: number, index: number, row: Row): void {
    rows.splice(index, 0, row);
    if (rows.length <= LIST) return;
    const half = rows.length >> 1;
    this.#lists.splice(list, 1, rows.slice(0, half), rows.slice(half));
  }

  /** Merges two short neighbours into one list, so that removing many rows leaves few lists. */
  #join(list: number): void {
    const [rows, next] = [this.#lists[list], this.#lists[list + 1]];
    if (rows === undefined || next === undefined || rows.length + next.length > LIST / 2) return;
    this.#lists.splice(list, 2, [...rows, ...next]);
  }

  /** The place of the first row for which `isPast` is false. It must be true for all rows before that row and for none after it. */
  #firstNot(isPast: (row: Row) => boolean): Place {
    const list = firstNot(this.#lists, (rows) => isPast(rows.at(-1) as Row));
    return { list, index: firstNot(this.#lists[list] ?? [], isPast) };
  }

  #at({ list, index }: Place): Row | undefined {
    return this.#lists[list]?.[index];
  }

  #retreat(place: Place): void {
    place.index -= 1;
    if (place.index >= 0) return;
    place.list -= 1;
    place.index = (this.#lists[place.list]?.length ?? 0) - 1;
  }

  #advance(place: Place): void {
    place.index += 1;
    if (place.index < (this.#lists[place.list] as Row[]).length) return;
    place.list += 1;
    place.index = 0;
  }
}

/** Binary search: the index of the first item for which `isPast` is false, or the length if it is true for all. */
function firstNot<T>(items: readonly T[], isPast: (item: T) => boolean): number {
  let low = 0;
  for (let high = items.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (isPast(items[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
