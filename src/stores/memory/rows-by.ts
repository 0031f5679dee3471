import type { Row } from '../../core/store-port.js';
import { OrderedRows } from './ordered-rows.js';

/**
 * Rows in an order, apart for each subject or scope: finding those of one doesn't walk those of the others. A row that is
 * alone, as most are, is kept without a list.
 */
export class RowsBy {
  readonly #make: () => OrderedRows;
  readonly #rows = new Map<string, Row | OrderedRows>();

  /** @param make an empty list in the order in which rows are found */
  constructor(make: () => OrderedRows) {
    this.#make = make;
  }

  of(key: string): OrderedRows {
    const own = this.#rows.get(key);
    if (own instanceof OrderedRows) return own;
    const list = this.#make();
    if (own !== undefined) list.add(own);
    return list;
  }

  add(key: string, row: Row): void {
    const own = this.#rows.get(key);
    if (own === undefined) {
      this.#rows.set(key, row);
      return;
    }
    const list = this.of(key);
    list.add(row);
    this.#rows.set(key, list);
  }

  /** Of the very row that was added. A subject that has nothing left takes no memory. */
  remove(key: string, row: Row): void {
    const own = this.#rows.get(key);
    if (own instanceof OrderedRows) own.remove(row);
    if (own === row || (own instanceof OrderedRows && own.isEmpty)) this.#rows.delete(key);
  }
}
