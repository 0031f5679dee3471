import { hold } from '../../records/bookmark.js';
import type { Change, RowKey } from '../../core/store-port.js';

/** The most hold rows that are remembered, while no change is committed. A purge removes the rows of which the oldest are forgotten. */
const MAX_SENT = 1_000;

/**
 * Protects this engine's entries from every purge while one of its shared sinks has no cursor yet. A change that cannot wait for
 * the cursor writes a hold row in its place. A purge of any process sees that row as soon as it can see the entries (L33).
 */
export class JournalHold {
  /** The hold rows that were sent, by id: the sinks of each, and whether the store is known to have it. */
  readonly #sent = new Map<string, { readonly sinks: readonly string[]; isCommitted: boolean }>();

  /** @param sinks the names of the sinks whose cursor may be missing */
  addTo(change: Change, sinks: readonly string[]): Change {
    const isHeld = (sink: string): boolean => [...this.#sent.values()].some((row) => row.isCommitted && row.sinks.includes(sink));
    if (change.append.length === 0 || sinks.every(isHeld)) return change;
    // Each change has a hold row of its own, so that concurrent changes do not conflict over one row.
    const row = hold(change.id, sinks);
    if (this.#sent.size >= MAX_SENT) this.#sent.delete(this.#sent.keys().next().value as string);
    this.#sent.set(row.id, { sinks, isCommitted: false });
    const { kind, id } = row;
    return { ...change, expect: [...change.expect, { kind, id, version: 0 }], put: [...change.put, row] };
  }

  committed({ put }: Change): void {
    for (const { id } of put) {
      const row = this.#sent.get(id);
      if (row !== undefined) row.isCommitted = true;
    }
  }

  /** Returns and forgets the keys of the hold rows that the store may have. The next purge removes a row that the caller does not. */
  take(): readonly RowKey[] {
    const keys = [...this.#sent.keys()].map((id) => ({ kind: 'cursor', id }));
    this.#sent.clear();
    return keys;
  }
}
