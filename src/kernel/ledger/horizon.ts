import { PurgedError } from '../../core/errors.js';
import { HORIZON, readBookmark } from '../../records/bookmark.js';
import type { Ledger } from './ledger.js';

/** The earliest instant that a caller can still ask about. Epoch milliseconds; 0 until the first purge. */
export async function readHorizon(ledger: Ledger): Promise<number> {
  return readBookmark(await ledger.row(HORIZON.kind, HORIZON.id), 'before');
}

/**
 * Refuses an answer about an instant before the horizon: a purge has removed records of that time. Call it after the rows are
 * read, so that a purge in between makes the query fail instead of answering from half of the rows.
 *
 * @throws PurgedError
 */
export async function refusePurged(ledger: Ledger, at: number): Promise<void> {
  const horizon = await readHorizon(ledger);
  if (at < horizon) throw new PurgedError(horizon);
}
