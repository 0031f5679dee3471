import type { JournalSlice } from '../../core/store-port.js';
import { isObject, type Anchor } from '../../records/index.js';

/** Why a slice does not continue the journal after an entry. `undefined`: it does. */
export function whyNoContinuation({ entries, start, head }: JournalSlice, at: Anchor): string | undefined {
  if (start.seq > at.seq) return 'a purge has removed entries that were not applied yet';
  if (head.seq < at.seq) return 'the journal went back';
  let last = at;
  for (const entry of entries) {
    if (!isObject(entry) || entry.seq !== last.seq + 1 || entry.prevHash !== last.hash) return 'an entry does not follow the one before';
    last = entry;
  }
  if (last.seq === at.seq && head.seq > at.seq) return 'entries are missing';
  if (last.seq === head.seq && last.hash !== head.hash) return 'the journal holds another entry';
  return undefined;
}
