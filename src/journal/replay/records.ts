import { encode, KINDS, type RecordOf, type StoredRecord } from '../../records/index.js';
import type { RecordDraft, RecordDrafts, RecordKind } from './drafts.js';
import { misfit } from './misfit.js';

/** A kind, for any of its records. */
interface AnyKind {
  readonly make: (fields: object) => StoredRecord;
  readonly decode: (typeof KINDS)[RecordKind]['decode'];
}

/**
 * The record that results from a draft. It has no metadata, because the journal holds only the hash. The codec refuses every record
 * that a store could not hold.
 *
 * @param drafts all drafts, for the pending break-glass reviews of a subject
 * @throws CorruptError naming the last entry about the record, where its entries are incomplete or malformed
 */
export function recordOf<Kind extends RecordKind>(
  kind: Kind,
  { id, version, fields, seq }: RecordDraft,
  drafts: RecordDrafts,
): RecordOf<Kind> {
  const { make, decode } = KINDS[kind] as unknown as AnyKind;
  const unreviewed = kind === 'subject' ? { unreviewed: drafts.owing(id) } : {};
  try {
    return decode(encode(make({ ...fields, ...unreviewed, id, version, metadata: undefined }))) as RecordOf<Kind>;
  } catch {
    throw misfit(seq, `leaves ${kind} ${id} incomplete or malformed`);
  }
}
