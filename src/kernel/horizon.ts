import { HORIZON, readBookmark } from '../records/bookmark.js';
import type { Ledger } from './ledger.js';

/** The earliest instant that a caller can still ask about. Epoch milliseconds; 0 until the first purge. */
export async function readHorizon(ledger: Ledger): Promise<number> {
  return readBookmark(await ledger.row(HORIZON.kind, HORIZON.id), 'before');
}
