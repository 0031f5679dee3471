/** The most questions to the approver that all streams have open together. */
const MOST_OPEN = 32;

/** Bounds questions that come one by one. `askBounded` of the core bounds those of one list. */
export class QuestionSlots {
  readonly #waiting: (() => void)[] = [];
  /** Those that wait count too, so that no new question takes the place that an answer makes for them. */
  #asked = 0;

  async ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    if (this.#asked++ >= MOST_OPEN) await new Promise<void>((go) => this.#waiting.push(go));
    try {
      return await question();
    } finally {
      this.#asked--;
      this.#waiting.shift()?.();
    }
  }
}
