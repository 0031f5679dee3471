/** The number of items in one part. */
const PART = 1_024;

/**
 * A list that grows at its end and shrinks at its front, stored in parts.
 *
 * A plain array is copied whole when it outgrows its memory, and when its front is removed. With a journal of a million
 * entries each copy would block the event loop (L42).
 */
export class LongQueue<T> {
  /** Every part except the last is full. */
  #parts: (T | undefined)[][] = [];
  /** The number of removed items at the front of the first part. */
  #gone = 0;

  push(item: T): void {
    const last = this.#parts.at(-1);
    if (last === undefined || last.length === PART) this.#parts.push([item]);
    else last.push(item);
  }

  /** Returns at most `limit` items, starting at position `from`. Position 0 is the first item that was not dropped. */
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

  /** Removes the first `count` items. @param count at most the number of items: a larger one would hide items pushed later */
  drop(count: number): void {
    const gone = this.#gone + count;
    this.#parts = this.#parts.slice(Math.floor(gone / PART));
    this.#gone = this.#parts.length === 0 ? 0 : gone % PART;
    // Releases the dropped items to the garbage collector.
    this.#parts[0]?.fill(undefined, 0, this.#gone);
  }
}
