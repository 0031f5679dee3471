import { ConflictError, StoreError } from '../core/errors.js';
import { invalid, readCount, readPort } from '../core/parse.js';
import type { GrantStore } from '../core/store-port.js';
import type { AuditEntry } from '../records/index.js';
import { yieldToOthers } from '../core/turns.js';
import { askJournal } from './store-reads.js';

/**
 * Yields the entries of a journal that follow `after`, up to the head, and reads them in pages. With `after` 0 it begins at the
 * oldest entry that a purge has left.
 *
 * @param after a seq. Default: 0, which is before the first entry
 * @param pageSize the number of entries of one read, at least 1. Default: 250
 * @throws StoreError `ERR_JIT_STORE` when the store is unreachable, or returns no entry before the head
 * @throws ConflictError `ERR_JIT_CONFLICT` when a purge has trimmed the entries that come next: read again from the start
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, when the first entry is read: the call itself never throws
 * @example
 * for await (const entry of readJournal(store)) console.log(formatEntry(entry));
 */
export async function* readJournal(store: GrantStore, after = 0, pageSize = 250): AsyncGenerator<AuditEntry, void, undefined> {
  const journal = readPort<GrantStore>('store', store, ['journal']);
  const limit = readCount('pageSize', pageSize, 1);
  for (let last = readCount('after', after, 0); ;) {
    const { entries, start, head } = await askJournal(journal, { after: last, limit });
    // A reader that has yielded no entry yet misses nothing: it begins at the oldest entry that is left.
    if (last > 0 && start.seq > last) throw new ConflictError(1, trimmed(last + 1, start.seq));
    const newest = entries.at(-1);
    if (newest === undefined) {
      if (head.seq > Math.max(last, start.seq))
        throw new StoreError('journal', `returned no entry after ${last}, but the head is entry ${head.seq}`);
      return;
    }
    yield* entries;
    // Yielded first: the caller decides about a malformed entry. The loop cannot continue after it, because `last` would not grow.
    if (!(newest.seq > last)) throw new StoreError('journal', `returned a page after entry ${last} that does not advance`);
    last = newest.seq;
    if (last < head.seq) await yieldToOthers();
  }
}

const trimmed = (from: number, to: number): string =>
  `a purge trimmed entries ${from} to ${to} before they were read. The journal is intact: read it again from its start`;

/** Accepts the entries of a journal in any iterable form. @throws InvalidArgumentError */
export function readEntries(argument: string, value: unknown): Iterable<AuditEntry> | AsyncIterable<AuditEntry> {
  const given = typeof value === 'object' && value !== null ? (value as Partial<Record<symbol, unknown>>) : {};
  if ([Symbol.asyncIterator, Symbol.iterator].some((form) => typeof given[form] === 'function')) return value as Iterable<AuditEntry>;
  throw invalid(argument, 'the entries of a journal: an array, or the result of readJournal or readJsonLines', value);
}
