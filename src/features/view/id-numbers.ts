/**
 * Gives small numbers to names. A number returns when nothing uses its name any more, so the numbers of names that come and go stay
 * below the bound.
 */
export class IdNumbers {
  readonly #numbers = new Map<unknown, number>();
  /** Indexed by number. `undefined`: the number is free. */
  readonly #names: (string | undefined)[] = [];
  /** Indexed by number: how many users its name has. */
  readonly #users: number[] = [];
  readonly #free: number[] = [];
  readonly #bound: number;

  /** @param bound every number is below it */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The number of a name, or -1 if it has none. */
  of(name: unknown): number {
    return this.#numbers.get(name) ?? -1;
  }

  nameOf(number: number): string | undefined {
    return this.#names[number];
  }

  /** Counts one more user of a name. @returns its number, or -1 if no number is free */
  take(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#names.length;
      if (number >= this.#bound) return -1;
      this.#numbers.set(name, number);
      this.#names[number] = name;
      this.#users[number] = 0;
    }
    (this.#users[number] as number) += 1;
    return number;
  }

  /** Counts one user of a number fewer. */
  drop(number: number): void {
    if (((this.#users[number] as number) -= 1) > 0) return;
    this.#numbers.delete(this.#names[number]);
    this.#names[number] = undefined;
    this.#free.push(number);
  }
}
