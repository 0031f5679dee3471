import { CorruptError } from '../../core/errors.js';
import type { AuditEntry, UnlinkedEntry } from '../../records/index.js';
import { encodeJson } from './row-text.js';

const HASH_LENGTH = 64;

/**
 * The start of an entry's JSON: everything except its place in the chain. If another process took that place, only the end
 * of the text is built again.
 */
export function encodeUnlinked({ v, namespace, id, type, at, actor, requestId, grantId, data, digest }: UnlinkedEntry): string {
  return encodeJson('entry', { v, namespace, id, type, at, actor, requestId, grantId, data, digest }).slice(0, -1);
}

/**
 * An entry as stored in Redis: its hash, then the whole entry as JSON. The hash becomes the journal's start when the entry
 * is trimmed.
 */
export const encodeEntry = (unlinked: string, { seq, prevHash, hash }: AuditEntry): string =>
  `${hash}${unlinked},"seq":${seq},"prevHash":"${prevHash}","hash":"${hash}"}`;

/**
 * @param place the seq of the entry, for the error
 * @throws CorruptError when the text is not JSON. The fields are not checked here: `verifyJournal` does that.
 */
export function decodeEntry(text: string, place: number): AuditEntry {
  const { v, namespace, id, type, at, actor, requestId, grantId, data, digest, seq, prevHash, hash } = parse(text, place);
  return { v, namespace, id, type, at, actor, requestId, grantId, data, digest, seq, prevHash, hash };
}

function parse(text: string, place: number): AuditEntry {
  try {
    return JSON.parse(text.slice(HASH_LENGTH)) as AuditEntry;
  } catch {
    throw new CorruptError('entry', String(place), 'is not JSON');
  }
}
