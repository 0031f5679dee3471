/**
 * The subjects whose rows were read, and may be newer than the entries that follow. A subject is pending up to the head that the journal
 * has after the read: an entry up to there may already be in the rows.
 */
export class PendingRows {
  /** The seq up to which a subject is pending. `Infinity`: no later head is known yet. */
  readonly #until = new Map<string, number>();
  /** The same for all subjects. */
  #allUntil = 0;

  add(subject: string): void {
    this.#until.set(subject, Infinity);
  }

  addAll(): void {
    this.#until.clear();
    this.#allUntil = Infinity;
  }

  has(subject: string, seq: number): boolean {
    return seq <= Math.max(this.#allUntil, this.#until.get(subject) ?? 0);
  }

  /** Call this before the journal is asked. @returns a function that takes the head of the answer: what is added later needs a later head */
  asking(): (headSeq: number) => void {
    const isAll = this.#allUntil === Infinity;
    const subjects = [...this.#until].flatMap(([subject, seq]) => (seq === Infinity ? [subject] : []));
    return (headSeq) => {
      if (isAll) this.#allUntil = headSeq;
      for (const subject of subjects) this.#until.set(subject, headSeq);
    };
  }

  /** Forgets the subjects that are not pending after the entry with this seq. */
  passed(seq: number): void {
    for (const [subject, until] of this.#until) if (until <= seq) this.#until.delete(subject);
  }
}
