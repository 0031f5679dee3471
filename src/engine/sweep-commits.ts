import type { Kernel } from '../kernel/kernel.js';
import { recordTime, type Timed, type TimeWork } from '../lifecycle/sweep.js';
import { moment, SWEEPER, type Transition } from '../lifecycle/transition.js';
import { decodeRequest } from '../records/index.js';
import type { SweepTally } from './sweep-report.js';

/** So many commits refused in a row are no rows that cannot be written, but a store that is out of order. */
const MAX_REFUSED = 24;

/** Records what time has made of a chunk of records. Counts what it did, and the records that other processes changed first. */
export async function commitTimeWork(kernel: Kernel, records: readonly Timed[], tally: SweepTally): Promise<void> {
  const done = await committed(kernel, records, tally);
  tally.add(done);
  tally.skipped += records.length - done.length;
}

/**
 * In one commit. A chunk that conflicts is reloaded, then halved, so that a busy record delays only itself. A chunk that the
 * store refuses is halved too, because a row that cannot be written must delay no other.
 */
async function committed(kernel: Kernel, records: readonly Timed[], tally: SweepTally, reloaded = false): Promise<readonly TimeWork[]> {
  // Counted apart from the rows that were read: on a disk, a page and its commit take half a turn each. A few need no turn.
  await tally.turns.spend(2 * records.length);
  const transition = recordTime(records, moment(kernel.clock, SWEEPER));
  const outcome = await tryCommit(kernel, transition, tally);
  if (outcome === 'committed') return transition.result;
  if (outcome === 'conflict' && !reloaded) return committed(kernel, await reload(kernel, records), tally, true);
  if (records.length <= 1) return [];
  const half = records.length >> 1;
  // What cannot be written stays and gathers among what is due first. So the later half goes first: if the pass has to give
  // up, it does so at these rows, with all the rest recorded.
  const later = await committed(kernel, records.slice(half), tally);
  return [...(await committed(kernel, records.slice(0, half), tally)), ...later];
}

/** @throws the store's error, where it refuses so often that it must be out of order */
async function tryCommit(
  { ledger }: Kernel,
  transition: Transition<unknown>,
  tally: SweepTally,
): Promise<'committed' | 'conflict' | 'refused'> {
  try {
    const isCommitted = await ledger.commitTransition(transition);
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
