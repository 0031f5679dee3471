import { askBounded } from '../../core/ask-bounded.js';
import type { FindQuery, GrantStore } from '../../core/store-port.js';
import { TurnBudget } from '../../core/turns.js';
import { askPage } from '../../journal/store-reads.js';
import type { ChangedRows } from './changed-rows.js';
import { finishReads } from './finished-reads.js';

const PAGE = 1_000;
/** A namespace with more live grants than these is loaded by subject. */
const MAX_ALL = 200_000;
/** A copy that holds so many subjects is emptied, so that it takes no more memory. */
const MAX_SUBJECTS = 200_000;
/** So many subjects wait at most. More of them wait only while the store does not answer. */
const MAX_WANTED = 1_000;

/** What a copy holds: the grants of the whole namespace, or of the subjects that were asked about. */
export type Load = 'all' | 'asked';

/** Reads the rows that a copy begins with. */
export class Loader {
  readonly #store: Pick<GrantStore, 'find'>;
  readonly changes: ChangedRows;
  readonly #wish: Load | undefined;
  /** `undefined`: nothing is loaded. */
  #load: Load | undefined;
  readonly #subjects = new Set<string>();
  readonly #wanted = new Set<string>();

  /** @param wish `undefined`: `all`, or `asked` if there are too many grants */
  constructor(store: Pick<GrantStore, 'find'>, changes: (has: (subject: string) => boolean) => ChangedRows, wish: Load | undefined) {
    this.#store = store;
    this.changes = changes((subject) => this.has(subject));
    this.#wish = wish;
  }

  get hasAll(): boolean {
    return this.#load === 'all';
  }

  /** Whether the grants of a subject are in the copy. */
  has(subject: string): boolean {
    return this.#load === 'all' || this.#subjects.has(subject);
  }

  /** Loads a subject with the next {@link loadWanted}. @returns whether it is one more than before */
  want(subject: string): boolean {
    const { size } = this.#wanted;
    if (size < MAX_WANTED) this.#wanted.add(subject);
    return this.#wanted.size > size;
  }

  /** Loads everything again. @throws StoreError */
  async load(now: number): Promise<void> {
    this.#load = undefined;
    this.#subjects.clear();
    this.changes.clear();
    if (this.#wish !== 'asked' && (await this.#loadAll(now))) this.#load = 'all';
    else {
      this.changes.clear();
      this.#load = 'asked';
    }
  }

  /** Loads the wanted subjects. @throws StoreError: those that could not be read stay wanted */
  async loadWanted(now: number): Promise<void> {
    if (this.#load !== 'asked') this.#wanted.clear();
    if (this.#subjects.size + this.#wanted.size > MAX_SUBJECTS) {
      this.#subjects.clear();
      this.changes.clear();
    }
    const reads = askBounded([...this.#wanted], async (subject) => {
      await this.changes.readSubject(subject, now);
      this.#subjects.add(subject);
      this.#wanted.delete(subject);
    });
    await finishReads(reads);
  }

  /** @returns false: there are too many grants */
  async #loadAll(now: number): Promise<boolean> {
    for (const kind of ['grant', 'usage']) {
      const turns = new TurnBudget();
      for (let after: string | undefined; ;) {
        const query: FindQuery = { kind, open: true, order: 'oldest', limit: PAGE, after };
        const { items, next } = await askPage(this.#store, query);
        await turns.spend(items.length);
        for (const row of items) this.changes.add(row, now);
        if (this.#wish === undefined && this.changes.copy.size > MAX_ALL) return false;
        if (next === undefined) break;
        after = next;
      }
    }
    return true;
  }
}
