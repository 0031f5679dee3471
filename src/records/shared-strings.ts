/** How many are kept. Whatever is met often is there again at once after the others have been dropped. */
const MOST = 4_096;

/**
 * One instance for each of the strings that were met lately. Strings that are the same instance are equal at a glance, and
 * are kept once; equal strings from different places are compared character by character.
 */
export class SharedStrings {
  readonly #byValue = new Map<unknown, string>();

  /** The instance that is kept, if this is a string that has been met. */
  get(value: unknown): string | undefined {
    return this.#byValue.get(value);
  }

  /** The instance that is kept, which from now on is this one if there was none. */
  share(text: string): string {
    const kept = this.#byValue.get(text);
    if (kept !== undefined) return kept;
    if (this.#byValue.size === MOST) this.#byValue.clear();
    this.#byValue.set(text, text);
    return text;
  }
}
