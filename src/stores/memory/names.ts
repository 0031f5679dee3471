/**
 * Gives small numbers to values that many rows share, such as subjects and scopes. Stores each value once, for as long as
 * some row uses it.
 */
export class Names {
  readonly #numbers = new Map<unknown, number>();
  /** Indexed by number: how many rows use it. */
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** The number of a name, or -1 if no row uses it. */
  numberOf(name: unknown): number {
    return this.#numbers.get(name) ?? -1;
  }

  /** Counts one more use of a name, and returns its number. */
  take(name: unknown): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#uses.length;
      this.#uses[number] = 0;
      this.#numbers.set(name, number);
    }
    (this.#uses[number] as number) += 1;
    return number;
  }

  /** Counts one use fewer. The number of an unused name is reused for another name. */
  drop(name: unknown, number: number): void {
    (this.#uses[number] as number) -= 1;
    if (this.#uses[number] !== 0) return;
    this.#numbers.delete(name);
    this.#free.push(number);
  }
}
