import { canonicalJson, foreignFieldOf } from '../../journal/link.js';
import type { AuditEntry } from '../../records/index.js';
import { isInstant } from '../../core/instant.js';

/**
 * Ends a line that a crash or a full disk cut short. No JSON text ends in it, so a reader cannot mistake one for the other. It is
 * only ever appended: truncating the file instead could remove what another process is writing.
 */
export const TORN = '#torn';

/** An entry as a line: its RFC 8785 form. It escapes a line break inside a text as `\n`, so each line is one entry. */
export function toLine(entry: AuditEntry): string {
  return `${canonicalJson(fieldsOf(entry))}\n`;
}

/**
 * The entry of a line, or the problem of the line. A line counts only in the canonical form of its entry. With a duplicate field,
 * an unknown field or other spacing, a person could read something else than the check does.
 */
export function parseLine(text: string): AuditEntry | { readonly problem: string } {
  let parsed: AuditEntry;
  let read: AuditEntry;
  try {
    parsed = JSON.parse(text) as AuditEntry;
    read = fieldsOf(parsed);
  } catch {
    return { problem: 'is not a JSON object' };
  }
  if ((read.v as unknown) !== 1) return { problem: 'is not an entry of version 1' };
  if (!isSound(read)) return { problem: 'has a field that is missing or of the wrong kind' };
  const foreign = foreignFieldOf(parsed);
  if (foreign !== undefined) return { problem: foreign };
  if (!isCanonical(read, text)) return { problem: 'is not the canonical form of an entry' };
  return Object.freeze(read);
}

function fieldsOf(entry: AuditEntry): AuditEntry {
  return {
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
    seq: entry.seq,
    prevHash: entry.prevHash,
    hash: entry.hash,
  };
}

function isSound(entry: AuditEntry): boolean {
  const { namespace, id, type, at, actor, requestId, grantId, digest, seq, prevHash, hash } = entry;
  const data: unknown = entry.data;
  return (
    [namespace, id, type, actor].every((text: unknown) => typeof text === 'string') &&
    [requestId, grantId].every((text: unknown) => text === undefined || typeof text === 'string') &&
    [digest, prevHash, hash].every((hex: unknown) => typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex)) &&
    [at, seq].every(isInstant) &&
    typeof data === 'object' &&
    data !== null &&
    !Array.isArray(data)
  );
}

/** False also for a value that is nested so deeply that walking it exhausts the stack. */
function isCanonical(entry: AuditEntry, text: string): boolean {
  try {
    return canonicalJson(entry) === text;
  } catch {
    return false;
  }
}
