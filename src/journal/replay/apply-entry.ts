import { isJitError } from '../../core/errors.js';
import { isObject, type AuditEntry } from '../../records/index.js';
import { foreignFieldOf } from '../link.js';
import { misfit } from './misfit.js';
import type { Rebuild } from './rebuild.js';
import { WRITES } from './writes.js';

const UNKNOWN = 'is malformed or of an unknown type';

/**
 * Applies the next entry of the journal to the rebuilt records.
 *
 * @throws CorruptError naming the seq, if the entry does not follow from the entries before it
 */
export function applyEntry(rebuild: Rebuild, entry: AuditEntry): void {
  const seq = rebuild.seq + 1;
  if (!isObject(entry) || entry.seq !== seq) throw misfit(seq, 'is missing or out of order');
  if (entry.v !== 1 || !Object.hasOwn(WRITES, entry.type)) throw misfit(seq, UNKNOWN);
  const foreign = foreignFieldOf(entry);
  if (foreign !== undefined) throw misfit(seq, foreign);
  try {
    WRITES[entry.type](rebuild, entry, entry.data);
  } catch (error) {
    // A malformed entry of a known type fails in its write.
    throw isJitError(error) ? error : misfit(seq, UNKNOWN);
  }
  rebuild.advance();
}
