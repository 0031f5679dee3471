import {
  decodeActivity,
  decodeComment,
  decodeProvisioningChange,
  decodeGrant,
  decodeHolders,
  decodeLocks,
  decodeRequest,
  decodeReuse,
  decodeSubject,
  decodeUsage,
  decodeUse,
  encode,
  makeActivity,
  makeComment,
  makeProvisioningChange,
  makeGrant,
  makeHolders,
  makeLocks,
  makeRequest,
  makeReuse,
  makeSubject,
  makeUsage,
  makeUse,
  UNDECIDED,
  type AccessRequest,
  type Activity,
  type ProvisioningChange,
  type Grant,
  type Holders,
  type Locks,
  type RequestComment,
  type Reuse,
  type StoredRecord,
  type Subject,
  type Usage,
  type Use,
} from '../../records/index.js';
import type { RecordDraft, RecordDrafts, RecordKind } from './drafts.js';
import { misfit } from './misfit.js';

/** The record of each kind. */
interface Records {
  readonly request: AccessRequest;
  readonly grant: Grant;
  readonly usage: Usage;
  readonly use: Use;
  readonly reuse: Reuse;
  readonly provisioning: ProvisioningChange;
  readonly subject: Subject;
  readonly lock: Locks;
  readonly activity: Activity;
  readonly comment: RequestComment;
  readonly holders: Holders;
}

/**
 * The record that results from a draft. It has no metadata, because the journal holds only the hash.
 *
 * @param drafts all drafts, for the pending break-glass reviews of a subject
 * @throws CorruptError naming the last entry about the record, if its entries are incomplete or malformed
 */
export function recordOf<Kind extends RecordKind>(kind: Kind, draft: RecordDraft, drafts: RecordDrafts): Records[Kind] {
  try {
    return build(kind, draft, drafts) as Records[Kind];
  } catch {
    throw misfit(draft.seq, `leaves ${kind} ${draft.id} incomplete or malformed`);
  }
}

/** Encodes and decodes the record, because the codec refuses every record that a store could not hold. */
function build(kind: RecordKind, { id, version, fields }: RecordDraft, drafts: RecordDrafts): StoredRecord {
  const given: unknown = { ...fields, id, version };
  switch (kind) {
    case 'request':
      return decodeRequest(encode(makeRequest({ ...UNDECIDED, ...(given as AccessRequest), metadata: undefined })));
    case 'grant':
      return decodeGrant(encode(makeGrant(given as Grant)));
    case 'usage':
      return decodeUsage(encode(makeUsage(given as Usage)));
    case 'use':
      return decodeUse(encode(makeUse(given as Use)));
    case 'reuse':
      return decodeReuse(encode(makeReuse(given as Reuse)));
    case 'provisioning':
      return decodeProvisioningChange(encode(makeProvisioningChange(given as ProvisioningChange)));
    case 'activity':
      return decodeActivity(encode(makeActivity(given as Activity)));
    case 'comment':
      return decodeComment(encode(makeComment(given as RequestComment)));
    case 'holders':
      return decodeHolders(encode(makeHolders(given as Holders)));
    case 'lock':
      return decodeLocks(encode(makeLocks(given as Locks)));
    case 'subject': {
      const { openedForOthers, denied } = given as Subject;
      return decodeSubject(encode(makeSubject({ id, version, unreviewed: drafts.owing(id), openedForOthers, denied })));
    }
  }
}
