import type { AccessRequest, AuditEntry, Grant, Review } from '../../src/index.js';

/** What the journal alone says: the reader's own replay, which shares no code with the engine. */
export interface Folded {
  readonly requests: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly grants: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** Rebuilds every request and every grant from entries alone (L27). Throws on an entry that doesn't fit what came before. */
export function fold(entries: readonly AuditEntry[]): Folded {
  const requests = new Map<string, Record<string, unknown>>();
  const grants = new Map<string, Record<string, unknown>>();
  for (const { type, requestId = '', grantId = '', data, seq } of entries) {
    if (type === 'attempt.refused' || type === 'journal.purged') continue;
    const [map, id, identity] = type.startsWith('grant.')
      ? ([grants, grantId, { kind: 'grant', id: grantId, requestId }] as const)
      : ([requests, requestId, { kind: 'request', id: requestId }] as const);
    const before = map.get(id);
    const isFirst = type === 'request.created' || type === 'grant.issued';
    if (isFirst !== (before === undefined)) throw new Error(`entry ${seq} (${type}) does not follow what is on record`);
    const { review, ...written } = data as Record<string, unknown> & { review?: Review };
    const version = before?.['version'] ?? 0;
    // One transition may write several entries about one record, all of the version that it made.
    if (written['version'] !== Number(version) + 1 && written['version'] !== version) throw new Error(`entry ${seq} skips a version`);
    const next: Record<string, unknown> = { ...(before ?? identity), ...written };
    if (review !== undefined) {
      const others = (before?.['reviews'] as readonly Review[]).filter((other) => other.reviewer !== review.reviewer);
      next['reviews'] = [...others, review];
    }
    map.set(id, next);
  }
  return { requests, grants };
}

/** A record of the store in the form in which the fold has it: plain JSON, of metadata nothing. */
export function plain(record: AccessRequest | Grant): Record<string, unknown> {
  return JSON.parse(JSON.stringify({ ...record, metadata: undefined })) as Record<string, unknown>;
}

/** The fold's record without the hash that stands for the metadata. */
export function withoutMetadata(folded: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> | undefined {
  return folded && (JSON.parse(JSON.stringify({ ...folded, metadataHash: undefined })) as Record<string, unknown>);
}
