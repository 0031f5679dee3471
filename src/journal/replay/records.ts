import {
  decodeProvisioningChange,
  decodeGrant,
  decodeRequest,
  decodeReuse,
  decodeSubject,
  decodeUsage,
  decodeUse,
  encode,
  makeProvisioningChange,
  makeGrant,
  makeRequest,
  makeReuse,
  makeSubject,
  makeUsage,
  makeUse,
  UNDECIDED,
  type AccessRequest,
  type ProvisioningChange,
  type Grant,
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
}

/**
 * The record that a draft makes. The journal has no metadata, only its hash, so the record has none either.
 *
 * @param drafts all others, which say what a subject owes
 * @throws CorruptError naming the last entry about it, where what entries said makes no record
 */
export function recordOf<Kind extends RecordKind>(kind: Kind, draft: RecordDraft, drafts: RecordDrafts): Records[Kind] {
  try {
    return build(kind, draft, drafts) as Records[Kind];
  } catch {
    throw misfit(draft.seq, `leaves ${kind} ${draft.id} incomplete or malformed`);
  }
}

/** Through the codec, which takes nothing that a store could not hold. */
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
    case 'subject': {
      const { openedForOthers, denied } = given as Subject;
      return decodeSubject(encode(makeSubject({ id, version, unreviewed: drafts.owing(id), openedForOthers, denied })));
    }
  }
}
