/** Numbers that depend only on the seed: the same in every run, on every machine. */
export class Seeded {
  #state: number;

  constructor(...seeds: readonly number[]) {
    // Neighbouring seeds give unrelated runs.
    this.#state = seeds.reduce((state, seed) => mix(state ^ mix(seed >>> 0)), 0x9e3779b9);
  }

  /** From 0 to below `bound`, whole. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return Math.floor((mix(this.#state) / 2 ** 32) * bound);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
