import type { Row } from '../../core/store-port.js';

/**
 * The most rows of one list. A list that is split in two halves has room for this many again once the engine has made it
 * grow; a longer one would make it grow twice, and keep room that it never fills.
 */
const LIST = 70;

/** Which rows to read. */
export interface OrderedPage {
  readonly limit: number;
  /** How many rows to look at, at most. Default: any number. */
  readonly look?: number | undefined;
  /** From the last row on. Default: from the first. */
  readonly isBackwards?: boolean | undefined;
  /** Says yes to all rows before one, and to none from there on. Forwards, that one is the first; backwards, the one before it. */
  readonly isBehind?: ((row: Row) => boolean) | undefined;
  /** Whether a row, and all that follow, are too far. */
  readonly isBeyond?: ((row: Row) => boolean) | undefined;
  readonly isWanted?: ((row: Row) => boolean) | undefined;
}

/** A place in an index: that of a list, and of a row in it. */
interface Place {
  list: number;
  index: number;
}

/**
 * Rows in an order, kept as short sorted lists one after another. Adding or removing a row finds its list by halving and
 * moves the rows of this list only: no write copies, sorts or cleans up the whole index, however many rows it holds (L42).
 * Reading a page costs what is returned, not what is stored.
 */
export class OrderedRows {
  readonly #before: (a: Row, b: Row) => boolean;
  /** None is empty, and the rows of each come before those of the next. */
  readonly #lists: Row[][] = [];

  /** @param before a total order of the rows that are in here at one time; it depends on nothing that changes */
  constructor(before: (a: Row, b: Row) => boolean) {
    this.#before = before;
  }

  add(row: Row): void {
    const { list, index } = this.#firstNot((other) => this.#before(other, row));
    const rows = this.#lists[list];
    const last = this.#lists.at(-1);
    if (rows !== undefined) this.#insert(rows, list, index, row);
    // Behind all others. A list that is full stays so: rows that come in order leave no list half empty.
    else if (last === undefined || last.length === LIST) this.#lists.push([row]);
    else last.push(row);
  }

  /** Of the very row that was added. */
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
   * A page of rows in order.
   *
   * @param others read together with this one, as if they were one
   * @returns next: the row that the following page begins behind; `undefined`: there is none
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
        // One more than wanted: it only says that there is more.
        if (rows.length === limit) return { rows, next: rows.at(-1) };
        rows.push(following);
      }
      last = following;
      if (isBackwards) from.list.#retreat(from.place);
      else from.list.#advance(from.place);
    }
  }

  /** @param isBehind forwards, whether a row comes before the page; backwards, whether it is on it, or before that in the order */
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

  /** Makes one list of two neighbours that are short, so that many removed rows leave few lists. */
  #join(list: number): void {
    const [rows, next] = [this.#lists[list], this.#lists[list + 1]];
    if (rows === undefined || next === undefined || rows.length + next.length > LIST / 2) return;
    this.#lists.splice(list, 2, [...rows, ...next]);
  }

  /** The place of the first row that `isPast` does not say yes to; it says yes to all rows before one and to none behind it. */
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

/** By halving: the index of the first item that `isPast` does not say yes to; the length where it does so to all. */
function firstNot<T>(items: readonly T[], isPast: (item: T) => boolean): number {
  let low = 0;
  for (let high = items.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (isPast(items[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
