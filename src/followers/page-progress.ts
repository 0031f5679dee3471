import type { AuditEntry } from '../records/index.js';

/**
 * Remembers which entries of the last page were sent, so that a page that is delivered again continues after them. In memory
 * only: another process begins at the page's start.
 */
export class PageProgress {
  // By id, not by seq: a sink may be shared by engines of several stores. Only the last page of each namespace is kept, which
  // bounds the memory. A page that is forgotten costs repeats, never an entry.
  readonly #sent = new Map<string, ReadonlySet<string>>();

  /** Passes a page to `send`, in order, one entry at a time. @throws the first error of `send` */
  async through(page: readonly AuditEntry[], send: (entry: AuditEntry) => Promise<void>): Promise<void> {
    const namespace = page[0]?.namespace ?? '';
    const before = this.#sent.get(namespace);
    const sent = new Set<string>();
    this.#sent.set(namespace, sent);
    for (const entry of page) {
      if (before?.has(entry.id) !== true) await send(entry);
      sent.add(entry.id);
    }
  }
}
