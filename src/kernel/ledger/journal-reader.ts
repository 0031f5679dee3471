import { askJournal } from '../../journal/store-reads.js';
import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore, JournalSlice } from '../../core/store-port.js';
import type { AuditEntry } from '../../records/index.js';
import { isThenable } from '../../core/thenable.js';

/** Reads the journal of a store, a page at a time. */
export class JournalReader {
  readonly store: GrantStore;
  readonly #onPage: (entries: readonly AuditEntry[]) => void;
  /** The seq of the head at the last read. */
  #headSeq = 0;

  /** @param onPage called with the entries of each page that this reader reads */
  constructor(store: GrantStore, onPage: (entries: readonly AuditEntry[]) => void) {
    this.store = store;
    this.#onPage = onPage;
  }

  /** Reads the entries after `after`. Without `after`, reads only the journal's `start` and `head`. @throws StoreError */
  read(after: number = Number.MAX_SAFE_INTEGER, limit = 1): MaybePromise<JournalSlice> {
    const slice = askJournal(this.store, { after, limit });
    return isThenable(slice) ? slice.then((page) => this.#seen(page)) : this.#seen(slice);
  }

  /** The journal's last entry; `undefined`: it has none. Usually one read if an earlier read gave the head, else two. */
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
