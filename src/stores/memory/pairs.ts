/** The window `[from, until)` of a pair, in epoch milliseconds. */
interface Window {
  readonly from: number;
  readonly until: number;
}

/*
 * A cell has 24 bytes: the pair (two integers), the end of its window (a float), its place and the length of its window (two
 * integers). A first number of 0 marks an empty cell. These are the offsets, in integers.
 */
const SIZE = 6;
const SECOND = 1;
const END = 2;
const PLACE = 4;
const LENGTH = 5;

/** In place of a length that does not fit in 32 bits: a window of 49.7 days or longer, or one that ends before it starts. */
const NO_LENGTH = 0xffff_ffff;

/**
 * Maps pairs of small numbers, of which the first is not 0, to places and windows, in one flat hash table with linear probing. A
 * look-up builds no key and reads one stretch of memory. The number of cells is a power of two, at least 16.
 *
 * All arithmetic of a look-up is on 32-bit integers: a product that V8 computes as a float would double its time.
 */
export class Pairs {
  #mask = 15;
  #integers = new Int32Array(16 * SIZE);
  #floats = new Float64Array(this.#integers.buffer);
  #count = 0;

  /** The cell of a pair, until the next change. Negative: the pair has none, and would be stored in the empty cell `~find(a, b)`. */
  find(a: number, b: number): number {
    const integers = this.#integers;
    const mask = this.#mask;
    for (let i = homeOf(a, b, mask); ; i = (i + 1) & mask) {
      const cell = Math.imul(i, SIZE);
      const first = integers[cell];
      if (first === a && integers[cell + SECOND] === b) return cell;
      if (first === 0) return ~cell;
    }
  }

  placeAt(cell: number): number {
    return this.#integers[cell + PLACE] as number;
  }

  /** The end of the window. NaN: the pair has no window. */
  untilAt(cell: number): number {
    return this.#floats[(cell + END) >> 1] as number;
  }

  /** The start of the window. NaN: the pair has no window, or the cell does not hold the length of its window. */
  fromAt(cell: number): number {
    const length = (this.#integers[cell + LENGTH] as number) >>> 0;
    return length === NO_LENGTH ? NaN : this.untilAt(cell) - length;
  }

  /** Adds a pair, which must not have a place yet. @returns its cell */
  add(a: number, b: number, place: number): number {
    // Above three quarters full, probing becomes slow.
    if (++this.#count * 4 > (this.#mask + 1) * 3) this.#grow();
    const cell = ~this.find(a, b);
    this.#integers.set([a, b, 0, 0, place], cell);
    return cell;
  }

  /** Replaces the window of a cell. */
  setWindow(cell: number, { from, until }: Window): void {
    const length = until - from;
    this.#floats[(cell + END) >> 1] = until;
    this.#integers[cell + LENGTH] = length >= 0 && length < NO_LENGTH ? length : NO_LENGTH;
  }

  /** Empties the cell of a pair. Moves the cells after it into the gap, so that no search stops there too early. */
  remove(cell: number): void {
    const integers = this.#integers;
    const mask = this.#mask;
    this.#count -= 1;
    let gap = cell / SIZE;
    for (let i = (gap + 1) & mask; integers[i * SIZE] !== 0; i = (i + 1) & mask) {
      const home = homeOf(integers[i * SIZE] as number, integers[i * SIZE + SECOND] as number, mask);
      // The search for this pair starts after the gap, so the pair must not move into it.
      if (((i - home) & mask) < ((i - gap) & mask)) continue;
      integers.copyWithin(gap * SIZE, i * SIZE, (i + 1) * SIZE);
      gap = i;
    }
    integers[gap * SIZE] = 0;
  }

  #grow(): void {
    const before = this.#integers;
    this.#mask = 2 * this.#mask + 1;
    this.#integers = new Int32Array(2 * before.length);
    this.#floats = new Float64Array(this.#integers.buffer);
    for (let at = 0; at < before.length; at += SIZE) {
      const first = before[at] as number;
      if (first !== 0) this.#integers.set(before.subarray(at, at + SIZE), ~this.find(first, before[at + SECOND] as number));
    }
  }
}

/**
 * The number of the cell where the search for a pair starts. The highest bits of the sum decide. Such products spread numbers that
 * follow one another evenly, and a subject's scopes, and the subjects of a scope, are often numbered so.
 */
const homeOf = (a: number, b: number, mask: number): number => (Math.imul(a, 0x9e3779b1) + Math.imul(b, 0x85ebca6b)) >>> Math.clz32(mask);
