import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import { invalid, readCount } from '../core/parse.js';
import type { Anchor, AuditEntry, UnlinkedEntry } from '../records/index.js';

const utf8 = new TextEncoder();

/** The anchor before the first entry of every journal: seq 0, 32 zero bytes. */
export const GENESIS: Anchor = Object.freeze({ seq: 0, hash: '0'.repeat(64) });

/**
 * Whether a journal went back behind an entry, or forked before it. If so, the store answers `'behind'` (L40).
 *
 * @param hashAt the hash of a kept entry, by its seq
 */
export function isBehind(
  knows: Anchor | undefined,
  journal: { readonly start: Anchor; readonly head: Anchor },
  hashAt: (seq: number) => string | undefined,
): boolean {
  if (knows === undefined || knows.seq <= journal.start.seq) return false;
  return knows.seq > journal.head.seq || hashAt(knows.seq) !== knows.hash;
}

/** The RFC 8785 form of a JSON value: equal values have one text, in any order of their fields. */
export function canonicalJson(value: unknown): string {
  return canonicalize(value) as string;
}

/** SHA-256 of the RFC 8785 form of a JSON value, as 64 lower-case hex digits. */
export function digestOf(value: unknown): string {
  return bytesToHex(sha256(utf8.encode(canonicalJson(value))));
}

/** The digest of an entry: it covers the fields that the transition wrote, not the position in the journal. */
export function digestOfEntry(entry: Omit<UnlinkedEntry, 'digest'>): string {
  const { v, namespace, id, type, at, actor, requestId, grantId, data } = entry;
  return digestOf({ v, namespace, id, type, at, actor, requestId, grantId, data });
}

/** The hash of an entry in the chain: `SHA-256(hash(n-1) || uint64be(n) || digest(n))`. */
export function hashOfEntry(prevHash: string, seq: number, digest: string): string {
  const bytes = new Uint8Array(72);
  bytes.set(readHash('prevHash', prevHash), 0);
  new DataView(bytes.buffer).setBigUint64(32, BigInt(readCount('seq', seq, 1)));
  bytes.set(readHash('digest', digest), 40);
  return bytesToHex(sha256(bytes));
}

/** Requires all 32 bytes: a short hash would be padded with zeros, and two chains would share a link. */
function readHash(argument: string, hash: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw invalid(argument, '64 lower-case hex digits', hash);
  return hexToBytes(hash);
}

/**
 * Links entries to the chain after `head`. A store computes nothing else of an entry. The function is synchronous, so that a
 * store awaits no foreign code while it holds the head.
 *
 * @param head the newest anchor of the journal
 * @param entries in the order of the change
 * @returns the linked entries, frozen. The `seq` and `hash` of the last one are the new head.
 * @throws InvalidArgumentError when a hash or digest is not 64 hex digits, or a seq is not a whole number from 1
 */
export function link(head: Anchor, entries: readonly UnlinkedEntry[]): readonly AuditEntry[] {
  let { seq, hash } = head;
  return entries.map((entry) => {
    const prevHash = hash;
    hash = hashOfEntry(prevHash, ++seq, entry.digest);
    return Object.freeze({
      v: entry.v,
      namespace: entry.namespace,
      id: entry.id,
      type: entry.type,
      at: entry.at,
      actor: entry.actor,
      requestId: entry.requestId,
      grantId: entry.grantId,
      data: entry.data,
      digest: entry.digest,
      seq,
      prevHash,
      hash,
    });
  });
}
