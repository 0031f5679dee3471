import { ConflictError } from '../core/errors.js';
import { readOptions, readPort } from '../core/parse.js';
import type { GrantStore } from '../core/store-port.js';
import type { Anchor } from '../records/index.js';
import { askJournal } from './store-reads.js';
import { readAnchor } from './verify.js';
import { Comparison, type RowProblem } from './verify-store/comparison.js';
import { JournalReading, type JournalProblem } from './verify-store/reading.js';

export type { RowProblem, JournalProblem };

/** The result of {@link verifyStore}. */
export interface StoreVerification {
  /** The chain is intact, each entry follows from the entries before it, and no row differs from the journal. */
  readonly ok: boolean;
  /** The last verified entry. Export it: a later `verifyStore` can then prove a truncation. */
  readonly head: Anchor;
  /** The first problem of the journal itself. The rows are then not compared, because the journal proves nothing. */
  readonly problem: JournalProblem | undefined;
  /** The number of compared rows. */
  readonly rows: number;
  /** The rows that differ from the journal: changed, added or removed. */
  readonly differences: readonly RowProblem[];
  /** The rows that the journal cannot prove: a purge has trimmed their entries, or they kept changing. They do not affect `ok`. */
  readonly unproven: readonly RowProblem[];
}

/** How often `verifyStore` starts again because a purge has trimmed entries that it had not read yet. */
const MAX_RESTARTS = 8;

/**
 * Verifies the journal, replays it, and compares every row with the result. It names each row that was changed, added or
 * removed without the engine. It compares each row as `get`, `find` and `live` return it, because a store may keep a
 * second copy for checks. `live` must return an open grant at its version, and must not return an ended one.
 *
 * It may run while other processes write. If a row differs, it reads the row again, until no new entry is about that row.
 * It writes nothing.
 *
 * Gotcha: an attacker who can write to the store can replace the journal by one that agrees with the rows. Only `head` shows
 * that: an anchor exported to a place where the attacker cannot write. Export a new one after a purge has trimmed past it.
 *
 * Gotcha: some rows have no entries, so they cannot be proven: cursors, leases, engines' configurations, accepted rollbacks,
 * and the version of the horizon's row.
 *
 * Performance: it reads all rows, calls `live` for each subject and for each pair of subject and scope, and keeps all records
 * in memory.
 *
 * @param options.head an anchor exported earlier, which the journal must contain. Default: none; a truncation is not found
 * @throws StoreError `ERR_JIT_STORE` when the store is unreachable
 * @throws ConflictError `ERR_JIT_CONFLICT` when purges kept trimming the journal while `verifyStore` read it
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const { ok, differences } = await verifyStore(store, { head: exported });
 */
export async function verifyStore(store: GrantStore, options: { readonly head?: Anchor | undefined } = {}): Promise<StoreVerification> {
  const read = readPort<GrantStore>('store', store, ['get', 'find', 'live', 'journal']);
  const given = readOptions('options', options, ['head']);
  const head = given.head === undefined ? undefined : readAnchor('head', given.head);
  for (let tries = 0; tries < MAX_RESTARTS; tries++) {
    const { start } = await askJournal(read, { after: 0, limit: 1 });
    const reading = new JournalReading(read, start, head);
    const problem = await reading.on();
    if (problem === 'trimmed') continue;
    if (problem !== undefined) return found(reading, problem);
    const comparison = new Comparison(read, reading);
    const later = await comparison.run();
    if (later !== 'trimmed') return found(reading, later, comparison);
  }
  throw new ConflictError(
    MAX_RESTARTS,
    `purges trimmed the journal ${MAX_RESTARTS} times while it was read; verify again when no purge runs`,
  );
}

function found(reading: JournalReading, problem: JournalProblem | undefined, comparison?: Comparison): StoreVerification {
  const { rows = 0, differences = [], unproven = [] } = comparison ?? {};
  return Object.freeze({
    ok: problem === undefined && differences.length === 0,
    head: reading.head,
    problem,
    rows,
    differences,
    unproven,
  });
}
