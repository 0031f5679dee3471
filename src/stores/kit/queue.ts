import { EXPECTATIONS_OF_ROW } from '../../core/change-size.js';
import type { ChangeSize, CommitAnswer, Row } from '../../core/store-port.js';
import type { Prepared } from '../batch.js';

/** The greatest number of changes that share a write. */
const MAX_SHARING = 256;

/** A call of `commit`. */
export interface Call {
  readonly change: Prepared<Row>;
  /** The length of its JSON. */
  readonly bytes: number;
  /** `writing`: the backend may have applied it. Only the backend's answer says whether it has. */
  state: 'waiting' | 'writing' | 'ended';
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** The calls of one namespace that wait for a write. */
export class Queue {
  readonly #max: ChangeSize;
  #waiting: Call[] = [];
  /** Whether a write is made. The next one begins after it. */
  isRunning = false;
  /** How many of the next calls get a write each, because a write with one of them has failed. */
  #divided = 0;

  /** @param max the greatest size of a write */
  constructor(max: ChangeSize) {
    this.#max = max;
  }

  get isDivided(): boolean {
    return this.#divided > 0;
  }

  add(call: Call): void {
    this.#waiting.push(call);
  }

  /** Puts calls back to the front: their write was not applied. @param divided whether each gets a write next */
  putBack(calls: readonly Call[], divided = false): void {
    for (const call of calls) if (call.state === 'writing') call.state = 'waiting';
    this.#waiting.unshift(...calls);
    if (divided) this.divide(calls.length);
  }

  divide(count: number): void {
    this.#divided += count;
  }

  /**
   * Takes the calls of the next write. It ends after a change that trims the journal: the trim drops entries, and with them the ids of
   * the changes that wrote them. A later change must be compared with the ids that are left.
   */
  take(): readonly Call[] {
    this.#waiting = this.#waiting.filter(({ state }) => state !== 'ended');
    const { rows, entries, bytes } = this.#max;
    const sum = { rows: 0, entries: 0, expectations: 0, bytes: 0 };
    let count = 0;
    for (const call of this.#waiting) {
      const { put, remove, append, expect, trimJournalTo } = call.change;
      sum.rows += put.length + remove.length;
      sum.entries += append.length;
      sum.expectations += expect.length;
      sum.bytes += call.bytes;
      const isFull = sum.rows > rows || sum.entries > entries || sum.expectations > EXPECTATIONS_OF_ROW * rows || sum.bytes > bytes;
      if (isFull && count > 0) break;
      count += 1;
      if (trimJournalTo > 0 || this.#divided > 0 || count === MAX_SHARING) break;
    }
    this.#divided = Math.max(0, this.#divided - count);
    return this.#waiting.splice(0, count);
  }
}
