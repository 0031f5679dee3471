import { CorruptError } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import type { Expectation, Row } from '../core/store-port.js';
import { isObject } from './index.js';
import { isInstant } from '../core/instant.js';

/** A row that holds a number for the engine itself: a follower's cursor, the purge horizon, a lease, which engine is
 * at work, or which rollbacks were accepted. It can't be rebuilt from entries. */
export function bookmark(kind: 'cursor' | 'horizon' | 'lease' | 'engine' | 'accepted', id: string, version: number, body: JsonObject): Row {
  const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
  return { kind, id, version, open: true, createdAt: 0, ...empty, body };
}

/** Reads one number of such a row; 0 where there is no row yet. */
export function readBookmark(row: Row | undefined, field: string): number {
  if (row === undefined) return 0;
  const value = isObject(row) && isObject(row.body) ? row.body[field] : undefined;
  if (!isInstant(value)) throw new CorruptError('bookmark', field, 'is not a row that this version writes');
  return value;
}

/**
 * The row that a purge writes when it moves the horizon or trims the journal, and a follower when it makes its cursor:
 * each compares what the other writes, so that no entry is trimmed before a follower that the purge could not see yet.
 */
export const HORIZON = { kind: 'horizon', id: 'horizon' } as const;

/** Writes the horizon's row anew, in the same commit as what must not pass a purge unseen. */
export function touchHorizon(row: Row | undefined, before: number): { readonly expect: Expectation; readonly put: Row } {
  const version = row?.version ?? 0;
  return { expect: { ...HORIZON, version }, put: bookmark(HORIZON.kind, HORIZON.id, version + 1, { before }) };
}

/** Stands for the cursors of sinks that have none yet, and holds back every purge as they would. */
export const hold = (changeId: string, sinks: readonly string[]): Row => bookmark('cursor', `hold:${changeId}`, 1, { seq: 0, sinks });

/** The sinks that a row of kind `cursor` stands for; `undefined`: it is the cursor of one sink. */
export function heldSinks(row: Row): readonly JsonValue[] | undefined {
  const sinks = isObject(row) && isObject(row.body) ? row.body['sinks'] : undefined;
  return Array.isArray(sinks) ? (sinks as readonly JsonValue[]) : undefined;
}

/** Holds that a process has left behind: each sink that they stood for has a cursor of its own. */
export function spentHolds(cursors: readonly Row[]): readonly Row[] {
  const ids = new Set<unknown>(cursors.map((row) => (isObject(row) ? row.id : undefined)));
  return cursors.filter((row) => heldSinks(row)?.every((sink) => ids.has(sink)) === true);
}
