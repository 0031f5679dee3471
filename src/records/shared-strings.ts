/** The greatest number of strings. When it is reached, all are dropped. Frequent strings return at once. */
const MOST = 4_096;

/**
 * Keeps one instance of each recent string. Two references to the same instance compare by their pointers and take memory
 * once. Equal strings of different instances are compared character by character.
 */
export class SharedStrings {
  readonly #byValue = new Map<unknown, string>();

  /** Returns the kept instance of a string. `undefined`: there is none. */
  get(value: unknown): string | undefined {
    return this.#byValue.get(value);
  }

  /** Returns the kept instance of a string. Keeps this one if there is none. */
  share(text: string): string {
    const kept = this.#byValue.get(text);
    if (kept !== undefined) return kept;
    if (this.#byValue.size === MOST) this.#byValue.clear();
    this.#byValue.set(text, text);
    return text;
  }
}
