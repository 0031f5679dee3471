import { nextTurn } from '../../core/turns.js';
import type { Change, CommitAnswer } from '../../core/store-port.js';
import type { JournalReader } from './journal-reader.js';

const PAGE = 200;

/** The first entry of a change that was committed. */
interface FirstEntry {
  readonly id: string;
  /** The seq before this entry, or a later seq: the head of an answer may be newer than the change's own entries. */
  readonly latest: number;
}

/** Finds the head that this engine's first commit was linked to, for a local follower that could not read the head in time. */
export class FirstEntries {
  readonly #journal: JournalReader;
  /** The changes that were sent before any of them was known to be committed: each may be the first in the journal. */
  readonly #sent = new Set<Promise<FirstEntry | undefined>>();
  #isKnown = false;

  constructor(journal: JournalReader) {
    this.#journal = journal;
  }

  /** Call this for each change when it is sent. */
  sent({ append }: Change, answer: Promise<CommitAnswer>): void {
    const [first] = append;
    if (this.#isKnown || first === undefined) return;
    const found: Promise<FirstEntry | undefined> = this.#found(first.id, append.length, answer).catch(() => undefined);
    void found.then((entry) => entry === undefined && this.#sent.delete(found));
    this.#sent.add(found);
  }

  async #found(id: string, length: number, answer: Promise<CommitAnswer>): Promise<FirstEntry | undefined> {
    const { outcome, head } = await answer;
    if (outcome !== 'committed') return undefined;
    // The entries of a change that is sent from now on come later in the journal.
    this.#isKnown = true;
    return { id, latest: head.seq - length };
  }

  /**
   * The seq of the head before this engine's first entry. Waits for the answers to the changes in flight.
   *
   * @returns `undefined`: this engine has written no entry
   */
  async seqBefore(): Promise<number | undefined> {
    const entries = (await Promise.all(this.#sent)).filter((entry) => entry !== undefined);
    const seqs = await Promise.all(entries.map((entry) => this.#seqBefore(entry)));
    return seqs.length === 0 ? undefined : Math.min(...seqs);
  }

  /** Reads from the expected place of the entry towards the journal's start. */
  async #seqBefore({ id, latest }: FirstEntry): Promise<number> {
    for (let after = latest; ; after -= PAGE) {
      const { entries, start } = await this.#journal.read(Math.max(0, after), PAGE);
      const entry = entries.find((candidate) => candidate.id === id);
      if (entry !== undefined) return entry.seq - 1;
      // A purge or a rollback has removed the entry.
      if (after <= start.seq) return latest;
      await nextTurn();
    }
  }
}
