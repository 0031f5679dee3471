import type { GrantStore } from '../ports.js';
import type { AuditEntry } from '../records.js';

/**
 * All entries of a journal from behind `after` to the head, read in pages.
 *
 * @throws StoreError when the store could not be asked
 */
export async function* readJournal(store: GrantStore, after = 0, pageSize = 500): AsyncGenerator<AuditEntry, void, undefined> {
  for (;;) {
    const { entries } = await store.journal({ after, limit: pageSize });
    const last = entries.at(-1);
    if (last === undefined) return;
    yield* entries;
    after = last.seq;
  }
}
