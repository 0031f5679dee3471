import canonicalize from 'canonicalize';
import { invalid, readCount, show } from '../core/parse.js';
import { sha256Hex } from '../core/sha256.js';
import { toUtf8 } from '../core/utf8.js';
import type { Anchor, AuditEntry, UnlinkedEntry } from '../records/index.js';

/** The anchor before the first entry of every journal: seq 0, 32 zero bytes. */
export const GENESIS: Anchor = /* @__PURE__ */ Object.freeze({ seq: 0, hash: /* @__PURE__ */ '0'.repeat(64) });

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
  return sha256Hex(toUtf8(canonicalJson(value)));
}

/** The digest of an entry: it covers the fields that the transition wrote, not the position in the journal. */
export function digestOfEntry(entry: Omit<UnlinkedEntry, 'digest'>): string {
  const { v, namespace, id, type, at, actor, requestId, grantId, data } = entry;
  return digestOf({ v, namespace, id, type, at, actor, requestId, grantId, data });
}

const FIELDS: Readonly<Record<keyof AuditEntry, true>> = {
  v: true,
  namespace: true,
  id: true,
  type: true,
  at: true,
  actor: true,
  requestId: true,
  grantId: true,
  data: true,
  digest: true,
  seq: true,
  prevHash: true,
  hash: true,
};

/**
 * The problem of an entry with a field that no entry has. Neither the digest nor the hash covers such a field, so a reader of the
 * entry would take it as verified.
 */
export function foreignFieldOf(entry: object): string | undefined {
  const field = Reflect.ownKeys(entry).find((key) => !Object.hasOwn(FIELDS, key));
  return field === undefined ? undefined : `has a field that no entry has: ${show(field)}`;
}

/** The bytes that are hashed for one entry. Shared by all of them: the hash is taken before another entry is written. */
const hashed = /* @__PURE__ */ new Uint8Array(72);
const bytes = /* @__PURE__ */ (() => new DataView(hashed.buffer))();

/** The hash of an entry in the chain: `SHA-256(hash(n-1) || uint64be(n) || digest(n))`. */
export function hashOfEntry(prevHash: string, seq: number, digest: string): string {
  setHash(0, 'prevHash', prevHash);
  readCount('seq', seq, 1);
  // A bigint of each seq would cost more than the hash. `setUint32` rounds down, and takes the lowest 32 bits.
  bytes.setUint32(32, seq / 2 ** 32);
  bytes.setUint32(36, seq);
  setHash(40, 'digest', digest);
  return sha256Hex(hashed);
}

/** Requires all 32 bytes: a short hash would be padded with zeros, and two chains would share a link. */
function setHash(at: number, argument: string, hash: string): void {
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw invalid(argument, '64 lower-case hex digits', hash);
  for (let i = 0; i < 32; i++) hashed[at + i] = digitAt(hash, 2 * i) * 16 + digitAt(hash, 2 * i + 1);
}

function digitAt(hash: string, i: number): number {
  const code = hash.charCodeAt(i);
  // The digits 0 to 9 begin at 48, and a to f at 97.
  return code > 57 ? code - 87 : code - 48;
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
