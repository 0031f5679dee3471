import type { AuditEntry, GrantStore } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { entriesOf } from './an-engine.js';

const KINDS = ['request', 'grant', 'usage', 'use', 'subject'];

/** Every record that an engine keeps, and the journal without the attempts that were refused: to compare before and after. */
export async function wholeStore(store: GrantStore): Promise<{ rows: readonly Row[]; journal: readonly AuditEntry[] }> {
  const pages = await Promise.all(KINDS.map((kind) => store.find({ kind, limit: 1_000 })));
  const journal = await entriesOf(store);
  return { rows: pages.flatMap((page) => page.items), journal: journal.filter((entry) => entry.type !== 'attempt.refused') };
}
