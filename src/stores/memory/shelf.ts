import type { Page, Row } from '../../ports.js';

/**
 * Rows of one kind, in the order of their ids.
 *
 * New ids wait unsorted and are merged in when somebody asks for a page, so writing costs nothing and reading a page
 * after many writes costs one sort.
 */
export class Shelf {
  readonly #rows = new Map<string, Row>();
  #sorted: string[] = [];
  #waiting: string[] = [];

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  set(row: Row): void {
    if (!this.#rows.has(row.id)) this.#waiting.push(row.id);
    this.#rows.set(row.id, row);
  }

  delete(id: string): void {
    // The id stays in the sorted list as a hole until the next merge that finds many of them.
    this.#rows.delete(id);
  }

  /** At most `limit` rows that `wanted` accepts, behind the id `after`. */
  page(after: string | undefined, limit: number, wanted: (row: Row) => boolean): Page<Row> {
    this.#merge();
    const items: Row[] = [];
    for (let i = after === undefined ? 0 : this.#firstBehind(after); i < this.#sorted.length; i++) {
      const row = this.#rows.get(this.#sorted[i] as string);
      if (row === undefined || !wanted(row)) continue;
      if (items.length === limit) return { items, next: items.at(-1)?.id };
      items.push(row);
    }
    return { items, next: undefined };
  }

  #merge(): void {
    if (this.#waiting.length === 0 && this.#sorted.length <= 2 * this.#rows.size) return;
    const ids = new Set([...this.#sorted, ...this.#waiting].filter((id) => this.#rows.has(id)));
    // The default order of strings is that of their UTF-16 code units.
    this.#sorted = [...ids].sort();
    this.#waiting = [];
  }

  #firstBehind(id: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] as string) <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
