import type { Row } from '../../core/store-port.js';
import { OrderedRows } from './ordered-rows.js';

/**
 * Rows in an order, grouped by subject or scope. A look-up of one group never walks the rows of another. Most groups have a
 * single row, which is stored without a list.
 */
export class RowsBy {
  readonly #make: () => OrderedRows;
  readonly #rows = new Map<string, Row | OrderedRows>();

  /** @param make returns an empty list in the order of the groups */
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

  /** Removes this row object. An empty group takes no memory. */
  remove(key: string, row: Row): void {
    const own = this.#rows.get(key);
    if (own instanceof OrderedRows) own.remove(row);
    if (own === row || (own instanceof OrderedRows && own.isEmpty)) this.#rows.delete(key);
  }
}
