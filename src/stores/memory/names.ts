/** Not the number of any name. */
export const NO_NAME = 0;

/**
 * Gives small numbers, from 1, to values that many rows share, such as subjects and scopes. Stores each value once, for as long as
 * some row uses it.
 */
export class Names {
  /** Negative for a name that no check accepts: a row may have one. */
  readonly #numbers = new Map<unknown, number>();
  /** Indexed by number: how many rows use it. */
  readonly #uses: number[] = [NO_NAME];
  readonly #free: number[] = [];
  readonly #isValid: (name: unknown) => boolean;

  /** @param isValid whether a check accepts the value */
  constructor(isValid: (name: unknown) => boolean) {
    this.#isValid = isValid;
  }

  /** The number of a name, or {@link NO_NAME} if no row uses it. */
  numberOf(name: unknown): number {
    const number = this.#numbers.get(name) ?? NO_NAME;
    // No `Math.abs`: V8 computes it as a float, and each check reads a number.
    return number < NO_NAME ? -number : number;
  }

  /** The number of a valid name, or {@link NO_NAME}. The argument needs no validation: a name that is found is valid. */
  validNumberOf(name: unknown): number {
    const number = this.#numbers.get(name) ?? NO_NAME;
    return number > NO_NAME ? number : NO_NAME;
  }

  /** Counts one more use of a name, and returns its number. */
  take(name: unknown): number {
    let number = this.numberOf(name);
    if (number === NO_NAME) {
      number = this.#free.pop() ?? this.#uses.length;
      this.#uses[number] = 0;
      this.#numbers.set(name, this.#isValid(name) ? number : -number);
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
