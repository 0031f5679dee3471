/**
 * Numbers in one cell: the pair and its place. A first number of 0 marks an empty cell, so the first number of a pair is
 * stored plus one.
 */
const WIDTH = 3;
const LEAST = 16;

/**
 * Maps pairs of small numbers to places, in one flat hash table with linear probing. A look-up builds no key and reads one
 * stretch of memory.
 */
export class Pairs {
  #cells = new Int32Array(LEAST * WIDTH);
  #room = LEAST;
  #count = 0;

  /** The place of a pair, or -1 if it has none. */
  placeOf(a: number, b: number): number {
    const cell = this.#cellOf(a, b);
    return this.#cells[cell] === 0 ? -1 : (this.#cells[cell + 2] as number);
  }

  /** Adds a pair, which must not have a place yet. */
  add(a: number, b: number, place: number): void {
    // Above four fifths full, probing becomes slow.
    if (this.#count * 5 >= this.#room * 4) this.#grow();
    this.#count += 1;
    this.#write(this.#cellOf(a, b), a + 1, b, place);
  }

  /** Removes a pair, which must have a place. Moves the cells after it into the gap, so that no search stops there too early. */
  remove(a: number, b: number): void {
    this.#count -= 1;
    const cells = this.#cells;
    let gap = this.#cellOf(a, b);
    for (let cell = this.#next(gap); cells[cell] !== 0; cell = this.#next(cell)) {
      const home = this.#homeOf((cells[cell] as number) - 1, cells[cell + 1] as number);
      // The search for this pair starts after the gap, so the pair must not move into it.
      const isBehind = gap <= cell ? gap < home && home <= cell : gap < home || home <= cell;
      if (isBehind) continue;
      cells.copyWithin(gap, cell, cell + WIDTH);
      gap = cell;
    }
    this.#write(gap, 0, 0, 0);
  }

  /** The cell of a pair, or the empty cell where the pair would be stored. */
  #cellOf(a: number, b: number): number {
    const cells = this.#cells;
    let cell = this.#homeOf(a, b);
    while (cells[cell] !== 0 && (cells[cell] !== a + 1 || cells[cell + 1] !== b)) cell = this.#next(cell);
    return cell;
  }

  #homeOf(a: number, b: number): number {
    let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    return Math.floor(((hash >>> 0) / 0x1_0000_0000) * this.#room) * WIDTH;
  }

  #next(cell: number): number {
    return cell + WIDTH === this.#cells.length ? 0 : cell + WIDTH;
  }

  #write(cell: number, first: number, second: number, place: number): void {
    this.#cells[cell] = first;
    this.#cells[cell + 1] = second;
    this.#cells[cell + 2] = place;
  }

  #grow(): void {
    const before = this.#cells;
    this.#room = Math.ceil(this.#room * 1.5);
    this.#cells = new Int32Array(this.#room * WIDTH);
    for (let cell = 0; cell < before.length; cell += WIDTH) {
      const [first, second, place] = [before[cell] as number, before[cell + 1] as number, before[cell + 2] as number];
      if (first !== 0) this.#write(this.#cellOf(first - 1, second), first, second, place);
    }
  }
}
