import { CorruptError } from '../errors.js';
import type { JsonObject, Row } from '../ports.js';
import { isInstant } from '../time.js';

/** A row that holds a number for the engine itself: a follower's cursor, the purge horizon. */
export function bookmark(kind: 'cursor' | 'horizon', id: string, version: number, body: JsonObject): Row {
  const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined };
  return { kind, id, version, open: true, ...empty, body };
}

/** Reads one number of such a row; 0 where there is no row yet. */
export function readBookmark(row: Row | undefined, field: string): number {
  if (row === undefined) return 0;
  const value = row.body[field];
  if (!isInstant(value)) throw new CorruptError(row.kind, row.id, 'is not a row that this version writes');
  return value;
}
