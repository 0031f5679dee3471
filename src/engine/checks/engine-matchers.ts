import { InvalidArgumentError } from '../../core/errors.js';
import type { FindQuery, GrantStore } from '../../core/store-port.js';
import type { EngineClock } from '../../core/clock.js';
import { askStore, isPageAfter } from '../../journal/store-reads.js';
import { matchersInUse } from '../../kernel/configuration-rows.js';

const HOUR_MS = 3_600_000;
/** The delay of the next read after a read that has failed or not answered. */
const RETRY_MS = 60_000;

/** The matchers of the engines that write to a namespace, compared with that of a checker or a view. */
export class EngineMatchers {
  readonly #store: Pick<GrantStore, 'namespace' | 'find'>;
  readonly #name: string;
  readonly #clock: EngineClock;
  readonly #onFailure: (error: unknown) => void;
  /** The newest read. Its rejection rejects the calls that wait for the first read. */
  #reading: Promise<void> | undefined;
  #begun = 0;
  /** The number of the newest read that has answered. The answer of an older read is ignored. */
  #answered = 0;
  /** The high-water mark of the clock from which the rows are read again. */
  #nextAt = 0;
  /** The rule that the checker's matcher breaks, according to the newest answer. */
  #refusal: string | undefined;

  constructor(store: Pick<GrantStore, 'namespace' | 'find'>, name: string, clock: EngineClock, onFailure: (error: unknown) => void) {
    this.#store = store;
    this.#name = name;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** Whether the rows have been read once. */
  get isKnown(): boolean {
    return this.#answered > 0;
  }

  /**
   * Call it before each answer. Only the first answer waits. After that, the rows are read again each hour in the background.
   *
   * @returns a promise while the rows have not been read once
   * @throws InvalidArgumentError if no engine uses the checker's matcher
   */
  confirm(): Promise<void> | undefined {
    const { isKnown } = this;
    // Only a reading raises the high-water mark. A check reads the clock, but a call that waits or is refused reaches no check.
    // Without a reading here, `#nextAt` would never come, and a refusal would last for ever.
    const { highWater } = isKnown && this.#refusal === undefined ? this.#clock : this.#clock.read();
    if (highWater >= this.#nextAt) {
      // The condition uses the high-water mark, because after a step back `now` may lie below `#nextAt` for hours.
      this.#nextAt = highWater + RETRY_MS;
      this.#reading = this.#read(++this.#begun, highWater);
      // A background read has no caller. The callers that wait for the first read receive its error.
      this.#reading.catch((error: unknown) => (isKnown ? this.#onFailure(error) : (this.#nextAt = 0)));
    }
    if (!isKnown) return this.#reading?.then(() => this.#refuse());
    this.#refuse();
    return undefined;
  }

  #refuse(): void {
    if (this.#refusal !== undefined) throw new InvalidArgumentError('scopes', this.#refusal, `the matcher ${this.#name}`);
  }

  async #read(turn: number, at: number): Promise<void> {
    // Reads one page. Its `next` only shows that the list is incomplete.
    const ask = (query: FindQuery) => askStore('find', () => this.#store.find(query), isPageAfter(undefined));
    const { matchers, isComplete } = await matchersInUse(ask, at, this.#onFailure);
    if (turn < this.#answered) return;
    this.#answered = turn;
    // An unreadable row also belongs to an engine, but names no matcher.
    const isUsed = matchers.includes(this.#name) || (matchers.length === 0 && isComplete);
    const inUse = matchers.join(', ') || 'unreadable';
    this.#refusal = isUsed ? undefined : `a matcher of the engines of namespace ${this.#store.namespace} (${inUse})`;
    this.#nextAt = Math.max(this.#nextAt, at + HOUR_MS);
  }
}
