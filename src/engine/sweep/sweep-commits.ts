import type { Kernel } from '../../kernel/kernel.js';
import { fitsChange } from '../../kernel/ledger/fits-change.js';
import { loadReadableLocks } from '../../kernel/loading/locks.js';
import type { LocksContext } from '../../lifecycle/lock.js';
import { recordTime, workOn, type Timed, type TimeWork } from '../../lifecycle/sweep.js';
import { moment, SWEEPER, type Transition } from '../../lifecycle/transition.js';
import { decodeRequest } from '../../records/index.js';
import type { SweepTally } from './sweep-report.js';

/** After more refused commits in a row than this, the failure is the store's, not that of single rows. */
const MAX_REFUSED = 24;

/** Records the transitions that time has caused in a chunk of records. Counts them, and the records that it could not write. */
export async function commitTimeWork(kernel: Kernel, records: readonly Timed[], tally: SweepTally): Promise<void> {
  const done = await committed(kernel, records, tally);
  tally.add(done);
  tally.skipped += records.length - done.length;
}

/**
 * Writes a chunk in one commit. It reloads a chunk that conflicts, then halves it, so that a busy record delays only itself.
 * It also halves a chunk that the store refuses or cannot take, because a row that cannot be written must delay no other.
 */
async function committed(kernel: Kernel, records: readonly Timed[], tally: SweepTally, reloaded = false): Promise<readonly TimeWork[]> {
  // Counts the writes separately from the reads. On a disk, the commit of a full chunk takes about as long as the read of its
  // page. Both count twice their rows, so the two do not share one turn of the event loop (L42).
  await tally.turns.spend(2 * records.length);
  const locks = await locksForStarts(kernel, records);
  const transition = recordTime(records, moment(kernel.clock, SWEEPER), locks);
  const isTooLarge = records.length > 1 && kernel.ledger.store.maxChange !== undefined && !fitsChange(kernel, transition);
  const outcome = isTooLarge ? 'refused' : await tryCommit(kernel, transition, tally);
  if (outcome === 'committed') return transition.result;
  if (outcome === 'conflict' && !reloaded) return committed(kernel, await reload(kernel, records), tally, true);
  if (records.length <= 1) return [];
  const half = records.length >> 1;
  // Rows that cannot be written stay due, so they gather at the front. Writing the later half first means that a pass that
  // gives up at these rows has recorded all others.
  const later = await committed(kernel, records.slice(half), tally);
  return [...(await committed(kernel, records.slice(0, half), tally)), ...later];
}

/** The locks, if a start is due. While they are unreadable, no start is recorded, and everything else is. */
async function locksForStarts(kernel: Kernel, records: readonly Timed[]): Promise<LocksContext | undefined> {
  const now = moment(kernel.clock, SWEEPER);
  if (!records.some((record) => 'grant' in record && workOn(record, now) === 'started')) return undefined;
  return loadReadableLocks(kernel, 'sweep');
}

/** @throws the store's error, after more than {@link MAX_REFUSED} refused commits in a row */
async function tryCommit(
  { ledger }: Kernel,
  transition: Transition<unknown>,
  tally: SweepTally,
): Promise<'committed' | 'conflict' | 'refused'> {
  try {
    const isCommitted = await ledger.commit(transition);
    tally.refusedInARow = 0;
    return isCommitted ? 'committed' : 'conflict';
  } catch (error) {
    tally.refuse(error);
    if (tally.refusedInARow > MAX_REFUSED) throw error;
    return 'refused';
  }
}

async function reload({ ledger, settings }: Kernel, records: readonly Timed[]): Promise<readonly Timed[]> {
  const grants = records.flatMap((record) => ('grant' in record ? record.grant.id : []));
  const requests = records.flatMap((record) => ('grant' in record ? [] : { kind: 'request', id: record.id }));
  const rows = (await ledger.rows(requests)).filter((row) => row !== undefined);
  return [...(await ledger.grantsWithUsage(grants)), ...settings.decodeAll(rows, decodeRequest)];
}
