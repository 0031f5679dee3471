import type { EntryType } from './entry-types.js';
import type { JsonObject } from './json.js';

/** A position in the journal: a sequence number and the chain's hash there. An exported anchor later proves a truncation. */
export interface Anchor {
  /** The entry's number. 0: before the first entry. */
  readonly seq: number;
  /** 64 lower-case hex digits. */
  readonly hash: string;
}

/** An entry before the store has linked it into the chain. */
export interface UnlinkedEntry {
  /** Format version. */
  readonly v: 1;
  /** The namespace of the journal. */
  readonly namespace: string;
  /** `<change id>.<n>`. A repeated commit or delivery keeps it: drop repeats by it. */
  readonly id: string;
  /** What happened. */
  readonly type: EntryType;
  /** When the transition happened, by the clock of its process: never before the record's last instant. Epoch milliseconds. */
  readonly at: number;
  /** The id that caused it. The engine's own actors begin with `system:`, such as `system:sweeper` and `system:approver`. */
  readonly actor: string;
  /** The request that the entry is about. */
  readonly requestId?: string | undefined;
  /** The grant that the entry is about. */
  readonly grantId?: string | undefined;
  /** Every field that the transition wrote. */
  readonly data: JsonObject;
  /** SHA-256 of the RFC 8785 form of the entry without `digest`, `seq`, `prevHash` and `hash`: 64 lower-case hex digits. */
  readonly digest: string;
}

/** A linked entry of the journal. */
export interface AuditEntry extends UnlinkedEntry {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  /** The hash of the previous entry. For the first entry: 64 zeros. */
  readonly prevHash: string;
  /** `SHA-256(prevHash || uint64be(seq) || digest)`, 64 lower-case hex digits. */
  readonly hash: string;
}
