/** Small numbers for values that many have in common, such as subjects and scopes: each is kept once, as long as it is used. */
export class Names {
  readonly #numbers = new Map<unknown, number>();
  /** How many use each number. */
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** -1: nobody uses it. */
  numberOf(name: unknown): number {
    return this.#numbers.get(name) ?? -1;
  }

  /** One more uses it. */
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

  /** One fewer. The number of what nobody uses any more is given to another. */
  drop(name: unknown, number: number): void {
    (this.#uses[number] as number) -= 1;
    if (this.#uses[number] !== 0) return;
    this.#numbers.delete(name);
    this.#free.push(number);
  }
}
