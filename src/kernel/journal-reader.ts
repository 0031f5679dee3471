import { askJournal } from '../journal/store-reads.js';
import type { MaybePromise } from '../core/ports.js';
import type { GrantStore, JournalSlice } from '../core/store-port.js';
import type { AuditEntry } from '../records/index.js';
import { isThenable } from '../core/time.js';

/** Reads the journal of a store, a page at a time. */
export class JournalReader {
  readonly store: GrantStore;
  readonly #onPage: (entries: readonly AuditEntry[]) => void;
  /** Where the journal was last found to end. */
  #headSeq = 0;

  /** @param onPage called with the entries of each page that was read */
  constructor(store: GrantStore, onPage: (entries: readonly AuditEntry[]) => void) {
    this.store = store;
    this.#onPage = onPage;
  }

  /** Entries behind `after`; without it, only where the journal starts and ends. @throws StoreError */
  read(after: number = Number.MAX_SAFE_INTEGER, limit = 1): MaybePromise<JournalSlice> {
    const slice = askJournal(this.store, { after, limit });
    return isThenable(slice) ? slice.then((page) => this.#seen(page)) : this.#seen(slice);
  }

  /** The journal's last entry; `undefined`: it has none. One read where the end of the journal is known, else two. */
  async newestEntry(): Promise<AuditEntry | undefined> {
    if (this.#headSeq === 0) await this.read();
    for (;;) {
      const { entries, head } = await this.read(Math.max(0, this.#headSeq - 1), 100);
      const last = entries.at(-1);
      if (last === undefined || last.seq >= head.seq) return last;
    }
  }

  #seen(slice: JournalSlice): JournalSlice {
    this.#headSeq = slice.head.seq;
    this.#onPage(slice.entries);
    return slice;
  }
}
