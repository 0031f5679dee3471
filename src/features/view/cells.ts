/** A scope number is below this, so that a pair of numbers fits in one exact number. */
export const MAX_SCOPES = 2 ** 22;
/** A subject number is below this. */
export const MAX_SUBJECTS = 2 ** 31 - 1;

const LEAST = 16;

/**
 * The ends of grants by pair of (subject number, scope number), in one flat hash table with linear probing. A cell holds two numbers: the
 * pair and the end. An empty cell holds 0. The number of cells is a power of two, and at most three quarters of them are in use.
 */
export class Cells {
  #cells = new Float64Array(LEAST * 2);
  /** Indexed by cell: the id that belongs to the pair. `undefined`: no ids are kept. */
  #ids: (string | undefined)[] | undefined;
  #mask = LEAST - 1;
  #count = 0;
  #swept = 0;

  /** @param keepsIds whether `idAt` returns what `set` was given */
  constructor(keepsIds: boolean) {
    this.#ids = keepsIds ? [] : undefined;
  }

  get count(): number {
    return this.#count;
  }

  /** The cell of a pair, or -1 if it has none. */
  find(subject: number, scope: number): number {
    const cells = this.#cells;
    const mask = this.#mask;
    const key = keyOf(subject, scope);
    for (let cell = hash(subject, scope) & mask; ; cell = (cell + 1) & mask) {
      const found = cells[2 * cell];
      if (found === key) return cell;
      if (found === 0) return -1;
    }
  }

  endAt(cell: number): number {
    return this.#cells[2 * cell + 1] as number;
  }

  idAt(cell: number): string | undefined {
    return this.#ids?.[cell];
  }

  /** Adds a pair, which must have no cell yet. */
  add(subject: number, scope: number, end: number, id: string | undefined): void {
    if ((this.#count + 1) * 4 > (this.#mask + 1) * 3) this.#grow();
    this.#count += 1;
    this.#put(keyOf(subject, scope), end, id);
  }

  /** Removes a cell. Moves the cells after it into the gap, so that no search stops there too early. */
  remove(cell: number): void {
    const cells = this.#cells;
    const mask = this.#mask;
    this.#count -= 1;
    let gap = cell;
    for (let next = (gap + 1) & mask; cells[2 * next] !== 0; next = (next + 1) & mask) {
      const home = homeOf(cells[2 * next] as number) & mask;
      // A search for this pair that begins after the gap would not find it in the gap.
      if (((next - home) & mask) < ((next - gap) & mask)) continue;
      cells[2 * gap] = cells[2 * next] as number;
      cells[2 * gap + 1] = cells[2 * next + 1] as number;
      if (this.#ids !== undefined) this.#ids[gap] = this.#ids[next];
      gap = next;
    }
    cells[2 * gap] = 0;
    cells[2 * gap + 1] = 0;
    if (this.#ids !== undefined) this.#ids[gap] = undefined;
  }

  /**
   * Looks at the next cells, in a circle over all calls.
   *
   * @param before a pair whose end lies before it is given to `remove`, which must remove its cell
   */
  sweep(looks: number, before: number, remove: (cell: number, subject: number, scope: number) => void): void {
    for (let look = Math.min(looks, this.#mask + 1); look > 0; look--) {
      const cell = (this.#swept &= this.#mask);
      const key = this.#cells[2 * cell] as number;
      const isOld = key !== 0 && (this.#cells[2 * cell + 1] as number) < before;
      // The removal may move another pair into this cell, which the next look then sees.
      if (isOld) remove(cell, subjectIn(key), scopeIn(key));
      else this.#swept += 1;
    }
  }

  #put(key: number, end: number, id: string | undefined): void {
    const cells = this.#cells;
    let cell = homeOf(key) & this.#mask;
    while (cells[2 * cell] !== 0) cell = (cell + 1) & this.#mask;
    cells[2 * cell] = key;
    cells[2 * cell + 1] = end;
    if (this.#ids !== undefined) this.#ids[cell] = id;
  }

  #grow(): void {
    const [cells, ids] = [this.#cells, this.#ids];
    this.#mask = 2 * this.#mask + 1;
    this.#cells = new Float64Array(2 * (this.#mask + 1));
    if (ids !== undefined) this.#ids = new Array<string | undefined>(this.#mask + 1).fill(undefined);
    for (let cell = 0; cell < cells.length / 2; cell++) {
      const key = cells[2 * cell] as number;
      if (key !== 0) this.#put(key, cells[2 * cell + 1] as number, ids?.[cell]);
    }
  }
}

const keyOf = (subject: number, scope: number): number => subject * MAX_SCOPES + scope + 1;
const subjectIn = (key: number): number => Math.floor((key - 1) / MAX_SCOPES);
const scopeIn = (key: number): number => (key - 1) % MAX_SCOPES;
const homeOf = (key: number): number => hash(subjectIn(key), scopeIn(key));

/** A few operations: each check runs it. A subject's scopes, and the subjects of a scope, are often numbered one after the other. */
function hash(subject: number, scope: number): number {
  const mixed = Math.imul(subject, 0x9e3779b1) ^ Math.imul(scope, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
