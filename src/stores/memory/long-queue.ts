/** How many items one part holds. */
const PART = 1_024;

/**
 * A list that grows at its end and shrinks at its front, kept in parts. A plain array is copied as a whole when it outgrows
 * its memory and when its front is cut off; with a journal of a million entries, each copy holds the event loop (L42).
 */
export class LongQueue<T> {
  /** All are full but the last. */
  #parts: (T | undefined)[][] = [];
  /** How many items at the front of the first part are gone. */
  #gone = 0;

  push(item: T): void {
    const last = this.#parts.at(-1);
    if (last === undefined || last.length === PART) this.#parts.push([item]);
    else last.push(item);
  }

  /** At most `limit` items from a position on, counted from what is now the first. */
  slice(from: number, limit: number): T[] {
    const found: T[] = [];
    for (let at = this.#gone + from; found.length < limit; at = PART * (1 + Math.floor(at / PART))) {
      const part = this.#parts[Math.floor(at / PART)];
      if (part === undefined) break;
      const start = at % PART;
      found.push(...(part.slice(start, start + limit - found.length) as T[]));
    }
    return found;
  }

  /** Removes the first `count` items, all if there are not so many. */
  drop(count: number): void {
    const gone = this.#gone + count;
    this.#parts = this.#parts.slice(Math.floor(gone / PART));
    this.#gone = this.#parts.length === 0 ? 0 : gone % PART;
    // Nothing keeps an item that is gone in memory.
    this.#parts[0]?.fill(undefined, 0, this.#gone);
  }
}
