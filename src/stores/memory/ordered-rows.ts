import type { Row } from '../../ports.js';

/** A sorted list, and from where on it is still looked at. */
interface Run {
  rows: Row[];
  start: number;
}

/**
 * Rows in an order, kept as a few sorted runs, each at least twice as long as the next: adding a row merges short runs
 * now and then, and reading a page looks at the front of each. What is read costs what is returned, not what is stored.
 *
 * A row that was replaced or removed is passed over until a merge drops it, or until such leftovers are the greater part
 * and all are dropped at once.
 */
export class OrderedRows {
  readonly #before: (a: Row, b: Row) => boolean;
  readonly #isCurrent: (row: Row) => boolean;
  #runs: Run[] = [];
  #added = 0;
  #leftovers = 0;

  /** @param isCurrent whether this very row is what the store holds now */
  constructor(before: (a: Row, b: Row) => boolean, isCurrent: (row: Row) => boolean) {
    this.#before = before;
    this.#isCurrent = isCurrent;
  }

  add(row: Row): void {
    this.#added += 1;
    this.#push([row]);
  }

  /** To be called after a row that was added has been replaced or removed. */
  forget(): void {
    this.#leftovers += 1;
    if (this.#leftovers <= this.#added / 2 + 64) return;
    const runs = this.#runs;
    this.#runs = [];
    for (const run of runs) this.#push(run.rows.slice(run.start).filter(this.#isCurrent));
    this.#added -= this.#leftovers;
    this.#leftovers = 0;
  }

  /**
   * The first rows in order, at most `limit`, that are behind what `isPast` and before what `isBeyond` says, and wanted.
   *
   * @param others read together with this one, as if they were one
   */
  read(
    limit: number,
    isPast: (row: Row) => boolean,
    isBeyond: (row: Row) => boolean,
    isWanted: (row: Row) => boolean,
    others: readonly OrderedRows[] = [],
  ): readonly Row[] {
    const heads = [this, ...others].flatMap((rows) => rows.#heads(isPast));
    const found: Row[] = [];
    while (found.length < limit) {
      let least: Run | undefined;
      for (const head of heads) {
        this.#skipLeftovers(head);
        const row = head.rows[head.start];
        if (row !== undefined && (least === undefined || this.#before(row, least.rows[least.start] as Row))) least = head;
      }
      const row = least?.rows[least.start++];
      if (row === undefined || isBeyond(row)) break;
      if (isWanted(row)) found.push(row);
    }
    return found;
  }

  #push(rows: Row[]): void {
    for (let last = this.#runs.at(-1); last !== undefined && last.rows.length - last.start < 2 * rows.length; last = this.#runs.at(-1)) {
      rows = this.#merge(last, rows);
      this.#runs.pop();
    }
    this.#runs.push({ rows, start: 0 });
  }

  /** Merges two runs, without what is a leftover by now. */
  #merge({ rows: a, start }: Run, b: readonly Row[]): Row[] {
    // Of the length that it will have at most: a list that grows keeps room for more, in a run that never does.
    const merged = new Array<Row>(a.length - start + b.length);
    let length = 0;
    for (let i = start, j = 0; i < a.length || j < b.length;) {
      const fromA = j === b.length || (i < a.length && this.#before(a[i] as Row, b[j] as Row));
      const row = (fromA ? a[i++] : b[j++]) as Row;
      if (this.#isCurrent(row)) merged[length++] = row;
    }
    merged.length = length;
    const dropped = a.length + b.length - length;
    this.#added -= dropped;
    this.#leftovers -= dropped;
    return merged;
  }

  #heads(isPast: (row: Row) => boolean): Run[] {
    return this.#runs.map((run) => {
      this.#skipLeftovers(run);
      let low = run.start;
      for (let high = run.rows.length; low < high;) {
        const middle = (low + high) >>> 1;
        if (isPast(run.rows[middle] as Row)) low = middle + 1;
        else high = middle;
      }
      return { rows: run.rows, start: low };
    });
  }

  #skipLeftovers(run: Run): void {
    while (run.start < run.rows.length && !this.#isCurrent(run.rows[run.start] as Row)) run.start += 1;
  }
}
