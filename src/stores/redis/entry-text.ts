import { CorruptError } from '../../core/errors.js';
import type { AuditEntry, UnlinkedEntry } from '../../records/index.js';
import { encodeJson } from './row-text.js';

const HASH_LENGTH = 64;

/** All of an entry but its place, as the beginning of its JSON: a change whose link was overtaken needs only another end. */
export function encodeUnlinked({ v, namespace, id, type, at, actor, requestId, grantId, data, digest }: UnlinkedEntry): string {
  return encodeJson('entry', { v, namespace, id, type, at, actor, requestId, grantId, data, digest }).slice(0, -1);
}

/** An entry as it lies in Redis: its hash, which becomes the journal's start when it is trimmed, then the whole as JSON. */
export const encodeEntry = (unlinked: string, { seq, prevHash, hash }: AuditEntry): string =>
  `${hash}${unlinked},"seq":${seq},"prevHash":"${prevHash}","hash":"${hash}"}`;

/**
 * @param place the seq that it lies under, for the error
 * @throws CorruptError where there is no JSON: what the fields are worth, `verifyJournal` says
 */
export function decodeEntry(text: string, place: number): AuditEntry {
  const { v, namespace, id, type, at, actor, requestId, grantId, data, digest, seq, prevHash, hash } = parse(text, place);
  return { v, namespace, id, type, at, actor, requestId, grantId, data, digest, seq, prevHash, hash };
}

function parse(text: string, place: number): AuditEntry {
  try {
    return JSON.parse(text.slice(HASH_LENGTH)) as AuditEntry;
  } catch {
    throw new CorruptError('entry', String(place), 'is no JSON');
  }
}
