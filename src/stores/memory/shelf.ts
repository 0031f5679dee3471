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
    // The id stays listed, as a hole. Holes go when they are the greater part: else a shelf that rows pass through, and
    // that nobody reads, would keep the id of each of them.
    this.#rows.delete(id);
    if (this.#sorted.length + this.#waiting.length > 2 * this.#rows.size + 64) this.#dropHoles();
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
    if (this.#waiting.length === 0) return;
    this.#dropHoles();
    // The default order of strings is that of their UTF-16 code units.
    this.#sorted = this.#sorted.concat(this.#waiting).sort();
    this.#waiting = [];
  }

  /** Afterwards each id is listed once. One that came back after its removal may have been listed in both places. */
  #dropHoles(): void {
    const sorted = new Set(this.#sorted.filter((id) => this.#rows.has(id)));
    const waiting = new Set(this.#waiting.filter((id) => this.#rows.has(id) && !sorted.has(id)));
    this.#sorted = [...sorted];
    this.#waiting = [...waiting];
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
