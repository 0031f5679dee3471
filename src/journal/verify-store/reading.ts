import { isJitError } from '../../core/errors.js';
import type { GrantStore } from '../../core/store-port.js';
import type { Anchor, AuditEntry } from '../../records/index.js';
import { yieldToOthers } from '../../core/turns.js';
import { misfit } from '../replay/misfit.js';
import { applyEntry } from '../replay/apply-entry.js';
import { Rebuild } from '../replay/rebuild.js';
import { askJournal } from '../store-reads.js';
import { verifyJournal } from '../verify.js';

/** A problem of the journal itself, and the seq of its entry. */
export interface JournalProblem {
  /** The number of the entry. */
  readonly seq: number;
  /** What is wrong, for people to read. */
  readonly problem: string;
}

/** The problem that the error of an entry names. Rethrows every other error. */
export function problemIn(error: unknown): JournalProblem {
  if (isJitError(error) && error.code === 'ERR_JIT_CORRUPT' && error.kind === 'entry')
    return { seq: Number(error.id), problem: error.problem };
  throw error;
}

const PAGE = 250;
/** A head before the start is a problem: an attacker who trims the journal without a purge would remove the exported head like this. */
const PURGED_HEAD = 'is the exported head, but the journal begins after it. Export a new head after each purge';

/** Reads a journal that may grow in the meantime, verifies every link, and rebuilds the records. */
export class JournalReading {
  readonly rebuild: Rebuild;
  readonly #store: GrantStore;
  #head: Anchor;
  /** An anchor exported earlier. The first reading must contain it. */
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
   * Reads from the last read entry to the present head.
   *
   * @returns the problem, if any. `'trimmed'`: a purge has trimmed entries that were not read yet, so the caller must start again
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

  /** Applies an entry only when `verifyJournal` asks for the next one: the entry is then verified. */
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
      // The store links the next entry to the head that it names, so that head must be the last entry.
      if (last.seq >= head.seq) throw misfit(last.seq, 'does not match the head that the store reports');
      if (entries.length === 0) throw misfit(last.seq + 1, 'is missing: the head that the store reports is this entry or a later one');
      await yieldToOthers();
    }
  }
}
