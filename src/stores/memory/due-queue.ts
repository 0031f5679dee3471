import type { Page, Row } from '../../ports.js';
import { Heap } from './heap.js';

/** A place in the order of due rows. */
type Place = readonly [dueAt: number, kind: string, id: string];

/**
 * Rows that time will change, least `dueAt` first. What is read costs what is due, not what is stored.
 *
 * A row that was written again or removed stays in the heap as a leftover; leftovers are dropped when they reach the
 * top, or all at once when they are the greater part.
 */
export class DueQueue {
  readonly #isCurrent: (row: Row) => boolean;
  readonly #heap = new Heap<Row>(rowBefore);
  #current = 0;

  /** @param isCurrent whether this very row is what the store holds now */
  constructor(isCurrent: (row: Row) => boolean) {
    this.#isCurrent = isCurrent;
  }

  add(row: Row): void {
    if (row.dueAt === undefined) return;
    this.#heap.push(row);
    this.#current += 1;
  }

  /** To be called when a row that was added is no longer current. */
  forget(row: Row): void {
    if (row.dueAt === undefined) return;
    this.#current -= 1;
    if (this.#heap.size > 2 * this.#current + 64) this.#heap.retain(this.#isCurrent);
  }

  page(at: number, after: string | undefined, limit: number): Page<Row> {
    const behind = after === undefined ? undefined : (JSON.parse(after) as Place);
    for (let top = this.#heap.at(0); top !== undefined && !this.#isCurrent(top); top = this.#heap.at(0)) this.#heap.pop();
    const items: Row[] = [];
    for (const row of this.#inOrder(at)) {
      if (!this.#isCurrent(row) || (behind !== undefined && !placeBefore(behind, placeOf(row)))) continue;
      if (items.length === limit) return { items, next: JSON.stringify(placeOf(items.at(-1) as Row)) };
      items.push(row);
    }
    return { items, next: undefined };
  }

  /** Walks the heap from its top, least first, without taking anything out: a second heap holds the places to look at next. */
  *#inOrder(at: number): Generator<Row> {
    const heap = this.#heap;
    const rowAt = (i: number) => heap.at(i) as Row;
    const next = new Heap<number>((a, b) => rowBefore(rowAt(a), rowAt(b)));
    const look = (i: number) => {
      if (i < heap.size && (rowAt(i).dueAt as number) <= at) next.push(i);
    };
    look(0);
    for (let i = next.pop(); i !== undefined; i = next.pop()) {
      look(2 * i + 1);
      look(2 * i + 2);
      yield rowAt(i);
    }
  }
}

const placeOf = (row: Row): Place => [row.dueAt as number, row.kind, row.id];

function rowBefore(a: Row, b: Row): boolean {
  return a.dueAt === b.dueAt ? placeBefore(placeOf(a), placeOf(b)) : (a.dueAt as number) < (b.dueAt as number);
}

function placeBefore(a: Place, b: Place): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  return a[1] === b[1] ? a[2] < b[2] : a[1] < b[1];
}
