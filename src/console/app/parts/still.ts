/*
 * A list that stands still under its reader. What has ended stays in its place, and what is new waits: the rows that are shown, with those
 * that wait and without those that have ended, are always the rows of the last answer.
 */

/** A row that is shown. */
export interface StillRow<T> {
  readonly key: string;
  /** As it was read last. */
  readonly item: T;
  /** Whether the last answer lacks it. */
  readonly isGone: boolean;
}

export interface StillRows<T> {
  readonly rows: readonly StillRow<T>[];
  /** How many new items wait. */
  readonly news: number;
}

/** How long after the last touch a list stands still. Milliseconds. */
export const STILL_MS = 10_000;

export class Still<T> {
  readonly #keyOf: (item: T) => string;
  #shown: ReadonlyMap<string, T> = new Map();
  #latest: ReadonlyMap<string, T> = new Map();

  constructor(keyOf: (item: T) => string) {
    this.#keyOf = keyOf;
  }

  /**
   * Takes the items of an answer.
   *
   * @param isHeld whether the list stands still now. A list of which all rows have ended has no button to miss: it shows what is new at once
   */
  take(items: readonly T[], isHeld: boolean): StillRows<T> {
    this.#latest = new Map(items.map((item) => [this.#keyOf(item), item]));
    if (!isHeld || ![...this.#shown.keys()].some((key) => this.#latest.has(key))) return this.show();
    return this.#rows();
  }

  /** Shows the list as the last answer has it. */
  show(): StillRows<T> {
    this.#shown = this.#latest;
    return this.#rows();
  }

  /** Removes rows that the viewer has ended. */
  drop(keys: readonly string[]): StillRows<T> {
    this.#shown = new Map([...this.#shown].filter(([key]) => !keys.includes(key)));
    return this.#rows();
  }

  #rows(): StillRows<T> {
    const [shown, latest] = [this.#shown, this.#latest];
    const rows = [...shown].map(([key, before]) => ({ key, item: latest.get(key) ?? before, isGone: !latest.has(key) }));
    return { rows, news: [...latest.keys()].filter((key) => !shown.has(key)).length };
  }
}
