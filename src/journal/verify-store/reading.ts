import { isJitError } from '../../core/errors.js';
import type { GrantStore } from '../../core/store-port.js';
import type { Anchor, AuditEntry } from '../../records/index.js';
import { yieldToOthers } from '../../core/time.js';
import { misfit } from '../replay/misfit.js';
import { applyEntry } from '../replay/apply-entry.js';
import { Rebuild } from '../replay/rebuild.js';
import { askJournal } from '../store-reads.js';
import { verifyJournal } from '../verify.js';

/** What is wrong with the journal itself, at which entry. */
export interface JournalProblem {
  readonly seq: number;
  readonly problem: string;
}

/** What an entry that doesn't fit says of itself; every other error is thrown on. */
export function problemIn(error: unknown): JournalProblem {
  if (isJitError(error) && error.code === 'ERR_JIT_CORRUPT' && error.kind === 'entry')
    return { seq: Number(error.id), problem: error.problem };
  throw error;
}

const PAGE = 250;
/** Whoever could trim the journal without a purge would cut off the exported head just so: it is not taken for good. */
const PURGED_HEAD = 'is the exported head, but the journal begins after it. Export a new head after each purge';

/** Reads a journal that grows while it is read, verifies every link of it, and keeps what it says. */
export class JournalReading {
  readonly rebuild: Rebuild;
  readonly #store: GrantStore;
  #head: Anchor;
  /** One that was exported earlier: the first reading must pass it. */
  #exported: Anchor | undefined;
  #isTrimmed = false;

  constructor(store: GrantStore, start: Anchor, exported: Anchor | undefined) {
    this.#store = store;
    this.#head = start;
    this.#exported = exported;
    this.rebuild = new Rebuild(start.seq);
  }

  /** The last entry that was read. */
  get head(): Anchor {
    return this.#head;
  }

  /**
   * Reads on to where the journal ends now.
   *
   * @returns what is wrong; `'trimmed'`: a purge has taken entries that were not read yet, so all has to be read anew
   * @throws StoreError
   */
  async on(): Promise<JournalProblem | 'trimmed' | undefined> {
    try {
      const { seq } = this.#exported ?? this.#head;
      if (seq < this.#head.seq) return { seq, problem: PURGED_HEAD };
      const verified = await verifyJournal(this.#entries(), { after: this.#head, head: this.#exported });
      if (this.#isTrimmed) return 'trimmed';
      if (!verified.ok) return { seq: verified.seq, problem: verified.problem };
      this.#head = verified.head;
      this.#exported = undefined;
      this.rebuild.refuseIfPart();
      return undefined;
    } catch (error) {
      return problemIn(error);
    }
  }

  /** An entry is used when the next one is asked for: then it has been verified. */
  async *#entries(): AsyncGenerator<AuditEntry, void, undefined> {
    for (let last: Anchor = this.#head; ;) {
      const { entries, start, head } = await askJournal(this.#store, { after: last.seq, limit: PAGE });
      if (start.seq > last.seq) {
        this.#isTrimmed = true;
        return;
      }
      for (const entry of entries) {
        yield entry;
        if (entry.namespace !== this.#store.namespace) throw misfit(entry.seq, 'belongs to another namespace');
        applyEntry(this.rebuild, entry);
        last = entry;
      }
      if (last.seq === head.seq && last.hash === head.hash) return;
      // What the store names as its head is what the next entry is linked to.
      if (last.seq >= head.seq) throw misfit(last.seq, 'does not match the head that the store reports');
      if (entries.length === 0) throw misfit(last.seq + 1, 'is missing: the head that the store reports is this entry or a later one');
      await yieldToOthers();
    }
  }
}
