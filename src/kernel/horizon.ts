import { HORIZON, readBookmark } from '../records/bookmark.js';
import type { Ledger } from './ledger.js';

/** The earliest instant that can still be asked about. Epoch milliseconds; 0 while nothing has been purged. */
export async function readHorizon(ledger: Ledger): Promise<number> {
  return readBookmark(await ledger.row(HORIZON.kind, HORIZON.id), 'before');
}
