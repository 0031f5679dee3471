import type { AuditEntry } from '../records/index.js';

/**
 * What of the last page went out already, so that a page that comes again goes on behind it. In memory only: another
 * process begins at the page's start.
 */
export class PageProgress {
  // By id, not by seq: a sink may be shared by engines of several stores. Of each namespace only the last page, so that
  // it doesn't grow; forgetting costs repeats, never an entry.
  readonly #gone = new Map<string, ReadonlySet<string>>();

  /** Hands a page to `send`, in order, one entry at a time. What it rejects with ends that, and is passed on. */
  async through(page: readonly AuditEntry[], send: (entry: AuditEntry) => Promise<void>): Promise<void> {
    const namespace = page[0]?.namespace ?? '';
    const before = this.#gone.get(namespace);
    const gone = new Set<string>();
    this.#gone.set(namespace, gone);
    for (const entry of page) {
      if (before?.has(entry.id) !== true) await send(entry);
      gone.add(entry.id);
    }
  }
}
