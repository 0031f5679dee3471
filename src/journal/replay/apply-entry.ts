import { isJitError } from '../../core/errors.js';
import { isObject, type AuditEntry } from '../../records/index.js';
import { misfit } from './misfit.js';
import type { Rebuild } from './rebuild.js';
import { WRITES } from './writes.js';

const UNKNOWN = 'is malformed, or of a type that this version does not know';

/**
 * Writes what the next entry of the journal says into the rebuilt records.
 *
 * @throws CorruptError naming the seq, where the entry doesn't follow from those before it
 */
export function applyEntry(rebuild: Rebuild, entry: AuditEntry): void {
  const seq = rebuild.seq + 1;
  if (!isObject(entry) || entry.seq !== seq) throw misfit(seq, 'is missing or out of order: entries must come in order, without gaps');
  if (entry.v !== 1 || !Object.hasOwn(WRITES, entry.type)) throw misfit(seq, UNKNOWN);
  try {
    WRITES[entry.type](rebuild, entry, entry.data);
  } catch (error) {
    // An entry without the form of its type fails somewhere in its write.
    throw isJitError(error) ? error : misfit(seq, UNKNOWN);
  }
  rebuild.advance();
}
