import { hold } from '../records/bookmark.js';
import type { Change, RowKey } from '../core/store-port.js';

/**
 * Keeps entries of this engine from every purge while one of its shared sinks has no cursor yet: a change that cannot wait for
 * the cursor brings a row that stands for it. A purge of any process sees that row as soon as it can see the entries (L33).
 */
export class JournalHold {
  /** The rows that were sent, by id, with the sinks of each, and whether the store is known to have it. */
  readonly #sent = new Map<string, { readonly sinks: readonly string[]; isCommitted: boolean }>();

  /** @param sinks those whose cursor may be missing */
  addTo(change: Change, sinks: readonly string[]): Change {
    const isHeld = (sink: string): boolean => [...this.#sent.values()].some((row) => row.isCommitted && row.sinks.includes(sink));
    if (change.append.length === 0 || sinks.every(isHeld)) return change;
    // A new id for each change: no two changes that are under way conflict over it.
    const row = hold(change.id, sinks);
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

  /** The rows that the store may have. They are forgotten here: what is not removed is removed by the next purge. */
  take(): readonly RowKey[] {
    const keys = [...this.#sent.keys()].map((id) => ({ kind: 'cursor', id }));
    this.#sent.clear();
    return keys;
  }
}
