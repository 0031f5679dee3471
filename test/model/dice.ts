/** Numbers derived from one number: fast-check draws an array of whole numbers, and each becomes a step through these. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `sides - 1`. mulberry32. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  }

  of<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    return list[this.roll(list.length)] as T;
  }

  /** True once in so many draws. */
  once(times: number): boolean {
    return this.roll(times) === 0;
  }
}
