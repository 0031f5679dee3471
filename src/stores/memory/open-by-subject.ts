import type { Row } from '../../core/ports.js';
import type { OrderedRows } from './ordered-rows.js';

/** The open rows of one kind, apart for each subject: finding those of one subject doesn't walk those of the others. */
export class OpenBySubject {
  readonly #make: () => OrderedRows;
  readonly #bySubject = new Map<string | undefined, { readonly rows: OrderedRows; count: number }>();

  /** @param make an empty list in the order in which rows are found */
  constructor(make: () => OrderedRows) {
    this.#make = make;
  }

  /** `undefined`: the subject has none. */
  of(subject: string): OrderedRows | undefined {
    return this.#bySubject.get(subject)?.rows;
  }

  add(row: Row): void {
    let own = this.#bySubject.get(row.subject);
    if (own === undefined) this.#bySubject.set(row.subject, (own = { rows: this.#make(), count: 0 }));
    own.count += 1;
    own.rows.add(row);
  }

  /** Of the very row that was added. */
  remove(row: Row): void {
    const own = this.#bySubject.get(row.subject);
    if (own === undefined) return;
    own.count -= 1;
    // A subject that has nothing open any more takes no memory.
    if (own.count === 0) this.#bySubject.delete(row.subject);
    else own.rows.remove(row);
  }
}
