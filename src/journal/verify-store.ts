import { ConflictError } from '../core/errors.js';
import { readOptions, readPort } from '../core/parse.js';
import type { GrantStore } from '../core/store-port.js';
import type { Anchor } from '../records/index.js';
import { askJournal } from './store-reads.js';
import { readAnchor } from './verify.js';
import { Comparison, type RowProblem } from './verify-store/comparison.js';
import { JournalReading, type JournalProblem } from './verify-store/reading.js';

export type { RowProblem, JournalProblem };

/** What {@link verifyStore} found. */
export interface StoreVerification {
  /** The chain holds, each entry follows from those before it, and no row differs from what they say. */
  readonly ok: boolean;
  /** The last entry that was read and found good. Export it, to be able to prove truncation later. */
  readonly head: Anchor;
  /** What is wrong with the journal itself; then no row has been compared, for there is nothing to compare with. */
  readonly problem: JournalProblem | undefined;
  /** How many rows were compared. */
  readonly rows: number;
  /** The rows that are not what the journal says: changed, added, taken away. */
  readonly differences: readonly RowProblem[];
  /** Rows that the journal can't speak for, and why: a purge has trimmed their entries, or they kept changing. Not counted against `ok`. */
  readonly unproven: readonly RowProblem[];
}

/** How often it begins anew because a purge has taken what it was about to read. */
const MAX_RESTARTS = 8;

/**
 * Verifies the journal, replays it, and compares every row with what it says: a row that somebody has changed, added or
 * taken away behind the engine's back is named. Each row is compared as `get`, `find` and `live` give it, so that a second
 * copy which a check reads is verified too: an open grant must be in `live` at its version, and an ended one must not.
 *
 * It may run while others write: what differs is read again until no entry about it has come meanwhile. It reads only.
 *
 * Gotcha: who can write to the store can write a journal anew that says what the rows say. Only `head` shows that, an
 * anchor exported to where they can't write. After a purge has trimmed the journal past it, export a new one.
 * Gotcha: cursors, leases, rows of engines and of accepted rollbacks, and of the horizon's row the version, have no entries: they can't be proven. Reads all rows,
 * asks `live` for each subject and for each pair of subject and scope, and keeps all records in memory.
 *
 * @param options `head`: an anchor exported earlier; the journal must contain it
 * @throws StoreError `ERR_JIT_STORE` when the store could not be asked
 * @throws ConflictError `ERR_JIT_CONFLICT` when purges kept trimming the journal while it was read
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
